//! TLS towards the CA: which provider, and whom to trust.
//!
//! The provider is ring, handed over explicitly, so that a program may have another one installed
//! as its default, or none. Trust anchors are those of the system, because private CAs are found
//! nowhere else; where the system has none at all, as on many an appliance or in a bare container,
//! Mozilla's list takes their place. The verifier is rustls' own and needs no service of a desktop
//! or a Java runtime.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// Reads the certificates of a PEM text, each of them fit to be a trust anchor.
pub(crate) fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let error = |what: String| Error::setup("root-certificate", what);
    let mut roots = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|reason| error(format!("the root certificate is not valid PEM: {reason}")))?;
        RootCertStore::empty().add(certificate.clone()).map_err(|reason| {
            error(format!("the root certificate cannot be used as a trust anchor: {reason}"))
        })?;
        roots.push(certificate);
    }
    if roots.is_empty() {
        return Err(error("there is no certificate in the text of the root certificate".into()));
    }
    Ok(roots)
}

/// The client side of TLS 1.2 and 1.3, HTTP/2 preferred.
pub(crate) fn client_config(
    extra_roots: Vec<CertificateDer<'static>>,
) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for problem in &native.errors {
        tracing::debug!(%problem, "some trust anchors of the system cannot be read");
    }
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        tracing::debug!("the system has no trust anchors; using Mozilla's");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for root in extra_roots {
        roots.add(root).map_err(|reason| {
            Error::setup("root-certificate", format!("a root certificate cannot be used: {reason}"))
        })?;
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|reason| Error::setup("tls", format!("TLS cannot be set up: {reason}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The arithmetic of TLS.
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_no_root() {
        for text in ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
        {
            let error = roots_from_pem(text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), "root-certificate");
        }
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(roots_from_pem(broken.as_bytes()).unwrap_err().message().contains("trust anchor"));
    }

    #[test]
    fn http2_is_offered_first() {
        let config = client_config(Vec::new()).unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }
}
