//! How the CA behaves: every setting has a default, so that `Config::default()` is a plain CA.

mod certificate_rules;
mod error_text;
mod external_account;
mod jprs;
mod plugin_challenge;
mod rules;
mod upki;

use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

pub use certificate_rules::{CertificateKey, SubjectAttribute, SubjectRule};
pub use error_text::ErrorText;
pub use external_account::{ExternalAccount, ExternalAccountPolicy, MacAlgorithm};
pub use plugin_challenge::PluginChallenge;

use crate::cause::RefusalCause;
use crate::jws;

/// The behaviour of a [`TestingCa`](crate::TestingCa).
///
/// ```
/// use std::time::Duration;
/// use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
///
/// let config = Config::default()
///     .with_external_account_policy(ExternalAccountPolicy::Required)
///     .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use())
///     .with_validation_delay(Duration::from_secs(2));
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) base_url: String,
    pub(crate) directory_path: String,
    pub(crate) caa_identities: Vec<String>,
    pub(crate) external_account_policy: ExternalAccountPolicy,
    pub(crate) external_accounts: Vec<ExternalAccount>,
    pub(crate) external_account_lifetime: Option<Duration>,
    pub(crate) external_account_reuse: bool,
    pub(crate) terms_of_service: Option<String>,
    pub(crate) agreement_required: bool,
    pub(crate) challenge_types: Vec<ChallengeType>,
    pub(crate) plugin_challenges: Vec<PluginChallenge>,
    pub(crate) identifier_types: Vec<&'static str>,
    pub(crate) signature_algorithms: Vec<String>,
    pub(crate) validation_delay: Duration,
    pub(crate) authorization_reuse: bool,
    pub(crate) order_reuse: bool,
    pub(crate) retry_after: Option<RetryAfter>,
    pub(crate) issuance_delay: Option<Duration>,
    pub(crate) certificate_lifetime: Duration,
    pub(crate) order_lifetime: Duration,
    pub(crate) authorization_lifetime: Duration,
    pub(crate) requested_dates: bool,
    pub(crate) keep_subject: bool,
    pub(crate) alternate_roots: usize,
    pub(crate) bad_nonce_percent: u8,
    pub(crate) nonce_on_errors: bool,
    pub(crate) nonce_on_new_nonce: bool,
    pub(crate) profiles: BTreeMap<String, String>,
    pub(crate) shuffle: bool,
    pub(crate) orders_page: usize,
    pub(crate) revocation_reasons: Vec<u8>,
    pub(crate) preauthorization: bool,
    pub(crate) subdomains: bool,
    pub(crate) renewal_information: bool,
    pub(crate) contacts: RangeInclusive<usize>,
    pub(crate) repeated_contacts: bool,
    pub(crate) max_identifiers: usize,
    pub(crate) whole_name_set: bool,
    pub(crate) ip_identifiers: bool,
    pub(crate) domains: Vec<String>,
    pub(crate) refused_names: BTreeSet<String>,
    pub(crate) certificate_keys: Option<Vec<CertificateKey>>,
    pub(crate) subject_rule: SubjectRule,
    pub(crate) failed_validations: Option<u32>,
    pub(crate) subproblems: bool,
    pub(crate) error_texts: BTreeMap<RefusalCause, ErrorText>,
}

impl Default for Config {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            base_url: "https://ca.test".to_owned(),
            directory_path: "/directory".to_owned(),
            caa_identities: vec!["ca.test".to_owned()],
            external_account_policy: ExternalAccountPolicy::Disabled,
            external_accounts: Vec::new(),
            external_account_lifetime: None,
            external_account_reuse: true,
            terms_of_service: None,
            agreement_required: false,
            challenge_types: vec![
                ChallengeType::Http01,
                ChallengeType::Dns01,
                ChallengeType::TlsAlpn01,
            ],
            plugin_challenges: Vec::new(),
            identifier_types: Vec::new(),
            signature_algorithms: jws::ALGORITHMS.map(str::to_owned).to_vec(),
            validation_delay: Duration::ZERO,
            authorization_reuse: false,
            order_reuse: false,
            retry_after: None,
            issuance_delay: None,
            certificate_lifetime: 90 * DAY,
            order_lifetime: 7 * DAY,
            authorization_lifetime: 30 * DAY,
            requested_dates: true,
            keep_subject: false,
            alternate_roots: 1,
            bad_nonce_percent: 0,
            nonce_on_errors: true,
            nonce_on_new_nonce: true,
            profiles: BTreeMap::new(),
            shuffle: false,
            orders_page: 10,
            revocation_reasons: vec![0, 1, 2, 3, 4, 5, 6, 8, 9, 10],
            preauthorization: false,
            subdomains: false,
            renewal_information: false,
            contacts: 0..=usize::MAX,
            repeated_contacts: true,
            max_identifiers: 100,
            whole_name_set: false,
            ip_identifiers: true,
            domains: Vec::new(),
            refused_names: BTreeSet::new(),
            certificate_keys: None,
            subject_rule: SubjectRule::any(),
            failed_validations: None,
            subproblems: true,
            error_texts: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The origin of every URL, without a slash at the end. Default: `https://ca.test`.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        let url: String = url.into();
        self.base_url = url.trim_end_matches('/').to_owned();
        self
    }

    /// Whether newAccount takes an external account binding (RFC 8555 §7.3.4). Default: disabled.
    #[must_use]
    pub const fn with_external_account_policy(mut self, policy: ExternalAccountPolicy) -> Self {
        self.external_account_policy = policy;
        self
    }

    /// Adds one credential for external account binding.
    #[must_use]
    pub fn with_external_account(mut self, account: ExternalAccount) -> Self {
        self.external_accounts.push(account);
        self
    }

    /// The terms of service named in the directory. Default: none.
    #[must_use]
    pub fn with_terms_of_service(mut self, url: impl Into<String>) -> Self {
        self.terms_of_service = Some(url.into());
        self
    }

    /// Whether newAccount is refused without `termsOfServiceAgreed`. Default: no.
    #[must_use]
    pub const fn with_agreement_required(mut self, required: bool) -> Self {
        self.agreement_required = required;
        self
    }

    /// The challenge types offered, in this order. A wildcard gets dns-01 only, an IP address
    /// never dns-01. Default: http-01, dns-01, tls-alpn-01.
    #[must_use]
    pub fn with_challenge_types(mut self, types: impl IntoIterator<Item = ChallengeType>) -> Self {
        self.challenge_types = types.into_iter().collect();
        self
    }

    /// The JWS algorithms taken, by their registered names. Default: `ES256`, `ES384`, `RS256`,
    /// `EdDSA`, `Ed25519`.
    #[must_use]
    pub fn with_signature_algorithms<'a>(
        mut self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        self.signature_algorithms = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// The time from the answer to a challenge until its result shows, even when the evidence is
    /// in earlier. Default: none.
    #[must_use]
    pub const fn with_validation_delay(mut self, delay: Duration) -> Self {
        self.validation_delay = delay;
        self
    }

    /// Whether a new order takes over the account's valid authorizations. Default: no.
    #[must_use]
    pub const fn with_authorization_reuse(mut self, reuse: bool) -> Self {
        self.authorization_reuse = reuse;
        self
    }

    /// Whether newOrder hands out an unfinished order of the same names again. Default: no.
    #[must_use]
    pub const fn with_order_reuse(mut self, reuse: bool) -> Self {
        self.order_reuse = reuse;
        self
    }

    /// The Retry-After on orders, authorizations and challenges that wait for the CA, that is while
    /// a validation runs or the order is processing. A client that asks again sooner is recorded
    /// with `R-POL-03`. Default: none.
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Makes finalize answer `processing`, with the certificate ready after `delay`. Default: the
    /// answer is already `valid`.
    #[must_use]
    pub const fn with_issuance_delay(mut self, delay: Duration) -> Self {
        self.issuance_delay = Some(delay);
        self
    }

    /// From notBefore to the second after notAfter. Default: 90 days.
    #[must_use]
    pub const fn with_certificate_lifetime(mut self, lifetime: Duration) -> Self {
        self.certificate_lifetime = lifetime;
        self
    }

    /// How long an order and its pending authorizations can be worked on. Default: 7 days.
    #[must_use]
    pub const fn with_order_lifetime(mut self, lifetime: Duration) -> Self {
        self.order_lifetime = lifetime;
        self
    }

    /// How long an authorization stays valid. Default: 30 days.
    #[must_use]
    pub const fn with_authorization_lifetime(mut self, lifetime: Duration) -> Self {
        self.authorization_lifetime = lifetime;
        self
    }

    /// Whether an order may name notBefore and notAfter; if not, it is `malformed`. Default: yes.
    #[must_use]
    pub const fn with_requested_dates(mut self, allowed: bool) -> Self {
        self.requested_dates = allowed;
        self
    }

    /// Whether the certificate takes the CSR's whole subject. Default: only its common name.
    #[must_use]
    pub const fn with_keep_subject(mut self, keep: bool) -> Self {
        self.keep_subject = keep;
        self
    }

    /// The number of further roots, each with a chain of its own, offered by `Link` with
    /// `rel="alternate"`. Default: 1.
    #[must_use]
    pub const fn with_alternate_roots(mut self, count: usize) -> Self {
        self.alternate_roots = count;
        self
    }

    /// The share of good nonces, in percent, that is refused with `badNonce`. Default: 0.
    #[must_use]
    pub const fn with_bad_nonce_percent(mut self, percent: u8) -> Self {
        self.bad_nonce_percent = percent;
        self
    }

    /// Whether error answers to a POST carry a nonce. Default: yes.
    #[must_use]
    pub const fn with_nonce_on_errors(mut self, present: bool) -> Self {
        self.nonce_on_errors = present;
        self
    }

    /// Whether newNonce really gives a nonce. Default: yes.
    #[must_use]
    pub const fn with_nonce_on_new_nonce(mut self, present: bool) -> Self {
        self.nonce_on_new_nonce = present;
        self
    }

    /// Adds a certificate profile to the directory; others are then refused with `invalidProfile`.
    #[must_use]
    pub fn with_profile(mut self, name: &str, description: &str) -> Self {
        self.profiles.insert(name.to_owned(), description.to_owned());
        self
    }

    /// Whether identifiers and authorizations come back in another order than they were sent
    /// (RFC 8555 §7.1.3 promises none). Default: no.
    #[must_use]
    pub const fn with_shuffled_lists(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The number of entries on one page of the orders list, at least 1. Default: 10.
    #[must_use]
    pub const fn with_orders_page(mut self, entries: usize) -> Self {
        self.orders_page = if entries == 0 { 1 } else { entries };
        self
    }

    /// The reasons revokeCert takes. Default: all of RFC 5280 §5.3.1.
    #[must_use]
    pub fn with_revocation_reasons(mut self, reasons: impl IntoIterator<Item = u8>) -> Self {
        self.revocation_reasons = reasons.into_iter().collect();
        self
    }
}

/// A way to prove control over a name (RFC 8555 §8, RFC 8737).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ChallengeType {
    /// A file on port 80 (RFC 8555 §8.3).
    Http01,
    /// A TXT record (RFC 8555 §8.4).
    Dns01,
    /// A certificate on port 443 (RFC 8737).
    TlsAlpn01,
    /// What [`Config::with_plugin_challenge`] has named.
    Plugin(&'static str),
}

impl ChallengeType {
    /// The name in JSON, such as `http-01`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Plugin(name) => name,
        }
    }
}

/// The form in which Retry-After is sent (RFC 9110 §10.2.3); both count in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RetryAfter {
    /// As a number of seconds.
    Seconds(u32),
    /// As a date that many seconds after the one in the Date header.
    HttpDate(u32),
}
