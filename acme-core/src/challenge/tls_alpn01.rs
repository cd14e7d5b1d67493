//! tls-alpn-01: a certificate in a TLS handshake on port 443 (RFC 8737, RFC 8738 §6).

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use der::Encode;
use der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::ext::Extension;

use super::token::KeyAuthorization;
use crate::certificate::{
    Subject, SubjectAttribute, SubjectError, TbsCertificate, subject_alt_name,
};
use crate::crypto::{PrivateKey, SignError};
use crate::entropy::{Entropy, EntropyError};
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// The protocol name of the handshake. Answer only a client that offers this alone, for a name that
/// is being validated, and close without application data (RFC 8737 §3).
pub const ALPN: &[u8] = b"acme-tls/1";

/// The extension that carries the digest, `id-pe-acmeIdentifier` (RFC 8737 §6.1).
const ACME_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.31");

/// The authority's clock and this one may differ, and validation may come late.
const VALID_BEFORE: Duration = Duration::from_secs(24 * 3600);
const VALID_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// Whether a handshake that offers these protocols is a validation: it offers [`ALPN`] and nothing
/// else. Any other handshake must not be shown the challenge's certificate.
pub fn is_validation<P: AsRef<[u8]>>(offered: impl IntoIterator<Item = P>) -> bool {
    let mut offered = offered.into_iter();
    offered.next().is_some_and(|protocol| protocol.as_ref() == ALPN) && offered.next().is_none()
}

/// The server name that the handshake asks for: the DNS name, or the reverse-zone name of the
/// address (RFC 8738 §6). `None` for a wildcard and for other types. Compare without regard to
/// case.
///
/// ```
/// use acmekit_core::challenge::tls_alpn01::sni_name;
///
/// let name = sni_name(&"192.0.2.1".parse()?);
/// assert_eq!(name.as_deref(), Some("1.2.0.192.in-addr.arpa"));
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
pub fn sni_name(identifier: &Identifier) -> Option<String> {
    match identifier.as_ip() {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, d] = address.octets();
            Some(format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
        }
        Some(IpAddr::V6(address)) => {
            let mut name = String::with_capacity(72);
            for octet in address.octets().iter().rev() {
                name.push_str(&format!("{:x}.{:x}.", octet & 0x0f, octet >> 4));
            }
            name.push_str("ip6.arpa");
            Some(name)
        }
        None if identifier.is_wildcard() => None,
        None => identifier.as_dns().map(str::to_owned),
    }
}

/// Makes the certificate to show in the handshake, in DER: self-signed, one name, the digest of the
/// key authorization in a critical extension (RFC 8737 §3). It is valid from a day before `now`
/// until a week after.
///
/// `key` may be any key but the account key and the one of the ordered certificate; a fresh one for
/// each challenge is best.
///
/// # Errors
/// [`ChallengeCertificateError`] if the identifier is a wildcard or of a type this challenge does
/// not validate, if signing or the source of randomness fails, or if the time is not between 1970
/// and 9999.
pub fn build_certificate(
    identifier: &Identifier,
    key_authorization: &KeyAuthorization,
    key: &PrivateKey,
    now: Timestamp,
    entropy: &mut dyn Entropy,
) -> Result<Vec<u8>, ChallengeCertificateError> {
    if sni_name(identifier).is_none() {
        return Err(ChallengeCertificateError::Identifier(identifier.clone()));
    }
    let mut serial = [0; 16];
    entropy.fill(&mut serial).map_err(ChallengeCertificateError::Entropy)?;
    // A positive number of 16 octets in every case.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    // Not the name under validation: a common name has at most 64 characters.
    let name = Subject::new([(SubjectAttribute::CommonName, "acme-tls/1 challenge")])
        .map_err(ChallengeCertificateError::Subject)?;
    let body = || {
        let name = name.to_name()?;
        let mut digest = vec![0x04, 0x20];
        digest.extend_from_slice(&key_authorization.digest());
        let extensions = vec![
            subject_alt_name(core::slice::from_ref(identifier))?,
            Extension {
                extn_id: ACME_IDENTIFIER,
                critical: true,
                extn_value: OctetString::new(digest)?,
            },
        ];
        TbsCertificate::new(
            &serial,
            key.signature_scheme(),
            name.clone(),
            now.saturating_sub(VALID_BEFORE),
            now.saturating_add(VALID_AFTER),
            name,
            key.public_key_der(),
            extensions,
        )?
        .to_der()
    };
    let body = body().map_err(ChallengeCertificateError::Encoding)?;
    let signature = key.sign(entropy, &body).map_err(ChallengeCertificateError::Signing)?;
    TbsCertificate::assemble(&body, key.signature_scheme(), &signature)
        .map_err(ChallengeCertificateError::Encoding)
}

/// The certificate for a tls-alpn-01 challenge cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeCertificateError {
    /// The identifier is a wildcard, or neither a DNS name nor an IP address.
    Identifier(Identifier),
    /// The source of randomness failed.
    Entropy(EntropyError),
    /// Signing failed.
    Signing(SignError),
    /// The certificate's own name was refused.
    Subject(SubjectError),
    /// The certificate cannot be put into DER; a time outside of 1970 to 9999 is one cause.
    Encoding(der::Error),
}

impl fmt::Display for ChallengeCertificateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(identifier) => {
                write!(
                    f,
                    "{identifier} cannot be validated by tls-alpn-01; use dns-01 for wildcards"
                )
            }
            Self::Entropy(error) => error.fmt(f),
            Self::Signing(error) => {
                write!(f, "the challenge certificate could not be signed: {error}")
            }
            Self::Subject(error) => error.fmt(f),
            Self::Encoding(error) => {
                write!(f, "the challenge certificate cannot be encoded: {error}")
            }
        }
    }
}

impl core::error::Error for ChallengeCertificateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Identifier(_) => None,
            Self::Entropy(error) => Some(error),
            Self::Signing(error) => Some(error),
            Self::Subject(error) => Some(error),
            Self::Encoding(error) => Some(error),
        }
    }
}

#[cfg(all(test, feature = "p256"))]
mod tests;
