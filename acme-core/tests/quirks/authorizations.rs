//! Authorizations and challenges that lack, add or rename things (cases 43–57).

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::challenge::ChallengeType;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::Flow;
use acmekit_core::flow::issue::Issue;
use acmekit_testing::{Config, FailureReason};
use serde_json::{Value, json};

use crate::world::{Fate, World, identifiers};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, edit_all, edit_orders,
    edited, in_place_of, problem, remove,
};

fn challenges(value: &mut Value) -> &mut Vec<Value> {
    value["challenges"].as_array_mut().unwrap()
}

/// A CA where `example.org` is proven already, and an order for it that is pending all the same.
fn proven_before(edit: impl Fn(&mut Value) + Clone + 'static) -> World {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 43);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    (world.presented, world.withdrawn) = Default::default();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder => {
            Fate::Changed(Box::new(|r| edited(r, |order| order["status"] = json!("pending"))))
        }
        RequestKind::Authorization => {
            let edit = edit.clone();
            Fate::Changed(Box::new(move |response| edited(response, edit.clone())))
        }
        _ => Fate::Delivered,
    }));
    world
}

#[test]
fn quirk_43_a_valid_authorization_needs_no_challenge_that_could_be_met() {
    let invented =
        json!([{"type": "sectigo-dns-01", "status": "valid", "url": "https://ca.test/c"}]);
    for list in [json!([]), invented] {
        let mut world = proven_before(move |value| value["challenges"] = list.clone());
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Authorization), 1);
        assert_eq!(world.sent(RequestKind::Challenge), 0);
        assert!(world.presented.is_empty(), "nothing is published");
        assert_nothing_noted(&world);
        world.assert_no_violations();
    }
}

#[test]
fn quirk_43_challenges_of_invented_types_and_without_token_are_passed_over() {
    let mut world = World::registered(Config::default(), 43);
    edit_all(&mut world, RequestKind::Authorization, |value| {
        let list = challenges(value);
        list.insert(0, json!({"type": "sectigo-dns-01", "url": "https://ca.test/c/1"}));
        list.insert(
            0,
            json!({"type": "http-01", "url": "https://ca.test/c/2", "status": "pending"}),
        );
    });
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    world.assert_no_violations();
    // With nothing else on offer, the error tells what is. (A kind that the library does not know
    // is shown to the solvers, for one of them may.)
    let mut world = World::registered(Config::default(), 43);
    edit_all(&mut world, RequestKind::Authorization, |value| {
        *challenges(value) = vec![json!({"type": "http-01", "url": "https://ca.test/c/1"})];
    });
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "no-usable-challenge"));
    assert!(error.message().contains("http-01"), "{error}");
    assert_eq!(world.sent(RequestKind::Challenge), 0);
}

#[test]
fn quirk_44_a_challenge_without_status_counts_as_pending() {
    let mut world = World::registered(Config::default(), 44);
    edit_all(&mut world, RequestKind::Authorization, |value| {
        challenges(value).iter_mut().for_each(|challenge| remove(challenge, &["status"]));
    });
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    assert_noted(&world, "odd-member", "status of the challenge is missing");
    world.assert_no_violations();
}

#[test]
fn quirk_45_objects_without_expires_do_not_expire() {
    let mut world = World::registered(Config::default(), 45);
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                value.as_object_mut().map(|object| object.remove("expires"));
            })
        }))
    }));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "odd-member", "expires of the order is missing");
    world.assert_no_violations();
    let mut world = proven_before(|value| remove(value, &["expires"]));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "odd-member", "expires of the authorization is missing");
}

#[test]
fn quirk_46_an_empty_error_object_is_no_error() {
    let mut world = World::registered(Config::default(), 46);
    world.script = Some(Box::new(|kind, _, _| {
        Fate::Changed(Box::new(move |response| {
            edited(response, |value| match kind {
                RequestKind::Authorization => {
                    challenges(value).iter_mut().for_each(|c| c["error"] = json!({}));
                }
                RequestKind::Challenge | RequestKind::NewOrder | RequestKind::Order => {
                    value["error"] = json!({});
                }
                _ => {}
            })
        }))
    }));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "odd-member", "error of the challenge is no problem document");
    assert_noted(&world, "odd-member", "error of the order is no problem document");
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    world.assert_no_violations();
    // Nor does it hide the reason that is elsewhere.
    let mut world = World::registered(Config::default(), 46);
    world.validation_fails = Some(FailureReason::Dns);
    edit_all(&mut world, RequestKind::Order, |value| value["error"] = json!({}));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "dns"));
}

#[test]
fn quirk_46_an_error_with_strange_members_is_read_as_far_as_it_goes() {
    let mut world = World::registered(Config::default(), 46);
    world.validation_fails = Some(FailureReason::Dns);
    edit_all(&mut world, RequestKind::Order, |value| {
        value["error"] = json!({
            "code": 17, "type": "urn:ietf:params:acme:error:dns", "status": "400 Bad Request",
            "detail": "no such name", "details_link": null, "message": {"error": {"detail": 3}},
            "subproblems": "none", "identifier": "example.org",
        });
    });
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "dns"));
    assert!(error.message().contains("no such name"), "{error}");
}

#[test]
fn quirk_47_an_answered_challenge_may_come_back_with_202_still_pending_or_valid_at_once() {
    for (http_status, status) in [(202, "processing"), (200, "pending"), (200, "valid")] {
        let mut world = World::registered(Config::default(), 47);
        change_all(&mut world, RequestKind::Challenge, move |mut response| {
            *response.status_mut() = http::StatusCode::from_u16(http_status).unwrap();
            edited(response, |value| value["status"] = json!(status))
        });
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Challenge), 1, "{status}: it is answered once");
        match http_status {
            202 => assert_noted(&world, "challenge-status", "202"),
            _ => assert_nothing_noted(&world),
        }
        world.assert_no_violations();
    }
}

#[test]
fn quirk_47_a_validation_that_was_done_at_once_is_asked_about_at_once() {
    let mut world = World::registered(Config::default(), 47);
    edit_all(&mut world, RequestKind::Challenge, |value| value["status"] = json!("valid"));
    world.issue(&["example.org"]).unwrap();
    let challenge = world.log.iter().position(|line| line == "challenge").unwrap();
    assert_eq!(world.log[challenge + 1], "order", "without a wait: {:?}", world.log);
}

#[test]
fn quirk_48_a_challenge_without_a_link_to_its_authorization_is_answered_all_the_same() {
    let mut world = World::registered(Config::default(), 48);
    change_all(&mut world, RequestKind::Challenge, |mut response| {
        response.headers_mut().remove("link");
        response
    });
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "up-link-missing", "");
    world.assert_no_violations();
}

#[test]
fn quirk_49_the_order_is_polled_and_neither_challenges_nor_authorizations() {
    let config = Config::default().with_validation_delay(Duration::from_secs(5));
    let mut world = World::registered(config, 49);
    world.issue(&["a.example.org", "b.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 2, "one answer each, no reads");
    assert_eq!(world.sent(RequestKind::Authorization), 2, "one read each");
    assert!(world.sent(RequestKind::Order) > 1);
    world.assert_no_violations();
}

#[test]
fn quirk_50_a_challenge_that_stays_pending_with_an_error_is_told_at_the_deadline() {
    let mut world = World::registered(Config::default(), 50);
    world.script = Some(Box::new(|kind, ordinal, _| match kind {
        RequestKind::Order => {
            Fate::Changed(Box::new(|r| edited(r, |order| order["status"] = json!("pending"))))
        }
        RequestKind::Authorization if ordinal > 1 => Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                value["status"] = json!("pending");
                for challenge in challenges(value) {
                    challenge["status"] = json!("pending");
                    challenge["error"] = json!({
                        "type": "urn:ietf:params:acme:error:connection", "detail": "refused",
                    });
                }
            })
        })),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Deadline, Step::Validation));
    assert!(error.message().contains("example.org: connection: refused"), "{error}");
    // Each POST begins the validation anew, so there are few, and each after a look (R-CHL-06).
    let (answers, looks) = (RequestKind::Challenge, RequestKind::Authorization);
    assert!((2..=10).contains(&world.sent(answers)), "{}", world.sent(answers));
    assert!(world.sent(looks) > world.sent(answers));
    assert!(world.published.is_empty());
}

#[test]
fn quirk_51_a_challenge_that_was_changed_meanwhile_is_not_answered_again_before_asking() {
    for acted in [true, false] {
        let mut world = World::registered(Config::default(), 51);
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Challenge, 2) => {
                let refusal = || problem(500, "serverInternal", "changed since last read");
                match acted {
                    true => {
                        Fate::Changed(Box::new(move |original| in_place_of(&original, refusal())))
                    }
                    false => Fate::Answered(refusal()),
                }
            }
            _ => Fate::Delivered,
        }));
        world.issue(&["a.example.org", "b.example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Challenge), if acted { 2 } else { 3 });
        world.assert_no_violations();
    }
}

#[test]
fn quirk_52_lists_come_in_any_order_and_of_any_length() {
    let mut world = World::registered(Config::default().with_shuffled_lists(true), 52);
    world.issue(&["c.example.org", "a.example.org", "192.0.2.1", "b.example.org"]).unwrap();
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn quirk_52_more_authorizations_than_identifiers_are_legal() {
    let mut world = World::registered(Config::default(), 52);
    // Another authorization for the same name, from before, and all of them named twice.
    let first = world.issue(&["example.org"]).unwrap();
    let earlier = world
        .ca
        .log()
        .iter()
        .find(|entry| entry.kind == acmekit_testing::RequestKind::Authorization);
    let earlier = earlier.unwrap().url.clone();
    assert!(!first.order_url().is_empty());
    world.forget_traffic();
    edit_orders(&mut world, move |value| {
        let list = value["authorizations"].as_array_mut().unwrap();
        list.insert(0, json!(earlier));
        list.extend(list.clone());
        assert_eq!(list.len(), 4);
    });
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Authorization), 2, "each is read once");
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    world.assert_no_violations();
}

#[test]
fn quirk_52_one_authorization_may_stand_for_a_wildcard_and_its_base() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 52);
    world.solves = ChallengeType::Dns01;
    world.issue(&["*.example.org"]).unwrap();
    world.forget_traffic();
    // The CA names the one that is still to be proven, and not the one that is proven.
    let wildcard = world
        .ca
        .log()
        .iter()
        .find(|entry| entry.kind == acmekit_testing::RequestKind::Authorization);
    let wildcard = wildcard.unwrap().url.clone();
    edit_orders(&mut world, move |value| {
        let list = value["authorizations"].as_array_mut().unwrap();
        list.retain(|url| *url != wildcard);
        assert_eq!(list.len(), 1);
    });
    let issued = world.issue(&["example.org", "*.example.org"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers().len(), 2);
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    world.assert_no_violations();
}

#[test]
fn quirk_53_other_spellings_of_a_name_or_an_address_are_the_same() {
    fn respell(identifier: &mut Value) {
        let odd = match identifier["value"].as_str().unwrap() {
            "2001:db8::1" => "2001:0DB8:0:0:0:0:0:1".to_owned(),
            "192.0.2.1" => return,
            name => format!("{}.", name.to_uppercase()),
        };
        identifier["value"] = json!(odd);
    }
    let mut world = World::registered(Config::default(), 53);
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                if let Some(list) = value.get_mut("identifiers").and_then(Value::as_array_mut) {
                    list.iter_mut().for_each(respell);
                }
                if let Some(identifier) = value.get_mut("identifier") {
                    respell(identifier);
                }
            })
        }))
    }));
    let names = ["example.org", "xn--r8jz45g.example.org", "2001:db8::1", "192.0.2.1"];
    let issued = world.issue(&names).unwrap();
    assert_eq!(issued.chain().leaf().identifiers().len(), 4);
    assert_noted(&world, "odd-member", "has example.org in an odd spelling");
    assert_noted(&world, "odd-member", "has 2001:db8::1 in an odd spelling");
    world.assert_no_violations();
}

#[test]
fn quirk_54_a_wildcard_that_is_not_marked_is_proven_by_dns() {
    let mut world = World::registered(Config::default(), 54);
    world.solves = ChallengeType::Dns01;
    edit_all(&mut world, RequestKind::Authorization, |value| {
        remove(value, &["wildcard"]);
        let mut dns = challenges(value)[0].clone();
        dns["type"] = json!("http-01");
        challenges(value).insert(0, dns);
    });
    world.issue(&["*.example.org"]).unwrap();
    assert_eq!(world.presented.len(), 1, "no other kind is offered for a wildcard");
    assert_noted(&world, "wildcard-flag", "");
    world.assert_no_violations();
}

#[test]
fn quirk_54_an_asterisk_in_the_authorization_is_taken_for_the_flag() {
    let mut world = World::registered(Config::default(), 54);
    world.solves = ChallengeType::Dns01;
    edit_all(&mut world, RequestKind::Authorization, |value| {
        remove(value, &["wildcard"]);
        value["identifier"]["value"] = json!("*.example.org");
    });
    world.issue(&["*.example.org"]).unwrap();
    assert!(world.log.contains(&"publish dns-01 example.org".to_owned()), "{:?}", world.log);
    assert_noted(&world, "odd-member", "identifier of the authorization has `*.` in it");
    world.assert_no_violations();
}

#[test]
fn quirk_55_an_authorization_that_is_processing_is_still_to_be_proven() {
    let mut world = World::registered(Config::default(), 55);
    edit_all(&mut world, RequestKind::Authorization, |value| value["status"] = json!("processing"));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "authorization-status", "processing");
    world.assert_no_violations();
}

#[test]
fn quirk_55_an_invalid_authorization_without_a_reason_is_a_failed_validation() {
    let mut world = World::registered(Config::default(), 55);
    world.validation_fails = Some(FailureReason::Connection);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order | RequestKind::Authorization => Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                remove(value, &["error"]);
                if let Some(list) = value.get_mut("challenges").and_then(Value::as_array_mut) {
                    list.iter_mut().for_each(|challenge| remove(challenge, &["error"]));
                }
            })
        })),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "validation-failed"));
    assert!(error.message().contains("example.org and gives no reason"), "{error}");
    assert_eq!(error.retry(), &Retry::NewOrder);
}

/// An order whose validation outlasted its deadline, as a checkpoint keeps it.
fn interrupted(world: &mut World) -> acmekit_core::flow::Checkpoint {
    let deadline = world.now.saturating_add(Duration::from_secs(30));
    let mut flow = world.order(&["example.org"]).deadline(deadline);
    world.run(&mut flow).unwrap_err();
    assert!(flow.order_url().is_some());
    flow.checkpoint()
}

#[test]
fn quirk_57_an_old_order_that_is_gone_is_made_anew_whatever_the_404_looks_like() {
    for gone in [answer(404, "<html>404</html>"), answer(404, ""), problem(404, "malformed", "")] {
        let config = Config::default().with_validation_delay(Duration::from_secs(60));
        let mut world = World::registered(config, 57);
        let checkpoint = interrupted(&mut world);
        world.forget_traffic();
        let mut resumed = Issue::resume(checkpoint, &world.session).unwrap();
        answer_first(&mut world, RequestKind::Order, vec![gone]);
        let issued = world.run(&mut resumed).unwrap();
        assert_eq!(issued.chain().leaf().identifiers(), identifiers(&["example.org"]));
        assert_eq!(world.sent(RequestKind::NewOrder), 1);
        assert_eq!(world.log[..3], ["order", "newNonce", "newOrder"], "without a pause");
    }
}

#[test]
fn quirk_57_an_authorization_that_is_gone_ends_the_order_with_the_answer_in_the_error() {
    let mut world = World::registered(Config::default(), 57);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Authorization => Fate::Answered(answer(404, "<html>not here</html>")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.step(), Step::Authorization);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert!(error.message().contains("<html>not here</html>"), "{error}");
    assert_noted(&world, "problem-missing", "404");
    assert_eq!(world.sent(RequestKind::Authorization), 5, "bounded");
}
