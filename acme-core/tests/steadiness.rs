//! Clocks that jump, servers that go in circles, and times that a server asked for.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::ErrorKind;
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{ChainPreference, Issue, NewOrder};
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_core::time::Timestamp;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_clock_that_is_set_back_neither_stops_a_flow_nor_moves_its_deadline() {
    let mut world = World::new(Config::default(), 1);
    world.ahead = 400 * DAY;
    world.run(&mut Register::new(Registration::new())).unwrap();
    // The clock is corrected.
    world.ahead = Duration::ZERO;
    let start = world.now;
    world.issue(&["example.org"]).unwrap();
    assert!(world.now.saturating_since(start) < Duration::from_secs(2));

    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order => with(json!({"status": "pending"})),
        _ => Fate::Delivered,
    }));
    let start = world.now;
    let deadline = start.saturating_add(Duration::from_secs(20));
    let mut flow = world.order(&["b.example.org"]).deadline(deadline);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    assert!(world.now.saturating_since(start) < Duration::from_secs(22), "{}", world.now);
}

/// The CA's answer with these members replaced.
fn with(members: Value) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(response.body()) {
            for (name, value) in members.as_object().unwrap() {
                object.insert(name.clone(), value.clone());
            }
            *response.body_mut() = Value::Object(object).to_string().into_bytes();
        }
        response
    }))
}

fn busy(seconds: &'static str) -> Fate {
    let builder = Response::builder().status(500).header("retry-after", seconds);
    Fate::Answered(builder.body(b"<html>".to_vec()).unwrap())
}

#[test]
fn a_request_is_not_repeated_before_the_time_an_error_named() {
    for kind in [RequestKind::Finalize, RequestKind::NewOrder, RequestKind::Certificate] {
        let mut world = World::registered(Config::default(), 2);
        let start = world.now;
        world.script =
            Some(Box::new(
                move |got, ordinal, _| {
                    if got == kind && ordinal == 1 { busy("40") } else { Fate::Delivered }
                },
            ));
        world.issue(&["example.org"]).unwrap();
        let took = world.now.saturating_since(start);
        assert!(took >= Duration::from_secs(40), "{kind}: {took:?}");
    }
}

#[test]
fn a_binding_is_not_sent_again_before_the_time_an_error_named() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]));
    let mut world = World::new(config, 3);
    let start = world.now;
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::NewAccount, 1) => busy("30"),
        _ => Fate::Delivered,
    }));
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
    world.run(&mut Register::new(Registration::new().external_account(binding))).unwrap();
    assert!(world.now.saturating_since(start) >= Duration::from_secs(30));
}

#[test]
fn finalize_is_repeated_only_after_a_growing_pause() {
    let mut world = World::registered(Config::default(), 4);
    let start = world.now;
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Finalize => {
            let body = json!({"type": "urn:ietf:params:acme:error:orderNotReady"});
            Fate::Answered(
                Response::builder().status(403).body(body.to_string().into_bytes()).unwrap(),
            )
        }
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.code(), "orderNotReady");
    assert!(world.now.saturating_since(start) > Duration::from_secs(2));
}

#[test]
fn an_order_that_goes_back_and_forth_is_polled_within_the_limits() {
    let mut world = World::registered(Config::default(), 5);
    world.script = Some(Box::new(|kind, ordinal, _| match kind {
        RequestKind::Order if ordinal % 2 == 0 => with(json!({"status": "pending"})),
        RequestKind::Order => with(json!({"status": "processing"})),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadline);
    let polls = world.sent(RequestKind::Order);
    assert!(polls <= 1000, "{polls} polls");
    assert!(world.published.is_empty());
}

#[test]
fn a_wildcard_whose_flag_is_missing_is_issued_all_the_same() {
    let mut world = World::registered(Config::default(), 6);
    world.solves = acmekit_core::challenge::ChallengeType::Dns01;
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Authorization => with(json!({"wildcard": false})),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org", "*.example.org"]).unwrap();
    assert!(world.published.is_empty());
}

#[test]
fn what_a_server_says_is_cut_before_it_is_kept() {
    let mut world = World::registered(Config::default(), 7);
    let flood = "\u{202e}\u{200b}x".repeat(50_000);
    let answer = flood.clone();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder => with(json!({"status": answer, "expires": answer})),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert!(error.to_string().len() < 20_000, "{}", error.to_string().len());
    assert!(!error.message().contains('\u{202e}') && !error.message().contains('\u{200b}'));
    let kept: usize = world.session.deviations().iter().map(|d| d.text.len()).sum();
    assert!(kept < 10_000, "{kept}");
}

#[test]
fn a_date_that_cannot_be_written_is_not_asked_for() {
    let mut world = World::registered(Config::default(), 8);
    let names = identifiers(&["example.org"]);
    let request = world.certificate_request(&names);
    for millis in [-5, i64::MAX] {
        let order = NewOrder::new(names.clone()).not_before(Timestamp::from_unix_millis(millis));
        let error = world.run(&mut Issue::new(order, request.clone())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "bad-date"));
    }
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn every_offer_is_withdrawn_even_if_two_names_share_a_challenge_url() {
    let mut world = World::registered(Config::default(), 9);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Authorization => Fate::Changed(Box::new(|mut response| {
            let mut value: Value = serde_json::from_slice(response.body()).unwrap();
            for challenge in value["challenges"].as_array_mut().unwrap() {
                challenge["url"] = json!("https://ca.test/challenge");
            }
            *response.body_mut() = value.to_string().into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    world.issue(&["a.example.org", "b.example.org"]).unwrap_err();
    assert!(!world.presented.is_empty());
    assert_eq!(world.presented.len(), world.withdrawn.len());
}

#[test]
fn a_chain_that_expires_while_others_are_looked_at_is_not_given() {
    for preference in [ChainPreference::issuer("No Such Root"), ChainPreference::Shortest] {
        let mut world = World::registered(Config::default().with_alternate_roots(2), 10);
        let far = world.now.saturating_add(4000 * DAY);
        // The clock is set forward by years while the first alternate is on its way.
        world.clock_jump = Some((RequestKind::Certificate, 2, 800 * DAY));
        let mut flow = world.order(&["example.org"]).prefer_chain(preference).deadline(far);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Certificate, "certificate-expired"));
        assert!(error.evidence().is_some_and(|pem| pem.starts_with("-----BEGIN CERTIFICATE")));
    }
}
