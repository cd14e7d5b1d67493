//! How soon a client notices that the CA is done: against the testing CA, whose validation takes
//! two seconds, over real sockets and on the real clock.

#[path = "interop/figures.rs"]
mod figures;
#[path = "testing_ca/setup.rs"]
#[allow(dead_code, reason = "another test program uses the rest")]
mod setup;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acmekit::{Event, RequestKind, Wanted};
use acmekit_testing::{Config, RetryAfter};

const VALIDATION: Duration = Duration::from_secs(2);
const CERTIFICATES: usize = 3;

/// When each request of one order was sent.
type Sent = Vec<(RequestKind, Instant)>;

/// Obtains some certificates one after the other and hands out when what was sent.
async fn orders(config: Config) -> Vec<Sent> {
    let (server, listener) = setup::start_with_http01(config).await;
    let sent: Arc<Mutex<Sent>> = Arc::default();
    let heard = Arc::clone(&sent);
    let builder = setup::client_for(&server).solver(listener).observe(move |event| {
        if let Event::Request { kind, .. } = event {
            heard.lock().unwrap().push((*kind, Instant::now()));
        }
    });
    let client = setup::registered(builder).await;
    let mut orders = Vec::new();
    for number in 0..CERTIFICATES {
        sent.lock().unwrap().clear();
        let names = [format!("host{number}.example.org")];
        client.obtain(Wanted::names(names).unwrap()).await.unwrap();
        orders.push(sent.lock().unwrap().clone());
    }
    // A poll before the time in Retry-After would be one.
    setup::assert_no_violation(&server);
    orders
}

fn time_of(sent: &Sent, wanted: RequestKind) -> Instant {
    let found = sent.iter().find(|(kind, _)| *kind == wanted);
    found.unwrap_or_else(|| panic!("no {wanted} was sent")).1
}

#[tokio::test]
async fn without_retry_after_the_end_of_validation_is_noticed_within_three_tenths_of_a_second() {
    let config = Config::default().with_validation_delay(VALIDATION);
    for sent in orders(config).await {
        // The CA counts from a moment after the challenge was sent, so this is a little too much.
        let earliest = time_of(&sent, RequestKind::Challenge) + VALIDATION;
        let late = time_of(&sent, RequestKind::Finalize).duration_since(earliest);
        let polls = sent.iter().filter(|(kind, _)| *kind == RequestKind::Order).count();
        figures::print(format_args!(
            "validation of 2 s without Retry-After: finalized {late:?} late after {polls} polls"
        ));
        assert!(late < Duration::from_millis(300), "{late:?}");
    }
}

#[tokio::test]
async fn a_retry_after_is_overstepped_by_less_than_a_tenth_of_a_second() {
    let second = Duration::from_secs(1);
    let config = Config::default()
        .with_validation_delay(VALIDATION)
        .with_retry_after(RetryAfter::Seconds(1));
    for sent in orders(config).await {
        // Each answer while the CA validates says "in one second": to the challenge, to the polls.
        let mut told = time_of(&sent, RequestKind::Challenge);
        let mut late = Vec::new();
        for (_, polled) in sent.iter().filter(|(kind, _)| *kind == RequestKind::Order) {
            late.push(polled.duration_since(told + second));
            told = *polled;
        }
        let total = time_of(&sent, RequestKind::Finalize)
            .duration_since(time_of(&sent, RequestKind::Challenge));
        figures::print(format_args!(
            "validation of 2 s with Retry-After 1: polls {late:?} past it, finalized after {total:?}"
        ));
        assert!(!late.is_empty(), "the order was polled");
        assert!(late.iter().all(|late| *late < Duration::from_millis(100)), "{late:?}");
    }
}
