//! tls-alpn-01 (RFC 8737): a certificate shown in a TLS handshake on port 443.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use acmekit_core::action::{ChallengeId, Offer};
use acmekit_core::challenge::tls_alpn01::{ALPN, build_certificate};
use acmekit_core::challenge::{ChallengeType, Token};
use acmekit_core::crypto::{KeyType, PrivateKey};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use super::listen::{Server, bind};
use super::{Solver, SolverError, SolverFuture};
use crate::entropy::SystemEntropy;
use crate::sync::lock;
use crate::transport::tls::provider;

/// Time for a handshake: a CA begins it at once, and whoever does not must not keep others waiting.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Answers tls-alpn-01 validation on a port of its own, which the CA must reach as port 443.
///
/// A handshake succeeds only if it offers the protocol `acme-tls/1` and no other, for the name of a
/// current challenge (RFC 8737 §3); then the connection is closed, no data is exchanged. It stops
/// when it is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), acmekit::Error> {
/// let listener = acmekit::solver::tls_alpn01::TlsAlpn01Listener::bind("[::]:443").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TlsAlpn01Listener {
    resolver: Arc<Certificates>,
    server: Server,
}

/// The certificates of the proofs that are published now, by server name in lower case. Two orders
/// may want the same name validated; the one that came last is shown.
#[derive(Debug, Default)]
struct Certificates(Mutex<HashMap<String, Vec<Published>>>);

type Published = ((ChallengeId, Option<Token>), Arc<CertifiedKey>);

/// A challenge and its token, since a server may come with another token at the same URL.
fn proof_id(offer: &Offer) -> (ChallengeId, Option<Token>) {
    (offer.id.clone(), offer.token.clone())
}

impl Certificates {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Published>>> {
        lock(&self.0)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut protocols = hello.alpn()?;
        if protocols.next() != Some(ALPN) || protocols.next().is_some() {
            return None;
        }
        let name = hello.server_name()?.to_ascii_lowercase();
        self.lock().get(&name)?.last().map(|(_, certified)| Arc::clone(certified))
    }
}

impl TlsAlpn01Listener {
    /// Listens on an address such as `[::]:443`; port 0 takes any free one.
    ///
    /// # Errors
    /// [`SolverError`] with the code `address-in-use` if another program listens there, `address`
    /// if the text is no address and port, the address is not of this machine, or the port needs a
    /// privilege.
    #[expect(clippy::unused_async, reason = "it needs the runtime, and says so by being async")]
    pub async fn bind(address: impl AsRef<str>) -> Result<Self, SolverError> {
        let resolver = Arc::new(Certificates::default());
        let mut config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| SolverError::new(format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&resolver) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![ALPN.to_vec()];
        // A resumed handshake would show no certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = Server::start(bind(address.as_ref())?, move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let accepted = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await;
                let accepted = accepted.ok().and_then(Result::ok);
                tracing::debug!(accepted = accepted.is_some(), "tls-alpn-01 handshake");
                if let Some(mut stream) = accepted {
                    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.ok();
                }
            }
        })?;
        Ok(Self { resolver, server })
    }

    /// Where it listens: the port that the system chose, if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    fn publish(&self, offer: &Offer) -> Result<(), SolverError> {
        let name = server_name(offer)
            .ok_or_else(|| SolverError::new("this identifier has no name for a TLS handshake"))?;
        let certified = Arc::new(certify(offer)?);
        let mut table = self.resolver.lock();
        let published = table.entry(name).or_default();
        let proof = proof_id(offer);
        published.retain(|(id, _)| *id != proof);
        published.push((proof, certified));
        Ok(())
    }
}

fn server_name(offer: &Offer) -> Option<String> {
    offer.tls_alpn01_server_name().map(|name| name.to_ascii_lowercase())
}

/// Makes the certificate that carries the proof, with a key that lives as long as it does.
fn certify(offer: &Offer) -> Result<CertifiedKey, SolverError> {
    let error = |what: String| SolverError::new(format!("no challenge certificate: {what}"));
    let proof = offer.key_authorization.as_ref();
    let proof = proof.ok_or_else(|| error("this challenge has no token".to_owned()))?;
    let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy)
        .map_err(|reason| error(reason.to_string()))?;
    let certificate =
        build_certificate(&offer.identifier, proof, &key, crate::clock::now(), &mut SystemEntropy)
            .map_err(|reason| error(reason.to_string()))?;
    let pkcs8 = key.to_pkcs8_der().map_err(|reason| error(reason.to_string()))?;
    let signing_key = provider()
        .key_provider
        .load_private_key(
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pkcs8.as_slice())).clone_key(),
        )
        .map_err(|reason| error(reason.to_string()))?;
    Ok(CertifiedKey::new(vec![CertificateDer::from(certificate)], signing_key))
}

impl Solver for TlsAlpn01Listener {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == ChallengeType::TlsAlpn01 && server_name(offer).is_some()
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(self.publish(offer)))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        if let Some(name) = server_name(offer) {
            let mut table = self.resolver.lock();
            if let Some(published) = table.get_mut(&name) {
                published.retain(|(id, _)| *id != proof_id(offer));
                if published.is_empty() {
                    table.remove(&name);
                }
            }
        }
        Box::pin(core::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls::pki_types::ServerName;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::solver::testing::{AnyCertificate, offer};

    /// The certificate that the listener shows, if it shows one.
    async fn handshake(
        listener: &TlsAlpn01Listener,
        name: &str,
        protocols: &[&[u8]],
    ) -> Option<Vec<u8>> {
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        config.dangerous().set_certificate_verifier(Arc::new(AnyCertificate));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(listener.local_addr()).await.unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        let mut data = Vec::new();
        let closed = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut data).await;
        assert!(closed.is_ok() && data.is_empty(), "it is closed without data: {closed:?}");
        let (_, session) = stream.get_ref();
        assert_eq!(session.alpn_protocol(), Some(ALPN));
        session.peer_certificates()?.first().map(|certificate| certificate.to_vec())
    }

    #[tokio::test]
    async fn the_proof_is_shown_for_its_name_until_it_is_withdrawn() {
        let listener = TlsAlpn01Listener::bind("127.0.0.1:0").await.unwrap();
        let offer = offer(ChallengeType::TlsAlpn01, "example.org");
        assert!(listener.supports(&offer));
        assert_eq!(handshake(&listener, "example.org", &[ALPN]).await, None);
        listener.present(&offer).await.unwrap();
        let certificate = handshake(&listener, "example.org", &[ALPN]).await.unwrap();
        let digest = offer.key_authorization.as_ref().unwrap().digest();
        assert!(certificate.windows(digest.len()).any(|window| window == digest));
        assert!(handshake(&listener, "EXAMPLE.org", &[ALPN]).await.is_some());
        listener.withdraw(&offer).await.unwrap();
        assert_eq!(handshake(&listener, "example.org", &[ALPN]).await, None);
    }

    #[tokio::test]
    async fn a_connection_without_a_handshake_is_closed_after_a_few_seconds() {
        let listener = TlsAlpn01Listener::bind("127.0.0.1:0").await.unwrap();
        let mut idle = TcpStream::connect(listener.local_addr()).await.unwrap();
        let mut buffer = [0];
        let closed = tokio::io::AsyncReadExt::read(&mut idle, &mut buffer);
        let limit = HANDSHAKE_TIME + Duration::from_secs(4);
        assert_eq!(tokio::time::timeout(limit, closed).await.unwrap().unwrap(), 0);
    }

    #[tokio::test]
    async fn every_other_handshake_is_refused() {
        let listener = TlsAlpn01Listener::bind("127.0.0.1:0").await.unwrap();
        listener.present(&offer(ChallengeType::TlsAlpn01, "example.org")).await.unwrap();
        for (name, protocols) in [
            ("example.org", &[][..]),
            ("example.org", &[b"h2".as_slice()]),
            ("example.org", &[ALPN, b"h2"]),
            ("example.org", &[b"h2", ALPN]),
            ("www.example.org", &[ALPN]),
            ("192.0.2.1", &[ALPN]),
        ] {
            assert_eq!(handshake(&listener, name, protocols).await, None, "{name} {protocols:?}");
        }
    }

    #[tokio::test]
    async fn an_address_is_asked_for_by_its_reverse_name() {
        let listener = TlsAlpn01Listener::bind("127.0.0.1:0").await.unwrap();
        listener.present(&offer(ChallengeType::TlsAlpn01, "192.0.2.1")).await.unwrap();
        assert!(handshake(&listener, "1.2.0.192.in-addr.arpa", &[ALPN]).await.is_some());
    }
}
