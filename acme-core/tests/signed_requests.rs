//! The form of every signed request: which members, which key reference, which payload
//! (RFC 8555 §6.2, §6.3).

mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use acmekit_core::action::RequestKind;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::ErrorKind;
use acmekit_core::flow::account::{
    AccountChange, ChangeKey, DeactivateAccount, FindAccount, ListOrders, Register, Registration,
    UpdateAccount,
};
use acmekit_core::flow::authorization::DeactivateAuthorization;
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::jose::{AccountKey, ExternalAccountBinding, Jwk, MacAlgorithm, MacKey, encoding};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use serde_json::{Map, Value};
use world::{Fate, World, identifiers};

/// A signed request as it left.
struct Sent {
    kind: RequestKind,
    url: String,
    body: Map<String, Value>,
    protected: Map<String, Value>,
}

impl Sent {
    fn read(kind: RequestKind, request: &http::Request<Vec<u8>>) -> Self {
        let body: Map<String, Value> = serde_json::from_slice(request.body()).unwrap();
        let protected = encoding::decode(body["protected"].as_str().unwrap()).unwrap();
        let protected = serde_json::from_slice(&protected).unwrap();
        Self { kind, url: request.uri().to_string(), body, protected }
    }

    fn members(&self) -> Vec<&str> {
        self.protected.keys().map(String::as_str).collect()
    }

    fn payload(&self) -> Vec<u8> {
        encoding::decode(self.body["payload"].as_str().unwrap()).unwrap()
    }

    fn payload_object(&self) -> Map<String, Value> {
        serde_json::from_slice(&self.payload()).unwrap()
    }
}

type Records = Rc<RefCell<Vec<Sent>>>;

/// Keeps every signed request that leaves.
fn record(world: &mut World) -> Records {
    let records = Records::default();
    let kept = Rc::clone(&records);
    world.script = Some(Box::new(move |kind, _, request| {
        if request.method() == http::Method::POST {
            kept.borrow_mut().push(Sent::read(kind, request));
        }
        Fate::Delivered
    }));
    records
}

/// Every operation once, with a CA that asks for a binding.
fn every_operation() -> (World, Records) {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]))
        .with_preauthorization(true)
        .with_authorization_reuse(true);
    let mut world = World::new(config, 1);
    let records = record(&mut world);
    let mac_key = MacKey::from_bytes(&[7; 32]).unwrap();
    let binding = ExternalAccountBinding::new("kid-1", mac_key, MacAlgorithm::Hs256).unwrap();
    world.run(&mut Register::new(Registration::new().external_account(binding))).unwrap();
    world.run(&mut FindAccount::new()).unwrap();
    let change = AccountChange::new().contacts(["mailto:a@example.org".to_owned()]);
    world.run(&mut UpdateAccount::new(change)).unwrap();

    let name = identifiers(&["pre.example.org"]).remove(0);
    let mut flow = Preauthorize::new(name);
    world.run(&mut flow).unwrap();
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = acmekit_core::certificate::CertificateRequestParameters::new(names.clone());
    let request =
        acmekit_core::certificate::CertificateRequest::build(&parameters, &key, &mut world.entropy);
    let issued = world.run(&mut Issue::new(NewOrder::new(names), request.unwrap())).unwrap();
    let leaf = issued.chain().leaf().clone();
    world.run(&mut ListOrders::new()).unwrap();
    world.run(&mut Revoke::new(leaf.clone())).unwrap();
    world.run(&mut Revoke::new(leaf).by_certificate_key(AccountKey::from(key))).unwrap();
    let authorization = records
        .borrow()
        .iter()
        .rfind(|sent| sent.kind == RequestKind::Authorization)
        .map(|sent| sent.url.clone());
    world.run(&mut DeactivateAuthorization::new(authorization.unwrap())).unwrap();
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    world.run(&mut ChangeKey::new(key.into())).unwrap();
    world.run(&mut DeactivateAccount::new()).unwrap();
    world.assert_no_violations();
    (world, records)
}

#[test]
fn every_operation_sends_the_members_and_the_key_reference_of_the_rfc() {
    use RequestKind as K;
    let (_, records) = every_operation();
    let kinds = [
        K::NewAccount,
        K::Account,
        K::NewAuthorization,
        K::NewOrder,
        K::Order,
        K::Authorization,
        K::Challenge,
        K::Finalize,
        K::Certificate,
        K::OrdersList,
        K::RevokeCertificate,
        K::KeyChange,
    ];
    let mut seen = BTreeSet::new();
    for sent in records.borrow().iter() {
        let forms: &[&str] = match sent.kind {
            K::NewAccount => &["jwk"],
            // By the account's key and by the certificate's key.
            K::RevokeCertificate => &["kid", "jwk"],
            _ => &["kid"],
        };
        let form = forms.iter().find(|form| sent.protected.contains_key(**form));
        let form = form.unwrap_or_else(|| panic!("{}: {:?}", sent.kind, sent.members()));
        assert_eq!(sent.members(), ["alg", *form, "nonce", "url"], "{}", sent.kind);
        assert_eq!(sent.protected["url"], sent.url, "{}", sent.kind);
        let members: Vec<_> = sent.body.keys().collect();
        assert_eq!(members, ["payload", "protected", "signature"], "{}", sent.kind);
        seen.insert((sent.kind, *form));
    }
    for kind in kinds {
        assert!(seen.iter().any(|(seen, _)| *seen == kind), "{kind} was not tried");
    }
    assert!(seen.contains(&(K::RevokeCertificate, "kid")));
    assert!(seen.contains(&(K::RevokeCertificate, "jwk")));
}

#[test]
fn reading_sends_an_empty_payload_and_everything_else_an_object() {
    use RequestKind as K;
    let (_, records) = every_operation();
    for sent in records.borrow().iter() {
        let reads = match sent.kind {
            K::Order | K::Certificate | K::OrdersList => true,
            // Deactivation goes to the same URL.
            K::Authorization => sent.payload().is_empty(),
            _ => false,
        };
        if reads {
            assert_eq!(sent.body["payload"], "", "{}", sent.kind);
        } else {
            assert!(!sent.payload().is_empty(), "{}", sent.kind);
            sent.payload_object();
        }
        if sent.kind == K::Challenge {
            assert_eq!(sent.payload(), b"{}");
        }
    }
}

#[test]
fn no_payload_has_a_null_or_empty_member() {
    fn look(value: &Value, of: RequestKind) {
        match value {
            Value::Object(object) => object.values().for_each(|value| look(value, of)),
            Value::Array(list) => {
                assert!(!list.is_empty(), "{of}");
                list.iter().for_each(|value| look(value, of));
            }
            Value::String(text) => assert!(!text.is_empty(), "{of}"),
            other => assert!(!other.is_null(), "{of}"),
        }
    }
    let (_, records) = every_operation();
    for sent in records.borrow().iter().filter(|sent| !sent.payload().is_empty()) {
        let mut payload = sent.payload_object();
        // The signature of a binding or a key change is over a text that may be anything.
        payload.remove("externalAccountBinding");
        look(&Value::Object(payload), sent.kind);
    }
}

#[test]
fn no_key_that_leaves_has_a_private_member() {
    let (_, records) = every_operation();
    let mut keys = 0;
    for sent in records.borrow().iter() {
        let mut found = vec![sent.protected.get("jwk").cloned()];
        match sent.kind {
            RequestKind::NewAccount => {
                let payload = sent.payload_object();
                found.extend(payload.get("externalAccountBinding").map(|inner| {
                    let text = inner["payload"].as_str().unwrap();
                    Some(serde_json::from_slice(&encoding::decode(text).unwrap()).unwrap())
                }));
            }
            RequestKind::KeyChange => {
                let inner = sent.payload_object();
                let read = |member: &str| -> Value {
                    let text = inner[member].as_str().unwrap();
                    serde_json::from_slice(&encoding::decode(text).unwrap()).unwrap()
                };
                found.push(read("protected").get("jwk").cloned());
                found.push(read("payload").get("oldKey").cloned());
            }
            _ => {}
        }
        for jwk in found.into_iter().flatten() {
            keys += 1;
            let members: Vec<_> = jwk.as_object().unwrap().keys().cloned().collect();
            assert_eq!(members, ["crv", "kty", "x", "y"]);
        }
    }
    assert!(keys >= 6, "{keys} keys were looked at");
}

#[test]
fn the_binding_goes_with_the_one_request_that_creates_the_account() {
    let (_, records) = every_operation();
    let with_binding = records
        .borrow()
        .iter()
        .filter(|sent| String::from_utf8_lossy(&sent.payload()).contains("externalAccount"))
        .count();
    assert_eq!(with_binding, 1);
}

#[test]
fn the_account_url_is_used_byte_for_byte() {
    for url in [
        "https://ca.test/acct?id=7&path=%2F..%2f",
        "https://ca.test/a%7eb/~c/%C3%A9/;p=1,2?q=a+b&r=",
        "https://ca.test:443//Acct/1//2/",
        "https://ca.test/acct/1?",
        "https://CA.Test/acct/'1'!$&()*",
    ] {
        let mut world = World::new(Config::default(), 2);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&seen);
        world.script = Some(Box::new(move |kind, _, request| match kind {
            RequestKind::NewAccount => Fate::Changed(Box::new(move |mut response| {
                response.headers_mut().insert("location", url.parse().unwrap());
                response
            })),
            RequestKind::Account => {
                kept.borrow_mut().push((Sent::read(kind, request), request.uri().to_string()));
                let body = br#"{"status":"valid"}"#.to_vec();
                Fate::Answered(http::Response::builder().body(body).unwrap())
            }
            _ => Fate::Delivered,
        }));
        let account = world.run(&mut Register::new(Registration::new())).unwrap();
        assert_eq!(account.url, url);
        let change = AccountChange::new().contacts(["mailto:a@example.org".to_owned()]);
        let account = world.run(&mut UpdateAccount::new(change)).unwrap();
        assert_eq!(account.url, url, "an update does not change it");
        let text = serde_json::to_string(&account).unwrap();
        assert_eq!(serde_json::from_str::<acmekit_core::account::Account>(&text).unwrap().url, url);
        let seen = seen.borrow();
        let (sent, uri) = &seen[0];
        assert_eq!(
            (sent.protected["kid"].as_str(), sent.protected["url"].as_str()),
            (Some(url), Some(url))
        );
        assert_eq!(uri, url);
    }
}

#[test]
fn hostile_contacts_stay_inside_their_member() {
    for contact in [
        "tel:+1\",\"termsOfServiceAgreed\":true,\"x\":\"",
        "x-pager:a\\\\\"]}",
        "urn:x:\u{2028}\u{2029}é\u{1f600}</script>",
        "urn:x:'\"`$(id)",
    ] {
        let mut world = World::new(Config::default(), 3);
        let records = record(&mut world);
        let registration = Registration::new().contact(contact);
        // The testing CA takes no other contacts than mailto.
        world.run(&mut Register::new(registration)).unwrap_err();
        let records = records.borrow();
        let payload = records[0].payload_object();
        assert_eq!(Value::Object(payload), serde_json::json!({ "contact": [contact] }));
    }
    for control in ["urn:x:\0", "urn:x:\u{1b}[2J", "mailto:a@x\n\"", "urn:x:\u{85}", "urn:x:\u{7f}"]
    {
        let mut world = World::new(Config::default(), 4);
        let registration = Registration::new().contact(control);
        let error = world.run(&mut Register::new(registration)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "invalidContact"));
        assert_eq!(world.sent(RequestKind::NewAccount), 0);
    }
}

#[test]
fn a_key_store_that_signs_in_asn1_issues_like_any_other() {
    let mut world = World::new(Config::default(), 5);
    world.hold_account_key_elsewhere();
    let records = record(&mut world);
    world.run(&mut Register::new(Registration::new())).unwrap();
    for n in 0..20 {
        world.issue(&[&format!("n{n}.example.org")]).unwrap();
    }
    for sent in records.borrow().iter() {
        let signature = encoding::decode(sent.body["signature"].as_str().unwrap()).unwrap();
        assert_eq!(signature.len(), 64, "{}", sent.kind);
    }
    assert!(records.borrow().len() > 100);
    world.assert_no_violations();
}

#[test]
fn an_account_is_moved_to_a_key_in_a_key_store() {
    let mut world = World::registered(Config::default(), 6);
    let next = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let jwk = Jwk::from_public_key_der(next.public_key_der()).unwrap();
    world.next_account_key = Some(next.clone());
    world.run(&mut ChangeKey::new(AccountKey::external(jwk.clone()).unwrap())).unwrap();
    assert_eq!(world.session.account_key().thumbprint(), jwk.thumbprint());
    world.account_key = Some(next);
    world.issue(&["example.org"]).unwrap();
    world.assert_no_violations();
}
