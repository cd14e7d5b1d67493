//! The kinds of key that can be generated.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of key and its size.
///
/// The text form is the one of the command line and of saved configuration: `p256`, `rsa2048`, …
///
/// ```
/// use acmekit_core::crypto::KeyType;
///
/// assert_eq!("p384".parse(), Ok(KeyType::P384));
/// assert_eq!(KeyType::Rsa3072.to_string(), "rsa3072");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256; what every ACME server takes (RFC 8555 §6.2).
    #[default]
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// Ed25519 (RFC 8032); public CAs take it neither for accounts nor in certificates.
    Ed25519,
}

impl KeyType {
    /// All kinds, whether this build has a backend for them or not.
    pub const ALL: [Self; 6] =
        [Self::P256, Self::P384, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::Ed25519];

    /// The text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Rsa2048 => "rsa2048",
            Self::Rsa3072 => "rsa3072",
            Self::Rsa4096 => "rsa4096",
            Self::Ed25519 => "ed25519",
        }
    }

    /// Whether this build can make and use keys of this kind.
    pub const fn is_available(self) -> bool {
        match self {
            Self::P256 => cfg!(feature = "p256"),
            Self::P384 => cfg!(feature = "p384"),
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => cfg!(feature = "rsa"),
            Self::Ed25519 => cfg!(feature = "ed25519"),
        }
    }

    /// Whether public CAs take a certificate key of this kind; private ones may take more. Warn
    /// before such a key is ordered for.
    ///
    /// ```
    /// use acmekit_core::crypto::KeyType;
    ///
    /// assert!(KeyType::default().is_taken_by_public_cas());
    /// assert!(!KeyType::Ed25519.is_taken_by_public_cas());
    /// ```
    pub const fn is_taken_by_public_cas(self) -> bool {
        !matches!(self, Self::Ed25519)
    }

    /// The cargo feature that brings the backend.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for KeyType {
    type Err = KeyTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KeyTypeError)
    }
}

/// The text names no kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTypeError;

impl fmt::Display for KeyTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown key type; use one of")?;
        for (index, kind) in KeyType::ALL.iter().enumerate() {
            write!(f, "{} {kind}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl core::error::Error for KeyTypeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_json_and_value_say_the_same() {
        for kind in KeyType::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn the_default_is_p256_and_only_ed25519_is_not_for_public_cas() {
        assert_eq!(KeyType::default(), KeyType::P256);
        let refused: Vec<_> =
            KeyType::ALL.into_iter().filter(|kind| !kind.is_taken_by_public_cas()).collect();
        assert_eq!(refused, [KeyType::Ed25519]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "rsa1024".parse::<KeyType>().unwrap_err().to_string();
        assert!(error.ends_with("p256, p384, rsa2048, rsa3072, rsa4096, ed25519"), "{error}");
    }
}
