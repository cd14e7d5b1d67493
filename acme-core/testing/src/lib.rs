//! A sans-IO ACME (RFC 8555) certificate authority for tests: virtual clock, one seed, strict checks.
//!
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod account;
mod application;
mod authorization;
mod binding;
mod ca;
mod caa;
mod cause;
mod certificate;
mod config;
mod credential;
mod csr;
mod csr_rules;
mod entropy;
mod failures;
pub mod fault;
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
mod preauthorization;
mod problem;
mod replacement;
mod reply;
mod rfc3339;
mod routing;
#[cfg(feature = "server")]
pub mod server;
mod subdomains;
mod trial;
mod validation;
mod violation;

pub use ca::TestingCa;
pub use caa::CaaAnswer;
pub use cause::RefusalCause;
pub use certificate::Revocation;
pub use config::{
    CertificateKey, ChallengeType, Config, ErrorText, ExternalAccount, ExternalAccountPolicy,
    MacAlgorithm, PluginChallenge, RetryAfter, SubjectAttribute, SubjectRule,
};
pub use entropy::SeededEntropy;
pub use log::{LogEntry, RequestCounts, RequestKind};
pub use validation::{
    FailureReason, Validation, ValidationId, ValidationOutcome, ValidationTarget,
};
pub use violation::Violation;
