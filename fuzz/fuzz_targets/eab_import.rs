//! The tolerant reading of pasted credentials for external account binding.
#![no_main]

use acmekit_core::jose::MacAlgorithm;
use acmekit_core::jose::eab::{ImportError, ImportedBinding, MAX_IMPORT_LEN, MacKeyForm};
use acmekit_fuzz::{assert_printable, fixture};

/// Fewest letters of the text in a row that count as a part of the secret.
const PART: usize = 12;

/// What is told of a credential has no part of it. A part is what no word of a message looks like:
/// letters of both cases and digits in a row.
fn tells_nothing(told: &str, text: &str) {
    for part in text.as_bytes().windows(PART) {
        let is_secret = part.iter().all(|c| c.is_ascii_alphanumeric())
            && part.iter().any(u8::is_ascii_digit)
            && part.iter().any(u8::is_ascii_uppercase)
            && part.iter().any(u8::is_ascii_lowercase);
        let part = String::from_utf8_lossy(part);
        assert!(!is_secret || !told.contains(&*part), "{part} is in {told}");
    }
}

fn examine(text: &str, outcome: Result<ImportedBinding, ImportError>) {
    let mut imported = match outcome {
        Ok(imported) => imported,
        Err(error) => {
            assert_printable(&error.to_string());
            return tells_nothing(&format!("{error} {error:?}"), text);
        }
    };
    assert!(text.len() <= MAX_IMPORT_LEN);
    let report = &imported.report;
    report.to_string().lines().for_each(assert_printable);
    tells_nothing(&format!("{report} {report:?} {:?}", imported.mac_key), text);
    assert_eq!(report.key_bits, imported.mac_key.len_bytes() * 8);
    assert!(report.key_bits > 0);

    imported.key_id.get_or_insert_with(|| "kid-1".to_owned());
    let algorithm = imported.algorithm.unwrap_or(MacAlgorithm::Hs256);
    // An identifier that is not fit for a header was refused above.
    let binding = imported.into_binding().unwrap();
    assert_eq!(binding.algorithm(), algorithm);
    assert_printable(binding.key_id());
    let jwk = fixture::account_key().jwk();
    let inner = binding.sign(jwk, "https://acme.ca.test/new-account").unwrap();
    assert_eq!(inner.as_object().map(|members| members.len()), Some(3));
}

libfuzzer_sys::fuzz_target!(|text: &str| {
    examine(text, ImportedBinding::parse(text));
    examine(text, ImportedBinding::parse_key(text, None));
    for form in ["base64url", "base64", "hex", "doubled-base64", "raw"] {
        let form: MacKeyForm = form.parse().unwrap();
        examine(text, ImportedBinding::parse_as(text, form));
        examine(text, ImportedBinding::parse_key(text, Some(form)));
    }
});
