//! Certificate requests: as DER, as PEM, and waiting for a signature.
#![no_main]

use acmekit_core::certificate::{CertificateRequest, UnsignedCertificateRequest};
use acmekit_fuzz::{assert_printable, fixture};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match CertificateRequest::from_der(data) {
        Ok(request) => check(&request),
        Err(error) => assert_printable(&error.to_string()),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(request) = CertificateRequest::from_pem(text) {
        check(&request);
    }
    if let Ok(unsigned) = serde_json::from_str::<UnsignedCertificateRequest>(text) {
        let _ = unsigned.public_key_der();
        let _ = unsigned.into_signed(&[0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01]);
    }
});

fn check(request: &CertificateRequest) {
    assert_printable(&request.subject());
    let _ = request.check_names(request.identifiers());
    let _ = request.check_names(&fixture::orders()[0].names);
    assert_eq!(CertificateRequest::from_pem(&request.to_pem()).as_ref(), Ok(request));
    let text = serde_json::to_string(request).unwrap();
    assert_eq!(&serde_json::from_str::<CertificateRequest>(&text).unwrap(), request);
}
