//! JPRS (Japan Registry Services) as its manual describes it.

use core::time::Duration;

use super::{ChallengeType, Config, ErrorText, ExternalAccountPolicy};
use crate::cause::RefusalCause;

const DAY: Duration = Duration::from_secs(86_400);

const EXPIRED: &str = "Validity period of application has been expired";
const STATUS: &str = "Unable to accept order";

/// The error table of the manual, all 29 rows in its order.
const ERRORS: [(RefusalCause, &str, u16, &str); 29] = [
    (
        RefusalCause::AccountUnknown,
        "accountDoesNotExist",
        400,
        "The request specified an account that does not exist",
    ),
    (
        RefusalCause::AlreadyRevoked,
        "alreadyRevoked",
        400,
        "The request specified a certificate to be revoked that has already been revoked: [%s]",
    ),
    (RefusalCause::Csr, "badCSR", 400, "The CSR is unacceptable"),
    (RefusalCause::Nonce, "badNonce", 400, "The client sent an unacceptable anti-replay nonce"),
    (
        RefusalCause::PublicKey,
        "badPublicKey",
        400,
        "The JWS was signed by a public key the server does not support",
    ),
    (
        RefusalCause::RevocationReason,
        "badRevocationReason",
        400,
        "The revocation reason provided is not allowed by the server: [%s]",
    ),
    (
        RefusalCause::SignatureAlgorithm,
        "badSignatureAlgorithm",
        400,
        "The JWS was signed with an algorithm the server does not support: [%s]",
    ),
    (RefusalCause::Caa, "caa", 403, "CAA records forbid the CA from issuing a certificate"),
    (
        RefusalCause::Connection,
        "connection",
        400,
        "The server could not connect to validation target : [%s]",
    ),
    (
        RefusalCause::BindingMissing,
        "externalAccountRequired",
        400,
        "The request must include a value for the externalAccountBinding field",
    ),
    (
        RefusalCause::ContactForm,
        "invalidContact",
        400,
        "A contact URL for an account was invalid: [%s]",
    ),
    (RefusalCause::Request, "malformed", 400, "The request information is invalid"),
    (RefusalCause::Binding, "malformed", 400, "Unable to create account"),
    (RefusalCause::Contacts, "malformed", 400, "The contact information is invalid:"),
    (RefusalCause::Agreement, "malformed", 400, "Please agree to the term of service."),
    (RefusalCause::NameForm, "malformed", 400, "The FQDN is invalid: [%s]"),
    (RefusalCause::FinalizeExpired, "malformed", 400, EXPIRED),
    (RefusalCause::FinalizeClosed, "malformed", 400, STATUS),
    (RefusalCause::AuthorizationExpired, "malformed", 400, EXPIRED),
    (RefusalCause::AuthorizationClosed, "malformed", 400, STATUS),
    (RefusalCause::CertificateUnknown, "malformed", 400, "The certificate does not exist: [%s]"),
    (RefusalCause::Method, "malformed", 405, "The HTTP method is invalid: [%s]"),
    (RefusalCause::ContentType, "malformed", 415, "The content-type is invalid: [%s]"),
    (
        RefusalCause::OrderPending,
        "orderNotReady",
        403,
        "The request attempted to finalize an order that is not ready to be finalized",
    ),
    (
        RefusalCause::NameRefused,
        "rejectedIdentifier",
        400,
        "The server will not issue certificates for the identifier",
    ),
    (RefusalCause::Internal, "serverInternal", 500, "The server experienced an internal error"),
    (
        RefusalCause::AccountInactive,
        "unauthorized",
        401,
        "The client lacks sufficient authorization",
    ),
    (
        RefusalCause::ContactScheme,
        "unsupportedContact",
        400,
        "A contact URL for an account used an unsupported protocol scheme: [%s]",
    ),
    (
        RefusalCause::NameType,
        "unsupportedIdentifier",
        400,
        "An identifier is of an unsupported type",
    ),
];

/// Causes that the manual does not tell apart from one that it lists: cause and the listed one.
const SAME_AS: [(RefusalCause, RefusalCause); 4] = [
    (RefusalCause::BindingAlgorithm, RefusalCause::Binding),
    (RefusalCause::Forbidden, RefusalCause::AccountInactive),
    (RefusalCause::OrderExpired, RefusalCause::FinalizeExpired),
    (RefusalCause::UrlMismatch, RefusalCause::AccountInactive),
];

impl Config {
    /// JPRS, to rehearse offline.
    ///
    /// The error texts and statuses are those of the 29 rows of the manual's table, without the
    /// reason behind them: that is in [`LogEntry::reason`](crate::LogEntry::reason). Causes that
    /// the table does not know keep their standard form. An account needs a credential not older
    /// than 14 days, one to six different e-mail contacts, and agreement to the terms. http-01 and
    /// dns-01 are offered, certificates last 90 days and carry the common name only. Names given to
    /// a credential limit what can be ordered.
    ///
    /// Not simulated: there is no staging directory, so a dry run has nowhere to go; and at JPRS a
    /// certificate enters OCSP about ten minutes after its issue, so the server should be restarted
    /// no sooner.
    ///
    /// The manual does not say whether a credential can be used twice; here it can, and
    /// [`with_external_account_reuse`](Self::with_external_account_reuse) changes that.
    ///
    /// ```
    /// use acmekit_testing::{Config, ExternalAccount, TestingCa};
    ///
    /// let config = Config::jprs().with_external_account(ExternalAccount::new("kid-1", [7; 32]));
    /// let ca = TestingCa::new(config, 1);
    /// assert!(ca.directory_url().ends_with("/DV/getDirectory"));
    /// ```
    pub fn jprs() -> Self {
        let mut config = Self::default()
            .with_directory_path("/DV/getDirectory")
            .with_external_account_policy(ExternalAccountPolicy::Required)
            .with_external_account_lifetime(14 * DAY)
            .with_contacts(1..=6)
            .with_repeated_contacts(false)
            .with_terms_of_service("https://ca.test/terms")
            .with_agreement_required(true)
            .with_challenge_types([ChallengeType::Http01, ChallengeType::Dns01])
            .with_ip_identifiers(false)
            .with_caa_identities(["jprs.jp"])
            .with_certificate_lifetime(90 * DAY)
            .with_subproblems(false);
        for (cause, kind, status, text) in ERRORS {
            config = config.with_error_text(cause, ErrorText::new(kind, status, text));
        }
        for (cause, listed) in SAME_AS {
            if let Some(text) = config.error_texts.get(&listed).cloned() {
                config = config.with_error_text(cause, text);
            }
        }
        config
    }
}
