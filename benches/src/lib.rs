//! acmekit benches.
