//! acmekit examples.
