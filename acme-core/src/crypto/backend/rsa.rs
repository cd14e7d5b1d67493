//! RSA PKCS#1 v1.5 by the crate `rsa`, for signing only.

use std::sync::Arc;

use ::rsa::pkcs1::DecodeRsaPrivateKey;
use ::rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use ::rsa::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ::rsa::signature::{RandomizedSigner, SignatureEncoding, Verifier};
use ::rsa::{RsaPrivateKey, RsaPublicKey};
use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::Backend;
use crate::crypto::{KeyError, KeyType, SignError, SignatureCheck, SignatureScheme};
use crate::entropy::{Entropy, EntropyError};

struct Key {
    key: SigningKey<Sha256>,
    key_type: KeyType,
}

impl Backend for Key {
    fn key_type(&self) -> KeyType {
        self.key_type
    }

    fn public_key_der(&self) -> Result<Vec<u8>, KeyError> {
        let key: &RsaPrivateKey = self.key.as_ref();
        key.as_public_key()
            .to_public_key_der()
            .map(|der| der.as_bytes().to_vec())
            .map_err(|_| KeyError::Backend("encoding the public key failed"))
    }

    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.key
            .to_pkcs8_der()
            .map(|der| der.to_bytes())
            .map_err(|_| KeyError::Backend("encoding the private key failed"))
    }

    /// Blinded against timing (RUSTSEC-2023-0071); the signature does not depend on the blinding.
    fn sign(&self, entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key
            .try_sign_with_rng(&mut generator(entropy)?, message)
            .map(|signature| signature.to_vec())
            .map_err(|_| SignError::other("RSA signing failed"))
    }
}

/// A generator seeded by one draw of fixed size: how many numbers the arithmetic tries then shows
/// nowhere outside, and a failing source cannot fail halfway.
fn generator(entropy: &mut dyn Entropy) -> Result<ChaCha20Rng, EntropyError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut_slice())?;
    Ok(ChaCha20Rng::from_seed(*seed))
}

pub(super) fn generate(
    key_type: KeyType,
    entropy: &mut dyn Entropy,
) -> Result<Arc<dyn Backend>, KeyError> {
    let bits = match key_type {
        KeyType::Rsa4096 => 4096,
        KeyType::Rsa3072 => 3072,
        _ => 2048,
    };
    let key = RsaPrivateKey::new(&mut generator(entropy)?, bits)
        .map_err(|_| KeyError::Backend("generating the RSA key failed"))?;
    Ok(Arc::new(Key { key: SigningKey::new(key), key_type }))
}

pub(super) fn decode(pkcs1: &[u8], key_type: KeyType) -> Result<Arc<dyn Backend>, KeyError> {
    let key = RsaPrivateKey::from_pkcs1_der(pkcs1)
        .map_err(|_| KeyError::Malformed("its RSA numbers do not belong together"))?;
    Ok(Arc::new(Key { key: SigningKey::new(key), key_type }))
}

pub(super) fn verify(
    public_key_der: &[u8],
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> SignatureCheck {
    let Ok(key) = RsaPublicKey::from_public_key_der(public_key_der) else {
        return SignatureCheck::Unsupported;
    };
    let Ok(signature) = Signature::try_from(signature) else {
        return SignatureCheck::Invalid;
    };
    let outcome = match scheme {
        SignatureScheme::RsaPkcs1Sha256 => {
            VerifyingKey::<Sha256>::new(key).verify(message, &signature)
        }
        SignatureScheme::RsaPkcs1Sha384 => {
            VerifyingKey::<Sha384>::new(key).verify(message, &signature)
        }
        SignatureScheme::RsaPkcs1Sha512 => {
            VerifyingKey::<Sha512>::new(key).verify(message, &signature)
        }
        _ => return SignatureCheck::Unsupported,
    };
    SignatureCheck::from_outcome(outcome.is_ok())
}
