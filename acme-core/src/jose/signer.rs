//! Account keys that can sign at once.

use core::fmt;

use super::{Jwk, JwsAlgorithm, normalise_signature};
use crate::crypto::{PrivateKey, SignError};
use crate::entropy::Entropy;

/// A key that signs requests without waiting for anything.
///
/// A key that takes its time (HSM, KMS, a phone's key store with a prompt) is an
/// [`AccountKey::External`](super::AccountKey::External) instead.
pub trait Signer: Send + Sync {
    /// The algorithm of every signature this key makes.
    fn algorithm(&self) -> JwsAlgorithm;

    /// The public key.
    fn jwk(&self) -> &Jwk;

    /// Signs in the form of JWS: for ECDSA `R || S` in fixed width (RFC 7518 §3.4), never ASN.1.
    ///
    /// # Errors
    /// [`SignError`] if the key or the source of randomness fails.
    fn sign(&self, entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A [`PrivateKey`] as account key.
#[derive(Clone)]
pub struct LocalSigner(PrivateKey);

impl LocalSigner {
    /// Makes an account key of a private key.
    pub const fn new(private_key: PrivateKey) -> Self {
        Self(private_key)
    }

    /// The private key, for saving it.
    pub const fn private_key(&self) -> &PrivateKey {
        &self.0
    }
}

impl From<PrivateKey> for LocalSigner {
    fn from(private_key: PrivateKey) -> Self {
        Self::new(private_key)
    }
}

impl Signer for LocalSigner {
    fn algorithm(&self) -> JwsAlgorithm {
        self.0.jwk().algorithm()
    }

    fn jwk(&self) -> &Jwk {
        self.0.jwk()
    }

    fn sign(&self, entropy: &mut dyn Entropy, message: &[u8]) -> Result<Vec<u8>, SignError> {
        normalise_signature(self.algorithm(), &self.0.sign(entropy, message)?)
    }
}

impl fmt::Debug for LocalSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalSigner").field(&self.0).finish()
    }
}
