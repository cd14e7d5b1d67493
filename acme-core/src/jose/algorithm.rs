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
    /// The same signature under its newer name (RFC 9864). Keys begin with
    /// [`EdDsa`](Self::EdDsa), and go over to this name where a server lists no other.
    #[serde(rename = "Ed25519")]
    Ed25519,
}

impl JwsAlgorithm {
    const ALL: [Self; 6] =
        [Self::Es256, Self::Es384, Self::Es512, Self::Rs256, Self::EdDsa, Self::Ed25519];

    /// The value of the header parameter `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The other name of the very same signature, if it has one.
    pub(crate) const fn other_name(self) -> Option<Self> {
        match self {
            Self::EdDsa => Some(Self::Ed25519),
            Self::Ed25519 => Some(Self::EdDsa),
            _ => None,
        }
    }

    /// The other name of this signature, where a server that refused it lists only that one
    /// (R-JWS-15). A key can use nothing else: each makes one kind of signature.
    pub(crate) fn accepted_name(self, algorithms: &[String]) -> Option<Self> {
        let lists = |name: Self| algorithms.iter().any(|listed| listed == name.as_str());
        self.other_name().filter(|other| lists(*other) && !lists(self))
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
        f.write_str("unknown signature algorithm; use ES256, ES384, ES512, RS256, EdDSA or Ed25519")
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
    fn only_a_list_without_the_name_that_was_used_leads_to_the_other_one() {
        use JwsAlgorithm::{Ed25519, EdDsa, Es256};
        let listed = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (used, list, other) in [
            (EdDsa, listed(&["Ed25519"]), Some(Ed25519)),
            (EdDsa, listed(&["ES256", "Ed25519", "RS256"]), Some(Ed25519)),
            (Ed25519, listed(&["EdDSA"]), Some(EdDsa)),
            (EdDsa, listed(&["EdDSA", "Ed25519"]), None),
            (EdDsa, listed(&["ES256"]), None),
            (EdDsa, listed(&["ed25519"]), None),
            (EdDsa, listed(&[]), None),
            (Es256, listed(&["ES384", "Ed25519"]), None),
        ] {
            assert_eq!(used.accepted_name(&list), other, "{used} {list:?}");
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
