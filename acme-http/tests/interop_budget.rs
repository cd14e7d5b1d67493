//! How many requests certificates cost at Pebble, counted by the client and by Pebble itself.
//!
//! Pebble issues after it has answered finalize, so the order is read once before and once after:
//! newOrder, N authorizations, N challenges, order, finalize, order, certificate are 2N + 5.

mod interop;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acmekit::{Client, Event, KeyType, RequestKind, Wanted};
use interop::clients::{assert_issued, builder, http01_listener, new_key, registration};
use interop::pebble::{Pebble, Settings, Version};
use interop::{figures, or_skip};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How often a workload that costs too much is repeated.
const ROUNDS: usize = 3;

/// One test at a time: polls are timed, and the others would slow Pebble down.
async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}

/// What a client did, in order. The tests run on one thread and the observer is called in the same
/// breath as the flow takes an answer in or a request out, so the order is that of the session.
#[derive(Clone)]
struct Trace {
    begun: Instant,
    steps: Arc<Mutex<Vec<(Duration, Step)>>>,
}

#[derive(Clone, Copy)]
enum Step {
    Request(RequestKind),
    Answer(RequestKind, u16),
}

impl Trace {
    fn new() -> Self {
        Self { begun: Instant::now(), steps: Arc::default() }
    }

    fn observe(&self, event: &Event<'_>) {
        let step = match event {
            Event::Request { kind, .. } => Step::Request(*kind),
            Event::Answer { kind, status, .. } => Step::Answer(*kind, *status),
            _ => return,
        };
        self.steps.lock().unwrap().push((self.begun.elapsed(), step));
    }

    /// Panics if newNonce was fetched while a nonce was at hand, or an answer was an error, such as
    /// `badNonce` for a nonce that was used twice.
    fn assert_nonces_are_well_used(&self) {
        let mut at_hand = 0_i64;
        for (number, (_, step)) in self.steps.lock().unwrap().iter().enumerate() {
            match step {
                Step::Request(RequestKind::Directory) | Step::Answer(RequestKind::Directory, _) => {
                }
                Step::Request(RequestKind::NewNonce) => {
                    assert_eq!(at_hand, 0, "step {number}: newNonce with a nonce at hand\n{self}");
                }
                Step::Request(_) => at_hand -= 1,
                Step::Answer(_, status) => {
                    assert!((200..300).contains(status), "step {number}: {status}\n{self}");
                    at_hand += 1;
                }
            }
            assert!(at_hand >= 0, "step {number}: more nonces used than there were\n{self}");
        }
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, (time, step)) in self.steps.lock().unwrap().iter().enumerate() {
            let millis = time.as_secs_f64() * 1000.0;
            match step {
                Step::Request(kind) => writeln!(f, "{number:4} {millis:9.1} ms  {kind}")?,
                Step::Answer(kind, status) => {
                    writeln!(f, "{number:4} {millis:9.1} ms      {kind} answered {status}")?;
                }
            }
        }
        Ok(())
    }
}

/// A client with an account from before and nothing sent yet.
async fn client_with_account(pebble: &Pebble) -> (Client, Trace) {
    let key = new_key(KeyType::P256);
    let begin = || builder(&pebble.directory_url(), pebble.root_pem_path(), &key);
    let account = begin().build().unwrap().register(registration()).await.unwrap();
    let trace = Trace::new();
    let observed = trace.clone();
    let client = begin()
        .account(account)
        .solver(http01_listener(pebble).await)
        .observe(move |event| observed.observe(event))
        .build()
        .unwrap();
    assert_eq!(client.request_counts().total(), 0);
    (client, trace)
}

/// Requests that Pebble has logged, by purpose. Its log of 2.10 names the handler of each.
fn logged(pebble: &Pebble) -> BTreeMap<RequestKind, u64> {
    let mut counts = BTreeMap::new();
    for line in pebble.log().lines() {
        let Some(request) = line.strip_suffix("-> calling handler()") else { continue };
        let path = request.split_whitespace().next_back().unwrap_or_default();
        let kind = match path {
            "/dir" => RequestKind::Directory,
            "/nonce-plz" => RequestKind::NewNonce,
            "/sign-me-up" => RequestKind::NewAccount,
            "/order-plz" => RequestKind::NewOrder,
            "/my-order/" => RequestKind::Order,
            "/authZ/" => RequestKind::Authorization,
            "/chalZ/" => RequestKind::Challenge,
            "/finalize-order/" => RequestKind::Finalize,
            "/certZ/" => RequestKind::Certificate,
            other => panic!("Pebble was asked for {other}"),
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

/// Runs a workload with a fresh client and hands out how many requests it cost, with a trace of
/// them. Everything about the requests but their number is checked here.
async fn cost_of(workload: &impl AsyncFn(&Pebble, &Client)) -> Option<(u64, String)> {
    let pebble = or_skip(Pebble::start(Version::Current, &Settings::default()))?;
    let (client, trace) = client_with_account(&pebble).await;
    let before = logged(&pebble);
    let work = workload(&pebble, &client);
    tokio::time::timeout(TIME_LIMIT, work).await.expect("it ends in time");

    let counts = client.request_counts();
    let mut heard = logged(&pebble);
    for (kind, count) in &mut heard {
        *count -= before.get(kind).copied().unwrap_or(0);
    }
    heard.retain(|_, count| *count > 0);
    assert_eq!(heard, counts.iter().collect(), "Pebble has counted otherwise\n{trace}");
    assert_eq!(counts.of(RequestKind::Directory), 1, "{counts}");
    trace.assert_nonces_are_well_used();
    figures::print(format_args!("at Pebble: {counts}"));
    Some((counts.total(), format!("{counts}\n{trace}")))
}

/// Panics if a workload costs more than this in every round. The budget is for a server that is not
/// slow: on a machine that is busy with something else, an order may not be ready at the first poll
/// and a second nonce may be worth its price.
async fn assert_costs_at_most(budget: u64, workload: impl AsyncFn(&Pebble, &Client)) {
    let _turn = alone().await;
    let mut traces = String::new();
    for _ in 0..ROUNDS {
        let Some((cost, trace)) = cost_of(&workload).await else { return };
        if cost <= budget {
            return;
        }
        traces = trace;
    }
    panic!("more than {budget} requests in each of {ROUNDS} rounds; the last: {traces}");
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("host{n}.example.org")).collect()
}

#[tokio::test]
async fn one_name_costs_nine_requests_from_a_cold_start() {
    assert_costs_at_most(9, async |pebble, client| {
        let obtained = client.obtain(Wanted::names(names(1)).unwrap()).await.unwrap();
        assert_issued(pebble, &obtained, &names(1), "P-256");
    })
    .await;
}

#[tokio::test]
async fn fifty_names_cost_a_hundred_and_seven_requests_from_a_cold_start() {
    assert_costs_at_most(107, async |pebble, client| {
        let obtained = client.obtain(Wanted::names(names(50)).unwrap()).await.unwrap();
        assert_issued(pebble, &obtained, &names(50), "P-256");
    })
    .await;
}

/// 7.1 for each certificate.
#[tokio::test]
async fn two_hundred_certificates_with_sixteen_orders_in_flight_cost_1420_requests() {
    assert_costs_at_most(1420, async |pebble, client| {
        let slots = Arc::new(Semaphore::new(16));
        let mut orders = JoinSet::new();
        for name in names(200) {
            let (client, slots) = (client.clone(), Arc::clone(&slots));
            orders.spawn(async move {
                let _slot = slots.acquire_owned().await.unwrap();
                let obtained = client.obtain(Wanted::names([&name]).unwrap()).await.unwrap();
                (name, obtained)
            });
        }
        let issued = orders.join_all().await;
        assert_eq!(issued.len(), 200);
        // Each was verified by the library; OpenSSL looks at some of them.
        for (name, obtained) in issued.iter().step_by(40) {
            assert_issued(pebble, obtained, &[name], "P-256");
        }
    })
    .await;
}
