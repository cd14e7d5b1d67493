//! Finalization that is quick, slow, lost, empty or late (cases 62–66).

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_testing::Config;
use serde_json::json;

use crate::world::{Fate, World};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, edited, in_place_of,
    problem, remove, with_header,
};

fn with_status(status: &'static str) -> Fate {
    Fate::Changed(Box::new(move |r| edited(r, |order| order["status"] = json!(status))))
}

#[test]
fn quirk_62_an_answer_that_is_valid_at_once_costs_no_poll() {
    let mut world = World::registered(Config::default(), 62);
    world.issue(&["example.org"]).unwrap();
    let finalize = world.log.iter().position(|line| line == "finalize").unwrap();
    assert_eq!(world.log[finalize + 1..], ["certificate"]);
    assert_nothing_noted(&world);
}

#[test]
fn quirk_62_a_certificate_that_takes_hours_is_waited_for_or_come_back_for() {
    let hours = Duration::from_secs(3 * 3600);
    let config = || Config::default().with_issuance_delay(hours);
    let mut world = World::registered(config(), 62);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Deadline, Step::Issuance));
    assert!(matches!(error.retry(), Retry::At(_)));

    let mut world = World::registered(config(), 62);
    let deadline = world.now.saturating_add(2 * hours);
    let mut flow = world.order(&["example.org"]).deadline(deadline);
    world.run(&mut flow).unwrap();
    assert!(world.sent(RequestKind::Order) < 450, "{}", world.sent(RequestKind::Order));
    assert_eq!(world.sent(RequestKind::Finalize), 1);
    world.assert_no_violations();
}

#[test]
fn quirk_62_an_order_that_stays_ready_after_finalize_is_not_finalized_again() {
    let config = Config::default().with_issuance_delay(Duration::from_secs(1));
    let mut world = World::registered(config, 62);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, _) | (RequestKind::Order, 2..=4) => with_status("ready"),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Finalize), 1);
    assert_noted(&world, "order-status", "still ready");
    world.assert_no_violations();
}

#[test]
fn quirk_63_a_valid_order_without_a_certificate_is_polled_for_it() {
    let mut world = World::registered(Config::default(), 63);
    let orders_before = 1;
    world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, _) => {
            Fate::Changed(Box::new(|r| edited(r, |order| remove(order, &["certificate"]))))
        }
        (RequestKind::Order, n) if n > orders_before && n < orders_before + 3 => {
            Fate::Changed(Box::new(|r| edited(r, |order| order["certificate"] = json!(null))))
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Order), 4);
    assert_noted(&world, "certificate-missing", "names no certificate yet");
    world.assert_no_violations();
}

#[test]
fn quirk_64_the_location_of_the_answer_to_finalize_is_not_the_order() {
    for location in [None, Some("https://ca.test/certificate/1"), Some("https://evil.example/")] {
        let config = Config::default().with_issuance_delay(Duration::from_secs(1));
        let mut world = World::registered(config, 64);
        change_all(&mut world, RequestKind::Finalize, move |mut response| {
            response.headers_mut().remove("location");
            match location {
                Some(location) => with_header(response, "location", location),
                None => response,
            }
        });
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.ca.requests().unknown, 0, "it is not asked");
        world.assert_no_violations();
    }
}

#[test]
fn quirk_64_an_empty_answer_to_finalize_is_asked_of_the_order() {
    for body in ["", "{", "null", "-----BEGIN CERTIFICATE-----"] {
        let mut world = World::registered(Config::default(), 64);
        change_all(&mut world, RequestKind::Finalize, move |response| {
            response.map(|_| body.as_bytes().to_vec())
        });
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Finalize), 1);
        assert_eq!(world.sent(RequestKind::Order), 2);
        assert_noted(&world, "finalize-empty", "");
        world.assert_no_violations();
    }
}

#[test]
fn quirk_65_a_repeated_finalize_that_is_refused_because_the_first_one_took_reads_the_order() {
    for (status, kind, detail) in [
        (400, "malformed", "the order is already valid"),
        (409, "conflict", "the order is processing"),
        (403, "orderNotReady", "the order's status \"valid\" is not acceptable"),
    ] {
        let mut world = World::registered(Config::default(), 65);
        world.script = Some(Box::new(move |got, ordinal, _| match (got, ordinal) {
            (RequestKind::Finalize, 1) => Fate::AnswerLost,
            // Another replica does not know yet, so the request goes out again.
            (RequestKind::Order, 2) => with_status("ready"),
            (RequestKind::Finalize, 2) => Fate::Changed(Box::new(move |original| {
                in_place_of(&original, problem(status, kind, detail))
            })),
            _ => Fate::Delivered,
        }));
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(world.sent(RequestKind::Finalize), 2);
        assert_eq!(world.ca.certificates().len(), 1);
        assert_noted(&world, "finalize-refused", kind);
    }
}

#[test]
fn quirk_65_a_first_finalize_that_is_refused_for_its_content_is_not_repeated() {
    for kind in ["malformed", "badCSR"] {
        let mut world = World::registered(Config::default(), 65);
        answer_first(&mut world, RequestKind::Finalize, vec![problem(400, kind, "the CSR is odd")]);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.code(), error.step()), (kind, Step::Finalize));
        assert_eq!(world.sent(RequestKind::Finalize), 1);
    }
}

#[test]
fn quirk_66_a_certificate_that_is_not_there_yet_is_asked_for_again() {
    let mut world = World::registered(Config::default(), 66);
    let missing = || answer(404, "not found");
    answer_first(&mut world, RequestKind::Certificate, vec![missing(), missing()]);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Certificate), 3);
    assert_noted(&world, "certificate-late", "");
    world.assert_no_violations();
    // But not for ever.
    let mut world = World::registered(Config::default(), 66);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Certificate => Fate::Answered(answer(404, "not found")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.step(), Step::Download);
    assert_eq!(world.sent(RequestKind::Certificate), 4);
}

#[test]
fn quirk_66_a_passing_error_at_finalize_costs_no_second_certificate() {
    for acted in [true, false] {
        let mut world = World::registered(Config::default(), 66);
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Finalize, 1) => {
                let refusal = || problem(500, "serverInternal", "cannot finalize");
                match acted {
                    true => {
                        Fate::Changed(Box::new(move |original| in_place_of(&original, refusal())))
                    }
                    false => Fate::Answered(refusal()),
                }
            }
            _ => Fate::Delivered,
        }));
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Finalize), if acted { 1 } else { 2 });
        assert_eq!(world.ca.certificates().len(), 1);
        world.assert_no_violations();
    }
}
