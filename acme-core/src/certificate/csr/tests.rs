//! What a certificate request asks for, byte by byte where it matters.

use super::*;
use crate::crypto::KeyType;
use crate::crypto::seeded::{Broken, Seeded};

fn key() -> PrivateKey {
    PrivateKey::generate(KeyType::P256, &mut Seeded::new(1)).unwrap()
}

fn names(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn parameters(wanted: &[&str]) -> CertificateRequestParameters {
    CertificateRequestParameters::new(names(wanted))
}

fn build(parameters: &CertificateRequestParameters) -> CertificateRequest {
    CertificateRequest::build(parameters, &key(), &mut Seeded::new(2)).unwrap()
}

fn contains(haystack: &[u8], needle: &[u8]) -> usize {
    haystack.windows(needle.len()).filter(|window| *window == needle).count()
}

#[test]
fn all_names_stand_in_one_extension_in_order() {
    let wanted = ["example.org", "*.example.org", "192.0.2.1", "2001:db8::1"];
    let request = build(&parameters(&wanted));
    let san = [
        &[0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x36, 0x30, 0x34][..],
        &[0x82, 11],
        b"example.org",
        &[0x82, 13],
        b"*.example.org",
        &[0x87, 4, 192, 0, 2, 1],
        &[0x87, 16, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    .concat();
    assert_eq!(contains(request.der(), &san), 1);
    assert_eq!(contains(request.der(), &[0x06, 0x03, 0x55, 0x1d, 0x11]), 1);
    assert_eq!(request.identifiers(), names(&wanted));
    assert_eq!(request.public_key_der(), key().public_key_der());
}

#[test]
fn the_subject_is_empty_by_default() {
    let request = build(&parameters(&["example.org"]));
    assert_eq!(request.subject(), "");
    // After the version comes an empty SEQUENCE.
    assert_eq!(contains(request.der(), &[0x02, 0x01, 0x00, 0x30, 0x00, 0x30]), 1);
    assert!(!request.has_must_staple());
}

#[test]
fn the_subject_is_encoded_in_the_order_given() {
    for subject in [
        "CN=www.saitama-u.ac.jp,O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP",
        "C=JP,ST=tokyo,L=chofu,O=The University of Electro-Communications,CN=www.saitama-u.ac.jp",
    ] {
        let subject: Subject = subject.parse().unwrap();
        let mut wanted = parameters(&["www.saitama-u.ac.jp"]);
        wanted.subject = Some(subject.clone());
        let request = build(&wanted);
        let encoded = subject.to_name().unwrap().to_der().unwrap();
        assert_eq!(contains(request.der(), &encoded), 1);
        assert_eq!(request.identifiers(), names(&["www.saitama-u.ac.jp"]));
    }
}

#[test]
fn the_common_name_must_be_one_of_the_names() {
    let with = |common_name: &str| {
        let mut wanted = parameters(&["a.example", "192.0.2.1"]);
        wanted.subject = Some(
            Subject::new([(super::super::SubjectAttribute::CommonName, common_name)]).unwrap(),
        );
        CertificateRequest::build(&wanted, &key(), &mut Seeded::new(2))
    };
    let error = with("b.example").unwrap_err();
    assert_eq!(
        error,
        CertificateRequestError::CommonNameNotRequested { common_name: "b.example".to_owned() }
    );
    assert!(error.to_string().contains("not one of the DNS names"));
    assert_eq!(with("192.0.2.1"), Err(CertificateRequestError::CommonNameIsAddress));
    assert!(matches!(
        with("The Server"),
        Err(CertificateRequestError::CommonNameNotRequested { .. })
    ));
    assert_eq!(with("A.Example").unwrap().subject(), "CN=a.example");
}

#[test]
fn must_staple_is_the_extension_of_rfc_7633() {
    let mut wanted = parameters(&["example.org"]);
    wanted.must_staple = true;
    let request = build(&wanted);
    let extension = [
        0x30, 0x11, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18, 0x04, 0x05, 0x30,
        0x03, 0x02, 0x01, 0x05,
    ];
    assert_eq!(contains(request.der(), &extension), 1);
    assert!(request.has_must_staple());
}

#[test]
fn a_name_given_twice_is_requested_once() {
    let request = build(&parameters(&["a.example", "A.example", "b.example"]));
    assert_eq!(request.identifiers(), names(&["a.example", "b.example"]));
}

#[test]
fn what_cannot_be_requested_is_refused() {
    let key = key();
    let new = |wanted: &CertificateRequestParameters, public_key: &[u8], scheme| {
        UnsignedCertificateRequest::new(wanted, public_key, scheme).unwrap_err()
    };
    let scheme = key.signature_scheme();
    let none = parameters(&[]);
    assert_eq!(new(&none, key.public_key_der(), scheme), CertificateRequestError::NoIdentifiers);
    let mailbox: Identifier =
        serde_json::from_str(r#"{"type":"email","value":"a@example.org"}"#).unwrap();
    let mailbox = CertificateRequestParameters::new([mailbox]);
    assert!(matches!(
        new(&mailbox, key.public_key_der(), scheme),
        CertificateRequestError::UnsupportedIdentifier(_)
    ));
    let wanted = parameters(&["example.org"]);
    assert_eq!(new(&wanted, &[], scheme), CertificateRequestError::PublicKey);
    assert_eq!(
        new(&wanted, key.public_key_der(), SignatureScheme::RsaPkcs1Sha256),
        CertificateRequestError::PublicKey
    );
}

#[test]
fn signing_elsewhere_gives_the_same_request_even_after_a_restart() {
    let wanted = parameters(&["example.org"]);
    let key = key();
    let unsigned =
        UnsignedCertificateRequest::new(&wanted, key.public_key_der(), key.signature_scheme())
            .unwrap();
    let saved = serde_json::to_string(&unsigned).unwrap();
    let signature = key.sign(&mut Seeded::new(3), unsigned.to_be_signed()).unwrap();
    let restored: UnsignedCertificateRequest = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, unsigned);
    assert_eq!(restored.into_signed(&signature).unwrap(), build(&wanted));
}

#[test]
fn a_plain_ecdsa_signature_is_brought_into_der() {
    let key = key();
    // Names differ so that some signatures have a number with a leading zero octet.
    for index in 0..300 {
        let unsigned = UnsignedCertificateRequest::new(
            &parameters(&[&format!("n{index}.example")]),
            key.public_key_der(),
            key.signature_scheme(),
        )
        .unwrap();
        let in_der = key.sign(&mut Seeded::new(3), unsigned.to_be_signed()).unwrap();
        let plain = p256::ecdsa::Signature::from_der(&in_der).unwrap().to_bytes();
        let expected = unsigned.clone().into_signed(&in_der).unwrap();
        assert_eq!(unsigned.into_signed(&plain).unwrap(), expected);
    }
}

#[test]
fn a_wrong_signature_is_noticed() {
    let key = key();
    let unsigned = UnsignedCertificateRequest::new(
        &parameters(&["example.org"]),
        key.public_key_der(),
        key.signature_scheme(),
    )
    .unwrap();
    let signature = key.sign(&mut Seeded::new(3), b"something else").unwrap();
    for bad in [&signature[..], &[], &[0; 64]] {
        let error = unsigned.clone().into_signed(bad).unwrap_err();
        assert_eq!(error, CertificateRequestError::BadSignature);
    }
}

#[test]
fn failing_entropy_is_no_panic() {
    // ECDSA needs none; either outcome is fine as long as it is reported.
    let _ = CertificateRequest::build(&parameters(&["example.org"]), &key(), &mut Broken);
}

#[test]
fn a_request_survives_pem_and_serde() {
    let request = build(&parameters(&["example.org"]));
    let pem = request.to_pem();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(CertificateRequest::from_pem(&pem).unwrap(), request);
    assert_eq!(CertificateRequest::from_pem(&pem.replace('\n', "\r\n")).unwrap(), request);
    let old = pem.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    assert_eq!(CertificateRequest::from_pem(&format!("text\n{old}")).unwrap(), request);
    let json = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<CertificateRequest>(&json).unwrap(), request);
    assert!(!json.contains('='));
}

#[test]
fn pem_that_is_not_one_request_is_refused() {
    let pem = build(&parameters(&["example.org"])).to_pem();
    for bad in [
        String::new(),
        format!("{pem}{pem}"),
        format!("{pem}-----BEGIN PRIVATE KEY-----\n"),
        pem.replace("REQUEST", ""),
        pem.replace("END CERTIFICATE REQUEST", "END NEW CERTIFICATE REQUEST"),
        pem.replace("-----END", ""),
        pem.replace("MIH", "!!!"),
    ] {
        assert_eq!(CertificateRequest::from_pem(&bad), Err(CertificateRequestError::Pem), "{bad}");
    }
}

#[test]
fn damage_to_a_request_is_an_error_and_never_a_panic() {
    let der = build(&parameters(&["example.org"])).der().to_vec();
    for length in 0..der.len() {
        assert!(CertificateRequest::from_der(&der[..length]).is_err());
    }
    for index in 0..der.len() {
        let mut damaged = der.clone();
        damaged[index] ^= 0x01;
        match CertificateRequest::from_der(&damaged) {
            // Only the signature algorithm lies outside of what is signed and can change into one
            // that is not known.
            Ok(request) => assert_ne!(request.der(), der),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    let huge = vec![0x30; super::super::MAX_REQUEST_LENGTH + 1];
    assert_eq!(CertificateRequest::from_der(&huge), Err(CertificateRequestError::TooLong));
}

#[test]
fn a_request_of_the_caller_is_held_against_the_order() {
    let request = build(&parameters(&["a.example", "192.0.2.1"]));
    let check = |ordered: &[&str]| request.check_names(&names(ordered));
    assert_eq!(check(&["192.0.2.1", "a.example"]), Ok(()));
    assert_eq!(
        check(&["a.example", "192.0.2.1", "b.example"]),
        Err(CertificateRequestError::MissingName("b.example".parse().unwrap()))
    );
    assert_eq!(
        check(&["a.example"]),
        Err(CertificateRequestError::ExtraName("192.0.2.1".parse().unwrap()))
    );
}
