//! How often validations of an account may fail in a day.

use core::time::Duration;

use acmekit_core::time::Timestamp;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::problem::Problem;

const DAY: i64 = 86_400;
/// The day is that of Japan, where the rule is known from.
const OFFSET: i64 = 9 * 3600;

/// The failed validations of an account on the day of the last one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    day: i64,
    count: u32,
}

const fn day(time: Timestamp) -> i64 {
    (time.unix_seconds() + OFFSET).div_euclid(DAY)
}

impl Failures {
    pub(crate) const fn add(&mut self, at: Timestamp) {
        if self.day != day(at) {
            *self = Self { day: day(at), count: 0 };
        }
        self.count = self.count.saturating_add(1);
    }
}

impl TestingCa {
    /// Refuses an account that has had too many failed validations today, until the next day.
    pub(crate) fn check_failures(&self, account: usize) -> Result<(), Problem> {
        let Failures { day: last, count } = self.account_at(account)?.failures;
        match self.config.failed_validations {
            Some(limit) if count >= limit && last == day(self.now) => {
                let tomorrow = Timestamp::from_unix_seconds((last + 1) * DAY - OFFSET);
                let wait = tomorrow.saturating_since(self.now);
                let seconds =
                    wait.as_secs() + u64::from(wait > Duration::from_secs(wait.as_secs()));
                let detail = format!(
                    "{count} validations have failed today; the account can order again at \
                     {tomorrow}"
                );
                let problem = Problem::new(RefusalCause::FailureLimit, detail);
                Err(problem.header("retry-after", seconds.to_string()))
            }
            _ => Ok(()),
        }
    }
}
