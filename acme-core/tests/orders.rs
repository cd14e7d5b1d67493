//! The order itself: what is asked for, what the server says of it, and where each status leads
//! (RFC 8555 §7.1.3, §7.1.6, §7.4).

mod world;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::Flow;
use acmekit_core::flow::issue::{Issue, Issued, NewOrder};
use acmekit_core::jose::encoding;
use acmekit_core::time::Timestamp;
use acmekit_testing::{Config, RefusalCause, RequestKind as CaRequest};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

/// The payload of the first newOrder request, as text.
fn ordered(world: &World) -> String {
    let payloads = world.bytes.iter().filter_map(|body| {
        let jws: Value = serde_json::from_slice(body).ok()?;
        let payload = encoding::decode(jws["payload"].as_str()?).ok()?;
        String::from_utf8(payload).ok()
    });
    payloads.into_iter().find(|payload| payload.contains("identifiers")).unwrap()
}

/// Changes the JSON object of an answer.
fn changed(change: impl Fn(&mut serde_json::Map<String, Value>) + 'static) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(response.body()) {
            change(&mut object);
            *response.body_mut() = Value::Object(object).to_string().into_bytes();
        }
        response
    }))
}

fn flow(world: &mut World, order: NewOrder) -> Issue {
    let request = world.certificate_request(order.identifiers());
    Issue::new(order, request)
}

fn codes(world: &World) -> Vec<&'static str> {
    world.session.deviations().iter().map(|deviation| deviation.code).collect()
}

#[test]
fn a_new_order_has_the_members_that_were_asked_for_and_no_nulls() {
    let mut world = World::registered(Config::default().with_profile("classic", ""), 1);
    let plain = NewOrder::new(identifiers(&["WWW.Example.org.", "www.example.org", "192.0.2.1"]));
    let mut plain = flow(&mut world, plain);
    world.run(&mut plain).unwrap();
    assert_eq!(
        ordered(&world),
        r#"{"identifiers":[{"type":"dns","value":"www.example.org"},{"type":"ip","value":"192.0.2.1"}]}"#
    );
    world.forget_traffic();
    let begin = world.now.saturating_add(Duration::from_secs(60));
    let end = Timestamp::from_unix_seconds(1_798_000_000);
    let order = NewOrder::new(identifiers(&["example.org"])).not_before(begin).not_after(end);
    let mut full = flow(&mut world, order.profile("classic"));
    let _: Issued = world.run(&mut full).unwrap();
    let payload: Value = serde_json::from_str(&ordered(&world)).unwrap();
    assert_eq!(
        payload,
        json!({
            "identifiers": [{"type": "dns", "value": "example.org"}],
            "notBefore": begin.to_string(),
            "notAfter": "2026-12-23T04:26:40Z",
            "profile": "classic",
        })
    );
    assert!(begin.to_string().ends_with('Z'), "{begin}");
    world.assert_no_violations();
}

#[test]
fn the_order_url_is_that_of_the_location_of_its_creation_only() {
    let mut world = World::registered(Config::default().with_issuance_delay(SECOND), 2);
    // No later answer names it.
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order | RequestKind::Finalize => Fate::Changed(Box::new(|mut response| {
            response.headers_mut().remove("location");
            response
        })),
        _ => Fate::Delivered,
    }));
    let issued = world.issue(&["example.org"]).unwrap();
    assert!(issued.order_url().starts_with("https://ca.test/"));
    world.assert_no_violations();

    let mut world = World::registered(Config::default(), 2);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => Fate::Changed(Box::new(|mut response| {
            response.headers_mut().remove("location");
            response
        })),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Protocol, Step::NewOrder));
    assert_eq!(error.code(), "location-missing");
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn another_success_than_201_is_taken_for_an_order_and_noted() {
    let mut world = World::registered(Config::default(), 3);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => Fate::Changed(Box::new(|mut response| {
            *response.status_mut() = http::StatusCode::OK;
            response
        })),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert!(codes(&world).contains(&"order-status"), "{:?}", codes(&world));
}

#[test]
fn lists_in_any_order_are_the_same_order() {
    for seed in 0..8 {
        let mut world = World::registered(Config::default().with_shuffled_lists(true), seed);
        let names = ["a.example.org", "b.example.org", "c.example.org", "d.example.org"];
        let issued = world.issue(&names).unwrap();
        assert_eq!(issued.chain().leaf().identifiers().len(), 4);
        assert_eq!(codes(&world), [""; 0]);
        world.assert_no_violations();
    }
}

#[test]
fn an_order_that_the_account_has_already_is_gone_on_with() {
    let config = Config::default().with_order_reuse(true).with_authorization_reuse(true);
    let mut world = World::registered(config, 4);
    // The first try ends before the certificate request is sent; the order stays.
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Finalize => Fate::NotSent,
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org", "www.example.org"]).unwrap_err();
    let first = world.ca.requests().challenge;
    world.script = None;
    world.forget_traffic();
    world.issue(&["www.example.org", "example.org"]).unwrap();
    assert_eq!(world.ca.requests().challenge, first, "the order came back ready");
    assert_eq!(world.sent(RequestKind::Authorization), 0);
    world.assert_no_violations();
}

#[test]
fn an_order_that_comes_back_valid_is_downloaded_at_once() {
    let mut world = World::registered(Config::default(), 5);
    let names = identifiers(&["example.org"]);
    let request = world.certificate_request(&names);
    let order = || NewOrder::new(names.clone());
    let first = world.run(&mut Issue::new(order(), request.clone())).unwrap();
    let (certificate, url) = (first.certificate_url().to_owned(), first.order_url().to_owned());
    world.forget_traffic();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder => {
            let certificate = certificate.clone();
            changed(move |order| {
                order.insert("status".into(), json!("valid"));
                order.insert("certificate".into(), json!(certificate));
            })
        }
        _ => Fate::Delivered,
    }));
    let issued = world.run(&mut Issue::new(order(), request)).unwrap();
    assert_eq!(issued.chain(), first.chain());
    assert_ne!(issued.order_url(), url);
    assert_eq!(world.log, ["newOrder", "certificate"]);
}

/// The statuses of RFC 8555 §7.1.6, with how far each is.
const STATUSES: [(&str, u8); 5] =
    [("pending", 0), ("ready", 1), ("processing", 2), ("valid", 3), ("invalid", 3)];

/// Issues while the first two orders that are read show these statuses, whatever is true.
fn with_statuses(
    seed: u64,
    statuses: &[&str],
) -> (World, Result<Issued, acmekit_core::error::Error>) {
    let mut world = World::registered(Config::default(), seed);
    let queue: VecDeque<String> = statuses.iter().map(|status| (*status).to_owned()).collect();
    let queue = Rc::new(RefCell::new(queue));
    world.script = Some(Box::new(move |kind, _, _| {
        let next = match kind {
            RequestKind::Order | RequestKind::Finalize => queue.borrow_mut().pop_front(),
            _ => None,
        };
        let Some(status) = next else { return Fate::Delivered };
        changed(move |order| {
            if !order.contains_key("status") {
                return;
            }
            order.insert("status".into(), json!(status));
            order.remove("certificate");
            if status == "invalid" {
                let error = json!({"type": "urn:ietf:params:acme:error:caa", "detail": "no"});
                order.insert("error".into(), error);
            }
        })
    }));
    let result = world.issue(&["example.org"]);
    assert!(world.published.is_empty(), "{statuses:?}");
    (world, result)
}

#[test]
fn every_step_from_one_status_to_another_ends_well_and_a_step_back_is_noted() {
    for (from, before) in STATUSES {
        for (to, after) in STATUSES {
            let (world, result) = with_statuses(6, &[from, to]);
            let noted = format!("the order went back from {from} to {to}");
            let is_noted = world
                .session
                .deviations()
                .iter()
                .any(|d| d.code == "order-moved-back" && d.text == noted);
            if from == "invalid" || to == "invalid" {
                let error = result.unwrap_err();
                assert_eq!(error.code(), "caa", "{from} to {to}");
                assert_eq!(error.retry(), &Retry::NewOrder);
                assert!(!is_noted || before > after, "{from} to {to}");
                continue;
            }
            assert!(result.is_ok(), "{from} to {to}: {result:?}");
            assert_eq!(is_noted, after < before, "{from} to {to}: {:?}", codes(&world));
        }
    }
}

#[test]
fn an_invalid_order_is_the_end_and_is_never_read_again() {
    let (world, result) = with_statuses(7, &["invalid", "ready"]);
    assert_eq!(result.unwrap_err().step(), Step::Validation);
    assert_eq!(world.sent(RequestKind::Order), 1);
    assert_eq!(world.sent(RequestKind::Finalize), 0);
}

#[test]
fn an_unknown_status_is_kept_and_noted_while_the_order_is_waited_for() {
    for status in ["waiting", "", "PENDING", "\u{1b}[31m", "\u{65e5}\u{672c}"] {
        let (world, result) = with_statuses(8, &[status, status]);
        result.unwrap_or_else(|error| panic!("{status:?}: {error}"));
        let noted = world.session.deviations().iter().find(|d| d.code == "order-status-unknown");
        let noted = noted.unwrap_or_else(|| panic!("{status:?}: {:?}", codes(&world)));
        assert!(!noted.text.chars().any(char::is_control), "{:?}", noted.text);
    }
    let mut world = World::registered(Config::default(), 9);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => changed(|order| {
            order.insert("status".into(), json!("on-hold"));
        }),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.code(), "order-status-unknown");
    assert!(error.to_string().contains("on-hold"), "{error}");
}

#[test]
fn an_order_whose_lists_change_is_void_and_the_lists_are_kept() {
    let victim = || json!([{"type": "dns", "value": "victim.example"}]);
    let more = json!(["https://ca.test/authz/new"]);
    for (member, value) in [("identifiers", victim()), ("authorizations", more)] {
        let mut world = World::registered(Config::default(), 10);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Order => {
                let value = value.clone();
                changed(move |order| {
                    order.insert(member.into(), value.clone());
                })
            }
            _ => Fate::Delivered,
        }));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, "order-changed"));
        assert_eq!(error.retry(), &Retry::NewOrder);
        let evidence = error.evidence().unwrap();
        assert!(evidence.contains("victim") || evidence.contains("authz/new"), "{evidence}");
        assert_eq!(world.sent(RequestKind::Finalize), 0);
        assert!(world.published.is_empty());
    }
}

#[test]
fn a_final_order_may_list_fewer_authorizations_than_it_had() {
    let mut world = World::registered(Config::default().with_issuance_delay(SECOND), 11);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order => changed(|order| {
            if order["status"] == "valid" {
                order.insert("authorizations".into(), json!(["https://ca.test/one"]));
            }
        }),
        _ => Fate::Delivered,
    }));
    world.issue(&["a.example.org", "b.example.org"]).unwrap();
}

fn expiring(seed: u64, expires: Value) -> World {
    let mut world = World::registered(Config::default(), seed);
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder | RequestKind::Order | RequestKind::Finalize => {
            let expires = expires.clone();
            changed(move |order| {
                match &expires {
                    Value::Null => order.remove("expires"),
                    value => order.insert("expires".into(), value.clone()),
                };
            })
        }
        _ => Fate::Delivered,
    }));
    world
}

#[test]
fn the_end_of_an_order_is_read_in_every_form_of_rfc_3339_and_may_be_missing() {
    for expires in [
        json!("2026-12-01T00:00:00Z"),
        json!("2026-12-01T00:00:00.123456789Z"),
        json!("2026-12-01T09:00:00+09:00"),
        json!("2026-11-30T19:00:00.5-05:00"),
        Value::Null,
    ] {
        let mut world = expiring(12, expires.clone());
        world.issue(&["example.org"]).unwrap();
        // RFC 8555 §7.1.3 wants it in a pending order.
        let noted: &[_] = if expires.is_null() { &["odd-member"] } else { &[] };
        assert_eq!(codes(&world), noted, "{expires}");
    }
}

#[test]
fn an_order_that_has_expired_is_made_anew() {
    // Every form of a date in the past, met when the order is read again after a restart.
    for expires in ["2026-11-21T00:00:00Z", "2026-11-22T08:59:59.999+09:00"] {
        let mut world = World::registered(Config::default(), 13);
        world.script = Some(Box::new(|kind, _, _| match kind {
            RequestKind::Finalize => Fate::NotSent,
            _ => Fate::Delivered,
        }));
        let mut first = world.order(&["example.org"]);
        world.run(&mut first).unwrap_err();
        let saved = first.checkpoint();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Order => changed(move |order| {
                order.insert("expires".into(), json!(expires));
            }),
            _ => Fate::Delivered,
        }));
        let mut resumed = Issue::resume(saved, &world.session).unwrap();
        world.run(&mut resumed).unwrap();
        assert_eq!(world.ca.requests().new_order, 2, "{expires}");
    }
}

#[test]
fn dates_that_the_ca_does_not_take_are_told_apart_from_other_mistakes() {
    let order = |world: &World| {
        let end = world.now.saturating_add(Duration::from_secs(86_400));
        NewOrder::new(identifiers(&["example.org"])).not_after(end)
    };
    let mut world = World::registered(Config::default().with_requested_dates(false), 14);
    let dated = order(&world);
    let mut dated = flow(&mut world, dated);
    let error = world.run(&mut dated).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "dates-refused"));
    assert_eq!(error.retry(), &Retry::FixInput);
    assert!(error.problem().is_some() && error.status().is_some());
    assert!(error.advice().contains("without notBefore and notAfter"), "{}", error.advice());

    let mut world = World::registered(Config::default(), 14);
    world.ca.refuse_next(CaRequest::NewOrder, RefusalCause::Request);
    let dated = order(&world);
    let mut dated = flow(&mut world, dated);
    let error = world.run(&mut dated).unwrap_err();
    assert_eq!(error.code(), "malformed");
}

#[test]
fn an_error_of_the_order_tells_each_name_with_its_reason() {
    let config = Config::default().with_refused_name("a.example.org");
    let mut world = World::registered(config.with_refused_name("c.example.org"), 15);
    let names = ["a.example.org", "b.example.org", "c.example.org"];
    let error = world.issue(&names).unwrap_err();
    assert_eq!(error.code(), "rejectedIdentifier");
    let refused = error.refused_identifiers();
    assert_eq!(refused, identifiers(&["a.example.org", "c.example.org"]));
    assert_eq!(error.problem().unwrap().subproblems.len(), 2);
    // Nothing is dropped by itself.
    assert_eq!(world.sent(RequestKind::NewOrder), 1);
    let order = NewOrder::new(identifiers(&names)).without(&refused);
    assert_eq!(order.identifiers(), identifiers(&["b.example.org"]));
    let mut rest = flow(&mut world, order);
    world.run(&mut rest).unwrap();
    world.assert_no_violations();
}

#[test]
fn an_order_that_fails_in_validation_carries_the_reasons_of_its_names() {
    let mut world = World::registered(Config::default(), 16);
    world.validation_fails = Some(acmekit_testing::FailureReason::Connection);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.refused_identifiers(), identifiers(&["example.org"]));
    assert_eq!(error.retry(), &Retry::NewOrder);
}

fn bad_csr() -> Response<Vec<u8>> {
    let body = json!({"type": "urn:ietf:params:acme:error:badCSR", "detail": "key too short"});
    Response::builder().status(400).body(body.to_string().into_bytes()).unwrap()
}

#[test]
fn a_refused_certificate_request_is_corrected_for_the_same_order() {
    let mut world = World::registered(Config::default(), 17);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, 1) => Fate::Answered(bad_csr()),
        _ => Fate::Delivered,
    }));
    let mut first = world.order(&["example.org"]);
    let error = world.run(&mut first).unwrap_err();
    assert_eq!((error.code(), error.step()), ("badCSR", Step::Finalize));
    assert_eq!(error.retry(), &Retry::FixInput);
    let url = first.order_url().unwrap().to_owned();
    let saved = serde_json::to_string(&first.checkpoint()).unwrap();
    world.script = None;
    world.forget_traffic();

    let corrected = world.certificate_request(&identifiers(&["example.org"]));
    let saved = serde_json::from_str(&saved).unwrap();
    let mut second = Issue::resume_with_request(saved, &world.session, corrected.clone()).unwrap();
    let issued = world.run(&mut second).unwrap();
    assert_eq!(issued.order_url(), url);
    assert_eq!(issued.chain().leaf().public_key_der(), corrected.public_key_der());
    let log: Vec<_> = world.log.iter().filter(|line| *line != "newNonce").collect();
    assert_eq!(log, ["order", "finalize", "certificate"], "nothing is validated again");
    world.assert_no_violations();
}

#[test]
fn a_corrected_request_for_other_names_is_refused_before_it_is_sent() {
    let mut world = World::registered(Config::default(), 18);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Finalize => Fate::Answered(bad_csr()),
        _ => Fate::Delivered,
    }));
    let mut first = world.order(&["example.org"]);
    world.run(&mut first).unwrap_err();
    world.forget_traffic();
    let other = world.certificate_request(&identifiers(&["b.example.org"]));
    let saved = first.checkpoint();
    let mut second = Issue::resume_with_request(saved, &world.session, other).unwrap();
    let error = world.run(&mut second).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "badCSR"));
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn an_order_that_is_known_by_its_url_is_gone_on_with() {
    let mut world = World::registered(Config::default(), 19);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Finalize => Fate::Answered(bad_csr()),
        _ => Fate::Delivered,
    }));
    let mut first = world.order(&["example.org"]);
    world.run(&mut first).unwrap_err();
    let url = first.order_url().unwrap().to_owned();
    world.script = None;
    world.restart();
    world.forget_traffic();
    let mut second = world.order(&["example.org"]).continue_order(url.clone());
    let issued = world.run(&mut second).unwrap();
    assert_eq!(issued.order_url(), url);
    assert_eq!(world.sent(RequestKind::NewOrder), 0);
    assert_eq!(world.sent(RequestKind::Challenge), 0);
    // One that the server has forgotten is made anew.
    let gone = "https://ca.test/order/gone";
    let mut third = world.order(&["example.org"]).continue_order(gone);
    let issued = world.run(&mut third).unwrap();
    assert_ne!(issued.order_url(), gone);
}

#[test]
fn a_name_that_was_validated_before_costs_no_challenge_beside_one_that_was_not() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 20);
    world.issue(&["a.example.org"]).unwrap();
    world.forget_traffic();
    world.issue(&["a.example.org", "b.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Authorization), 2);
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    world.assert_no_violations();
}
