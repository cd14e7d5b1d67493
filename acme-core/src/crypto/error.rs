//! What can go wrong with keys and signatures; no variant carries secret bytes.

use core::fmt;

use super::{KeyType, PublicKeyError};
use crate::entropy::EntropyError;

/// A private key could not be generated, read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is protected by a passphrase.
    Encrypted,
    /// The text has no block with a private key; it may have others, such as a certificate.
    NoPrivateKey {
        /// What kind of block was found instead, if it is a well-known one.
        found: Option<&'static str>,
    },
    /// The encoding is damaged, or parts of the key contradict each other.
    Malformed(&'static str),
    /// The key is of a kind that this library does not use.
    Unsupported(&'static str),
    /// The RSA modulus is outside 2048 to 4096 bits.
    RsaSize {
        /// The length of the modulus in bits.
        bits: usize,
    },
    /// This build has no backend for the kind of key.
    Disabled(KeyType),
    /// The source of randomness failed.
    Entropy(EntropyError),
    /// The source of randomness gives no usable values, as a stuck generator does.
    UnusableEntropy,
    /// The backend failed to generate or encode the key.
    Backend(&'static str),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted => f.write_str(
                "the private key is encrypted; decrypt it first, \
                 for example with `openssl pkey -in key.pem -out plain.pem`",
            ),
            Self::NoPrivateKey { found: Some(found) } => {
                write!(f, "there is no private key in the text, only {found}")
            }
            Self::NoPrivateKey { found: None } => f.write_str(
                "there is no private key in the text; \
                 expected PEM that begins with `-----BEGIN PRIVATE KEY-----`",
            ),
            Self::Malformed(what) => write!(f, "the private key is damaged: {what}"),
            Self::Unsupported(what) => write!(
                f,
                "the private key cannot be used: {what}; \
                 use P-256, P-384, RSA of 2048 to 4096 bits or Ed25519"
            ),
            Self::RsaSize { bits } => {
                write!(f, "the RSA key has {bits} bits; use one of 2048 to 4096 bits")
            }
            Self::Disabled(kind) => write!(
                f,
                "this build cannot use {kind} keys; enable the cargo feature `{}`",
                kind.feature()
            ),
            Self::Entropy(error) => error.fmt(f),
            Self::UnusableEntropy => f.write_str("the source of randomness gives no usable values"),
            Self::Backend(what) => write!(f, "the key could not be processed: {what}"),
        }
    }
}

impl core::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Entropy(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EntropyError> for KeyError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<PublicKeyError> for KeyError {
    fn from(_: PublicKeyError) -> Self {
        Self::Malformed("its public key has no standard encoding")
    }
}

/// A signature could not be made, or what a signer returned is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// The source of randomness failed; RSA needs it for blinding.
    Entropy(EntropyError),
    /// The signature has the wrong length for its algorithm.
    Length {
        /// The length that the algorithm and key prescribe, in octets.
        expected: usize,
        /// The length that was delivered, in octets.
        actual: usize,
    },
    /// The bytes are not a signature of the algorithm at all.
    Malformed(&'static str),
    /// The signer refused or failed; the text is its own.
    Signer(String),
}

impl SignError {
    /// An error of a signer outside this library, told in its own words, which must carry no
    /// secret.
    pub fn other(message: impl Into<String>) -> Self {
        Self::Signer(message.into())
    }
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entropy(error) => error.fmt(f),
            Self::Length { expected, actual } => write!(
                f,
                "the signature has {actual} octets, the algorithm and key need {expected}"
            ),
            Self::Malformed(what) => write!(f, "the signature is not usable: {what}"),
            Self::Signer(message) => write!(f, "the signer failed: {message}"),
        }
    }
}

impl core::error::Error for SignError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Entropy(error) => Some(error),
            _ => None,
        }
    }
}

impl From<EntropyError> for SignError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}
