//! Writing the part of a certificate that gets signed (RFC 5280 §4.1).

use core::net::IpAddr;
use core::time::Duration;

use der::asn1::{BitString, Ia5String, OctetString};
use der::{DateTime, Decode, Encode, Sequence};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use super::asn1::SUBJECT_ALT_NAME;
use crate::crypto::SignatureScheme;
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// `TBSCertificate`, version 3, without unique identifiers.
///
/// The builder of `x509-cert` wants a signer that holds its key; here the bytes are signed by
/// whoever can.
#[derive(Sequence)]
pub(crate) struct TbsCertificate {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: Name,
    validity: Validity,
    subject: Name,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// A signed structure: a certificate, or a certificate request.
#[derive(Sequence)]
struct SignedStructure {
    body: der::asn1::Any,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

impl TbsCertificate {
    /// Puts the fields together; `serial` is a positive number of at most 20 octets.
    #[expect(clippy::too_many_arguments, reason = "these are the fields of the structure")]
    pub(crate) fn new(
        serial: &[u8],
        scheme: SignatureScheme,
        issuer: Name,
        not_before: Timestamp,
        not_after: Timestamp,
        subject: Name,
        public_key_der: &[u8],
        extensions: Vec<Extension>,
    ) -> der::Result<Self> {
        Ok(Self {
            version: 2,
            serial_number: SerialNumber::new(serial)?,
            signature: scheme.algorithm_identifier(),
            issuer,
            validity: Validity::new(time(not_before)?, time(not_after)?),
            subject,
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(public_key_der)?,
            extensions,
        })
    }
}

/// Joins a signed body and its signature to the whole structure.
pub(super) fn assemble(
    body: &[u8],
    scheme: SignatureScheme,
    signature: &[u8],
) -> der::Result<Vec<u8>> {
    SignedStructure {
        body: der::asn1::Any::from_der(body)?,
        algorithm: scheme.algorithm_identifier(),
        signature: BitString::from_bytes(signature)?,
    }
    .to_der()
}

impl TbsCertificate {
    /// The certificate, once its encoding has been signed.
    pub(crate) fn assemble(
        body: &[u8],
        scheme: SignatureScheme,
        signature: &[u8],
    ) -> der::Result<Vec<u8>> {
        assemble(body, scheme, signature)
    }
}

/// The one subject alternative name extension for all of `identifiers`, which must be DNS names
/// and IP addresses; others are passed over.
pub(crate) fn subject_alt_name(identifiers: &[Identifier]) -> der::Result<Extension> {
    alternative_names(&general_names(identifiers)?)
}

/// The names that go into a subject alternative name extension.
pub(super) fn general_names(identifiers: &[Identifier]) -> der::Result<Vec<GeneralName>> {
    let mut names: Vec<GeneralName> = Vec::with_capacity(identifiers.len());
    for identifier in identifiers {
        if let Some(name) = identifier.as_dns() {
            names.push(GeneralName::DnsName(Ia5String::new(name)?));
        } else if let Some(address) = identifier.as_ip() {
            names.push(GeneralName::IpAddress(match address {
                IpAddr::V4(v4) => OctetString::new(v4.octets())?,
                IpAddr::V6(v6) => OctetString::new(v6.octets())?,
            }));
        }
    }
    Ok(names)
}

/// The subject alternative name extension of these names.
pub(super) fn alternative_names(names: &Vec<GeneralName>) -> der::Result<Extension> {
    Ok(Extension {
        extn_id: SUBJECT_ALT_NAME,
        critical: false,
        extn_value: OctetString::new(names.to_der()?)?,
    })
}

fn time(moment: Timestamp) -> der::Result<Time> {
    let seconds = u64::try_from(moment.unix_seconds()).unwrap_or(0);
    Ok(Time::from(DateTime::from_unix_duration(Duration::from_secs(seconds))?))
}
