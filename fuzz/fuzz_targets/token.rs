//! Challenge tokens and what solvers make of them.
#![no_main]

use acmekit_core::challenge::{KeyAuthorization, Token, dns01, http01};
use acmekit_fuzz::fixture;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let token = match Token::new(text) {
        Ok(token) => token,
        Err(error) => return acmekit_fuzz::assert_printable(&error.to_string()),
    };
    assert_eq!(token.as_str(), text);
    let path = http01::path(&token);
    assert_eq!(path.strip_prefix("/.well-known/acme-challenge/"), Some(text));
    assert!(!text.contains(['/', '.', '%', '\\', '?', '#']));
    let proof = KeyAuthorization::new(&token, "thumbprint");
    assert_eq!(dns01::record_value(&proof).len(), 43);
    let name = &fixture::orders()[0].names[0];
    assert!(http01::url(name, &token).parse::<http::Uri>().is_ok());
    let json = serde_json::to_string(&token).unwrap();
    assert_eq!(serde_json::from_str::<Token>(&json).unwrap(), token);
});
