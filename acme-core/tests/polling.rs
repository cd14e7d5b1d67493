//! Waiting for the CA: when it is asked again, for how long, and what an end leaves behind.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::Flow;
use acmekit_core::flow::account::{FindAccount, Register, Registration};
use acmekit_core::flow::issue::Issue;
use acmekit_core::policy::Policy;
use acmekit_testing::{Config, RetryAfter};
use http::Response;
use serde_json::json;
use world::{Fate, World};

const SECOND: Duration = Duration::from_secs(1);

fn registered_with(policy: Policy, config: Config, seed: u64) -> World {
    let mut world = World::with_policy(config, seed, policy);
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.forget_traffic();
    world
}

#[test]
fn a_date_to_come_back_at_counts_by_the_servers_clock_not_by_ours() {
    for ahead in [0, 3600, 400 * 86_400] {
        let config = Config::default()
            .with_validation_delay(7 * SECOND)
            .with_retry_after(RetryAfter::HttpDate(3));
        let mut world = World::new(config, 1);
        world.ahead = Duration::from_secs(ahead);
        world.run(&mut Register::new(Registration::new())).unwrap();
        let mut flow = world.order(&["example.org"]);
        // A clock that far ahead takes a fresh certificate for an old one; that is not at issue.
        let result = world.run(&mut flow);
        assert!(result.is_ok() || ahead > 86_400);
        let waits: Vec<_> = world.log.iter().filter(|line| line.contains("Validation")).collect();
        assert!(waits.len() >= 3, "{waits:?}");
        assert!(waits.iter().all(|line| line.starts_with("wait 3000 ms")), "{ahead}: {waits:?}");
        world.assert_no_violations();
    }
}

#[test]
fn without_a_date_of_the_server_our_clock_counts() {
    let mut world = World::registered(Config::default(), 2);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::NewOrder, 1) => {
            // 20 seconds after the world begins.
            let date = "Sun, 22 Nov 2026 00:00:20 GMT";
            let builder = Response::builder().status(503).header("retry-after", date);
            Fate::Answered(builder.body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    let waited = world.now.saturating_since(world::START);
    assert!(waited >= 20 * SECOND && waited < 21 * SECOND, "{waited:?}");
}

#[test]
fn a_wait_ends_after_the_polls_that_the_policy_allows() {
    let mut policy = Policy::default();
    policy.max_polls = 5;
    for (config, step) in [
        (Config::default().with_validation_delay(500 * SECOND), Step::Validation),
        (Config::default().with_issuance_delay(500 * SECOND), Step::Issuance),
    ] {
        let mut world = registered_with(policy.clone(), config, 3);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Deadline, "too-many-polls"));
        assert_eq!(error.step(), step);
        assert!(matches!(error.retry(), Retry::At(_)));
        assert!((5..=6).contains(&world.sent(RequestKind::Order)));
        assert!(world.published.is_empty(), "what was published is withdrawn");
    }
}

#[test]
fn after_a_deadline_the_work_goes_on_from_the_saved_state() {
    for config in [
        Config::default().with_validation_delay(90 * SECOND),
        Config::default().with_issuance_delay(90 * SECOND),
    ] {
        let mut world = registered_with(Policy::default(), config, 4);
        let deadline = world.now.saturating_add(30 * SECOND);
        let mut flow = world.order(&["example.org"]).deadline(deadline);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline);
        let Retry::At(come_back) = error.retry() else { panic!("{:?}", error.retry()) };
        world.now = world.now.max(*come_back);
        let mut resumed = Issue::resume(flow.checkpoint(), &world.session).unwrap();
        world.run(&mut resumed).unwrap();
        assert_eq!(world.sent(RequestKind::NewOrder), 1, "it is the same order");
        assert!(world.published.is_empty());
        world.assert_no_violations();
    }
}

#[test]
fn every_operation_ends_at_its_deadline_however_the_server_stalls() {
    for kind in [RequestKind::Directory, RequestKind::NewNonce, RequestKind::NewAccount] {
        let mut world = World::registered(Config::default(), 5);
        world.restart();
        world.script = Some(Box::new(move |got, _, _| match got == kind {
            true => {
                let builder = Response::builder().status(503).header("retry-after", "50");
                Fate::Answered(builder.body(Vec::new()).unwrap())
            }
            false => Fate::Delivered,
        }));
        let deadline = world.now.saturating_add(20 * SECOND);
        let mut flow = FindAccount::new().deadline(deadline);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Deadline, "{kind}: {error}");
        assert!(world.now <= deadline.saturating_add(SECOND), "{kind}");
    }
}

#[test]
fn an_overloaded_endpoint_is_waited_for_and_the_order_lives_on() {
    for kind in [
        RequestKind::Directory,
        RequestKind::NewNonce,
        RequestKind::NewOrder,
        RequestKind::Authorization,
        RequestKind::Challenge,
        RequestKind::Order,
        RequestKind::Finalize,
        RequestKind::Certificate,
    ] {
        let mut world = World::registered(Config::default(), 6);
        world.restart();
        world.script = Some(Box::new(move |got, ordinal, _| match got == kind && ordinal == 1 {
            true => {
                let body = json!({"type": "urn:ietf:params:acme:error:rateLimited"}).to_string();
                let builder = Response::builder().status(503).header("retry-after", "17");
                Fate::Answered(builder.body(body.into_bytes()).unwrap())
            }
            false => Fate::Delivered,
        }));
        let start = world.now;
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert!(world.now.saturating_since(start) >= 17 * SECOND, "{kind}: not before that time");
        assert_eq!(world.ca.requests().new_order, 1, "{kind}: the order is the same");
        assert_eq!(world.ca.certificates().len(), 1);
        world.assert_no_violations();
    }
}

#[test]
fn a_new_nonce_that_is_refused_for_long_says_when_to_come_back() {
    let mut world = World::registered(Config::default(), 7);
    world.restart();
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewNonce => {
            let builder = Response::builder().status(503).header("retry-after", "900");
            Fate::Answered(builder.body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.step(), world.sent(RequestKind::NewNonce)), (Step::Nonce, 1));
    let Retry::At(time) = error.retry() else { panic!("{:?}", error.retry()) };
    assert_eq!(time.saturating_since(world.now).as_secs(), 900);
}

#[test]
fn retry_after_is_honoured_at_every_poll_and_never_undercut() {
    for seconds in [1, 5, 30] {
        let config = Config::default()
            .with_validation_delay(60 * SECOND)
            .with_issuance_delay(60 * SECOND)
            .with_retry_after(RetryAfter::Seconds(seconds));
        let mut world = registered_with(Policy::default(), config, 8);
        world.issue(&["example.org"]).unwrap();
        let is_poll = |kind| kind == acmekit_testing::RequestKind::Order;
        let polls: Vec<_> = world.ca.log().iter().filter(|e| is_poll(e.kind)).collect();
        for pair in polls.windows(2) {
            let gap = pair[1].at.saturating_since(pair[0].at);
            assert!(gap >= Duration::from_secs(u64::from(seconds)), "{gap:?}");
        }
        let most = 2 * 60 / seconds as usize + 4;
        assert!(polls.len() <= most, "{} polls", polls.len());
        // R-POL-03 is among what the CA records.
        world.assert_no_violations();
    }
}
