//! One certificate and the facts in it (RFC 5280).

use core::fmt;

use der::Decode;
use der::asn1::ObjectIdentifier;
use sha2::{Digest, Sha256};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierRef;

use super::asn1::{self, CertificateFields, Extension, Signed};
use crate::crypto::{self, SignatureCheck, SignatureScheme};
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// The longest certificate that is read, in octets of DER.
pub const MAX_CERTIFICATE_LENGTH: usize = 64 * 1024;

/// An X.509 certificate: the DER as it came, and what it says.
///
/// Reading is tolerant of what occurs in the field: dates of any year, no subject, no extensions.
/// It does not mean that the certificate is trusted; see [`super::verify_issued`].
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: ObjectIdentifier,
    version: u8,
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: Vec<u8>,
    identifiers: Vec<Identifier>,
    authority_key_identifier: Option<Vec<u8>>,
    is_ca: bool,
}

impl Certificate {
    /// Reads one certificate in DER.
    ///
    /// # Errors
    /// [`CertificateError`] if it is longer than [`MAX_CERTIFICATE_LENGTH`] or not the DER of an
    /// X.509 certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_LENGTH {
            return Err(CertificateError(Reason::TooLong));
        }
        Self::read(der).map_err(|error| CertificateError(Reason::Malformed(error)))
    }

    fn read(der: &[u8]) -> der::Result<Self> {
        let signed = Signed::read(der)?;
        let fields = CertificateFields::read(signed.body)?;
        // RFC 5280 §4.1.1.2: both fields name the same algorithm.
        if fields.algorithm != signed.algorithm {
            return Err(der::ErrorKind::Value { tag: der::Tag::Sequence }.into());
        }
        let algorithm = AlgorithmIdentifierRef::from_der(signed.algorithm)?;
        let extension = |oid| Extension::find(&fields.extensions, oid);
        let mut identifiers = match extension(asn1::SUBJECT_ALT_NAME)? {
            Some(value) => asn1::general_names(value)?,
            None => Vec::new(),
        };
        identifiers.retain(|name| matches!(name.kind(), "dns" | "ip"));
        Ok(Self {
            der: der.to_vec(),
            signed: signed.body.to_vec(),
            signature: signed.signature.to_vec(),
            algorithm: algorithm.oid,
            version: fields.version,
            serial: fields.serial.to_vec(),
            issuer: fields.issuer.to_vec(),
            subject: fields.subject.to_vec(),
            not_before: fields.not_before,
            not_after: fields.not_after,
            public_key: fields.public_key.to_vec(),
            identifiers,
            authority_key_identifier: match extension(asn1::AUTHORITY_KEY_IDENTIFIER)? {
                Some(value) => asn1::key_identifier(value)?.map(<[u8]>::to_vec),
                None => None,
            },
            is_ca: match extension(asn1::BASIC_CONSTRAINTS)? {
                Some(value) => asn1::is_certificate_authority(value)?,
                None => false,
            },
        })
    }

    /// The DER as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DNS names and IP addresses of the subject alternative name extension, in its order.
    /// Names that break the rules for names are there as they stand.
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    /// The first moment of the validity period.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last moment of the validity period.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The content octets of the serial number's DER INTEGER, a leading zero octet that keeps the
    /// number positive included. RFC 9773 §4.1 builds its identifier from these.
    pub fn serial_number(&self) -> &[u8] {
        &self.serial
    }

    /// The serial number in lower-case hexadecimal without a leading zero octet, `-` in front if it
    /// is negative (which RFC 5280 forbids).
    pub fn serial_hex(&self) -> String {
        let (is_negative, magnitude) = magnitude(&self.serial);
        let mut text = String::from(if is_negative { "-" } else { "" });
        if magnitude.is_empty() {
            text.push_str("00");
        }
        for octet in magnitude {
            text.push_str(&format!("{octet:02x}"));
        }
        text
    }

    /// The serial number in decimal, as some certificate authorities' forms ask for it.
    pub fn serial_decimal(&self) -> String {
        let (is_negative, magnitude) = magnitude(&self.serial);
        let digits = decimal(&magnitude);
        if is_negative { format!("-{digits}") } else { digits }
    }

    /// The issuer's common name as it stands: compare it, but do not print it unescaped.
    pub fn issuer_common_name(&self) -> Option<String> {
        let name = Name::from_der(&self.issuer).ok()?;
        name.common_name().ok().flatten().map(|name| name.value().into_owned())
    }

    /// The issuer in the form of RFC 4514, control and direction characters escaped.
    pub fn issuer(&self) -> String {
        shown(&self.issuer)
    }

    /// The subject in the form of RFC 4514, control and direction characters escaped; empty if the
    /// certificate has none.
    pub fn subject(&self) -> String {
        shown(&self.subject)
    }

    /// The public key as a DER `SubjectPublicKeyInfo`.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// SHA-256 over the DER.
    pub fn fingerprint_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// The key identifier of the authority key identifier extension (RFC 5280 §4.2.1.1).
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.authority_key_identifier.as_deref()
    }

    /// Whether issuer and subject are the same name, as in a root.
    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether the basic constraints extension says that this is a certificate authority.
    pub const fn is_certificate_authority(&self) -> bool {
        self.is_ca
    }

    /// Whether `issuer`'s subject is the issuer named in this certificate.
    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.issuer == issuer.subject
    }

    /// Checks this certificate's signature with the key of `issuer`.
    ///
    /// [`SignatureCheck::Unsupported`] if this build has no code for the algorithm, or the
    /// algorithm does not go with that key.
    pub fn check_signature(&self, issuer: &Self) -> SignatureCheck {
        match SignatureScheme::from_algorithm_oid(self.algorithm, &issuer.public_key) {
            Some(scheme) => {
                crypto::verify(&issuer.public_key, scheme, &self.signed, &self.signature)
            }
            None if SignatureScheme::may_go_together(self.algorithm, &issuer.public_key) => {
                SignatureCheck::Unsupported
            }
            None => SignatureCheck::Invalid,
        }
    }

    /// Whether it is of X.509 version 3, the only one with extensions.
    pub(super) const fn is_version_3(&self) -> bool {
        self.version == 2
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("issuer", &self.issuer())
            .field("serial", &self.serial_hex())
            .field("identifiers", &self.identifiers)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Splits a two's complement number into its sign and its size, without leading zero octets.
fn magnitude(content: &[u8]) -> (bool, Vec<u8>) {
    let is_negative = content.first().is_some_and(|first| first & 0x80 != 0);
    let mut octets = content.to_vec();
    if is_negative {
        let mut carry = true;
        for octet in octets.iter_mut().rev() {
            let (sum, overflow) = (!*octet).overflowing_add(u8::from(carry));
            *octet = sum;
            carry = overflow;
        }
    }
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.drain(..zeros);
    (is_negative, octets)
}

/// Writes a big-endian number in base 10.
fn decimal(magnitude: &[u8]) -> String {
    // Least significant digit first.
    let mut digits = vec![0_u32];
    for octet in magnitude {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            let value = *digit * 256 + carry;
            *digit = value % 10;
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits.iter().rev().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

fn shown(name: &[u8]) -> String {
    match Name::from_der(name) {
        Ok(name) => shown_name(&name),
        Err(_) => String::from("(a name that cannot be read)"),
    }
}

/// A name as text that cannot steer a terminal.
pub(super) fn shown_name(name: &Name) -> String {
    let mut text = String::new();
    for letter in name.to_string().chars() {
        let steers = letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if steers {
            text.extend(letter.escape_unicode());
        } else {
            text.push(letter);
        }
    }
    text
}

/// The octets are not a certificate that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateError(Reason);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    TooLong,
    Malformed(der::Error),
}

impl fmt::Display for CertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::TooLong => {
                write!(f, "the certificate is longer than {MAX_CERTIFICATE_LENGTH} octets")
            }
            Reason::Malformed(error) => {
                write!(f, "this is not the DER of an X.509 certificate: {error}")
            }
        }
    }
}

impl core::error::Error for CertificateError {}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};

    use super::*;

    /// RFC 9773 appendix A: year 0001 and a serial number with its top bit set.
    const RFC_9773: &str = "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFtcGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDASBgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFfqzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4ByNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK";

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn the_certificate_of_rfc_9773_is_read_with_its_odd_dates() {
        let certificate = Certificate::from_der(&Base64::decode_vec(RFC_9773).unwrap()).unwrap();
        assert_eq!(
            hex(&certificate.fingerprint_sha256()),
            "4488f983790f68fff82e7d27dd56d8da0ee4a751db510d35e54360abad069ea2"
        );
        assert_eq!(certificate.not_before().unix_seconds(), -62_135_596_800);
        assert_eq!(certificate.not_after(), certificate.not_before());
        assert_eq!(certificate.serial_number(), [0x00, 0x87, 0x65, 0x43, 0x21]);
        assert_eq!(certificate.serial_hex(), "87654321");
        assert_eq!(certificate.serial_decimal(), "2271560481");
        assert_eq!(
            hex(certificate.authority_key_identifier().unwrap()),
            "69885b6b87464041e1b37b847ba0ae2cde01c8d4"
        );
        // V-08: the zero octet in front of the serial number belongs to it.
        let id = certificate.certificate_id().unwrap();
        assert_eq!(id.as_str(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
        assert_eq!(id.to_string(), id.as_str());
        assert_eq!(certificate.issuer_common_name().as_deref(), Some("Example CA"));
        assert_eq!(certificate.subject(), "CN=example.com");
        assert_eq!(certificate.identifiers(), []);
        assert!(!certificate.is_self_issued());
        assert!(!certificate.is_certificate_authority());
        assert_eq!(certificate.public_key_der().len(), 91);
    }

    #[test]
    fn no_damage_to_a_certificate_makes_reading_panic() {
        let der = Base64::decode_vec(RFC_9773).unwrap();
        for length in 0..der.len() {
            assert!(Certificate::from_der(&der[..length]).is_err(), "cut at {length}");
        }
        for index in 0..der.len() {
            for value in [0x00, 0x7f, 0x80, 0xff, der[index] ^ 1] {
                let mut damaged = der.clone();
                damaged[index] = value;
                if let Ok(read) = Certificate::from_der(&damaged) {
                    let _ =
                        (format!("{read:?}"), read.serial_decimal(), read.check_signature(&read));
                }
            }
        }
        let mut longer = der;
        longer.push(0);
        assert!(Certificate::from_der(&longer).is_err());
        let huge = vec![0x30; MAX_CERTIFICATE_LENGTH + 1];
        assert!(Certificate::from_der(&huge).unwrap_err().to_string().contains("longer"));
    }

    #[test]
    fn serial_numbers_of_any_size_are_written_in_decimal() {
        for (content, expected) in [
            (&[0][..], "0"),
            (&[0x00, 0x80], "128"),
            (&[0x7f], "127"),
            (&[0x01, 0x00], "256"),
            (&[0x0a], "10"),
            // 2^159 - 1, the largest of 20 octets.
            (
                &[
                    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                ],
                "730750818665451459101842416358141509827966271487",
            ),
            // 2^160 - 1 with its sign octet.
            (
                &[
                    0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                ],
                "1461501637330902918203684832716283019655932542975",
            ),
        ] {
            assert_eq!(decimal(&magnitude(content).1), expected);
        }
        assert_eq!(magnitude(&[0xff]), (true, vec![1]));
        assert_eq!(magnitude(&[0x80]), (true, vec![0x80]));
        assert_eq!(magnitude(&[]), (false, vec![]));
    }

    #[test]
    fn names_cannot_steer_a_terminal() {
        use der::Encode;
        let name = super::super::Subject::new([(
            super::super::SubjectAttribute::Organization,
            "a\u{202e}b\u{2066}c",
        )])
        .unwrap();
        let der = name.to_name().unwrap().to_der().unwrap();
        assert_eq!(shown(&der), r"O=a\u{202e}b\u{2066}c");
        // A control character written by someone else.
        let hostile = [0x30, 13, 0x31, 11, 0x30, 9, 0x06, 3, 0x55, 4, 10, 0x0c, 2, 0xc2, 0x9b];
        assert_eq!(shown(&hostile), r"O=\u{9b}");
        assert_eq!(shown(&[0x30, 1]), "(a name that cannot be read)");
    }
}
