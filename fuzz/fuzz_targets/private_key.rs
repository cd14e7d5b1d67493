//! Private keys in every form of PEM and in PKCS#8. What is read must work.
#![no_main]

use acmekit_core::crypto::{PrivateKey, verify};
use acmekit_core::jose::{LocalSigner, Signer};
use acmekit_testing::SeededEntropy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let der = PrivateKey::from_pkcs8_der(data);
    let pem = std::str::from_utf8(data).map(PrivateKey::from_pem);
    for key in [Some(der), pem.ok()].into_iter().flatten() {
        match key {
            Ok(key) => check(key),
            Err(error) => acmekit_fuzz::assert_printable(&error.to_string()),
        }
    }
});

fn check(key: PrivateKey) {
    let mut entropy = SeededEntropy::new(1);
    let written = key.to_pkcs8_pem().unwrap();
    let read = PrivateKey::from_pem(&written).unwrap();
    assert_eq!(read.public_key_der(), key.public_key_der());
    assert_eq!(read.key_type(), key.key_type());
    assert!(!format!("{key:?}").contains("PRIVATE"));
    // A key whose parts do not belong together may refuse to sign, but must not sign wrongly.
    if let Ok(signature) = key.sign(&mut entropy, b"message") {
        let scheme = key.signature_scheme();
        let check = verify(key.public_key_der(), scheme, b"message", &signature);
        assert!(check.is_valid(), "{check:?}");
    }
    let _ = LocalSigner::new(key).sign(&mut entropy, b"message");
}
