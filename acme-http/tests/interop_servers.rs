//! The servers that the interop tests need start, answer, stop and start again.

mod interop;

use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::Path;
use std::time::Duration;

use interop::caddy::Caddy;
use interop::challtestsrv::ChallTestSrv;
use interop::or_skip;
use interop::pebble::{Pebble, Settings, Version};
use serde_json::Value;

fn directory(text: &str) -> Value {
    let directory: Value = serde_json::from_str(text).expect("the directory is JSON");
    for member in ["newNonce", "newAccount", "newOrder"] {
        assert!(directory[member].is_string(), "{member} is missing from {directory}");
    }
    directory
}

fn external_account_keys() -> Settings {
    // RFC 4648 base64url of 32 bytes; Pebble refuses to start when it cannot read the key.
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned();
    Settings { external_account_keys: [("kid-1".to_owned(), key)].into(), ..Settings::default() }
}

fn asks_for_external_accounts_only_when_told_to(version: Version) {
    let Some(pebble) = or_skip(Pebble::start(version, &external_account_keys())) else {
        return;
    };
    let text = pebble.fetch(&pebble.directory_url()).expect("the directory answers");
    assert_eq!(directory(&text)["meta"]["externalAccountRequired"], true);

    let open = Pebble::start(version, &Settings::default()).expect("a second one starts beside it");
    let text = open.fetch(&open.directory_url()).expect("the directory answers");
    assert_ne!(directory(&text)["meta"]["externalAccountRequired"], true);
}

#[test]
fn debian_pebble_asks_for_external_accounts_only_when_told_to() {
    asks_for_external_accounts_only_when_told_to(Version::Debian);
}

#[test]
fn current_pebble_asks_for_external_accounts_only_when_told_to() {
    asks_for_external_accounts_only_when_told_to(Version::Current);
}

fn hands_out_its_issuers_and_forgets_them_on_restart(version: Version) {
    let settings = Settings { alternate_chains: 1, chain_length: 2, ..Settings::default() };
    let Some(mut pebble) = or_skip(Pebble::start(version, &settings)) else {
        return;
    };
    let before = pebble.issuing_root(0).expect("the root is handed out");
    let alternate = pebble.issuing_root(1).expect("the alternate root is handed out");
    assert!(before.contains("BEGIN CERTIFICATE"), "{before}");
    assert_ne!(before, alternate);
    assert!(pebble.intermediate(0).expect("so is the intermediate").contains("BEGIN CERTIFICATE"));

    pebble.restart().expect("it starts again");
    directory(&pebble.fetch(&pebble.directory_url()).expect("on the same port"));
    assert_ne!(before, pebble.issuing_root(0).expect("with a root"));
}

#[test]
fn debian_pebble_hands_out_its_issuers_and_forgets_them_on_restart() {
    hands_out_its_issuers_and_forgets_them_on_restart(Version::Debian);
}

#[test]
fn current_pebble_hands_out_its_issuers_and_forgets_them_on_restart() {
    hands_out_its_issuers_and_forgets_them_on_restart(Version::Current);
}

#[test]
fn current_pebble_offers_the_profiles_it_is_given() {
    let settings = Settings {
        profiles: [("short".to_owned(), 86_400)].into(),
        retry_after: Some((1, 1)),
        ..Settings::default()
    };
    let Some(pebble) = or_skip(Pebble::start(Version::Current, &settings)) else {
        return;
    };
    let text = pebble.fetch(&pebble.directory_url()).expect("the directory answers");
    assert_eq!(directory(&text)["meta"]["profiles"]["short"], "short");
}

#[test]
fn the_settings_of_both_pebbles_are_taken_up() {
    let settings = Settings {
        rejected_nonces: 15,
        reused_authorizations: 100,
        validation_sleep: Some(2),
        ..Settings::default()
    };
    for version in [Version::Debian, Version::Current] {
        let Some(pebble) = or_skip(Pebble::start(version, &settings)) else {
            return;
        };
        let log = pebble.log();
        assert!(log.contains("reject 15% of good nonces"), "{log}");
        assert!(log.contains("100% of the time"), "{log}");
        assert!(log.contains("sleep time to 2 seconds"), "{log}");
        assert!(!log.contains("always returns valid"), "{log}");
    }
}

#[test]
fn debian_pebble_starts_with_a_resolver_of_its_own() {
    let settings = Settings::default();
    let started = Pebble::start_for_tls_alpn(Version::Debian, &settings);
    let Some(pebble) = or_skip(started) else {
        return;
    };
    directory(&pebble.fetch(&pebble.directory_url()).expect("the directory answers"));
    assert!(pebble.challenge_address().is_loopback());
    assert!(
        !std::fs::read_to_string("/etc/resolv.conf")
            .is_ok_and(|text| text.contains(&pebble.challenge_address().to_string()))
    );
}

#[test]
fn caddy_serves_a_directory_and_has_made_its_own_root() {
    let Some(caddy) = or_skip(Caddy::start()) else {
        return;
    };
    let text = caddy.fetch(&caddy.directory_url()).expect("the directory answers");
    assert!(directory(&text)["newOrder"].as_str().is_some_and(|url| url.contains("localhost:")));
    let root = std::fs::read_to_string(caddy.issuing_root_path()).expect("Caddy wrote its root");
    assert!(root.contains("BEGIN CERTIFICATE"), "{root}");
    let second = Caddy::start().expect("a second one starts beside it");
    assert_ne!(caddy.challenge_address(), second.challenge_address());
    let third = Caddy::start_for_localhost().expect("a third one, with the machine's resolver");
    assert_eq!(third.challenge_address(), Ipv4Addr::LOCALHOST);
}

/// Asks the name server for TXT records and hands out its answer undecoded (RFC 1035 §4.1).
fn txt_answer(dns: &ChallTestSrv, name: &str) -> String {
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label has up to 63 bytes"));
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 16, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a UDP socket");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("a time limit");
    socket.send_to(&query, dns.dns_address()).expect("the query is sent");
    let mut answer = [0; 1500];
    let length = socket.recv(&mut answer).expect("the name server answers");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn the_name_server_takes_and_drops_txt_records() {
    let Some(dns) = or_skip(ChallTestSrv::start()) else {
        return;
    };
    let name = "_acme-challenge.example.test";
    dns.add_txt(name, "first value").expect("a record is added");
    dns.add_txt(&format!("{name}."), "second value").expect("a second one beside it");
    let answer = txt_answer(&dns, name);
    assert!(answer.contains("first value") && answer.contains("second value"), "{answer}");

    dns.delete_txt(name).expect("both are removed");
    let answer = txt_answer(&dns, name);
    assert!(!answer.contains("first value") && !answer.contains("second value"), "{answer}");
}

#[test]
fn nothing_is_left_running_when_a_server_is_dropped() {
    let started = Pebble::start(Version::Current, &Settings::default());
    let Some(pebble) = or_skip(started) else {
        return;
    };
    let port = pebble.directory_url().split([':', '/']).nth(4).map(str::to_owned);
    let port: u16 = port.and_then(|port| port.parse().ok()).expect("the URL has a port");
    let folder = pebble.root_pem_path().parent().map(Path::to_owned).expect("it has a folder");
    let dns = pebble.dns().dns_address();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(pebble);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "Pebble still listens");
    assert!(TcpStream::connect(dns).is_err(), "the name server still listens");
    assert!(!folder.exists(), "its folder is still there");
}
