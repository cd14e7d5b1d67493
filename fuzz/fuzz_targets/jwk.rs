//! Public keys as JWK and as SubjectPublicKeyInfo, and signatures in every form.
#![no_main]

use acmekit_core::jose::{Jwk, JwsAlgorithm, normalise_signature};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let parsed = [serde_json::from_slice(data).ok(), Jwk::from_public_key_der(data).ok()];
    for jwk in parsed.into_iter().flatten() {
        let again = serde_json::from_value::<Jwk>(jwk.to_value()).unwrap();
        assert_eq!(again.thumbprint(), jwk.thumbprint());
        let der = Jwk::from_public_key_der(jwk.public_key_der()).unwrap();
        assert_eq!(der, jwk);
        assert_eq!(jwk.thumbprint().len(), 43);
    }
    for (algorithm, length) in [
        (JwsAlgorithm::Es256, 64),
        (JwsAlgorithm::Es384, 96),
        (JwsAlgorithm::Es512, 132),
        (JwsAlgorithm::EdDsa, 64),
    ] {
        if let Ok(signature) = normalise_signature(algorithm, data) {
            assert_eq!(signature.len(), length);
        }
    }
    let _ = normalise_signature(JwsAlgorithm::Rs256, data);
});
