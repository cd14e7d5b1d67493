//! onion-csr-01: a certificate request signed with the key of an onion service (RFC 9799).
//!
//! The identifier is of the type `dns` and ends with `.onion`; the label before that is the
//! service's Ed25519 key (version 3 of the names, the only one). The request carries the server's
//! nonce and one of the client's and is sent as the answer; it asks for no certificate. dns-01 and
//! its relatives never validate such a name, which is not in the DNS.
//!
//! Tor keeps the service's key in its expanded form, which no seed gives back. Sign
//! [`OnionChallenge::request`] with it wherever it lives; a key of this library signs with
//! [`OnionChallenge::signed_request`].

use core::fmt;

use base64ct::{Base64Unpadded, Encoding};
use der::asn1::ObjectIdentifier;
use serde_json::Value;

use super::{Answer, base32};
use crate::certificate::{CertificateRequest, CertificateRequestError, UnsignedCertificateRequest};
use crate::crypto::{PrivateKey, PublicKeyParts, SignatureScheme};
use crate::entropy::{Entropy, EntropyError};
use crate::jose::encoding;
use crate::types::JsonObject;
use crate::types::identifier::Identifier;

/// `cabf-caSigningNonce` (Baseline Requirements, appendix B).
const CA_SIGNING_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.140.41");
/// `cabf-applicantSigningNonce`.
const APPLICANT_SIGNING_NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.140.42");

/// 64 bits, the least that RFC 9799 §3.2 allows.
const MIN_NONCE: usize = 8;
/// A nonce is random; a longer one is something to get signed.
const MAX_NONCE: usize = 128;
/// Octets of the client's nonce.
const APPLICANT_NONCE: usize = 16;

/// Whether this is a name below `.onion`, of any version.
pub fn is_onion(identifier: &Identifier) -> bool {
    identifier.as_dns().is_some_and(|name| name == "onion" || name.ends_with(".onion"))
}

/// The Ed25519 key of the service, which is in the name itself; `None` if it is no name of
/// version 3. The checksum in the name is not verified.
pub fn service_key(identifier: &Identifier) -> Option<[u8; 32]> {
    let name = identifier.as_dns()?.strip_suffix(".onion")?;
    let label = name.rsplit('.').next()?;
    if label.len() != 56 {
        return None;
    }
    let octets = base32::decode(label)?;
    match (octets.get(..32), octets.get(34..)) {
        (Some(key), Some([3])) => key.try_into().ok(),
        _ => None,
    }
}

/// What the server asks for in the members of the challenge (RFC 9799 §3.2).
///
/// ```
/// use acmekit_core::challenge::onion_csr01::OnionChallenge;
/// use acmekit_core::entropy::{Entropy, EntropyError};
///
/// struct Zero; // for the example only
/// impl Entropy for Zero {
///     fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
///         out.fill(0);
///         Ok(())
///     }
/// }
///
/// let members = serde_json::from_str(
///     r#"{"type": "onion-csr-01", "url": "https://ca.example/chall/7", "nonce": "bI6/MRqV4gw="}"#,
/// )?;
/// let challenge = OnionChallenge::read(&members)?;
/// let name = "bbcweb3hytmzhn5d532owbu6oqadra5z3ar726vq5kgwwn6aucdccrad.onion".parse()?;
/// let unsigned = challenge.request(&name, &mut Zero)?;
/// // sign `unsigned.to_be_signed()` with the service's key, then `unsigned.into_signed(…)`
/// # assert!(!unsigned.to_be_signed().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OnionChallenge {
    nonce: Vec<u8>,
    authorization_key: Option<JsonObject>,
}

impl OnionChallenge {
    /// Reads the members of a challenge object.
    ///
    /// # Errors
    /// [`OnionError::Nonce`] if the nonce is no base64 of 8 to 128 octets.
    pub fn read(members: &JsonObject) -> Result<Self, OnionError> {
        let text = members.get("nonce").and_then(Value::as_str).ok_or(OnionError::Nonce)?;
        // RFC 9799 has base64 with padding; drafts of it had base64url without.
        let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
        let nonce = Base64Unpadded::decode_vec(&text).map_err(|_| OnionError::Nonce)?;
        if !(MIN_NONCE..=MAX_NONCE).contains(&nonce.len()) {
            return Err(OnionError::Nonce);
        }
        let authorization_key = members.get("authKey").and_then(Value::as_object).cloned();
        Ok(Self { nonce, authorization_key })
    }

    /// The server's nonce.
    pub fn nonce(&self) -> &[u8] {
        &self.nonce
    }

    /// The key, a JWK, with which the server opens the descriptor of a service that restricts its
    /// clients: such a service has to admit it (RFC 9799 §4).
    pub const fn authorization_key(&self) -> Option<&JsonObject> {
        self.authorization_key.as_ref()
    }

    /// The request to be signed with the service's key.
    ///
    /// # Errors
    /// [`OnionError`] if the identifier is no onion name of version 3 or the source of randomness
    /// fails.
    pub fn request(
        &self,
        identifier: &Identifier,
        entropy: &mut dyn Entropy,
    ) -> Result<UnsignedCertificateRequest, OnionError> {
        let key = service_key(identifier);
        let key = key.ok_or_else(|| OnionError::Identifier(identifier.clone()))?;
        let public_key = PublicKeyParts::Ed25519(key).to_der();
        let public_key = public_key.map_err(CertificateRequestError::Encoding)?;
        let mut applicant_nonce = [0; APPLICANT_NONCE];
        entropy.fill(&mut applicant_nonce).map_err(OnionError::Entropy)?;
        let attributes =
            [(CA_SIGNING_NONCE, &*self.nonce), (APPLICANT_SIGNING_NONCE, &applicant_nonce)];
        let scheme = SignatureScheme::Ed25519;
        Ok(UnsignedCertificateRequest::with_attributes(&attributes, &public_key, scheme)?)
    }

    /// The request, signed with the service's key.
    ///
    /// # Errors
    /// As [`request`](Self::request), and if the key is not the one in the name or does not sign.
    pub fn signed_request(
        &self,
        identifier: &Identifier,
        key: &PrivateKey,
        entropy: &mut dyn Entropy,
    ) -> Result<CertificateRequest, OnionError> {
        let unsigned = self.request(identifier, entropy)?;
        if unsigned.public_key_der() != key.public_key_der() {
            return Err(OnionError::OtherKey);
        }
        let signature =
            key.sign(entropy, unsigned.to_be_signed()).map_err(CertificateRequestError::Signing)?;
        Ok(unsigned.into_signed(&signature)?)
    }
}

/// The answer to the challenge, for [`Input::PublishedWith`](crate::action::Input::PublishedWith):
/// the request in base64url as the member `csr`. `certificate_key_der` is the key of the
/// certificate that is ordered, a DER `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`OnionError::CertificateKey`] if both have the same key: the service's key must not be that of
/// the certificate (RFC 9799 §3.2).
pub fn answer(
    request: &CertificateRequest,
    certificate_key_der: &[u8],
) -> Result<Answer, OnionError> {
    if request.public_key_der() == certificate_key_der {
        return Err(OnionError::CertificateKey);
    }
    let request = encoding::encode(request.der());
    Answer::of("csr", request).map_err(|_| CertificateRequestError::TooLong.into())
}

/// The challenge, or what is to answer it, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnionError {
    /// The server's nonce is missing, no base64, or not of 8 to 128 octets.
    Nonce,
    /// The identifier is no onion name of version 3.
    Identifier(Identifier),
    /// The key is not the one in the name.
    OtherKey,
    /// The service's key is that of the ordered certificate too.
    CertificateKey,
    /// The source of randomness failed.
    Entropy(EntropyError),
    /// The request cannot be made.
    Request(CertificateRequestError),
}

impl From<CertificateRequestError> for OnionError {
    fn from(error: CertificateRequestError) -> Self {
        Self::Request(error)
    }
}

impl fmt::Display for OnionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce => f.write_str(
                "the nonce of the onion-csr-01 challenge is no base64 of 8 to 128 octets",
            ),
            Self::Identifier(identifier) => {
                write!(f, "{identifier} is no onion name of version 3")
            }
            Self::OtherKey => f.write_str(
                "the key is not the one in the onion name; sign with the key of the service",
            ),
            Self::CertificateKey => f.write_str(
                "the key of the onion service must not be the key of the certificate; order the \
                 certificate with another key",
            ),
            Self::Entropy(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OnionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Entropy(error) => Some(error),
            Self::Request(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
