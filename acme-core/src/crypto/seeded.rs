//! A reproducible source of bytes for unit tests.

use sha2::{Digest, Sha256};

use crate::entropy::{Entropy, EntropyError};

/// SHA-256 over a seed and a counter.
pub(crate) struct Seeded {
    seed: u64,
    counter: u64,
    ready: Vec<u8>,
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, counter: 0, ready: Vec::new() }
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for slot in out {
            if self.ready.is_empty() {
                let mut hash = Sha256::new();
                hash.update(self.seed.to_be_bytes());
                hash.update(self.counter.to_be_bytes());
                self.ready = hash.finalize().to_vec();
                self.counter += 1;
            }
            *slot = self.ready.remove(0);
        }
        Ok(())
    }
}

/// A source that always fails.
pub(crate) struct Broken;

impl Entropy for Broken {
    fn fill(&mut self, _out: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}
