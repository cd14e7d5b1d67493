//! The certificate request on its way: what is sent, where, and what is asked afterwards
//! (RFC 8555 §7.4).

mod world;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::ErrorKind;
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::jose::{Jwk, encoding};
use acmekit_core::session::KeyOwner;
use acmekit_testing::{Config, RetryAfter};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

type Sent = Rc<RefCell<Vec<(RequestKind, String, Vec<u8>)>>>;

/// Keeps every request that is sent.
fn recorded(world: &mut World) -> Sent {
    let sent = Sent::default();
    let kept = sent.clone();
    world.script = Some(Box::new(move |kind, _, request| {
        kept.borrow_mut().push((kind, request.uri().to_string(), request.body().clone()));
        Fate::Delivered
    }));
    sent
}

fn payload(body: &[u8]) -> Vec<u8> {
    let jws: Value = serde_json::from_slice(body).unwrap();
    encoding::decode(jws["payload"].as_str().unwrap()).unwrap()
}

#[test]
fn finalize_sends_the_der_of_the_request_in_base64url_and_nothing_else() {
    let mut world = World::registered(Config::default(), 1);
    let names = identifiers(&["example.org", "*.example.org", "192.0.2.1"]);
    world.solves = acmekit_core::challenge::ChallengeType::Dns01;
    let names = names[..2].to_vec();
    let request = world.certificate_request(&names);
    let sent = recorded(&mut world);
    world.run(&mut Issue::new(NewOrder::new(names), request.clone())).unwrap();
    let sent = sent.borrow();
    let (_, _, body) = sent.iter().find(|(kind, ..)| *kind == RequestKind::Finalize).unwrap();
    let text = String::from_utf8(payload(body)).unwrap();
    assert_eq!(text, json!({"csr": encoding::encode(request.der())}).to_string());
    assert!(!text.contains('=') && !text.contains("BEGIN"), "{text}");
    world.assert_no_violations();
}

#[test]
fn an_order_that_is_processed_is_polled_at_its_own_url_at_the_pace_the_server_names() {
    let config = Config::default()
        .with_issuance_delay(Duration::from_secs(7))
        .with_retry_after(RetryAfter::Seconds(3));
    let mut world = World::registered(config, 2);
    let sent = recorded(&mut world);
    let issued = world.issue(&["example.org"]).unwrap();
    let sent = sent.borrow();
    let finalized = sent.iter().position(|(kind, ..)| *kind == RequestKind::Finalize).unwrap();
    let later: Vec<_> =
        sent[finalized + 1..].iter().map(|(kind, url, _)| (*kind, url.as_str())).collect();
    let poll = (RequestKind::Order, issued.order_url());
    let download = (RequestKind::Certificate, issued.certificate_url());
    assert_eq!(later, [poll, poll, poll, download]);
    assert!(
        sent[finalized + 1..sent.len() - 1].iter().all(|(_, _, body)| payload(body).is_empty())
    );
    world.assert_no_violations();
}

#[test]
fn an_order_that_is_valid_at_once_costs_no_poll() {
    let mut world = World::registered(Config::default(), 3);
    world.issue(&["example.org"]).unwrap();
    let after: Vec<_> = world.log.iter().skip_while(|line| *line != "finalize").collect();
    assert_eq!(after, ["finalize", "certificate"]);
}

#[test]
fn an_order_that_is_not_ready_is_read_again_before_anything_else() {
    let mut world = World::registered(Config::default(), 4);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, 1) => {
            let body = json!({"type": "urn:ietf:params:acme:error:orderNotReady"}).to_string();
            Fate::Answered(Response::builder().status(403).body(body.into_bytes()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    let log: Vec<_> = world
        .log
        .iter()
        .skip_while(|line| *line != "finalize")
        .filter(|line| !line.starts_with("wait") && *line != "newNonce")
        .collect();
    assert_eq!(log, ["finalize", "order", "finalize", "certificate"]);
}

#[test]
fn a_request_of_the_caller_is_checked_before_anything_is_sent() {
    let mut world = World::registered(Config::default(), 5);
    let ordered = identifiers(&["a.example.org", "b.example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    for names in [&["a.example.org"][..], &["a.example.org", "b.example.org", "c.example.org"]] {
        let parameters = CertificateRequestParameters::new(identifiers(names));
        let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
        // From outside, as a file.
        let request = CertificateRequest::from_pem(&request.to_pem()).unwrap();
        let mut flow = Issue::new(NewOrder::new(ordered.clone()), request);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "badCSR"));
    }
    let mut der = {
        let parameters = CertificateRequestParameters::new(ordered.clone());
        CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap().der().to_vec()
    };
    *der.last_mut().unwrap() ^= 1;
    assert!(CertificateRequest::from_der(&der).is_err(), "the signature does not hold");
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn no_account_key_that_is_known_becomes_a_certificate_key() {
    let mut world = World::registered(Config::default(), 7);
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let other = Jwk::from_public_key_der(key.public_key_der()).unwrap();
    world.session.note_key(&other, KeyOwner::OtherAccount);
    let error = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "account-key-in-certificate"));
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn a_certificate_for_a_device_needs_no_name_of_it_in_the_request() {
    let device =
        serde_json::from_value(json!({"type": "permanent-identifier", "value": "SN"})).unwrap();
    let mut names = identifiers(&["example.org"]);
    names.push(device);
    let mut world = World::registered(Config::default(), 6);
    let request = world.certificate_request(&names);
    let mut flow = Issue::new(NewOrder::new(names), request);
    // The testing CA takes no such identifiers, which is found out only from its answer.
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!(error.code(), "unsupportedIdentifier");
    assert_eq!(world.sent(RequestKind::NewOrder), 1);
}
