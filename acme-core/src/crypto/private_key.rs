//! The private key in this process.

use core::fmt;
use std::sync::Arc;

use der::pem::LineEnding;
use zeroize::Zeroizing;

use super::backend::{self, Backend};
use super::{KeyError, KeyType, SignError, SignatureScheme, import};
use crate::entropy::Entropy;
use crate::jose::Jwk;

/// A private key in memory, for an account or a certificate.
///
/// Clones share one copy of the secret, which is zeroed when the last of them is dropped. `Debug`
/// shows the kind of key and the thumbprint of its public half.
///
/// ```
/// # #[cfg(feature = "p256")] {
/// use acmekit_core::crypto::{KeyType, PrivateKey};
/// # use acmekit_core::entropy::{Entropy, EntropyError};
/// # struct Counting;
/// # impl Entropy for Counting {
/// #     fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
/// #         out.iter_mut().zip(1..).for_each(|(slot, n)| *slot = n);
/// #         Ok(())
/// #     }
/// # }
/// # let mut entropy = Counting;
///
/// let key = PrivateKey::generate(KeyType::P256, &mut entropy)?;
/// let pem = key.to_pkcs8_pem()?;
/// let again = PrivateKey::from_pem(&pem)?;
/// assert_eq!(again.public_key_der(), key.public_key_der());
/// # }
/// # Ok::<(), acmekit_core::crypto::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    backend: Arc<dyn Backend>,
    public_key_der: Arc<[u8]>,
    jwk: Jwk,
}

impl PrivateKey {
    /// Makes a new key. All randomness comes from `entropy`, so the same stream gives the same
    /// key.
    ///
    /// RSA keys take noticeable time: a tenth of a second for 2048 bits, seconds for 4096.
    ///
    /// # Errors
    /// [`KeyError::Disabled`] if the build has no backend for `key_type`, [`KeyError::Entropy`]
    /// or [`KeyError::UnusableEntropy`] if the source of randomness fails.
    pub fn generate(key_type: KeyType, entropy: &mut dyn Entropy) -> Result<Self, KeyError> {
        Self::new(backend::generate(key_type, entropy)?)
    }

    /// Reads the first private key in a PEM text: PKCS#8 (`PRIVATE KEY`), SEC 1
    /// (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError::Encrypted`] for keys with a passphrase, [`KeyError::RsaSize`] for RSA keys
    /// outside 2048 to 4096 bits; [`KeyError`] tells every other reason too.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::new(import::from_pem(pem)?)
    }

    /// Reads PKCS#8 in DER.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pem`].
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(import::from_pkcs8_der(der)?)
    }

    fn new(backend: Arc<dyn Backend>) -> Result<Self, KeyError> {
        let public_key_der = backend.public_key_der()?;
        let jwk = Jwk::from_public_key_der(&public_key_der)
            .map_err(|_| KeyError::Backend("its public key cannot be read back"))?;
        Ok(Self { backend, public_key_der: public_key_der.into(), jwk })
    }

    /// Writes PKCS#8 version 1 in DER.
    ///
    /// # Errors
    /// [`KeyError::Backend`] if the backend cannot encode the key.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.backend.to_pkcs8_der()
    }

    /// Writes PKCS#8 version 1 in PEM, which every version of OpenSSL reads.
    ///
    /// # Errors
    /// [`KeyError::Backend`] if the backend cannot encode the key.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        der::pem::encode_string("PRIVATE KEY", LineEnding::LF, &self.to_pkcs8_der()?)
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Backend("writing PEM failed"))
    }

    /// The kind of key. An imported RSA key of a size in between counts as the next smaller kind.
    pub fn key_type(&self) -> KeyType {
        self.backend.key_type()
    }

    /// The public key as SubjectPublicKeyInfo in DER (RFC 5280 §4.1).
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    /// The public key as JSON Web Key (RFC 7517).
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// How [`PrivateKey::sign`] signs.
    pub fn signature_scheme(&self) -> SignatureScheme {
        match self.key_type() {
            KeyType::P256 => SignatureScheme::EcdsaP256Sha256,
            KeyType::P384 => SignatureScheme::EcdsaP384Sha384,
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => {
                SignatureScheme::RsaPkcs1Sha256
            }
            KeyType::Ed25519 => SignatureScheme::Ed25519,
        }
    }

    /// Signs in the form of X.509; an ECDSA signature is an ASN.1 `ECDSA-Sig-Value`.
    ///
    /// ECDSA is deterministic (RFC 6979). RSA draws its blinding from `entropy`, which leaves no
    /// trace in the signature; so every kind of key signs one message to the same bytes always.
    ///
    /// # Errors
    /// [`SignError::Entropy`] if the source of randomness fails, [`SignError::Signer`] if the
    /// backend does.
    pub fn sign(&self, entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.backend.sign(entropy, message)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("key_type", &self.key_type())
            .field("thumbprint", &self.jwk.thumbprint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::seeded::{Broken, Seeded};
    use crate::crypto::verify;
    use crate::entropy::EntropyError;

    /// RSA keys of more than 2048 bits take seconds to make, and run through the same code.
    fn kinds() -> impl Iterator<Item = KeyType> {
        KeyType::ALL
            .into_iter()
            .filter(|kind| kind.is_available())
            .filter(|kind| !matches!(kind, KeyType::Rsa3072 | KeyType::Rsa4096))
    }

    #[test]
    fn the_same_seed_gives_the_same_key_and_the_same_signature() {
        for kind in kinds() {
            let make = |seed| {
                let mut entropy = Seeded::new(seed);
                let key = PrivateKey::generate(kind, &mut entropy).unwrap();
                let signature = key.sign(&mut entropy, b"message").unwrap();
                (key.to_pkcs8_der().unwrap(), signature)
            };
            assert_eq!(make(1), make(1), "{kind}");
            assert_ne!(make(1), make(2), "{kind}");
        }
    }

    #[test]
    fn a_signature_does_not_depend_on_the_blinding_and_verifies() {
        for kind in kinds() {
            let key = PrivateKey::generate(kind, &mut Seeded::new(3)).unwrap();
            assert_eq!(key.key_type(), kind);
            let signature = key.sign(&mut Seeded::new(4), b"message").unwrap();
            assert_eq!(key.sign(&mut Seeded::new(5), b"message").unwrap(), signature);
            let scheme = key.signature_scheme();
            assert!(verify(key.public_key_der(), scheme, b"message", &signature).is_valid());
            assert!(!verify(key.public_key_der(), scheme, b"massage", &signature).is_valid());
        }
    }

    #[test]
    fn a_key_comes_back_from_pem_and_der() {
        for kind in kinds() {
            let key = PrivateKey::generate(kind, &mut Seeded::new(6)).unwrap();
            let pem = key.to_pkcs8_pem().unwrap();
            assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
            let der = key.to_pkcs8_der().unwrap();
            // Version 1: the INTEGER 0 right after the header of the SEQUENCE.
            assert!(der.windows(3).take(8).any(|bytes| bytes == [2, 1, 0]), "{kind}");
            for again in
                [PrivateKey::from_pem(&pem).unwrap(), PrivateKey::from_pkcs8_der(&der).unwrap()]
            {
                assert_eq!(again.to_pkcs8_der().unwrap(), der);
                assert_eq!(again.public_key_der(), key.public_key_der());
                assert_eq!(again.key_type(), kind);
            }
        }
    }

    #[test]
    fn a_failing_source_of_randomness_fails_generation() {
        for kind in KeyType::ALL {
            let error = PrivateKey::generate(kind, &mut Broken).unwrap_err();
            if kind.is_available() {
                assert_eq!(error, KeyError::Entropy(EntropyError));
            } else {
                assert_eq!(error, KeyError::Disabled(kind));
            }
        }
    }

    #[cfg(feature = "p256")]
    #[test]
    fn a_stuck_source_of_randomness_is_noticed() {
        struct Stuck(u8);
        impl Entropy for Stuck {
            fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
                out.fill(self.0);
                Ok(())
            }
        }
        for octet in [0, 0xff] {
            let error = PrivateKey::generate(KeyType::P256, &mut Stuck(octet)).unwrap_err();
            assert_eq!(error, KeyError::UnusableEntropy);
        }
    }

    #[cfg(feature = "rsa")]
    #[test]
    fn rsa_does_not_sign_without_blinding() {
        let key = PrivateKey::from_pem(include_str!("fixtures/rsa2048-pkcs1.pem")).unwrap();
        assert_eq!(key.sign(&mut Broken, b"message"), Err(SignError::Entropy(EntropyError)));
    }

    #[test]
    fn debug_shows_the_kind_and_the_thumbprint_only() {
        for kind in kinds() {
            let key = PrivateKey::generate(kind, &mut Seeded::new(7)).unwrap();
            let expected = format!(
                "PrivateKey {{ key_type: {kind:?}, thumbprint: {:?}, .. }}",
                key.jwk().thumbprint()
            );
            assert_eq!(format!("{key:?}"), expected);
            let signer = crate::jose::LocalSigner::new(key.clone());
            assert_eq!(format!("{signer:?}"), format!("LocalSigner({expected})"));
        }
    }
}
