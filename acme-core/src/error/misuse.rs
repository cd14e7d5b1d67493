//! What a driver can do wrong.

use core::fmt;

/// The caller broke the contract of a flow: a bug in the driver, not an event of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// An answer to a request that this flow has not in flight.
    UnknownRequest,
    /// A signature that this flow did not ask for.
    UnknownSignature,
    /// A challenge that this flow did not offer.
    UnknownChallenge,
    /// An answer with members to a challenge whose kind takes none.
    UnwantedAnswer,
    /// The flow has ended.
    Finished,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownRequest => "this flow has no such request in flight",
            Self::UnknownSignature => "this flow asked for no such signature",
            Self::UnknownChallenge => "this flow offered no such challenge",
            Self::UnwantedAnswer => {
                "a challenge of this kind is answered with {} and nothing in it"
            }
            Self::Finished => "this flow has ended",
        })
    }
}

impl core::error::Error for Misuse {}
