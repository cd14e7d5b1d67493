//! The flows, and what is expected of each server. Whatever is not listed here works.

use super::record::Outcome;
use super::server::Kind;

/// The flows in the order of the table, with the heading that they stand under.
pub(crate) const FLOWS: &[(&str, &str)] = &[
    ("Accounts", "read the directory"),
    ("Accounts", "register"),
    ("Accounts", "register again: the account that exists"),
    ("Accounts", "find the account by its key"),
    ("Accounts", "find no account for an unknown key"),
    ("Accounts", "change the contacts"),
    ("Accounts", "account key ES256"),
    ("Accounts", "account key ES384"),
    ("Accounts", "account key RS256"),
    ("Accounts", "account key EdDSA"),
    ("Accounts", "change the account key"),
    ("Accounts", "change to a key of another account: refused"),
    ("Accounts", "list the orders"),
    ("Accounts", "deactivate the account"),
    ("External account binding", "bind with HS256"),
    ("External account binding", "bind with HS384"),
    ("External account binding", "bind with HS512"),
    ("External account binding", "find the bound account without the binding"),
    ("External account binding", "the same binding for a second account"),
    ("External account binding", "no binding: refused before it is sent"),
    ("External account binding", "wrong MAC key: refused"),
    ("External account binding", "unknown key id: refused"),
    ("Certificates", "http-01"),
    ("Certificates", "dns-01"),
    ("Certificates", "tls-alpn-01"),
    ("Certificates", "a wildcard and its base name"),
    ("Certificates", "an IP address by http-01"),
    ("Certificates", "an IP address by tls-alpn-01"),
    ("Certificates", "ten names"),
    ("Certificates", "P-384 certificate key"),
    ("Certificates", "RSA certificate key"),
    ("Certificates", "a name that was validated before"),
    ("Certificates", "choose an alternate chain"),
    ("Certificates", "must-staple"),
    ("Certificates", "subject with a common name"),
    ("Certificates", "subject with an organization"),
    ("Certificates", "notAfter"),
    ("Certificates", "a profile"),
    ("Authorizations", "authorize before the order"),
    ("Authorizations", "deactivate an authorization"),
    ("Revocation", "by the account key"),
    ("Revocation", "by the certificate key"),
    ("Revocation", "twice: already revoked"),
    ("Revocation", "by another account with authorizations"),
    ("Revocation", "by another account without: refused"),
];

/// What a server is expected to do.
pub(crate) enum Expected {
    Works,
    /// The text is the beginning of the reason.
    NotOffered(&'static str),
    Refused(&'static str),
}

use Expected::{NotOffered, Refused};
use Kind::{Acme2Certifier, Caddy, PebbleCurrent, PebbleDebian, StepCa};

// The reasons that more than one server has; those of the flows are the same text.
const NO_NEW_AUTHZ: &str = "`preauthorization-unsupported`";
const NO_CERTIFICATE_KEY: &str = "`certificate-key-revocation-unsupported`";
pub(crate) const IGNORED: &str = "the wish is ignored";
pub(crate) const LEFT_OUT: &str = "the subject is left out";
pub(crate) const NO_ALTERNATE: &str = "no alternate chain";
pub(crate) const NO_BINDINGS: &str = "the server asks for no external account";
pub(crate) const NOT_LISTED: &str = "orders that have ended are not listed";

const EXCEPTIONS: &[(Kind, &str, Expected)] = &[
    (PebbleCurrent, "account key EdDSA", Refused("`badSignatureAlgorithm`")),
    (PebbleCurrent, "subject with a common name", NotOffered(LEFT_OUT)),
    (PebbleCurrent, "subject with an organization", NotOffered(LEFT_OUT)),
    (PebbleCurrent, "authorize before the order", NotOffered(NO_NEW_AUTHZ)),
    (PebbleCurrent, "by another account with authorizations", Refused("`unauthorized`")),
    //
    (PebbleDebian, "account key EdDSA", Refused("`badPublicKey`")),
    (PebbleDebian, "must-staple", NotOffered(IGNORED)),
    (PebbleDebian, "subject with an organization", NotOffered(LEFT_OUT)),
    (PebbleDebian, "a profile", NotOffered("`invalidProfile`")),
    (PebbleDebian, "authorize before the order", NotOffered(NO_NEW_AUTHZ)),
    (PebbleDebian, "by another account with authorizations", Refused("`unauthorized`")),
    //
    (Caddy, "change the account key", NotOffered("`not-implemented`")),
    (Caddy, "change to a key of another account: refused", NotOffered("`not-implemented`")),
    (Caddy, "list the orders", NotOffered(NOT_LISTED)),
    (Caddy, "bind with HS256", NotOffered(NO_BINDINGS)),
    (Caddy, "bind with HS384", NotOffered(NO_BINDINGS)),
    (Caddy, "bind with HS512", NotOffered(NO_BINDINGS)),
    (Caddy, "find the bound account without the binding", NotOffered(NO_BINDINGS)),
    (Caddy, "the same binding for a second account", NotOffered(NO_BINDINGS)),
    (Caddy, "no binding: refused before it is sent", NotOffered(NO_BINDINGS)),
    (Caddy, "wrong MAC key: refused", NotOffered(NO_BINDINGS)),
    (Caddy, "unknown key id: refused", NotOffered(NO_BINDINGS)),
    (Caddy, "choose an alternate chain", NotOffered(NO_ALTERNATE)),
    (Caddy, "must-staple", NotOffered(IGNORED)),
    (Caddy, "subject with an organization", NotOffered(LEFT_OUT)),
    (Caddy, "a profile", NotOffered("`invalidProfile`")),
    (Caddy, "authorize before the order", NotOffered(NO_NEW_AUTHZ)),
    (Caddy, "deactivate an authorization", Refused("`malformed`")),
    (Caddy, "by another account with authorizations", Refused("`unauthorized`")),
    //
    (StepCa, "change the account key", NotOffered("`not-implemented`")),
    (StepCa, "change to a key of another account: refused", NotOffered("`not-implemented`")),
    (StepCa, "list the orders", NotOffered(NOT_LISTED)),
    (StepCa, "choose an alternate chain", NotOffered(NO_ALTERNATE)),
    (StepCa, "must-staple", NotOffered(IGNORED)),
    (StepCa, "subject with an organization", NotOffered(LEFT_OUT)),
    (StepCa, "a profile", NotOffered("`invalidProfile`")),
    (StepCa, "authorize before the order", NotOffered(NO_NEW_AUTHZ)),
    (StepCa, "deactivate an authorization", Refused("`malformed`")),
    (StepCa, "by another account with authorizations", Refused("`unauthorized`")),
    //
    (Acme2Certifier, "list the orders", NotOffered("`orders-unsupported`")),
    (Acme2Certifier, "choose an alternate chain", NotOffered(NO_ALTERNATE)),
    (Acme2Certifier, "must-staple", NotOffered(IGNORED)),
    (Acme2Certifier, "notAfter", NotOffered(IGNORED)),
    (Acme2Certifier, "a profile", NotOffered("`invalidProfile`")),
    (Acme2Certifier, "authorize before the order", NotOffered(NO_NEW_AUTHZ)),
    (Acme2Certifier, "by the certificate key", NotOffered(NO_CERTIFICATE_KEY)),
    (Acme2Certifier, "by another account with authorizations", Refused("`unauthorized`")),
];

/// What is expected of this flow at this server.
pub(crate) fn expected(kind: Kind, flow: &str) -> &'static Expected {
    let mut listed = EXCEPTIONS.iter().filter(|(at, name, _)| *at == kind && *name == flow);
    listed.next().map_or(&Expected::Works, |(_, _, expected)| expected)
}

impl Expected {
    #[track_caller]
    pub(crate) fn assert_is(&self, outcome: &Outcome, what: &str) {
        let as_expected = match (self, outcome) {
            (Self::Works, Outcome::Works(_)) => true,
            (NotOffered(begin), Outcome::NotOffered(reason))
            | (Refused(begin), Outcome::Refused(reason)) => reason.starts_with(begin),
            _ => false,
        };
        assert!(as_expected, "{what}");
    }
}
