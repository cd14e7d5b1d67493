//! What a particular CA asks of a certification request: the kind of key, the subject.

use der::asn1::ObjectIdentifier;
use der::{Tag, Tagged};
use rsa::traits::PublicKeyParts;
use x509_cert::attr::AttributeTypeAndValue;

use crate::config::{CertificateKey, SubjectAttribute, SubjectRule};
use crate::csr::{COMMON_NAME, Request};
use crate::keys::PublicKey;
use crate::problem::Problem;

const fn oid(attribute: SubjectAttribute) -> ObjectIdentifier {
    match attribute {
        SubjectAttribute::CommonName => COMMON_NAME,
        SubjectAttribute::Country => ObjectIdentifier::new_unwrap("2.5.4.6"),
        SubjectAttribute::Locality => ObjectIdentifier::new_unwrap("2.5.4.7"),
        SubjectAttribute::State => ObjectIdentifier::new_unwrap("2.5.4.8"),
        SubjectAttribute::Organization => ObjectIdentifier::new_unwrap("2.5.4.10"),
        SubjectAttribute::OrganizationalUnit => ObjectIdentifier::new_unwrap("2.5.4.11"),
        SubjectAttribute::EmailAddress => ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"),
    }
}

fn refuse(detail: String) -> Result<(), Problem> {
    Err(Problem::bad_csr(detail))
}

impl Request {
    /// Refuses a key of another kind than these.
    pub(crate) fn check_key(&self, allowed: Option<&[CertificateKey]>) -> Result<(), Problem> {
        let Some(allowed) = allowed else {
            return Ok(());
        };
        let given = match &self.public_key {
            PublicKey::P256(_) => Some(CertificateKey::P256),
            PublicKey::P384(_) => Some(CertificateKey::P384),
            PublicKey::Ed25519(_) => Some(CertificateKey::Ed25519),
            PublicKey::Rsa(key) => match key.n().bits() {
                2048 => Some(CertificateKey::Rsa2048),
                3072 => Some(CertificateKey::Rsa3072),
                4096 => Some(CertificateKey::Rsa4096),
                _ => None,
            },
        };
        if given.is_some_and(|given| allowed.contains(&given)) {
            return Ok(());
        }
        let shown = given.map_or("RSA of another length", CertificateKey::as_str);
        let list: Vec<_> = allowed.iter().map(|kind| kind.as_str()).collect();
        refuse(format!("the key of the CSR is {shown}; this CA takes {}", list.join(", ")))
    }

    /// Refuses another subject than the rule wants, where `first` is the first identifier ordered.
    pub(crate) fn check_subject(&self, rule: &SubjectRule, first: &str) -> Result<(), Problem> {
        for forbidden in &rule.forbidden {
            if self.subject.iter().any(|given| given.oid == oid(*forbidden)) {
                let name = forbidden.as_str();
                return refuse(format!(
                    "the subject of the CSR must not have the attribute {name}"
                ));
            }
        }
        let has_subject = !self.subject.is_empty();
        if rule.common_name_first && has_subject && self.common_name.as_deref() != Some(first) {
            return refuse(format!(
                "the common name of the CSR must be {first}, the first identifier of the order"
            ));
        }
        let Some(form) = &rule.form else {
            return Ok(());
        };
        let wanted: Vec<_> = form
            .iter()
            .map(|(attribute, value)| (*attribute, value.replace("%s", first)))
            .collect();
        // As many relative names as attributes: none has two.
        let is_single_valued = self.subject.len() == wanted.len();
        let is_same = |(given, (attribute, value)): (&AttributeTypeAndValue, &(_, String))| {
            let is_text = matches!(given.value.tag(), Tag::Utf8String | Tag::PrintableString);
            given.oid == oid(*attribute) && is_text && given.value.value() == value.as_bytes()
        };
        let is_whole = self.subject.iter().count() == wanted.len();
        if is_single_valued && is_whole && self.subject.iter().zip(&wanted).all(is_same) {
            return Ok(());
        }
        let list: Vec<_> =
            wanted.iter().map(|(name, value)| format!("{}={value}", name.as_str())).collect();
        let list = list.join(",");
        refuse(format!("the subject of the CSR is {}; it must be {list}", self.shown_subject()))
    }

    /// The subject in the order of its encoding.
    fn shown_subject(&self) -> String {
        let attribute = |given: &AttributeTypeAndValue| {
            let known = SubjectAttribute::ALL.into_iter().find(|known| oid(*known) == given.oid);
            let name =
                known.map_or_else(|| given.oid.to_string(), |known| known.as_str().to_owned());
            let value: String = String::from_utf8_lossy(given.value.value())
                .chars()
                .flat_map(char::escape_default)
                .collect();
            format!("{name}={value}")
        };
        let list: Vec<_> = self.subject.iter().map(attribute).collect();
        if list.is_empty() { "empty".to_owned() } else { list.join(",") }
    }
}
