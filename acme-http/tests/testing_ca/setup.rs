//! A running CA, and clients for it.

use acmekit::solver::http01::Http01Listener;
use acmekit::{Client, ClientBuilder, KeyType, PrivateKey, Registration, SystemEntropy};
use acmekit_testing::Config;
use acmekit_testing::server::{Server, ServerOptions};

/// Starts a CA.
pub(crate) fn start(config: Config, options: ServerOptions) -> Server {
    Server::start(config, 1, options).unwrap()
}

/// Starts a plain CA, and a listener that it validates http-01 by.
pub(crate) async fn start_with_http01(config: Config) -> (Server, Http01Listener) {
    let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
    let options = ServerOptions::default().with_http01_port(listener.local_addr().port());
    (start(config, options), listener)
}

pub(crate) fn new_key() -> PrivateKey {
    PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap()
}

/// A client that trusts the CA's server, with a new account key.
pub(crate) fn client_for(server: &Server) -> ClientBuilder {
    Client::builder(server.directory_url())
        .account_key(new_key())
        .add_root_certificate_pem(server.tls_root_pem().as_bytes())
        .unwrap()
}

/// Builds the client and registers its key.
pub(crate) async fn registered(builder: ClientBuilder) -> Client {
    let client = builder.build().unwrap();
    client.register(Registration::new()).await.unwrap();
    client
}

/// Fails if the CA has seen a breach of the protocol.
pub(crate) fn assert_no_violation(server: &Server) {
    server.with_ca(|ca| assert!(ca.violations().is_empty(), "{:?}", ca.violations()));
}
