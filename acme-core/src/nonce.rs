//! The pool of unused anti-replay nonces (RFC 8555 §6.5).

use core::time::Duration;
use std::collections::VecDeque;

use crate::time::Timestamp;

/// Most nonces that are kept; a client never has use for more than it has requests in flight.
const MAX_NONCES: usize = 64;
/// Most used nonces that are remembered.
const MAX_USED: usize = 256;

/// Unused nonces with the time they came. A nonce leaves the pool when it is used and never comes
/// back; none is ever in it twice.
#[derive(Default)]
pub(crate) struct NoncePool {
    unused: Vec<(String, Timestamp)>,
    /// The nonces that were used last, so that one that comes again is recognised.
    used: VecDeque<String>,
}

/// What became of a nonce that was offered to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Banked {
    Fresh,
    /// The very nonce came before: a cache answers in the server's place (R-NON-07).
    Repeated,
}

impl NoncePool {
    pub(crate) fn bank(&mut self, nonce: String, now: Timestamp) -> Banked {
        if self.used.contains(&nonce) || self.unused.iter().any(|(known, _)| *known == nonce) {
            return Banked::Repeated;
        }
        if self.unused.len() >= MAX_NONCES {
            self.unused.remove(0);
        }
        self.unused.push((nonce, now));
        Banked::Fresh
    }

    /// Takes the newest nonce; those older than `max_age` are thrown away.
    pub(crate) fn take(&mut self, now: Timestamp, max_age: Duration) -> Option<String> {
        self.unused.retain(|(_, came)| now.saturating_since(*came) <= max_age);
        let (nonce, _) = self.unused.pop()?;
        self.note_use(&nonce);
        Some(nonce)
    }

    /// Takes this very nonce, if it is there.
    pub(crate) fn take_this(&mut self, wanted: &str) -> Option<String> {
        let position = self.unused.iter().position(|(nonce, _)| nonce == wanted)?;
        let (nonce, _) = self.unused.remove(position);
        self.note_use(&nonce);
        Some(nonce)
    }

    fn note_use(&mut self, nonce: &str) {
        if self.used.len() >= MAX_USED {
            self.used.pop_front();
        }
        self.used.push_back(nonce.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const START: Timestamp = Timestamp::from_unix_seconds(1000);

    #[test]
    fn the_newest_nonce_goes_first_and_each_goes_once() {
        let mut pool = NoncePool::default();
        assert_eq!(pool.bank("a".into(), START), Banked::Fresh);
        assert_eq!(pool.bank("b".into(), START), Banked::Fresh);
        assert_eq!(pool.bank("a".into(), START), Banked::Repeated);
        assert_eq!(pool.take(START, HOUR).as_deref(), Some("b"));
        assert_eq!(pool.take(START, HOUR).as_deref(), Some("a"));
        assert_eq!(pool.take(START, HOUR), None);
        assert_eq!(pool.bank("a".into(), START), Banked::Repeated, "it was used");
        assert_eq!(pool.take(START, HOUR), None);
    }

    #[test]
    fn one_certain_nonce_can_be_taken_and_the_others_keep_their_age() {
        let mut pool = NoncePool::default();
        pool.bank("old".into(), START);
        let later = START.saturating_add(HOUR);
        pool.bank("new".into(), later);
        assert_eq!(pool.take_this("new").as_deref(), Some("new"));
        assert_eq!(pool.take_this("new"), None);
        let stale = later.saturating_add(Duration::from_millis(1));
        assert_eq!(pool.take(stale, HOUR), None, "the old one has grown too old meanwhile");
    }

    #[test]
    fn old_nonces_are_thrown_away_and_the_pool_is_bounded() {
        let mut pool = NoncePool::default();
        pool.bank("old".into(), START);
        let later = START.saturating_add(HOUR).saturating_add(Duration::from_millis(1));
        assert_eq!(pool.take(later, HOUR), None);
        for n in 0..200 {
            pool.bank(n.to_string(), START);
        }
        assert_eq!(pool.unused.len(), MAX_NONCES);
    }
}
