//! Revocation: by the account, by the certificate's key, twice.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::ErrorKind;
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::revoke::{RevocationReason, Revoke};
use acmekit_core::jose::AccountKey;
use acmekit_testing::Config;
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
    world.session =
        acmekit_core::session::Session::new(url, stranger.clone().into(), policy).unwrap();
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
}
