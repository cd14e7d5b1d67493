//! Subject names: what is read is written back, and can be put into a certificate request.
#![no_main]

use acmekit_core::certificate::{
    CertificateRequestParameters, Subject, UnsignedCertificateRequest,
};
use acmekit_fuzz::{assert_printable, fixture};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let subject = match Subject::parse(text) {
        Ok(subject) => subject,
        Err(error) => return assert_printable(&error.to_string()),
    };
    let shown = subject.to_string();
    assert_eq!(Subject::parse(&shown).as_ref(), Ok(&subject), "{shown:?}");
    let order = &fixture::orders()[0];
    let mut parameters = CertificateRequestParameters::new(order.names.iter().cloned());
    let has_name = subject.common_name().is_some();
    parameters.subject = Some(subject);
    let (key, scheme) = (order.key.public_key_der(), order.key.signature_scheme());
    let request = UnsignedCertificateRequest::new(&parameters, key, scheme);
    assert!(has_name || request.is_ok(), "{request:?}");
});
