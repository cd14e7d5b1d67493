//! What errors mean at each CA: the 29 rows of JPRS, UPKI's causes, and the texts of others.

use std::collections::BTreeSet;
use std::time::Duration;

use acmekit_core::advice::Language;
use acmekit_core::ca::{CaProfile, Phase, RetryHint};
use acmekit_core::error::Step;
use acmekit_core::problem::Problem;
use serde_json::json;

fn profile(id: &str) -> CaProfile {
    CaProfile::named(id).unwrap_or_else(|| panic!("no profile {id}"))
}

fn problem(kind: &str, detail: &str) -> Problem {
    let value = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    Problem::from_value(&value).unwrap()
}

/// A step at which JPRS gives the answer, then type, status, text, meaning, and what to do.
type Row = (Step, &'static str, u16, &'static str, &'static str, RetryHint);

/// All rows of the error table of JPRS, in the order of the manual.
#[rustfmt::skip]
const JPRS: [Row; 29] = {
    use RetryHint::{FixInput, Human, Later, Never, NewOrder, Now, OtherCa};
    use Step::{Challenge, Finalize, NewOrder as Order, Register, Revocation, Validation};
    [
        (Order, "accountDoesNotExist", 400, "The request specified an account that does not exist", "jprs-account-unknown", Human),
        (Revocation, "alreadyRevoked", 400, "The request specified a certificate to be revoked that has already been revoked: [0A1B]", "jprs-already-revoked", Never),
        (Finalize, "badCSR", 400, "The CSR is unacceptable", "jprs-csr-refused", FixInput),
        (Order, "badNonce", 400, "The client sent an unacceptable anti-replay nonce", "jprs-bad-nonce", Now),
        (Register, "badPublicKey", 400, "The JWS was signed by a public key the server does not support", "jprs-account-key-unsupported", FixInput),
        (Revocation, "badRevocationReason", 400, "The revocation reason provided is not allowed by the server: [10]", "jprs-revocation-reason", FixInput),
        (Register, "badSignatureAlgorithm", 400, "The JWS was signed with an algorithm the server does not support: [EdDSA]", "jprs-account-algorithm-unsupported", FixInput),
        (Order, "caa", 403, "CAA records forbid the CA from issuing a certificate", "jprs-caa-refused", FixInput),
        (Validation, "connection", 400, "The server could not connect to validation target : [www.example.jp]", "jprs-target-unreachable", NewOrder),
        (Register, "externalAccountRequired", 400, "The request must include a value for the externalAccountBinding field", "jprs-eab-missing", FixInput),
        (Register, "invalidContact", 400, "A contact URL for an account was invalid: [mailto:x]", "jprs-contact-invalid", FixInput),
        (Order, "malformed", 400, "The request information is invalid", "jprs-request-invalid", FixInput),
        (Register, "malformed", 400, "Unable to create account", "jprs-eab-refused", Human),
        (Register, "malformed", 400, "The contact information is invalid:", "jprs-contact-count", FixInput),
        (Register, "malformed", 400, "Please agree to the term of service.", "jprs-terms-not-agreed", FixInput),
        (Order, "malformed", 400, "The FQDN is invalid: [x.example.com]", "jprs-name-not-issuable", FixInput),
        (Finalize, "malformed", 400, "Validity period of application has been expired", "jprs-order-expired", NewOrder),
        (Finalize, "malformed", 400, "Unable to accept order", "jprs-order-status", NewOrder),
        (Challenge, "malformed", 400, "Validity period of application has been expired", "jprs-authorization-expired", NewOrder),
        (Challenge, "malformed", 400, "Unable to accept order", "jprs-authorization-status", NewOrder),
        (Revocation, "malformed", 400, "The certificate does not exist: [0A1B]", "jprs-certificate-unknown", FixInput),
        (Order, "malformed", 405, "The HTTP method is invalid: [GET]", "jprs-method-not-allowed", Never),
        (Order, "malformed", 415, "The content-type is invalid: [text/plain]", "jprs-content-type", Never),
        (Finalize, "orderNotReady", 403, "The request attempted to finalize an order that is not ready to be finalized", "jprs-order-not-ready", Later(Duration::from_secs(10))),
        (Order, "rejectedIdentifier", 400, "The server will not issue certificates for the identifier", "jprs-name-rejected", OtherCa),
        (Order, "serverInternal", 500, "The server experienced an internal error", "jprs-internal-error", Later(Duration::from_secs(300))),
        (Order, "unauthorized", 401, "The client lacks sufficient authorization", "jprs-account-not-valid", Human),
        (Register, "unsupportedContact", 400, "A contact URL for an account used an unsupported protocol scheme: [tel:1]", "jprs-contact-scheme", FixInput),
        (Order, "unsupportedIdentifier", 400, "An identifier is of an unsupported type", "jprs-identifier-type", OtherCa),
    ]
};

#[test]
fn each_row_of_the_jprs_table_has_its_meaning_its_advice_and_the_decision_of_an_operator() {
    let jprs = profile("jprs");
    let mut answers = BTreeSet::new();
    for (step, kind, status, text, meaning, retry) in JPRS {
        let explained = jprs.explain(step, Some(status), &problem(kind, text));
        let explained = explained.unwrap_or_else(|| panic!("{kind}: {text}"));
        assert_eq!(explained.meaning, meaning, "{kind}: {text}");
        assert_eq!(explained.retry, retry, "{meaning}");
        let english = explained.advice(Language::English);
        let japanese = explained.advice(Language::Japanese);
        assert!(
            english.is_ascii() && english.ends_with('.') && !english.contains("  "),
            "{english}"
        );
        assert!(japanese.ends_with('。') && !japanese.contains(char::is_control), "{japanese}");
        assert!(answers.insert(english.to_owned()) && answers.insert(japanese.to_owned()));
    }
    assert_eq!(answers.len(), 2 * 29);
}

#[test]
fn the_twelve_kinds_of_malformed_have_twelve_answers() {
    let jprs = profile("jprs");
    let meanings: BTreeSet<_> = JPRS
        .iter()
        .filter(|row| row.1 == "malformed")
        .map(|(step, kind, status, text, ..)| {
            jprs.explain(*step, Some(*status), &problem(kind, text)).unwrap().meaning
        })
        .collect();
    assert_eq!(meanings.len(), 12, "{meanings:?}");
}

#[test]
fn texts_with_additions_and_in_other_spelling_keep_their_meaning() {
    let jprs = profile("jprs");
    for (step, kind, status, text, meaning, _) in JPRS {
        let changed = format!("[E0123]  {} (see the manual)", text.to_uppercase());
        let explained = jprs.explain(step, Some(status), &problem(kind, &changed)).unwrap();
        assert_eq!(explained.meaning, meaning);
    }
}

#[test]
fn a_text_alone_means_nothing_under_another_type() {
    let jprs = profile("jprs");
    let wrong = problem("dns", "Unable to create account");
    assert!(jprs.explain(Step::Register, Some(400), &wrong).is_none());
    for text in ["", "something new", "unable", "[%s]", "\u{0}"] {
        assert!(jprs.explain(Step::NewOrder, Some(400), &problem("malformed", text)).is_none());
    }
    let no_type = Problem::from_value(&json!({"detail": "Unable to create account"})).unwrap();
    assert!(jprs.explain(Step::Register, Some(400), &no_type).is_none());
}

#[test]
fn a_type_with_one_cause_is_told_without_its_text_but_not_under_another_status() {
    let jprs = profile("jprs");
    let explained = jprs.explain(Step::NewOrder, Some(403), &problem("caa", "発行できません"));
    assert_eq!(explained.unwrap().meaning, "jprs-caa-refused");
    let refused = problem("unauthorized", "No such token found at the server");
    assert!(jprs.explain(Step::NewOrder, Some(403), &refused).is_none());
    assert!(jprs.explain(Step::Validation, None, &refused).is_none());
    assert!(jprs.explain(Step::NewOrder, Some(401), &refused).is_some());
}

#[test]
fn upki_tells_mpic_caa_and_the_account_apart() {
    let cases = [
        (Step::Validation, "connection", 400, "error code: 338", "upki-mpic-338"),
        (Step::Validation, "caa", 403, "CAA check failed (338)", "upki-mpic-338"),
        (Step::Validation, "unauthorized", 403, "MPIC quorum not met", "upki-mpic-338"),
        (Step::Validation, "caa", 403, "SERVFAIL for ac.jp", "caa-lookup-failed"),
        (Step::Validation, "dns", 400, "CAA lookup of a.ac.jp: no answer", "caa-lookup-failed"),
        (Step::NewOrder, "caa", 403, "CAA records forbid", "upki-caa-refused"),
        (Step::Register, "externalAccountRequired", 400, "", "upki-eab-missing"),
        (Step::Register, "unauthorized", 403, "no", "upki-eab-refused"),
        (Step::Register, "malformed", 400, "Unable to create account", "upki-eab-refused"),
        (Step::NewOrder, "unauthorized", 401, "suspended", "upki-account-suspended"),
        (Step::NewOrder, "accountDoesNotExist", 400, "", "upki-account-unknown"),
        (Step::NewOrder, "rejectedIdentifier", 403, "b.ac.jp", "upki-name-not-in-application"),
        (Step::Finalize, "badCSR", 400, "key type", "upki-csr-refused"),
        (Step::NewOrder, "rateLimited", 429, "", "upki-blocked-until-tomorrow"),
        (Step::Validation, "connection", 400, "refused", "upki-target-unreachable"),
    ];
    for id in ["upki", "upki-saitama", "upki-uec"] {
        for (step, kind, status, text, meaning) in cases {
            let explained = profile(id).explain(step, Some(status), &problem(kind, text));
            assert_eq!(explained.unwrap().meaning, meaning, "{kind}: {text}");
        }
    }
    let upki = profile("upki");
    assert!(
        upki.explain(Step::Validation, Some(403), &problem("unauthorized", "no file")).is_none()
    );
    let serial = problem("connection", "serial 13381, host a338b.example");
    let explained = upki.explain(Step::Validation, Some(400), &serial).unwrap();
    assert_eq!(explained.meaning, "upki-target-unreachable");
}

#[test]
fn a_cause_in_a_subproblem_is_found() {
    let value = json!({
        "type": "urn:ietf:params:acme:error:compound",
        "subproblems": [
            {"type": "urn:ietf:params:acme:error:dns", "detail": "nothing known"},
            {"type": "urn:ietf:params:acme:error:caa", "detail": "refused with 338"},
        ],
    });
    let compound = Problem::from_value(&value).unwrap();
    let explained = profile("upki").explain(Step::Validation, None, &compound).unwrap();
    assert_eq!(explained.meaning, "upki-mpic-338");
}

/// A CA, then as above.
#[rustfmt::skip]
const OTHERS: [(&str, Step, &str, u16, &str, &str, RetryHint); 17] = {
    use Step::{Challenge, Finalize, NewOrder, Register, Revocation, Validation};
    [
        ("zerossl", Register, "malformed", 400, "[External Account Binding] The account is not awaiting external account binding", "eab-already-bound", RetryHint::Human),
        ("sectigo", NewOrder, "unauthorized", 401, "replaces field does not identify a certificate", "replaces-not-known", RetryHint::NewOrder),
        ("sectigo", NewOrder, "unauthorized", 401, "no", "sectigo-foreign-object", RetryHint::FixInput),
        ("google", Register, "unauthorized", 403, "Unknown external account binding (EAB) key. This may be due to the EAB key expiring", "google-eab-spent", RetryHint::Human),
        ("google", Register, "unauthorized", 403, "External Account Binding JWS verification failed", "google-eab-mac-wrong", RetryHint::FixInput),
        ("google-staging", Finalize, "badCSR", 400, "no clientAuth", "google-csr-refused", RetryHint::FixInput),
        ("sslcom-ecc", Finalize, "badCSR", 400, "", "sslcom-csr-refused", RetryHint::FixInput),
        ("sslcom-rsa", Challenge, "malformed", 400, "Challenge is not pending..", "challenge-repeated", RetryHint::NewOrder),
        ("step-ca", Register, "unauthorized", 401, "external account binding key with id 'x' was already bound to account 'y'", "eab-already-bound", RetryHint::Human),
        ("step-ca", Register, "serverInternal", 500, "error verifying externalAccountBinding signature", "eab-refused", RetryHint::FixInput),
        ("openbao", Register, "unauthorized", 403, "failed to verify eab", "eab-not-verified", RetryHint::FixInput),
        ("openbao", NewOrder, "unauthorized", 403, "account in status: revoked", "account-cleaned-up", RetryHint::FixInput),
        ("harica", NewOrder, "malformed", 400, "No Key ID in JWS header", "key-id-missing", RetryHint::FixInput),
        ("actalis", Revocation, "accountDoesNotExist", 400, "", "actalis-revoke-by-account", RetryHint::FixInput),
        ("letsencrypt", Validation, "unauthorized", 403, "During secondary validation: 192.0.2.1: Invalid response", "mpic-disagreement", RetryHint::NewOrder),
        ("letsencrypt", Validation, "dns", 400, "DNS problem: SERVFAIL looking up CAA for example.org", "caa-lookup-failed", RetryHint::NewOrder),
        ("letsencrypt", NewOrder, "rateLimited", 429, "Your account is temporarily paused for this name", "name-paused", RetryHint::Human),
    ]
};

#[test]
fn known_texts_of_other_cas_have_their_meaning() {
    for (id, step, kind, status, text, meaning, retry) in OTHERS {
        let explained = profile(id).explain(step, Some(status), &problem(kind, text));
        let explained = explained.unwrap_or_else(|| panic!("{id}: {kind}: {text}"));
        assert_eq!((explained.meaning.as_ref(), explained.retry), (meaning, retry), "{id}: {text}");
    }
    let limited = problem("rateLimited", "too many certificates already issued");
    assert!(profile("letsencrypt").explain(Step::NewOrder, Some(429), &limited).is_none());
}

#[test]
fn every_known_error_is_complete_and_reachable() {
    for ca in CaProfile::all() {
        for known in &ca.errors {
            let at = format!("{}: {}", ca.id, known.meaning);
            assert!(!known.kinds.is_empty() || !known.texts.is_empty(), "{at}");
            assert!(known.advice_english.is_ascii() && known.advice_english.ends_with('.'), "{at}");
            assert!(known.advice_japanese.ends_with('。'), "{at}");
            assert!(!known.advice_japanese.contains(['\n', '\u{fffd}']), "{at}");
        }
    }
}

#[test]
fn steps_belong_to_phases() {
    assert_eq!(Phase::of(Step::Challenge), Some(Phase::Authorization));
    assert_eq!(Phase::of(Step::Validation), Some(Phase::Validation));
    assert_eq!(Phase::of(Step::Revocation), Some(Phase::Revocation));
    assert_eq!(Phase::of(Step::Directory), None);
}
