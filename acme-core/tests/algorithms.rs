//! The names of signature algorithms, and what a server that refuses one leads to (RFC 8555 §6.2,
//! RFC 9864).

#![cfg_attr(not(feature = "ed25519"), allow(dead_code, unused_imports))]

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use acmekit_core::action::RequestKind;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{Error, ErrorKind, Retry};
use acmekit_core::flow::account::{ChangeKey, Register, Registration};
use acmekit_core::jose::{AccountKey, Jwk, encoding};
use acmekit_core::policy::Policy;
use acmekit_core::problem::ProblemType;
use acmekit_core::session::Session;
use acmekit_testing::Config;
use serde_json::Value;
use world::{Fate, World};

/// A CA that takes these algorithms, and a client with a key of this kind, in the process or in a
/// key store.
fn world(kind: KeyType, algorithms: &[&str], elsewhere: bool) -> World {
    let config = Config::default().with_signature_algorithms(algorithms.iter().copied());
    let mut world = World::new(config, 1);
    let key = PrivateKey::generate(kind, &mut world.entropy).unwrap();
    world.account_key = Some(key.clone());
    world.session =
        Session::new(world.ca.directory_url(), AccountKey::from(key), Policy::default()).unwrap();
    if elsewhere {
        world.hold_account_key_elsewhere();
    }
    world
}

type Names = Rc<RefCell<Vec<(RequestKind, String)>>>;

fn decoded(text: &Value) -> Value {
    serde_json::from_slice(&encoding::decode(text.as_str().unwrap()).unwrap()).unwrap()
}

/// Keeps the algorithm of every signed request, and of the JWS inside a key change.
fn record(world: &mut World) -> Names {
    let names = Names::default();
    let kept = Rc::clone(&names);
    world.script = Some(Box::new(move |kind, _, request| {
        if let Ok(body) = serde_json::from_slice::<Value>(request.body()) {
            let algorithm =
                |body: &Value| decoded(&body["protected"])["alg"].as_str().unwrap().to_owned();
            let mut name = algorithm(&body);
            if kind == RequestKind::KeyChange {
                name = format!("{name} with {}", algorithm(&decoded(&body["payload"])));
            }
            kept.borrow_mut().push((kind, name));
        }
        Fate::Delivered
    }));
    names
}

fn of_kind(names: &Names, kind: RequestKind) -> Vec<String> {
    let names = names.borrow();
    names.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.clone()).collect()
}

fn register(world: &mut World) -> Result<(), Error> {
    world.run(&mut Register::new(Registration::new())).map(drop)
}

#[cfg(feature = "ed25519")]
#[test]
fn a_server_that_lists_only_ed25519_is_signed_for_under_that_name_from_then_on() {
    for elsewhere in [false, true] {
        let mut world = world(KeyType::Ed25519, &["ES256", "Ed25519"], elsewhere);
        let names = record(&mut world);
        register(&mut world).unwrap();
        assert_eq!(of_kind(&names, RequestKind::NewAccount), ["EdDSA", "Ed25519"]);
        names.borrow_mut().clear();
        world.issue(&["example.org"]).unwrap();
        assert!(names.borrow().len() > 4);
        assert!(names.borrow().iter().all(|(_, name)| name == "Ed25519"), "{names:?}");
    }
}

#[cfg(feature = "ed25519")]
#[test]
fn servers_of_rfc_8555_see_eddsa_and_no_other_name() {
    for elsewhere in [false, true] {
        let mut world = world(KeyType::Ed25519, &["ES256", "EdDSA"], elsewhere);
        let names = record(&mut world);
        register(&mut world).unwrap();
        world.issue(&["example.org"]).unwrap();
        assert!(names.borrow().iter().all(|(_, name)| name == "EdDSA"), "{names:?}");
        world.assert_no_violations();
    }
}

#[cfg(feature = "ed25519")]
#[test]
fn orders_side_by_side_are_each_signed_again_at_most_once() {
    let mut world = world(KeyType::Ed25519, &["Ed25519"], false);
    register(&mut world).unwrap();
    world.restart();
    let names = record(&mut world);
    let mut flows: Vec<_> = (0..5).map(|n| world.order(&[&format!("n{n}.example.org")])).collect();
    for result in world.run_all(&mut flows) {
        result.unwrap();
    }
    let refused = names.borrow().iter().filter(|(_, name)| name == "EdDSA").count();
    assert!((1..=5).contains(&refused), "{refused}");
    assert!(of_kind(&names, RequestKind::NewOrder).len() <= 10);
}

#[cfg(feature = "ed25519")]
#[test]
fn a_server_that_refuses_both_names_ends_it() {
    let mut world = world(KeyType::Ed25519, &["ES256"], false);
    let mut turn = 0;
    let names = Names::default();
    let kept = Rc::clone(&names);
    // Names whichever was not used.
    world.script = Some(Box::new(move |kind, _, request| {
        if kind != RequestKind::NewAccount {
            return Fate::Delivered;
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let used = decoded(&body["protected"])["alg"].as_str().unwrap().to_owned();
        let other = if used == "EdDSA" { "Ed25519" } else { "EdDSA" };
        kept.borrow_mut().push((kind, used));
        turn += 1;
        assert!(turn < 10, "the client goes on and on");
        let text = format!(
            r#"{{"type":"urn:ietf:params:acme:error:badSignatureAlgorithm","algorithms":["{other}"]}}"#
        );
        let response =
            http::Response::builder().status(400).header("replay-nonce", turn.to_string());
        Fate::Answered(response.body(text.into_bytes()).unwrap())
    }));
    let error = register(&mut world).unwrap_err();
    assert_eq!(error.code(), "badSignatureAlgorithm");
    assert_eq!(of_kind(&names, RequestKind::NewAccount), ["EdDSA", "Ed25519"]);
}

#[test]
fn the_algorithms_that_a_server_takes_are_told_and_no_other_key_is_tried() {
    let mut world = world(KeyType::P256, &["RS256", "ES384", "Ed25519"], false);
    let error = register(&mut world).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "badSignatureAlgorithm"));
    let problem = error.problem().unwrap();
    assert_eq!(problem.kind, ProblemType::BadSignatureAlgorithm);
    assert_eq!(problem.algorithms, ["RS256", "ES384", "Ed25519"]);
    assert_eq!(error.retry(), &Retry::FixInput);
    assert_eq!(world.sent(RequestKind::NewAccount), 1, "the same key can use none of them");
}

#[cfg(feature = "ed25519")]
#[test]
fn a_refusal_without_a_list_is_not_answered() {
    let mut world = world(KeyType::Ed25519, &["Ed25519"], false);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewAccount => Fate::Changed(Box::new(|mut response| {
            let mut problem: Value = serde_json::from_slice(response.body()).unwrap();
            problem.as_object_mut().unwrap().remove("algorithms");
            *response.body_mut() = problem.to_string().into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    let error = register(&mut world).unwrap_err();
    assert_eq!(error.code(), "badSignatureAlgorithm");
    assert_eq!(world.sent(RequestKind::NewAccount), 1);
}

#[cfg(feature = "ed25519")]
#[test]
fn the_inner_jws_of_a_key_change_takes_the_name_that_the_server_knows() {
    for elsewhere in [false, true] {
        let mut world = world(KeyType::P256, &["ES256", "Ed25519"], false);
        let names = record(&mut world);
        register(&mut world).unwrap();
        let next = PrivateKey::generate(KeyType::Ed25519, &mut world.entropy).unwrap();
        world.next_account_key = Some(next.clone());
        let key = if elsewhere {
            let jwk = Jwk::from_public_key_der(next.public_key_der()).unwrap();
            AccountKey::external(jwk).unwrap()
        } else {
            next.clone().into()
        };
        world.run(&mut ChangeKey::new(key)).unwrap();
        assert_eq!(
            of_kind(&names, RequestKind::KeyChange),
            ["ES256 with EdDSA", "ES256 with Ed25519"]
        );
        names.borrow_mut().clear();
        world.account_key = Some(next);
        world.issue(&["example.org"]).unwrap();
        assert!(names.borrow().iter().all(|(_, name)| name == "Ed25519"), "{names:?}");
    }
}

#[cfg(feature = "ed25519")]
#[test]
fn a_key_change_between_two_ed25519_keys_takes_the_name_for_both() {
    let mut world = world(KeyType::Ed25519, &["Ed25519"], false);
    register(&mut world).unwrap();
    world.restart();
    let names = record(&mut world);
    let next = PrivateKey::generate(KeyType::Ed25519, &mut world.entropy).unwrap();
    world.run(&mut ChangeKey::new(next.into())).unwrap();
    assert_eq!(
        of_kind(&names, RequestKind::KeyChange),
        ["EdDSA with EdDSA", "Ed25519 with EdDSA", "Ed25519 with Ed25519"]
    );
}

#[cfg(feature = "ed25519")]
#[test]
fn a_key_change_whose_inner_name_is_refused_again_and_again_ends() {
    let mut world = world(KeyType::P256, &["ES256", "Ed25519"], false);
    register(&mut world).unwrap();
    world.script = Some(Box::new(|kind, ordinal, request| {
        if kind != RequestKind::KeyChange {
            return Fate::Delivered;
        }
        assert!(ordinal < 10, "the client goes on and on");
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let inner = decoded(&body["payload"]);
        let used = decoded(&inner["protected"])["alg"].as_str().unwrap().to_owned();
        let other = if used == "EdDSA" { "Ed25519" } else { "EdDSA" };
        let text = format!(
            r#"{{"type":"urn:ietf:params:acme:error:badSignatureAlgorithm","algorithms":["ES256","{other}"]}}"#
        );
        let response = http::Response::builder().status(400);
        Fate::Answered(response.body(text.into_bytes()).unwrap())
    }));
    let next = PrivateKey::generate(KeyType::Ed25519, &mut world.entropy).unwrap();
    let error = world.run(&mut ChangeKey::new(next.into())).unwrap_err();
    assert_eq!(error.code(), "badSignatureAlgorithm");
    assert_eq!(world.sent(RequestKind::KeyChange), 2);
}
