//! External account binding: whether it is asked for, and the credentials the CA has handed out.

use core::fmt;

use acmekit_core::time::Timestamp;
use zeroize::Zeroizing;

/// Whether newAccount takes an external account binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternalAccountPolicy {
    /// A binding that comes is ignored.
    Disabled,
    /// A binding that comes is verified, and refused if it is wrong.
    Optional,
    /// newAccount without a binding is refused with `externalAccountRequired`.
    Required,
}

/// A MAC algorithm of the external account binding (RFC 7518 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl MacAlgorithm {
    pub(crate) const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// The registered name, such as `HS256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }
}

/// A credential that the CA has handed to a customer for external account binding.
#[derive(Clone)]
pub struct ExternalAccount {
    pub(crate) key_id: String,
    pub(crate) key: Zeroizing<Vec<u8>>,
    pub(crate) algorithm: Option<MacAlgorithm>,
    pub(crate) is_single_use: bool,
    pub(crate) created: Option<Timestamp>,
    pub(crate) names: Vec<String>,
}

impl ExternalAccount {
    /// A credential of key identifier and MAC key (the octets, not their base64url form), good for
    /// any number of accounts and any algorithm.
    pub fn new(key_id: impl Into<String>, key: impl Into<Vec<u8>>) -> Self {
        Self {
            key_id: key_id.into(),
            key: Zeroizing::new(key.into()),
            algorithm: None,
            is_single_use: false,
            created: None,
            names: Vec::new(),
        }
    }

    /// Takes only this algorithm.
    #[must_use]
    pub const fn only(mut self, algorithm: MacAlgorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Makes the first account that uses the credential its only one.
    #[must_use]
    pub const fn single_use(mut self) -> Self {
        self.is_single_use = true;
        self
    }

    /// When the credential was made, from which
    /// [`Config::with_external_account_lifetime`](crate::Config::with_external_account_lifetime)
    /// counts. Default: when it was added to the CA, or at the first request.
    #[must_use]
    pub const fn created_at(mut self, time: Timestamp) -> Self {
        self.created = Some(time);
        self
    }

    /// The names the credential was applied for, the common name first; accounts that are bound by
    /// it cannot order others. Default: none, and any can be ordered.
    #[must_use]
    pub fn for_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }
}

/// Leaves the key out.
impl fmt::Debug for ExternalAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalAccount")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .field("is_single_use", &self.is_single_use)
            .field("created", &self.created)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
