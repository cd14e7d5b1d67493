//! Control of a name is proven ahead of any order (RFC 8555 §7.4.1), against a strict judge.

mod world;

use acmekit_core::action::{Action, Input, RequestKind};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::error::{Error, ErrorKind, Step};
use acmekit_core::flow::preauthorize::{Preauthorize, Preauthorized};
use acmekit_core::flow::{Checkpoint, Context, Flow};
use acmekit_testing::{Config, FailureReason, RefusalCause, ValidationOutcome};
use world::{Fate, World, identifiers};

const NAME: &str = "example.org";

fn world(seed: u64) -> World {
    World::registered(Config::default().with_preauthorization(true), seed)
}

fn flow(name: &str) -> Preauthorize {
    Preauthorize::new(name.parse().unwrap())
}

/// Polls once, and hands nothing back.
fn poll(world: &mut World, flow: &mut Preauthorize) -> Result<Action<Preauthorized>, Error> {
    let cx =
        &mut Context { session: &mut world.session, now: world.now, entropy: &mut world.entropy };
    flow.poll(cx)
}

/// Carries one action out and hands its outcome back, unless the outcome is to be lost.
fn carry_out(
    world: &mut World,
    flow: &mut Preauthorize,
    action: Action<Preauthorized>,
    is_told: bool,
) -> Option<Preauthorized> {
    let input = match action {
        Action::Send(outgoing) => {
            let response = world.ca.handle(world.now, outgoing.request);
            Input::Response { id: outgoing.id, response }
        }
        Action::Present(offers) => {
            let mut ids = Vec::new();
            for offer in offers.into_iter().filter(|offer| offer.kind == world.solves) {
                ids.push(offer.id.clone());
                world.published.insert(offer.id.as_str().to_owned(), offer);
            }
            Input::Published(ids)
        }
        Action::Withdraw(offers) => {
            for offer in offers {
                world.published.remove(offer.id.as_str());
            }
            return None;
        }
        Action::Wait { until, .. } | Action::Blocked { until } => {
            world.now = world.now.max(until);
            look(world);
            return None;
        }
        Action::Done(done) => return Some(done),
        Action::Sign(_) => unreachable!("the key is local"),
    };
    if is_told {
        world.hand(flow, input);
    }
    None
}

/// The CA looks at what is published for http-01.
fn look(world: &mut World) {
    for validation in world.ca.poll_validations() {
        let offer = world
            .published
            .values()
            .find(|o| o.token.as_ref().unwrap().as_str() == validation.token);
        let outcome = match offer {
            Some(offer) => ValidationOutcome::HttpBody(offer.http01_body().into()),
            None => ValidationOutcome::Failed {
                reason: FailureReason::Connection,
                detail: "nothing there".to_owned(),
            },
        };
        world.ca.validation_result(world.now, validation.id, outcome);
    }
}

/// Through JSON and back, as a program that ends and starts again would keep it.
fn through_text(checkpoint: &Checkpoint) -> Checkpoint {
    serde_json::from_str(&serde_json::to_string(checkpoint).unwrap()).unwrap()
}

#[test]
fn a_name_proven_ahead_needs_no_challenge_in_its_order() {
    for (seed, kind) in [(1, ChallengeType::Http01), (2, ChallengeType::Dns01)] {
        let mut world = world(seed);
        world.solves = kind.clone();
        let done = world.run(&mut flow(NAME)).unwrap();
        assert_eq!(done.identifier, identifiers(&[NAME])[0]);
        assert!(done.expires.is_some_and(|expires| expires > world.now));
        assert_eq!(world.sent(RequestKind::NewAuthorization), 1);
        assert_eq!(world.sent(RequestKind::Challenge), 1);
        assert_eq!(world.log.iter().filter(|line| line.starts_with("publish")).count(), 1);
        assert!(world.published.is_empty(), "what was published is withdrawn");

        world.forget_traffic();
        let issued = world.issue(&[NAME]).unwrap();
        assert_eq!(issued.chain().leaf().identifiers(), identifiers(&[NAME]));
        assert_eq!(world.sent(RequestKind::Challenge), 0, "{kind}: nothing is left to prove");
        assert_eq!(world.sent(RequestKind::Authorization), 0, "the order is born ready");
        world.assert_no_violations();
    }
}

#[test]
fn a_name_that_is_proven_already_costs_one_request() {
    let mut world = world(3);
    let first = world.run(&mut flow(NAME)).unwrap();
    world.forget_traffic();
    let again = world.run(&mut flow(NAME)).unwrap();
    assert_eq!(again, first);
    assert_eq!(world.sent_in_all(), 1);
}

#[test]
fn a_wildcard_is_refused_before_anything_is_sent() {
    let mut world = world(4);
    let error = world.run(&mut flow("*.example.org")).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Input, Step::Preauthorization));
    assert_eq!(error.code(), "wildcard-preauthorization");
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn a_server_that_does_not_offer_it_is_not_asked() {
    let mut world = World::registered(Config::default(), 5);
    let error = world.run(&mut flow(NAME)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.code(), "preauthorization-unsupported");
    assert_eq!(world.sent_in_all(), 0, "the directory is known already");
}

#[test]
fn a_name_that_the_server_refuses_is_told_with_its_problem() {
    let config = Config::default().with_preauthorization(true).with_refused_name(NAME);
    let mut world = World::registered(config, 6);
    let error = world.run(&mut flow(NAME)).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Preauthorization));
    let problem = error.problem().unwrap();
    assert!(problem.to_string().contains(NAME), "{problem}");
    assert!(world.presented.is_empty());
}

#[test]
fn a_failed_validation_withdraws_and_tells_why() {
    let mut world = world(7);
    world.validation_fails = Some(FailureReason::Connection);
    let error = world.run(&mut flow(NAME)).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Validation, Step::Validation));
    assert!(error.to_string().contains("nothing there"), "{error}");
    assert!(world.published.is_empty());
    assert_eq!(world.withdrawn, world.presented, "all that was offered, as it was offered");
    world.assert_no_violations();
}

#[test]
fn a_cancelled_flow_withdraws_and_says_that_it_was_cancelled() {
    let mut world = world(8);
    let mut flow = flow(NAME);
    while world.published.is_empty() {
        let action = poll(&mut world, &mut flow).unwrap();
        assert_eq!(carry_out(&mut world, &mut flow, action, true), None);
    }
    world.hand(&mut flow, Input::Cancel);
    let action = poll(&mut world, &mut flow).unwrap();
    assert!(matches!(action, Action::Withdraw(_)), "{action:?}");
    carry_out(&mut world, &mut flow, action, true);
    assert!(world.published.is_empty());
    assert_eq!(poll(&mut world, &mut flow).unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_challenge_that_cannot_be_published_ends_the_flow() {
    let mut world = world(9);
    let mut flow = flow(NAME);
    let offers = loop {
        match poll(&mut world, &mut flow).unwrap() {
            Action::Present(offers) => break offers,
            action => assert_eq!(carry_out(&mut world, &mut flow, action, true), None),
        }
    };
    let (id, reason) = (offers[0].id.clone(), "port 80 is taken".to_owned());
    world.hand(&mut flow, Input::PublicationFailed { id, reason });
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Publication);
    assert!(error.to_string().contains("port 80 is taken"), "{error}");
    assert_eq!(world.sent(RequestKind::Challenge), 0);
}

#[test]
fn a_lost_answer_to_the_challenge_is_not_sent_again_before_asking() {
    let mut world = world(10);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Challenge, 1) => Fate::AnswerLost,
        _ => Fate::Delivered,
    }));
    world.run(&mut flow(NAME)).unwrap();
    assert_eq!(world.ca.requests().challenge, 1);
    world.assert_no_violations();
}

#[test]
fn it_is_resumed_after_every_single_action() {
    let mut moments = 0;
    for limit in 0.. {
        let mut world = world(11);
        let mut first = flow(NAME);
        let mut is_done = false;
        for step in 1..=limit {
            let action = poll(&mut world, &mut first).unwrap();
            if carry_out(&mut world, &mut first, action, step < limit).is_some() {
                is_done = true;
                break;
            }
        }
        if is_done {
            break;
        }
        moments += 1;
        let checkpoint = through_text(&first.checkpoint());
        drop(first);
        world.restart();
        let mut resumed = Preauthorize::resume(checkpoint, &world.session).unwrap();
        let done =
            world.run(&mut resumed).unwrap_or_else(|error| panic!("moment {limit}: {error}"));
        assert_eq!(done.identifier, identifiers(&[NAME])[0]);
        assert!(world.published.is_empty(), "moment {limit}: nothing stays published");
        // Only an answer to newAuthz that was lost may cost a second authorization.
        let made = world.ca.requests().new_authorization;
        assert!(made <= 2, "moment {limit}: {made} authorizations");
        world.assert_no_violations();
    }
    assert!(moments > 6, "{moments} moments");
}

#[test]
fn a_server_error_on_the_way_is_outlasted() {
    let mut world = world(12);
    let kind = acmekit_testing::RequestKind::NewAuthorization;
    world.ca.refuse_next(kind, RefusalCause::Internal);
    world.run(&mut flow(NAME)).unwrap();
    assert_eq!(world.ca.requests().new_authorization, 2);
}

/// acme2certifier names newAuthz in its directory and serves nothing there.
#[test]
fn a_server_whose_newauthz_leads_nowhere_does_not_offer_it() {
    for (seed, status) in [(21, 404), (22, 405)] {
        let mut world = world(seed);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewAuthorization => Fate::Answered(
                http::Response::builder().status(status).body(b"nothing".to_vec()).unwrap(),
            ),
            _ => Fate::Delivered,
        }));
        let error = world.run(&mut flow(NAME)).unwrap_err();
        let found = (error.kind(), error.code());
        assert_eq!(found, (ErrorKind::Unsupported, "preauthorization-unsupported"), "{error}");
        assert!(world.session.deviations().iter().any(|d| d.code == "new-authz-absent"));
    }
}
