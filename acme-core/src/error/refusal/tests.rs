//! Which kind, blame and remedy each problem type has, at any status.

use super::*;
use crate::error::Blame;
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000);
const URL: &str = "https://ca.example/acme/new-order";

fn refusal(status: u16, headers: &[(&'static str, &str)], body: &Value) -> Error {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    Error::from_refusal(Refusal {
        step: Step::NewOrder,
        url: URL,
        status: StatusCode::from_u16(status).unwrap(),
        headers: &map,
        problem: Problem::from_value(body),
        body_excerpt: "",
        now: NOW,
    })
}

fn of_type(status: u16, name: &str) -> Error {
    let urn = format!("urn:ietf:params:acme:error:{name}");
    refusal(status, &[], &json!({"type": urn, "detail": "no"}))
}

fn later(seconds: u64) -> Retry {
    Retry::At(NOW.saturating_add(Duration::from_secs(seconds)))
}

/// Every type of RFC 8555 §6.7 and of the documents that extend it, once.
#[rustfmt::skip]
fn table() -> Vec<(&'static str, ErrorKind, Blame, Retry)> {
    use Blame::{Caller, Server, Setup};
    use ErrorKind::{NoAccount, Problem, RateLimited, Validation};
    use Retry::{FixInput, Never, NewOrder, Now, OtherCa, WithoutReplaces};
    vec![
        ("accountDoesNotExist",               NoAccount,   Caller, FixInput),
        ("alreadyRevoked",                    Problem,     Setup,  Never),
        ("badCSR",                            Problem,     Setup,  FixInput),
        ("badNonce",                          Problem,     Server, Now),
        ("badPublicKey",                      Problem,     Setup,  FixInput),
        ("badRevocationReason",               Problem,     Setup,  FixInput),
        ("badSignatureAlgorithm",             Problem,     Setup,  FixInput),
        ("caa",                               Validation,  Setup,  OtherCa),
        ("compound",                          Problem,     Setup,  FixInput),
        ("connection",                        Validation,  Setup,  NewOrder),
        ("dns",                               Validation,  Setup,  NewOrder),
        ("externalAccountRequired",           Problem,     Setup,  FixInput),
        ("incorrectResponse",                 Validation,  Setup,  NewOrder),
        ("invalidContact",                    Problem,     Setup,  FixInput),
        ("malformed",                         Problem,     Setup,  FixInput),
        ("orderNotReady",                     Problem,     Setup,  later(60)),
        ("rateLimited",                       RateLimited, Server, later(3600)),
        ("rejectedIdentifier",                Problem,     Setup,  OtherCa),
        ("serverInternal",                    Problem,     Server, later(60)),
        ("tls",                               Validation,  Setup,  NewOrder),
        ("unauthorized",                      Problem,     Setup,  FixInput),
        ("unsupportedContact",                Problem,     Setup,  FixInput),
        ("unsupportedIdentifier",             Problem,     Setup,  OtherCa),
        // Without a page to visit.
        ("userActionRequired",                Problem,     Setup,  FixInput),
        // RFC 9773, profiles, RFC 8739, RFC 9115, RFC 9799, device-attest, Boulder.
        ("alreadyReplaced",                   Problem,     Setup,  WithoutReplaces),
        ("invalidProfile",                    Problem,     Setup,  FixInput),
        ("autoRenewalCanceled",               Problem,     Setup,  NewOrder),
        ("autoRenewalExpired",                Problem,     Setup,  NewOrder),
        ("autoRenewalCancellationInvalid",    Problem,     Setup,  Never),
        ("autoRenewalRevocationNotSupported", Problem,     Setup,  Never),
        ("unknownDelegation",                 Problem,     Setup,  FixInput),
        ("onionCAARequired",                  Problem,     Setup,  FixInput),
        ("badAttestationStatement",           Problem,     Setup,  FixInput),
        ("conflict",                          Problem,     Setup,  later(60)),
    ]
}

#[test]
fn every_problem_type_has_its_kind_blame_and_remedy() {
    let table = table();
    for (name, kind, blame, retry) in &table {
        for status in [400, 401, 403, 404, 409, 422] {
            let error = of_type(status, name);
            assert_eq!((error.kind(), error.blame()), (*kind, *blame), "{name} {status}");
            assert_eq!(error.retry(), retry, "{name} {status}");
            let code = if *name == "rateLimited" { "rate-limited" } else { name };
            assert_eq!(error.code(), code, "{status}");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        }
    }
    for known in ProblemType::KNOWN {
        let rows = table.iter().filter(|(name, ..)| *name == known.name()).count();
        assert_eq!(rows, 1, "{known} stands in the table once");
    }
    assert_eq!(table.len(), ProblemType::KNOWN.len());
}

#[test]
fn every_refusal_at_every_status_is_classed() {
    let names = ProblemType::KNOWN.iter().map(ProblemType::name).chain(["unheard-of", ""]);
    for name in names {
        for status in 100..1000 {
            let error = of_type(status, name);
            match status {
                429 => assert_eq!(error.kind(), ErrorKind::RateLimited, "{name}"),
                501 if name != "rateLimited" => {
                    assert_eq!(
                        (error.kind(), error.retry()),
                        (ErrorKind::Unsupported, &Retry::Never)
                    );
                }
                500..600 if error.kind() == ErrorKind::Problem => {
                    assert_eq!(error.blame(), Blame::Server, "{name} {status}");
                }
                _ => {}
            }
            assert_ne!(error.message(), "");
        }
    }
}

#[test]
fn the_http_status_decides_and_not_the_one_the_document_claims() {
    let body = json!({"type": "about:blank", "detail": "busy", "status": 400});
    let error = refusal(503, &[], &body);
    assert_eq!((error.code(), error.blame()), ("server-error", Blame::Server));
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    let body = json!({"type": "about:blank", "detail": "busy", "status": 503});
    assert_eq!(refusal(400, &[], &body).code(), "refused");
}

#[test]
fn a_refusal_without_a_known_type_keeps_what_it_says() {
    for body in [
        json!({"detail": "no type at all"}),
        json!({"type": "about:blank", "title": "Forbidden"}),
        json!({"type": "https://ca.example/problems/odd", "detail": "odd"}),
        json!({"type": "urn:ietf:params:acme:error:brandNew", "detail": "new"}),
    ] {
        let error = refusal(403, &[], &body);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "refused"));
        let kept = String::from(error.problem().unwrap().kind.clone());
        assert_eq!(kept, body["type"].as_str().unwrap_or("about:blank"));
    }
}

#[test]
fn a_rate_limit_tells_when_to_come_back_and_where_it_is_explained() {
    let urn = "urn:ietf:params:acme:error:rateLimited";
    let limits = "</docs/limits>;rel=\"help\"";
    for status in [429, 403, 503, 400] {
        let headers = [("retry-after", "7200"), ("link", limits)];
        let error = refusal(status, &headers, &json!({"type": urn, "detail": "too many"}));
        let found = (error.kind(), error.code());
        assert_eq!(found, (ErrorKind::RateLimited, "rate-limited"), "{status}");
        assert_eq!(error.retry(), &later(7200));
        assert_eq!(error.help(), Some("https://ca.example/docs/limits"));
        assert!(error.message().contains("come back at"), "{error}");
    }
    let error = refusal(429, &[("retry-after", "5")], &json!({}));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, &later(5)));
}

#[test]
fn a_page_to_visit_is_resolved_and_is_a_web_page() {
    let urn = "urn:ietf:params:acme:error:userActionRequired";
    for (instance, page) in [
        ("https://ca.example/agree?token=a%2Fb", Some("https://ca.example/agree?token=a%2Fb")),
        ("/agree", Some("https://ca.example/agree")),
        ("agree#terms", Some("https://ca.example/acme/agree#terms")),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("urn:uuid:7f2b1c1e", None),
    ] {
        let terms = [("link", "</terms/3>; rel=terms-of-service")];
        let error = refusal(403, &terms, &json!({"type": urn, "instance": instance}));
        let expected = page.map_or(Retry::FixInput, |page| Retry::ActAt(page.to_owned()));
        assert_eq!(error.retry(), &expected, "{instance}");
        let kept = error.problem().unwrap().instance.as_deref();
        assert_eq!(kept, Some(page.unwrap_or(instance)), "a relative one is resolved");
        assert_eq!(error.terms_of_service(), Some("https://ca.example/terms/3"));
    }
}

#[test]
fn several_problems_at_once_are_helped_by_what_helps_against_each() {
    let compound = |types: &[&str]| {
        let urn = |name| format!("urn:ietf:params:acme:error:{name}");
        let subproblems: Vec<Value> =
            types.iter().map(|name| json!({"type": urn(name), "detail": "no"})).collect();
        refusal(403, &[], &json!({"type": urn(&"compound"), "subproblems": subproblems}))
    };
    let error = compound(&["caa", "caa"]);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Validation, &Retry::OtherCa));
    let error = compound(&["rejectedIdentifier", "unsupportedIdentifier"]);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Problem, &Retry::OtherCa));
    let error = compound(&["caa", "dns"]);
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Validation, &Retry::FixInput));
    assert_eq!(error.code(), "compound");
}
