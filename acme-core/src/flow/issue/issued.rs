//! What a finished order gives, and how to choose among its chains.

use serde::{Deserialize, Serialize};

use crate::certificate::CertificateChain;

/// A certificate that was obtained and verified.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Issued {
    pub(super) chain: CertificateChain,
    pub(super) order_url: String,
    pub(super) certificate_url: String,
    pub(super) alternates: Vec<String>,
    pub(super) preference_satisfied: bool,
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

    /// Where the certificate was downloaded.
    pub fn certificate_url(&self) -> &str {
        &self.certificate_url
    }

    /// Where the CA offers the same certificate with other chains.
    pub fn alternates(&self) -> &[String] {
        &self.alternates
    }

    /// Whether the chain is the preferred one; `true` when no preference was given.
    pub fn is_preferred_chain(&self) -> bool {
        self.preference_satisfied
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
}

impl ChainPreference {
    /// The chain that leads to the root of this name.
    pub fn issuer(common_name: impl Into<String>) -> Self {
        Self::Issuer(common_name.into())
    }

    pub(super) fn matches(&self, chain: &CertificateChain) -> bool {
        let Self::Issuer(wanted) = self;
        let top = chain.certificates().last();
        top.and_then(|top| top.issuer_common_name()).is_some_and(|name| name == *wanted)
    }
}
