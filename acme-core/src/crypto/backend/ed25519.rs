//! Ed25519 by the crate `ed25519-dalek`.

use std::sync::Arc;

use ed25519_dalek::pkcs8::spki::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::Backend;
use crate::crypto::{KeyError, KeyType, SignError, SignatureCheck};
use crate::entropy::Entropy;

/// All of a PKCS#8 version 1 key but its seed (RFC 8410 §7). The crate's own encoder writes
/// version 2, and passes the seed through a buffer that it does not zero.
const PKCS8_V1_PREFIX: [u8; 16] = [
    0x30, 0x2e, // PrivateKeyInfo
    0x02, 0x01, 0x00, // version 1
    0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, // id-Ed25519
    0x04, 0x22, 0x04, 0x20, // an OCTET STRING in an OCTET STRING
];

struct Key(SigningKey);

impl Backend for Key {
    fn key_type(&self) -> KeyType {
        KeyType::Ed25519
    }

    fn public_key_der(&self) -> Result<Vec<u8>, KeyError> {
        self.0
            .verifying_key()
            .to_public_key_der()
            .map(|der| der.as_bytes().to_vec())
            .map_err(|_| KeyError::Backend("encoding the public key failed"))
    }

    fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_V1_PREFIX.len() + 32));
        der.extend_from_slice(&PKCS8_V1_PREFIX);
        der.extend_from_slice(self.0.as_bytes());
        Ok(der)
    }

    fn sign(&self, _entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0
            .try_sign(message)
            .map(|signature| signature.to_bytes().to_vec())
            .map_err(|_| SignError::other("Ed25519 signing failed"))
    }
}

pub(super) fn generate(entropy: &mut dyn Entropy) -> Result<Arc<dyn Backend>, KeyError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut_slice())?;
    decode(&seed)
}

pub(super) fn decode(seed: &[u8; 32]) -> Result<Arc<dyn Backend>, KeyError> {
    Ok(Arc::new(Key(SigningKey::from_bytes(seed))))
}

pub(super) fn verify(public_key_der: &[u8], message: &[u8], signature: &[u8]) -> SignatureCheck {
    let Ok(key) = VerifyingKey::from_public_key_der(public_key_der) else {
        return SignatureCheck::Unsupported;
    };
    let Ok(signature) = Signature::from_slice(signature) else {
        return SignatureCheck::Invalid;
    };
    SignatureCheck::from_outcome(key.verify_strict(message, &signature).is_ok())
}
