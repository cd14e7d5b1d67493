//! Keys that are held elsewhere.

use acmekit::core::action::SigningKey;
use acmekit::core::certificate::{CertificateRequestParameters, UnsignedCertificateRequest};
use acmekit::core::crypto::SignError;
use acmekit::signer::{ExternalSigner, SignatureFuture};
use acmekit::{ErrorKind, Issue, NewOrder, PrivateKey, Registration, SystemEntropy};
use acmekit_testing::Config;

use crate::setup::{assert_no_violation, client_for, new_key, start_with_http01};

/// Stands for a key in hardware: it signs after a while, in the form of X.509.
struct Module(PrivateKey);

impl ExternalSigner for Module {
    fn sign<'a>(&'a self, _key: SigningKey, message: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async move {
            tokio::time::sleep(core::time::Duration::from_millis(5)).await;
            self.0.sign(&mut SystemEntropy, message)
        })
    }
}

struct Broken;

impl ExternalSigner for Broken {
    fn sign<'a>(&'a self, _key: SigningKey, _message: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async { Err(SignError::other("the token was pulled out")) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn account_and_certificate_keys_may_both_be_elsewhere() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let (account_key, certificate_key) = (new_key(), new_key());
    let client = client_for(&server)
        .account_key_external(account_key.jwk().clone(), Module(account_key))
        .certificate_signer(Module(certificate_key.clone()))
        .solver(listener)
        .build()
        .unwrap();
    client.register(Registration::new()).await.unwrap();
    let order = NewOrder::new(["a.example.org".parse().unwrap(), "b.example.org".parse().unwrap()]);
    let request = UnsignedCertificateRequest::new(
        &CertificateRequestParameters::new(order.identifiers().to_vec()),
        certificate_key.public_key_der(),
        certificate_key.signature_scheme(),
    )
    .unwrap();
    let issued = client.issue_with(Issue::with_external_key(order, request)).await.unwrap();
    assert_eq!(issued.chain().leaf().public_key_der(), certificate_key.public_key_der());
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signer_that_fails_ends_the_operation_in_its_own_words() {
    let (server, _listener) = start_with_http01(Config::default()).await;
    let client =
        client_for(&server).account_key_external(new_key().jwk().clone(), Broken).build().unwrap();
    let error = client.register(Registration::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Crypto);
    assert!(error.to_string().contains("the token was pulled out"), "{error}");
}
