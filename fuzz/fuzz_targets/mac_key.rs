//! MAC keys of external account bindings, and the bindings made with them.
#![no_main]

use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_fuzz::{assert_printable, fixture};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (key_id, text) = text.split_once('\n').unwrap_or(("kid-1", text));
    let key = match MacKey::parse(text) {
        Ok(key) => key,
        Err(error) => return assert_printable(&error.to_string()),
    };
    let shown = format!("{key:?}");
    assert!(text.trim().len() < 16 || !shown.contains(text.trim()));
    for algorithm in [MacAlgorithm::Hs256, MacAlgorithm::Hs384, MacAlgorithm::Hs512] {
        key.warnings(algorithm).iter().for_each(|warning| assert_printable(&warning.to_string()));
        match ExternalAccountBinding::new(key_id, key.clone(), algorithm) {
            Ok(binding) => {
                let jwk = fixture::account_key().jwk();
                let inner = binding.sign(jwk, "https://acme.ca.test/new-account").unwrap();
                assert_eq!(inner.as_object().map(|members| members.len()), Some(3));
            }
            Err(error) => assert_printable(&error.to_string()),
        }
    }
});
