//! A sans-IO ACME (RFC 8555) certificate authority for tests: virtual clock, one seed, strict checks.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod account;
mod authorization;
mod binding;
mod ca;
mod certificate;
mod config;
mod csr;
mod entropy;
mod finalize;
mod issue;
mod json;
mod jws;
mod key_change;
mod keys;
mod log;
mod names;
mod nonce;
mod order;
mod problem;
mod reply;
mod rfc3339;
mod routing;
#[cfg(feature = "server")]
pub mod server;
mod validation;
mod violation;

pub use ca::TestingCa;
pub use certificate::Revocation;
pub use config::{
    ChallengeType, Config, ExternalAccount, ExternalAccountPolicy, MacAlgorithm, RetryAfter,
};
pub use entropy::SeededEntropy;
pub use log::{LogEntry, RequestCounts, RequestKind};
pub use validation::{
    FailureReason, Validation, ValidationId, ValidationOutcome, ValidationTarget,
};
pub use violation::Violation;
