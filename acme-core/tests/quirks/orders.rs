//! Orders that are reused, born ready, answered oddly or refused in part (cases 58–61 and 67–70).

use acmekit_core::action::RequestKind;
use acmekit_core::challenge::ChallengeType;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::time::Timestamp;
use acmekit_testing::Config;
use serde_json::{Value, json};

use crate::world::{Fate, World, identifiers};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, codes, edit_all, edited,
    payloads, problem, remove, with_header,
};

#[test]
fn quirk_58_an_order_that_exists_already_is_gone_on_with() {
    for status in [200, 202] {
        let mut world = World::registered(Config::default().with_order_reuse(true), 58);
        // A first attempt gives up before anything is proven.
        let mut first = world.order(&["example.org"]);
        answer_first(&mut world, RequestKind::Authorization, vec![problem(403, "malformed", "")]);
        world.run(&mut first).unwrap_err();
        let before = first.order_url().unwrap().to_owned();
        change_all(&mut world, RequestKind::NewOrder, move |mut response| {
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        });
        let issued = world.issue(&["example.org"]).unwrap();
        assert_eq!(issued.order_url(), before);
        assert_noted(&world, "order-status", "instead of 201");
        world.assert_no_violations();
    }
}

#[test]
fn quirk_58_a_reused_order_with_a_dead_authorization_asks_for_a_new_order() {
    let mut world = World::registered(Config::default(), 58);
    edit_all(&mut world, RequestKind::Authorization, |value| {
        value["status"] = json!("deactivated")
    });
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "authorization-final"));
    assert_eq!(error.retry(), &Retry::NewOrder);
    assert_eq!(world.sent(RequestKind::Challenge), 0);
}

#[test]
fn quirk_58_a_wildcard_that_the_order_names_without_its_asterisk_is_the_one_ordered() {
    let mut world = World::registered(Config::default(), 58);
    world.solves = ChallengeType::Dns01;
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                if let Some(list) = value.get_mut("identifiers").and_then(Value::as_array_mut) {
                    list.iter_mut().for_each(|one| one["value"] = json!("example.org"));
                }
            })
        }))
    }));
    let issued = world.issue(&["*.example.org"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers(), identifiers(&["*.example.org"]));
    assert_noted(&world, "order-identifiers", "without its `*.`");
    world.assert_no_violations();
}

#[test]
fn quirk_59_an_order_that_is_born_ready_costs_no_authorization() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 59);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.log, ["newOrder", "finalize", "certificate"]);
    assert_nothing_noted(&world);
}

#[test]
fn quirk_59_an_order_that_is_born_valid_is_downloaded_if_it_is_for_our_key() {
    let mut world = World::registered(Config::default(), 59);
    let names = identifiers(&["example.org"]);
    let request = world.certificate_request(&names);
    let mut first = Issue::new(NewOrder::new(names.clone()), request.clone());
    let issued = world.run(&mut first).unwrap();
    let order = json!({
        "status": "valid", "expires": "2027-01-01T00:00:00Z",
        "identifiers": [{"type": "dns", "value": "example.org"}], "authorizations": [],
        "finalize": "https://ca.test/finalize", "certificate": issued.certificate_url(),
    });
    let born_valid = || {
        let response = answer(200, order.to_string());
        let response = with_header(response, "content-type", "application/json");
        with_header(response, "location", issued.order_url())
    };
    world.forget_traffic();
    answer_first(&mut world, RequestKind::NewOrder, vec![born_valid(), born_valid()]);
    let mut again = Issue::new(NewOrder::new(names), request);
    let second = world.run(&mut again).unwrap();
    assert_eq!(second.chain(), issued.chain());
    assert_eq!(world.sent(RequestKind::Finalize), 0);
    assert_noted(&world, "order-status", "200 OK instead of 201");
    // The certificate of an earlier order for another key is not taken for the new one.
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Certificate, "certificate-wrong-key"));
}

#[test]
fn quirk_60_the_finalize_url_of_the_first_answer_is_kept() {
    let mut world = World::registered(Config::default(), 60);
    edit_all(&mut world, RequestKind::Order, |value| remove(value, &["finalize"]));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "odd-member", "finalize of the order is missing");
    world.assert_no_violations();
}

#[test]
fn quirk_60_an_order_without_a_url_ends_before_anything_is_published() {
    let mut world = World::registered(Config::default(), 60);
    change_all(&mut world, RequestKind::NewOrder, |mut response| {
        response.headers_mut().remove("location");
        response
    });
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Protocol, Step::NewOrder));
    assert_eq!(error.code(), "location-missing");
    assert_eq!(world.log, ["newOrder"]);
}

#[test]
fn quirk_61_an_order_that_stays_pending_for_a_while_is_waited_for() {
    let mut world = World::registered(Config::default(), 61);
    world.script = Some(Box::new(|kind, ordinal, _| match kind {
        RequestKind::Order if ordinal <= 4 => {
            Fate::Changed(Box::new(|r| edited(r, |order| order["status"] = json!("pending"))))
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Order), 5);
    assert_nothing_noted(&world);
}

#[test]
fn quirk_61_a_ready_order_that_is_refused_as_not_ready_is_read_and_finalized_again() {
    let mut world = World::registered(Config::default(), 61);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, 1) => Fate::Answered(problem(403, "orderNotReady", "not yet")),
        (RequestKind::Order, 2 | 3) => {
            Fate::Changed(Box::new(|r| edited(r, |order| order["status"] = json!("pending"))))
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Finalize), 2);
    assert_noted(&world, "finalize-refused", "orderNotReady");
    assert_noted(&world, "order-moved-back", "from ready to pending");
    world.assert_no_violations();
}

#[test]
fn quirk_67_unauthorized_means_the_same_with_401_as_with_403() {
    for status in [401, 403] {
        for kind in [RequestKind::NewOrder, RequestKind::Order, RequestKind::Finalize] {
            let mut world = World::registered(Config::default(), 67);
            let refusal = problem(status, "unauthorized", "another account's order");
            answer_first(&mut world, kind, vec![refusal]);
            let error = world.issue(&["example.org"]).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "unauthorized"));
            assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
            assert_eq!(error.retry(), &Retry::FixInput);
            assert_eq!(world.sent(kind), 1, "it is not repeated");
            assert!(world.published.is_empty());
        }
    }
}

fn order_with_dates(world: &mut World, millis: i64) -> Issue {
    let names = identifiers(&["example.org"]);
    let request = world.certificate_request(&names);
    let begin = Timestamp::from_unix_millis(crate::world::START.unix_millis() + millis);
    Issue::new(NewOrder::new(names).not_before(begin), request)
}

#[test]
fn quirk_69_dates_go_out_without_fractions_of_a_second() {
    let mut world = World::registered(Config::default().with_requested_dates(true), 69);
    let mut flow = order_with_dates(&mut world, 123);
    world.run(&mut flow).unwrap();
    assert_eq!(payloads(&world)[0]["notBefore"], "2026-11-22T00:00:00Z");
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn quirk_69_dates_that_are_refused_are_the_servers_refusal_and_ignored_ones_are_noted() {
    let mut world = World::registered(Config::default().with_requested_dates(false), 69);
    let mut flow = order_with_dates(&mut world, 0);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::NewOrder));
    assert_eq!(world.sent(RequestKind::NewOrder), 1);

    let mut world = World::registered(Config::default().with_requested_dates(true), 69);
    let mut flow = order_with_dates(&mut world, 0);
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                value.as_object_mut().map(|object| object.remove("notBefore"));
            })
        }))
    }));
    world.run(&mut flow).unwrap();
    assert_noted(&world, "order-dates", "notBefore");
}

#[test]
fn quirk_70_a_profile_in_other_case_is_the_same_and_another_one_is_not() {
    let config = Config::default().with_profile("tlsserver", "for servers");
    for (got, outcome) in [("TLSServer", None), ("shortlived", Some("order-profile"))] {
        let mut world = World::registered(config.clone(), 70);
        let names = identifiers(&["example.org"]);
        let request = world.certificate_request(&names);
        let mut flow = Issue::new(NewOrder::new(names).profile("tlsserver"), request);
        edit_all(&mut world, RequestKind::NewOrder, move |value| value["profile"] = json!(got));
        let code = world.run(&mut flow).err().map(|error| error.code());
        assert_eq!(code, outcome);
        let is_noted = codes(&world).contains(&"order-profile");
        assert_eq!(is_noted, outcome.is_none());
    }
}

#[test]
fn quirk_70_an_unknown_profile_is_refused_before_or_after_it_is_sent() {
    let config = Config::default().with_profile("tlsserver", "for servers");
    for is_listed in [false, true] {
        let mut world = World::registered(config.clone(), 70);
        let names = identifiers(&["example.org"]);
        let request = world.certificate_request(&names);
        let wanted = if is_listed { "tlsserver" } else { "classic" };
        let mut flow = Issue::new(NewOrder::new(names).profile(wanted), request);
        let refusal = problem(400, "invalidProfile", "not for you");
        answer_first(&mut world, RequestKind::NewOrder, vec![refusal]);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!(error.code(), "invalidProfile");
        assert_eq!(error.retry(), &Retry::FixInput);
        assert_eq!(world.sent(RequestKind::NewOrder), usize::from(is_listed));
    }
}
