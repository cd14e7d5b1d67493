//! Randomness as the caller provides it: the core draws none of its own.

use core::fmt;

/// A source of bytes fit for making keys.
///
/// In production this is the operating system's generator (`acmekit` brings one); in a test it is
/// a seeded stream, so that the same seed and inputs give the same bytes.
pub trait Entropy {
    /// Fills `out` completely.
    ///
    /// # Errors
    /// Fails when the source has failed; nothing is signed or generated then.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError>;
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        (**self).fill(out)
    }
}

/// The source of randomness has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyError;

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source of randomness failed")
    }
}

impl core::error::Error for EntropyError {}
