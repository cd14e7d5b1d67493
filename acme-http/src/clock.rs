//! The time for flows: the system's clock to tell it, the runtime's timer to wait for it.

use core::time::Duration;
use std::time::SystemTime;

use acmekit_core::time::Timestamp;

/// Longest single sleep. The timer stands still while a machine is suspended and does not follow
/// when its clock is set, so a long wait looks at the clock now and then.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The time now.
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Sleeps until `until`, or for a while: the caller looks at the clock again.
///
/// `Timestamp` cuts off fractions of a millisecond and the timer rounds up to a whole one, so the
/// end is never early and at most a few milliseconds late.
pub(crate) async fn sleep_towards(until: Timestamp) {
    tokio::time::sleep(until.saturating_since(now()).min(MAX_SLEEP)).await;
}

/// Sleeps until `until`.
pub(crate) async fn sleep_until(until: Timestamp) {
    while now() < until {
        sleep_towards(until).await;
    }
}
