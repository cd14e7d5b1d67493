//! Stopping half-way, and going on elsewhere.

use core::time::Duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use acmekit::core::certificate::CertificateRequestParameters;
use acmekit::core::flow::Checkpoint;
use acmekit::{
    CertificateRequest, Client, ErrorKind, Issue, NewOrder, PrivateKey, SystemEntropy, Wanted,
};
use acmekit_testing::Config;

use crate::recorder::{Odd, Recorder};
use crate::setup::{assert_no_violation, client_for, new_key, registered, start_with_http01};

/// A CA that takes its time.
fn slow() -> Config {
    Config::default().with_validation_delay(Duration::from_secs(60))
}

fn flow(key: &PrivateKey) -> Issue {
    let order = NewOrder::new(["a.example.org".parse().unwrap()]);
    let parameters = CertificateRequestParameters::new(order.identifiers().to_vec());
    let request = CertificateRequest::build(&parameters, key, &mut SystemEntropy).unwrap();
    Issue::new(order, request)
}

/// Waits for a condition that comes about in another task.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_withdraws_what_was_published() {
    let (server, listener) = start_with_http01(slow()).await;
    let solver = Recorder::before(listener);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    {
        let wanted = Wanted::names(["a.example.org", "b.example.org"]).unwrap();
        let mut obtaining = core::pin::pin!(client.obtain(wanted));
        let waiting = server_has_seen_challenges(&server, 2);
        tokio::select! {
            result = &mut obtaining => panic!("{result:?}"),
            () = waiting => {}
        }
    }
    client.settle().await;
    assert_eq!(solver.count("withdraw"), 2);
    assert!(solver.is_paired());
    // The client is in order: another operation runs at once.
    let begun = Instant::now();
    client.find_account().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_no_violation(&server);
}

async fn server_has_seen_challenges(server: &acmekit_testing::server::Server, number: u64) {
    eventually("the challenges were not answered", || {
        server.with_ca(|ca| ca.requests().challenge) >= number
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_stops_a_publication_under_way_and_then_withdraws_it() {
    let (server, _listener) = start_with_http01(slow()).await;
    let solver = Recorder::before(Odd::Hangs);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    {
        let wanted = Wanted::names(["a.example.org"]).unwrap();
        let mut obtaining = core::pin::pin!(client.obtain(wanted));
        tokio::select! {
            result = &mut obtaining => panic!("{result:?}"),
            () = eventually("nothing is published", || solver.count("present") == 1) => {}
        }
    }
    client.settle().await;
    assert_eq!(solver.count("withdraw"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_withdraws_before_it_returns() {
    let (server, listener) = start_with_http01(slow()).await;
    let solver = Recorder::before(listener);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let mut flow = flow(&new_key());
    let stop = server_has_seen_challenges(&server, 1);
    let error = client.run_until(&mut flow, stop).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(solver.count("present") == 1 && solver.is_paired());
    let again = client.run(&mut flow).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Cancelled, "a flow that has ended stays so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_ends_an_operation_in_time_and_withdraws() {
    let (server, listener) = start_with_http01(slow()).await;
    let solver = Recorder::before(listener);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let begun = Instant::now();
    let deadline = acmekit::core::time::Timestamp::from(std::time::SystemTime::now())
        .saturating_add(Duration::from_millis(800));
    let wanted = Wanted::names(["a.example.org"]).unwrap().deadline(deadline);
    let error = client.obtain(wanted).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(solver.is_paired());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_solver_that_blocks_its_thread_outlasts_the_deadline_by_ten_seconds_at_most() {
    let (server, _listener) = start_with_http01(slow()).await;
    let released = Arc::<AtomicBool>::default();
    let solver = Recorder::before(Odd::Blocks(Arc::clone(&released)));
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let deadline = acmekit::core::time::Timestamp::from(std::time::SystemTime::now())
        .saturating_add(Duration::from_millis(800));
    let wanted = Wanted::names(["a.example.org"]).unwrap().deadline(deadline);
    let limit = Duration::from_secs(15);
    let ended = tokio::time::timeout(limit, client.obtain(wanted)).await;
    let error = ended.expect("the operation waits for the solver").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert_eq!(solver.count("withdraw"), 0, "the solver still publishes");
    released.store(true, Ordering::Relaxed);
    tokio::time::timeout(limit, client.settle()).await.unwrap();
    assert!(solver.count("present") == 1 && solver.is_paired());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_state_goes_on_in_another_client_and_withdraws_there() {
    let config = Config::default().with_validation_delay(Duration::from_secs(2));
    let (server, listener) = start_with_http01(config).await;
    let listener = Arc::new(listener);
    let (account_key, certificate_key) = (new_key(), new_key());
    let builder = || {
        Client::builder(server.directory_url())
            .account_key(account_key.clone())
            .add_root_certificate_pem(server.tls_root_pem().as_bytes())
            .unwrap()
    };
    let first = registered(builder().solver(Arc::clone(&listener))).await;
    let saved: Arc<Mutex<Option<Checkpoint>>> = Arc::default();
    {
        let mut flow = flow(&certificate_key);
        let last = Arc::clone(&saved);
        let mut running = core::pin::pin!(first.run_saving(&mut flow, move |state| {
            *last.lock().unwrap() = Some(state.clone());
        }));
        tokio::select! {
            result = &mut running => panic!("{result:?}"),
            () = server_has_seen_challenges(&server, 1) => {}
        }
    }
    let json = serde_json::to_string(&saved.lock().unwrap().take().unwrap()).unwrap();
    assert!(!json.contains("PRIVATE KEY"), "{json}");

    let solver = Recorder::before(listener);
    let second =
        builder().account(first.account().unwrap()).solver(solver.clone()).build().unwrap();
    let state = serde_json::from_str(&json).unwrap();
    let flow = second.with_session(|session| Issue::resume(state, session)).unwrap();
    let issued = second.issue_with(flow).await.unwrap();
    assert_eq!(issued.chain().leaf().public_key_der(), certificate_key.public_key_der());
    assert!(solver.count("withdraw") >= 1);
    server.with_ca(|ca| assert_eq!(ca.requests().new_order, 1, "no second order was made"));
}
