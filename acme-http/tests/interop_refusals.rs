//! What Pebble refuses, before or after something is sent, and what it says about it: accounts
//! without their binding, names on its blocklist, proofs that are not there.

mod interop;

use std::time::{Duration, Instant};

use acmekit::{ChallengeType, ErrorKind, KeyType, MacAlgorithm, Registration, RequestKind, Wanted};
use interop::clients::{
    KEY_ID, MAC_KEY, address, binding, binding_with, builder, client_of, external_accounts,
    http01_listener, in_time, new_key, registration, with_solver,
};
use interop::or_skip;
use interop::pebble::{Pebble, Settings, Version};

const TIME_LIMIT: Duration = Duration::from_secs(30);
/// A key that belongs to no account.
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const BOTH: [Version; 2] = [Version::Current, Version::Debian];

#[tokio::test]
async fn an_account_is_bound_with_every_mac_algorithm_and_found_again_without() {
    for version in BOTH {
        let Some(pebble) = or_skip(Pebble::start(version, &external_accounts())) else {
            return;
        };
        for algorithm in [MacAlgorithm::Hs256, MacAlgorithm::Hs384, MacAlgorithm::Hs512] {
            let key = new_key(KeyType::P256);
            let build =
                || builder(&pebble.directory_url(), pebble.root_pem_path(), &key).build().unwrap();
            let credential = binding_with(KEY_ID, MAC_KEY, algorithm);
            let client = build();
            assert!(client.directory().await.unwrap().external_account_required);
            let account =
                client.register(registration().external_account(credential)).await.unwrap();
            assert_eq!(account.external_account_key_id.as_deref(), Some(KEY_ID));
            assert_eq!(build().find_account().await.unwrap().url, account.url);
        }
    }
}

#[tokio::test]
async fn a_missing_binding_or_agreement_is_refused_before_newaccount_is_sent() {
    for version in BOTH {
        let Some(pebble) = or_skip(Pebble::start(version, &external_accounts())) else {
            return;
        };
        let client = client_of(&pebble).build().unwrap();
        let error = client.register(registration()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Input, "external-account-required"),
            "{error}"
        );
        let error =
            client.register(Registration::new().external_account(binding())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "terms-not-agreed"), "{error}");
        assert_eq!(client.request_counts().of(RequestKind::NewAccount), 0);
        assert!(!pebble.log().contains("POST /sign-me-up"), "{}", pebble.log());
    }
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_key_id_are_refused_and_the_right_ones_still_work() {
    for version in BOTH {
        let Some(pebble) = or_skip(Pebble::start(version, &external_accounts())) else {
            return;
        };
        let client = client_of(&pebble).build().unwrap();
        for (id, key) in [(KEY_ID, OTHER_KEY), ("kid-2", MAC_KEY)] {
            let credential = binding_with(id, key, MacAlgorithm::Hs256);
            let refused = client.register(registration().external_account(credential)).await;
            let error = refused.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "unauthorized"));
            let said = format!("{error} {error:?} {}", error.advice());
            assert!(!said.contains(key), "the key is in the error");
            assert!(client.account().is_none());
        }
        client.register(registration().external_account(binding())).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_on_the_blocklist_is_refused_by_name() {
    for version in BOTH {
        let settings = Settings {
            blocked_names: vec!["blocked.example.org".to_owned()],
            ..Settings::default()
        };
        let Some(pebble) = or_skip(Pebble::start(version, &settings)) else {
            return;
        };
        let client = client_of(&pebble).solver(http01_listener(&pebble).await).build().unwrap();
        client.register(registration()).await.unwrap();
        let names = ["www.example.org", "blocked.example.org"];
        let error = client.obtain(Wanted::names(names).unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "rejectedIdentifier"));
        assert!(error.to_string().contains("blocked.example.org"), "{error}");
        assert_eq!(client.request_counts().of(RequestKind::Authorization), 0);
    }
}

/// The listener is not where Pebble looks: the reason comes from the server, soon.
#[tokio::test]
async fn a_proof_that_the_ca_does_not_find_is_reported_with_its_name_and_the_reason() {
    for version in BOTH {
        let Some(pebble) = or_skip(Pebble::start(version, &Settings::default())) else {
            return;
        };
        in_time(TIME_LIMIT, pebble, async |pebble| {
            let elsewhere = address(pebble.challenge_address(), 0);
            let listener = acmekit::solver::http01::Http01Listener::bind(elsewhere).await.unwrap();
            let client = client_of(pebble).solver(listener).build().unwrap();
            client.register(registration()).await.unwrap();
            let begun = Instant::now();
            let wanted = Wanted::names(["lost.example.org"]).unwrap();
            let error = client.obtain(wanted).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "connection"));
            assert!(error.to_string().contains("lost.example.org"), "{error}");
            assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        })
        .await;
    }
}

#[tokio::test]
async fn a_name_that_the_dns_cannot_resolve_is_reported() {
    for version in BOTH {
        let Some(pebble) = or_skip(Pebble::start(version, &Settings::default())) else {
            return;
        };
        in_time(TIME_LIMIT, pebble, async |pebble| {
            let kind = ChallengeType::Dns01;
            pebble.dns().fail_lookups("_acme-challenge.dark.example.org").unwrap();
            let (begun, hook) = with_solver(client_of(pebble), pebble, &kind).await;
            let client = begun.build().unwrap();
            client.register(registration()).await.unwrap();
            let wanted = Wanted::names(["dark.example.org"]).unwrap();
            let error = client.obtain(wanted).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
            assert!(error.to_string().contains("dark.example.org"), "{error}");
            assert_eq!(hook.unwrap().runs(), (1, 1), "the record is removed all the same");
        })
        .await;
    }
}
