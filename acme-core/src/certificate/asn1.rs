//! Reading the fields of X.509 structures one by one (RFC 5280 §4.1, RFC 2986 §4).
//!
//! The certificate types of `x509-cert` refuse dates before 1970 and write some fields back in
//! another form than they were read, so a signature could not be checked over them. Here the bytes
//! stay as they came.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, TagNumber, Tagged};
use serde::Deserialize;
use serde::de::value::MapDeserializer;

use super::device_name::read_other_name;
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

pub(crate) const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub(crate) const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
pub(crate) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.35");
/// RFC 7633 §4.
pub(crate) const TLS_FEATURE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.24");
/// RFC 2985 §5.4.2.
pub(crate) const EXTENSION_REQUEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// `SEQUENCE { body, signatureAlgorithm, signature }`: the shape certificates and requests share.
pub(crate) struct Signed<'a> {
    /// The DER that was signed, tag and length included.
    pub(crate) body: &'a [u8],
    /// The `AlgorithmIdentifier`, tag and length included.
    pub(crate) algorithm: &'a [u8],
    /// The bits of the signature.
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(|fields| {
            let body = fields.tlv_bytes()?;
            let algorithm = fields.tlv_bytes()?;
            let signature: BitStringRef<'a> = fields.decode()?;
            let signature = signature.as_bytes().ok_or(ErrorKind::Value { tag: Tag::BitString })?;
            Ok::<_, der::Error>(Self { body, algorithm, signature })
        })?;
        reader.finish()?;
        Ok(signed)
    }
}

/// The fields of a `TBSCertificate`.
pub(crate) struct CertificateFields<'a> {
    /// 0 for v1, 2 for v3.
    pub(crate) version: u8,
    /// Content octets of the INTEGER.
    pub(crate) serial: &'a [u8],
    pub(crate) algorithm: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) subject: &'a [u8],
    pub(crate) public_key: &'a [u8],
    pub(crate) extensions: Vec<Extension<'a>>,
}

impl<'a> CertificateFields<'a> {
    pub(crate) fn read(tbs: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(tbs)?;
        let fields = reader.sequence(|fields| {
            let mut first: AnyRef<'a> = fields.decode()?;
            let mut version = 0;
            if context_number(first.tag()) == Some(0) {
                version = u8::from_der(first.value())?;
                first = fields.decode()?;
            }
            first.tag().assert_eq(Tag::Integer)?;
            let algorithm = fields.tlv_bytes()?;
            let issuer = fields.tlv_bytes()?;
            let (not_before, not_after) = fields.sequence(|validity| {
                Ok::<_, der::Error>((time(validity.decode()?)?, time(validity.decode()?)?))
            })?;
            let subject = fields.tlv_bytes()?;
            let public_key = fields.tlv_bytes()?;
            let mut extensions = Vec::new();
            while !fields.is_finished() {
                let field: AnyRef<'a> = fields.decode()?;
                if context_number(field.tag()) == Some(3) {
                    extensions = Extension::read_list(field.value())?;
                }
            }
            Ok::<_, der::Error>(Self {
                version,
                serial: first.value(),
                algorithm,
                issuer,
                not_before,
                not_after,
                subject,
                public_key,
                extensions,
            })
        })?;
        reader.finish()?;
        Ok(fields)
    }
}

/// One extension, its value not yet read.
pub(crate) struct Extension<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// Reads `Extensions`, a SEQUENCE OF.
    pub(crate) fn read_list(der: &'a [u8]) -> der::Result<Vec<Self>> {
        let mut reader = SliceReader::new(der)?;
        let list = reader.sequence(|list| {
            let mut extensions = Vec::new();
            while !list.is_finished() {
                extensions.push(list.sequence(Self::read)?);
            }
            Ok::<_, der::Error>(extensions)
        })?;
        reader.finish()?;
        Ok(list)
    }

    fn read(fields: &mut SliceReader<'a>) -> der::Result<Self> {
        let oid = fields.decode()?;
        let mut value: AnyRef<'a> = fields.decode()?;
        // `critical`, which some issuers spell out although FALSE is the default.
        if value.tag() == Tag::Boolean {
            value = fields.decode()?;
        }
        value.tag().assert_eq(Tag::OctetString)?;
        Ok(Self { oid, value: value.value() })
    }

    /// The value of the extension `oid`; an error if it is there more than once (RFC 5280 §4.2).
    pub(crate) fn find(list: &[Self], oid: ObjectIdentifier) -> der::Result<Option<&'a [u8]>> {
        let mut found = list.iter().filter(|extension| extension.oid == oid);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(ErrorKind::Value { tag: Tag::Sequence }.into()),
            (first, _) => Ok(first.map(|extension| extension.value)),
        }
    }
}

/// The names in a `GeneralNames` value; kinds other than DNS and IP are given as the identifier
/// types `email`, `uri` and `other`, so that nothing in it goes unseen.
pub(crate) fn general_names(der: &[u8]) -> der::Result<Vec<Identifier>> {
    let mut reader = SliceReader::new(der)?;
    let names = reader.sequence(|list| {
        let mut names = Vec::new();
        while !list.is_finished() {
            let name: AnyRef<'_> = list.decode()?;
            let text = || core::str::from_utf8(name.value()).ok().filter(|text| text.is_ascii());
            let invalid = || der::Error::from(ErrorKind::Value { tag: name.tag() });
            names.push(match (context_number(name.tag()), name.value()) {
                (Some(2), _) => dns_name(text().ok_or_else(invalid)?)?,
                (Some(7), octets) => Identifier::ip(address(octets).ok_or_else(invalid)?),
                (Some(1), _) => foreign("email", text().unwrap_or_default())?,
                (Some(6), _) => foreign("uri", text().unwrap_or_default())?,
                (Some(0), content) => match read_other_name(content).ok().flatten() {
                    Some((kind, value)) => foreign(kind, &value)?,
                    None => foreign("other", &name.tag().to_string())?,
                },
                _ => foreign("other", &name.tag().to_string())?,
            });
        }
        Ok::<_, der::Error>(names)
    })?;
    reader.finish()?;
    Ok(names)
}

/// A DNS name in the form of the wire, or as it stands where it breaks the rules for names.
pub(crate) fn dns_name(text: &str) -> der::Result<Identifier> {
    Identifier::dns(text).or_else(|_| foreign("dns", text))
}

/// An identifier of a type that is kept as it came.
fn foreign(kind: &str, value: &str) -> der::Result<Identifier> {
    let members = [("type", kind), ("value", value)].into_iter();
    Identifier::deserialize(MapDeserializer::<_, serde::de::value::Error>::new(members))
        .map_err(|_| ErrorKind::Failed.into())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Some(IpAddr::V4(Ipv4Addr::from(v4)));
    }
    <[u8; 16]>::try_from(octets).ok().map(|v6| IpAddr::V6(Ipv6Addr::from(v6)))
}

/// The key identifier in an `AuthorityKeyIdentifier` (RFC 5280 §4.2.1.1).
pub(crate) fn key_identifier(der: &[u8]) -> der::Result<Option<&[u8]>> {
    let mut reader = SliceReader::new(der)?;
    let identifier = reader.sequence(|fields| {
        let mut identifier = None;
        while !fields.is_finished() {
            let field: AnyRef<'_> = fields.decode()?;
            if context_number(field.tag()) == Some(0) {
                identifier = Some(field.value());
            }
        }
        Ok::<_, der::Error>(identifier)
    })?;
    reader.finish()?;
    Ok(identifier)
}

/// `cA` of `BasicConstraints` (RFC 5280 §4.2.1.9).
pub(crate) fn is_certificate_authority(der: &[u8]) -> der::Result<bool> {
    let mut reader = SliceReader::new(der)?;
    let is_ca = reader.sequence(|fields| {
        let mut is_ca = false;
        while !fields.is_finished() {
            let field: AnyRef<'_> = fields.decode()?;
            if field.tag() == Tag::Boolean {
                is_ca = field.value() != [0];
            }
        }
        Ok::<_, der::Error>(is_ca)
    })?;
    reader.finish()?;
    Ok(is_ca)
}

/// The number of a context-specific tag.
fn context_number(tag: Tag) -> Option<u32> {
    match tag {
        Tag::ContextSpecific { number: TagNumber(number), .. } => Some(number),
        _ => None,
    }
}

/// Reads `UTCTime` and `GeneralizedTime` in the forms of RFC 5280 §4.1.2.5, any year.
fn time(value: AnyRef<'_>) -> der::Result<Timestamp> {
    let invalid = || der::Error::from(ErrorKind::Value { tag: value.tag() });
    let text = value.value().strip_suffix(b"Z").ok_or_else(invalid)?;
    let (year, rest) = match value.tag() {
        Tag::UtcTime => {
            let (year, rest) = text.split_at_checked(2).ok_or_else(invalid)?;
            let year = number(year).ok_or_else(invalid)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        Tag::GeneralizedTime => {
            let (year, rest) = text.split_at_checked(4).ok_or_else(invalid)?;
            (number(year).ok_or_else(invalid)?, rest)
        }
        _ => return Err(invalid()),
    };
    let parts: Vec<i64> = rest.chunks(2).map_while(number).collect();
    match (parts.as_slice(), rest.len()) {
        (&[month, day, hour, minute, second], 10)
            if (1..=12).contains(&month)
                && (1..=days_in_month(year, month)).contains(&day)
                && hour < 24
                && minute < 60
                && second < 60 =>
        {
            let days = days_since_1970(year, month, day);
            Ok(Timestamp::from_unix_seconds(days * 86_400 + hour * 3_600 + minute * 60 + second))
        }
        _ => Err(invalid()),
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

const fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days in the proleptic Gregorian calendar; `der::DateTime` begins only in 1970.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap_days =
        |years: i64| years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let years = (year - 1970) * 365 + leap_days(before) - leap_days(1969);
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    years + months + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(tag: Tag, text: &str) -> Option<i64> {
        time(AnyRef::new(tag, text.as_bytes()).unwrap()).ok().map(Timestamp::unix_seconds)
    }

    #[test]
    fn dates_of_any_year_become_unix_time() {
        for (text, expected) in [
            ("19700101000000Z", 0),
            ("20000229235959Z", 951_868_799),
            ("20261122144000Z", 1_795_358_400),
            ("00010101000000Z", -62_135_596_800),
            ("00000101000000Z", -62_167_219_200),
            ("99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(seconds(Tag::GeneralizedTime, text), Some(expected), "{text}");
        }
    }

    #[test]
    fn two_digit_years_lie_between_1950_and_2049() {
        assert_eq!(seconds(Tag::UtcTime, "500101000000Z"), Some(-631_152_000));
        assert_eq!(seconds(Tag::UtcTime, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(seconds(Tag::UtcTime, "691231235959Z"), Some(-1));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "Z",
            "20260229000000Z",
            "20261301000000Z",
            "20261100000000Z",
            "20261122240000Z",
            "20261122146000Z",
            "20261122144060Z",
            "20261122144000",
            "202611221440Z",
            "20261122144000.5Z",
            "20261122144000+0900",
            "2026112214400aZ",
            "+0261122144000Z",
        ] {
            assert_eq!(seconds(Tag::GeneralizedTime, text), None, "{text}");
        }
    }
}
