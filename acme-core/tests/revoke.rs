//! Revocation: by the account, by the certificate's key, twice.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{Certificate, CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{ErrorKind, Step};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::revoke::{RevocationReason, Revoke};
use acmekit_core::jose::{AccountKey, encoding};
use acmekit_core::session::Session;
use acmekit_testing::{Config, RefusalCause, RequestKind as CaRequest};
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

#[test]
fn the_account_revokes_what_it_issued_and_once_more_counts_as_done() {
    let mut world = World::registered(Config::default(), 1);
    let leaf = world.issue(&["example.org", "www.example.org"]).unwrap().chain().leaf().clone();
    let mut flow = Revoke::new(leaf.clone()).reason(RevocationReason::Superseded);
    assert_eq!(flow.affected().len(), 2, "both names lose their certificate");
    assert!(!world.run(&mut flow).unwrap().already);
    let revoked = world.ca.revoked(leaf.serial_number()).unwrap();
    assert_eq!(revoked.reason, Some(4));
    assert!(world.run(&mut Revoke::new(leaf)).unwrap().already);
    world.assert_no_violations();
}

#[test]
fn the_certificates_own_key_revokes_without_an_account() {
    let mut world = World::registered(Config::default(), 2);
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let issued = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap();
    let leaf = issued.chain().leaf().clone();

    // A stranger's session: another account key, no account.
    let stranger = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let (url, policy) = (world.ca.directory_url(), world.session.policy().clone());
    world.session = Session::new(url, stranger.clone().into(), policy).unwrap();
    let mut flow = Revoke::new(leaf.clone());
    assert_eq!(world.run(&mut flow).unwrap_err().kind(), ErrorKind::NoAccount);
    let mut flow = Revoke::new(leaf.clone()).by_certificate_key(AccountKey::from(stranger));
    assert_eq!(world.run(&mut flow).unwrap_err().code(), "wrong-certificate-key");
    let mut flow = Revoke::new(leaf.clone()).by_certificate_key(AccountKey::from(key));
    assert!(!world.run(&mut flow).unwrap().already);
    assert_eq!(world.ca.revoked(leaf.serial_number()).unwrap().reason, None);
    world.assert_no_violations();
}

/// acme2certifier takes the certificate's key for that of an account.
#[test]
fn a_server_that_looks_for_an_account_of_the_certificates_key_is_told_apart() {
    let mut world = World::registered(Config::default(), 4);
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let issued = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap();
    let leaf = issued.chain().leaf().clone();
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::RevokeCertificate => {
            let body = r#"{"type":"urn:ietf:params:acme:error:accountDoesNotExist"}"#;
            Fate::Answered(http::Response::builder().status(403).body(body.into()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    let mut by_key = Revoke::new(leaf.clone()).by_certificate_key(AccountKey::from(key));
    let error = world.run(&mut by_key).unwrap_err();
    let found = (error.kind(), error.code());
    assert_eq!(found, (ErrorKind::Unsupported, "certificate-key-revocation-unsupported"));
    let error = world.run(&mut Revoke::new(leaf)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAccount, "of the account itself it is said as it is");
}

#[test]
fn a_reason_that_the_ca_does_not_allow_is_its_refusal() {
    let mut world = World::registered(Config::default().with_revocation_reasons([1, 4, 5]), 3);
    let leaf = world.issue(&["example.org"]).unwrap().chain().leaf().clone();
    let mut flow = Revoke::new(leaf).reason(RevocationReason::AaCompromise);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "badRevocationReason"));
    assert!(error.advice().contains("reason"), "{}", error.advice());
}

/// Protected header and payload of the last request.
fn last_request(world: &World) -> (Value, Value) {
    let jws: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
    let read = |member: &str| {
        let text = encoding::decode(jws[member].as_str().unwrap()).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    (read("protected"), read("payload"))
}

fn leaf_of(world: &mut World, name: &str) -> Certificate {
    world.issue(&[name]).unwrap().chain().leaf().clone()
}

#[test]
fn every_reason_is_sent_as_its_number_and_none_is_left_out() {
    use RevocationReason as R;
    let mut world = World::registered(Config::default(), 4);
    for (reason, number) in [
        (None, Value::Null),
        (Some(R::KeyCompromise), json!(1)),
        (Some(R::CaCompromise), json!(2)),
        (Some(R::AffiliationChanged), json!(3)),
        (Some(R::Superseded), json!(4)),
        (Some(R::CessationOfOperation), json!(5)),
        (Some(R::CertificateHold), json!(6)),
        (Some(R::RemoveFromCrl), json!(8)),
        (Some(R::PrivilegeWithdrawn), json!(9)),
        (Some(R::AaCompromise), json!(10)),
    ] {
        let leaf = leaf_of(&mut world, "example.org");
        let mut flow = Revoke::new(leaf.clone());
        if let Some(reason) = reason {
            flow = flow.reason(reason);
        }
        world.run(&mut flow).unwrap();
        let (protected, payload) = last_request(&world);
        assert_eq!(payload["certificate"], json!(encoding::encode(leaf.der())));
        assert_eq!(payload.get("reason").cloned().unwrap_or(Value::Null), number);
        assert_eq!(payload.get("reason").is_none(), reason.is_none(), "left out, not null");
        assert_eq!(protected["kid"], json!(world.session.account().unwrap().url));
        assert!(protected.get("jwk").is_none());
    }
    world.assert_no_violations();
}

#[test]
fn the_certificates_own_key_stands_as_jwk() {
    let mut world = World::registered(Config::default(), 5);
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let issued = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap();
    let leaf = issued.chain().leaf().clone();
    let mut flow = Revoke::new(leaf).by_certificate_key(AccountKey::from(key.clone()));
    world.run(&mut flow).unwrap();
    let (protected, _) = last_request(&world);
    assert!(protected.get("kid").is_none());
    assert_eq!(protected["jwk"], serde_json::to_value(AccountKey::from(key).jwk()).unwrap());
    world.assert_no_violations();
}

#[test]
fn a_refusal_for_lack_of_authority_is_told_apart_from_one_that_is_done_already() {
    let mut world = World::registered(Config::default(), 6);
    let leaf = leaf_of(&mut world, "example.org");
    world.ca.refuse_next(CaRequest::RevokeCertificate, RefusalCause::Forbidden);
    let error = world.run(&mut Revoke::new(leaf.clone())).unwrap_err();
    assert_eq!((error.code(), error.step()), ("unauthorized", Step::Revocation));
    world.ca.refuse_next(CaRequest::RevokeCertificate, RefusalCause::AlreadyRevoked);
    assert!(world.run(&mut Revoke::new(leaf.clone())).unwrap().already);
    assert!(!world.run(&mut Revoke::new(leaf)).unwrap().already);
}

/// Another account at the same CA, without any authorization.
fn change_account(world: &mut World) {
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let (url, policy) = (world.ca.directory_url(), world.session.policy().clone());
    world.session = Session::new(url, key.into(), policy).unwrap();
    world.run(&mut Register::new(Registration::new())).unwrap();
}

#[test]
fn an_account_that_controls_all_names_revokes_the_certificate_of_another() {
    let mut world = World::registered(Config::default(), 7);
    let issued = world.issue(&["example.org", "www.example.org"]).unwrap();
    let leaf = issued.chain().leaf().clone();
    change_account(&mut world);
    // The certificate may come from anywhere: a file, a log, a server.
    let found = Revoke::read_certificate(issued.chain().to_pem().as_bytes()).unwrap();
    assert_eq!(found, leaf);
    assert_eq!(Revoke::read_certificate(leaf.der()).unwrap(), leaf);
    assert!(Revoke::read_certificate(b"no certificate").is_err());
    world.issue(&["example.org"]).unwrap();
    let error = world.run(&mut Revoke::new(found.clone())).unwrap_err();
    assert_eq!(error.code(), "unauthorized", "one name of two is not enough");
    world.issue(&["www.example.org"]).unwrap();
    let mut flow = Revoke::new(found);
    let mut affected = flow.affected().to_vec();
    affected.sort();
    assert_eq!(affected, identifiers(&["example.org", "www.example.org"]));
    assert!(!world.run(&mut flow).unwrap().already);
    assert!(world.ca.revoked(leaf.serial_number()).is_some());
    world.assert_no_violations();
}

#[test]
fn the_reasons_that_public_cas_take_from_subscribers_are_known() {
    use RevocationReason as R;
    let taken: Vec<u8> = (0..=10)
        .filter_map(R::from_code)
        .filter(|reason| reason.is_taken_by_public_cas())
        .map(R::code)
        .collect();
    assert_eq!(taken, [1, 3, 4, 5]);
}
