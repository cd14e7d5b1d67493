//! Both revisions of the draft: what is read, what is refused, what is published.

use serde_json::json;

use super::*;
use crate::challenge::token::tests::THUMBPRINTS;
use crate::time::Timestamp;

const ACCOUNT: AccountIdentity<'static> =
    AccountIdentity { url: "https://ca.example/acct/123", thumbprint: THUMBPRINTS[0] };
const PREFIX: &str = "https://ca.example/account-hash/";

/// The directory of a server that speaks revision -02.
struct Meta {
    issuers: Vec<String>,
    identities: Vec<String>,
    prefix: Option<&'static str>,
}

fn meta(issuers: &[&str], identities: &[&str]) -> Meta {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Meta { issuers: owned(issuers), identities: owned(identities), prefix: Some(PREFIX) }
}

impl Meta {
    fn borrowed(&self) -> DirectoryMetadata<'_> {
        DirectoryMetadata {
            issuer_domain_names: &self.issuers,
            caa_identities: &self.identities,
            account_hash_prefix: self.prefix,
        }
    }
}

fn read_with(members: &Value, meta: &Meta) -> Result<PersistChallenge, PersistError> {
    PersistChallenge::read(members.as_object().unwrap(), &meta.borrowed(), ACCOUNT)
}

fn read(members: &Value) -> Result<PersistChallenge, PersistError> {
    read_with(members, &meta(&[], &[]))
}

fn name(text: &str) -> Identifier {
    text.parse().unwrap()
}

#[test]
fn the_members_tell_the_revision_and_a_mixture_is_an_error() {
    let old = json!({ "issuer-domain-names": ["ca.example"], "accounturi": ACCOUNT.url });
    assert_eq!(read(&old).unwrap().revision(), Revision::Draft01);
    let new = json!({ "issuerDomainNames": ["ca.example"] });
    assert_eq!(read(&new).unwrap().revision(), Revision::Draft02);
    for mixed in [
        json!({ "issuer-domain-names": ["ca.example"], "issuerDomainNames": ["ca.example"] }),
        json!({ "issuerDomainNames": ["ca.example"], "accounturi": ACCOUNT.url }),
        json!({ "accounturi": ACCOUNT.url }),
        json!({}),
    ] {
        assert_eq!(read(&mixed), Err(PersistError::Revision), "{mixed}");
    }
}

#[test]
fn the_account_stands_as_url_in_the_first_and_as_hash_in_the_second_revision() {
    let old = json!({ "issuer-domain-names": ["ca.example"], "accounturi": ACCOUNT.url });
    let record = read(&old).unwrap().record(&name("example.com")).unwrap();
    assert_eq!(record.value(), "ca.example; accounturi=https://ca.example/acct/123");

    let new = read(&json!({ "issuerDomainNames": ["ca.example"] })).unwrap();
    let record = new.record(&name("*.example.com")).unwrap();
    assert_eq!(
        record.value(),
        "ca.example; accounturi=https://ca.example/account-hash/sha-256/\
         5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw; policy=wildcard"
    );
    let shared = new.shared_record("ca.example", &name("example.com")).unwrap();
    assert!(shared.account_uri().ends_with("/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"));
}

#[test]
fn the_hash_covers_domain_key_and_account() {
    let of = |domain, account| hashed_account_uri("", domain, account).unwrap();
    assert_eq!(of("example.com", ACCOUNT), "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw");
    assert_eq!(of("*", ACCOUNT), "sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug");
    let other_key = AccountIdentity { thumbprint: THUMBPRINTS[1], ..ACCOUNT };
    let other_url = AccountIdentity { url: "https://ca.example/acct/124", ..ACCOUNT };
    for other in [of("example.org", ACCOUNT), of("*", other_key), of("*", other_url)] {
        assert_ne!(other, of("*", ACCOUNT));
    }
    let long = "a".repeat(254);
    for domain in ["", &long] {
        assert_eq!(hashed_account_uri("", domain, ACCOUNT), Err(PersistError::AccountUri));
    }
    let short = AccountIdentity { thumbprint: "abc", ..ACCOUNT };
    assert_eq!(hashed_account_uri("", "*", short), Err(PersistError::AccountUri));
}

#[test]
fn one_to_ten_issuers_are_read_and_no_other_number() {
    for (member, count, expected) in
        [("issuerDomainNames", 0, false), ("issuerDomainNames", 1, true)]
            .into_iter()
            .chain([10, 11, 5000].map(|n| ("issuerDomainNames", n, n == 10)))
            .chain([0, 10, 11].map(|n| ("issuer-domain-names", n, n == 10)))
    {
        let names: Vec<String> = (0..count).map(|n| format!("ca{n}.example")).collect();
        match read(&json!({ member: names })) {
            Ok(challenge) => assert_eq!(challenge.issuers(), names),
            Err(error) => {
                assert_eq!(error, PersistError::IssuerCount { count });
                assert!(!expected, "{count} are fine");
            }
        }
        assert_eq!(read(&json!({ member: names })).is_ok(), expected, "{count} {member}");
    }
}

#[test]
fn issuers_are_normalised_before_they_are_published_and_compared() {
    let challenge = read(&json!({ "issuerDomainNames": ["CA.Example."] })).unwrap();
    assert_eq!(challenge.issuers(), ["ca.example"]);
    assert!(challenge.record_naming("ca.EXAMPLE", &name("example.org")).is_ok());
    for other in ["", "other.example", "*.ca.example"] {
        let refused = challenge.record_naming(other, &name("example.org"));
        assert_eq!(refused, Err(PersistError::IssuerNotOffered));
    }
}

#[cfg(feature = "idn")]
#[test]
fn issuers_in_other_scripts_become_a_labels() {
    for issuer in ["üÑICODE-example.com.", "u\u{308}n\u{303}icode-example.com"] {
        let challenge = read(&json!({ "issuerDomainNames": [issuer] })).unwrap();
        assert_eq!(challenge.issuers(), ["xn--icode-example-hkb8n.com"]);
    }
}

#[test]
fn what_is_no_issuer_makes_the_challenge_malformed() {
    for issuers in [
        json!([""]),
        json!(["ca.example", 7]),
        json!(["*.ca.example"]),
        json!(["ca_.example"]),
        json!(["ca.example; accounturi=https://evil.example"]),
        json!(["ca.example\""]),
        json!(["ca\n.example"]),
        json!("ca.example"),
        json!({}),
    ] {
        let read = read(&json!({ "issuerDomainNames": issuers }));
        assert_eq!(read, Err(PersistError::Issuer), "{issuers}");
    }
}

#[test]
fn a_challenge_for_another_account_is_refused() {
    for other in [json!("https://ca.example/acct/666"), json!(""), json!(7), json!([ACCOUNT.url])] {
        let members = json!({ "issuer-domain-names": ["ca.example"], "accounturi": other });
        assert_eq!(read(&members), Err(PersistError::ForeignAccount), "{other}");
    }
}

#[test]
fn the_issuers_lie_between_those_of_the_directory_and_its_caa_identities() {
    let with = |challenge: &[&str], issuers: &[&str], identities: &[&str]| {
        read_with(&json!({ "issuerDomainNames": challenge }), &meta(issuers, identities)).err()
    };
    assert_eq!(with(&["a.example"], &["A.example."], &["a.EXAMPLE", "b.example"]), None);
    assert_eq!(
        with(&["a.example", "b.example"], &["b.example"], &["b.example", "a.example"]),
        None
    );
    assert_eq!(with(&["a.example"], &[], &[]), None);
    let withheld = with(&["a.example"], &["a.example", "b.example"], &["a.example", "b.example"]);
    assert_eq!(withheld, Some(PersistError::IssuerWithheld));
    let unknown = with(&["a.example", "evil.example"], &["a.example"], &["a.example"]);
    assert_eq!(unknown, Some(PersistError::IssuerUnknown));
}

#[test]
fn a_hash_needs_a_prefix_that_a_uri_can_begin_with() {
    for prefix in [None, Some(""), Some("no uri"), Some("https://ca.example/;"), Some("/hash/")] {
        let meta = Meta { prefix, ..meta(&[], &[]) };
        let read = read_with(&json!({ "issuerDomainNames": ["ca.example"] }), &meta);
        assert_eq!(read, Err(PersistError::HashPrefix), "{prefix:?}");
    }
}

#[test]
fn the_parameters_follow_in_the_syntax_of_rfc_8659() {
    let challenge = read(&json!({ "issuer-domain-names": ["ca.example"] })).unwrap();
    let record = challenge
        .record(&name("example.org"))
        .unwrap()
        .with_wildcard_policy()
        .with_persist_until(Timestamp::from_unix_millis(1_795_358_400_999));
    assert_eq!(record.name(), "_validation-persist.example.org");
    assert_eq!(
        record.value(),
        "ca.example; accounturi=https://ca.example/acct/123; policy=wildcard; \
         persistUntil=1795358400"
    );
    assert_eq!(record.presentation(), format!("\"{}\"", record.value()));
}

#[test]
fn a_wildcard_has_its_record_at_the_base_name_and_says_so() {
    let challenge = read(&json!({ "issuer-domain-names": ["ca.example"] })).unwrap();
    let record = challenge.record(&name("*.example.org")).unwrap();
    assert_eq!(record.name(), "_validation-persist.example.org");
    assert!(record.value().ends_with("; policy=wildcard"));
}

#[test]
fn a_long_value_is_cut_into_strings_of_255_octets() {
    let url = format!("https://ca.example/{}", "a".repeat(600));
    let account = AccountIdentity { url: &url, ..ACCOUNT };
    let members = json!({ "issuer-domain-names": ["ca.example"] });
    let meta = DirectoryMetadata::default();
    let challenge = PersistChallenge::read(members.as_object().unwrap(), &meta, account).unwrap();
    let record = challenge.record(&name("example.org")).unwrap();
    let strings = record.strings();
    assert_eq!(strings.iter().map(String::len).collect::<Vec<_>>(), [255, 255, 132]);
    assert_eq!(strings.concat(), record.value());
    assert_eq!(record.presentation().matches("\" \"").count(), 2);
}

#[test]
fn what_cannot_stand_in_a_record_is_refused() {
    let challenge = read(&json!({ "issuer-domain-names": ["ca.example"] })).unwrap();
    for other in ["192.0.2.1", &format!("{}.onion", "a".repeat(56))] {
        let refused = challenge.record(&name(other));
        assert!(matches!(refused, Err(PersistError::Identifier(_))), "{other}");
    }
    for url in ["https://ca.example/a b", "https://ca.example/;policy=wildcard", ""] {
        let account = AccountIdentity { url, ..ACCOUNT };
        let members = json!({ "issuer-domain-names": ["ca.example"] });
        let meta = DirectoryMetadata::default();
        let challenge =
            PersistChallenge::read(members.as_object().unwrap(), &meta, account).unwrap();
        assert_eq!(challenge.record(&name("example.org")), Err(PersistError::AccountUri));
    }
}

#[test]
fn an_end_in_the_past_or_before_the_renewal_is_warned_about() {
    let at = Timestamp::from_unix_seconds;
    let challenge = read(&json!({ "issuer-domain-names": ["ca.example"] })).unwrap();
    let record = challenge.record(&name("example.org")).unwrap();
    assert_eq!(record.warning(at(1000), Some(at(2000))), None);
    let record = record.with_persist_until(at(1500));
    assert_eq!(record.warning(at(1500), None), Some(PersistWarning::Past));
    assert_eq!(record.warning(at(1499), None), None);
    assert_eq!(record.warning(at(1000), Some(at(1500))), None);
    assert_eq!(record.warning(at(1000), Some(at(1501))), Some(PersistWarning::BeforeRenewal));
}

fn account(status: &str) -> Account {
    serde_json::from_value(json!({
        "directory_url": "https://ca.example/dir", "url": ACCOUNT.url,
        "key_thumbprint": ACCOUNT.thumbprint, "status": status,
    }))
    .unwrap()
}

#[test]
fn a_record_is_prepared_only_for_an_account_that_is_valid() {
    let meta = meta(&["ca.example"], &["ca.example"]);
    let name = name("example.com");
    let record = prepare(&name, &meta.borrowed(), &account("valid")).unwrap();
    assert_eq!(record.issuer(), "ca.example");
    assert!(record.account_uri().ends_with("/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"));
    for status in ["deactivated", "revoked", "odd"] {
        let refused = prepare(&name, &meta.borrowed(), &account(status));
        assert_eq!(refused, Err(PersistError::AccountNotValid), "{status}");
    }
}

#[test]
fn a_record_is_prepared_only_from_a_directory_that_says_enough() {
    let prepared = |meta: &Meta| prepare(&name("a.example"), &meta.borrowed(), &account("valid"));
    assert_eq!(prepared(&meta(&[], &[])), Err(PersistError::IssuerCount { count: 0 }));
    assert_eq!(
        prepared(&meta(&["ca.example"], &["other.example"])),
        Err(PersistError::IssuerUnknown)
    );
    let without = Meta { prefix: None, ..meta(&["ca.example"], &[]) };
    assert_eq!(prepared(&without), Err(PersistError::HashPrefix));
}
