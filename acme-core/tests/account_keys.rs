//! Changing the account key where the server is unclear, refuses, or has no such thing, and keys
//! that may be no account key (RFC 8555 §7.3.5, §11.1).

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{ErrorKind, Retry};
use acmekit_core::flow::Flow;
use acmekit_core::flow::account::{ChangeKey, Register, Registration};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::jose::{AccountKey, encoding};
use acmekit_core::session::{KeyOwner, Session};
use acmekit_testing::Config;
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

fn private_key(world: &mut World) -> PrivateKey {
    PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap()
}

fn new_key(world: &mut World) -> AccountKey {
    private_key(world).into()
}

fn problem(status: u16, kind: &str) -> Response<Vec<u8>> {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": "because"});
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

/// Every key change is answered by this instead of the CA.
fn answer_key_changes(world: &mut World, answer: impl Fn() -> Response<Vec<u8>> + 'static) {
    world.forget_traffic();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::KeyChange => Fate::Answered(answer()),
        _ => Fate::Delivered,
    }));
}

fn decoded(text: &Value) -> Value {
    serde_json::from_slice(&encoding::decode(text.as_str().unwrap()).unwrap()).unwrap()
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn both_jws_of_a_key_change_are_to_the_letter() {
    let mut world = World::registered(Config::default(), 1);
    let (old, new) = (world.session.account_key().clone(), new_key(&mut world));
    let account = world.session.account().unwrap().url.clone();
    world.run(&mut ChangeKey::new(new.clone())).unwrap();
    let outer: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
    let url = world.session.directory().unwrap().key_change.clone().unwrap();
    let header = decoded(&outer["protected"]);
    assert_eq!(members(&header), ["alg", "kid", "nonce", "url"]);
    assert_eq!((&header["kid"], &header["url"]), (&json!(account), &json!(url)));

    let inner = decoded(&outer["payload"]);
    assert_eq!(members(&inner), ["payload", "protected", "signature"]);
    let header = decoded(&inner["protected"]);
    assert_eq!(header, json!({"alg": "ES256", "jwk": new.jwk().to_value(), "url": url}));
    let payload = decoded(&inner["payload"]);
    assert_eq!(payload, json!({"account": account, "oldKey": old.jwk().to_value()}));
    world.assert_no_violations();
}

#[test]
fn a_conflict_names_the_account_that_has_the_key_and_the_old_key_stays() {
    let mut world = World::registered(Config::default(), 2);
    let old = world.session.account_key().thumbprint();
    answer_key_changes(&mut world, || {
        let mut response = problem(409, "malformed");
        response.headers_mut().insert("location", "/acct/other".parse().unwrap());
        response
    });
    let key = new_key(&mut world);
    let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "key-in-use"));
    assert_eq!(error.url(), Some("https://ca.test/acct/other"));
    assert_eq!(error.retry(), &Retry::FixInput);
    assert_eq!(error.problem().unwrap().detail.as_deref(), Some("because"));
    assert_eq!(world.session.account_key().thumbprint(), old);
    world.script = None;
    world.issue(&["example.org"]).unwrap();
}

#[test]
fn the_old_key_stays_whenever_the_server_refuses() {
    for (status, kind) in [
        (400, "malformed"),
        (400, "badPublicKey"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (501, "serverInternal"),
    ] {
        let mut world = World::registered(Config::default(), 3);
        let old = world.session.account_key().thumbprint();
        answer_key_changes(&mut world, move || problem(status, kind));
        let key = new_key(&mut world);
        world.run(&mut ChangeKey::new(key)).unwrap_err();
        assert_eq!(world.session.account_key().thumbprint(), old, "{status} {kind}");
        assert_eq!(world.session.account().unwrap().key_thumbprint, old);
        assert_eq!(world.sent(RequestKind::KeyChange), 1, "{status} {kind}");
        world.script = None;
        world.issue(&["example.org"]).unwrap();
    }
}

#[test]
fn a_server_that_has_no_key_change_says_so_in_one_kind_of_error() {
    for status in [501, 404, 405] {
        let mut world = World::registered(Config::default(), 4);
        answer_key_changes(&mut world, move || {
            Response::builder().status(status).body(b"<html>".to_vec()).unwrap()
        });
        let key = new_key(&mut world);
        let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{status}");
        assert!(["not-implemented", "key-change-unsupported"].contains(&error.code()));
        assert_eq!(error.retry(), &Retry::Never);
    }
    // A directory without it.
    let mut world = World::registered(Config::default(), 5);
    world.restart();
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Directory => Fate::Changed(Box::new(|mut response| {
            let mut value: Value = serde_json::from_slice(response.body()).unwrap();
            value.as_object_mut().unwrap().remove("keyChange");
            *response.body_mut() = value.to_string().into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    let key = new_key(&mut world);
    let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "key-change-unsupported"));
}

#[test]
fn a_lost_answer_asks_with_the_new_key_and_then_with_the_old_one() {
    let mut world = World::registered(Config::default(), 6);
    let (old, new) = (world.session.account_key().clone(), new_key(&mut world));
    world.forget_traffic();
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        // Gone on its way, but nobody can know.
        (RequestKind::KeyChange, 1) => {
            Fate::Answered(Response::builder().status(502).body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.run(&mut ChangeKey::new(new.clone())).unwrap();
    let mut asked = Vec::new();
    for body in world.bytes.iter().filter(|body| !body.is_empty()) {
        let body: Value = serde_json::from_slice(body).unwrap();
        if let Some(jwk) = decoded(&body["protected"]).get("jwk") {
            assert_eq!(decoded(&body["payload"]), json!({"onlyReturnExisting": true}));
            asked.push(jwk.clone());
        }
    }
    assert_eq!(asked, [new.jwk().to_value(), old.jwk().to_value()]);
    assert_eq!(world.session.account_key().thumbprint(), new.thumbprint());
    world.assert_no_violations();
}

#[test]
fn a_lost_answer_of_which_the_account_is_another_ones_changes_nothing() {
    let mut world = World::registered(Config::default(), 7);
    let old = world.session.account_key().thumbprint();
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::KeyChange => {
            Fate::Answered(Response::builder().status(502).body(Vec::new()).unwrap())
        }
        RequestKind::NewAccount => Fate::Answered(
            Response::builder()
                .header("location", "https://ca.test/acct/other")
                .header("replay-nonce", "n-1")
                .body(br#"{"status":"valid"}"#.to_vec())
                .unwrap(),
        ),
        _ => Fate::Delivered,
    }));
    let key = new_key(&mut world);
    let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
    assert_eq!(error.code(), "key-in-use");
    assert_eq!(world.session.account_key().thumbprint(), old);
}

#[test]
fn a_key_change_that_no_answer_ever_reaches_ends_with_the_old_key() {
    let mut world = World::registered(Config::default(), 8);
    let old = world.session.account_key().thumbprint();
    let key = new_key(&mut world);
    world.forget_traffic();
    answer_key_changes(&mut world, || Response::builder().status(502).body(Vec::new()).unwrap());
    let mut flow = ChangeKey::new(key);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!(error.code(), "server-error");
    assert_eq!(world.sent(RequestKind::KeyChange), 2, "no endless loop");
    assert_eq!(world.session.account_key().thumbprint(), old);
    let saved = serde_json::to_value(flow.checkpoint()).unwrap();
    assert_eq!(saved["state"]["sent"], true, "a resume asks first");
}

#[test]
fn the_key_of_a_certificate_becomes_no_account_key() {
    let mut world = World::registered(Config::default(), 9);
    let names = identifiers(&["example.org"]);
    let key = private_key(&mut world);
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap();
    world.forget_traffic();
    let error = world.run(&mut ChangeKey::new(key.into())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "key-used-elsewhere"));
    assert!(error.message().contains("a certificate"), "{error}");
    assert_eq!(world.sent_in_all(), 0);
    world.assert_no_violations();
}

#[test]
fn a_key_that_the_caller_knows_of_becomes_no_account_key() {
    for (owner, words) in
        [(KeyOwner::OtherAccount, "another account"), (KeyOwner::Certificate, "a certificate")]
    {
        let mut world = World::registered(Config::default(), 10);
        let key = new_key(&mut world);
        world.session.note_key(key.jwk(), owner);
        let error = world.run(&mut ChangeKey::new(key.clone())).unwrap_err();
        assert_eq!(error.code(), "key-used-elsewhere");
        assert!(error.message().contains(words), "{error}");
        assert_eq!(world.sent_in_all(), 0);

        let policy = world.session.policy().clone();
        let mut session = Session::new(world.ca.directory_url(), key.clone(), policy).unwrap();
        session.note_key(key.jwk(), owner);
        world.session = session;
        let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "key-used-elsewhere"));
        assert_eq!(world.sent(RequestKind::NewAccount), 0);
    }
}
