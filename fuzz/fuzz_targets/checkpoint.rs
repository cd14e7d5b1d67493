//! Checkpoints that somebody else wrote: read, resumed as every kind of flow, and run.
#![no_main]

use acmekit_core::flow::account::{FindAccount, Register};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::issue::Issue;
use acmekit_core::flow::{Checkpoint, Flow};
use acmekit_fuzz::client::{Client, Rest};
use acmekit_fuzz::fixture::{self, KeyPlace};
use acmekit_fuzz::operation::Operation;
use acmekit_fuzz::server::Server;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(saved) = serde_json::from_slice::<Checkpoint>(data) else { return };
    let text = serde_json::to_string(&saved).unwrap();
    assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), saved);
    let session = fixture::registered_session(KeyPlace::Cheap, Default::default());
    let _ = FindAccount::resume(saved.clone(), &session).map(|flow| flow.checkpoint());
    let _ = FetchDirectory::resume(saved.clone(), &session).map(|flow| flow.checkpoint());
    run::<Register>(saved.clone());
    run::<Issue>(saved);
});

/// Runs a flow to its end. A certificate is never the end: that of the order which the server
/// knows is for a key that a checkpoint can only name by bringing its certificate request.
fn run<F: Operation>(saved: Checkpoint) {
    let session = fixture::registered_session(KeyPlace::Cheap, Default::default());
    let Ok(flow) = F::restore(saved, &session) else { return };
    let order = &fixture::orders()[0];
    let mut client = Client::new(flow, session, order);
    client.has_unknown_past = true;
    let mut server = Server::default();
    for _ in 0..100 {
        let Rest::Until(until) = client.poll() else { return };
        if client.flow.awaits_publication() {
            client.publish_all();
        } else if !client.to_sign.is_empty() {
            client.sign_rightly(0);
        } else if let Some(sent) = client.in_flight.first() {
            let answer = server.answer(sent.kind, &sent.url, order);
            client.answer(0, answer.into_response());
        } else {
            client.now = client.now.max(until);
        }
    }
    client.starve();
}
