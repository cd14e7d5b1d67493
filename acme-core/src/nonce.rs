//! The pool of unused anti-replay nonces (RFC 8555 §6.5).

use core::time::Duration;

use crate::time::Timestamp;

/// Most nonces that are kept; a client never has use for more than it has requests in flight.
const MAX_NONCES: usize = 64;

/// Unused nonces with the time they came. A nonce leaves the pool when it is used and never comes
/// back; none is ever in it twice.
#[derive(Default)]
pub(crate) struct NoncePool(Vec<(String, Timestamp)>);

/// What became of a nonce that was offered to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Banked {
    Fresh,
    /// The very nonce is in the pool already: a cache answers in the server's place (R-NON-07).
    Repeated,
}

impl NoncePool {
    pub(crate) fn bank(&mut self, nonce: String, now: Timestamp) -> Banked {
        if self.0.iter().any(|(known, _)| *known == nonce) {
            return Banked::Repeated;
        }
        if self.0.len() >= MAX_NONCES {
            self.0.remove(0);
        }
        self.0.push((nonce, now));
        Banked::Fresh
    }

    /// Takes the newest nonce; those older than `max_age` are thrown away.
    pub(crate) fn take(&mut self, now: Timestamp, max_age: Duration) -> Option<String> {
        self.0.retain(|(_, came)| now.saturating_since(*came) <= max_age);
        self.0.pop().map(|(nonce, _)| nonce)
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
        assert_eq!(pool.0.len(), MAX_NONCES);
    }
}
