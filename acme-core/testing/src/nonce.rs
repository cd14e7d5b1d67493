//! Replay nonces (RFC 8555 §6.5): each is good for one request.

use std::collections::BTreeSet;

use crate::cause::RefusalCause;
use crate::entropy::SeededEntropy;
use crate::problem::Problem;

#[derive(Debug)]
pub(crate) struct Nonces {
    entropy: SeededEntropy,
    unused: BTreeSet<String>,
    used: BTreeSet<String>,
}

impl Nonces {
    pub(crate) fn new(seed: u64) -> Self {
        let entropy = SeededEntropy::labelled(seed, "nonces");
        Self { entropy, unused: BTreeSet::new(), used: BTreeSet::new() }
    }

    pub(crate) fn issue(&mut self) -> String {
        let nonce = self.entropy.text::<16>();
        self.unused.insert(nonce.clone());
        nonce
    }

    pub(crate) fn unused(&self) -> usize {
        self.unused.len()
    }

    /// Forgets every nonce, as a restarted server does; to use one of them is no breach.
    pub(crate) fn expire(&mut self) {
        self.unused.clear();
        self.used.clear();
    }

    /// Spends `nonce`; a share of `reject_percent` good ones is refused all the same.
    pub(crate) fn redeem(&mut self, nonce: &str, reject_percent: u8) -> Result<(), Problem> {
        let bad = |detail: &str| Problem::new(RefusalCause::Nonce, detail);
        let is_alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if nonce.is_empty() || !nonce.bytes().all(is_alphabet) {
            return Err(bad("the nonce is not base64url").breach("R-NON-03"));
        }
        if self.unused.remove(nonce) {
            self.used.insert(nonce.to_owned());
            return if self.entropy.happens(reject_percent) {
                Err(bad("the nonce is refused by configuration; use the one in this answer"))
            } else {
                Ok(())
            };
        }
        if self.used.contains(nonce) {
            return Err(bad("the nonce was used before").breach("R-NON-02"));
        }
        Err(bad("the nonce is unknown or has expired"))
    }
}
