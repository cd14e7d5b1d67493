//! Pebble's Retry-After, which it sends as a number of seconds or as a date, as it pleases.

mod interop;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acmekit::{Event, RequestKind, Wanted};
use interop::clients::{client_of, http01_listener, registration};
use interop::pebble::{Pebble, Settings, Version};
use interop::{figures, or_skip};
use tokio::task::JoinSet;

const TIME_LIMIT: Duration = Duration::from_secs(60);
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// As many as make it all but certain that both forms occur.
const ORDERS: usize = 8;

/// After finalize Pebble issues at once, but asks to come back in three seconds.
#[tokio::test]
async fn the_order_is_polled_when_retry_after_says_and_not_before() {
    let settings = Settings { retry_after: Some((3, 3)), ..Settings::default() };
    let Some(pebble) = or_skip(Pebble::start(Version::Current, &settings)) else {
        return;
    };
    let listener = http01_listener(&pebble).await;
    let mut orders = JoinSet::new();
    for number in 0..ORDERS {
        let sent: Arc<Mutex<Vec<(RequestKind, Instant)>>> = Arc::default();
        let heard = Arc::clone(&sent);
        let client = client_of(&pebble)
            .solver(Arc::clone(&listener))
            .observe(move |event| {
                if let Event::Request { kind, .. } = event {
                    heard.lock().unwrap().push((*kind, Instant::now()));
                }
            })
            .build()
            .unwrap();
        orders.spawn(async move {
            client.register(registration()).await.unwrap();
            let names = [format!("patient{number}.example.org")];
            client.obtain(Wanted::names(names).unwrap()).await.unwrap();
            let sent = sent.lock().unwrap().clone();
            let after = sent.into_iter().skip_while(|(kind, _)| *kind != RequestKind::Finalize);
            let after: Vec<_> = after.collect();
            let [(_, finalize), (RequestKind::Order, poll), (RequestKind::Certificate, _)] =
                after[..]
            else {
                panic!("finalize, one poll and the certificate were expected: {after:?}");
            };
            poll.duration_since(finalize)
        });
    }
    let waits = tokio::time::timeout(TIME_LIMIT, orders.join_all()).await.expect("an end in time");
    figures::print(format_args!("at Pebble with Retry-After 3: polled after {waits:?}"));
    for wait in waits {
        // A date has no fractions of a second: up to one is cut off.
        assert!(wait > RETRY_AFTER - Duration::from_secs(1), "too early: {wait:?}");
        assert!(wait < RETRY_AFTER + Duration::from_millis(500), "too late: {wait:?}");
    }
}
