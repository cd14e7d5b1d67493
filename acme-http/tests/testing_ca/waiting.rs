//! How exactly the driver waits: every millisecond past the earliest moment is lost to the user.

use core::time::Duration;

use acmekit::Wanted;
use acmekit_testing::{Config, LogEntry, RequestKind, RetryAfter};

use crate::setup::{assert_no_violation, client_for, registered, start_with_http01};

/// The log of a CA that validates one name after this time, with this Retry-After.
async fn issue(delay: Duration, retry_after: Option<RetryAfter>) -> Vec<LogEntry> {
    let config = Config::default().with_validation_delay(delay);
    let config = match retry_after {
        Some(retry_after) => config.with_retry_after(retry_after),
        None => config,
    };
    let (server, listener) = start_with_http01(config).await;
    let client = registered(client_for(&server).solver(listener)).await;
    client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
    assert_no_violation(&server);
    server.with_ca(|ca| ca.log().to_vec())
}

fn millis(from: &LogEntry, to: &LogEntry) -> u128 {
    to.at.saturating_since(from.at).as_millis()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_of_one_second_is_overstepped_by_little_and_never_undercut() {
    for retry_after in [RetryAfter::Seconds(1), RetryAfter::HttpDate(1)] {
        let log = issue(Duration::from_millis(100), Some(retry_after)).await;
        let challenge = log.iter().find(|entry| entry.kind == RequestKind::Challenge).unwrap();
        let poll = log.iter().find(|entry| entry.kind == RequestKind::Order).unwrap();
        let waited = millis(challenge, poll);
        // A date has whole seconds only, so it may name a moment up to a second later.
        let most = if retry_after == RetryAfter::Seconds(1) { 1100 } else { 2100 };
        assert!((990..=most).contains(&waited), "{retry_after:?}: {waited} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_retry_after_a_validation_of_two_seconds_is_noticed_soon() {
    let log = issue(Duration::from_secs(2), None).await;
    let challenge = log.iter().find(|entry| entry.kind == RequestKind::Challenge).unwrap();
    let finalize = log.iter().find(|entry| entry.kind == RequestKind::Finalize).unwrap();
    let waited = millis(challenge, finalize);
    assert!((2000..=2300).contains(&waited), "{waited} ms");
}
