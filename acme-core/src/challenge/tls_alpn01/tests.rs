//! The certificate of RFC 8737, field by field, and the server names of RFC 8738.

use super::*;
use crate::certificate::Certificate;
use crate::challenge::token::tests::{THUMBPRINTS, sample_token};
use crate::crypto::seeded::{Broken, Seeded};
use crate::crypto::{KeyType, SignatureCheck};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_358_400);

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::P256, &mut Seeded::new(1)).unwrap()
}

fn authorization() -> KeyAuthorization {
    KeyAuthorization::new(&sample_token(), THUMBPRINTS[0])
}

fn build(identifier: &str) -> Vec<u8> {
    build_certificate(
        &identifier.parse().unwrap(),
        &authorization(),
        &key(),
        NOW,
        &mut Seeded::new(2),
    )
    .unwrap()
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn server_names_are_those_of_rfc_8738() {
    for (identifier, expected) in [
        ("example.org", Some("example.org")),
        ("*.example.org", None),
        ("192.0.2.1", Some("1.2.0.192.in-addr.arpa")),
        (
            "2001:db8::1",
            Some("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        ),
    ] {
        assert_eq!(sni_name(&identifier.parse().unwrap()).as_deref(), expected);
    }
    assert_eq!(ALPN, [0x61, 0x63, 0x6d, 0x65, 0x2d, 0x74, 0x6c, 0x73, 0x2f, 0x31]);
}

#[test]
fn only_a_handshake_for_this_protocol_alone_is_a_validation() {
    for (offered, expected) in [
        (&["acme-tls/1"][..], true),
        (&[], false),
        (&["h2"], false),
        (&["acme-tls/1", "h2"], false),
        (&["h2", "acme-tls/1"], false),
        (&["acme-tls/1", "acme-tls/1"], false),
        (&["ACME-TLS/1"], false),
    ] {
        assert_eq!(is_validation(offered), expected, "{offered:?}");
    }
}

#[test]
fn the_extension_is_critical_and_holds_exactly_the_digest() {
    let der = build("example.org");
    let extension = [
        &[0x30, 0x31, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x1f][..],
        &[0x01, 0x01, 0xff, 0x04, 0x22, 0x04, 0x20],
        &authorization().digest(),
    ]
    .concat();
    assert_eq!(count(&der, &extension), 1);
}

#[test]
fn one_name_stands_in_one_alternative_name_extension() {
    for (identifier, name) in [
        ("example.org", [&[0x30, 13, 0x82, 11][..], b"example.org"].concat()),
        ("192.0.2.1", vec![0x30, 6, 0x87, 4, 192, 0, 2, 1]),
        (
            "2001:db8::1",
            [&[0x30, 18, 0x87, 16, 0x20, 0x01, 0x0d, 0xb8][..], &[0; 11], &[1]].concat(),
        ),
    ] {
        let der = build(identifier);
        let length = u8::try_from(name.len()).unwrap();
        let extension = [&[0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, length][..], &name].concat();
        assert_eq!(count(&der, &extension), 1, "{identifier}");
        assert_eq!(count(&der, &[0x06, 0x03, 0x55, 0x1d, 0x11]), 1);
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.identifiers(), [identifier.parse().unwrap()]);
    }
}

#[test]
fn it_is_signed_by_itself_and_valid_around_now() {
    let certificate = Certificate::from_der(&build("example.org")).unwrap();
    assert!(certificate.is_self_issued());
    assert_eq!(certificate.check_signature(&certificate), SignatureCheck::Valid);
    assert_eq!(certificate.public_key_der(), key().public_key_der());
    assert_eq!(certificate.not_before(), NOW.saturating_sub(VALID_BEFORE));
    assert_eq!(certificate.not_after(), NOW.saturating_add(VALID_AFTER));
    assert_eq!(certificate.serial_number().len(), 16);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_another_serial_number() {
    assert_eq!(build("example.org"), build("example.org"));
    let other = build_certificate(
        &"example.org".parse().unwrap(),
        &authorization(),
        &key(),
        NOW,
        &mut Seeded::new(3),
    )
    .unwrap();
    assert_ne!(other, build("example.org"));
}

#[test]
fn names_longer_than_a_common_name_can_be_are_no_obstacle() {
    let long = format!("{}example.org", "abcdefghi.".repeat(20));
    let certificate = Certificate::from_der(&build(&long)).unwrap();
    assert_eq!(certificate.identifiers(), [long.parse().unwrap()]);
}

#[test]
fn what_cannot_be_made_is_an_error() {
    let with = |identifier: &str, now| {
        build_certificate(
            &identifier.parse().unwrap(),
            &authorization(),
            &key(),
            now,
            &mut Seeded::new(2),
        )
    };
    let error = with("*.example.org", NOW).unwrap_err();
    assert!(error.to_string().contains("dns-01"), "{error}");
    assert!(matches!(
        with("example.org", Timestamp::MAX),
        Err(ChallengeCertificateError::Encoding(_))
    ));
    let broken = build_certificate(
        &"example.org".parse().unwrap(),
        &authorization(),
        &key(),
        NOW,
        &mut Broken,
    );
    assert!(matches!(broken, Err(ChallengeCertificateError::Entropy(_))));
}
