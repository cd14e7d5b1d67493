//! Public keys that have another use, so that none of them becomes an account key (RFC 8555 §11.1).

use core::fmt;
use std::collections::VecDeque;

use crate::jose::Jwk;

/// Most keys that a session remembers; the oldest are forgotten first.
pub const MAX_KNOWN_KEYS: usize = 1024;

/// What else a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyOwner {
    /// It is the key of a certificate.
    Certificate,
    /// It is the key of another account, at this server or at another one.
    OtherAccount,
}

impl fmt::Display for KeyOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "a certificate",
            Self::OtherAccount => "another account",
        })
    }
}

/// Thumbprints of keys, the latest last.
#[derive(Default)]
pub(crate) struct KnownKeys(VecDeque<(String, KeyOwner)>);

impl KnownKeys {
    pub(crate) fn note(&mut self, key: &Jwk, owner: KeyOwner) {
        let thumbprint = key.thumbprint();
        self.0.retain(|(known, _)| *known != thumbprint);
        if self.0.len() >= MAX_KNOWN_KEYS {
            self.0.pop_front();
        }
        self.0.push_back((thumbprint, owner));
    }

    pub(crate) fn owner(&self, thumbprint: &str) -> Option<KeyOwner> {
        self.0.iter().find(|(known, _)| known == thumbprint).map(|(_, owner)| *owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_keys_are_remembered_and_the_oldest_forgotten() {
        let key =
            |n: usize| Jwk::rsa(&[&[0x80; 256][..], &n.to_be_bytes()].concat(), &[3]).unwrap();
        let mut known = KnownKeys::default();
        for n in 0..=MAX_KNOWN_KEYS {
            known.note(&key(n), KeyOwner::Certificate);
            known.note(&key(n), KeyOwner::Certificate);
        }
        assert_eq!(known.0.len(), MAX_KNOWN_KEYS);
        assert_eq!(known.owner(&key(0).thumbprint()), None);
        assert_eq!(known.owner(&key(1).thumbprint()), Some(KeyOwner::Certificate));
        known.note(&key(1), KeyOwner::OtherAccount);
        assert_eq!(known.owner(&key(1).thumbprint()), Some(KeyOwner::OtherAccount));
    }
}
