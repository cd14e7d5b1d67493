//! The lives of a JPRS and of a UPKI certificate, as the manuals of these CAs tell them.
#![cfg(feature = "rsa")]

mod world;

use std::time::Duration;

use acmekit_core::ca::CaProfile;
use acmekit_core::certificate::{Certificate, CertificateRequest, CertificateRequestParameters};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::crypto::PrivateKey;
use acmekit_core::error::{Error, ErrorKind, Retry};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, Issued, NewOrder};
use acmekit_core::flow::revoke::{RevocationReason, Revoke};
use acmekit_core::jose::{AccountKey, ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_core::session::Session;
use acmekit_testing::{CaaAnswer, Config, ExternalAccount};
use world::{START, World, identifiers};

const SECRET: [u8; 32] = [7; 32];
const DAY: Duration = Duration::from_secs(86_400);
const NAMES: [&str; 2] = ["www.ics.saitama-u.ac.jp", "ics.saitama-u.ac.jp"];

fn binding(secret: [u8; 32]) -> ExternalAccountBinding {
    let key = MacKey::from_bytes(&secret).unwrap();
    ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap()
}

fn registration(secret: [u8; 32]) -> Registration {
    Registration::new()
        .contact("mailto:admin@example.jp")
        .agree_to_terms(true)
        .external_account(binding(secret))
}

fn client_of(config: Config, profile: &str, seed: u64) -> World {
    let mut world = World::new(config, seed);
    world.session.set_profile(CaProfile::named(profile));
    world
}

fn key_of_certificate() -> PrivateKey {
    // Making an RSA key takes seconds without optimisation.
    PrivateKey::from_pem(include_str!("../src/crypto/fixtures/rsa2048-pkcs8.pem")).unwrap()
}

fn order(world: &mut World, names: &[&str], key: &PrivateKey) -> Result<Issued, Error> {
    let names = identifiers(names);
    let mut parameters = CertificateRequestParameters::new(names.clone());
    parameters.subject = world.session.profile().and_then(|p| p.subject_for(&names[0]));
    let request = CertificateRequest::build(&parameters, key, &mut world.entropy).unwrap();
    world.run(&mut Issue::new(NewOrder::new(names), request))
}

// --- JPRS ----------------------------------------------------------------------------------------

fn jprs() -> World {
    let credential = ExternalAccount::new("kid-1", SECRET).created_at(START);
    client_of(Config::jprs().with_external_account(credential), "jprs", 1)
}

#[test]
fn jprs_register_issue_renew_force_revoke_and_revoke_again() {
    let mut world = jprs();
    world.run(&mut Register::new(registration(SECRET))).unwrap();
    let names = ["www.example.jp", "example.jp"];
    let first = world.issue(&names).unwrap();
    assert_eq!(first.chain().leaf().identifiers(), identifiers(&names));

    // Renewed two months later, without the credential, which has long expired.
    world.now = world.now.saturating_add(60 * DAY);
    world.restart();
    world.session.set_profile(CaProfile::named("jprs"));
    let second = world.issue(&names).unwrap();
    assert!(second.chain().leaf().not_after() > first.chain().leaf().not_after());

    // Forced at once after: a new key and a new certificate.
    let third = world.issue(&names).unwrap();
    let keys: Vec<_> = [&second, &third].map(|i| i.chain().leaf().public_key_der().to_vec()).into();
    assert_ne!(keys[0], keys[1]);

    let leaf = third.chain().leaf().clone();
    let mut revocation = Revoke::new(leaf.clone()).reason(RevocationReason::Superseded);
    assert_eq!(revocation.affected().len(), 2, "both names lose the certificate");
    assert!(!world.run(&mut revocation).unwrap().already);
    assert!(world.run(&mut Revoke::new(leaf)).unwrap().already);
    assert_eq!(world.ca.requests().new_account, 1, "the credential was used once");
    world.assert_no_violations();
}

#[test]
fn jprs_a_credential_is_good_for_fourteen_days() {
    let mut world = jprs();
    world.now = world.now.saturating_add(15 * DAY);
    let error = world.run(&mut Register::new(registration(SECRET))).unwrap_err();
    assert_eq!((error.code(), error.meaning()), ("malformed", Some("jprs-eab-refused")));
    assert_eq!(error.retry(), &Retry::FixInput);
    assert_eq!(world.ca.requests().new_account, 1, "it is not sent again");
}

#[test]
fn jprs_a_wrong_key_and_a_missing_credential_are_told_apart() {
    let mut world = jprs();
    let error = world.run(&mut Register::new(registration([8; 32]))).unwrap_err();
    assert_eq!(error.meaning(), Some("jprs-eab-refused"));
    let without = Registration::new().contact("mailto:admin@example.jp").agree_to_terms(true);
    let error = world.run(&mut Register::new(without)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "external-account-required"));
}

#[test]
fn jprs_wildcards_go_by_dns01() {
    let mut world = jprs();
    world.run(&mut Register::new(registration(SECRET))).unwrap();
    world.solves = ChallengeType::Dns01;
    world.issue(&["*.example.jp", "example.jp"]).unwrap();
    world.assert_no_violations();
}

#[test]
fn jprs_a_caa_refusal_is_explained() {
    let mut world = jprs();
    world.run(&mut Register::new(registration(SECRET))).unwrap();
    world.ca.set_caa("example.jp", CaaAnswer::Issuers(vec!["other-ca.example".to_owned()]));
    let error = world.issue(&["www.example.jp"]).unwrap_err();
    assert_eq!(error.code(), "caa");
    assert!(error.advice().contains("CAA"), "{}", error.advice());
}

// --- UPKI ----------------------------------------------------------------------------------------

fn saitama() -> World {
    let credential = ExternalAccount::new("kid-1", SECRET).for_names(NAMES);
    let config = Config::upki_saitama().with_external_account(credential);
    let mut world = client_of(config, "upki-saitama", 2);
    world.run(&mut Register::new(registration(SECRET))).unwrap();
    world
}

fn subject_of(certificate: &Certificate) -> String {
    certificate.subject()
}

#[test]
fn upki_issues_with_the_prescribed_subject_by_either_challenge() {
    for challenge in [ChallengeType::Http01, ChallengeType::Dns01] {
        let mut world = saitama();
        world.solves = challenge;
        let issued = order(&mut world, &NAMES, &key_of_certificate()).unwrap();
        let subject = subject_of(issued.chain().leaf());
        for part in ["Saitama University", "Saitama-shi", "www.ics.saitama-u.ac.jp"] {
            assert!(subject.contains(part), "{subject}");
        }
        world.assert_no_violations();
    }
}

#[test]
fn upki_a_server_is_replaced_and_the_same_credential_registers_a_new_key() {
    let mut world = saitama();
    order(&mut world, &NAMES, &key_of_certificate()).unwrap();
    // New hardware: account key and record are lost, the credential is kept.
    let key = PrivateKey::generate(acmekit_core::crypto::KeyType::P256, &mut world.entropy);
    let (url, policy) = (world.ca.directory_url(), world.session.policy().clone());
    world.session = Session::new(url, AccountKey::from(key.unwrap()), policy).unwrap();
    world.session.set_profile(CaProfile::named("upki-saitama"));
    world.run(&mut Register::new(registration(SECRET))).unwrap();
    order(&mut world, &NAMES, &key_of_certificate()).unwrap();
    world.assert_no_violations();
}

#[test]
fn upki_a_caa_record_of_a_parent_that_permits_another_ca_stops_the_issue() {
    let mut world = saitama();
    world.ca.set_caa("ac.jp", CaaAnswer::Issuers(vec!["other-ca.example".to_owned()]));
    let error = order(&mut world, &NAMES, &key_of_certificate()).unwrap_err();
    assert_eq!(error.code(), "caa");
    assert!(error.advice().contains("secomtrust.net"), "{}", error.advice());
    assert!(world.published.is_empty());
}

#[test]
fn upki_a_refusal_by_mpic_is_explained_and_not_repeated_in_a_loop() {
    let mut world = saitama();
    world.ca.set_agreeing_perspectives("www.ics.saitama-u.ac.jp", 3);
    let error = order(&mut world, &NAMES, &key_of_certificate()).unwrap_err();
    assert!(error.to_string().contains("338"), "{error}");
    assert!(error.meaning().is_some_and(|meaning| meaning.contains("mpic")), "{error:?}");
    assert_eq!(world.ca.requests().new_order, 1);
    assert!(world.published.is_empty());
}

#[test]
fn upki_a_suspended_credential_is_the_end_of_the_account() {
    let mut world = saitama();
    assert!(world.ca.suspend_external_account("kid-1"));
    let error = order(&mut world, &NAMES, &key_of_certificate()).unwrap_err();
    assert_eq!(error.code(), "unauthorized");
    assert!(matches!(error.retry(), Retry::FixInput | Retry::Never), "{:?}", error.retry());
    assert_eq!(world.ca.requests().new_order, 1, "no retry loop");
}

#[test]
fn upki_names_outside_the_application_are_refused_by_the_ca_with_a_reason() {
    let mut world = saitama();
    let names = ["www.ics.saitama-u.ac.jp", "other.ics.saitama-u.ac.jp"];
    let error = order(&mut world, &names, &key_of_certificate()).unwrap_err();
    assert_eq!(error.step(), acmekit_core::error::Step::NewOrder);
    assert!(!error.advice().is_empty());
}
