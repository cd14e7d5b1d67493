//! The CA on loopback: TLS with its own root, and validation over real sockets.

mod common;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use acmekit_testing::server::{Server, ServerOptions};
use acmekit_testing::{Config, SeededEntropy};
use common::{Answer, challenge, csr, draw_key, encode, jwk, jws, thumbprint};
use hickory_proto::op::Message;
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use p256::ecdsa::SigningKey;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// Speaks to a server over TLS, one connection for each request.
struct Remote {
    roots: Arc<rustls::RootCertStore>,
    key: SigningKey,
    kid: Option<String>,
    nonce: String,
    directory: Value,
}

impl Remote {
    async fn new(server: &Server) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(server.tls_root_pem().as_bytes()).unwrap())
            .unwrap();
        let mut remote = Self {
            roots: Arc::new(roots),
            key: draw_key(&mut SeededEntropy::new(77)),
            kid: None,
            nonce: String::new(),
            directory: Value::Null,
        };
        remote.directory =
            remote.send("GET", server.directory_url(), Vec::new(), b"h2").await.json();
        let url = remote.url("newNonce");
        remote.send("HEAD", &url, Vec::new(), b"http/1.1").await;
        let created = remote.post(&remote.url("newAccount"), "{}").await;
        assert_eq!(created.status, StatusCode::CREATED);
        remote.kid = created.header("location").map(str::to_owned);
        remote
    }

    fn url(&self, resource: &str) -> String {
        self.directory[resource].as_str().unwrap().to_owned()
    }

    async fn send(&mut self, method: &str, url: &str, body: Vec<u8>, alpn: &[u8]) -> Answer {
        let uri: Uri = url.parse().unwrap();
        let stream = TcpStream::connect(uri.authority().unwrap().as_str()).await.unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        let name = ServerName::try_from(uri.host().unwrap().to_owned()).unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
        let request = Request::builder()
            .method(method)
            .uri(if alpn == b"h2" { url } else { uri.path() })
            .header("host", uri.authority().unwrap().as_str())
            .header("user-agent", "test/1")
            .header("content-type", "application/jose+json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let io = TokioIo::new(stream);
        let response = if alpn == b"h2" {
            let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
            let (mut sender, connection) = handshake.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        if let Some(nonce) = answer.header("replay-nonce") {
            self.nonce = nonce.to_owned();
        }
        answer
    }

    async fn post(&mut self, url: &str, payload: &str) -> Answer {
        let mut header = json!({ "alg": "ES256", "nonce": self.nonce, "url": url });
        match &self.kid {
            Some(kid) => header["kid"] = json!(kid),
            None => header["jwk"] = jwk(&self.key),
        }
        let body = jws(&self.key, &header, payload).to_string().into_bytes();
        self.send("POST", url, body, b"h2").await
    }

    /// Orders one name and returns the order and a challenge, not yet answered.
    async fn challenge(&mut self, name: &str, kind: &str) -> (String, Value, Value) {
        let payload = json!({ "identifiers": [{ "type": "dns", "value": name }] }).to_string();
        let answer = self.post(&self.url("newOrder"), &payload).await;
        let (url, order) = (answer.header("location").unwrap().to_owned(), answer.json());
        let authorization =
            self.post(order["authorizations"][0].as_str().unwrap(), "").await.json();
        (url, order, challenge(&authorization, kind))
    }

    /// Answers the challenge and waits until the order has moved on.
    async fn settle(&mut self, order: &str, challenge: &Value) -> Value {
        self.post(challenge["url"].as_str().unwrap(), "{}").await;
        for _ in 0..500 {
            let order = self.post(order, "").await.json();
            if order["status"] != "pending" {
                return order;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the order is still pending after 5 s");
    }

    fn key_authorization(&self, challenge: &Value) -> String {
        format!("{}.{}", challenge["token"].as_str().unwrap(), thumbprint(&self.key))
    }
}

/// Answers each connection with what `respond` makes of the request's head.
async fn http_server(respond: impl Fn(&str) -> String + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            let answer = respond(&String::from_utf8_lossy(&head[..length]));
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    port
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn http_01_is_validated_over_a_real_socket_and_a_certificate_follows() {
    // The port must be known before the token is, so the answer is filled in later.
    let content = Arc::new(std::sync::Mutex::new(String::new()));
    let shared = Arc::clone(&content);
    let port = http_server(move |head| {
        if head.starts_with("GET /.well-known/acme-challenge/") && head.contains("www.example.org")
        {
            let query = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: /elsewhere\r\n\r\n";
            return query.to_owned();
        }
        assert!(head.starts_with("GET /elsewhere "), "{head}");
        ok(&shared.lock().unwrap())
    })
    .await;
    let options = ServerOptions::default().with_http01_port(port);
    let server = Server::start(Config::default(), 3, options).unwrap();
    let mut remote = Remote::new(&server).await;
    let (url, _, challenge) = remote.challenge("www.example.org", "http-01").await;
    *content.lock().unwrap() = remote.key_authorization(&challenge);
    let order = remote.settle(&url, &challenge).await;
    assert_eq!(order["status"], "ready", "{order}");
    let key = draw_key(&mut SeededEntropy::new(5));
    let payload = json!({ "csr": encode(csr(&key, "", &["www.example.org"])) }).to_string();
    let order = remote.post(order["finalize"].as_str().unwrap(), &payload).await.json();
    let chain = remote.post(order["certificate"].as_str().unwrap(), "").await.body;

    let scratch = common::Scratch::new("server");
    let root = scratch.write("root.pem", server.root_pem());
    let chain = scratch.write("chain.pem", chain);
    let (good, text) = common::openssl(&["verify", "-CAfile", &root, "-untrusted", &chain, &chain]);
    assert!(good, "{text}");
    server.with_ca(|ca| assert!(ca.violations().is_empty(), "{:?}", ca.violations()));
    server.shutdown();
}

#[tokio::test]
async fn a_wrong_answer_and_a_closed_port_fail_the_order_with_their_problems() {
    let port = http_server(|_| ok("not the key authorization")).await;
    let options = ServerOptions::default().with_http01_port(port);
    let server = Server::start(Config::default(), 3, options).unwrap();
    let mut remote = Remote::new(&server).await;
    let (url, _, challenge) = remote.challenge("example.org", "http-01").await;
    let order = remote.settle(&url, &challenge).await;
    assert_eq!(order["error"]["type"], "urn:ietf:params:acme:error:incorrectResponse");

    let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let options = ServerOptions::default().with_http01_port(port);
    let server = Server::start(Config::default(), 3, options).unwrap();
    let mut remote = Remote::new(&server).await;
    let (url, _, challenge) = remote.challenge("example.org", "http-01").await;
    let order = remote.settle(&url, &challenge).await;
    assert_eq!(order["error"]["type"], "urn:ietf:params:acme:error:connection");
    let (url, _, challenge) = remote.challenge("example.org", "dns-01").await;
    let order = remote.settle(&url, &challenge).await;
    assert_eq!(order["error"]["type"], "urn:ietf:params:acme:error:dns", "no DNS server is set");
}

#[tokio::test]
async fn dns_01_is_validated_by_a_query_over_udp() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address: SocketAddr = socket.local_addr().unwrap();
    let value = Arc::new(std::sync::Mutex::new(String::new()));
    let shared = Arc::clone(&value);
    tokio::spawn(async move {
        let mut buffer = vec![0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            let name = message.queries[0].name().clone();
            assert_eq!(name.to_string(), "_acme-challenge.example.org.");
            // In two strings, as long values are.
            let value = shared.lock().unwrap().clone();
            let (front, back) = (value[..20].to_owned(), value[20..].to_owned());
            let record = RData::TXT(TXT::new(vec![front, back]));
            message.metadata.message_type = hickory_proto::op::MessageType::Response;
            message.add_answer(Record::from_rdata(name, 1, record));
            socket.send_to(&message.to_vec().unwrap(), peer).await.unwrap();
        }
    });
    let options = ServerOptions::default().with_dns_server(address);
    let server = Server::start(Config::default(), 4, options).unwrap();
    let mut remote = Remote::new(&server).await;
    let (url, _, challenge) = remote.challenge("*.example.org", "dns-01").await;
    *value.lock().unwrap() = encode(Sha256::digest(remote.key_authorization(&challenge)));
    let order = remote.settle(&url, &challenge).await;
    assert_eq!(order["status"], "ready", "{order}");
}

#[tokio::test]
async fn tls_alpn_01_is_validated_by_a_real_handshake() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let options =
        ServerOptions::default().with_tls_alpn01_port(listener.local_addr().unwrap().port());
    let server = Server::start(Config::default(), 4, options).unwrap();
    let mut remote = Remote::new(&server).await;
    let scratch = common::Scratch::new("alpn");
    for (digest, status) in [(None, "ready"), (Some("00".repeat(32)), "invalid")] {
        let (url, _, challenge) = remote.challenge("example.org", "tls-alpn-01").await;
        let right = Sha256::digest(remote.key_authorization(&challenge));
        let right = right.iter().map(|octet| format!("{octet:02x}")).collect();
        let (certificate, key) = alpn_certificate(&scratch, &digest.unwrap_or(right));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver(certificate, key));
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let serve = async {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            assert_eq!(stream.get_ref().1.server_name(), Some("example.org"));
        };
        let (order, ()) = tokio::join!(remote.settle(&url, &challenge), serve);
        assert_eq!(order["status"], status, "{order}");
    }
}

/// A self-signed certificate by OpenSSL with the acmeIdentifier extension of RFC 8737 §3.
fn alpn_certificate(scratch: &common::Scratch, digest: &str) -> (Vec<u8>, Vec<u8>) {
    let (certificate, key) = (scratch.path("alpn.der"), scratch.path("alpn.key"));
    let extension = format!("1.3.6.1.5.5.7.1.31=critical,DER:0420{digest}");
    let (good, text) = common::openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=acme",
        "-days",
        "1",
        "-outform",
        "DER",
        "-out",
        &certificate,
        "-keyout",
        &key,
        "-addext",
        "subjectAltName=DNS:example.org",
        "-addext",
        &extension,
    ]);
    assert!(good, "{text}");
    (std::fs::read(certificate).unwrap(), std::fs::read(key).unwrap())
}

/// Shows one certificate to everyone; `with_single_cert` would refuse its critical extension.
#[derive(Debug)]
struct Always(Arc<rustls::sign::CertifiedKey>);

impl rustls::server::ResolvesServerCert for Always {
    fn resolve(
        &self,
        _hello: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn resolver(certificate: Vec<u8>, key: Vec<u8>) -> Arc<Always> {
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&key).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certificate = vec![CertificateDer::from(certificate)];
    Arc::new(Always(Arc::new(rustls::sign::CertifiedKey::new(certificate, key))))
}

#[tokio::test]
async fn strangers_are_refused_and_oversized_bodies_too() {
    let server = Server::start(Config::default(), 3, ServerOptions::default()).unwrap();
    let mut remote = Remote::new(&server).await;
    let url = remote.url("newOrder");
    let answer = remote.send("POST", &url, vec![b' '; 200_000], b"http/1.1").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("localhost").unwrap();
    assert!(connector.connect(name, stream).await.is_err(), "its root is in no other store");
}

#[test]
fn a_server_stops_when_it_is_dropped_and_frees_its_port() {
    let server = Server::start(Config::default(), 3, ServerOptions::default()).unwrap();
    let address = server.address();
    let options = ServerOptions::default().with_port(address.port());
    assert!(Server::start(Config::default(), 3, options.clone()).is_err(), "the port is taken");
    drop(server);
    assert!(Server::start(Config::default(), 3, options).is_ok());
}
