//! Why a dns-persist-01 challenge is not answered.

use core::fmt;

use super::MAX_ISSUERS;
use crate::types::identifier::Identifier;

/// The challenge is malformed, or no record can be built for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PersistError {
    /// The members of the challenge are of both revisions of the draft, or of neither.
    Revision,
    /// The challenge names no issuer, or more than [`MAX_ISSUERS`].
    IssuerCount {
        /// How many.
        count: usize,
    },
    /// An issuer is no domain name, or cannot be normalised by this build (feature `idn`).
    Issuer,
    /// The challenge leaves out an issuer that the directory names.
    IssuerWithheld,
    /// The challenge names an issuer that is none of the directory's CAA identities.
    IssuerUnknown,
    /// The caller chose an issuer that the challenge does not name.
    IssuerNotOffered,
    /// The challenge names another account than the one that answers.
    ForeignAccount,
    /// The directory's `accountHashPrefix` is missing or no URI begins with it.
    HashPrefix,
    /// The account's URL or thumbprint cannot stand in a record.
    AccountUri,
    /// The identifier is no DNS name in the public DNS, or too long for the record's name.
    Identifier(Identifier),
    /// The account is deactivated or revoked.
    AccountNotValid,
}

impl PersistError {
    pub(super) fn not_dns(identifier: &Identifier) -> Self {
        Self::Identifier(identifier.clone())
    }
}

/// What the server sent is not part of the message: it may hold anything.
impl fmt::Display for PersistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Revision => f.write_str(
                "the dns-persist-01 challenge has the members of two revisions of the draft, or of \
                 none; use another challenge",
            ),
            Self::IssuerCount { count } => write!(
                f,
                "the dns-persist-01 challenge names {count} issuers instead of 1 to {MAX_ISSUERS}"
            ),
            Self::Issuer => {
                f.write_str("an issuer of the dns-persist-01 challenge is no domain name")
            }
            Self::IssuerWithheld => f.write_str(
                "the dns-persist-01 challenge leaves out an issuer that the directory names",
            ),
            Self::IssuerUnknown => f.write_str(
                "the dns-persist-01 challenge names an issuer that is none of the directory's CAA \
                 identities",
            ),
            Self::IssuerNotOffered => f.write_str(
                "the issuer is none of those that the dns-persist-01 challenge names; choose one \
                 of them",
            ),
            Self::ForeignAccount => f.write_str(
                "the dns-persist-01 challenge names another account than ours; a record for it \
                 would hand the domain over, so none is made",
            ),
            Self::HashPrefix => f.write_str(
                "the directory has no accountHashPrefix that a URI can begin with, which \
                 dns-persist-01 needs",
            ),
            Self::AccountUri => f.write_str(
                "the account's URL or key thumbprint cannot stand in a dns-persist-01 record",
            ),
            Self::Identifier(identifier) => write!(
                f,
                "{identifier} is no DNS name that a dns-persist-01 record can be published for"
            ),
            Self::AccountNotValid => f.write_str(
                "the account is no longer valid; register anew before a dns-persist-01 record is \
                 published",
            ),
        }
    }
}

impl core::error::Error for PersistError {}
