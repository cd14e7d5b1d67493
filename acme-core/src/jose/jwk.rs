//! Public keys as JSON Web Keys (RFC 7517, RFC 7518 §6, RFC 8037 §2) and thumbprints (RFC 7638).

use core::fmt;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{JwsAlgorithm, encoding};
use crate::crypto::{Curve, PublicKeyError, PublicKeyParts, bit_len};

/// A public key, with the required members only; there is no place for a private one.
///
/// Cloning is cheap. Two keys are equal if they are the same key.
///
/// ```
/// use acmekit_core::jose::Jwk;
///
/// let jwk: Jwk = serde_json::from_str(r#"{
///     "kty": "OKP", "crv": "Ed25519", "kid": "left out",
///     "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
/// }"#)?;
/// assert_eq!(jwk.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct Jwk(Arc<Inner>);

struct Inner {
    parts: PublicKeyParts,
    der: Vec<u8>,
}

impl Jwk {
    /// Takes the key from a SubjectPublicKeyInfo in DER, as it stands in certificates and as key
    /// stores give it out.
    ///
    /// # Errors
    /// Refuses keys other than EC on P-256, P-384 or P-521 (uncompressed), RSA and Ed25519.
    pub fn from_public_key_der(der: &[u8]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::from_der(der)?)
    }

    /// A point on P-256, both coordinates big-endian in full width.
    ///
    /// # Errors
    /// Fails only if the key cannot be encoded, which no input is known to cause.
    pub fn p256(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::Ec { curve: Curve::P256, x: x.to_vec(), y: y.to_vec() })
    }

    /// A point on P-384, both coordinates big-endian in full width.
    ///
    /// # Errors
    /// As [`Jwk::p256`].
    pub fn p384(x: &[u8; 48], y: &[u8; 48]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::Ec { curve: Curve::P384, x: x.to_vec(), y: y.to_vec() })
    }

    /// A point on P-521, both coordinates big-endian in full width.
    ///
    /// # Errors
    /// As [`Jwk::p256`].
    pub fn p521(x: &[u8; 66], y: &[u8; 66]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::Ec { curve: Curve::P521, x: x.to_vec(), y: y.to_vec() })
    }

    /// An RSA key from its big-endian modulus and exponent; leading zeros, as ASN.1 and Java put
    /// them, are dropped (RFC 7518 §6.3.1.1).
    ///
    /// # Errors
    /// Refuses zero, and a modulus of more than 8192 bits.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::rsa(without_zeros(modulus), without_zeros(exponent))?)
    }

    /// An Ed25519 key from its 32 octets (RFC 8032).
    ///
    /// # Errors
    /// As [`Jwk::p256`].
    pub fn ed25519(public_key: &[u8; 32]) -> Result<Self, JwkError> {
        Self::new(PublicKeyParts::Ed25519(*public_key))
    }

    fn new(parts: PublicKeyParts) -> Result<Self, JwkError> {
        let der = parts.to_der().map_err(|_| JwkError("the key cannot be encoded"))?;
        Ok(Self(Arc::new(Inner { parts, der })))
    }

    /// The algorithm that a key of this kind signs requests with.
    pub fn algorithm(&self) -> JwsAlgorithm {
        match &self.0.parts {
            PublicKeyParts::Ec { curve: Curve::P256, .. } => JwsAlgorithm::Es256,
            PublicKeyParts::Ec { curve: Curve::P384, .. } => JwsAlgorithm::Es384,
            PublicKeyParts::Ec { curve: Curve::P521, .. } => JwsAlgorithm::Es512,
            PublicKeyParts::Rsa { .. } => JwsAlgorithm::Rs256,
            PublicKeyParts::Ed25519(_) => JwsAlgorithm::EdDsa,
        }
    }

    /// The length of the RSA modulus in bits; `None` for other kinds of key.
    pub fn rsa_modulus_bits(&self) -> Option<usize> {
        match &self.0.parts {
            PublicKeyParts::Rsa { n, .. } => Some(bit_len(n)),
            PublicKeyParts::Ec { .. } | PublicKeyParts::Ed25519(_) => None,
        }
    }

    /// The key as SubjectPublicKeyInfo in DER, fit for comparing with the one in a certificate.
    pub fn public_key_der(&self) -> &[u8] {
        &self.0.der
    }

    /// The required members in the order of their names, which `Value` keeps when it is written.
    pub fn to_value(&self) -> Value {
        let members = match &self.0.parts {
            PublicKeyParts::Ec { curve, x, y } => vec![
                ("crv", curve_name(*curve).to_owned()),
                ("kty", "EC".to_owned()),
                ("x", encoding::encode(x)),
                ("y", encoding::encode(y)),
            ],
            PublicKeyParts::Rsa { n, e } => vec![
                ("e", encoding::encode(e)),
                ("kty", "RSA".to_owned()),
                ("n", encoding::encode(n)),
            ],
            PublicKeyParts::Ed25519(x) => vec![
                ("crv", "Ed25519".to_owned()),
                ("kty", "OKP".to_owned()),
                ("x", encoding::encode(x)),
            ],
        };
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        Value::Object(members.collect::<Map<_, _>>())
    }

    /// The thumbprint of RFC 7638 with SHA-256, in base64url.
    pub fn thumbprint(&self) -> String {
        encoding::encode(&Sha256::digest(self.to_value().to_string()))
    }
}

const fn curve_name(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
        Curve::P521 => "P-521",
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl PartialEq for Jwk {
    fn eq(&self, other: &Self) -> bool {
        self.0.parts == other.0.parts
    }
}

impl Eq for Jwk {}

impl core::hash::Hash for Jwk {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.parts.hash(state);
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwk({} {})", self.algorithm(), self.thumbprint())
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// Members that say nothing about the key itself (`kid`, `use`, `alg`) are passed over.
impl<'de> Deserialize<'de> for Jwk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Members::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// What a JWK may hold. The members after `y` are private or symmetric (RFC 7518 §6).
#[derive(Deserialize)]
struct Members {
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    q: Option<IgnoredAny>,
    dp: Option<IgnoredAny>,
    dq: Option<IgnoredAny>,
    qi: Option<IgnoredAny>,
    oth: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl TryFrom<Members> for Jwk {
    type Error = JwkError;

    fn try_from(members: Members) -> Result<Self, JwkError> {
        let Members { kty, crv, n, e, x, y, d, p, q, dp, dq, qi, oth, k } = members;
        if [d, p, q, dp, dq, qi, oth, k].iter().any(Option::is_some) {
            return Err(JwkError("it holds a private key; give the public members only"));
        }
        let parts = match (kty.as_str(), crv.as_deref()) {
            ("EC", Some(name)) => {
                let curve = [Curve::P256, Curve::P384, Curve::P521]
                    .into_iter()
                    .find(|curve| curve_name(*curve) == name)
                    .ok_or(JwkError("`crv` is none of P-256, P-384 and P-521"))?;
                let coordinate = |member| -> Result<Vec<u8>, JwkError> {
                    let octets = decode_member(member)?;
                    if octets.len() == curve.coordinate_len() {
                        Ok(octets)
                    } else {
                        Err(JwkError("a coordinate does not have the full width of its curve"))
                    }
                };
                PublicKeyParts::Ec { curve, x: coordinate(x)?, y: coordinate(y)? }
            }
            ("RSA", _) => PublicKeyParts::rsa(&decode_member(n)?, &decode_member(e)?)?,
            ("OKP", Some("Ed25519")) => PublicKeyParts::Ed25519(
                decode_member(x)?
                    .try_into()
                    .map_err(|_| JwkError("an Ed25519 key has 32 octets"))?,
            ),
            _ => return Err(JwkError("`kty` and `crv` name no known kind of key")),
        };
        Self::new(parts)
    }
}

fn decode_member(member: Option<String>) -> Result<Vec<u8>, JwkError> {
    let text = member.ok_or(JwkError("a required member is missing"))?;
    encoding::decode(&text).map_err(|_| JwkError("a member is not base64url"))
}

/// A public key is not one that can be written as JWK here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JwkError(&'static str);

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the JSON Web Key cannot be used: {}", self.0)
    }
}

impl core::error::Error for JwkError {}

impl From<PublicKeyError> for JwkError {
    fn from(error: PublicKeyError) -> Self {
        Self(error.0)
    }
}

#[cfg(test)]
mod tests;
