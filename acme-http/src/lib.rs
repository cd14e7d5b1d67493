//! acmekit.
