//! Certificates from Pebble, Debian's and the current one: strict, with external account binding
//! required and 15 % of good nonces refused, by each challenge type, in every shape.

mod interop;

use std::sync::Arc;
use std::time::Duration;

use acmekit::core::policy::Policy;
use acmekit::{ChallengeType, Client, KeyType, RequestKind, Wanted};
use interop::clients::{
    assert_issued, assert_issued_under, binding, builder, client_of, external_accounts,
    http01_listener, in_time, new_key, registration, start_for, with_solver,
};
use interop::openssl::common_name;
use interop::or_skip;
use interop::pebble::{Pebble, Settings, Version};

/// For all certificates of one test; they take a tenth of it.
const TIME_LIMIT: Duration = Duration::from_secs(40);

/// Whether a new order takes over what was validated before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Never,
    Always,
}

fn hostile(reuse: Reuse) -> Settings {
    Settings {
        rejected_nonces: 15,
        reused_authorizations: if reuse == Reuse::Always { 100 } else { 0 },
        ..external_accounts()
    }
}

/// With 15 of 100 nonces refused, some request of a test is refused six times in a row once in a
/// few hundred runs: more than the default forgives.
fn patient() -> Policy {
    let mut policy = Policy::default();
    policy.max_bad_nonce_retries = 12;
    policy
}

async fn every_shape(version: Version, kind: ChallengeType, reuse: Reuse) {
    let Some(pebble) = or_skip(start_for(version, &hostile(reuse), &kind)) else {
        return;
    };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let begun = client_of(pebble).policy(patient());
        let (begun, hook) = with_solver(begun, pebble, &kind).await;
        let client = begun.build().unwrap();
        client.register(registration().external_account(binding())).await.unwrap();

        one_name(pebble, &client, reuse).await;
        fifty_names(pebble, &client).await;
        p384_key(pebble, &client).await;
        if let Some(hook) = hook {
            wildcard_with_its_base(pebble, &client).await;
            let (presented, withdrawn) = hook.runs();
            assert!(presented >= 54, "{presented}");
            assert_eq!(presented, withdrawn, "every record is removed");
        }
    })
    .await;
}

async fn one_name(pebble: &Pebble, client: &Client, reuse: Reuse) {
    let names = ["one.example.org"];
    let obtained = client.obtain(Wanted::names(names).unwrap()).await.unwrap();
    assert_issued(pebble, &obtained, &names, "P-256");

    if reuse == Reuse::Always {
        let before = client.request_counts();
        let obtained = client.obtain(Wanted::names(names).unwrap()).await.unwrap();
        assert_issued(pebble, &obtained, &names, "P-256");
        let after = client.request_counts();
        for kind in [RequestKind::Authorization, RequestKind::Challenge] {
            assert_eq!(after.of(kind), before.of(kind), "what is valid costs no {kind}: {after}");
        }
    }
}

async fn fifty_names(pebble: &Pebble, client: &Client) {
    let names: Vec<_> = (0..50).map(|n| format!("host{n}.many.example.org")).collect();
    let obtained = client.obtain(Wanted::names(&names).unwrap()).await.unwrap();
    assert_issued(pebble, &obtained, &names, "P-256");
}

async fn p384_key(pebble: &Pebble, client: &Client) {
    let names = ["p384.example.org"];
    let wanted = Wanted::names(names).unwrap().key_type(KeyType::P384);
    let obtained = client.obtain(wanted).await.unwrap();
    assert_issued(pebble, &obtained, &names, "P-384");
}

async fn wildcard_with_its_base(pebble: &Pebble, client: &Client) {
    let wildcard = ["*.wild.example.org"];
    let obtained = client.obtain(Wanted::names(wildcard).unwrap()).await.unwrap();
    assert_issued(pebble, &obtained, &wildcard, "P-256");

    let both = ["*.both.example.org", "both.example.org"];
    let obtained = client.obtain(Wanted::names(both).unwrap()).await.unwrap();
    assert_issued(pebble, &obtained, &both, "P-256");
}

#[tokio::test]
async fn current_pebble_issues_by_http01() {
    every_shape(Version::Current, ChallengeType::Http01, Reuse::Never).await;
}

#[tokio::test]
async fn current_pebble_issues_by_http01_and_remembers() {
    every_shape(Version::Current, ChallengeType::Http01, Reuse::Always).await;
}

#[tokio::test]
async fn current_pebble_issues_by_dns01() {
    every_shape(Version::Current, ChallengeType::Dns01, Reuse::Never).await;
}

#[tokio::test]
async fn current_pebble_issues_by_dns01_and_remembers() {
    every_shape(Version::Current, ChallengeType::Dns01, Reuse::Always).await;
}

#[tokio::test]
async fn current_pebble_issues_by_tls_alpn01() {
    every_shape(Version::Current, ChallengeType::TlsAlpn01, Reuse::Never).await;
}

#[tokio::test]
async fn current_pebble_issues_by_tls_alpn01_and_remembers() {
    every_shape(Version::Current, ChallengeType::TlsAlpn01, Reuse::Always).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_http01() {
    every_shape(Version::Debian, ChallengeType::Http01, Reuse::Never).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_http01_and_remembers() {
    every_shape(Version::Debian, ChallengeType::Http01, Reuse::Always).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_dns01() {
    every_shape(Version::Debian, ChallengeType::Dns01, Reuse::Never).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_dns01_and_remembers() {
    every_shape(Version::Debian, ChallengeType::Dns01, Reuse::Always).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_tls_alpn01() {
    every_shape(Version::Debian, ChallengeType::TlsAlpn01, Reuse::Never).await;
}

#[tokio::test]
async fn debian_pebble_issues_by_tls_alpn01_and_remembers() {
    every_shape(Version::Debian, ChallengeType::TlsAlpn01, Reuse::Always).await;
}

/// Accounts and certificates on other curves and on RSA, in pairs.
async fn other_keys(version: Version) {
    let Some(pebble) = or_skip(Pebble::start(version, &external_accounts())) else {
        return;
    };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let solver = http01_listener(pebble).await;
        let pairs = [
            (KeyType::P384, KeyType::Rsa2048, "RSA 2048"),
            (KeyType::Rsa2048, KeyType::P384, "P-384"),
        ];
        for (account, certificate, kind) in pairs {
            let key = new_key(account);
            let begun = builder(&pebble.directory_url(), pebble.root_pem_path(), &key);
            let client = begun.solver(Arc::clone(&solver)).build().unwrap();
            client.register(registration().external_account(binding())).await.unwrap();
            let names = ["keys.example.org"];
            let wanted = Wanted::names(names).unwrap().key_type(certificate);
            let obtained = client.obtain(wanted).await.unwrap();
            assert_issued(pebble, &obtained, &names, kind);
        }
    })
    .await;
}

#[tokio::test]
async fn current_pebble_takes_p384_and_rsa_keys() {
    other_keys(Version::Current).await;
}

#[tokio::test]
async fn debian_pebble_takes_p384_and_rsa_keys() {
    other_keys(Version::Debian).await;
}

/// A name beside an IP address (RFC 8738), where the CA connects to that very address.
async fn an_address(version: Version, kind: ChallengeType) {
    let Some(pebble) = or_skip(start_for(version, &Settings::default(), &kind)) else {
        return;
    };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let (begun, _hook) = with_solver(client_of(pebble), pebble, &kind).await;
        let client = begun.build().unwrap();
        client.register(registration()).await.unwrap();
        let names = ["address.example.org".to_owned(), pebble.challenge_address().to_string()];
        let obtained = client.obtain(Wanted::names(&names).unwrap()).await.unwrap();
        assert_issued(pebble, &obtained, &names, "P-256");
    })
    .await;
}

#[tokio::test]
async fn both_pebbles_issue_for_an_address_by_http01() {
    an_address(Version::Current, ChallengeType::Http01).await;
    an_address(Version::Debian, ChallengeType::Http01).await;
}

#[tokio::test]
async fn both_pebbles_issue_for_an_address_by_tls_alpn01() {
    an_address(Version::Current, ChallengeType::TlsAlpn01).await;
    an_address(Version::Debian, ChallengeType::TlsAlpn01).await;
}

#[tokio::test]
async fn the_chain_to_an_alternate_root_is_chosen_by_its_name() {
    for version in [Version::Current, Version::Debian] {
        let settings = Settings { alternate_chains: 2, chain_length: 2, ..Settings::default() };
        let Some(pebble) = or_skip(Pebble::start(version, &settings)) else {
            return;
        };
        in_time(TIME_LIMIT, pebble, async |pebble| {
            let solver = http01_listener(pebble).await;
            let client = client_of(pebble).solver(solver).build().unwrap();
            client.register(registration()).await.unwrap();
            let root = pebble.issuing_root_file(2).unwrap();
            let names = ["chain.example.org"];
            let wanted = Wanted::names(names).unwrap().preferred_chain(common_name(&root));
            let obtained = client.obtain(wanted).await.unwrap();
            let root = std::fs::read_to_string(root).unwrap();
            assert_issued_under(&root, &obtained, &names, "P-256");
        })
        .await;
    }
}

#[tokio::test]
async fn the_profile_of_an_order_decides_how_long_the_certificate_lasts() {
    let settings = Settings {
        profiles: [("short".to_owned(), 86_400), ("long".to_owned(), 864_000)].into(),
        ..Settings::default()
    };
    let Some(pebble) = or_skip(Pebble::start(Version::Current, &settings)) else {
        return;
    };
    in_time(TIME_LIMIT, pebble, async |pebble| {
        let client = client_of(pebble).solver(http01_listener(pebble).await).build().unwrap();
        client.register(registration()).await.unwrap();
        let root = pebble.issuing_root(0).unwrap();
        for (profile, seconds) in [("short", 86_400), ("long", 864_000)] {
            let names = ["profile.example.org"];
            let wanted = Wanted::names(names).unwrap().profile(profile);
            let obtained = client.obtain(wanted).await.unwrap();
            let judged = assert_issued_under(&root, &obtained, &names, "P-256");
            judged.assert_expires_in(seconds);
        }
    })
    .await;
}
