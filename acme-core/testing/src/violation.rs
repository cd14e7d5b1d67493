//! What the client under test did wrong, by requirement.

use core::fmt;

use acmekit_core::time::Timestamp;

/// One breach of the protocol by the client, refused or tolerated.
///
/// `requirement` names the rule: `TRN` transport, `JWS` signatures, `NON` nonces, `URL` message
/// integrity, `ACC` accounts, `ORD` orders, `AUZ` authorizations, `CHL` challenges, `FIN`
/// finalization, `CRT` download, `REV` revocation, `POL` polling.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule that was broken, such as `R-JWS-02`.
    pub requirement: &'static str,
    /// What was wrong, for a person.
    pub text: String,
    /// The request it happened in, counted from 1 as in [`LogEntry::request`](crate::LogEntry).
    pub request: u64,
    /// When the request arrived.
    pub at: Timestamp,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in request {}: {}", self.requirement, self.request, self.text)
    }
}
