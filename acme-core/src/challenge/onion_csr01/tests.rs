//! The request octet by octet, whose key signs it, and which names have this challenge.

use serde_json::json;

use super::*;
use crate::challenge::ChallengeType;
use crate::crypto::seeded::{Broken, Seeded};

/// The nonce of the sample in RFC 9799 §3.2.
const NONCE: &str = "bI6/MRqV4gw=";
const NONCE_OCTETS: [u8; 8] = [0x6c, 0x8e, 0xbf, 0x31, 0x1a, 0x95, 0xe2, 0x0c];
/// A name that is in use, and its key.
const NAME: &str = "bbcweb3hytmzhn5d532owbu6oqadra5z3ar726vq5kgwwn6aucdccrad.onion";

fn challenge() -> OnionChallenge {
    OnionChallenge::read(json!({ "nonce": NONCE }).as_object().unwrap()).unwrap()
}

fn name(text: &str) -> Identifier {
    text.parse().unwrap()
}

/// The name of the service with this key; the checksum is not looked at.
fn name_of(key: &[u8; 32]) -> Identifier {
    let mut octets = key.to_vec();
    octets.extend_from_slice(&[0, 0, 3]);
    name(&format!("{}.onion", base32::encode(&octets)))
}

#[test]
fn the_key_of_the_service_is_in_its_name() {
    let key = service_key(&name(NAME)).unwrap();
    assert_eq!(key[..4], [0x08, 0x45, 0x62, 0x07]);
    for same in [NAME.to_uppercase(), format!("www.{NAME}"), format!("*.{NAME}")] {
        assert_eq!(service_key(&name(&same)), Some(key), "{same}");
    }
    assert_eq!(service_key(&name_of(&key)), Some(key));
}

#[test]
fn only_names_of_version_3_have_a_key() {
    let other_version = NAME.replace("crad.", "crac.");
    for other in [
        "expyuzz4wqqyqhjn.onion",
        "example.org",
        "onion",
        &other_version,
        &NAME.replace(".onion", ".example"),
        &format!("{NAME}.example"),
        &NAME.replace("bbcweb", "bbcwe0"),
    ] {
        assert_eq!(service_key(&name(other)), None, "{other}");
        let refused = challenge().request(&name(other), &mut Seeded::new(1));
        assert_eq!(refused, Err(OnionError::Identifier(name(other))));
    }
}

#[test]
fn no_challenge_of_the_dns_validates_an_onion_name() {
    use ChallengeType::{Dns01, DnsAccount01, DnsPersist01, Http01, OnionCsr01, TlsAlpn01};
    for name in [name(NAME), name(&format!("*.{NAME}")), name("expyuzz4wqqyqhjn.onion")] {
        for kind in [Dns01, DnsAccount01, DnsPersist01] {
            assert!(!kind.can_validate(&name), "{kind} for {name}");
        }
    }
    for kind in [Http01, TlsAlpn01, OnionCsr01] {
        assert!(kind.can_validate(&name(NAME)), "{kind}");
    }
    assert!(OnionCsr01.can_validate(&name(&format!("*.{NAME}"))));
    assert!(!OnionCsr01.can_validate(&name("example.org")));
}

#[test]
fn the_request_carries_both_nonces_as_attributes_and_nothing_else() {
    let unsigned = challenge().request(&name(NAME), &mut Seeded::new(1)).unwrap();
    let mut nonce = [0; 16];
    Seeded::new(1).fill(&mut nonce).unwrap();
    let expected = [
        // version 0, no subject
        &[0x02, 0x01, 0x00, 0x30, 0x00][..],
        // SubjectPublicKeyInfo: Ed25519
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
        &service_key(&name(NAME)).unwrap(),
        // [0] { caSigningNonce 2.23.140.41 { OCTET STRING } …
        &[0xa0, 0x30, 0x30, 0x12, 0x06, 0x04, 0x67, 0x81, 0x0c, 0x29, 0x31, 0x0a, 0x04, 0x08],
        &NONCE_OCTETS,
        // … applicantSigningNonce 2.23.140.42 { OCTET STRING } }
        &[0x30, 0x1a, 0x06, 0x04, 0x67, 0x81, 0x0c, 0x2a, 0x31, 0x12, 0x04, 0x10],
        &nonce,
    ]
    .concat();
    let length = u8::try_from(expected.len()).unwrap();
    assert_eq!(unsigned.to_be_signed(), [&[0x30, length][..], &expected].concat());
    assert_eq!(unsigned.signature_scheme(), SignatureScheme::Ed25519);
}

#[test]
fn the_nonce_of_the_client_is_random() {
    let of = |seed| challenge().request(&name(NAME), &mut Seeded::new(seed)).unwrap();
    assert_ne!(of(1), of(2));
    let failed = challenge().request(&name(NAME), &mut Broken);
    assert!(matches!(failed, Err(OnionError::Entropy(_))));
}

#[test]
fn the_nonce_of_the_server_has_8_to_128_octets_of_base64() {
    let read = |nonce: Value| {
        let members = json!({ "nonce": nonce });
        OnionChallenge::read(members.as_object().unwrap()).map(|read| read.nonce)
    };
    assert_eq!(read(json!(NONCE)).unwrap(), NONCE_OCTETS);
    assert_eq!(read(json!("bI6_MRqV4gw")).unwrap(), NONCE_OCTETS);
    assert!(read(json!("A".repeat(170))).is_ok());
    for nonce in [json!("bI6/MRqV4g=="), json!(""), json!("bI6/MRqV4g é"), json!(7), Value::Null] {
        assert_eq!(read(nonce.clone()), Err(OnionError::Nonce), "{nonce}");
    }
    assert_eq!(read(json!("A".repeat(172))), Err(OnionError::Nonce));
}

#[test]
fn the_key_for_restricted_services_is_kept() {
    let key = json!({ "kty": "OKP", "crv": "X25519", "x": "AAAA" });
    let members = json!({ "nonce": NONCE, "authKey": key });
    let challenge = OnionChallenge::read(members.as_object().unwrap()).unwrap();
    assert_eq!(challenge.authorization_key(), key.as_object());
    assert_eq!(self::challenge().authorization_key(), None);
}

#[cfg(feature = "ed25519")]
mod signed {
    use super::*;
    use crate::crypto::KeyType;

    fn service() -> (PrivateKey, Identifier) {
        let key = PrivateKey::generate(KeyType::Ed25519, &mut Seeded::new(7)).unwrap();
        let public = key.public_key_der().last_chunk().copied().unwrap();
        (key, name_of(&public))
    }

    #[test]
    fn the_service_signs_its_request() {
        let (key, name) = service();
        let request = challenge().signed_request(&name, &key, &mut Seeded::new(1)).unwrap();
        // Reading it again verifies the signature.
        assert_eq!(CertificateRequest::from_der(request.der()).as_ref(), Ok(&request));
        assert_eq!(request.public_key_der(), key.public_key_der());
        assert_eq!(request.identifiers(), []);
    }

    #[test]
    fn another_key_does_not_sign_for_the_service() {
        let (_, name) = service();
        let other = PrivateKey::generate(KeyType::Ed25519, &mut Seeded::new(8)).unwrap();
        let refused = challenge().signed_request(&name, &other, &mut Seeded::new(1));
        assert_eq!(refused, Err(OnionError::OtherKey));
        let unsigned = challenge().request(&name, &mut Seeded::new(1)).unwrap();
        let signature = other.sign(&mut Seeded::new(1), unsigned.to_be_signed()).unwrap();
        let refused = unsigned.into_signed(&signature);
        assert_eq!(refused, Err(CertificateRequestError::BadSignature));
    }

    #[test]
    fn the_answer_is_the_request_in_base64url_and_never_with_the_key_of_the_certificate() {
        let (key, name) = service();
        let request = challenge().signed_request(&name, &key, &mut Seeded::new(1)).unwrap();
        let refused = answer(&request, key.public_key_der());
        assert_eq!(refused, Err(OnionError::CertificateKey));
        let answer = answer(&request, b"another").unwrap().payload();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer, json!({ "csr": encoding::encode(request.der()) }));
    }
}
