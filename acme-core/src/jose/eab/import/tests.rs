//! Specification of the import by example.
