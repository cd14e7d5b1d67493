//! The account as a small record that a program keeps (RFC 8555 §7.1.2). No secret is in it.

use serde::{Deserialize, Serialize};

crate::types::status! {
    /// The state of an account (RFC 8555 §7.1.2).
    AccountStatus {
        /// In use.
        Valid = "valid",
        /// Given up by its owner, for good.
        Deactivated = "deactivated",
        /// Shut by the server.
        Revoked = "revoked",
    }
}

impl AccountStatus {
    /// Whether the account has ended for good: deactivated or revoked.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Deactivated | Self::Revoked)
    }
}

/// An account at one server. Putting it back into a [`Session`](crate::session::Session) does no
/// I/O, so a single-use external account binding is never needed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The directory of the server that holds the account.
    pub directory_url: String,
    /// The account URL, byte for byte as the server gave it: the `kid` of every later request.
    pub url: String,
    /// The RFC 7638 thumbprint of the account key.
    pub key_thumbprint: String,
    /// The key id of the external account binding it was made with, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_account_key_id: Option<String>,
    /// The contact URLs, as the server echoed them or else as they were sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Its state when the server was last asked.
    pub status: AccountStatus,
}
