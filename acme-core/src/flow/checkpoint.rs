//! A flow as data: saved at any moment, resumed in another process (format version 1).
//!
//! A checkpoint holds no key material and no nonce. What it does not hold is asked from the server
//! again on resume, so a checkpoint taken with requests in flight is as good as any other.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::account::change_key::SavedChangeKey;
use super::account::orders::SavedListOrders;
use super::account::register::SavedRegister;
use super::account::update::AccountChange;
use super::authorization::SavedDeactivateAuthorization;
use super::issue::SavedIssue;
use super::preauthorize::SavedPreauthorize;
use super::revoke::SavedRevoke;
use crate::session::Session;

/// The version of the format that this library writes.
pub const VERSION: u32 = 1;

/// The state of a flow. Serialise it with serde; its JSON is readable and stays loadable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The version of the format.
    pub(crate) version: u32,
    /// Session the flow ran in; unknown until its first poll.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) binding: Option<Binding>,
    pub(crate) state: Saved,
}

/// What a session must have in common with the one a flow was started in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub(crate) directory_url: String,
    pub(crate) key_thumbprint: String,
}

impl Binding {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            directory_url: session.directory_url().to_owned(),
            key_thumbprint: session.account_key().thumbprint(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flow", rename_all = "kebab-case")]
#[allow(clippy::large_enum_variant)]
pub(crate) enum Saved {
    FetchDirectory,
    FetchAccount,
    FindAccount,
    Register(SavedRegister),
    UpdateAccount(AccountChange),
    ChangeKey(SavedChangeKey),
    DeactivateAccount,
    ListOrders(SavedListOrders),
    Issue(SavedIssue),
    Preauthorize(SavedPreauthorize),
    DeactivateAuthorization(SavedDeactivateAuthorization),
    Revoke(SavedRevoke),
}

impl Checkpoint {
    pub(crate) fn new(binding: Option<&Binding>, state: Saved) -> Self {
        Self { version: VERSION, binding: binding.cloned(), state }
    }

    /// Gives the state if it can be resumed in this session.
    pub(crate) fn open(self, session: &Session) -> Result<(Option<Binding>, Saved), ResumeError> {
        if self.version != VERSION {
            return Err(ResumeError::UnknownVersion(self.version));
        }
        if let Some(binding) = &self.binding {
            let current = Binding::of(session);
            if binding.key_thumbprint != current.key_thumbprint {
                return Err(ResumeError::OtherAccountKey);
            }
            if binding.directory_url != current.directory_url {
                return Err(ResumeError::OtherDirectory);
            }
        }
        Ok((self.binding, self.state))
    }
}

/// Why a checkpoint cannot be resumed here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeError {
    /// It was written by a newer release, in a format this one does not know.
    UnknownVersion(u32),
    /// It belongs to another account key than the session's.
    OtherAccountKey,
    /// It belongs to another directory than the session's.
    OtherDirectory,
    /// It is of another kind of flow.
    OtherFlow,
    /// It needs the external account binding again, which a checkpoint never holds.
    ExternalAccountMissing,
    /// What it holds cannot be read any more.
    Damaged,
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownVersion(version) => {
                write!(f, "the checkpoint has format {version}, and this release reads {VERSION}")
            }
            Self::OtherAccountKey => f.write_str("the checkpoint belongs to another account key"),
            Self::OtherDirectory => f.write_str("the checkpoint belongs to another directory"),
            Self::OtherFlow => f.write_str("the checkpoint is of another kind of operation"),
            Self::ExternalAccountMissing => f.write_str(
                "the registration was under way with an external account binding; give it again",
            ),
            Self::Damaged => f.write_str("the checkpoint is damaged"),
        }
    }
}

impl core::error::Error for ResumeError {}
