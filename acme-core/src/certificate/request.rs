//! A signed certificate request, made here or brought by the caller (RFC 2986).

use core::fmt;

use base64ct::{Base64, Encoding};
use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, SliceReader};
use serde::{Deserialize, Serialize};
use x509_cert::name::Name;
use x509_cert::request::CertReqInfo;
use x509_cert::spki::AlgorithmIdentifierRef;

use super::asn1::{self, EXTENSION_REQUEST, Extension, SUBJECT_ALT_NAME, Signed, TLS_FEATURE};
use super::chain::write_pem_block;
use super::csr::{CertificateRequestError, check};
use super::device_name::HARDWARE_MODULE_TYPE;
use crate::crypto::SignatureCheck;
use crate::types::identifier::Identifier;

/// The longest certificate request that is read, in octets of DER.
pub const MAX_REQUEST_LENGTH: usize = 256 * 1024;

/// A PKCS#10 certificate request, ready to be sent.
///
/// A value in hand has been parsed, and its signature holds as far as this build can check the
/// algorithm. As a serde value it is the base64url text that finalize sends.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    public_key: Vec<u8>,
    subject: Name,
    identifiers: Vec<Identifier>,
    must_staple: bool,
}

impl CertificateRequest {
    /// Reads a request in DER and checks that it is signed by its own key.
    ///
    /// # Errors
    /// [`CertificateRequestError`] if it is too long, not a PKCS#10 request, has an
    /// extension twice, or carries a signature that does not verify.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateRequestError> {
        if der.len() > MAX_REQUEST_LENGTH {
            return Err(CertificateRequestError::TooLong);
        }
        let (request, signature) = Self::read(der).map_err(CertificateRequestError::Malformed)?;
        match signature {
            SignatureCheck::Invalid => Err(CertificateRequestError::BadSignature),
            SignatureCheck::Valid | SignatureCheck::Unsupported => Ok(request),
        }
    }

    fn read(der: &[u8]) -> der::Result<(Self, SignatureCheck)> {
        let signed = Signed::read(der)?;
        let info = CertReqInfo::from_der(signed.body)?;
        let algorithm = AlgorithmIdentifierRef::from_der(signed.algorithm)?;
        let mut identifiers = Vec::new();
        let mut must_staple = false;
        let mut requests = info.attributes.iter().filter(|found| found.oid == EXTENSION_REQUEST);
        if let Some(attribute) = requests.next() {
            let mut values = attribute.values.iter();
            if let (Some(value), None) = (values.next(), values.next()) {
                let list = value.to_der()?;
                let list = Extension::read_list(&list)?;
                if let Some(names) = Extension::find(&list, SUBJECT_ALT_NAME)? {
                    identifiers = asn1::general_names(names)?;
                }
                must_staple = Extension::find(&list, TLS_FEATURE)?.is_some();
            } else {
                return Err(der::ErrorKind::Value { tag: der::Tag::Set }.into());
            }
        }
        if requests.next().is_some() {
            return Err(der::ErrorKind::Value { tag: der::Tag::Set }.into());
        }
        for attribute in info.subject.iter() {
            if attribute.oid == COMMON_NAME {
                let name = common_name(&attribute.value.to_der()?)?;
                if !identifiers.contains(&name) {
                    identifiers.push(name);
                }
            }
        }
        let public_key = info.public_key.to_der()?;
        let check = check(&public_key, algorithm.oid, signed.body, signed.signature);
        let der = der.to_vec();
        Ok((Self { der, public_key, subject: info.subject, identifiers, must_staple }, check))
    }

    /// Reads a request in PEM, with the label `CERTIFICATE REQUEST` or the older
    /// `NEW CERTIFICATE REQUEST`.
    ///
    /// # Errors
    /// [`CertificateRequestError::Pem`] if there is not exactly one such block and nothing else
    /// in PEM, otherwise as [`CertificateRequest::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, CertificateRequestError> {
        const BOUNDARY: &str = "-----";
        let mut base64 = String::new();
        let mut lines = pem.lines().map(str::trim).skip_while(|line| !line.contains(BOUNDARY));
        let label = lines
            .next()
            .and_then(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix(BOUNDARY))
            .filter(|label| matches!(*label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST"))
            .ok_or(CertificateRequestError::Pem)?;
        let end = format!("-----END {label}-----");
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                Some(line) if !line.contains(BOUNDARY) => base64.push_str(line),
                _ => return Err(CertificateRequestError::Pem),
            }
        }
        if lines.any(|line| line.contains(BOUNDARY)) {
            return Err(CertificateRequestError::Pem);
        }
        let der = Base64::decode_vec(&base64).map_err(|_| CertificateRequestError::Pem)?;
        Self::from_der(&der)
    }

    /// The DER as it came or was built.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Writes strict PEM (RFC 7468 §7).
    pub fn to_pem(&self) -> String {
        let mut pem = String::new();
        write_pem_block(&mut pem, "CERTIFICATE REQUEST", &self.der);
        pem
    }

    /// The public key as a DER `SubjectPublicKeyInfo`.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// All the names a certificate authority finds in it: the subject alternative names in their
    /// order, then a common name that is not among them. E-mail addresses, URIs and other kinds
    /// of name have the identifier types `email`, `uri` and `other`.
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    /// The subject in the form of RFC 4514, which is **back to front**; empty if there is none.
    pub fn subject(&self) -> String {
        super::info::shown_name(&self.subject)
    }

    /// Whether it asks for the TLS feature extension (RFC 7633).
    pub const fn has_must_staple(&self) -> bool {
        self.must_staple
    }

    /// Checks that it asks for the names of an order, no more and no less (RFC 8555 §7.4).
    ///
    /// Identifiers that are neither DNS names nor IP addresses may be left out of a request and
    /// are not checked.
    ///
    /// # Errors
    /// [`CertificateRequestError::MissingName`] or [`CertificateRequestError::ExtraName`] with the
    /// first such name.
    pub fn check_names(&self, ordered: &[Identifier]) -> Result<(), CertificateRequestError> {
        let is_checked = |name: &&Identifier| name.as_dns().is_some() || name.as_ip().is_some();
        if let Some(missing) =
            ordered.iter().filter(is_checked).find(|name| !self.identifiers.contains(name))
        {
            return Err(CertificateRequestError::MissingName(missing.clone()));
        }
        let is_ordered = |name: &Identifier| {
            // How an order writes the name of a hardware module is the server's.
            let same_kind = |other: &Identifier| other.kind() == name.kind();
            ordered.contains(name)
                || (name.kind() == HARDWARE_MODULE_TYPE && ordered.iter().any(same_kind))
        };
        match self.identifiers.iter().find(|name| !is_ordered(name)) {
            Some(extra) => Err(CertificateRequestError::ExtraName(extra.clone())),
            None => Ok(()),
        }
    }
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// A common name as the identifier a certificate authority takes it for.
fn common_name(value: &[u8]) -> der::Result<Identifier> {
    let mut reader = SliceReader::new(value)?;
    let value = AnyRef::decode(&mut reader)?;
    let text = core::str::from_utf8(value.value())
        .map_err(|_| der::ErrorKind::Value { tag: der::Tag::Utf8String })?;
    match text.parse::<core::net::IpAddr>() {
        Ok(address) => Ok(Identifier::ip(address)),
        Err(_) => asn1::dns_name(text),
    }
}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRequest")
            .field("subject", &self.subject())
            .field("identifiers", &self.identifiers)
            .field("must_staple", &self.must_staple)
            .finish_non_exhaustive()
    }
}

impl Serialize for CertificateRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        base64url::serialize(&self.der, serializer)
    }
}

impl<'de> Deserialize<'de> for CertificateRequest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let der = base64url::deserialize(deserializer)?;
        Self::from_der(&der).map_err(serde::de::Error::custom)
    }
}

/// Octets as base64url text in serde values.
pub(super) mod base64url {
    use super::Deserialize;
    use crate::jose::encoding;

    pub(in crate::certificate) fn serialize<S: serde::Serializer>(
        octets: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encoding::encode(octets))
    }

    pub(in crate::certificate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        encoding::decode(&text).map_err(serde::de::Error::custom)
    }
}
