//! The certificate that an order replaces (RFC 9773 §5): whether it may be named, and what becomes
//! of the order if the server does not take that.

use core::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, CertificateId};
use crate::error::Error;
use crate::problem::ProblemType;
use crate::session::Session;
use crate::types::identifier::Identifier;

/// The certificate that an order is to take the place of.
///
/// A server counts a renewal as such, and exempts it from rate limits, only if the predecessor
/// belongs to the same account. Say which account that was, if it can have been another one:
///
/// ```
/// # use acmekit_core::certificate::Certificate;
/// use acmekit_core::flow::issue::{NewOrder, Predecessor};
/// # fn example(order: NewOrder, old: &Certificate, account_url: &str) -> NewOrder {
/// order.replaces(Predecessor::of(old).account(account_url))
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predecessor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    certificate_id: Option<CertificateId>,
    identifiers: Vec<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_url: Option<String>,
}

impl Predecessor {
    /// Takes this certificate.
    pub fn of(certificate: &Certificate) -> Self {
        Self {
            certificate_id: certificate.certificate_id(),
            identifiers: certificate.identifiers().to_vec(),
            account_url: None,
        }
    }

    /// Says which account ordered it, by the account URL. Without this the session's own account
    /// is taken for it.
    #[must_use]
    pub fn account(mut self, account_url: impl Into<String>) -> Self {
        self.account_url = Some(account_url.into());
        self
    }

    /// Its identifier, if it may be named in an order for these names by this session.
    pub(super) fn nameable(
        &self,
        ordered: &[Identifier],
        session: &Session,
    ) -> Result<&CertificateId, LeftOut> {
        if session.directory().is_none_or(|directory| directory.renewal_info.is_none()) {
            return Err(LeftOut::NoRenewalInformation);
        }
        let own = session.account().map(|account| account.url.as_str());
        if self.account_url.as_deref().is_some_and(|url| own != Some(url)) {
            return Err(LeftOut::OtherAccount);
        }
        if !self.identifiers.iter().any(|name| ordered.contains(name)) {
            return Err(LeftOut::NoSharedName);
        }
        self.certificate_id.as_ref().ok_or(LeftOut::NoCertificateId)
    }
}

impl From<&Certificate> for Predecessor {
    fn from(certificate: &Certificate) -> Self {
        Self::of(certificate)
    }
}

/// Whether an order told the server which certificate it replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Replacement {
    /// The order replaces nothing.
    #[default]
    NotAsked,
    /// The server was told, and took it.
    Named(CertificateId),
    /// The server was not told.
    LeftOut(LeftOut),
    /// The server refused it, with this message; the order was made once more without.
    Refused(String),
}

/// Why an order does not name the certificate that it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LeftOut {
    /// The server offers no renewal information.
    NoRenewalInformation,
    /// The certificate does not say which key of its authority signed it, so it has no identifier.
    NoCertificateId,
    /// The certificate belongs to another account.
    OtherAccount,
    /// The order has no name in common with the certificate.
    NoSharedName,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRenewalInformation => "the server offers no renewal information",
            Self::NoCertificateId => "the certificate has no authority key identifier",
            Self::OtherAccount => "the certificate belongs to another account",
            Self::NoSharedName => "the order has no name in common with the certificate",
        })
    }
}

impl fmt::Display for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => f.write_str("the order replaces no certificate"),
            Self::Named(id) => write!(f, "the order replaces the certificate {id}"),
            Self::LeftOut(reason) => {
                write!(f, "the certificate that is replaced was not named: {reason}")
            }
            Self::Refused(text) => {
                write!(f, "the server would not have the certificate replaced: {text}")
            }
        }
    }
}

/// Whether a refusal of newOrder is, or may be, about `replaces` (RFC 9773 §5, quirk 81): by its
/// type, by its status, or because its text says so.
pub(super) fn is_about_replaces(error: &Error) -> bool {
    let problem = error.problem();
    let by_type = problem
        .is_some_and(|p| matches!(p.kind, ProblemType::AlreadyReplaced | ProblemType::Conflict));
    let by_status = matches!(error.status(), Some(StatusCode::CONFLICT | StatusCode::NOT_FOUND));
    let text = error.message().to_ascii_lowercase();
    by_type || by_status || text.contains("replace") || text.contains("certid")
}
