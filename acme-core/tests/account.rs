//! Accounts: registering with and without external account binding, and finding them again.

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use acmekit_core::action::RequestKind;
use acmekit_core::crypto::{KeyType, PrivateKey, SignError};
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::account::{FindAccount, Register, Registration};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::jose::eab::MacSigner;
use acmekit_core::jose::{AccountKey, ExternalAccountBinding, LocalSigner, MacAlgorithm, MacKey};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use world::{Fate, World};

const SECRET: [u8; 32] = [7; 32];

fn binding_of(algorithm: MacAlgorithm) -> ExternalAccountBinding {
    let key = MacKey::from_bytes(&SECRET).unwrap();
    ExternalAccountBinding::new("kid-1", key, algorithm).unwrap()
}

fn ca_with_binding() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", SECRET).single_use())
}

#[test]
fn an_account_is_registered_and_found_again_by_its_key() {
    let mut world = World::new(Config::default(), 1);
    let registration = Registration::new().contact("mailto:admin@example.org");
    let account = world.run(&mut Register::new(registration)).unwrap();
    assert_eq!(account.contacts, ["mailto:admin@example.org"]);
    let found = world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(found.url, account.url);
    let again = world.run(&mut Register::new(Registration::new())).unwrap();
    assert_eq!(again.url, account.url);
    world.assert_no_violations();
}

#[test]
fn finding_makes_no_account() {
    let mut world = World::new(Config::default(), 2);
    for _ in 0..2 {
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::NoAccount, Step::FindAccount));
        assert_eq!(error.code(), "accountDoesNotExist");
    }
    assert!(world.session.account().is_none());
    world.assert_no_violations();
}

#[test]
fn a_stored_account_is_put_back_without_a_request() {
    let mut world = World::registered(Config::default(), 3);
    let account = world.session.account().cloned().unwrap();
    let text = serde_json::to_string(&account).unwrap();
    world.restart();
    assert_eq!(world.session.account(), Some(&serde_json::from_str(&text).unwrap()));
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn a_stored_account_of_another_key_or_directory_is_refused() {
    let mut world = World::registered(Config::default(), 4);
    let account = world.session.account().cloned().unwrap();
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let other = AccountKey::local(LocalSigner::new(key));
    let mut session = Session::new("https://ca.test/dir", other, Policy::default()).unwrap();
    assert_eq!(session.set_account(account.clone()).unwrap_err().code(), "wrong-account-key");
    let same = world.session.account_key().clone();
    let mut session = Session::new("https://other.test/dir", same, Policy::default()).unwrap();
    assert_eq!(session.set_account(account).unwrap_err().code(), "wrong-directory");
}

#[test]
fn every_mac_algorithm_binds_an_account() {
    for algorithm in [MacAlgorithm::Hs256, MacAlgorithm::Hs384, MacAlgorithm::Hs512] {
        let mut world = World::new(ca_with_binding(), 5);
        let registration = Registration::new().external_account(binding_of(algorithm));
        let account = world.run(&mut Register::new(registration)).unwrap();
        assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
        world.assert_no_violations();
    }
}

#[test]
fn a_missing_binding_is_found_before_anything_is_posted() {
    let mut world = World::new(ca_with_binding(), 6);
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!(error.code(), "external-account-required");
    assert!(error.advice().contains("key id"), "{}", error.advice());
    assert_eq!(world.log, ["directory"]);
}

#[test]
fn a_wrong_binding_is_the_servers_refusal() {
    let mut world = World::new(ca_with_binding(), 7);
    let key = MacKey::from_bytes(&[8; 32]).unwrap();
    let wrong = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
    let registration = Registration::new().external_account(wrong);
    let error = world.run(&mut Register::new(registration)).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Register));
    assert_eq!(error.retry(), &Retry::FixInput);
    assert_eq!(world.sent(RequestKind::NewAccount), 1, "it is not sent again");
}

#[test]
fn a_lost_answer_does_not_cost_a_single_use_binding() {
    let mut world = World::new(ca_with_binding(), 8);
    world.script = Some(Box::new(|kind, ordinal, _| {
        if kind == RequestKind::NewAccount && ordinal == 1 {
            Fate::AnswerLost
        } else {
            Fate::Delivered
        }
    }));
    let registration = Registration::new().external_account(binding_of(MacAlgorithm::Hs256));
    let account = world.run(&mut Register::new(registration)).unwrap();
    assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
    // The second request asks by key; a second use of the binding would have been refused.
    assert_eq!(world.sent(RequestKind::NewAccount), 2);
    world.assert_no_violations();
}

#[test]
fn a_request_that_was_lost_on_its_way_is_sent_again_after_asking() {
    let mut world = World::new(ca_with_binding(), 9);
    world.script = Some(Box::new(|kind, ordinal, _| {
        if kind == RequestKind::NewAccount && ordinal == 1 {
            // The connection broke before the request arrived, but nobody can know.
            Fate::Answered(http::Response::builder().status(502).body(b"<html>".to_vec()).unwrap())
        } else {
            Fate::Delivered
        }
    }));
    let registration = Registration::new().external_account(binding_of(MacAlgorithm::Hs256));
    world.run(&mut Register::new(registration)).unwrap();
    assert_eq!(world.sent(RequestKind::NewAccount), 3, "send, ask, send");
}

/// step-ca answers so to an unknown key id.
#[test]
fn a_server_error_that_stays_is_told_and_not_that_no_account_was_found() {
    let mut world = World::new(ca_with_binding(), 9);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal % 2) {
        (RequestKind::NewAccount, 1) => {
            let body = r#"{"type":"urn:ietf:params:acme:error:serverInternal"}"#;
            Fate::Answered(http::Response::builder().status(500).body(body.into()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    let registration = Registration::new().external_account(binding_of(MacAlgorithm::Hs256));
    let error = world.run(&mut Register::new(registration)).unwrap_err();
    assert_eq!((error.code(), error.step()), ("serverInternal", Step::Register));
    assert_eq!(world.sent(RequestKind::NewAccount), 4, "send, ask, send, ask");
}

#[test]
fn terms_are_never_agreed_to_by_default() {
    let config = Config::default()
        .with_terms_of_service("https://ca.test/terms")
        .with_agreement_required(true);
    let mut world = World::new(config, 10);
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!(error.code(), "terms-not-agreed");
    assert!(error.to_string().contains("https://ca.test/terms"));
    assert_eq!(world.sent(RequestKind::NewAccount), 0);
    world.run(&mut Register::new(Registration::new().agree_to_terms(true))).unwrap();
    world.assert_no_violations();
}

#[test]
fn the_directory_can_be_read_on_its_own() {
    let config = ca_with_binding().with_profile("short", "a short one");
    let mut world = World::new(config, 11);
    let directory = world.run(&mut FetchDirectory::new()).unwrap();
    assert!(directory.external_account_required);
    assert_eq!(directory.profiles, [("short".to_owned(), "a short one".to_owned())]);
}

#[test]
fn every_kind_of_account_key_is_taken() {
    let kinds: &[KeyType] = &[
        KeyType::P256,
        #[cfg(feature = "p384")]
        KeyType::P384,
        #[cfg(feature = "rsa")]
        KeyType::Rsa2048,
        #[cfg(feature = "ed25519")]
        KeyType::Ed25519,
    ];
    for kind in kinds {
        let mut world = World::new(ca_with_binding(), 12);
        let key = PrivateKey::generate(*kind, &mut world.entropy).unwrap();
        let key = AccountKey::local(LocalSigner::new(key));
        world.session = Session::new(world.ca.directory_url(), key, Policy::default()).unwrap();
        let registration = Registration::new().external_account(binding_of(MacAlgorithm::Hs256));
        world.run(&mut Register::new(registration)).unwrap();
        world.issue(&["example.org"]).unwrap();
        world.assert_no_violations();
    }
}

/// Holds the key of the binding where the flow cannot see it.
struct Vault {
    asked: AtomicUsize,
    sealed: bool,
}

impl MacSigner for Vault {
    fn sign(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.sealed {
            return Err(SignError::other("the vault is sealed"));
        }
        MacKey::from_bytes(&SECRET).unwrap().sign(algorithm, message)
    }
}

#[test]
fn a_vault_computes_the_mac_once_and_the_flow_forgets_it() {
    let mut world = World::new(ca_with_binding(), 13);
    let vault = Arc::new(Vault { asked: AtomicUsize::new(0), sealed: false });
    let signer: Arc<dyn MacSigner> = vault.clone();
    let binding = ExternalAccountBinding::with_signer("kid-1", MacAlgorithm::Hs256, signer);
    let mut flow = Register::new(Registration::new().external_account(binding.unwrap()));
    assert_eq!(Arc::strong_count(&vault), 2);
    let account = world.run(&mut flow).unwrap();
    assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
    assert_eq!(vault.asked.load(Ordering::Relaxed), 1);
    assert_eq!(Arc::strong_count(&vault), 1, "the flow is done with the credential");
    world.assert_no_violations();
}

#[test]
fn a_vault_that_fails_spends_no_credential() {
    let mut world = World::new(ca_with_binding(), 14);
    let vault = Arc::new(Vault { asked: AtomicUsize::new(0), sealed: true });
    let binding = ExternalAccountBinding::with_signer("kid-1", MacAlgorithm::Hs256, vault);
    let registration = Registration::new().external_account(binding.unwrap());
    let error = world.run(&mut Register::new(registration)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Crypto, "mac-failed"));
    assert!(error.to_string().contains("the vault is sealed"), "{error}");
    assert_eq!(world.sent(RequestKind::NewAccount), 0);
    let registration = Registration::new().external_account(binding_of(MacAlgorithm::Hs256));
    world.run(&mut Register::new(registration)).unwrap();
}
