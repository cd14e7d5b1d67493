//! Neither reports nor errors nor debug output hold a part of the key.

use super::*;

/// Fewest letters of the secret in a row that count as a part of it.
const PART: usize = 5;
/// Fewest octets of it in a row, in decimal, that do.
const PART_OCTETS: usize = 3;

#[track_caller]
fn tells_nothing(output: &str, octets: &[u8], secrets: &[&str]) {
    for part in octets.windows(PART_OCTETS) {
        let part = format!("{part:?}");
        assert!(!output.contains(part.trim_matches(['[', ']'])), "{part} is in: {output}");
    }
    for secret in secrets {
        let letters: Vec<char> = secret.chars().collect();
        for part in letters.windows(PART) {
            let part: String = part.iter().collect();
            assert!(!output.contains(&part), "{part} is in: {output}");
        }
    }
}

/// Texts around a key, good and damaged.
fn texts(key: &str) -> Vec<String> {
    let half = key.len() / 2;
    vec![
        key.to_owned(),
        format!("kid-1:{key}"),
        format!("certbot register --eab-kid kid-1 --eab-hmac-key {key}"),
        format!("certbot register --eab-kid --eab-hmac-key {key}"),
        format!(r#"{{"kid":"kid-1","hmac":"{key}"}}"#),
        format!(r#"{{"kid":"kid-1","hmac":"{key}"#),
        format!(r#"{{"{key}":"#),
        format!("EAB_KID=kid-1\nEAB_HMAC_KEY={key}"),
        format!("EAB_HMAC_KEY={key}\nEAB_HMAC_KEY=AAAA{key}"),
        format!("EAB_HMAC_KEY={key} EAB_HMAC_ALG={key}"),
        format!("--eab-hmac-key {key} --eab-hmac-alg {key}"),
        format!("eab_kid,eab_mac\nkid-1,{key}"),
        format!("kid: kid-1\nhmac: {}\n  {}", &key[..half], &key[half..]),
        format!("kid: kid-1\nhmac: {}\n{}", &key[..half], &key[half..]),
        format!("{}.{}", &key[..half], &key[half..]),
        format!("{}\u{7}{}", &key[..half], &key[half..]),
        format!("{}-+{}", &key[..half], &key[half..]),
        format!("{} {} {key}", &key[..half], &key[half..]),
        key[..key.len() - 1].to_owned(),
        format!("{key}A"),
        format!("{key}AA"),
        format!("{key}="),
        format!("$ {key} {key} {key} {key}"),
        format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----"),
        format!("-----BEGIN KEY-----\n{key}\n-----END KEY-----"),
        key.repeat(400),
    ]
}

#[test]
fn nothing_that_is_told_holds_a_part_of_the_key() {
    let mut outcomes = [0, 0];
    for (seed, len) in [(11, 32), (13, 64)] {
        let octets = octets(seed, len);
        let (text, digits) = (base64url(&octets), hex(&octets));
        let doubled = Base64::encode_string(text.as_bytes());
        let secrets = [text.as_str(), &digits, &doubled];
        for key in [&text, &digits, &doubled] {
            for text in texts(key) {
                for form in [
                    None,
                    Some(MacKeyForm::Base64Url),
                    Some(MacKeyForm::Base64),
                    Some(MacKeyForm::Hex),
                    Some(MacKeyForm::DoubledBase64),
                    Some(MacKeyForm::Raw),
                ] {
                    for outcome in [
                        form.map_or_else(
                            || ImportedBinding::parse(&text),
                            |form| ImportedBinding::parse_as(&text, form),
                        ),
                        ImportedBinding::parse_key(&text, form),
                    ] {
                        outcomes[usize::from(outcome.is_ok())] += 1;
                        for output in told(outcome) {
                            tells_nothing(&output, &octets, &secrets);
                        }
                    }
                }
            }
        }
    }
    assert!(outcomes.iter().all(|count| *count > 500), "{outcomes:?}");
}

/// All that an outcome shows of itself, but for the key identifier, which is none of the secret.
fn told(outcome: Result<ImportedBinding, ImportError>) -> Vec<String> {
    match outcome {
        Ok(mut imported) => {
            imported.key_id = Some("kid-1".to_owned());
            let report = &imported.report;
            let mut told = vec![
                format!("{imported:?}"),
                format!("{report:?}"),
                report.to_string(),
                serde_json::to_string(report).unwrap(),
            ];
            told.push(format!("{:?}", imported.into_binding().unwrap()));
            told
        }
        Err(error) => vec![format!("{error:?}"), error.to_string()],
    }
}

#[test]
fn a_report_survives_storage_and_reads_as_sentences() {
    let key = Base64::encode_string(&[0xfb; 24]);
    let report = import(&format!("certbot register --eab-kid k --eab-hmac-key '{key}='")).report;
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<ImportReport>(&json).unwrap(), report);
    assert_eq!(
        report.to_string(),
        "recognised a command line of certbot\n\
         the MAC key has 192 bits, read as base64 by its form\n\
         quotation marks were removed\n\
         padding (=) was removed from the MAC key\n\
         the MAC key was converted from Base64 (+ /) to base64url\n\
         warning: the number of = at the end of the MAC key does not match its length; \
         check that it was copied whole\n\
         warning: the MAC key has 24 octets, fewer than the 32 of HS256; \
         check that it was copied whole"
    );
}
