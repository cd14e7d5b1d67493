//! A testing CA.
