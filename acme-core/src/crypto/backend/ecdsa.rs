//! ECDSA by the crates `p256` and `p384`, deterministic after RFC 6979.

/// Writes one module per curve: the crates are alike, but share no crate that is there with either.
macro_rules! curve_backend {
    ($module:ident, $key_type:expr, $scalar_len:literal, $sha256:pat, $sha384:pat) => {
        pub(in crate::crypto) mod $module {
            use std::sync::Arc;

            use ::$module::SecretKey;
            use ::$module::ecdsa::signature::Signer;
            use ::$module::ecdsa::signature::hazmat::PrehashVerifier;
            use ::$module::ecdsa::{DerSignature, SigningKey, VerifyingKey};
            use ::$module::pkcs8::{DecodePublicKey, EncodePrivateKey, EncodePublicKey};
            use sha2::{Digest, Sha256, Sha384};
            use zeroize::Zeroizing;

            use crate::crypto::backend::Backend;
            use crate::crypto::{KeyError, KeyType, SignError, SignatureCheck, SignatureScheme};
            use crate::entropy::Entropy;

            /// A random string is a valid scalar with a probability of more than 1 - 2^-32.
            const ATTEMPTS: usize = 16;

            struct Key(SigningKey);

            impl Backend for Key {
                fn key_type(&self) -> KeyType {
                    $key_type
                }

                fn public_key_der(&self) -> Result<Vec<u8>, KeyError> {
                    self.0
                        .verifying_key()
                        .to_public_key_der()
                        .map(|der| der.as_bytes().to_vec())
                        .map_err(|_| KeyError::Backend("encoding the public key failed"))
                }

                fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
                    SecretKey::from(&self.0)
                        .to_pkcs8_der()
                        .map(|der| der.to_bytes())
                        .map_err(|_| KeyError::Backend("encoding the private key failed"))
                }

                fn sign(
                    &self,
                    _entropy: &mut dyn Entropy,
                    message: &[u8],
                ) -> Result<Vec<u8>, SignError> {
                    let signature: DerSignature = self
                        .0
                        .try_sign(message)
                        .map_err(|_| SignError::other("ECDSA signing failed"))?;
                    Ok(signature.as_bytes().to_vec())
                }
            }

            pub(in crate::crypto) fn generate(
                entropy: &mut dyn Entropy,
            ) -> Result<Arc<dyn Backend>, KeyError> {
                let mut scalar = Zeroizing::new([0; $scalar_len]);
                for _ in 0..ATTEMPTS {
                    entropy.fill(scalar.as_mut_slice())?;
                    if let Ok(key) = SigningKey::from_slice(scalar.as_slice()) {
                        return Ok(Arc::new(Key(key)));
                    }
                }
                Err(KeyError::UnusableEntropy)
            }

            pub(in crate::crypto) fn decode(sec1: &[u8]) -> Result<Arc<dyn Backend>, KeyError> {
                SecretKey::from_sec1_der(sec1)
                    .map(|key| Arc::new(Key(SigningKey::from(key))) as Arc<dyn Backend>)
                    .map_err(|_| KeyError::Malformed("its parts make no key on their curve"))
            }

            pub(in crate::crypto) fn verify(
                public_key_der: &[u8],
                scheme: SignatureScheme,
                message: &[u8],
                signature: &[u8],
            ) -> SignatureCheck {
                let Ok(key) = VerifyingKey::from_public_key_der(public_key_der) else {
                    return SignatureCheck::Unsupported;
                };
                let Ok(signature) = DerSignature::try_from(signature) else {
                    return SignatureCheck::Invalid;
                };
                let outcome = match scheme {
                    $sha256 => key.verify_prehash(&Sha256::digest(message), &signature),
                    $sha384 => key.verify_prehash(&Sha384::digest(message), &signature),
                    _ => return SignatureCheck::Unsupported,
                };
                SignatureCheck::from_outcome(outcome.is_ok())
            }
        }
    };
}

#[cfg(feature = "p256")]
curve_backend!(
    p256,
    KeyType::P256,
    32,
    SignatureScheme::EcdsaP256Sha256,
    SignatureScheme::EcdsaP256Sha384
);

#[cfg(feature = "p384")]
curve_backend!(
    p384,
    KeyType::P384,
    48,
    SignatureScheme::EcdsaP384Sha256,
    SignatureScheme::EcdsaP384Sha384
);
