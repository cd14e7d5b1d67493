//! Who of a session's flows has requests in flight, who waits for a nonce, and how long a round
//! trip takes: what the choice between waiting for a nonce and fetching one rests on.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::action::RequestId;
use crate::policy::Policy;
use crate::time::Timestamp;

/// After this time an entry belongs to a flow that was dropped, not to one that waits.
const STALE: Duration = Duration::from_secs(120);
/// A queue entry that was not renewed for this long belongs to a flow that was dropped.
const STALE_QUEUE: Duration = Duration::from_secs(5);

/// Most URLs that are remembered as overloaded; each lasts as long as its Retry-After.
const MAX_OVERLOADED: usize = 100;

#[derive(Default)]
pub(crate) struct Traffic {
    /// Requests whose answer will bring a nonce, with the time they left.
    in_flight: BTreeMap<RequestId, Timestamp>,
    /// Requests of flows that found no nonce: per flow, how many and when it last looked.
    queued: BTreeMap<u64, (usize, Timestamp)>,
    /// The one request for the directory, while it is in flight.
    directory: Option<(RequestId, Timestamp)>,
    /// URLs that are overloaded, and until when they ask to be left alone.
    overloaded: BTreeMap<String, Timestamp>,
    /// Smoothed time from request to answer.
    round_trip: Option<Duration>,
}

impl Traffic {
    pub(crate) fn sent(&mut self, id: RequestId, now: Timestamp) {
        self.in_flight.insert(id, now);
    }

    /// Notes that a request has ended, with an answer or without.
    pub(crate) fn ended(&mut self, id: RequestId, now: Timestamp, answered: bool) {
        if self.directory.is_some_and(|(fetch, _)| fetch == id) {
            self.directory = None;
        }
        let Some(sent) = self.in_flight.remove(&id) else { return };
        if answered {
            let sample = now.saturating_since(sent);
            self.round_trip = Some(match self.round_trip {
                Some(smoothed) => (smoothed * 3 + sample) / 4,
                None => sample,
            });
        }
    }

    /// Notes how many requests of a flow wait for a nonce.
    pub(crate) fn queue(&mut self, flow: u64, requests: usize, now: Timestamp) {
        if requests == 0 {
            self.queued.remove(&flow);
        } else {
            self.queued.insert(flow, (requests, now));
        }
    }

    /// Whether a newNonce request is worth its price now.
    ///
    /// Every answer brings a nonce, so as many requests can be under way as there are nonces
    /// going round (lanes). A request that finds none waits for the next answer, for free. Only
    /// where the queue is so long, or the way so slow, that the last in it would wait longer than
    /// the policy's patience is another lane opened.
    pub(crate) fn wants_nonce(&mut self, policy: &Policy, now: Timestamp) -> bool {
        self.forget_the_dropped(now);
        let lanes = self.in_flight.len();
        if lanes == 0 {
            return true;
        }
        if lanes >= policy.max_in_flight.max(1) {
            return false;
        }
        // Nothing was sent for a while and no answer has come: none is near.
        let patience = policy.nonce_patience;
        if self.in_flight.values().all(|sent| now.saturating_since(*sent) >= patience) {
            return true;
        }
        let queued: usize = self.queued.values().map(|(requests, _)| requests).sum();
        // Each of the queue gets the nonce of an answer that is on its way already.
        if lanes >= queued {
            return false;
        }
        let round_trip = self.round_trip.unwrap_or_default();
        let rounds = u32::try_from(queued.div_ceil(lanes)).unwrap_or(u32::MAX);
        round_trip.saturating_mul(rounds) > patience
    }

    /// How long a flow with nothing in flight waits for another's answer before it helps itself.
    pub(crate) fn patience(&self, policy: &Policy) -> Duration {
        let round_trips = self.round_trip.unwrap_or_default().saturating_mul(4);
        policy.nonce_patience.max(round_trips).max(Duration::from_millis(1))
    }

    pub(crate) fn directory_fetch(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.directory = self.directory.filter(|(_, sent)| now.saturating_since(*sent) < STALE);
        self.directory.map(|(_, sent)| sent)
    }

    pub(crate) fn directory_sent(&mut self, id: RequestId, now: Timestamp) {
        self.directory = Some((id, now));
    }

    /// Notes that a server has no capacity for a URL before a time, whoever asks (R-ERR-10).
    pub(crate) fn overload(&mut self, url: &str, until: Timestamp, now: Timestamp) {
        self.overloaded.retain(|_, until| *until > now);
        if self.overloaded.len() < MAX_OVERLOADED {
            let known = self.overloaded.entry(url.to_owned()).or_insert(until);
            *known = until.max(*known);
        }
    }

    /// Until when a URL is to be left alone, if it is.
    pub(crate) fn overloaded_until(&self, url: &str, now: Timestamp) -> Option<Timestamp> {
        self.overloaded.get(url).copied().filter(|until| *until > now)
    }

    fn forget_the_dropped(&mut self, now: Timestamp) {
        self.in_flight.retain(|_, sent| now.saturating_since(*sent) < STALE);
        self.queued.retain(|_, (_, seen)| now.saturating_since(*seen) < STALE_QUEUE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn with_round_trip(millis: i64) -> Traffic {
        let mut traffic = Traffic::default();
        traffic.sent(RequestId(0), at(0));
        traffic.ended(RequestId(0), at(millis), true);
        traffic
    }

    #[test]
    fn a_nonce_is_fetched_when_no_answer_is_on_its_way() {
        assert!(Traffic::default().wants_nonce(&Policy::default(), at(0)));
    }

    #[test]
    fn a_fast_server_costs_no_nonce_request_even_for_a_long_queue() {
        let mut traffic = with_round_trip(2);
        traffic.sent(RequestId(1), at(2));
        traffic.queue(1, 50, at(2));
        assert!(!traffic.wants_nonce(&Policy::default(), at(2)));
    }

    #[test]
    fn on_a_slow_way_a_long_queue_opens_lanes_and_a_short_one_does_not() {
        let policy = Policy::default();
        let mut traffic = with_round_trip(100);
        traffic.sent(RequestId(1), at(100));
        traffic.queue(1, 2, at(100));
        assert!(!traffic.wants_nonce(&policy, at(100)));
        traffic.queue(1, 50, at(100));
        let mut lanes = 1;
        while traffic.wants_nonce(&policy, at(100)) {
            lanes += 1;
            traffic.sent(RequestId(lanes), at(100));
            assert!(lanes < 100, "the number of lanes is bounded by the policy");
        }
        assert_eq!(lanes, 10);
    }

    #[test]
    fn an_overloaded_url_is_left_alone_until_its_time_and_then_forgotten() {
        let mut traffic = Traffic::default();
        traffic.overload("https://ca/x", at(5000), at(0));
        traffic.overload("https://ca/x", at(3000), at(0));
        assert_eq!(traffic.overloaded_until("https://ca/x", at(4999)), Some(at(5000)));
        assert_eq!(traffic.overloaded_until("https://ca/x", at(5000)), None);
        assert_eq!(traffic.overloaded_until("https://ca/y", at(0)), None);
        traffic.overload("https://ca/y", at(9000), at(6000));
        assert_eq!(traffic.overloaded.len(), 1);
    }

    #[test]
    fn no_more_lanes_are_opened_than_requests_wait() {
        let mut traffic = with_round_trip(20_000);
        traffic.sent(RequestId(1), at(20_000));
        traffic.queue(1, 3, at(20_000));
        let mut lanes = 1;
        while traffic.wants_nonce(&Policy::default(), at(20_000)) {
            lanes += 1;
            traffic.sent(RequestId(lanes), at(20_000));
        }
        assert_eq!(lanes, 3);
    }

    #[test]
    fn one_answer_that_does_not_come_holds_nobody_up() {
        let policy = Policy::default();
        let mut traffic = with_round_trip(1);
        traffic.sent(RequestId(1), at(1));
        traffic.queue(1, 1, at(1));
        assert!(!traffic.wants_nonce(&policy, at(2)));
        assert!(traffic.wants_nonce(&policy, at(1).saturating_add(policy.nonce_patience)));
    }

    #[test]
    fn flows_that_were_dropped_do_not_block_the_others() {
        let mut traffic = with_round_trip(100);
        traffic.sent(RequestId(1), at(100));
        traffic.queue(1, 500, at(100));
        let later = at(100).saturating_add(STALE);
        assert!(traffic.wants_nonce(&Policy::default(), later));
        assert!(traffic.in_flight.is_empty() && traffic.queued.is_empty());
    }
}
