//! MACs that are computed where the key is.

use super::{MacAlgorithm, MacKey};
use crate::crypto::SignError;

/// Something that computes the MAC of an external account binding, so that the key need not be
/// handed over.
pub trait MacSigner: Send + Sync {
    /// Computes the MAC (RFC 2104) of a message. It is as long as the hash of the algorithm.
    ///
    /// # Errors
    /// [`SignError::Signer`] with a text that carries no secret.
    fn sign(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl MacSigner for MacKey {
    fn sign(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.authenticate(algorithm, message))
    }
}
