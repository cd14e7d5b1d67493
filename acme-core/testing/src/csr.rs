//! Certification requests (RFC 2986), judged against the order (RFC 8555 §7.4).

use core::net::IpAddr;
use std::collections::BTreeSet;

use acmekit_core::types::identifier::Identifier;
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::request::CertReq;

use crate::keys::{PublicKey, signed_part};
use crate::problem::Problem;

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub(crate) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A request whose signature and form are right.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) public_key: PublicKey,
    pub(crate) subject: Name,
    pub(crate) common_name: Option<String>,
    names: BTreeSet<Identifier>,
}

fn refuse<T>(detail: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::bad_csr(detail).breach("R-FIN-02"))
}

impl Request {
    /// Reads DER and verifies the request's own signature.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let request = CertReq::from_der(bytes).map_err(|error| {
            Problem::bad_csr(format!("the CSR is not DER: {error}")).breach("R-FIN-01")
        })?;
        let public_key = PublicKey::from_spki(&request.info.public_key)
            .map_err(|detail| Problem::bad_csr(detail).breach("R-FIN-07"))?;
        let signed = signed_part(bytes).unwrap_or_default();
        let signature = request.signature.as_bytes().unwrap_or_default();
        if !public_key.verifies_x509(&request.algorithm, &signed, signature) {
            let detail = "the CSR is not signed by its own key, or by an algorithm that this CA does not take";
            return Err(Problem::bad_csr(detail).breach("R-FIN-03"));
        }
        let common_name = common_name(&request.info.subject)?;
        let names = names(&request)?;
        Ok(Self { public_key, subject: request.info.subject, common_name, names })
    }

    /// Refuses a request for other names than the order's.
    pub(crate) fn check_names(&self, ordered: &BTreeSet<Identifier>) -> Result<(), Problem> {
        let list = |from: &BTreeSet<Identifier>, without: &BTreeSet<Identifier>| {
            let names: Vec<_> = from.difference(without).map(ToString::to_string).collect();
            names.join(", ")
        };
        if &self.names != ordered {
            let (extra, missing) = (list(&self.names, ordered), list(ordered, &self.names));
            return refuse(format!(
                "the names of the CSR differ from the order: too many [{extra}], missing [{missing}]"
            ));
        }
        let is_ordered = |common_name: &String| {
            ordered.iter().any(|name| name.as_dns() == Some(common_name.as_str()))
        };
        match &self.common_name {
            Some(common_name) if !is_ordered(common_name) => {
                refuse("the common name of the CSR is not one of the ordered DNS names")
            }
            _ => Ok(()),
        }
    }

    /// The subject of the certificate: all of the CSR's, or its common name alone.
    pub(crate) fn kept_subject(&self, keep_all: bool) -> Name {
        if keep_all {
            return self.subject.clone();
        }
        let common_name: Option<&AttributeTypeAndValue> =
            self.subject.iter().find(|attribute| attribute.oid == COMMON_NAME);
        let mut sequence = RdnSequence::default();
        if let Some(name) = common_name
            && let Ok(name) = RelativeDistinguishedName::try_from(vec![name.clone()])
        {
            sequence.push(name);
        }
        sequence.to_der().and_then(|der| Name::from_der(&der)).unwrap_or_default()
    }
}

fn common_name(subject: &Name) -> Result<Option<String>, Problem> {
    let mut found = subject.iter().filter(|attribute| attribute.oid == COMMON_NAME);
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        return refuse("the CSR has more than one common name");
    }
    match first {
        None => Ok(None),
        Some(attribute) => match std::str::from_utf8(attribute.value.value()) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => refuse("the common name of the CSR is not UTF-8"),
        },
    }
}

/// The names in the subjectAltName of the one extensionRequest.
fn names(request: &CertReq) -> Result<BTreeSet<Identifier>, Problem> {
    let mut requests = request.info.attributes.iter().filter(|a| a.oid == EXTENSION_REQUEST);
    let (first, second) = (requests.next(), requests.next());
    let Some(attribute) = first else {
        return refuse("the CSR has no extensionRequest, so it names nothing");
    };
    let mut values = attribute.values.iter();
    let (value, further) = (values.next(), values.next());
    let Some(value) = value else {
        return refuse("the extensionRequest of the CSR is empty");
    };
    if second.is_some() || further.is_some() {
        return refuse("the CSR has more than one extensionRequest");
    }
    let Ok(extensions) = value.decode_as::<Extensions>() else {
        return refuse("the extensionRequest of the CSR cannot be read");
    };
    let mut alternatives = extensions.iter().filter(|e| e.extn_id == SUBJECT_ALT_NAME);
    let (first, second) = (alternatives.next(), alternatives.next());
    let Some(extension) = first else {
        return refuse("the CSR has no subjectAltName");
    };
    if second.is_some() {
        return refuse("the CSR has more than one subjectAltName");
    }
    let Ok(SubjectAltName(list)) = SubjectAltName::from_der(extension.extn_value.as_bytes()) else {
        return refuse("the subjectAltName of the CSR cannot be read");
    };
    let mut names = BTreeSet::new();
    for name in &list {
        if !names.insert(identifier(name)?) {
            return refuse("the CSR names something twice");
        }
    }
    Ok(names)
}

fn identifier(name: &GeneralName) -> Result<Identifier, Problem> {
    match name {
        GeneralName::DnsName(text) => match Identifier::dns(text.as_str()) {
            Ok(identifier) if identifier.as_dns() == Some(text.as_str()) => Ok(identifier),
            _ => refuse(format!("{:?} in the CSR is not a lower-case DNS name", text.as_str())),
        },
        GeneralName::IpAddress(octets) => {
            let bytes = octets.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            match four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)) {
                Ok(address) => Ok(Identifier::ip(address)),
                Err(_) => refuse("an iPAddress in the CSR has neither 4 nor 16 octets"),
            }
        }
        _ => refuse("the CSR names something that is neither a DNS name nor an IP address"),
    }
}
