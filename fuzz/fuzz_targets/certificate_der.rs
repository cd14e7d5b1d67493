//! Single certificates in DER.
#![no_main]

use acmekit_core::certificate::{Certificate, CertificateChain};
use acmekit_fuzz::assert_printable;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let certificate = match Certificate::from_der(data) {
        Ok(certificate) => certificate,
        Err(error) => return assert_printable(&error.to_string()),
    };
    assert_eq!(certificate.der(), data);
    assert_printable(&certificate.issuer());
    assert_printable(&certificate.subject());
    let _ = (certificate.serial_hex(), certificate.serial_decimal());
    let _ = (certificate.issuer_common_name(), certificate.fingerprint_sha256());
    let _ = (certificate.authority_key_identifier(), certificate.is_certificate_authority());
    let _ = (certificate.not_before().to_string(), certificate.not_after().to_string());
    let _ = (certificate.is_self_issued(), certificate.check_signature(&certificate));
    certificate.identifiers().iter().for_each(|name| assert_printable(&name.to_string()));
    let chain = CertificateChain::from_certificates(vec![certificate.clone()]).unwrap();
    let read = CertificateChain::from_pem(chain.to_pem().as_bytes()).unwrap();
    assert_eq!(read.leaf(), &certificate);
});
