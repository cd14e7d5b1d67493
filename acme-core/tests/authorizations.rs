//! Authorizations and their challenges as servers really show them (RFC 8555 §7.1.4, §7.5, §8).

mod world;

use std::time::Duration;

use acmekit_core::action::{Action, Input, Offer, RequestKind};
use acmekit_core::error::{Error, ErrorKind, Retry, Step};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::authorization::DeactivateAuthorization;
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::flow::{Context, Flow};
use acmekit_core::policy::Policy;
use acmekit_testing::{Config, FailureReason};
use base64ct::{Base64UrlUnpadded, Encoding};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World};

/// Changes the JSON of an answer.
fn changed(change: impl Fn(&mut Value) + 'static) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        if let Ok(mut value) = serde_json::from_slice::<Value>(response.body()) {
            change(&mut value);
            *response.body_mut() = value.to_string().into_bytes();
        }
        response
    }))
}

/// Issues for `example.org` while each answer about an authorization is changed.
fn with_authorizations(
    seed: u64,
    policy: Policy,
    change: impl Fn(&mut Value) + Clone + 'static,
) -> (World, Result<(), Error>) {
    let mut world = World::with_policy(Config::default(), seed, policy);
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.forget_traffic();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Authorization => changed(change.clone()),
        _ => Fate::Delivered,
    }));
    let result = world.issue(&["example.org"]).map(drop);
    assert_eq!(world.presented, world.withdrawn);
    (world, result)
}

fn with_authorization(
    seed: u64,
    change: impl Fn(&mut Value) + Clone + 'static,
) -> (World, Result<(), Error>) {
    with_authorizations(seed, Policy::default(), change)
}

/// The payload of a signed request.
fn payload(request: &[u8]) -> String {
    let jws: Value = serde_json::from_slice(request).unwrap();
    let payload = Base64UrlUnpadded::decode_vec(jws["payload"].as_str().unwrap()).unwrap();
    String::from_utf8(payload).unwrap()
}

fn deviates(world: &World, code: &str) -> bool {
    world.session.deviations().iter().any(|deviation| deviation.code == code)
}

fn poll<F: Flow>(world: &mut World, flow: &mut F) -> Result<Action<F::Output>, Error> {
    let cx =
        &mut Context { session: &mut world.session, now: world.now, entropy: &mut world.entropy };
    flow.poll(cx)
}

/// Sends and hears until the flow presents.
fn until_presented<F: Flow>(world: &mut World, flow: &mut F) -> Vec<Offer> {
    loop {
        match poll(world, flow).unwrap() {
            Action::Send(out) => {
                let response = world.ca.handle(world.now, out.request);
                world.hand(flow, Input::Response { id: out.id, response });
            }
            Action::Present(offers) => return offers,
            _ => {}
        }
    }
}

#[test]
fn each_authorization_is_read_once_by_post_as_get() {
    let mut world = World::registered(Config::default(), 1);
    world.script = Some(Box::new(|kind, _, request| {
        if kind == RequestKind::Authorization {
            assert_eq!(request.method(), http::Method::POST);
            assert_eq!(payload(request.body()), "");
        }
        Fate::Delivered
    }));
    world.issue(&["a.example.org", "b.example.org", "c.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Authorization), 3);
    world.assert_no_violations();
}

#[test]
fn a_name_and_its_wildcard_have_an_authorization_each() {
    let mut world = World::registered(Config::default(), 2);
    let mut flow = world.order(&["example.org", "*.example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let of = |wildcard: bool| -> Vec<&Offer> {
        offers.iter().filter(|offer| offer.wildcard == wildcard).collect()
    };
    let (base, wildcard) = (of(false), of(true));
    assert_eq!((base.len(), wildcard.len()), (3, 1), "a wildcard is for dns-01 alone");
    assert_ne!(base[0].authorization_url, wildcard[0].authorization_url);
    assert!(offers.iter().all(|offer| offer.identifier.value() == "example.org"));
}

#[test]
fn a_flag_that_says_no_wildcard_is_like_no_flag() {
    let (world, result) = with_authorization(3, |authorization| {
        assert!(authorization.get("wildcard").is_none(), "the CA leaves it out");
        authorization["wildcard"] = json!(false);
    });
    result.unwrap();
    world.assert_no_violations();
}

#[test]
fn an_authorization_that_has_ended_ends_the_order_before_anything_is_published() {
    for status in ["invalid", "deactivated", "expired", "revoked"] {
        let (world, result) = with_authorization(4, move |authorization| {
            authorization["status"] = json!(status);
        });
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Validation, Step::Authorization));
        assert_eq!(error.retry(), &Retry::NewOrder, "{status}");
        let named = if status == "invalid" { "could not validate" } else { status };
        assert!(error.to_string().contains(named), "{error}");
        assert!(world.presented.is_empty());
        assert_eq!(world.sent(RequestKind::Challenge), 0);
    }
}

#[test]
fn an_authorization_that_the_server_has_thrown_away_asks_for_a_new_order() {
    let bodies = [r#"{"type":"urn:ietf:params:acme:error:malformed","detail":"gone"}"#, "<html>"];
    for (status, body) in [(404, bodies[0]), (404, bodies[1]), (410, bodies[1])] {
        let mut world = World::registered(Config::default(), 5);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Authorization => {
                Fate::Answered(Response::builder().status(status).body(body.into()).unwrap())
            }
            _ => Fate::Delivered,
        }));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "authorization-final"));
        assert_eq!(error.retry(), &Retry::NewOrder);
        assert_eq!(error.problem().is_some(), body == bodies[0]);
    }
}

#[test]
fn an_authorization_that_ends_while_it_is_waited_for_ends_the_order() {
    for status in ["invalid", "deactivated", "expired", "revoked"] {
        let config = Config::default()
            .with_validation_delay(Duration::from_secs(300))
            .with_preauthorization(true);
        let mut world = World::registered(config, 6);
        world.script = Some(Box::new(move |kind, ordinal, _| match kind {
            RequestKind::Authorization if ordinal > 1 => {
                changed(move |authorization| authorization["status"] = json!(status))
            }
            _ => Fate::Delivered,
        }));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Validation, Step::Validation));
        assert_eq!(error.retry(), &Retry::NewOrder, "{status}");
        assert!(world.published.is_empty());
        let name = "example.net".parse().unwrap();
        let error = world.run(&mut Preauthorize::new(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{status}: {error}");
        assert!(world.published.is_empty());
    }
}

#[test]
fn a_name_that_is_valid_already_is_not_proven_again_beside_one_that_is_not() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 7);
    world.issue(&["a.example.org"]).unwrap();
    world.forget_traffic();
    world.issue(&["a.example.org", "b.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Authorization), 2);
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    let published: Vec<_> = world.log.iter().filter(|line| line.starts_with("publish")).collect();
    assert_eq!(published, ["publish http-01 b.example.org"]);
    world.assert_no_violations();
}

#[test]
fn a_valid_authorization_needs_no_challenges_and_none_it_knows() {
    for challenges in [json!([]), json!([{"type": "sectigo-dns-01", "url": "https://ca.test/s"}])] {
        let mut world = World::registered(Config::default().with_authorization_reuse(true), 8);
        world.issue(&["a.example.org"]).unwrap();
        world.forget_traffic();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Authorization => {
                let challenges = challenges.clone();
                changed(move |authorization| {
                    if authorization["status"] == "valid" {
                        authorization["challenges"] = challenges.clone();
                    }
                })
            }
            _ => Fate::Delivered,
        }));
        world.issue(&["a.example.org", "b.example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Challenge), 1);
    }
}

#[test]
fn a_pending_authorization_without_challenges_says_so() {
    let (world, result) =
        with_authorization(9, |authorization| authorization["challenges"] = json!([]));
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "no-usable-challenge"));
    assert!(error.to_string().contains("it offers: none"), "{error}");
    assert!(world.presented.is_empty());
}

#[test]
fn challenges_without_token_without_status_or_of_strange_type_stand_in_nobodys_way() {
    let (world, result) = with_authorization(10, |authorization| {
        let challenges = authorization["challenges"].as_array_mut().unwrap();
        for challenge in challenges.iter_mut() {
            if challenge["status"] == "pending" {
                challenge.as_object_mut().unwrap().remove("status");
            }
        }
        challenges.insert(0, json!({"type": "sectigo-dns-01", "url": "https://ca.test/1"}));
        challenges.insert(1, json!({"type": "http-01", "url": "https://ca.test/2"}));
        challenges.insert(2, json!({"type": "dns-01", "url": "https://ca.test/3", "token": 7}));
        challenges.insert(
            3,
            json!({"type": "http-01", "url": "https://ca.test/4", "status": "resting",
                   "token": "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"}),
        );
        challenges.insert(4, json!({"type": "http-01"}));
        challenges.insert(5, json!("noise"));
    });
    result.unwrap();
    assert!(world.presented.contains(&"https://ca.test/1".to_owned()), "somebody may know it");
    for other in ["https://ca.test/2", "https://ca.test/3", "https://ca.test/4"] {
        assert!(!world.presented.contains(&other.to_owned()), "{other}");
    }
    world.assert_no_violations();
}

#[test]
fn a_status_that_nobody_knows_is_noted_and_the_challenges_count() {
    let (world, result) = with_authorization(11, |authorization| {
        if authorization["status"] == "pending" {
            authorization["status"] = json!("processing");
        }
    });
    result.unwrap();
    assert!(deviates(&world, "authorization-status"));
}

#[test]
fn a_challenge_that_is_valid_before_its_authorization_is_not_answered_again() {
    let mut world = World::registered(Config::default(), 12);
    let (_, mut first) = (world.issue(&["a.example.org"]).unwrap(), world.order(&["example.org"]));
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Authorization => changed(|authorization| {
            authorization["challenges"][1]["status"] = json!("valid");
        }),
        _ => Fate::Delivered,
    }));
    world.forget_traffic();
    first = first.deadline(world.now.saturating_add(Duration::from_secs(5)));
    let error = world.run(&mut first).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Deadline, Step::Validation));
    assert_eq!(world.sent(RequestKind::Challenge), 0, "the order is waited for");
}

#[test]
fn a_challenge_is_answered_with_the_empty_object_and_only_once_its_proof_is_published() {
    let mut world = World::registered(Config::default(), 13);
    let mut flow = world.order(&["a.example.org", "b.example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let http01: Vec<_> = offers.iter().filter(|o| o.kind.as_str() == "http-01").collect();
    world.hand(&mut flow, Input::Published(vec![http01[0].id.clone()]));
    let action = poll(&mut world, &mut flow).unwrap();
    assert!(matches!(action, Action::Blocked { .. }), "one is missing: {action:?}");
    world.hand(&mut flow, Input::Published(vec![http01[1].id.clone()]));
    let Action::Send(out) = poll(&mut world, &mut flow).unwrap() else { panic!("no request") };
    assert_eq!(out.kind, RequestKind::Challenge);
    assert_eq!(payload(out.request.body()), "{}");
    let mut world = World::registered(Config::default(), 13);
    world.script = Some(Box::new(|kind, _, request| {
        if kind == RequestKind::Challenge {
            assert_eq!(payload(request.body()), "{}");
        }
        Fate::Delivered
    }));
    world.issue(&["a.example.org", "b.example.org"]).unwrap();
    world.assert_no_violations();
}

#[test]
fn a_validation_is_never_waited_for_by_answering_again() {
    let config = Config::default()
        .with_validation_delay(Duration::from_secs(120))
        .with_preauthorization(true);
    let mut world = World::registered(config, 14);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 1);
    assert!(world.sent(RequestKind::Order) > 5);
    world.run(&mut Preauthorize::new("example.net".parse().unwrap())).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 2);
    // R-AUZ-10 is among what the CA records.
    world.assert_no_violations();
}

#[test]
fn an_answer_that_was_heard_is_not_repeated_though_what_came_back_was_lost() {
    for is_ahead in [false, true] {
        let config = Config::default()
            .with_validation_delay(Duration::from_secs(120))
            .with_preauthorization(true);
        let mut world = World::registered(config, 22);
        world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Challenge, 1) => Fate::AnswerLost,
            _ => Fate::Delivered,
        }));
        if is_ahead {
            world.run(&mut Preauthorize::new("example.org".parse().unwrap())).unwrap();
        } else {
            world.issue(&["example.org"]).unwrap();
        }
        assert_eq!(world.sent(RequestKind::Challenge), 1);
        world.assert_no_violations();
    }
}

/// What a server shows that could not connect, and waits to be told to try again.
fn stalled(challenges: &mut Value) {
    for challenge in challenges.as_array_mut().unwrap() {
        challenge["error"] = json!({
            "type": "urn:ietf:params:acme:error:connection", "detail": "port 80 is closed",
        });
    }
}

#[test]
fn a_server_that_tried_in_vain_and_waits_is_told_again_and_not_at_once() {
    let config = Config::default().with_preauthorization(true);
    for is_ahead in [false, true] {
        let mut world = World::registered(config.clone(), 15);
        world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Challenge, 1) => Fate::Answered(Response::new(
                r#"{"type":"http-01","url":"https://ca.test/x","token":"t","status":"pending"}"#
                    .into(),
            )),
            (RequestKind::Authorization, 2..) => {
                changed(|authorization| stalled(&mut authorization["challenges"]))
            }
            _ => Fate::Delivered,
        }));
        if is_ahead {
            world.run(&mut Preauthorize::new("example.org".parse().unwrap())).unwrap();
        } else {
            world.issue(&["example.org"]).unwrap();
        }
        assert_eq!(world.sent(RequestKind::Challenge), 2);
        let waited = world.now.saturating_since(world::START);
        assert!(waited >= Duration::from_secs(5), "{waited:?}");
        assert!(waited < Duration::from_secs(60), "{waited:?}");
        world.assert_no_violations();
    }
}

#[test]
fn an_error_of_a_validation_that_goes_on_is_told_when_time_runs_out() {
    for is_ahead in [false, true] {
        let config = Config::default()
            .with_validation_delay(Duration::from_secs(3600))
            .with_preauthorization(true);
        let mut world = World::registered(config, 16);
        world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Authorization, 2..) => {
                changed(|authorization| stalled(&mut authorization["challenges"]))
            }
            _ => Fate::Delivered,
        }));
        let deadline = world.now.saturating_add(Duration::from_secs(60));
        let error = if is_ahead {
            let flow = Preauthorize::new("example.org".parse().unwrap());
            world.run(&mut flow.deadline(deadline)).unwrap_err()
        } else {
            let mut flow = world.order(&["example.org"]).deadline(deadline);
            world.run(&mut flow).unwrap_err()
        };
        assert_eq!((error.kind(), error.step()), (ErrorKind::Deadline, Step::Validation));
        assert!(error.to_string().contains("port 80 is closed"), "{error}");
        assert_eq!(world.sent(RequestKind::Challenge), 1, "it is processing: no second answer");
        world.assert_no_violations();
    }
}

#[test]
fn an_error_beside_processing_can_be_read_while_the_flow_waits() {
    let config = Config::default().with_validation_delay(Duration::from_secs(3600));
    let mut world = World::registered(config, 17);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    assert!(flow.validation_problem().is_none());
    world.hand(&mut flow, Input::Published(vec![offers[0].id.clone()]));
    let Action::Send(out) = poll(&mut world, &mut flow).unwrap() else { panic!("no request") };
    let mut response = world.ca.handle(world.now, out.request);
    let mut value: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(value["status"], "processing");
    value["error"] = json!({"type": "urn:ietf:params:acme:error:dns", "detail": "SERVFAIL"});
    *response.body_mut() = value.to_string().into_bytes();
    world.hand(&mut flow, Input::Response { id: out.id, response });
    assert!(matches!(poll(&mut world, &mut flow).unwrap(), Action::Wait { .. }));
    let (name, problem) = flow.validation_problem().unwrap();
    assert_eq!((name, problem.detail.as_deref()), ("example.org", Some("SERVFAIL")));
}

#[test]
fn a_token_of_21_letters_is_noted_and_refused_where_the_policy_is_strict() {
    for (letters, is_strict, code) in
        [(21, false, ""), (22, false, ""), (21, true, "no-usable-challenge"), (22, true, "")]
    {
        let mut policy = Policy::default();
        policy.strict_token_entropy = is_strict;
        let mut world = World::with_policy(Config::default(), 18, policy);
        world.run(&mut Register::new(Registration::new())).unwrap();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Authorization => changed(move |authorization| {
                for challenge in authorization["challenges"].as_array_mut().unwrap() {
                    challenge["token"] = json!("t".repeat(letters));
                }
            }),
            _ => Fate::Delivered,
        }));
        let end = world.issue(&["example.org"]).unwrap_err();
        assert_eq!(deviates(&world, "token-weak"), letters == 21);
        if code.is_empty() {
            // The CA has another token in mind; the proof was made of this one.
            assert_eq!(end.kind(), ErrorKind::Validation, "{end}");
        } else {
            assert_eq!(end.code(), code);
        }
    }
}

#[test]
fn a_token_that_makes_a_body_longer_than_servers_read_is_noted() {
    for (letters, is_long) in [(83, false), (84, true)] {
        let (world, _) = with_authorization(19, move |authorization| {
            authorization["challenges"][0]["token"] = json!("t".repeat(letters));
        });
        assert_eq!(deviates(&world, "token-long"), is_long, "{letters}");
    }
}

#[test]
fn what_a_failed_order_leaves_pending_can_be_given_up() {
    let mut world = World::registered(Config::default(), 20);
    let mut flow = world.order(&["a.example.org", "b.example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let (id, reason) = (offers[0].id.clone(), "port 80 is taken".to_owned());
    world.hand(&mut flow, Input::PublicationFailed { id, reason });
    assert_eq!(world.run(&mut flow).unwrap_err().kind(), ErrorKind::Publication);
    let open = flow.open_authorizations().to_vec();
    assert_eq!(open.len(), 2);
    world.forget_traffic();
    world.script = Some(Box::new(|_, _, request| {
        assert_eq!(payload(request.body()), r#"{"status":"deactivated"}"#);
        Fate::Delivered
    }));
    for url in open {
        world.run(&mut DeactivateAuthorization::new(url)).unwrap();
    }
    assert_eq!(world.sent(RequestKind::Authorization), 2);
    world.assert_no_violations();
    world.script = None;
    let mut flow = world.order(&["a.example.org"]);
    world.run(&mut flow).unwrap();
    assert!(flow.open_authorizations().is_empty(), "nothing is left after success");
}

#[test]
fn whatever_the_end_each_offer_is_presented_and_withdrawn_once() {
    let end = |config: Config, fails, script: Option<u16>| {
        let mut world = World::registered(config, 21);
        world.validation_fails = fails;
        if let Some(status) = script {
            world.script = Some(Box::new(move |kind, _, _| match kind {
                RequestKind::Finalize => {
                    Fate::Answered(Response::builder().status(status).body(Vec::new()).unwrap())
                }
                _ => Fate::Delivered,
            }));
        }
        let mut flow = world.order(&["a.example.org", "b.example.org"]);
        flow = flow.deadline(world.now.saturating_add(Duration::from_secs(60)));
        let result = world.run(&mut flow).map(drop).map_err(|error| error.kind());
        assert_eq!(world.presented.len(), 6);
        assert_eq!(world.presented, world.withdrawn);
        assert!(world.published.is_empty());
        result
    };
    let slow = Config::default().with_validation_delay(Duration::from_secs(3600));
    assert_eq!(end(Config::default(), None, None), Ok(()));
    let failed = end(Config::default(), Some(FailureReason::Dns), None);
    assert_eq!(failed, Err(ErrorKind::Validation));
    assert_eq!(end(slow, None, None), Err(ErrorKind::Deadline));
    assert!(end(Config::default(), None, Some(403)).is_err());
}
