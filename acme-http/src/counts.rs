//! How many requests a client has sent, by purpose.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Mutex;

use acmekit_core::action::RequestKind;

use crate::sync::lock;

/// Requests sent by a client since it was built, counted where they are handed to the HTTP client,
/// whatever became of them.
///
/// A certificate of N names with nothing authorized yet takes 2N + 5 requests, plus one for the
/// directory and one for the first nonce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts(BTreeMap<RequestKind, u64>);

impl RequestCounts {
    /// Requests of one kind.
    pub fn of(&self, kind: RequestKind) -> u64 {
        self.0.get(&kind).copied().unwrap_or(0)
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The kinds that occurred, each with its number.
    pub fn iter(&self) -> impl Iterator<Item = (RequestKind, u64)> + '_ {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }
}

/// Such as `9 requests (directory 1, newNonce 1, …)`.
impl fmt::Display for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests", self.total())?;
        for (index, (kind, count)) in self.iter().enumerate() {
            write!(f, "{}{kind} {count}", if index == 0 { " (" } else { ", " })?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

/// The running count, shared by all flows of a client.
#[derive(Debug, Default)]
pub(crate) struct Counter(Mutex<RequestCounts>);

impl Counter {
    pub(crate) fn add(&self, kind: RequestKind) {
        let mut counts = lock(&self.0);
        *counts.0.entry(kind).or_default() += 1;
    }

    pub(crate) fn snapshot(&self) -> RequestCounts {
        lock(&self.0).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_kind() {
        let counter = Counter::default();
        assert_eq!(counter.snapshot().to_string(), "0 requests");
        counter.add(RequestKind::Order);
        counter.add(RequestKind::Order);
        counter.add(RequestKind::Directory);
        let counts = counter.snapshot();
        assert_eq!((counts.total(), counts.of(RequestKind::Order)), (3, 2));
        assert_eq!(counts.of(RequestKind::NewNonce), 0);
        assert_eq!(counts.to_string(), "3 requests (directory 1, order 2)");
    }
}
