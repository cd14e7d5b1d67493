//! What a finished order gives, and how to choose among its chains.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::replacement::Replacement;
use crate::certificate::{Certificate, CertificateChain};
use crate::crypto::SignatureCheck;
use crate::problem::printable;
use crate::time::Timestamp;

/// A certificate that was obtained and verified.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Issued {
    pub(super) chain: CertificateChain,
    pub(super) order_url: String,
    pub(super) certificate_url: String,
    pub(super) alternates: Vec<String>,
    pub(super) choice: ChainChoice,
    pub(super) replacement: Replacement,
}

impl Issued {
    /// The chain, leaf first.
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// The order URL.
    pub fn order_url(&self) -> &str {
        &self.order_url
    }

    /// Where the chain was downloaded.
    pub fn certificate_url(&self) -> &str {
        &self.certificate_url
    }

    /// Where the CA offers the same certificate with other chains.
    pub fn alternates(&self) -> &[String] {
        &self.alternates
    }

    /// Whether the chain is the preferred one; `true` when no preference was given.
    pub fn is_preferred_chain(&self) -> bool {
        self.choice.is_satisfied
    }

    /// Whether the server was told which certificate this one replaces
    /// ([`NewOrder::replaces`](super::NewOrder::replaces)).
    pub fn replacement(&self) -> &Replacement {
        &self.replacement
    }

    /// Why this chain was taken among those on offer. Its `Display` is a sentence.
    pub fn chain_choice(&self) -> &ChainChoice {
        &self.choice
    }
}

/// Which of several chains to take. If none fits, the CA's default is taken and
/// [`Issued::is_preferred_chain`] says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChainPreference {
    /// The chain whose top-most certificate is issued by this common name.
    Issuer(String),
    /// The chain whose top-most certificate is issued by the certificate with this SHA-256
    /// fingerprint, in lower-case hexadecimal, or has that fingerprint itself. The root is seldom
    /// part of a chain, so give it as [`ChainPreference::root`] where it is at hand.
    RootFingerprint(String),
    /// The chain whose top-most certificate this one issued: DER in base64url.
    Root(String),
    /// The chain of the fewest certificates.
    Shortest,
    /// The chain whose authorities stay valid the longest.
    LatestExpiry,
}

impl ChainPreference {
    /// The chain that leads to the root of this common name.
    pub fn issuer(common_name: impl Into<String>) -> Self {
        Self::Issuer(common_name.into())
    }

    /// The chain that leads to this very root: its name and its key have issued the top-most
    /// certificate.
    pub fn root(root: &Certificate) -> Self {
        Self::Root(crate::jose::encoding::encode(root.der()))
    }

    /// The chain that contains the root of this SHA-256 fingerprint.
    pub fn root_fingerprint(sha256: [u8; 32]) -> Self {
        Self::RootFingerprint(hexadecimal(&sha256))
    }

    /// Whether this chain is the wanted one, for preferences that can be told from one chain.
    pub(super) fn is_met_by(&self, chain: &CertificateChain) -> Option<bool> {
        let top = chain.certificates().last()?;
        match self {
            Self::Issuer(wanted) => Some(top.issuer_common_name().as_ref() == Some(wanted)),
            Self::RootFingerprint(wanted) => {
                Some(
                    chain.certificates().iter().skip(1).any(|one| {
                        hexadecimal(&one.fingerprint_sha256()).eq_ignore_ascii_case(wanted)
                    }),
                )
            }
            Self::Root(root) => {
                let root = crate::jose::encoding::decode(root).ok()?;
                let root = Certificate::from_der(&root).ok()?;
                Some(
                    top.der() == root.der()
                        || (top.names_as_issuer(&root)
                            && top.check_signature(&root) == SignatureCheck::Valid),
                )
            }
            Self::Shortest | Self::LatestExpiry => None,
        }
    }

    /// The best of several chains, for preferences that compare; the earlier of two equal ones.
    pub(super) fn best_of(&self, chains: &[CertificateChain]) -> usize {
        let mut best = 0;
        for (index, chain) in chains.iter().enumerate() {
            let Some(so_far) = chains.get(best) else { continue };
            let better = match self {
                Self::Shortest => chain.certificates().len() < so_far.certificates().len(),
                Self::LatestExpiry => authorities_expire(chain) > authorities_expire(so_far),
                _ => false,
            };
            if better {
                best = index;
            }
        }
        best
    }
}

/// When the first of the authorities of a chain expires.
fn authorities_expire(chain: &CertificateChain) -> Option<Timestamp> {
    chain.certificates().iter().skip(1).map(Certificate::not_after).min()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for ChainPreference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(name) => write!(f, "issued by {:?}", printable(name)),
            Self::RootFingerprint(text) => write!(f, "with the root {}", printable(text)),
            Self::Root(_) => f.write_str("issued by the given root"),
            Self::Shortest => f.write_str("with the fewest certificates"),
            Self::LatestExpiry => f.write_str("whose authorities stay valid the longest"),
        }
    }
}

/// Why a chain was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainChoice {
    /// What was preferred, if anything.
    pub preference: Option<ChainPreference>,
    /// Whether the chain meets it.
    pub is_satisfied: bool,
    /// The chains that were looked at, the CA's default first: the issuer of the top-most
    /// certificate and the number of certificates.
    pub considered: Vec<(String, usize)>,
    /// Which of them was taken.
    pub taken: usize,
}

impl ChainChoice {
    pub(super) fn new(
        preference: Option<&ChainPreference>,
        chains: &[CertificateChain],
        taken: usize,
        is_satisfied: bool,
    ) -> Self {
        let describe = |chain: &CertificateChain| {
            let top = chain.certificates().last();
            let issuer = top.map(Certificate::issuer).unwrap_or_default();
            (issuer, chain.certificates().len())
        };
        Self {
            preference: preference.cloned(),
            is_satisfied,
            considered: chains.iter().map(describe).collect(),
            taken,
        }
    }
}

impl fmt::Display for ChainChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, count) = match self.considered.get(self.taken) {
            Some((issuer, count)) => (issuer.as_str(), *count),
            None => ("", 0),
        };
        let looked_at = self.considered.len();
        match (&self.preference, self.is_satisfied) {
            (None, _) => write!(f, "the CA's default chain, ")?,
            (Some(wanted), true) => write!(f, "the chain {wanted}, of {looked_at} looked at: ")?,
            (Some(wanted), false) => {
                write!(f, "none of {looked_at} chains is the one {wanted}, so the CA's default: ")?;
            }
        }
        write!(f, "{count} certificates up to {issuer}")
    }
}
