//! Many orders of one client side by side.

use acmekit::{RequestKind, Wanted};
use acmekit_testing::Config;

use crate::setup::{assert_no_violation, client_for, registered, start_with_http01};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_certificates_with_sixteen_orders_in_flight_cost_seven_requests_each() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let client = registered(client_for(&server).solver(listener)).await;
    let before = client.request_counts().total();
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(16));
    let mut orders = tokio::task::JoinSet::new();
    for number in 0..40 {
        let (client, slots) = (client.clone(), slots.clone());
        orders.spawn(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let names = [format!("host{number}.example.org")];
            client.obtain(Wanted::names(names).unwrap()).await
        });
    }
    while let Some(result) = orders.join_next().await {
        result.unwrap().unwrap();
    }
    let counts = client.request_counts();
    let each = (counts.total() - before) as f64 / 40.0;
    assert!(each <= 7.1, "{each} requests for each certificate: {counts}");
    assert!(counts.of(RequestKind::Directory) == 1, "{counts}");
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_start_together_share_one_directory_and_few_nonces() {
    let (server, listener) = start_with_http01(Config::default()).await;
    let key = crate::setup::new_key();
    let builder = || {
        acmekit::Client::builder(server.directory_url())
            .account_key(key.clone())
            .add_root_certificate_pem(server.tls_root_pem().as_bytes())
            .unwrap()
    };
    let account = registered(builder()).await.account().unwrap();
    let client = builder().account(account).solver(listener).build().unwrap();
    let mut orders = tokio::task::JoinSet::new();
    for number in 0..8 {
        let client = client.clone();
        orders.spawn(async move {
            let names = [format!("host{number}.example.org")];
            client.obtain(Wanted::names(names).unwrap()).await
        });
    }
    while let Some(result) = orders.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(client.request_counts().of(RequestKind::Directory), 1);
    assert_no_violation(&server);
}
