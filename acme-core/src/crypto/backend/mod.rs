//! What a signature backend does, and which ones this build has.

#[cfg(any(feature = "p256", feature = "p384"))]
mod ecdsa;
#[cfg(feature = "ed25519")]
mod ed25519;
#[cfg(feature = "rsa")]
mod rsa;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{KeyError, KeyType, SignError, SignatureCheck, SignatureScheme};
use crate::entropy::Entropy;

/// One private key in the hands of one implementation.
pub(super) trait Backend: Send + Sync {
    fn key_type(&self) -> KeyType;

    /// SubjectPublicKeyInfo in DER.
    fn public_key_der(&self) -> Result<Vec<u8>, KeyError>;

    /// PKCS#8 version 1, which OpenSSL 3.0 still insists on (version 2 carries the public key).
    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Signs in the form of X.509.
    fn sign(&self, entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A private key in the encoding that its kind has inside PKCS#8.
#[allow(dead_code, reason = "what a build has no backend for is refused unread")]
pub(super) enum EncodedKey<'a> {
    /// `ECPrivateKey` (RFC 5915).
    P256(&'a [u8]),
    /// `ECPrivateKey` (RFC 5915).
    P384(&'a [u8]),
    /// `RSAPrivateKey` (RFC 8017 A.1.2) whose modulus has this many bits, 2048 to 4096.
    Rsa(&'a [u8], usize),
    /// The seed (RFC 8410 §7).
    Ed25519(&'a [u8; 32]),
}

pub(super) fn generate(
    key_type: KeyType,
    entropy: &mut dyn Entropy,
) -> Result<Arc<dyn Backend>, KeyError> {
    let _ = &entropy;
    match key_type {
        #[cfg(feature = "p256")]
        KeyType::P256 => ecdsa::p256::generate(entropy),
        #[cfg(feature = "p384")]
        KeyType::P384 => ecdsa::p384::generate(entropy),
        #[cfg(feature = "rsa")]
        KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => rsa::generate(key_type, entropy),
        #[cfg(feature = "ed25519")]
        KeyType::Ed25519 => ed25519::generate(entropy),
        #[allow(unreachable_patterns, reason = "reachable when a feature is off")]
        other => Err(KeyError::Disabled(other)),
    }
}

pub(super) fn decode(key: EncodedKey<'_>) -> Result<Arc<dyn Backend>, KeyError> {
    match key {
        #[cfg(feature = "p256")]
        EncodedKey::P256(sec1) => ecdsa::p256::decode(sec1),
        #[cfg(not(feature = "p256"))]
        EncodedKey::P256(_) => Err(KeyError::Disabled(KeyType::P256)),
        #[cfg(feature = "p384")]
        EncodedKey::P384(sec1) => ecdsa::p384::decode(sec1),
        #[cfg(not(feature = "p384"))]
        EncodedKey::P384(_) => Err(KeyError::Disabled(KeyType::P384)),
        #[cfg(feature = "rsa")]
        EncodedKey::Rsa(pkcs1, bits) => rsa::decode(pkcs1, rsa_key_type(bits)),
        #[cfg(not(feature = "rsa"))]
        EncodedKey::Rsa(_, bits) => Err(KeyError::Disabled(rsa_key_type(bits))),
        #[cfg(feature = "ed25519")]
        EncodedKey::Ed25519(seed) => ed25519::decode(seed),
        #[cfg(not(feature = "ed25519"))]
        EncodedKey::Ed25519(_) => Err(KeyError::Disabled(KeyType::Ed25519)),
    }
}

/// Imported keys may have a size in between; they count as the next smaller kind.
fn rsa_key_type(bits: usize) -> KeyType {
    match bits {
        4096.. => KeyType::Rsa4096,
        3072.. => KeyType::Rsa3072,
        _ => KeyType::Rsa2048,
    }
}

pub(super) fn verify(
    public_key_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let _ = (public_key_der, message, signature);
    match scheme {
        #[cfg(feature = "p256")]
        SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP256Sha384 => {
            ecdsa::p256::verify(public_key_der, scheme, message, signature)
        }
        #[cfg(feature = "p384")]
        SignatureScheme::EcdsaP384Sha256 | SignatureScheme::EcdsaP384Sha384 => {
            ecdsa::p384::verify(public_key_der, scheme, message, signature)
        }
        #[cfg(feature = "rsa")]
        SignatureScheme::RsaPkcs1Sha256
        | SignatureScheme::RsaPkcs1Sha384
        | SignatureScheme::RsaPkcs1Sha512 => {
            rsa::verify(public_key_der, scheme, message, signature)
        }
        #[cfg(feature = "ed25519")]
        SignatureScheme::Ed25519 => ed25519::verify(public_key_der, message, signature),
        #[allow(unreachable_patterns, reason = "reachable when a feature is off")]
        _ => SignatureCheck::Unsupported,
    }
}
