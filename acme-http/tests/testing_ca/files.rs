//! Certificates on disk.

use acmekit::store::{AccountId, FileStore};
use acmekit::{Client, ErrorKind, KeyType, Registration, Wanted};
use acmekit_testing::Config;

use crate::setup::{assert_no_violation, start_with_http01};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_uses_the_stored_account_and_replaces_chain_and_key() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let listener = std::sync::Arc::new(listener);
    let place = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for run in 0..2 {
        let store = FileStore::open(place.path()).unwrap();
        let id = AccountId::new(server.directory_url());
        let mut builder = Client::builder(server.directory_url())
            .account_key(store.account_key(&id, KeyType::P256).unwrap())
            .add_root_certificate_pem(server.tls_root_pem().as_bytes())
            .unwrap()
            .solver(listener.clone());
        if let Some(account) = store.load_account(&id).unwrap() {
            builder = builder.account(account);
        }
        let client = builder.build().unwrap();
        assert_eq!(client.account().is_some(), run == 1);
        if client.account().is_none() {
            store.save_account(&client.register(Registration::new()).await.unwrap()).unwrap();
        }
        let wanted = Wanted::names(["www.example.org"]).unwrap();
        let obtained = client.obtain_into(&store, wanted).await.unwrap();
        let stored = store.load_certificate().unwrap().unwrap();
        assert_eq!(&stored.chain, obtained.chain());
        assert!(store.load_pending_key().unwrap().is_none());
        keys.push(std::fs::read_to_string(store.key_path()).unwrap());
    }
    assert_ne!(keys[0], keys[1]);
    server.with_ca(|ca| assert_eq!(ca.requests().new_account, 1));
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_run_leaves_the_files_in_use_alone() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let place = tempfile::tempdir().unwrap();
    let store = FileStore::open(place.path()).unwrap();
    let client = crate::setup::registered(crate::setup::client_for(&server).solver(listener)).await;
    client.obtain_into(&store, Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
    let before = std::fs::read_to_string(store.chain_path()).unwrap();

    let wildcard = Wanted::names(["*.example.org"]).unwrap();
    let error = client.obtain_into(&store, wildcard).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Publication, "{error}");
    assert_eq!(std::fs::read_to_string(store.chain_path()).unwrap(), before);
    let mut names: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".lock", "chain.pem", "key.pem"]);
}
