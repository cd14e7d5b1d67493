//! An account from beginning to end, kept in files.

use acmekit::core::problem::{Problem, ProblemType};
use acmekit::core::session::KeyOwner;
use acmekit::store::{AccountId, FileStore};
use acmekit::{
    AccountChange, Client, ErrorKind, ExternalAccountBinding, KeyType, MacAlgorithm, MacKey,
    Registration, RevocationReason, Revoke, Wanted,
};
use acmekit_testing::server::Server;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};

use crate::setup::{assert_no_violation, client_for, registered, start_with_http01};

/// A client of the account that `store` holds, as a program makes it at its start.
fn client(server: &Server, store: &FileStore, id: &AccountId) -> acmekit::ClientBuilder {
    let key = store.account_key(id, KeyType::P256).unwrap();
    let builder = Client::builder(server.directory_url())
        .account_key(key)
        .add_root_certificate_pem(server.tls_root_pem().as_bytes())
        .unwrap();
    match store.load_account(id).unwrap() {
        Some(account) => builder.account(account),
        None => builder,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_asks_for_the_languages_of_the_user_if_there_are_any() {
    for wanted in [None, Some("ja, en;q=0.5")] {
        let (server, listener) = start_with_http01(Config::default()).await;
        let mut builder = client_for(&server).solver(listener);
        if let Some(languages) = wanted {
            builder = builder.accept_language(languages);
        }
        let client = registered(builder).await;
        let obtained = client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
        client.revoke(Revoke::new(obtained.chain().leaf().clone())).await.unwrap();
        server.with_ca(|ca| {
            let odd = ca.log().iter().find(|entry| entry.accept_language.as_deref() != wanted);
            assert_eq!((odd, ca.log().len()), (None, 10));
        });
        assert_no_violation(&server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_through_all_its_operations() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    let id = AccountId::new(server.directory_url());

    let first = client(&server, &store, &id).solver(listener).build().unwrap();
    let account = first.register(Registration::new()).await.unwrap();
    store.save_account(&account).unwrap();
    let change = AccountChange::new().contacts(["mailto:a@example.org".to_owned()]);
    let account = first.update_account(change).await.unwrap();
    assert_eq!(account.contacts, ["mailto:a@example.org"]);

    let wanted = Wanted::names(["www.example.org"]).unwrap();
    let obtained = first.obtain_into(&store, wanted).await.unwrap();
    let orders = first.list_orders().await.unwrap();
    assert_eq!(orders.urls, [obtained.issued.order_url()]);

    let before = store.load_account_key(&id).unwrap().unwrap();
    first.change_account_key_in(&store, &id, KeyType::P256).await.unwrap();
    let after = store.load_account_key(&id).unwrap().unwrap();
    assert_ne!(before.public_key_der(), after.public_key_der());
    assert!(store.load_next_account_key(&id).unwrap().is_none());

    // The next process goes on with the new key and the same account.
    let second = client(&server, &store, &id).build().unwrap();
    assert_eq!(second.find_account().await.unwrap().url, account.url);
    let leaf = obtained.chain().leaf().clone();
    let revocation = Revoke::new(leaf.clone()).reason(RevocationReason::Superseded);
    assert!(!second.revoke(revocation).await.unwrap().already);
    assert!(second.revoke(Revoke::new(leaf)).await.unwrap().already);

    second.deactivate_account().await.unwrap();
    assert!(second.account().is_none());
    let refused = second.find_account().await.unwrap_err();
    let source = core::error::Error::source(&refused).and_then(|e| e.downcast_ref::<Problem>());
    assert_eq!(source.expect("a problem document").kind, ProblemType::Unauthorized);
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_rollover_is_finished_with_the_key_it_was_begun_with() {
    let (server, _listener) = start_with_http01(Config::default()).await;
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    let id = AccountId::new(server.directory_url());
    let first = client(&server, &store, &id).build().unwrap();
    store.save_account(&first.register(Registration::new()).await.unwrap()).unwrap();

    // The CA has confirmed the next key, but the process ended before it could be adopted.
    let next = acmekit::PrivateKey::generate(KeyType::P256, &mut acmekit::SystemEntropy).unwrap();
    store.save_next_account_key(&id, &next).unwrap();
    first.change_account_key(next.clone()).await.unwrap();

    let second = client(&server, &store, &id).build().unwrap();
    second.change_account_key_in(&store, &id, KeyType::P256).await.unwrap();
    let used = store.load_account_key(&id).unwrap().unwrap();
    assert_eq!(used.public_key_der(), next.public_key_der());
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bindings_at_one_directory_are_two_accounts_for_good() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [0x5a; 32]).single_use())
        .with_external_account(ExternalAccount::new("kid-2", [0x5b; 32]).single_use());
    let (server, _listener) = start_with_http01(config).await;
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    let ids = ["kid-1", "kid-2"].map(|key_id| {
        (key_id, AccountId::new(server.directory_url()).with_external_account(key_id))
    });
    let mut accounts = Vec::new();
    for ((key_id, id), octet) in ids.iter().zip([0x5a, 0x5b]) {
        let mac_key = MacKey::from_bytes(&[octet; 32]).unwrap();
        let binding = ExternalAccountBinding::new(*key_id, mac_key, MacAlgorithm::Hs256).unwrap();
        let client = client(&server, &store, id).build().unwrap();
        let registration = Registration::new().external_account(binding);
        let account = client.register(registration).await.unwrap();
        assert_eq!(account.external_account_key_id.as_deref(), Some(*key_id));
        store.save_account(&account).unwrap();
        accounts.push(account);
    }
    assert_ne!(accounts[0].url, accounts[1].url);
    assert_ne!(accounts[0].key_thumbprint, accounts[1].key_thumbprint);

    // A later process finds each by its key id, without the credential and without a request.
    for ((_, id), account) in ids.iter().zip(&accounts) {
        let client = client(&server, &store, id).build().unwrap();
        assert_eq!(client.account().as_ref(), Some(account));
        assert_eq!(client.request_counts().total(), 0);
        assert_eq!(client.find_account().await.unwrap().url, account.url);
    }
    assert_eq!(store.accounts_at(server.directory_url()).unwrap().len(), 2);
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_use_is_refused_before_anything_is_sent() {
    let (server, _listener) = start_with_http01(Config::default()).await;
    let client = registered(client_for(&server)).await;
    let key = crate::setup::new_key();
    client.note_key(key.jwk(), KeyOwner::OtherAccount);
    let error = client.change_account_key(key).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "key-used-elsewhere"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_ca_does_not_offer_is_said_clearly() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let client = client_for(&server).solver(listener);
    let client = registered(client).await;
    let error = client.preauthorize("www.example.org".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.code(), "preauthorization-unsupported");
}
