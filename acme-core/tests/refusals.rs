//! What the server refuses, and what the client makes of it.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::problem::{Problem, ProblemType};
use acmekit_testing::Config;
use http::Response;
use serde_json::json;
use world::{Fate, World};

fn problem(status: u16, kind: &str, extra: serde_json::Value) -> Response<Vec<u8>> {
    let mut body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "no"});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

/// Issues while the first request of a kind is answered by this instead of the CA.
fn refused_once(seed: u64, kind: RequestKind, response: Response<Vec<u8>>) -> (World, String) {
    let mut world = World::registered(Config::default(), seed);
    let mut response = Some(response);
    world.script = Some(Box::new(move |got, _, _| match response.take() {
        Some(response) if got == kind => Fate::Answered(response),
        kept => {
            response = kept;
            Fate::Delivered
        }
    }));
    let code = match world.issue(&["example.org"]) {
        Ok(_) => "issued".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    (world, code)
}

#[test]
fn new_terms_name_the_page_to_visit_and_the_terms_to_read() {
    let mut response = problem(403, "userActionRequired", json!({"instance": "/agree?a=1"}));
    let link = "<https://ca.test/terms/2>;rel=\"terms-of-service\"".parse().unwrap();
    response.headers_mut().insert("link", link);
    let mut world = World::registered(Config::default(), 1);
    let mut response = Some(response);
    world.script = Some(Box::new(move |_, _, _| Fate::Answered(response.take().unwrap())));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.retry(), &Retry::ActAt("https://ca.test/agree?a=1".into()));
    assert_eq!(error.terms_of_service(), Some("https://ca.test/terms/2"));
    assert_eq!(world.sent_in_all(), 1, "nothing is agreed to by itself");
}

#[test]
fn the_problem_document_is_the_source_of_the_error() {
    let sent = [
        problem(400, "rejectedIdentifier", json!({})),
        Response::builder().status(400).body(b"not a problem".to_vec()).unwrap(),
    ];
    for (response, kind) in sent.into_iter().zip([Some(ProblemType::RejectedIdentifier), None]) {
        let mut world = World::registered(Config::default(), 8);
        let mut response = Some(response);
        world.script = Some(Box::new(move |_, _, _| Fate::Answered(response.take().unwrap())));
        let error = world.issue(&["example.org"]).unwrap_err();
        let source = core::error::Error::source(&error).map(|e| e.downcast_ref::<Problem>());
        let found = source.map(|problem| problem.expect("a problem document"));
        assert_eq!(found, error.problem());
        assert_eq!(found.map(|problem| problem.kind.clone()), kind);
    }
}

#[test]
fn a_rate_limit_links_to_its_explanation() {
    let mut response = problem(429, "rateLimited", json!({}));
    response.headers_mut().insert("retry-after", "7200".parse().unwrap());
    let link = "<https://ca.test/limits>;rel=\"help\"".parse().unwrap();
    response.headers_mut().insert("link", link);
    let mut world = World::registered(Config::default(), 2);
    let mut response = Some(response);
    world.script = Some(Box::new(move |_, _, _| Fate::Answered(response.take().unwrap())));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::RateLimited, Step::NewOrder));
    assert_eq!(error.help(), Some("https://ca.test/limits"));
}

#[test]
fn a_refused_answer_to_a_challenge_withdraws_the_proof() {
    for kind in ["unauthorized", "malformed"] {
        let response = problem(403, kind, json!({}));
        let (world, code) = refused_once(3, RequestKind::Challenge, response);
        assert_eq!(code, kind);
        assert!(world.published.is_empty() && !world.presented.is_empty());
        assert_eq!(world.presented.len(), world.withdrawn.len());
    }
}

#[test]
fn a_challenge_that_another_order_has_answered_already_is_no_failure() {
    let mut world = World::registered(Config::default(), 4);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        // The answer arrives, and what comes back says that it was not wanted any more.
        (RequestKind::Challenge, 1) => Fate::Changed(Box::new(|answer| {
            let mut refusal = problem(400, "malformed", json!({"detail": "not pending"}));
            let nonce = answer.headers().get("replay-nonce").cloned().unwrap();
            refusal.headers_mut().insert("replay-nonce", nonce);
            refusal
        })),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert!(world.session.deviations().iter().any(|d| d.code == "challenge-answered"));
    world.assert_no_violations();
}

#[test]
fn a_wildcard_without_dns01_on_offer_tells_what_is_on_offer() {
    let mut world = World::registered(Config::default(), 5);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Authorization => Fate::Changed(Box::new(|mut response| {
            let mut value: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
            for challenge in value["challenges"].as_array_mut().unwrap() {
                challenge["type"] = json!("http-01");
            }
            *response.body_mut() = value.to_string().into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["*.example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "no-usable-challenge"));
    assert!(error.to_string().contains("http-01"), "{error}");
    assert!(world.presented.is_empty());
}

#[test]
fn a_cache_that_repeats_a_nonce_is_found_out_and_no_nonce_is_used_twice() {
    let mut world = World::registered(Config::default(), 6);
    world.restart();
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|mut response| {
            if response.headers().contains_key("replay-nonce") {
                response.headers_mut().insert("replay-nonce", "always-the-same".parse().unwrap());
            }
            response
        }))
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, "nonce-repeated"));
    let new_nonce = world.session.directory().unwrap().new_nonce.as_deref();
    assert_eq!(error.url(), new_nonce, "the URL is the one that was asked");
    let with_nonce = world.bytes.iter().filter(|body| !body.is_empty()).count();
    assert_eq!(with_nonce, 1, "the one nonce was used once");
}

#[test]
fn a_stored_account_that_the_server_does_not_know_is_reported_and_none_is_made() {
    for status in [400, 401, 403, 404] {
        let mut world = World::registered(Config::default(), 7);
        world.restart();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewOrder => {
                Fate::Answered(problem(status, "accountDoesNotExist", json!({})))
            }
            _ => Fate::Delivered,
        }));
        let account = world.session.account().cloned();
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "accountDoesNotExist"));
        assert_eq!(world.sent(RequestKind::NewAccount), 0, "{status}: no account is made");
        assert_eq!(world.sent(RequestKind::NewOrder), 1, "{status}");
        assert_eq!(world.session.account(), account.as_ref(), "what to do is the caller's choice");
    }
}

#[test]
fn problems_of_single_names_come_with_their_names() {
    let name = |value| json!({"type": "dns", "value": value});
    for kind in ["compound", "malformed", "rejectedIdentifier"] {
        let subproblems = json!({"subproblems": [
            {"type": "urn:ietf:params:acme:error:caa", "identifier": name("a.example.org"),
             "detail": "CAA forbids", "subproblems": [{"detail": "too deep"}]},
            {"type": "urn:ietf:params:acme:error:dns", "identifier": name("b.example.org")},
        ]});
        let mut world = World::registered(Config::default(), 8);
        let mut response = Some(problem(403, kind, subproblems));
        world.script = Some(Box::new(move |_, _, _| Fate::Answered(response.take().unwrap())));
        let error = world.issue(&["a.example.org", "b.example.org"]).unwrap_err();
        assert_eq!(error.code(), kind);
        let found = &error.problem().unwrap().subproblems;
        let names: Vec<_> = found.iter().map(|sub| sub.identifier.clone().unwrap()).collect();
        assert_eq!(names, world::identifiers(&["a.example.org", "b.example.org"]));
        let kinds: Vec<_> = found.iter().map(|sub| sub.kind.name()).collect();
        assert_eq!(kinds, ["caa", "dns"]);
        assert!(found.iter().all(|sub| sub.subproblems.is_empty()), "one level is enough");
        assert!(error.to_string().contains("a.example.org: caa: CAA forbids"), "{error}");
    }
}

#[test]
fn nothing_is_asked_again_before_the_time_that_a_rate_limit_names() {
    for status in [429, 403, 503] {
        // A short one is waited for.
        let mut world = World::registered(Config::default(), 9);
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::NewOrder, 1) => {
                let mut response = problem(status, "rateLimited", json!({}));
                response.headers_mut().insert("retry-after", "30".parse().unwrap());
                Fate::Answered(response)
            }
            _ => Fate::Delivered,
        }));
        let start = world.now;
        world.issue(&["example.org"]).unwrap();
        let waited = world.now.saturating_since(start).as_secs();
        assert!((30..=31).contains(&waited), "{status}: {waited} s");
        // A long one ends the operation with the time, and none at all means an hour.
        for (retry_after, seconds) in [(Some("7200"), 7200), (None, 3600)] {
            let mut world = World::registered(Config::default(), 9);
            world.script = Some(Box::new(move |_, _, _| {
                let mut response = problem(status, "rateLimited", json!({"detail": "paused"}));
                if let Some(value) = retry_after {
                    response.headers_mut().insert("retry-after", value.parse().unwrap());
                }
                Fate::Answered(response)
            }));
            let error = world.issue(&["example.org"]).unwrap_err();
            let Retry::At(time) = error.retry() else { panic!("{:?}", error.retry()) };
            assert_eq!(time.saturating_since(world.now).as_secs(), seconds);
            assert_eq!(world.sent_in_all(), 1);
        }
    }
}
