//! A seeded stream of bytes: everything the CA draws at random, repeatable from one number.

use acmekit_core::entropy::{Entropy, EntropyError};
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// Repeatable bytes from a seed: SHA-256 over the seed, a label and a counter.
///
/// Clients under test can use it too, so that a whole run repeats byte for byte. It must never
/// make a key that guards anything: who knows the seed knows every byte.
///
/// ```
/// use acmekit_core::entropy::Entropy;
/// use acmekit_testing::SeededEntropy;
///
/// let (mut first, mut second) = ([0; 40], [0; 40]);
/// SeededEntropy::new(7).fill(&mut first)?;
/// SeededEntropy::new(7).fill(&mut second)?;
/// assert_eq!(first, second);
/// # Ok::<(), acmekit_core::entropy::EntropyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeededEntropy {
    seed: u64,
    label: &'static str,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededEntropy {
    /// Starts the stream that belongs to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self::labelled(seed, "")
    }

    /// Starts one of several streams of the same seed: drawing from one does not shift another.
    pub(crate) const fn labelled(seed: u64, label: &'static str) -> Self {
        Self { seed, label, counter: 0, block: [0; 32], used: 32 }
    }

    pub(crate) fn draw(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used >= self.block.len() {
                self.block = Sha256::new()
                    .chain_update(b"acmekit-testing")
                    .chain_update(self.seed.to_be_bytes())
                    .chain_update(self.counter.to_be_bytes())
                    .chain_update(self.label.as_bytes())
                    .finalize()
                    .into();
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *byte = self.block.get(self.used).copied().unwrap_or_default();
            self.used += 1;
        }
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.draw(&mut out);
        out
    }

    /// `N` bytes as base64url: nonces, tokens and the opaque part of URLs.
    pub(crate) fn text<const N: usize>(&mut self) -> String {
        Base64UrlUnpadded::encode_string(&self.bytes::<N>())
    }

    /// Whether an event with a chance of `percent` in a hundred happens. Draws nothing at 0.
    pub(crate) fn happens(&mut self, percent: u8) -> bool {
        percent > 0 && u32::from_be_bytes(self.bytes()) % 100 < u32::from(percent)
    }

    /// Brings `list` into an order of its own (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let bound = u64::try_from(last).unwrap_or(u64::MAX - 1) + 1;
            let other = u64::from_be_bytes(self.bytes()) % bound;
            list.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        self.draw(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_seeds_give_different_streams_and_cuts_do_not() {
        let whole: [u8; 50] = SeededEntropy::new(1).bytes();
        let mut pieces = SeededEntropy::new(1);
        let (front, back): ([u8; 33], [u8; 17]) = (pieces.bytes(), pieces.bytes());
        assert_eq!(whole.as_slice(), [front.as_slice(), back.as_slice()].concat());
        assert_ne!(whole, SeededEntropy::new(2).bytes::<50>());
        assert_ne!(whole, SeededEntropy::labelled(1, "keys").bytes::<50>());
    }
}
