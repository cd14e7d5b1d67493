//! A flow and the testing CA, which checks every request, with a bad network between them.

use acmekit_core::action::{Offer, TransportFailure};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::crypto::PrivateKey;
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::{Context, Flow};
use acmekit_core::session::Session;
use acmekit_core::types::Identifier;
use acmekit_testing::{
    Config, FailureReason, RetryAfter, TestingCa, ValidationOutcome, ValidationTarget,
};
use arbitrary::{Result, Unstructured};
use http::Response;
use std::time::Duration;

use crate::client::{Client, Rest};
use crate::fixture::{self, KeyPlace};
use crate::mutation::{failure, spoil};
use crate::operation::Operation;
use crate::server::{Answer, Body};

/// What was done to the CA's answers and to the client on the way.
#[derive(Default)]
struct Damage {
    /// An answer was changed: the client may be led into anything but a breach of its contract.
    lied: bool,
    /// A request or an answer was lost, or the client started anew.
    lost: bool,
}

/// Registers and then issues against a CA whose configuration, and whose network, come from the
/// fuzzer's bytes.
pub fn run(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (config, order) = setting(&mut u).unwrap_or_default();
    let order = &fixture::orders()[order];
    let mut ca = TestingCa::new(config, 5);
    let session = fixture::session(&ca.directory_url(), KeyPlace::Local, Default::default());
    let mut damage = Damage::default();

    let client = Client::new(fixture::register(false), session, order);
    let client = drive(&mut u, client, &mut ca, &mut damage);
    if client.session.account().is_none() {
        assert!(damage.lied || damage.lost, "no account though nothing went wrong");
        return;
    }
    let Client { session, now, wire, .. } = client;
    let mut client = Client::new(order.flow(false), session, order);
    (client.now, client.wire) = (now, wire);
    let client = drive(&mut u, client, &mut ca, &mut damage);
    if !damage.lied && !damage.lost {
        let error = client.result.and_then(std::result::Result::err);
        assert!(error.is_none(), "no certificate though nothing went wrong: {error:?}");
        assert!(ca.violations().is_empty(), "{:?}", ca.violations());
    }
}

fn setting(u: &mut Unstructured<'_>) -> Result<(Config, usize)> {
    let mut config = Config::default()
        .with_order_reuse(u.ratio(1, 2)?)
        .with_authorization_reuse(u.ratio(1, 2)?)
        .with_nonce_on_errors(!u.ratio(1, 4)?)
        .with_shuffled_lists(u.ratio(1, 4)?)
        .with_alternate_roots(u.int_in_range(0..=1)?)
        .with_validation_delay(Duration::from_millis(u.int_in_range(0..=5000)?));
    if u.ratio(1, 2)? {
        config = config.with_issuance_delay(Duration::from_millis(u.int_in_range(0..=5000)?));
    }
    if u.ratio(1, 2)? {
        let seconds = u.int_in_range(0..=30)?;
        let date = u.ratio(1, 2)?;
        config = config.with_retry_after(match date {
            true => RetryAfter::HttpDate(seconds),
            false => RetryAfter::Seconds(seconds),
        });
    }
    Ok((config, u.int_in_range(0..=2)?))
}

fn drive<F: Operation>(
    u: &mut Unstructured<'_>,
    mut client: Client<F>,
    ca: &mut TestingCa,
    damage: &mut Damage,
) -> Client<F> {
    let mut stop = client.now.saturating_add(Duration::from_secs(3600));
    for _ in 0..3000 {
        let Rest::Until(until) = client.poll() else { return client };
        if client.flow.awaits_publication() {
            client.publish_all();
        } else if let Some(sent) = client.in_flight.first() {
            let (now, request) = (client.now, sent.request.clone());
            let fate: u8 = if u.is_empty() { 0 } else { u.arbitrary().unwrap_or(0) };
            let mut response = None;
            if fate != 1 {
                response = Some(ca.handle(now, request));
            }
            validate(ca, &client.presented, now);
            transport(u, &mut client, fate, response, damage);
        } else {
            client.now = client.now.max(until);
        }
        // Resuming gives a flow a new deadline; a script could do so for ever.
        if client.now > stop {
            client.cancel();
            stop = acmekit_core::time::Timestamp::MAX;
        }
    }
    panic!("the flow does not end");
}

/// Carries an answer to the client, or does what the fuzzer wants with it.
fn transport<F: Operation>(
    u: &mut Unstructured<'_>,
    client: &mut Client<F>,
    fate: u8,
    response: Option<Response<Vec<u8>>>,
    damage: &mut Damage,
) {
    let Some(response) = response else {
        damage.lost = true;
        return client.lose(0, TransportFailure::NotSent("no route".to_owned()));
    };
    match fate {
        2 => {
            damage.lost = true;
            client.lose(0, TransportFailure::Unknown("connection reset".to_owned()));
        }
        3 => {
            damage.lost = true;
            client.lose(0, failure(u).unwrap_or(TransportFailure::ResponseTooLarge));
        }
        4..=11 => {
            damage.lied = true;
            let answer = spoil(u, take_apart(response), client.order);
            client.answer(0, answer.unwrap_or_else(|_| Answer::bytes(500, "")).into_response());
        }
        12 => {
            damage.lost = true;
            let session = restarted(&client.session);
            client.resume(Some(session));
        }
        13 => {
            damage.lost = true;
            client.answer(0, response);
            client.resume(None);
        }
        14 => {
            client.now = client.now.saturating_add(Duration::from_millis(100));
            client.answer(0, response);
        }
        _ => client.answer(0, response),
    }
}

/// The same client in a new process: only the account is kept.
fn restarted(known: &Session) -> Session {
    let policy = known.policy().clone();
    let mut session = fixture::session(known.directory_url(), KeyPlace::Local, policy);
    if let Some(account) = known.account() {
        session.set_account(account.clone()).unwrap();
    }
    session
}

fn take_apart(response: Response<Vec<u8>>) -> Answer {
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body: serde_json::from_slice(&body).map_or(Body::Bytes(body), Body::Json),
    }
}

/// The CA looks at what is published.
fn validate(ca: &mut TestingCa, presented: &[Offer], now: acmekit_core::time::Timestamp) {
    for validation in ca.poll_validations() {
        let nothing =
            ValidationOutcome::Failed { reason: FailureReason::Connection, detail: String::new() };
        let outcome = match &validation.target {
            ValidationTarget::Http { path, .. } => presented
                .iter()
                .find(|o| o.kind == ChallengeType::Http01 && o.http01_path() == *path)
                .map_or(nothing, |o| ValidationOutcome::HttpBody(o.http01_body().into())),
            ValidationTarget::Dns { name } => {
                let at_name = presented.iter().filter(|offer| offer.dns01_name() == *name);
                ValidationOutcome::TxtRecords(at_name.map(Offer::dns01_value).collect())
            }
            _ => nothing,
        };
        ca.validation_result(now, validation.id, outcome);
    }
}

/// A chain for these names and this key, from a CA of this seed.
pub fn certify(names: &[Identifier], key: &PrivateKey, seed: u64) -> String {
    let mut ca = TestingCa::new(Config::default(), seed);
    let mut session = fixture::session(&ca.directory_url(), KeyPlace::Local, Default::default());
    settle(&mut ca, &mut session, &mut fixture::register(false));
    let request = fixture::request(names, key, seed);
    let mut flow = Issue::new(NewOrder::new(names.iter().cloned()), request);
    settle(&mut ca, &mut session, &mut flow).chain().to_pem()
}

/// Runs a flow without any trouble.
fn settle<F: Flow>(ca: &mut TestingCa, session: &mut Session, flow: &mut F) -> F::Output {
    use acmekit_core::action::{Action, Input};
    let mut entropy = acmekit_testing::SeededEntropy::new(3);
    let mut now = fixture::START;
    let mut presented: Vec<Offer> = Vec::new();
    loop {
        let cx = &mut Context { session, now, entropy: &mut entropy };
        match flow.poll(cx).unwrap() {
            Action::Send(out) => {
                let response = ca.handle(now, out.request);
                validate(ca, &presented, now);
                flow.handle(cx, Input::Response { id: out.id, response }).unwrap();
            }
            Action::Present(offers) => {
                let ids = offers.iter().map(|offer| offer.id.clone()).collect();
                presented = offers;
                flow.handle(cx, Input::Published(ids)).unwrap();
            }
            Action::Wait { until, .. } | Action::Blocked { until } => now = until,
            Action::Withdraw(_) => {}
            Action::Sign(_) => unreachable!("the keys are local"),
            Action::Done(output) => return output,
        }
    }
}
