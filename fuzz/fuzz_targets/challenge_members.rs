//! The members of a challenge object, read as each kind that has members of its own, and the
//! server's mail: the first line is the JSON, the others are header fields.
#![no_main]

use acmekit_core::challenge::dns_persist01::{
    AccountIdentity, DirectoryMetadata, MAX_ISSUERS, PersistChallenge,
};
use acmekit_core::challenge::email_reply00::{EmailChallenge, MailAuthentication, ReceivedMail};
use acmekit_core::challenge::onion_csr01::{OnionChallenge, service_key};
use acmekit_core::challenge::tk_auth01::{self, TkAuthChallenge};
use acmekit_core::challenge::{ChallengeType, device_attest01, dns_account01};
use acmekit_core::types::Identifier;
use acmekit_fuzz::{assert_printable, fixture};
use acmekit_testing::SeededEntropy;
use serde_json::{Map, Value};

const THUMBPRINT: &str = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (json, rest) = text.split_once('\n').unwrap_or((text, ""));
    let _ = device_attest01::answer(text.as_bytes());
    let _ = tk_auth01::answer(text);
    let _ = tk_auth01::fingerprint(text);
    let name = fixture::orders()[0].names[0].without_wildcard();
    let owner = dns_account01::record_name(text, &name);
    assert!(owner.len() <= 34 + name.value().len() && owner.is_ascii());
    let Ok(members) = serde_json::from_str::<Map<String, Value>>(json) else { return };
    persistent_record(&members, &name);
    mail(&members, rest);
    onion(&members, rest);
    match TkAuthChallenge::read(&members) {
        Ok(challenge) => {
            assert!(challenge.token_authority().is_none_or(|url| {
                url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"))
            }));
        }
        Err(error) => assert_printable(&error.to_string()),
    }
});

/// What is published is one issuer, our account, and nothing that the server could add.
fn persistent_record(members: &Map<String, Value>, name: &Identifier) {
    let account = AccountIdentity { url: "https://ca.example/acct/123", thumbprint: THUMBPRINT };
    let text = |name| members.get(name).and_then(Value::as_str);
    let list = |name: &str| -> Vec<String> {
        let list = members.get(name).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let (issuers, identities) = (list("meta-issuers"), list("meta-identities"));
    let metadata = DirectoryMetadata {
        issuer_domain_names: &issuers,
        caa_identities: &identities,
        account_hash_prefix: text("meta-prefix"),
    };
    let challenge = match PersistChallenge::read(members, &metadata, account) {
        Ok(challenge) => challenge,
        Err(error) => return assert_printable(&error.to_string()),
    };
    assert!((1..=MAX_ISSUERS).contains(&challenge.issuers().len()));
    let record = challenge.record(name).unwrap();
    assert_eq!(record.value().matches(';').count(), 1);
    assert!(record.value().bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
    assert_eq!(record.strings().concat(), record.value());
    assert!(record.strings().iter().all(|string| string.len() <= 255));
}

/// A reply never has a line that the server wrote.
fn mail(members: &Map<String, Value>, fields: &str) {
    let mut challenge = match EmailChallenge::read(members) {
        Ok(challenge) => challenge,
        Err(error) => return assert_printable(&error.to_string()),
    };
    let fields: Vec<_> = fields.split('\u{1f}').filter_map(|line| line.split_once(':')).collect();
    let domain = challenge.from().rsplit('@').next().unwrap_or_default().to_owned();
    let authentication = MailAuthentication::Dkim { domain: &domain };
    let mail = ReceivedMail { header_fields: &fields, authentication };
    match challenge.answer("alexey@example.com", &mail, THUMBPRINT) {
        Ok(reply) => {
            let message = reply.to_message();
            assert_eq!(message.matches("\r\n").count(), 11, "{}", *message);
            assert!(!message.replace("\r\n", "").contains(['\r', '\n']));
            assert!(challenge.is_answered());
        }
        Err(error) => {
            assert_printable(&error.to_string());
            assert!(!challenge.is_answered());
        }
    }
}

fn onion(members: &Map<String, Value>, name: &str) {
    let challenge = match OnionChallenge::read(members) {
        Ok(challenge) => challenge,
        Err(error) => return assert_printable(&error.to_string()),
    };
    assert!((8..=128).contains(&challenge.nonce().len()));
    let Ok(name) = name.parse::<Identifier>() else { return };
    let can = ChallengeType::OnionCsr01.can_validate(&name);
    assert_eq!(can, service_key(&name).is_some());
    let request = challenge.request(&name, &mut SeededEntropy::new(1));
    assert_eq!(request.is_ok(), can);
}
