//! Checks of a certificate request against the rules of a CA (RFC 2986, RFC 8555 §7.4).

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::name::Name;
use x509_cert::request::CertReq;

use super::CaProfile;
use super::fault::{RuleFault, RuleKind};
use super::rules::Requirement;
use crate::certificate::{CertificateRequest, Subject};
use crate::crypto::{Curve, PublicKeyParts, bit_len};
use crate::problem::printable;
use crate::types::Identifier;

/// The short names of the attributes that can be told apart; others are shown by their number.
const ATTRIBUTES: [&str; 11] =
    ["CN", "O", "OU", "L", "ST", "C", "STREET", "postalCode", "serialNumber", "DC", "emailAddress"];

impl CaProfile {
    /// Checks a certificate request for an order of these names: key, subject, common name.
    ///
    /// Whether it asks for the names of the order is
    /// [`CertificateRequest::check_names`]'s to tell.
    ///
    /// # Errors
    /// The first rule of this CA that is broken.
    pub fn check_request(
        &self,
        request: &CertificateRequest,
        identifiers: &[Identifier],
    ) -> Result<(), RuleFault> {
        self.check_certificate_key(request.public_key_der())?;
        let Ok(parsed) = CertReq::from_der(request.der()) else {
            return self.fault(RuleKind::Unreadable);
        };
        self.check_subject(&parsed.info.subject, identifiers)
    }

    /// Checks a certificate key, given as DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// The first rule of this CA that is broken.
    pub fn check_certificate_key(&self, public_key_der: &[u8]) -> Result<(), RuleFault> {
        let rules = &self.certificate_keys;
        let given = match PublicKeyParts::from_der(public_key_der) {
            Ok(PublicKeyParts::Ec { curve: Curve::P256, .. }) => "p256".to_owned(),
            Ok(PublicKeyParts::Ec { curve: Curve::P384, .. }) => "p384".to_owned(),
            Ok(PublicKeyParts::Ec { curve: Curve::P521, .. }) => "p521".to_owned(),
            Ok(PublicKeyParts::Ed25519(_)) => "ed25519".to_owned(),
            Ok(PublicKeyParts::Rsa { n, .. }) => {
                let bits = bit_len(&n);
                if let Some(min) = rules.min_rsa_bits.filter(|min| bits < *min) {
                    return self.fault(RuleKind::KeyTooShort { bits, min });
                }
                format!("rsa{bits}")
            }
            Err(_) => "unknown".to_owned(),
        };
        match &rules.allowed {
            Some(allowed) if !allowed.iter().any(|kind| kind.as_str() == given) => {
                self.fault(RuleKind::CertificateKey {
                    given,
                    allowed: allowed.iter().map(|kind| kind.as_str()).collect(),
                    reason: rules.reason.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    fn check_subject(&self, subject: &Name, identifiers: &[Identifier]) -> Result<(), RuleFault> {
        let rules = &self.subject;
        let given: Vec<(ObjectIdentifier, String)> = subject
            .iter()
            .map(|attribute| (attribute.oid, text_of(attribute.value.value())))
            .collect();
        let first = identifiers.first();
        let expected = first.and_then(|name| self.subject_for(name));
        if given.is_empty() {
            return match rules.presence {
                Requirement::Required => self.fault(RuleKind::SubjectMissing {
                    expected: expected.map(|subject| subject.to_string()),
                }),
                _ => Ok(()),
            };
        }
        for attribute in &rules.forbidden {
            let oid = oid_of(attribute);
            if given.iter().any(|(found, _)| Some(*found) == oid) {
                return self.fault(RuleKind::SubjectAttribute {
                    attribute: attribute.clone(),
                    reason: rules.reason.clone(),
                });
            }
        }
        let common_name = oid_of("CN")
            .and_then(|oid| given.iter().find(|(found, _)| *found == oid))
            .map(|(_, name)| name.as_str());
        if common_name.is_none() && rules.common_name == Requirement::Required {
            return self.fault(RuleKind::CommonNameMissing);
        }
        if let (true, Some(common_name), Some(first)) =
            (rules.common_name_first, common_name, first)
            && !first.to_string().eq_ignore_ascii_case(common_name)
        {
            return self.fault(RuleKind::CommonNameNotFirst {
                common_name: common_name.to_owned(),
                first: first.to_string(),
            });
        }
        let Some(form) = &rules.form else { return Ok(()) };
        let is_exact = expected.as_ref().is_some_and(|expected| is_same(expected, subject, &given));
        if is_exact {
            return Ok(());
        }
        self.fault(RuleKind::SubjectForm {
            expected: expected.map_or_else(|| form.clone(), |subject| subject.to_string()),
            given: shown(&given),
            reason: rules.reason.clone(),
        })
    }
}

/// The same attributes with the same values in the same order, each in a relative name of its own.
/// The string types may differ.
fn is_same(expected: &Subject, subject: &Name, given: &[(ObjectIdentifier, String)]) -> bool {
    let Ok(expected) = expected.to_name() else { return false };
    subject.len() == given.len()
        && expected.iter().count() == given.len()
        && expected
            .iter()
            .zip(given)
            .all(|(e, (oid, text))| e.oid == *oid && text_of(e.value.value()) == *text)
}

/// The octets of a directory string as text; strings that are not UTF-8 are in no prescribed
/// subject.
fn text_of(octets: &[u8]) -> String {
    printable(&String::from_utf8_lossy(octets))
}

/// The object identifier of an attribute, by the table of [`Subject`]. The value is only there to
/// make a subject: two upper-case letters fit every attribute.
fn oid_of(attribute: &str) -> Option<ObjectIdentifier> {
    let name = Subject::parse(&format!("{attribute}=JP")).ok()?.to_name().ok()?;
    name.iter().next().map(|attribute| attribute.oid)
}

/// A subject in the order of its encoding.
fn shown(given: &[(ObjectIdentifier, String)]) -> String {
    let parts: Vec<String> = given
        .iter()
        .map(|(oid, text)| {
            let known = ATTRIBUTES.iter().find(|name| oid_of(name) == Some(*oid));
            known.map_or_else(|| format!("{oid}={text}"), |name| format!("{name}={text}"))
        })
        .collect();
    parts.join(",")
}
