//! Certificates from Caddy's `acme_server`, an ACME server of other origin than Pebble.

mod interop;

use std::time::Duration;

use acmekit::solver::Solver;
use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::http01::Http01Listener;
use acmekit::solver::tls_alpn01::TlsAlpn01Listener;
use acmekit::{Client, KeyType, Registration, Wanted};
use interop::caddy::Caddy;
use interop::clients::{address, assert_issued_under, builder, new_key};
use interop::dns_hook::DnsHook;
use interop::or_skip;

const TIME_LIMIT: Duration = Duration::from_secs(30);

async fn registered(caddy: &Caddy, solver: impl Solver) -> Client {
    let key = new_key(KeyType::P256);
    let builder = builder(&caddy.directory_url(), caddy.root_pem_path(), &key);
    let client = builder.solver(solver).build().unwrap();
    let contact = Registration::new().contact("mailto:operator@example.org");
    client.register(contact).await.unwrap();
    client
}

async fn assert_obtains(caddy: &Caddy, client: &Client, names: &[String], key: (KeyType, &str)) {
    let (key, kind) = key;
    let wanted = Wanted::names(names).unwrap().key_type(key);
    let obtained = tokio::time::timeout(TIME_LIMIT, client.obtain(wanted)).await;
    let obtained = obtained.expect("it ends in time").unwrap();
    let root = std::fs::read_to_string(caddy.issuing_root_path()).unwrap();
    assert_issued_under(&root, &obtained, names, kind);
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("host{n}.example.org")).collect()
}

#[tokio::test]
async fn caddy_issues_by_http01() {
    let Some(caddy) = or_skip(Caddy::start()) else {
        return;
    };
    let solver = Http01Listener::bind(address(caddy.challenge_address(), 80)).await.unwrap();
    let client = registered(&caddy, solver).await;
    let one = names(&["www.example.org"]);
    assert_obtains(&caddy, &client, &one, (KeyType::P256, "P-256")).await;
    assert_obtains(&caddy, &client, &one, (KeyType::P384, "P-384")).await;
    assert_obtains(&caddy, &client, &one, (KeyType::Rsa2048, "RSA 2048")).await;
    assert_obtains(&caddy, &client, &many(20), (KeyType::P256, "P-256")).await;
}

#[tokio::test]
async fn caddy_issues_by_tls_alpn01() {
    let Some(caddy) = or_skip(Caddy::start()) else {
        return;
    };
    let solver = TlsAlpn01Listener::bind(address(caddy.challenge_address(), 443)).await.unwrap();
    let client = registered(&caddy, solver).await;
    assert_obtains(&caddy, &client, &many(3), (KeyType::P256, "P-256")).await;
}

#[tokio::test]
async fn caddy_issues_for_a_name_and_its_wildcard_by_dns01() {
    let Some(caddy) = or_skip(Caddy::start()) else {
        return;
    };
    let hook = DnsHook::new(caddy.dns().expect("it has a name server of its own"));
    let client = registered(&caddy, Dns01Exec::new(hook.program()).unwrap()).await;
    let wildcard = names(&["*.wild.example.org"]);
    assert_obtains(&caddy, &client, &wildcard, (KeyType::P256, "P-256")).await;
    let both = names(&["*.both.example.org", "both.example.org"]);
    assert_obtains(&caddy, &client, &both, (KeyType::P256, "P-256")).await;
    assert_eq!(hook.runs(), (3, 3), "every record is removed");
}

/// Two clients with one account key: Caddy finds the account again by its key.
#[tokio::test]
async fn caddy_finds_an_account_by_its_key() {
    let Some(caddy) = or_skip(Caddy::start()) else {
        return;
    };
    let key = new_key(KeyType::P384);
    let build = || builder(&caddy.directory_url(), caddy.root_pem_path(), &key).build().unwrap();
    let account = build().register(Registration::new()).await.unwrap();
    assert_eq!(build().find_account().await.unwrap().url, account.url);
}
