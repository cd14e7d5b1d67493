//! The steps of an operation, as errors name them.

use core::fmt;

/// The step of an operation at which an error happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Before anything was sent.
    Preparation,
    /// Reading the directory (RFC 8555 §7.1.1).
    Directory,
    /// Fetching a nonce (§7.2).
    Nonce,
    /// Creating the account (§7.3).
    Register,
    /// Looking the account up by its key (§7.3.1).
    FindAccount,
    /// Changing the account (§7.3.2).
    UpdateAccount,
    /// Changing the account key (§7.3.5).
    ChangeKey,
    /// Giving the account up (§7.3.6).
    DeactivateAccount,
    /// Listing the orders of the account (§7.1.2.1).
    ListOrders,
    /// Creating the order (§7.4).
    NewOrder,
    /// Creating an authorization ahead of an order (§7.4.1).
    Preauthorization,
    /// Reading authorizations (§7.5).
    Authorization,
    /// Publishing the proofs of control.
    Publication,
    /// Telling the server that a proof is in place (§7.5.1).
    Challenge,
    /// Waiting for the server's validation.
    Validation,
    /// Sending the certificate request (§7.4).
    Finalize,
    /// Waiting for the certificate.
    Issuance,
    /// Downloading the certificate (§7.4.2).
    Download,
    /// Checking the certificate that came back.
    Verification,
    /// Giving an authorization up (§7.5.2).
    DeactivateAuthorization,
    /// Revoking a certificate (§7.6).
    Revocation,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preparation => "preparing the request",
            Self::Directory => "reading the directory",
            Self::Nonce => "fetching a nonce",
            Self::Register => "registering the account",
            Self::FindAccount => "looking the account up",
            Self::UpdateAccount => "changing the account",
            Self::ChangeKey => "changing the account key",
            Self::DeactivateAccount => "deactivating the account",
            Self::ListOrders => "listing the orders",
            Self::NewOrder => "creating the order",
            Self::Preauthorization => "creating the authorization",
            Self::Authorization => "reading an authorization",
            Self::Publication => "publishing the challenge",
            Self::Challenge => "answering the challenge",
            Self::Validation => "waiting for validation",
            Self::Finalize => "finalizing the order",
            Self::Issuance => "waiting for the certificate",
            Self::Download => "downloading the certificate",
            Self::Verification => "checking the certificate",
            Self::DeactivateAuthorization => "deactivating an authorization",
            Self::Revocation => "revoking the certificate",
        })
    }
}
