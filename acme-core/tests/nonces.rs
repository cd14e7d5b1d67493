//! Anti-replay nonces: where they come from, that each is used once, and what happens when the
//! server does not like one (RFC 8555 §6.5, §7.2).

mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use acmekit_core::action::{Action, Input, Outgoing, RequestKind};
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::account::{FindAccount, Register, Registration};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::{Context, Flow};
use acmekit_core::jose::encoding;
use acmekit_testing::Config;
use http::{HeaderValue, Method, Request, Response};
use serde_json::{Value, json};
use world::{Fate, World};

type Log = Rc<RefCell<Vec<(RequestKind, Method, Option<String>)>>>;

/// The nonce in the protected header of a signed request.
fn nonce_of(request: &Request<Vec<u8>>) -> Option<String> {
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    let header = encoding::decode(body["protected"].as_str()?).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header["nonce"].as_str().map(str::to_owned)
}

/// Notes method and nonce of each request, and does to it what `fate` says.
fn watch(
    world: &mut World,
    mut fate: impl FnMut(RequestKind, usize, &Request<Vec<u8>>) -> Fate + 'static,
) -> Log {
    let log = Log::default();
    let keeper = log.clone();
    world.script = Some(Box::new(move |kind, ordinal, request| {
        keeper.borrow_mut().push((kind, request.method().clone(), nonce_of(request)));
        fate(kind, ordinal, request)
    }));
    log
}

fn problem(status: u16, kind: &str) -> Response<Vec<u8>> {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "no"});
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

fn changed(change: impl Fn(Response<Vec<u8>>) -> Response<Vec<u8>> + 'static) -> Fate {
    Fate::Changed(Box::new(change))
}

fn with_status(status: u16) -> Fate {
    changed(move |mut response| {
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
    })
}

/// A client that has to fetch a nonce before it can do anything.
fn without_nonces(seed: u64) -> World {
    let mut world = World::registered(Config::default(), seed);
    world.restart();
    world.run(&mut FetchDirectory::new()).unwrap();
    world.forget_traffic();
    world
}

#[test]
fn the_first_nonce_comes_by_head_whatever_the_status_of_success() {
    for status in [200, 204] {
        let mut world = without_nonces(1);
        let log = watch(&mut world, move |kind, _, _| match kind {
            RequestKind::NewNonce => with_status(status),
            _ => Fate::Delivered,
        });
        world.run(&mut FindAccount::new()).unwrap();
        let methods: Vec<_> = log.borrow().iter().map(|(_, method, _)| method.clone()).collect();
        assert_eq!(methods, [Method::HEAD, Method::POST], "{status}");
        world.assert_no_violations();
    }
}

#[test]
fn where_head_is_not_allowed_the_nonce_comes_by_get() {
    let mut world = without_nonces(2);
    let log = watch(&mut world, |kind, _, request| match kind {
        RequestKind::NewNonce if request.method() == Method::HEAD => {
            Fate::Answered(Response::builder().status(405).body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    });
    world.run(&mut FindAccount::new()).unwrap();
    let methods: Vec<_> = log.borrow().iter().map(|(_, method, _)| method.clone()).collect();
    assert_eq!(methods, [Method::HEAD, Method::GET, Method::POST]);
    world.assert_no_violations();
}

#[test]
fn an_answer_to_new_nonce_without_a_usable_nonce_is_an_error_that_says_so() {
    for nonce in [None, Some("not base64url!"), Some("a=b"), Some("")] {
        let mut world = without_nonces(3);
        let log = watch(&mut world, move |_, _, _| {
            changed(move |mut response| {
                response.headers_mut().remove("replay-nonce");
                if let Some(nonce) = nonce {
                    let value = HeaderValue::from_static(nonce);
                    response.headers_mut().insert("replay-nonce", value);
                }
                response
            })
        });
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Protocol, Step::Nonce), "{nonce:?}");
        assert_eq!(error.code(), "nonce-missing");
        assert!(log.borrow().iter().all(|(_, method, _)| method == Method::HEAD), "nothing else");
    }
}

#[test]
fn the_nonce_of_every_answer_is_used_and_none_twice() {
    let mut world = World::new(Config::default(), 4);
    let handed_out = Rc::new(RefCell::new(Vec::new()));
    let keeper = handed_out.clone();
    let log = watch(&mut world, move |kind, ordinal, _| {
        let keeper = keeper.clone();
        changed(move |mut response| {
            // A refusal on the way carries a nonce as well.
            if kind == RequestKind::NewOrder && ordinal == 1 {
                let nonce = response.headers().get("replay-nonce").cloned().unwrap();
                response = problem(503, "serverInternal");
                response.headers_mut().insert("replay-nonce", nonce);
            }
            if let Some(nonce) = response.headers().get("replay-nonce") {
                keeper.borrow_mut().push(nonce.to_str().unwrap().to_owned());
            }
            response
        })
    });
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.issue(&["example.org"]).unwrap();
    world.run(&mut FindAccount::new()).unwrap();
    let used: Vec<String> = log.borrow().iter().filter_map(|(_, _, nonce)| nonce.clone()).collect();
    let distinct: BTreeSet<&String> = used.iter().collect();
    assert_eq!(distinct.len(), used.len(), "none is used twice");
    let mut handed_out = handed_out.borrow().clone();
    handed_out.pop();
    assert_eq!(used, handed_out, "each is used, the last one is left");
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
}

#[test]
fn a_nonce_outside_the_alphabet_is_never_sent_back() {
    let mut world = without_nonces(5);
    let log = watch(&mut world, |kind, _, _| match kind {
        RequestKind::NewNonce => Fate::Delivered,
        _ => changed(|mut response| {
            response.headers_mut().insert("replay-nonce", HeaderValue::from_static("bad+nonce/"));
            response
        }),
    });
    world.run(&mut FindAccount::new()).unwrap();
    world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 2, "it counts as absent");
    assert!(log.borrow().iter().all(|(_, _, nonce)| nonce.as_deref() != Some("bad+nonce/")));
    world.assert_no_violations();
}

#[test]
fn a_refused_nonce_is_replaced_by_that_of_the_refusal_in_a_new_signature() {
    let mut world = World::registered(Config::default(), 6);
    // Another nonce is at hand, but the one of the refusal is the one to use.
    let offered = Rc::new(RefCell::new(Vec::new()));
    let keeper = offered.clone();
    let log = watch(&mut world, move |kind, ordinal, _| match kind {
        RequestKind::NewOrder if ordinal <= 3 => {
            let keeper = keeper.clone();
            changed(move |response| {
                let nonce = response.headers().get("replay-nonce").cloned().unwrap();
                keeper.borrow_mut().push(nonce.to_str().unwrap().to_owned());
                let mut refusal = problem(400, "badNonce");
                refusal.headers_mut().insert("replay-nonce", nonce);
                refusal
            })
        }
        _ => Fate::Delivered,
    });
    world.issue(&["example.org"]).unwrap();
    let nonces: Vec<String> = log
        .borrow()
        .iter()
        .filter(|(kind, _, _)| *kind == RequestKind::NewOrder)
        .filter_map(|(_, _, nonce)| nonce.clone())
        .collect();
    assert_eq!(nonces.len(), 4);
    assert_eq!(nonces[1..], *offered.borrow(), "each try has the nonce of the refusal before it");
    assert_eq!(world.sent(RequestKind::NewNonce), 0);
}

#[test]
fn the_nonce_of_a_refusal_belongs_to_the_request_that_was_refused() {
    let mut world = World::registered(Config::default(), 15);
    let (mut first, mut second) = (FindAccount::new(), FindAccount::new());
    fn poll(world: &mut World, flow: &mut FindAccount) -> Option<Outgoing> {
        let (session, entropy) = (&mut world.session, &mut world.entropy);
        let cx = &mut Context { session, now: world.now, entropy };
        match flow.poll(cx).unwrap() {
            Action::Send(outgoing) => Some(outgoing),
            _ => None,
        }
    }
    // The first takes the only nonce, the second waits for one.
    let outgoing = poll(&mut world, &mut first).unwrap();
    assert!(poll(&mut world, &mut second).is_none());
    let mut refusal = problem(400, "badNonce");
    refusal.headers_mut().insert("replay-nonce", HeaderValue::from_static("for-the-first"));
    world.hand(&mut first, Input::Response { id: outgoing.id, response: refusal });
    let other = poll(&mut world, &mut second);
    assert!(other.is_none_or(|other| nonce_of(&other.request).is_none()), "it has to wait");
    let again = poll(&mut world, &mut first).unwrap();
    assert_eq!(nonce_of(&again.request).as_deref(), Some("for-the-first"));
}

#[test]
fn a_repeated_request_is_never_the_same_bytes() {
    let mut world = World::registered(Config::default(), 7);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::NewOrder, 1) => Fate::Answered(problem(400, "badNonce")),
        (RequestKind::NewOrder, 2) => Fate::Answered(problem(503, "serverInternal")),
        (RequestKind::NewOrder, 3) => Fate::NotSent,
        (RequestKind::Authorization, 1) => Fate::AnswerLost,
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewOrder), 4);
    let signed: Vec<_> = world.bytes.iter().filter(|body| !body.is_empty()).collect();
    let part = |name: &str| -> BTreeSet<String> {
        let member = |body: &&Vec<u8>| {
            let value: Value = serde_json::from_slice(body).unwrap();
            value[name].as_str().unwrap().to_owned()
        };
        signed.iter().map(member).collect()
    };
    assert_eq!(part("protected").len(), signed.len(), "a new nonce each time");
    assert_eq!(part("signature").len(), signed.len(), "a new signature each time");
    world.assert_no_violations();
}

#[test]
fn a_refusal_without_a_nonce_makes_the_client_fetch_one() {
    let mut world = World::registered(Config::default(), 8);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::NewOrder, 1) => Fate::Answered(problem(400, "badNonce")),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
    world.assert_no_violations();
}

#[test]
fn bad_nonces_without_end_are_tried_a_bounded_number_of_times_and_may_be_tried_again() {
    let mut world = World::registered(Config::default(), 9);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => Fate::Answered(problem(400, "badNonce")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.code(), error.retry()), ("badNonce", &Retry::Now));
    let tries = u32::try_from(world.sent(RequestKind::NewOrder)).unwrap();
    assert_eq!(tries, 1 + world.session.policy().max_bad_nonce_retries);
    assert!((4..=6).contains(&tries), "{tries}");
}

#[test]
fn requests_side_by_side_never_share_a_nonce() {
    for latency in [1, 50, 400] {
        let mut world = without_nonces(10);
        world.latency = Duration::from_millis(latency);
        let log = watch(&mut world, |_, _, _| Fate::Delivered);
        let mut flows: Vec<_> = (0..16)
            .map(|n| world.order(&[&format!("a{n}.example.org"), &format!("b{n}.example.org")]))
            .collect();
        for result in world.run_all(&mut flows) {
            result.unwrap();
        }
        let used: Vec<String> =
            log.borrow().iter().filter_map(|(_, _, nonce)| nonce.clone()).collect();
        let distinct: BTreeSet<&String> = used.iter().collect();
        assert_eq!(distinct.len(), used.len(), "at {latency} ms");
        world.assert_no_violations();
    }
}

#[test]
fn a_nonce_that_has_grown_old_is_not_used() {
    let mut world = World::registered(Config::default(), 11);
    let max_age = world.session.policy().max_nonce_age;
    world.now = world.now.saturating_add(max_age);
    world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 0, "just in time");
    world.now = world.now.saturating_add(max_age + Duration::from_secs(1));
    world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 1, "the server will have forgotten it");
}

#[test]
fn sessions_of_two_directories_do_not_share_nonces() {
    let mut first = World::registered(Config::default(), 12);
    let config = Config::default().with_base_url("https://other.test");
    let mut second = World::new(config, 12);
    let log = watch(&mut second, |_, _, _| Fate::Delivered);
    second.run(&mut Register::new(Registration::new())).unwrap();
    assert_eq!(second.sent(RequestKind::NewNonce), 1, "those of the first are not taken");
    first.run(&mut FindAccount::new()).unwrap();
    assert_eq!(first.sent(RequestKind::NewNonce), 0);
    drop(log);
    first.assert_no_violations();
    second.assert_no_violations();
}

#[test]
fn a_lost_answer_to_finalize_is_resolved_by_reading_the_order_and_not_by_a_second_finalize() {
    let mut world = World::registered(Config::default(), 13);
    let log = watch(&mut world, |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, 1) => Fate::AnswerLost,
        _ => Fate::Delivered,
    });
    world.issue(&["example.org"]).unwrap();
    let log = log.borrow();
    let after: Vec<_> = log
        .iter()
        .map(|(kind, _, _)| *kind)
        .skip_while(|kind| *kind != RequestKind::Finalize)
        .filter(|kind| *kind != RequestKind::NewNonce)
        .collect();
    assert_eq!(after, [RequestKind::Finalize, RequestKind::Order, RequestKind::Certificate]);
    let used: Vec<_> = log.iter().filter_map(|(_, _, nonce)| nonce.clone()).collect();
    let distinct: BTreeSet<_> = used.iter().collect();
    assert_eq!(distinct.len(), used.len(), "the spent nonce is not used again");
    world.assert_no_violations();
}

#[test]
fn a_lost_answer_to_the_challenge_is_resolved_by_looking_and_not_by_a_second_answer() {
    let mut world = World::registered(Config::default(), 14);
    let log = watch(&mut world, |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Challenge, 1) => Fate::AnswerLost,
        _ => Fate::Delivered,
    });
    world.issue(&["example.org"]).unwrap();
    let challenges =
        log.borrow().iter().filter(|(kind, ..)| *kind == RequestKind::Challenge).count();
    assert_eq!(challenges, 1);
    world.assert_no_violations();
}
