//! Chains made here, right in every way but one.

use der::Encode;
use der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use super::*;
use crate::certificate::{Subject, SubjectAttribute, TbsCertificate, subject_alt_name};
use crate::crypto::seeded::Seeded;
use crate::crypto::{KeyType, PrivateKey};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_358_400);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// One certificate to be made; tests change a field and see what is said about it.
struct Recipe {
    subject: &'static str,
    issuer: &'static str,
    key: u64,
    signed_by: u64,
    names: &'static [&'static str],
    is_ca: bool,
    not_before: Timestamp,
    not_after: Timestamp,
}

fn key(seed: u64) -> PrivateKey {
    PrivateKey::generate(KeyType::P256, &mut Seeded::new(seed)).unwrap()
}

fn name(common_name: &'static str) -> Name {
    Subject::new([(SubjectAttribute::CommonName, common_name)]).unwrap().to_name().unwrap()
}

fn identifiers(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

const LEAF: u64 = 10;
const INTERMEDIATE: u64 = 11;
const ROOT: u64 = 12;

impl Recipe {
    fn leaf() -> Self {
        Self {
            subject: "leaf",
            issuer: "intermediate",
            key: LEAF,
            signed_by: INTERMEDIATE,
            names: &["a.example", "*.a.example", "192.0.2.1", "2001:db8::1"],
            is_ca: false,
            not_before: NOW.saturating_sub(HOUR),
            not_after: NOW.saturating_add(90 * DAY),
        }
    }

    fn intermediate() -> Self {
        Self {
            subject: "intermediate",
            issuer: "root",
            key: INTERMEDIATE,
            signed_by: ROOT,
            names: &[],
            is_ca: true,
            ..Self::leaf()
        }
    }

    fn root() -> Self {
        Self { subject: "root", key: ROOT, ..Self::intermediate() }
    }

    fn make(&self) -> Certificate {
        let mut extensions = Vec::new();
        if !self.names.is_empty() {
            extensions.push(subject_alt_name(&identifiers(self.names)).unwrap());
        }
        let basic_constraints =
            if self.is_ca { &[0x30, 3, 1, 1, 0xff][..] } else { &[0x30, 0][..] };
        extensions.push(Extension {
            extn_id: ObjectIdentifier::new_unwrap("2.5.29.19"),
            critical: true,
            extn_value: OctetString::new(basic_constraints).unwrap(),
        });
        let signer = key(self.signed_by);
        let body = TbsCertificate::new(
            &[1, 2, 3],
            signer.signature_scheme(),
            name(self.issuer),
            self.not_before,
            self.not_after,
            name(self.subject),
            key(self.key).public_key_der(),
            extensions,
        )
        .unwrap()
        .to_der()
        .unwrap();
        let signature = signer.sign(&mut Seeded::new(1), &body).unwrap();
        let der = TbsCertificate::assemble(&body, signer.signature_scheme(), &signature).unwrap();
        Certificate::from_der(&der).unwrap()
    }
}

fn verify_at(
    now: Timestamp,
    certificates: Vec<Certificate>,
) -> Result<ChainReport, CertificateFault> {
    verify_issued(
        &CertificateChain::from_certificates(certificates).unwrap(),
        &Expected {
            public_key_der: key(LEAF).public_key_der(),
            identifiers: &identifiers(&["2001:db8::1", "a.example", "*.a.example", "192.0.2.1"]),
            now,
            clock_tolerance: HOUR,
        },
    )
}

fn verify(certificates: Vec<Certificate>) -> Result<ChainReport, CertificateFault> {
    verify_at(NOW, certificates)
}

fn rest() -> [Certificate; 2] {
    [Recipe::intermediate().make(), Recipe::root().make()]
}

fn verify_leaf_alone(leaf: Recipe) -> Result<ChainReport, CertificateFault> {
    let [intermediate, root] = rest();
    verify(vec![leaf.make(), intermediate, root])
}

#[test]
fn a_good_chain_passes_with_and_without_its_upper_end() {
    let [intermediate, root] = rest();
    let all = [Recipe::leaf().make(), intermediate, root];
    for length in 1..=3 {
        let report = verify(all.get(..length).unwrap().to_vec()).unwrap();
        let expected = if length == 1 { &[ChainNote::LeafAlone][..] } else { &[] };
        assert_eq!(report.notes(), expected, "{length} certificates");
    }
}

#[test]
fn a_certificate_for_another_key_is_refused() {
    let fault = verify_leaf_alone(Recipe { key: 99, ..Recipe::leaf() }).unwrap_err();
    assert_eq!(fault, CertificateFault::WrongKey);
    assert!(fault.to_string().contains("do not install"));
}

#[test]
fn a_missing_name_is_refused_and_an_extra_one_is_noted() {
    let leaf = Recipe { names: &["a.example", "192.0.2.1", "2001:db8::1"], ..Recipe::leaf() };
    assert_eq!(
        verify_leaf_alone(leaf),
        Err(CertificateFault::MissingName("*.a.example".parse().unwrap()))
    );
    assert!(matches!(
        verify_leaf_alone(Recipe { names: &[], ..Recipe::leaf() }),
        Err(CertificateFault::MissingName(_))
    ));
    let leaf = Recipe {
        names: &["www.a.example", "a.example", "*.a.example", "192.0.2.1", "2001:db8::1"],
        ..Recipe::leaf()
    };
    assert_eq!(
        verify_leaf_alone(leaf).unwrap().notes(),
        [ChainNote::ExtraName("www.a.example".parse().unwrap())]
    );
}

#[test]
fn the_dates_are_held_against_the_clock_with_a_tolerance_for_the_future_only() {
    let leaf = || Recipe::leaf().make();
    let (first, last) = (leaf().not_before(), leaf().not_after());
    let second = Duration::from_secs(1);
    assert!(verify_at(last, vec![leaf()]).is_ok());
    assert_eq!(
        verify_at(last.saturating_add(second), vec![leaf()]),
        Err(CertificateFault::Expired { not_after: last })
    );
    assert!(verify_at(first.saturating_sub(HOUR), vec![leaf()]).is_ok());
    assert_eq!(
        verify_at(first.saturating_sub(HOUR).saturating_sub(second), vec![leaf()]),
        Err(CertificateFault::NotYetValid { not_before: first })
    );
    assert!(verify_at(Timestamp::MAX, vec![leaf()]).is_err());
}

#[test]
fn an_authoritys_own_certificate_is_no_leaf() {
    assert_eq!(
        verify_leaf_alone(Recipe { is_ca: true, ..Recipe::leaf() }),
        Err(CertificateFault::LeafIsCa)
    );
}

#[test]
fn certificates_out_of_order_or_missing_are_a_broken_chain() {
    let [intermediate, root] = rest();
    let leaf = Recipe::leaf().make();
    assert_eq!(
        verify(vec![leaf.clone(), root.clone(), intermediate]),
        Err(CertificateFault::BrokenChain { position: 0 })
    );
    assert_eq!(verify(vec![leaf, root]), Err(CertificateFault::BrokenChain { position: 0 }));
    let [intermediate, _] = rest();
    let other = Recipe { subject: "other", issuer: "other", ..Recipe::root() }.make();
    assert_eq!(
        verify(vec![Recipe::leaf().make(), intermediate, other]),
        Err(CertificateFault::BrokenChain { position: 1 })
    );
}

#[test]
fn a_signature_by_another_key_is_noticed() {
    assert_eq!(
        verify_leaf_alone(Recipe { signed_by: 98, ..Recipe::leaf() }),
        Err(CertificateFault::BadSignature { position: 0 })
    );
    let intermediate = Recipe { signed_by: 98, ..Recipe::intermediate() }.make();
    assert_eq!(
        verify(vec![Recipe::leaf().make(), intermediate, Recipe::root().make()]),
        Err(CertificateFault::BadSignature { position: 1 })
    );
}

#[test]
fn an_issuer_that_is_no_authority_is_refused() {
    let intermediate = Recipe { is_ca: false, ..Recipe::intermediate() }.make();
    assert_eq!(
        verify(vec![Recipe::leaf().make(), intermediate]),
        Err(CertificateFault::IssuerIsNotCa { position: 1 })
    );
}

#[test]
fn a_certificate_that_stands_there_twice_is_refused() {
    let [intermediate, root] = rest();
    assert_eq!(
        verify(vec![Recipe::leaf().make(), Recipe::leaf().make()]),
        Err(CertificateFault::Repeated { position: 1 })
    );
    assert_eq!(
        verify(vec![Recipe::leaf().make(), intermediate, root.clone(), root]),
        Err(CertificateFault::Repeated { position: 3 })
    );
    // Two authorities that issued each other, over and over.
    let a = || Recipe { subject: "intermediate", issuer: "b", ..Recipe::intermediate() }.make();
    let b = || {
        Recipe {
            subject: "b",
            issuer: "intermediate",
            key: ROOT,
            signed_by: INTERMEDIATE,
            ..Recipe::root()
        }
        .make()
    };
    assert_eq!(
        verify(vec![Recipe::leaf().make(), a(), b(), a(), b()]),
        Err(CertificateFault::Repeated { position: 3 })
    );
}

#[test]
fn an_expired_certificate_above_the_leaf_is_noted() {
    let root = Recipe {
        not_after: NOW.saturating_sub(DAY),
        not_before: NOW.saturating_sub(2 * DAY),
        ..Recipe::root()
    };
    let report = verify(vec![Recipe::leaf().make(), Recipe::intermediate().make(), root.make()]);
    assert_eq!(report.unwrap().notes(), [ChainNote::IssuerOutOfDate { position: 2 }]);
}

#[test]
fn identifiers_without_a_field_in_certificates_are_noted_as_unchecked() {
    let device: Identifier =
        serde_json::from_str(r#"{"type":"permanent-identifier","value":"x"}"#).unwrap();
    let chain = CertificateChain::from_certificates(vec![Recipe::leaf().make()]).unwrap();
    let mut ordered = chain.leaf().identifiers().to_vec();
    ordered.push(device.clone());
    let report = verify_issued(
        &chain,
        &Expected {
            public_key_der: key(LEAF).public_key_der(),
            identifiers: &ordered,
            now: NOW,
            clock_tolerance: HOUR,
        },
    );
    let notes = [ChainNote::UncheckedName(device), ChainNote::LeafAlone];
    assert_eq!(report.unwrap().notes(), notes);
}
