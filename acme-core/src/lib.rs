//! Sans-IO ACME client core.
#![forbid(unsafe_code)]
pub mod crypto;
pub mod entropy;
pub mod time;
pub mod types;
