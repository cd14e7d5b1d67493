//! A server that errs, breaks or attacks: the flow recovers or ends with a clear error, never with
//! a panic, a hang or a certificate that was not asked for.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::CertificateChain;
use acmekit_core::error::{Blame, Error, ErrorKind, Retry, Step};
use acmekit_core::policy::Policy;
use acmekit_testing::Config;
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World};

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    Response::builder().status(status).body(body.into()).unwrap()
}

fn problem(status: u16, kind: &str, detail: &str) -> Response<Vec<u8>> {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    answer(status, body.to_string())
}

/// Issues for `example.org` while the first answer to `kind` is replaced.
fn first_answer(kind: RequestKind, response: Response<Vec<u8>>) -> (World, Result<(), Error>) {
    let mut world = World::registered(Config::default(), 1);
    world.restart();
    let mut response = Some(response);
    world.script = Some(Box::new(move |got, _, _| match response.take() {
        Some(response) if got == kind => Fate::Answered(response),
        kept => {
            response = kept;
            Fate::Delivered
        }
    }));
    let result = world.issue(&["example.org"]).map(drop);
    assert!(world.published.is_empty(), "what was published is withdrawn");
    (world, result)
}

/// Issues while every answer to `kind` is changed.
fn every_answer(
    kind: RequestKind,
    change: impl Fn(Response<Vec<u8>>) -> Response<Vec<u8>> + Clone + 'static,
) -> (World, Result<(), Error>) {
    every_answer_with(Policy::default(), kind, change)
}

fn every_answer_with(
    policy: Policy,
    kind: RequestKind,
    change: impl Fn(Response<Vec<u8>>) -> Response<Vec<u8>> + Clone + 'static,
) -> (World, Result<(), Error>) {
    let mut world = World::with_policy(Config::default(), 2, policy);
    use acmekit_core::flow::account::{Register, Registration};
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.restart();
    world.forget_traffic();
    world.script = Some(Box::new(move |got, _, _| {
        if got == kind { Fate::Changed(Box::new(change.clone())) } else { Fate::Delivered }
    }));
    let result = world.issue(&["example.org"]).map(drop);
    assert!(world.published.is_empty(), "what was published is withdrawn");
    (world, result)
}

/// Changes one member of every JSON answer to `kind`.
fn with_member(kind: RequestKind, name: &'static str, value: Value) -> (World, Result<(), Error>) {
    every_answer(kind, move |mut response| {
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(response.body()) {
            object.insert(name.to_owned(), value.clone());
            *response.body_mut() = Value::Object(object).to_string().into_bytes();
        }
        response
    })
}

#[test]
fn a_passing_server_error_at_any_step_costs_no_certificate() {
    for kind in [
        RequestKind::Directory,
        RequestKind::NewNonce,
        RequestKind::NewOrder,
        RequestKind::Authorization,
        RequestKind::Challenge,
        RequestKind::Order,
        RequestKind::Finalize,
        RequestKind::Certificate,
    ] {
        for response in [
            answer(500, "<html>oops</html>"),
            answer(502, ""),
            answer(503, "busy"),
            problem(500, "serverInternal", "try again"),
        ] {
            let status = response.status();
            let (world, result) = first_answer(kind, response);
            result.unwrap_or_else(|error| panic!("{kind} {status}: {error}"));
            assert_eq!(world.ca.certificates().len(), 1, "{kind} {status}");
        }
    }
}

#[test]
fn a_lost_answer_at_any_step_costs_no_certificate() {
    for kind in [
        RequestKind::NewOrder,
        RequestKind::Authorization,
        RequestKind::Challenge,
        RequestKind::Order,
        RequestKind::Finalize,
        RequestKind::Certificate,
    ] {
        for arrives in [true, false] {
            let mut world = World::registered(Config::default(), 3);
            world.script = Some(Box::new(move |got, ordinal, _| match arrives {
                _ if got != kind || ordinal > 1 => Fate::Delivered,
                true => Fate::AnswerLost,
                false => Fate::NotSent,
            }));
            world.issue(&["example.org"]).unwrap_or_else(|e| panic!("{kind} {arrives}: {e}"));
            assert_eq!(world.ca.certificates().len(), 1, "{kind}: finalized once");
            world.assert_no_violations();
        }
    }
}

#[test]
fn a_dead_network_ends_after_bounded_tries_and_is_the_networks_fault() {
    let mut world = World::registered(Config::default(), 4);
    world.restart();
    world.script = Some(Box::new(|_, _, _| Fate::NotSent));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Transport, Step::Directory));
    assert_eq!(error.blame(), Blame::Network);
    assert_eq!(world.sent_in_all(), 4);
}

#[test]
fn a_short_rate_limit_is_waited_for_and_a_long_one_is_told_at_once() {
    let limited = |seconds: &str| {
        let mut response = problem(429, "rateLimited", "too many orders");
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
        response
    };
    let (world, result) = first_answer(RequestKind::NewOrder, limited("5"));
    result.unwrap();
    assert!(world.log.contains(&"wait 5000 ms: Retry".to_owned()), "{:?}", world.log);
    for absurd in ["86400", "99999999999999999999"] {
        let (world, result) = first_answer(RequestKind::NewOrder, limited(absurd));
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, "rate-limited"));
        let Retry::At(time) = error.retry() else { panic!("{:?}", error.retry()) };
        assert!(*time > world.now, "it says when to come back");
        assert_eq!(world.sent(RequestKind::NewOrder), 1);
    }
}

#[test]
fn endless_bad_nonces_end() {
    let (world, result) = every_answer(RequestKind::NewOrder, |response| {
        let nonce = response.headers().get("replay-nonce").cloned();
        let mut refusal = problem(400, "badNonce", "no");
        if let Some(nonce) = nonce {
            refusal.headers_mut().insert("replay-nonce", nonce);
        }
        refusal
    });
    assert_eq!(result.unwrap_err().code(), "badNonce");
    assert_eq!(world.sent(RequestKind::NewOrder), 6);
}

#[test]
fn urls_that_leave_the_site_or_https_are_never_followed() {
    for (url, code) in [
        ("http://ca.test/finalize", "plain-http"),
        ("https://evil.example/finalize", "foreign-host"),
        ("https://127.0.0.1/finalize", "private-address"),
        ("https://169.254.169.254/latest/meta-data", "private-address"),
        ("file:///etc/passwd", "url-malformed"),
        ("https://ca.test@evil.example/", "url-malformed"),
    ] {
        for (kind, member, value) in [
            (RequestKind::NewOrder, "finalize", json!(url)),
            (RequestKind::NewOrder, "authorizations", json!([url])),
            (RequestKind::Directory, "newOrder", json!(url)),
            (RequestKind::Directory, "newNonce", json!(url)),
            (RequestKind::Finalize, "certificate", json!(url)),
        ] {
            let (world, result) = with_member(kind, member, value);
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, code), "{kind} {url}");
            assert_eq!(error.blame(), Blame::Server);
            let unknown = world.ca.requests().unknown;
            assert_eq!(unknown, 0, "nothing was sent there");
        }
    }
}

#[test]
fn an_authorization_for_a_name_that_was_not_ordered_is_refused() {
    let identifier = json!({"type": "dns", "value": "victim.example"});
    let (world, result) = with_member(RequestKind::Authorization, "identifier", identifier);
    assert_eq!(result.unwrap_err().code(), "foreign-authorization");
    assert!(world.presented.is_empty(), "no proof for another's name is published");
}

#[test]
fn an_order_for_other_names_is_refused() {
    let identifiers = json!([{"type": "dns", "value": "victim.example"}]);
    let (_, result) = with_member(RequestKind::NewOrder, "identifiers", identifiers);
    assert_eq!(result.unwrap_err().code(), "order-identifiers");
}

#[test]
fn hostile_tokens_never_reach_a_path_or_a_record() {
    for token in ["../../etc/passwd", "a/b", "%2e%2e", "a\u{0}b", "", "ä", "$(reboot)", "a b"] {
        let (world, result) = every_answer(RequestKind::Authorization, move |mut response| {
            let mut value: Value = serde_json::from_slice(response.body()).unwrap();
            for challenge in value["challenges"].as_array_mut().unwrap() {
                challenge["token"] = json!(token);
            }
            *response.body_mut() = value.to_string().into_bytes();
            response
        });
        assert_eq!(result.unwrap_err().code(), "no-usable-challenge", "{token:?}");
        assert!(world.presented.is_empty());
    }
}

#[test]
fn a_thousand_and_one_authorizations_are_refused() {
    let urls: Vec<_> = (0..1001).map(|n| format!("https://ca.test/authz/{n}")).collect();
    let (world, result) = with_member(RequestKind::NewOrder, "authorizations", json!(urls));
    assert_eq!(result.unwrap_err().code(), "order-invalid");
    assert_eq!(world.sent(RequestKind::Authorization), 0);
}

#[test]
fn bodies_that_are_no_answer_end_clearly() {
    let deep = "[".repeat(100_000);
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"<html>a proxy says hello</html>".to_vec(),
        deep.into_bytes(),
        vec![b' '; 600 * 1024],
    ];
    for kind in [RequestKind::Directory, RequestKind::NewOrder, RequestKind::Authorization] {
        for body in &bodies {
            let body = body.clone();
            let (_, result) = every_answer(kind, move |mut response| {
                *response.body_mut() = body.clone();
                response
            });
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{kind}: {error}");
            assert!(error.to_string().len() < 600, "{}", error.to_string().len());
        }
    }
}

#[test]
fn signed_requests_are_never_redirected() {
    for status in [301, 302, 303, 307, 308] {
        let mut response = answer(status, "");
        let target = "https://ca.test/elsewhere".parse().unwrap();
        response.headers_mut().insert("location", target);
        let (world, result) = first_answer(RequestKind::NewOrder, response);
        assert_eq!(result.unwrap_err().code(), "redirect-refused", "{status}");
        assert_eq!(world.sent(RequestKind::NewOrder), 1);
    }
}

#[test]
fn the_directory_follows_few_redirects_on_https_only() {
    let redirect = |target: &'static str| {
        every_answer(RequestKind::Directory, move |_| {
            let mut response = answer(302, "");
            response.headers_mut().insert("location", target.parse().unwrap());
            response
        })
    };
    let (world, result) = redirect("/directory");
    assert_eq!(result.unwrap_err().code(), "redirect-refused");
    assert_eq!(world.sent(RequestKind::Directory), 4);
    let (world, result) = redirect("http://ca.test/directory");
    assert_eq!(result.unwrap_err().code(), "plain-http");
    assert_eq!(world.sent(RequestKind::Directory), 1);
}

/// The chain that another client got for `name` from another CA.
fn foreign_chain(seed: u64, name: &str) -> CertificateChain {
    let mut other = World::registered(Config::default(), seed);
    other.issue(&[name]).unwrap().chain().clone()
}

fn refused_chain(body: Vec<u8>) -> Error {
    let (_, result) = every_answer(RequestKind::Certificate, move |mut response| {
        *response.body_mut() = body.clone();
        response
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Certificate, Step::Verification));
    error
}

#[test]
fn a_certificate_for_another_key_is_refused_and_kept_as_evidence() {
    let pem = foreign_chain(50, "example.org").to_pem();
    let error = refused_chain(pem.clone().into_bytes());
    assert_eq!(error.code(), "certificate-wrong-key");
    assert_eq!(error.evidence(), Some(pem.as_str()));
    assert!(error.advice().contains("Do not install"));
}

#[test]
fn what_is_no_chain_of_certificates_is_refused() {
    let pem = foreign_chain(51, "example.org").to_pem();
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for body in [String::new(), "not found".to_owned(), format!("{pem}{key}"), pem.repeat(20)] {
        let error = refused_chain(body.into_bytes());
        assert_eq!(error.code(), "chain-invalid", "{error}");
    }
}

#[test]
fn a_leaf_under_an_intermediate_that_did_not_issue_it_is_refused() {
    let foreign = foreign_chain(52, "example.org");
    let intermediate = foreign.certificates()[1].clone();
    let (_, result) = every_answer(RequestKind::Certificate, move |mut response| {
        let chain = CertificateChain::from_pem(response.body()).unwrap();
        let mixed = vec![chain.leaf().clone(), intermediate.clone()];
        let mixed = CertificateChain::from_certificates(mixed).unwrap();
        *response.body_mut() = mixed.to_pem().into_bytes();
        response
    });
    assert_eq!(result.unwrap_err().code(), "chain-broken");
}

#[test]
fn a_certificate_that_expired_on_its_way_is_refused() {
    let config = Config::default().with_certificate_lifetime(Duration::from_secs(1));
    let mut world = World::registered(config, 53);
    world.script = Some(Box::new(move |kind, ordinal, _| {
        if kind != RequestKind::Certificate || ordinal > 1 {
            return Fate::Delivered;
        }
        let mut response = answer(503, "");
        response.headers_mut().insert("retry-after", "50".parse().unwrap());
        Fate::Answered(response)
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Certificate, "certificate-expired"));
}

#[test]
fn alternates_without_end_cost_a_bounded_number_of_requests() {
    use acmekit_core::flow::issue::ChainPreference;
    let mut world = World::registered(Config::default(), 54);
    world.script = Some(Box::new(|kind, _, _| {
        if kind != RequestKind::Certificate {
            return Fate::Delivered;
        }
        Fate::Changed(Box::new(|mut response| {
            for n in 0..500 {
                let link = format!("<https://ca.test/alternate/{n}>;rel=\"alternate\"");
                response.headers_mut().append("link", link.parse().unwrap());
            }
            response
        }))
    }));
    let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::issuer("None"));
    let issued = world.run(&mut flow).unwrap();
    assert!(!issued.is_preferred_chain());
    assert!(world.sent(RequestKind::Certificate) <= 9);
}

#[test]
fn an_order_that_stays_pending_for_ever_ends_at_the_deadline() {
    let (world, result) = with_member(RequestKind::Order, "status", json!("pending"));
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(world.sent(RequestKind::Order) < 200, "{}", world.sent(RequestKind::Order));
}

#[test]
fn retry_after_zero_makes_no_hot_loop_and_an_absurd_one_no_hang() {
    for (value, most) in [("0", 200), ("-1", 200), ("99999999999", 2)] {
        let (world, result) = every_answer(RequestKind::Order, move |mut response| {
            let body = json!({"status": "pending"}).to_string();
            *response.body_mut() = body.into_bytes();
            response.headers_mut().insert("retry-after", value.parse().unwrap());
            response
        });
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Deadline);
        let polls = world.sent(RequestKind::Order);
        assert!(polls <= most, "Retry-After {value}: {polls} polls");
        let waited = world.now.saturating_since(world::START);
        assert!(waited <= Duration::from_secs(700), "{waited:?}");
    }
}

#[test]
fn a_finalize_that_never_takes_ends() {
    let mut world = World::registered(Config::default(), 56);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Finalize => Fate::Answered(problem(403, "orderNotReady", "not ready")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.code(), "orderNotReady");
    assert_eq!(world.sent(RequestKind::Finalize), 4);
}

#[test]
fn a_finalize_that_was_refused_but_took_gives_the_certificate() {
    let (_, result) =
        every_answer(RequestKind::Finalize, |_| problem(403, "orderNotReady", "not ready"));
    result.unwrap();
}

#[test]
fn an_invalid_order_without_a_reason_is_explained_by_its_authorizations() {
    let mut world = World::registered(Config::default(), 55);
    world.validation_fails = Some(acmekit_testing::FailureReason::Dns);
    world.script = Some(Box::new(|kind, _, _| {
        if kind != RequestKind::Order {
            return Fate::Delivered;
        }
        Fate::Changed(Box::new(|mut response| {
            let mut value: Value = serde_json::from_slice(response.body()).unwrap();
            value.as_object_mut().unwrap().remove("error");
            *response.body_mut() = value.to_string().into_bytes();
            response
        }))
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "dns"));
    assert!(error.to_string().contains("example.org"));
}

#[test]
fn messages_cannot_drive_a_terminal() {
    let response = problem(403, "unauthorized", "\u{1b}[2J\u{7}evil\r\nSet-Cookie: x");
    let (_, result) = first_answer(RequestKind::NewOrder, response);
    let error = result.unwrap_err();
    for text in [error.to_string(), error.advice()] {
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn missing_and_odd_members_are_forgiven_and_noted() {
    let strip = |names: &'static [&'static str]| {
        move |mut response: Response<Vec<u8>>| {
            if let Ok(Value::Object(mut object)) = serde_json::from_slice(response.body()) {
                for name in names {
                    object.remove(*name);
                }
                *response.body_mut() = Value::Object(object).to_string().into_bytes();
            }
            response
        }
    };
    for kind in [RequestKind::NewOrder, RequestKind::Order] {
        let (_, result) = every_answer(kind, strip(&["expires", "identifiers", "notBefore"]));
        result.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    let (_, result) = every_answer(RequestKind::Order, strip(&["finalize"]));
    result.unwrap();
    let (world, result) = with_member(RequestKind::NewOrder, "expires", json!("soon"));
    result.unwrap();
    assert!(world.session.deviations().iter().any(|d| d.code == "odd-member"));
}

#[test]
fn a_success_without_nonce_costs_one_more_request_and_is_noted() {
    let (world, result) = every_answer(RequestKind::NewOrder, |mut response| {
        response.headers_mut().remove("replay-nonce");
        response
    });
    result.unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 2);
    assert!(world.session.deviations().iter().any(|d| d.code == "nonce-missing"));
}
