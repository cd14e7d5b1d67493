//! Certificate chains in PEM, and their verification.
#![no_main]

use acmekit_core::certificate::{CertificateChain, Expected, verify_issued};
use acmekit_fuzz::fixture;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let chain = match CertificateChain::from_pem(data) {
        Ok(chain) => chain,
        Err(error) => return acmekit_fuzz::assert_printable(&error.to_string()),
    };
    let again = CertificateChain::from_pem(chain.to_pem().as_bytes()).unwrap();
    assert_eq!(again.certificates(), chain.certificates());
    assert!(!again.has_text_between());
    let leaf = chain.leaf();
    let expected = Expected {
        public_key_der: leaf.public_key_der(),
        identifiers: leaf.identifiers(),
        now: fixture::START,
        clock_tolerance: Default::default(),
    };
    match verify_issued(&chain, &expected) {
        Ok(report) => report.notes().iter().for_each(|note| {
            acmekit_fuzz::assert_printable(&note.to_string());
        }),
        Err(fault) => acmekit_fuzz::assert_printable(&fault.to_string()),
    }
    let order = &fixture::orders()[0];
    let ours = Expected {
        public_key_der: order.key.public_key_der(),
        identifiers: &order.names,
        ..expected
    };
    if verify_issued(&chain, &ours).is_ok() {
        assert_eq!(leaf.public_key_der(), order.key.public_key_der());
    }
});
