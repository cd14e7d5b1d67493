//! The signature algorithms of account keys (RFC 7518 §3.1, RFC 8037 §3.1).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// How an account key signs requests. MACs and `none` are not expressible (RFC 8555 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JwsAlgorithm {
    /// ECDSA on P-256 with SHA-256, which every ACME server takes (RFC 8555 §6.2).
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA on P-521 with SHA-512; only for keys held elsewhere.
    #[serde(rename = "ES512")]
    Es512,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519 under the name that servers of RFC 8555 know (RFC 8037 §3.1).
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl JwsAlgorithm {
    const ALL: [Self; 5] = [Self::Es256, Self::Es384, Self::Es512, Self::Rs256, Self::EdDsa];

    /// The value of the header parameter `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for JwsAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Takes the exact name; JOSE names are case-sensitive (RFC 7515 §4.1.1).
impl FromStr for JwsAlgorithm {
    type Err = JwsAlgorithmError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == name).ok_or(JwsAlgorithmError)
    }
}

/// The name is none of the algorithms an account key may use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwsAlgorithmError;

impl fmt::Display for JwsAlgorithmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown signature algorithm; use ES256, ES384, ES512, RS256 or EdDSA")
    }
}

impl core::error::Error for JwsAlgorithmError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_registered_ones_in_text_and_json() {
        for algorithm in JwsAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
        }
    }

    #[test]
    fn macs_and_none_are_no_algorithms_of_account_keys() {
        for name in ["none", "HS256", "es256", "EDDSA", ""] {
            assert_eq!(name.parse::<JwsAlgorithm>(), Err(JwsAlgorithmError));
            assert!(serde_json::from_value::<JwsAlgorithm>(name.into()).is_err());
        }
    }
}
