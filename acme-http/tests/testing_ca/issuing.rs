//! One certificate, by each challenge type, within the request budget.

use std::sync::{Arc, Mutex};

use acmekit::core::time::Timestamp;
#[cfg(unix)]
use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::http01::Http01Webroot;
use acmekit::solver::tls_alpn01::TlsAlpn01Listener;
use acmekit::{
    Client, ErrorKind, Event, ExternalAccountBinding, Identifier, KeyType, MacAlgorithm, MacKey,
    Registration, Replacement, RequestKind, Wanted,
};
use acmekit_testing::server::ServerOptions;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};

#[cfg(unix)]
use crate::dns::{DnsFolder, HOOK};
use crate::setup::{
    assert_no_violation, client_for, new_key, registered, start, start_with_http01,
};

const MAC_KEY: [u8; 32] = [7; 32];

fn binding() -> ExternalAccountBinding {
    let key = MacKey::from_bytes(&MAC_KEY).unwrap();
    ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap()
}

fn config_with_external_account() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", MAC_KEY).single_use())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_external_account_is_bound_once_and_found_again_without_the_credential() {
    let (server, listener) = start_with_http01(config_with_external_account()).await;
    let key = new_key();
    let root = server.tls_root_pem();
    let builder = || {
        Client::builder(server.directory_url())
            .account_key(key.clone())
            .add_root_certificate_pem(root.as_bytes())
            .unwrap()
    };
    let client = builder().solver(listener).build().unwrap();
    assert!(client.directory().await.unwrap().external_account_required);

    let refused = client.register(Registration::new()).await.unwrap_err();
    assert!(refused.advice().contains("external account binding"), "{refused}");
    let account = client.register(Registration::new().external_account(binding())).await.unwrap();
    assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
    client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();

    let found = builder().build().unwrap().find_account().await.unwrap();
    assert_eq!(found.url, account.url);
    let unknown = client_for(&server).build().unwrap().find_account().await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NoAccount);
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_name_by_http01_takes_nine_requests_over_http2() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let key = new_key();
    let root = server.tls_root_pem();
    let versions: Arc<Mutex<Vec<http::Version>>> = Arc::default();
    let heard = Arc::clone(&versions);
    let builder = Client::builder(server.directory_url())
        .account_key(key.clone())
        .add_root_certificate_pem(root.as_bytes())
        .unwrap();
    let account = registered(builder).await.account().unwrap();

    let client = Client::builder(server.directory_url())
        .account_key(key)
        .account(account)
        .add_root_certificate_pem(root.as_bytes())
        .unwrap()
        .solver(listener)
        .observe(move |event| {
            if let Event::Answer { version, .. } = event {
                heard.lock().unwrap().push(*version);
            }
        })
        .build()
        .unwrap();
    let obtained = client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
    let leaf = obtained.chain().leaf();
    assert_eq!(leaf.identifiers(), ["www.example.org".parse().unwrap()]);
    assert_eq!(leaf.public_key_der(), obtained.key.public_key_der());
    assert!(obtained.key_pem().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));

    let counts = client.request_counts();
    assert!(counts.total() <= 9, "{counts}");
    assert_eq!((counts.of(RequestKind::Directory), counts.of(RequestKind::NewNonce)), (1, 1));
    let versions = versions.lock().unwrap();
    assert_eq!(versions.len() as u64, counts.total());
    assert!(versions.iter().all(|version| *version == http::Version::HTTP_2), "{versions:?}");
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_names_by_http01_stay_within_two_requests_a_name_and_seven() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let client = registered(client_for(&server).solver(listener)).await;
    let before = client.request_counts().total();
    let names: Vec<_> = (0..10).map(|n| format!("host{n}.example.org")).collect();
    let obtained = client.obtain(Wanted::names(&names).unwrap()).await.unwrap();
    assert_eq!(obtained.chain().leaf().identifiers().len(), 10);
    let counts = client.request_counts();
    // Directory, nonce and account came before.
    assert!(counts.total() - before <= 2 * 10 + 5, "{counts}");
    assert_eq!(counts.of(RequestKind::NewNonce), 1, "{counts}");
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_an_address_by_tls_alpn01() {
    let listener = TlsAlpn01Listener::bind("127.0.0.1:0").await.unwrap();
    let options = ServerOptions::default().with_tls_alpn01_port(listener.local_addr().port());
    let server = start(Config::default(), options);
    let client = registered(client_for(&server).solver(listener)).await;
    let wanted = Wanted::names(["www.example.org", "127.0.0.1"]).unwrap();
    let obtained = client.obtain(wanted.key_type(KeyType::P384)).await.unwrap();
    assert_eq!(obtained.chain().leaf().identifiers().len(), 2);
    assert_no_violation(&server);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_its_wildcard_by_a_dns01_program() {
    let zone = DnsFolder::start(HOOK).await;
    let options = ServerOptions::default().with_dns_server(zone.address());
    let server = start(Config::default(), options);
    let client =
        registered(client_for(&server).solver(Dns01Exec::new(zone.program()).unwrap())).await;
    let names = ["example.org", "*.example.org"];
    let obtained = client.obtain(Wanted::names(names).unwrap()).await.unwrap();
    assert_eq!(obtained.chain().leaf().identifiers().len(), 2);
    assert_eq!(zone.most_records_at_once(), 2, "both values stood at one name");
    assert_eq!(zone.records(), Vec::<String>::new(), "everything is withdrawn");
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webroot_serves_the_proof_through_another_web_server() {
    let root = tempfile::tempdir().unwrap();
    let port = serve_folder(root.path().to_owned()).await;
    let server = start(Config::default(), ServerOptions::default().with_http01_port(port));
    let client =
        registered(client_for(&server).solver(Http01Webroot::new(root.path()).unwrap())).await;
    client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
    let left = std::fs::read_dir(root.path().join(".well-known/acme-challenge")).unwrap();
    assert_eq!(left.count(), 0);
    assert_no_violation(&server);
}

/// The least web server: one request per connection.
async fn serve_folder(root: std::path::PathBuf) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = std::fs::read_to_string(root.join(path.trim_start_matches('/')));
            let body = body.unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_root_is_not_trusted_hears_nothing() {
    let server = start(Config::default(), ServerOptions::default());
    let client = Client::builder(server.directory_url()).account_key(new_key()).build().unwrap();
    let error = client
        .run(
            &mut acmekit::core::flow::account::FindAccount::new().deadline(
                Timestamp::from(std::time::SystemTime::now())
                    .saturating_add(core::time::Duration::from_secs(30)),
            ),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("signed by no root"), "{error}");
    server.with_ca(|ca| assert_eq!(ca.requests().total(), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_names_are_dropped_only_when_asked_for_and_are_told() {
    let config = Config::default().with_refused_name("b.example.org");
    let config = config.with_refused_name("d.example.org");
    let (server, listener) = start_with_http01(config).await;
    let client = registered(client_for(&server).solver(listener)).await;
    let names = ["a.example.org", "b.example.org", "c.example.org", "d.example.org"];
    let wanted = || Wanted::names(names).unwrap();

    let error = client.obtain(wanted()).await.unwrap_err();
    assert_eq!(error.code(), "rejectedIdentifier");
    assert_eq!(
        client.request_counts().of(RequestKind::NewOrder),
        1,
        "nothing is dropped by default"
    );

    let obtained = client.obtain(wanted().drop_refused_names()).await.unwrap();
    let listed = |names: &[Identifier]| names.iter().map(Identifier::value).collect::<Vec<_>>();
    let mut got = listed(obtained.chain().leaf().identifiers());
    got.sort();
    assert_eq!(got, ["a.example.org", "c.example.org"]);
    assert_eq!(listed(&obtained.refused), ["b.example.org", "d.example.org"]);
    assert!(format!("{obtained:?}").contains("b.example.org"));

    // With nothing left there is nothing to order.
    let wanted = Wanted::names(["b.example.org"]).unwrap().drop_refused_names();
    let error = client.obtain(wanted).await.unwrap_err();
    assert_eq!(error.code(), "rejectedIdentifier");
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_tells_the_ca_what_it_replaces() {
    let config = Config::default().with_renewal_information(true);
    let (server, listener) = start_with_http01(config).await;
    let client = registered(client_for(&server).solver(listener)).await;
    let wanted = || Wanted::names(["example.org"]).unwrap();
    let old = client.obtain(wanted()).await.unwrap();
    let renewed = client.obtain(wanted().replaces(old.chain().leaf())).await.unwrap();
    let id = old.chain().leaf().certificate_id().unwrap();
    assert_eq!(renewed.issued.replacement(), &Replacement::Named(id));
    assert_no_violation(&server);
}
