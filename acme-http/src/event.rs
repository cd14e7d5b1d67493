//! What an observer hears while an operation runs.

use core::time::Duration;

use acmekit_core::action::{RequestKind, TransportFailure, WaitReason};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;

/// One step of an operation, for a progress bar or a log. Nothing in it is secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A request is sent.
    #[non_exhaustive]
    Request {
        /// What it is for.
        kind: RequestKind,
    },
    /// An answer has come.
    #[non_exhaustive]
    Answer {
        /// What the request was for.
        kind: RequestKind,
        /// The HTTP status.
        status: u16,
        /// The version of HTTP.
        version: http::Version,
        /// The time between the two.
        elapsed: Duration,
    },
    /// A request has no answer; it may be repeated.
    #[non_exhaustive]
    NoAnswer {
        /// What the request was for.
        kind: RequestKind,
        /// Why.
        failure: &'a TransportFailure,
    },
    /// A proof of control is in place.
    #[non_exhaustive]
    Published {
        /// For this name or address.
        identifier: &'a Identifier,
        /// By this kind of challenge.
        challenge: &'a ChallengeType,
    },
    /// The proofs are being removed.
    #[non_exhaustive]
    Withdrawing {
        /// For this many names and addresses.
        identifiers: usize,
    },
    /// There is nothing to do but wait.
    #[non_exhaustive]
    Waiting {
        /// What for.
        reason: WaitReason,
        /// Until when, at the latest.
        until: Timestamp,
    },
}

/// Called with each event, in the task that runs the operation; must be quick.
pub(crate) type Observer = dyn Fn(&Event<'_>) + Send + Sync;
