//! How a key may be written, and what decides where it could be written in two ways.

use super::*;

fn base64(octets: &[u8]) -> String {
    Base64::encode_string(octets)
}

fn key_as(text: &str, form: MacKeyForm) -> Result<ImportedBinding, ImportError> {
    ImportedBinding::parse_key(text, Some(form))
}

/// Every way to write octets, with the form that must be told for it, if any.
fn spellings(octets: &[u8]) -> Vec<(String, Option<MacKeyForm>)> {
    let mut spellings = vec![
        (base64url(octets), None),
        (Base64Url::encode_string(octets), None),
        (base64(octets), None),
        (base64(octets).trim_end_matches('=').to_owned(), None),
        (format!(" \"{}\"\r\n", base64(octets)), None),
        (format!("base64:{}", base64(octets)), None),
        (base64url(octets), Some(MacKeyForm::Base64Url)),
        (base64(octets), Some(MacKeyForm::Base64)),
        (hex(octets), Some(MacKeyForm::Hex)),
        (hex(octets).to_uppercase(), Some(MacKeyForm::Hex)),
        (format!("hex:{}", hex(octets)), None),
        (base64(base64url(octets).as_bytes()), Some(MacKeyForm::DoubledBase64)),
        (base64url(base64(octets).as_bytes()), Some(MacKeyForm::DoubledBase64)),
        (base64(format!("{}\n", base64(octets)).as_bytes()), Some(MacKeyForm::DoubledBase64)),
    ];
    if octets.len() >= 8 {
        spellings.push((format!("0x{}", hex(octets)), None));
        for separator in [":", " "] {
            let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02X}")).collect();
            spellings.push((pairs.join(separator), None));
        }
    }
    if octets.len() == 32 || octets.len() == 64 {
        spellings.push((base64(base64url(octets).as_bytes()), None));
        spellings.push((base64(base64(octets).as_bytes()), None));
    }
    if octets.len() > 48 {
        let text = base64(octets);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        spellings.push((lines.join("\r\n"), None));
    }
    spellings
}

#[test]
fn any_octets_come_back_from_every_form() {
    for len in 1..=128 {
        for seed in 0..2 {
            let octets = octets(seed, len);
            for (text, form) in spellings(&octets) {
                let alone = ImportedBinding::parse_key(&text, form)
                    .unwrap_or_else(|error| panic!("{error}: {text:?} as {form:?}"));
                assert!(is_key(&alone, &octets), "{text:?} as {form:?}");
                assert_eq!(alone.report.key_bits, 8 * len);
                assert_eq!(alone.report.is_form_forced, form.is_some());
                let json = serde_json::json!({"kid": "kid-1", "hmac": text}).to_string();
                let named = match form {
                    Some(form) => ImportedBinding::parse_as(&json, form).unwrap(),
                    None => import(&json),
                };
                assert!(is_key(&named, &octets), "{text:?} as {form:?}");
                if len >= 16 && form.is_none() {
                    assert!(is_key(&import(&text), &octets), "{text:?}");
                }
            }
        }
    }
}

#[test]
fn what_was_changed_is_reported() {
    use ImportChange::*;
    let octets: Vec<u8> = [0xfb, 0xef, 0xff].into_iter().cycle().take(32).collect();
    let changes = |text: &str| import(text).report.changes;
    assert_eq!(changes(&base64url(&octets)), []);
    assert_eq!(changes(&Base64Url::encode_string(&octets)), [PaddingRemoved]);
    assert_eq!(changes(&base64(&octets)), [PaddingRemoved, AlphabetConverted]);
    assert_eq!(changes(&format!("'{}'", base64url(&octets))), [QuotesRemoved]);
    assert_eq!(changes(&format!("hex:{}", hex(&octets))), [PrefixRemoved]);
    let doubled = base64(base64url(&octets).as_bytes());
    assert_eq!(changes(&doubled), [PaddingRemoved, SecondLayerRemoved]);
    let groups: Vec<String> = base64url(&octets)
        .as_bytes()
        .chunks(11)
        .map(|c| String::from_utf8_lossy(c).into())
        .collect();
    assert_eq!(changes(&groups.join(" ")), [WhiteSpaceRemoved]);
}

#[test]
fn digits_that_base64url_can_read_are_base64url_with_a_warning() {
    let text = hex(&octets(5, 32));
    let imported = import(&text);
    assert_eq!(imported.report.form, MacKeyForm::Base64Url);
    assert_eq!(imported.report.key_bits, 8 * 48);
    assert_eq!(imported.report.warnings, [ImportWarning::CouldBeHex { octets: 32 }]);
    let told = ImportedBinding::parse_as(&text, MacKeyForm::Hex).unwrap();
    assert!(is_key(&told, &octets(5, 32)));
    assert_eq!(told.report.warnings, []);
}

#[test]
fn digits_that_base64url_cannot_read_are_hexadecimal() {
    // 34 digits; the last would leave bits over in base64url.
    let key = [&octets(6, 16)[..], &[0x1f]].concat();
    let imported = import(&hex(&key));
    assert_eq!(imported.report.form, MacKeyForm::Hex);
    assert!(!imported.report.is_form_forced);
    assert!(is_key(&imported, &key));
    // Six digits are too few to tell from a damaged key.
    assert_eq!(fails("abcdef"), ImportError::KeyTrailingBits);
}

#[test]
fn a_key_encoded_twice_is_recognised_by_the_length_inside() {
    for (len, form, warnings) in [
        (32, MacKeyForm::DoubledBase64, vec![]),
        (64, MacKeyForm::DoubledBase64, vec![]),
        (48, MacKeyForm::Base64Url, vec![ImportWarning::CouldBeDoubled { octets: 48 }]),
        (
            33,
            MacKeyForm::Base64Url,
            vec![
                ImportWarning::CouldBeDoubled { octets: 33 },
                ImportWarning::UnusualLength { octets: 44 },
            ],
        ),
    ] {
        let text = base64url(base64url(&octets(7, len)).as_bytes());
        let report = import(&text).report;
        assert_eq!((report.form, report.warnings), (form, warnings), "{len}");
        let told = ImportedBinding::parse_as(&text, MacKeyForm::DoubledBase64).unwrap();
        assert!(is_key(&told, &octets(7, len)));
    }
}

#[test]
fn one_layer_is_taken_off_when_told_even_if_two_are_there() {
    let inner = base64url(&octets(8, 32));
    let text = base64url(inner.as_bytes());
    let told = ImportedBinding::parse_as(&text, MacKeyForm::Base64Url).unwrap();
    assert!(is_key(&told, inner.as_bytes()));
}

#[test]
fn a_secret_of_letters_in_base64_is_not_decoded_twice() {
    let secret = "aRrQLI5PIAtfeK2DaS9RN91WFSE9m7YX";
    let imported = import(&base64(secret.as_bytes()));
    assert!(is_key(&imported, secret.as_bytes()));
    assert_eq!(imported.report.warnings, [ImportWarning::CouldBeDoubled { octets: 24 }]);
    // Hexadecimal digits inside are no second layer at all.
    let digits = hex(&octets(9, 32));
    assert_eq!(import(&base64(digits.as_bytes())).report.warnings, []);
}

#[test]
fn raw_text_is_taken_only_when_told() {
    let text = "correct horse: battery staple!";
    assert_eq!(fails(text), ImportError::NotUnderstood);
    for imported in [
        ImportedBinding::parse_as(text, MacKeyForm::Raw).unwrap(),
        key_as(&format!("{text}\n"), MacKeyForm::Raw).unwrap(),
    ] {
        assert!(is_key(&imported, text.as_bytes()));
        assert_eq!(imported.key_id, None);
    }
    let named = ImportedBinding::parse_as("kid: k\nhmac: s3cret!", MacKeyForm::Raw).unwrap();
    assert!(is_key(&named, b"s3cret!"));
    assert_eq!(key_as(" \n", MacKeyForm::Raw).unwrap_err(), ImportError::Empty);
}

#[test]
fn a_damaged_key_is_refused_with_the_reason() {
    let good = base64url(&octets(1, 64));
    for (text, error) in [
        (good[..85].to_owned(), ImportError::KeyLength { characters: 85 }),
        (format!("{}.{}", &good[..40], &good[41..]), ImportError::KeyCharacter { position: 41 }),
        (format!("{}=", "SECR=T"), ImportError::KeyCharacter { position: 5 }),
        (format!("é{good}"), ImportError::KeyCharacter { position: 1 }),
        ("-SECR+SECR-A".to_owned(), ImportError::KeyMixedAlphabets),
        ("SECRAB".to_owned(), ImportError::KeyTrailingBits),
        ("hex:0123456".to_owned(), ImportError::KeyHexLength { digits: 7 }),
        ("hex:01 2g".to_owned(), ImportError::KeyCharacter { position: 5 }),
        ("hex:".to_owned(), ImportError::Empty),
    ] {
        assert_eq!(ImportedBinding::parse_key(&text, None).unwrap_err(), error, "{text:?}");
    }
    let text = ImportError::KeyLength { characters: 85 }.to_string();
    assert!(text.contains("85") && text.ends_with("(a key made for HS512 has 86)"), "{text}");
    assert_eq!(
        key_as(&base64url(b"no Base64!"), MacKeyForm::DoubledBase64).unwrap_err(),
        ImportError::KeyNotDoubled
    );
    assert_eq!(
        key_as("ab+/", MacKeyForm::Base64Url).unwrap_err(),
        ImportError::KeyCharacter { position: 3 }
    );
    assert_eq!(
        key_as("ab-_", MacKeyForm::Base64).unwrap_err(),
        ImportError::KeyCharacter { position: 3 }
    );
}

#[test]
fn what_does_not_fit_is_dropped_with_a_warning_when_the_form_is_told() {
    let key = octets(1, 64);
    let good = base64url(&key);
    let told = |text: &str| key_as(text, MacKeyForm::Base64Url).unwrap();
    let cut = told(&good[..85]);
    assert!(is_key(&cut, &key[..63]));
    assert_eq!(
        cut.report.warnings,
        [
            ImportWarning::CharacterDropped { characters: 85 },
            ImportWarning::UnusualLength { octets: 63 }
        ]
    );
    // `v` is 101111, of which two or four bits are left over.
    for (text, octets) in [("AAv", vec![0, 0x0b]), ("Av", vec![0x02])] {
        let told = told(text);
        assert!(told.report.warnings.contains(&ImportWarning::BitsDropped), "{text}");
        assert!(is_key(&told, &octets), "{text}");
    }
}

#[test]
fn wrong_padding_is_forgiven_with_a_warning() {
    let good = base64url(&octets(4, 32));
    for padding in ["==", "===", "===="] {
        let imported = import(&format!("{good}{padding}"));
        assert!(is_key(&imported, &octets(4, 32)));
        assert_eq!(imported.report.warnings, [ImportWarning::PaddingWrong]);
    }
}

#[test]
fn the_length_is_judged_by_the_algorithm() {
    let warnings = |len: usize, algorithm: &str| {
        let key = base64url(&octets(0, len));
        import(&format!("kid: k\nhmac: {key}\nalg: {algorithm}")).report.warnings
    };
    for (len, algorithm) in
        [(32, "HS256"), (64, "HS256"), (48, "HS384"), (64, "HS512"), (41, "HS256")]
    {
        assert_eq!(warnings(len, algorithm), [], "{len} {algorithm}");
    }
    for (len, algorithm, hash) in [
        (24, "HS256", MacAlgorithm::Hs256),
        (32, "HS384", MacAlgorithm::Hs384),
        (48, "HS512", MacAlgorithm::Hs512),
    ] {
        let recommended = hash.hash_len();
        assert_eq!(
            warnings(len, algorithm),
            [ImportWarning::ShorterThanHash { algorithm: hash, octets: len, recommended }]
        );
    }
    assert_eq!(warnings(50, "HS256"), [ImportWarning::UnusualLength { octets: 50 }]);
}

#[test]
fn the_mark_of_vault_belongs_to_the_key() {
    let text = format!("vault-eab-0-{}", base64url(&octets(3, 32)));
    let imported = import(&text);
    assert_eq!((imported.report.key_bits, imported.report.warnings.len()), (8 * 41, 0));
}

#[test]
fn forms_have_names() {
    for name in ["base64url", "base64", "hex", "doubled-base64", "raw"] {
        let form: MacKeyForm = name.parse().unwrap();
        assert_eq!(form.to_string(), name);
        assert_eq!(serde_json::to_value(form).unwrap(), name);
    }
    assert_eq!("Base64".parse::<MacKeyForm>(), Err(MacKeyFormError));
}
