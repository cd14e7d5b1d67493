//! Pure schedules: how long to wait before a request is repeated and before an order is polled.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::entropy::Entropy;
use crate::error::{Error, ErrorKind, Step};
use crate::policy::Policy;
use crate::time::Timestamp;

const FIRST_RETRY: Duration = Duration::from_millis(250);
const MAX_RETRY: Duration = Duration::from_secs(15);
/// A poll gap between the third poll and the time when it has grown past this.
const STEADY_GAP: Duration = Duration::from_millis(250);

/// The wait before repetition number `attempt` (from 0) of a failed request: doubling, with up to
/// a quarter taken off at random so that many clients do not come back in step.
pub(crate) fn retry_delay(
    attempt: u32,
    step: Step,
    entropy: &mut dyn Entropy,
) -> Result<Duration, Error> {
    let doubled = FIRST_RETRY.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
    jittered(doubled.min(MAX_RETRY), 4, step, entropy)
}

/// Takes up to one part in `part` off a duration.
fn jittered(
    duration: Duration,
    part: u32,
    step: Step,
    entropy: &mut dyn Entropy,
) -> Result<Duration, Error> {
    let mut random = [0_u8; 2];
    entropy.fill(&mut random).map_err(|error| {
        Error::new(ErrorKind::Crypto, step, "entropy-failed", error.to_string())
    })?;
    let share = duration.checked_div(part).unwrap_or_default();
    Ok(duration.saturating_sub(share.mul_f64(f64::from(u16::from_be_bytes(random)) / 65_536.0)))
}

/// When an order is polled: early at first, then less and less often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Polls {
    started: Timestamp,
    next: Timestamp,
    count: u32,
}

impl Polls {
    /// Waiting begins; the answer that began it may have carried a Retry-After.
    pub(crate) fn start(now: Timestamp, retry_after: Option<Timestamp>, policy: &Policy) -> Self {
        let first = policy.first_poll.max(policy.min_poll_gap);
        let next = after(retry_after, now).unwrap_or(now.saturating_add(first));
        Self { started: now, next, count: 0 }
    }

    /// The same, with the first poll at this time.
    pub(crate) fn due(mut self, at: Timestamp) -> Self {
        self.next = at;
        self
    }

    /// The same after this many polls of the order in an earlier state: a server that goes back
    /// and forth between states is not polled more often or more eagerly for it.
    pub(crate) fn after_polls(mut self, count: u32) -> Self {
        self.count = count;
        self
    }

    pub(crate) fn next(&self) -> Timestamp {
        self.next
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn waited(&self, now: Timestamp) -> Duration {
        now.saturating_since(self.started)
    }

    /// A poll brought no news. The server's Retry-After is kept to the letter. Without one the gap
    /// doubles up to a quarter of a second and from two seconds on grows with the time waited, so
    /// that the news is never older than an eighth of the whole wait.
    pub(crate) fn no_news(
        &mut self,
        now: Timestamp,
        retry_after: Option<Timestamp>,
        policy: &Policy,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Error> {
        let doubled =
            policy.first_poll.saturating_mul(1_u32.checked_shl(self.count).unwrap_or(u32::MAX));
        self.count = self.count.saturating_add(1);
        self.next = match after(retry_after, now) {
            Some(time) => time,
            None => {
                let grown = self.waited(now) / 8;
                let gap = doubled.min(STEADY_GAP).max(grown).min(policy.max_poll_gap);
                let gap = jittered(gap, 10, Step::Validation, entropy)?;
                now.saturating_add(gap.max(policy.min_poll_gap).max(Duration::from_millis(1)))
            }
        };
        Ok(())
    }
}

/// A Retry-After counts only if it lies ahead: `0` in every answer must not make a hot loop.
fn after(retry_after: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    retry_after.filter(|time| *time > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::EntropyError;

    /// The same byte for ever.
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn schedule(byte: u8, until_millis: i64) -> Vec<i64> {
        let policy = Policy::default();
        let mut polls = Polls::start(Timestamp::UNIX_EPOCH, None, &policy);
        let mut times = vec![polls.next().unix_millis()];
        while polls.next().unix_millis() < until_millis {
            let now = polls.next();
            polls.no_news(now, None, &policy, &mut Constant(byte)).unwrap();
            times.push(polls.next().unix_millis());
        }
        times
    }

    #[test]
    fn the_first_poll_comes_early_and_the_gap_grows() {
        assert_eq!(schedule(0, 2000), [50, 100, 200, 400, 650, 900, 1150, 1400, 1650, 1900, 2150]);
        let long = schedule(0, 3_600_000);
        let gaps: Vec<i64> = long.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + 1), "{gaps:?}");
        assert_eq!(gaps.last(), Some(&30_000));
        assert!(long.len() < 200, "{}", long.len());
    }

    #[test]
    fn jitter_only_shortens() {
        let times = schedule(255, 2000);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 250), "{times:?}");
    }

    #[test]
    fn retry_after_is_kept_to_the_letter_and_zero_makes_no_hot_loop() {
        let policy = Policy::default();
        let now = Timestamp::from_unix_seconds(10);
        let wanted = Timestamp::from_unix_seconds(13);
        let mut polls = Polls::start(now, Some(wanted), &policy);
        assert_eq!(polls.next(), wanted);
        polls.no_news(now, Some(wanted), &policy, &mut Constant(9)).unwrap();
        assert_eq!(polls.next(), wanted);
        polls.no_news(wanted, Some(wanted), &policy, &mut Constant(9)).unwrap();
        assert!(polls.next() > wanted);
    }

    #[test]
    fn no_number_of_failures_makes_the_delay_overflow_or_vanish() {
        for attempt in [0, 1, 31, 32, 63, 64, u32::MAX] {
            let delay = retry_delay(attempt, Step::Nonce, &mut Constant(255)).unwrap();
            assert!(
                delay >= Duration::from_millis(187) && delay <= MAX_RETRY,
                "{attempt} {delay:?}"
            );
        }
    }
}
