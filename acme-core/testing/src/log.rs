//! What was asked of the CA: counters by kind, and a log.

use core::fmt;

use acmekit_core::time::Timestamp;
use http::{Method, StatusCode};

/// What a request was for, as told by its URL.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RequestKind {
    /// The directory (RFC 8555 §7.1.1).
    Directory,
    /// newNonce (§7.2).
    NewNonce,
    /// newAccount (§7.3).
    NewAccount,
    /// An account URL (§7.3.2).
    Account,
    /// The list of an account's orders (§7.1.2.1).
    OrdersList,
    /// keyChange (§7.3.5).
    KeyChange,
    /// newAuthz (§7.4.1).
    NewAuthorization,
    /// newOrder (§7.4).
    NewOrder,
    /// An order URL (§7.4).
    Order,
    /// An authorization URL (§7.5).
    Authorization,
    /// A challenge URL (§7.5.1).
    Challenge,
    /// A finalize URL (§7.4).
    Finalize,
    /// A certificate URL, alternates included (§7.4.2).
    Certificate,
    /// revokeCert (§7.6).
    RevokeCertificate,
    /// The renewal information of a certificate (RFC 9773 §4).
    RenewalInfo,
    /// A URL that the CA never handed out.
    Unknown,
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "directory",
            Self::NewNonce => "new_nonce",
            Self::NewAccount => "new_account",
            Self::Account => "account",
            Self::OrdersList => "orders_list",
            Self::KeyChange => "key_change",
            Self::NewAuthorization => "new_authorization",
            Self::NewOrder => "new_order",
            Self::Order => "order",
            Self::Authorization => "authorization",
            Self::Challenge => "challenge",
            Self::Finalize => "finalize",
            Self::Certificate => "certificate",
            Self::RevokeCertificate => "revoke_certificate",
            Self::RenewalInfo => "renewal_info",
            Self::Unknown => "unknown",
        })
    }
}

/// How many requests came in, by kind. Refused ones count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each field is the kind of the same name in RequestKind")]
pub struct RequestCounts {
    pub directory: u64,
    pub new_nonce: u64,
    pub new_account: u64,
    pub account: u64,
    pub orders_list: u64,
    pub key_change: u64,
    pub new_authorization: u64,
    pub new_order: u64,
    pub order: u64,
    pub authorization: u64,
    pub challenge: u64,
    pub finalize: u64,
    pub certificate: u64,
    pub revoke_certificate: u64,
    pub renewal_info: u64,
    pub unknown: u64,
}

impl RequestCounts {
    /// The count of one kind.
    pub const fn of(&self, kind: RequestKind) -> u64 {
        match kind {
            RequestKind::Directory => self.directory,
            RequestKind::NewNonce => self.new_nonce,
            RequestKind::NewAccount => self.new_account,
            RequestKind::Account => self.account,
            RequestKind::OrdersList => self.orders_list,
            RequestKind::KeyChange => self.key_change,
            RequestKind::NewAuthorization => self.new_authorization,
            RequestKind::NewOrder => self.new_order,
            RequestKind::Order => self.order,
            RequestKind::Authorization => self.authorization,
            RequestKind::Challenge => self.challenge,
            RequestKind::Finalize => self.finalize,
            RequestKind::Certificate => self.certificate,
            RequestKind::RevokeCertificate => self.revoke_certificate,
            RequestKind::RenewalInfo => self.renewal_info,
            RequestKind::Unknown => self.unknown,
        }
    }

    /// All requests together.
    pub const fn total(&self) -> u64 {
        self.directory
            + self.new_nonce
            + self.new_account
            + self.account
            + self.orders_list
            + self.key_change
            + self.new_authorization
            + self.new_order
            + self.order
            + self.authorization
            + self.challenge
            + self.finalize
            + self.certificate
            + self.revoke_certificate
            + self.renewal_info
            + self.unknown
    }

    pub(crate) const fn count(&mut self, kind: RequestKind) {
        let counter = match kind {
            RequestKind::Directory => &mut self.directory,
            RequestKind::NewNonce => &mut self.new_nonce,
            RequestKind::NewAccount => &mut self.new_account,
            RequestKind::Account => &mut self.account,
            RequestKind::OrdersList => &mut self.orders_list,
            RequestKind::KeyChange => &mut self.key_change,
            RequestKind::NewAuthorization => &mut self.new_authorization,
            RequestKind::NewOrder => &mut self.new_order,
            RequestKind::Order => &mut self.order,
            RequestKind::Authorization => &mut self.authorization,
            RequestKind::Challenge => &mut self.challenge,
            RequestKind::Finalize => &mut self.finalize,
            RequestKind::Certificate => &mut self.certificate,
            RequestKind::RevokeCertificate => &mut self.revoke_certificate,
            RequestKind::RenewalInfo => &mut self.renewal_info,
            RequestKind::Unknown => &mut self.unknown,
        };
        *counter = counter.saturating_add(1);
    }
}

/// One request and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// The number of the request, from 1.
    pub request: u64,
    /// When it arrived.
    pub at: Timestamp,
    /// What it was for.
    pub kind: RequestKind,
    /// The HTTP method.
    pub method: Method,
    /// The URL that was asked for.
    pub url: String,
    /// The header Accept-Language (RFC 8555 §6.1), if one was sent.
    pub accept_language: Option<String>,
    /// The status of the answer.
    pub status: StatusCode,
    /// The last part of the problem type (such as `badNonce`), if the answer was a problem.
    pub problem: Option<&'static str>,
    /// Why the CA refused, in its own words, even where the answer says less: a person's way to
    /// find out what is behind a text like `Unable to create account`.
    pub reason: Option<String>,
}

impl fmt::Display for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, at, kind, method, url, status, problem, .. } = self;
        let status = status.as_u16();
        write!(f, "{request} {at} {kind} {method} {url} {status} {}", problem.unwrap_or("-"))
    }
}
