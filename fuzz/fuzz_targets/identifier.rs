//! Names and addresses, as a person types them and as a server sends them.
#![no_main]

use acmekit_core::challenge::{ChallengeType, dns01, tls_alpn01};
use acmekit_core::types::Identifier;
use acmekit_fuzz::assert_printable;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match text.parse::<Identifier>() {
        Ok(identifier) => {
            let value = identifier.value();
            assert!(value.is_ascii() && value.len() <= 255);
            assert_eq!(value.parse::<Identifier>().as_ref(), Ok(&identifier), "{value:?}");
            check(&identifier);
        }
        Err(error) => assert_printable(&error.to_string()),
    }
    if let Ok(identifier) = serde_json::from_str::<Identifier>(text) {
        check(&identifier);
    }
});

fn check(identifier: &Identifier) {
    assert_printable(&identifier.to_string());
    assert!(!identifier.without_wildcard().is_wildcard());
    let _ = dns01::record_name(identifier);
    let _ = tls_alpn01::sni_name(identifier);
    let _ = ChallengeType::Dns01.can_validate(identifier);
    let json = serde_json::to_string(identifier).unwrap();
    assert_eq!(&serde_json::from_str::<Identifier>(&json).unwrap(), identifier);
}
