//! Randomness from the operating system.

use acmekit_core::entropy::{Entropy, EntropyError};

/// The operating system's random number generator.
///
/// ```
/// use acmekit::{KeyType, PrivateKey, SystemEntropy};
///
/// let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy)?;
/// # assert_eq!(key.key_type(), KeyType::P256);
/// # Ok::<(), acmekit::core::crypto::KeyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(out).map_err(|_| EntropyError)
    }
}
