//! The key of an account, wherever it is kept.

use core::fmt;
use std::sync::Arc;

use super::signature::exactly;
use super::{Jwk, JwsAlgorithm, LocalSigner, Signer, normalise_signature};
use crate::crypto::{PrivateKey, SignError};

/// RFC 7518 §3.3.
const MIN_RSA_BITS: usize = 2048;

/// The key that an account's requests are signed by; cheap to clone.
///
/// Exhaustive: a driver has to know every way to come by a signature.
#[derive(Clone)]
pub enum AccountKey {
    /// The key signs at once.
    Local(Arc<dyn Signer>),
    /// The key is held elsewhere; flows ask for each signature.
    External {
        /// How the key signs.
        algorithm: JwsAlgorithm,
        /// Its public half.
        jwk: Jwk,
    },
}

impl AccountKey {
    /// Takes a signer of any make.
    pub fn local(signer: impl Signer + 'static) -> Self {
        Self::Local(Arc::new(signer))
    }

    /// Takes a key held elsewhere by its public half, which decides the algorithm.
    ///
    /// # Errors
    /// [`AccountKeyError`] for RSA keys below 2048 bits (RFC 7518 §3.3).
    pub fn external(jwk: Jwk) -> Result<Self, AccountKeyError> {
        match jwk.rsa_modulus_bits() {
            Some(bits) if bits < MIN_RSA_BITS => Err(AccountKeyError { bits }),
            _ => Ok(Self::External { algorithm: jwk.algorithm(), jwk }),
        }
    }

    /// How the key signs requests.
    pub fn algorithm(&self) -> JwsAlgorithm {
        match self {
            Self::Local(signer) => signer.algorithm(),
            Self::External { algorithm, .. } => *algorithm,
        }
    }

    /// The public key.
    pub fn jwk(&self) -> &Jwk {
        match self {
            Self::Local(signer) => signer.jwk(),
            Self::External { jwk, .. } => jwk,
        }
    }

    /// The thumbprint of the public key (RFC 7638), part of every key authorization.
    pub fn thumbprint(&self) -> String {
        self.jwk().thumbprint()
    }

    /// Brings a signature that an external signer returned into the form of JWS and checks its
    /// length against this key. That it verifies is for the server to find out.
    ///
    /// # Errors
    /// [`SignError::Length`] or [`SignError::Malformed`] if it cannot be a signature of this key.
    pub fn normalise_signature(&self, signature: &[u8]) -> Result<Vec<u8>, SignError> {
        match self.jwk().rsa_modulus_bits() {
            Some(bits) => exactly(signature, bits.div_ceil(8)),
            None => normalise_signature(self.algorithm(), signature),
        }
    }
}

impl From<PrivateKey> for AccountKey {
    fn from(private_key: PrivateKey) -> Self {
        Self::local(LocalSigner::new(private_key))
    }
}

impl From<LocalSigner> for AccountKey {
    fn from(signer: LocalSigner) -> Self {
        Self::local(signer)
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Local(_) => "Local",
            Self::External { .. } => "External",
        };
        f.debug_struct(place)
            .field("algorithm", &self.algorithm())
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

/// The RSA key is too short for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountKeyError {
    bits: usize,
}

impl fmt::Display for AccountKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the RSA account key has {} bits; use one of 2048 bits or more", self.bits)
    }
}

impl core::error::Error for AccountKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_key_tells_its_algorithm_and_checks_lengths() {
        let ed25519 = AccountKey::external(Jwk::ed25519(&[9; 32]).unwrap()).unwrap();
        assert_eq!(ed25519.algorithm(), JwsAlgorithm::EdDsa);
        assert_eq!(ed25519.normalise_signature(&[1; 64]), Ok(vec![1; 64]));
        assert!(ed25519.normalise_signature(&[1; 65]).is_err());

        let rsa = AccountKey::external(Jwk::rsa(&[0x80; 384], &[1, 0, 1]).unwrap()).unwrap();
        assert_eq!(rsa.algorithm(), JwsAlgorithm::Rs256);
        assert_eq!(rsa.normalise_signature(&[1; 384]), Ok(vec![1; 384]));
        assert!(rsa.normalise_signature(&[1; 256]).is_err());

        let short = AccountKey::external(Jwk::rsa(&[0x80; 128], &[1, 0, 1]).unwrap()).unwrap_err();
        assert!(short.to_string().contains("1024 bits"));
    }

    #[test]
    fn account_keys_show_their_thumbprint_only() {
        let external = AccountKey::external(Jwk::ed25519(&[9; 32]).unwrap()).unwrap();
        let shown = format!("{external:?}");
        let thumbprint = external.thumbprint();
        assert_eq!(
            shown,
            format!("External {{ algorithm: EdDsa, thumbprint: {thumbprint:?}, .. }}")
        );
    }
}
