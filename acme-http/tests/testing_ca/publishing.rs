//! What the client does with solvers: order, failure, pairing.

use core::time::Duration;

use acmekit::{ErrorKind, Wanted};
use acmekit_testing::Config;

use crate::recorder::{Odd, Recorder};
use crate::setup::{assert_no_violation, client_for, registered, start_with_http01};

fn wanted() -> Wanted {
    Wanted::names(["a.example.org", "b.example.org"]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_presented_is_withdrawn_once_before_success_is_reported() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let solver = Recorder::before(listener);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    client.obtain(wanted()).await.unwrap();
    assert_eq!(solver.count("present"), 2);
    assert!(solver.is_paired());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_a_solver_fails_the_next_one_is_tried_and_both_withdraw() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let (bad, good) = (Recorder::before(Odd::Fails), Recorder::before(listener));
    let client = registered(client_for(&server).solver(bad.clone()).solver(good.clone())).await;
    client.obtain(wanted()).await.unwrap();
    assert_eq!((bad.count("present"), good.count("present")), (2, 2));
    assert!(bad.is_paired() && good.is_paired());
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_every_solver_fails_the_reason_is_told_and_nothing_is_triggered() {
    for (odd, said) in [(Odd::Fails, "the printer is on fire"), (Odd::Panics, "it panicked")] {
        let (server, _listener) = start_with_http01(Config::default()).await;
        let solver = Recorder::before(odd);
        let client = registered(client_for(&server).solver(solver.clone())).await;
        let error = client.obtain(wanted()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Publication);
        assert!(error.to_string().contains(said), "{error}");
        assert!(solver.is_paired());
        server.with_ca(|ca| assert_eq!(ca.requests().challenge, 0));
        assert_no_violation(&server);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_solver_for_what_is_offered_the_offered_types_are_named() {
    let (server, _listener) = start_with_http01(Config::default()).await;
    let client = registered(client_for(&server)).await;
    let error = client.obtain(wanted()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Publication);
    let text = error.to_string();
    for kind in ["no solver", "http-01", "dns-01", "tls-alpn-01"] {
        assert!(text.contains(kind), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_withdrawal_does_not_hide_the_first_error() {
    // The proof is published nowhere, so validation fails; then the withdrawal fails as well.
    let (server, _listener) = start_with_http01(Config::default()).await;
    let solver = Recorder::before(Odd::WithdrawFails);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let error = client.obtain(wanted()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    assert!(!error.to_string().contains("come off"), "{error}");
    assert!(solver.is_paired());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_orders_that_share_a_challenge_publish_it_once_and_withdraw_it_last() {
    // The CA hands the same pending authorization to both orders.
    let config = Config::default()
        .with_authorization_reuse(true)
        .with_validation_delay(Duration::from_millis(300));
    let (server, listener) = start_with_http01(config).await;
    let solver = Recorder::before(listener);
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let one = || client.obtain(Wanted::names(["a.example.org"]).unwrap());
    let (first, second) = tokio::join!(one(), one());
    first.unwrap();
    second.unwrap();
    assert!(solver.is_paired());
}
