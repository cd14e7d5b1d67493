//! What the tests give their clients: keys, credentials, solvers, time limits.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::http01::Http01Listener;
use acmekit::solver::tls_alpn01::TlsAlpn01Listener;
use acmekit::{
    ChallengeType, Client, ClientBuilder, ExternalAccountBinding, KeyType, MacAlgorithm, MacKey,
    PrivateKey, Registration, SystemEntropy,
};

use super::LaunchError;
use super::dns_hook::DnsHook;
use super::figures;
use super::openssl::Judged;
use super::pebble::{Pebble, Settings, Version};

/// The credential that Pebble takes for a new account.
pub(crate) const KEY_ID: &str = "kid-1";
/// Its MAC key, 64 bytes in base64url: as many as the longest MAC has, which Pebble insists on.
pub(crate) const MAC_KEY: &str =
    "6jq9noLgQ_FWtiLFkLJgJbt5XXbUMm4pFSqVU5KokBA_lulJYKG5bwy3u9UJ2qCnJNU8GfSFtcQq0L3VP3RR1Q";
/// Pebble 2.4.0 may deadlock; more often than this in a row it does not.
const TRIALS: u32 = 4;

/// Settings of a Pebble that wants [`binding`].
pub(crate) fn external_accounts() -> Settings {
    let keys = [(KEY_ID.to_owned(), MAC_KEY.to_owned())].into();
    Settings { external_account_keys: keys, ..Settings::default() }
}

/// The external account binding for [`external_accounts`].
pub(crate) fn binding() -> ExternalAccountBinding {
    binding_with(KEY_ID, MAC_KEY, MacAlgorithm::Hs256)
}

pub(crate) fn binding_with(id: &str, key: &str, algorithm: MacAlgorithm) -> ExternalAccountBinding {
    let key = MacKey::parse(key).expect("a MAC key");
    ExternalAccountBinding::new(id, key, algorithm).expect("a key id")
}

/// A registration that Pebble accepts, but for the binding.
pub(crate) fn registration() -> Registration {
    Registration::new().contact("mailto:operator@example.org").agree_to_terms(true)
}

pub(crate) fn new_key(kind: KeyType) -> PrivateKey {
    PrivateKey::generate(kind, &mut SystemEntropy).expect("a key")
}

/// Begins a client that trusts the server's TLS certificate.
pub(crate) fn builder(directory_url: &str, tls_root: &Path, key: &PrivateKey) -> ClientBuilder {
    let root = std::fs::read(tls_root).expect("the root of the server's TLS certificate");
    Client::builder(directory_url)
        .account_key(key.clone())
        .add_root_certificate_pem(&root)
        .expect("it is a root")
}

/// A client of a Pebble, with a new account key.
pub(crate) fn client_of(pebble: &Pebble) -> ClientBuilder {
    builder(&pebble.directory_url(), pebble.root_pem_path(), &new_key(KeyType::P256))
}

/// Adds a solver for one kind of challenge to a client of a Pebble. The hook, if there is one, must
/// live as long as the client.
pub(crate) async fn with_solver(
    builder: ClientBuilder,
    pebble: &Pebble,
    kind: &ChallengeType,
) -> (ClientBuilder, Option<DnsHook>) {
    let at = |port| address(pebble.challenge_address(), port);
    match kind {
        ChallengeType::Http01 => (builder.solver(http01_listener(pebble).await), None),
        ChallengeType::TlsAlpn01 => {
            let listener = TlsAlpn01Listener::bind(at(pebble.tls_port())).await;
            (builder.solver(listener.expect("the port is free")), None)
        }
        ChallengeType::Dns01 => {
            let hook = DnsHook::new(pebble.dns());
            let solver = Dns01Exec::new(hook.program()).expect("the program can be run");
            (builder.solver(solver), Some(hook))
        }
        other => panic!("there is no solver for {other}"),
    }
}

/// Answers http-01 where a Pebble asks.
pub(crate) async fn http01_listener(pebble: &Pebble) -> Arc<Http01Listener> {
    let at = address(pebble.challenge_address(), pebble.http_port());
    Arc::new(Http01Listener::bind(at).await.expect("the port is free"))
}

pub(crate) fn address(ip: Ipv4Addr, port: u16) -> String {
    format!("{ip}:{port}")
}

/// Starts a Pebble that can validate this kind of challenge.
pub(crate) fn start_for(
    version: Version,
    settings: &Settings,
    kind: &ChallengeType,
) -> Result<Pebble, LaunchError> {
    match kind {
        ChallengeType::TlsAlpn01 => Pebble::start_for_tls_alpn(version, settings),
        _ => Pebble::start(version, settings),
    }
}

/// Lets OpenSSL judge a certificate from a Pebble.
#[track_caller]
pub(crate) fn assert_issued(
    pebble: &Pebble,
    obtained: &acmekit::Obtained,
    names: &[impl AsRef<str>],
    kind: &str,
) {
    let root = pebble.issuing_root(0).expect("Pebble hands out its root");
    assert_issued_under(&root, obtained, names, kind);
}

/// Lets OpenSSL judge a certificate against this root.
#[track_caller]
pub(crate) fn assert_issued_under(
    root: &str,
    obtained: &acmekit::Obtained,
    names: &[impl AsRef<str>],
    kind: &str,
) -> Judged {
    let key = obtained.key_pem().expect("the key can be written");
    let judged = Judged::texts(&obtained.chain_pem(), &key, root);
    judged.assert_verifies();
    judged.assert_names(names);
    judged.assert_key(kind);
    judged
}

/// Runs a trial that must end in time. Debian's Pebble is restarted and the trial repeated from its
/// beginning when time runs out, since that version can deadlock; any other server must not need it.
pub(crate) async fn in_time(limit: Duration, mut pebble: Pebble, trial: impl AsyncFn(&Pebble)) {
    for number in 1..=TRIALS {
        if tokio::time::timeout(limit, trial(&pebble)).await.is_ok() {
            return;
        }
        assert_eq!(pebble.version(), Version::Debian, "no end within {limit:?}");
        // What the trial listened on is free only when its tasks have had their turn to end.
        tokio::time::sleep(Duration::from_millis(200)).await;
        figures::print(format_args!("Debian's Pebble hangs, trial {number} of {TRIALS}"));
        pebble.restart().expect("Pebble starts again");
    }
    panic!("{TRIALS} times no end within {limit:?}");
}
