//! Challenges beyond RFC 8555, from the offer to the end, against a strict judge.

mod world;

use acmekit_core::action::{Action, Input, Offer, RequestKind};
use acmekit_core::challenge::dns_persist01::{self, DirectoryMetadata, PersistError};
use acmekit_core::challenge::email_reply00::{EmailChallenge, MailAuthentication, ReceivedMail};
use acmekit_core::challenge::tk_auth01::{self, TkAuthChallenge};
use acmekit_core::challenge::{Answer, ChallengeType, device_attest01, dns_account01};
use acmekit_core::error::{Error, ErrorKind, Misuse};
use acmekit_core::flow::account::{DeactivateAccount, FetchAccount};
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::flow::{Context, Flow};
use acmekit_core::problem::ProblemType;
use acmekit_core::types::Identifier;
use acmekit_testing::{
    Config, FailureReason, PluginChallenge, Validation, ValidationOutcome, ValidationTarget,
};
use serde_json::{Value, json};
use world::{Fate, World};

const HASH_PREFIX: &str = "https://ca.test/account-hash/";

/// A CA that offers this kind of challenge alone, with these members beside the token.
fn offering(challenge: PluginChallenge) -> Config {
    Config::default()
        .with_challenge_types([])
        .with_plugin_challenge(challenge)
        .with_preauthorization(true)
}

fn world(config: Config, kind: ChallengeType, seed: u64) -> World {
    let mut world = World::registered(config, seed);
    world.solves = kind;
    world
}

fn identifier(kind: &str, value: &str) -> Identifier {
    serde_json::from_value(json!({ "type": kind, "value": value })).unwrap()
}

fn answer_of(validation: &Validation) -> &serde_json::Map<String, Value> {
    match &validation.target {
        ValidationTarget::Plugin { answer, .. } => answer,
        other => panic!("{other:?}"),
    }
}

fn judged(is_right: bool, detail: &str) -> ValidationOutcome {
    if is_right {
        return ValidationOutcome::Proven;
    }
    let (reason, detail) = (FailureReason::Unauthorized, detail.to_owned());
    ValidationOutcome::Failed { reason, detail }
}

/// Polls until the flow presents.
fn until_presented<F: Flow>(world: &mut World, flow: &mut F) -> Vec<Offer> {
    loop {
        let cx = &mut Context {
            session: &mut world.session,
            now: world.now,
            entropy: &mut world.entropy,
        };
        match flow.poll(cx).unwrap() {
            Action::Send(out) => {
                let response = world.ca.handle(world.now, out.request);
                world.hand(flow, Input::Response { id: out.id, response });
            }
            Action::Present(offers) => return offers,
            _ => {}
        }
    }
}

/// The account that the CA has in its books, and in its requests' `kid`.
fn account_url(world: &World) -> String {
    world.session.account().unwrap().url.clone()
}

// dns-account-01

fn sees_account_records(world: &World, validation: &Validation) -> ValidationOutcome {
    let (url, name) = (account_url(world), &validation.identifier);
    let owner = dns_account01::record_name(&url, name);
    assert!(owner.ends_with(&format!("._acme-challenge.{name}")), "{owner}");
    let thumbprint = world.session.account_key().thumbprint();
    let proof = acmekit_core::challenge::KeyAuthorization::new(
        &validation.token.parse().unwrap(),
        &thumbprint,
    );
    let expected = (owner, dns_account01::record_value(&proof));
    let published =
        world.published.values().map(|o| (o.dns_account01_name().unwrap(), o.dns01_value()));
    judged(
        published.into_iter().any(|record| record == expected),
        "https://ca.test/acct/other has no record",
    )
}

#[test]
fn dns_account_01_is_met_at_the_owner_that_belongs_to_the_account() {
    let config = offering(PluginChallenge::new("dns-account-01"));
    let mut world = world(config, ChallengeType::DnsAccount01, 1);
    world.looks = Some(sees_account_records);
    let issued = world.issue(&["example.org", "*.example.org"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers().len(), 2);
    assert!(world.published.is_empty());
    world.assert_no_violations();
}

#[test]
fn the_owner_is_made_of_the_kid_and_of_no_url_that_the_server_mentions() {
    let foreign = "https://ca.test/acct/other";
    let challenge = PluginChallenge::new("dns-account-01")
        .with_member("accounturi", foreign)
        .with_member("account", foreign);
    let mut world = world(offering(challenge), ChallengeType::DnsAccount01, 2);
    let name: Identifier = "example.org".parse().unwrap();
    let expected = dns_account01::record_name(&account_url(&world), &name);

    world.looks = Some(|_, _| judged(false, "the account is https://ca.test/acct/other"));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert!(error.to_string().contains("https://ca.test/acct/other"), "{error}");
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    assert_eq!(offers[0].dns_account01_name().unwrap(), expected);
}

// dns-persist-01

/// What the directory of the CA says.
fn metadata() -> DirectoryMetadata<'static> {
    DirectoryMetadata { account_hash_prefix: Some(HASH_PREFIX), ..DirectoryMetadata::default() }
}

fn persist(member: &str, issuers: Value) -> PluginChallenge {
    PluginChallenge::new("dns-persist-01").without_token().with_member(member, issuers)
}

/// The CA of either revision; the answer to the challenge must be `{}`.
fn sees_persistent_records(world: &World, validation: &Validation) -> ValidationOutcome {
    assert!(answer_of(validation).is_empty(), "{validation:?}");
    let owner = format!("_validation-persist.{}", validation.identifier);
    let (url, thumbprint) = (account_url(world), world.session.account_key().thumbprint());
    let account = dns_persist01::AccountIdentity { url: &url, thumbprint: &thumbprint };
    let domain = validation.identifier.value();
    let uris =
        [dns_persist01::hashed_account_uri(HASH_PREFIX, &domain, account).unwrap(), url.clone()];
    let is_right = world.published.values().any(|offer| {
        let record = offer.dns_persist01_record(&metadata()).unwrap();
        let value = record.strings().concat();
        let mut parts = value.split("; ");
        record.name() == owner
            && parts.next() == Some("ca.example")
            && uris.iter().any(|uri| parts.clone().next() == Some(&format!("accounturi={uri}")))
            && offer.wildcard == parts.any(|part| part == "policy=wildcard")
    });
    judged(is_right, "no record permits it")
}

#[test]
fn dns_persist_01_is_met_in_both_revisions_and_answered_with_the_empty_object() {
    for (seed, challenge) in [
        (3, persist("issuerDomainNames", json!(["CA.example."]))),
        (4, persist("issuer-domain-names", json!(["ca.example"]))),
    ] {
        let mut world = world(offering(challenge), ChallengeType::DnsPersist01, seed);
        world.looks = Some(sees_persistent_records);
        let issued = world.issue(&["example.org", "*.example.org"]).unwrap();
        assert_eq!(issued.chain().leaf().identifiers().len(), 2);
        world.assert_no_violations();
    }
}

#[test]
fn a_dns_persist_01_challenge_takes_no_members_in_its_answer() {
    let challenge = persist("issuerDomainNames", json!(["ca.example"]));
    let mut world = world(offering(challenge), ChallengeType::DnsPersist01, 5);
    let mut flow = world.order(&["example.org"]);
    let offer = until_presented(&mut world, &mut flow).remove(0);
    assert!(offer.token.is_none());
    let mut members = acmekit_core::types::JsonObject::new();
    members.insert("accounturi".to_owned(), "x".into());
    let input = Input::PublishedWith { id: offer.id, answer: Answer::new(&members).unwrap() };
    let cx =
        &mut Context { session: &mut world.session, now: world.now, entropy: &mut world.entropy };
    assert_eq!(flow.handle(cx, input), Err(Misuse::UnwantedAnswer));
}

#[test]
fn a_malformed_dns_persist_01_challenge_is_offered_but_gives_no_record() {
    let eleven: Vec<_> = (0..11).map(|n| format!("ca{n}.example")).collect();
    let foreign = "https://ca.test/acct/other";
    for (challenge, expected) in [
        (persist("other", json!(1)), PersistError::Revision),
        (
            persist("issuerDomainNames", json!(["a.example"]))
                .with_member("issuer-domain-names", json!(["a.example"])),
            PersistError::Revision,
        ),
        (persist("issuerDomainNames", json!([])), PersistError::IssuerCount { count: 0 }),
        (persist("issuerDomainNames", json!(eleven)), PersistError::IssuerCount { count: 11 }),
        (
            persist("issuer-domain-names", json!(["a.example"])).with_member("accounturi", foreign),
            PersistError::ForeignAccount,
        ),
    ] {
        let mut world = world(offering(challenge), ChallengeType::DnsPersist01, 6);
        let mut flow = world.order(&["example.org"]);
        let offer = until_presented(&mut world, &mut flow).remove(0);
        assert_eq!(offer.dns_persist01_record(&metadata()), Err(expected));
    }
}

#[test]
fn with_a_record_in_place_a_new_order_may_come_back_already_authorised() {
    let config = offering(persist("issuerDomainNames", json!(["ca.example"])))
        .with_authorization_reuse(true);
    let mut world = world(config, ChallengeType::DnsPersist01, 7);
    world.looks = Some(sees_persistent_records);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    world.looks = Some(|_, _| panic!("there is nothing to validate"));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 0);
}

#[test]
fn a_record_is_prepared_ahead_of_an_order_once_the_account_is_read_and_valid() {
    let mut world = world(Config::default(), ChallengeType::DnsPersist01, 8);
    let account = world.run(&mut FetchAccount::new()).unwrap();
    assert_eq!(world.sent(RequestKind::Account), 1);
    let request: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
    assert_eq!(request["payload"], "", "a POST-as-GET");
    let mut directory = world.session.directory().unwrap().clone();
    directory.issuer_domain_names = vec!["ca.test".to_owned()];
    directory.account_hash_prefix = Some(HASH_PREFIX.to_owned());
    assert_eq!(directory.caa_identities, ["ca.test"], "the testing CA says so");
    let metadata = DirectoryMetadata::from(&directory);
    let name: Identifier = "example.org".parse().unwrap();
    let record = dns_persist01::prepare(&name, &metadata, &account).unwrap();
    assert_eq!(record.name(), "_validation-persist.example.org");
    world.assert_no_violations();

    world.run(&mut DeactivateAccount::new()).unwrap();
    let error = world.run(&mut FetchAccount::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAccount, "{error}");
}

// device-attest-01, tkauth-01 and email-reply-00: identifiers that are no names in the DNS

fn preauthorize(world: &mut World, identifier: Identifier) -> Result<(), Error> {
    world.run(&mut Preauthorize::new(identifier)).map(drop)
}

/// `{"fmt": "none", "attStmt": {}}`, as far as a test needs an attestation.
const ATTESTATION: &[u8] = b"\xa2\x63fmt\x64none\x67attStmt\xa0";

fn attest(offer: &Offer) -> Answer {
    let proof = offer.key_authorization.as_ref().unwrap();
    let token = offer.token.as_ref().unwrap();
    assert!(device_attest01::attested_data(proof).starts_with(token.as_str().as_bytes()));
    device_attest01::answer(ATTESTATION).unwrap()
}

fn device_world(kind: &'static str, seed: u64) -> World {
    let config = offering(PluginChallenge::new("device-attest-01")).with_identifier_type(kind);
    let mut world = world(config, ChallengeType::DeviceAttest01, seed);
    world.answers = Some(attest);
    world
}

#[test]
fn device_attest_01_is_answered_with_the_attestation_object_alone() {
    for kind in ["permanent-identifier", "hardware-module"] {
        let mut world = device_world(kind, 9);
        world.judges = |validation| {
            let expected = json!({ "attObj": "omNmbXRkbm9uZWdhdHRTdG10oA" });
            judged(Value::Object(answer_of(validation).clone()) == expected, "not the object")
        };
        preauthorize(&mut world, identifier(kind, "device-7")).unwrap();
        world.assert_no_violations();
    }
}

#[test]
fn a_refused_attestation_says_so_and_what_to_do() {
    let mut world = device_world("permanent-identifier", 10);
    world.script = Some(Box::new(|kind, _, _| {
        if kind != RequestKind::Challenge {
            return Fate::Delivered;
        }
        let body = r#"{"type": "urn:ietf:params:acme:error:badAttestationStatement"}"#;
        let response = http::Response::builder()
            .status(400)
            .header("content-type", "application/problem+json");
        Fate::Answered(response.body(body.into()).unwrap())
    }));
    let error =
        preauthorize(&mut world, identifier("permanent-identifier", "device-7")).unwrap_err();
    assert_eq!(error.problem().unwrap().kind, ProblemType::BadAttestationStatement);
    assert_eq!(error.code(), "badAttestationStatement");
    assert!(error.advice().contains("attestation"), "{error}");
}

#[test]
fn tkauth_01_is_answered_with_the_token_of_the_authority() {
    let challenge = PluginChallenge::new("tkauth-01")
        .with_member("tkauth-type", "atc")
        .with_member("token-authority", "https://authority.example/authz");
    let config = offering(challenge).with_identifier_type("TNAuthList");
    let mut world = world(config, ChallengeType::TkAuth01, 11);
    world.answers = Some(|offer| {
        let challenge = TkAuthChallenge::read(offer.members()).unwrap();
        assert_eq!(challenge.token_authority(), Some("https://authority.example/authz"));
        let fingerprint = tk_auth01::fingerprint(offer.account_key_thumbprint()).unwrap();
        assert_eq!(fingerprint.len(), "SHA256 ".len() + 32 * 3 - 1);
        tk_auth01::answer("e30.e30.AAEC").unwrap()
    });
    world.judges = |validation| {
        let expected = json!({ "tkauth": "e30.e30.AAEC" });
        judged(Value::Object(answer_of(validation).clone()) == expected, "not the token")
    };
    preauthorize(&mut world, identifier("TNAuthList", "F83n2a")).unwrap();
    world.assert_no_violations();
}

/// Reads the mailbox: the CA's mail, whose part of the token the test knows, and some noise.
fn replies(world: &World, validation: &Validation) -> ValidationOutcome {
    assert!(answer_of(validation).is_empty(), "answered with {{}} after the reply");
    let offer = world.published.values().next().unwrap();
    let mut challenge = EmailChallenge::read(offer.members()).unwrap();
    let part1 = "LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME=";
    let subject = format!("ACME: {part1}");
    let header_fields = [
        ("From", "acme@ca.example"),
        ("To", "alexey@example.com"),
        ("Subject", &*subject),
        ("Message-ID", "<1@ca.example>"),
        ("Auto-Submitted", "auto-generated"),
    ];
    let authentication = MailAuthentication::Dkim { domain: "ca.example" };
    let mail = ReceivedMail { header_fields: &header_fields, authentication };
    let thumbprint = offer.account_key_thumbprint();
    let reply = challenge.answer("alexey@example.com", &mail, thumbprint).unwrap();
    let proof = format!("{part1}{}.{thumbprint}", validation.token);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(proof);
    let expected = acmekit_core::jose::encoding::encode(&digest);
    judged(reply.body().lines().nth(1) == Some(&expected), "not the digest")
}

#[test]
fn email_reply_00_is_answered_by_mail_and_then_with_the_empty_object() {
    let challenge = PluginChallenge::new("email-reply-00").with_member("from", "acme@ca.example");
    let config = offering(challenge).with_identifier_type("email");
    let mut world = world(config, ChallengeType::EmailReply00, 12);
    world.looks = Some(replies);
    preauthorize(&mut world, identifier("email", "alexey@example.com")).unwrap();
    world.assert_no_violations();
}

// onion-csr-01

#[cfg(feature = "ed25519")]
mod onion {
    use acmekit_core::certificate::CertificateRequest;
    use acmekit_core::challenge::onion_csr01::{self, OnionChallenge};
    use acmekit_core::crypto::{KeyType, PrivateKey};
    use acmekit_core::jose::encoding;
    use acmekit_testing::SeededEntropy;

    use super::*;

    fn service_key() -> PrivateKey {
        PrivateKey::generate(KeyType::Ed25519, &mut SeededEntropy::new(77)).unwrap()
    }

    /// The name of the service with this key: base32 of key, checksum (which nobody checks here)
    /// and version.
    fn onion_name() -> String {
        let key = service_key();
        let octets = [&key.public_key_der()[12..], &[0, 0, 3]].concat();
        let bit = |n: usize| usize::from(octets[n / 8] >> (7 - n % 8) & 1);
        let letter = |n: usize| (0..5).fold(0, |value, k| value << 1 | bit(n * 5 + k));
        let letters = b"abcdefghijklmnopqrstuvwxyz234567";
        let label: String = (0..56).map(|n| char::from(letters[letter(n)])).collect();
        format!("{label}.onion")
    }

    #[test]
    fn onion_csr_01_is_answered_with_a_request_that_the_service_signs() {
        let challenge = PluginChallenge::new("onion-csr-01")
            .without_token()
            .with_member("nonce", "bI6/MRqV4gw=");
        let config = Config::default()
            .with_challenge_types([acmekit_testing::ChallengeType::Dns01])
            .with_plugin_challenge(challenge);
        let mut world = world(config, ChallengeType::OnionCsr01, 13);
        world.answers = Some(|offer| {
            let challenge = OnionChallenge::read(offer.members()).unwrap();
            let entropy = &mut SeededEntropy::new(78);
            let request = challenge.signed_request(&offer.identifier, &service_key(), entropy);
            onion_csr01::answer(&request.unwrap(), b"the key of the certificate").unwrap()
        });
        world.judges = |validation| {
            let answer = answer_of(validation);
            assert_eq!(answer.len(), 1);
            let der = encoding::decode(answer["csr"].as_str().unwrap()).unwrap();
            let request = CertificateRequest::from_der(&der).unwrap();
            let is_signed = request.public_key_der() == service_key().public_key_der();
            let nonce = b"\x06\x04\x67\x81\x0c\x29\x31\x0a\x04\x08\x6c\x8e\xbf\x31\x1a\x95\xe2\x0c";
            let has_nonce = der.windows(nonce.len()).any(|window| window == nonce);
            judged(is_signed && has_nonce, "not signed by the service")
        };
        let name = onion_name();
        let mut flow = world.order(&[&name]);
        world.run(&mut flow).unwrap();
        assert!(world.log.iter().all(|line| !line.contains("dns-01")), "{:?}", world.log);
        world.assert_no_violations();
    }

    #[test]
    fn dns_01_is_never_offered_for_a_name_below_onion() {
        let config =
            Config::default().with_challenge_types([acmekit_testing::ChallengeType::Dns01]);
        let mut world = world(config, ChallengeType::Dns01, 14);
        let error = world.issue(&[&onion_name()]).unwrap_err();
        assert!(world.presented.is_empty());
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
}
