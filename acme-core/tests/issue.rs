//! A certificate from beginning to end, in memory, against a strict judge.

mod world;

use std::time::Duration;

use acmekit_core::action::{Input, RequestKind};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::crypto::KeyType;
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::ChainPreference;
use acmekit_testing::{Config, FailureReason, RetryAfter};
use world::{Fate, World, identifiers, many_names};

#[test]
fn one_name_costs_directory_nonce_and_seven_requests_at_most() {
    let mut world = World::registered(Config::default(), 1);
    world.restart();
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers(), identifiers(&["example.org"]));
    assert_eq!(
        world.log.iter().filter(|line| !line.starts_with("wait")).collect::<Vec<_>>(),
        [
            "directory",
            "newNonce",
            "newOrder",
            "authorization",
            "publish http-01 example.org",
            "challenge",
            "order",
            "withdraw",
            "finalize",
            "certificate",
        ]
    );
    assert!(world.sent_in_all() <= 2 + 2 + 5);
    assert_eq!(world.nonces_at_hand, [0], "no nonce is fetched while one is at hand");
    world.assert_no_violations();
}

#[test]
fn fifty_names_cost_two_requests_each_and_one_nonce() {
    let mut world = World::registered(Config::default().with_issuance_delay(MILLIS_20), 2);
    world.restart();
    let names = many_names(50);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.issue(&names).unwrap();
    assert_eq!(world.nonces_at_hand, [0]);
    assert_eq!(world.sent_in_all(), 107);
    world.assert_no_violations();
}

const MILLIS_20: Duration = Duration::from_millis(20);

#[test]
fn two_hundred_certificates_with_sixteen_orders_in_flight_stay_in_the_budget() {
    let mut world = World::registered(Config::default(), 3);
    world.restart();
    for batch in 0..13 {
        let mut flows: Vec<_> = (0..16)
            .filter(|n| batch * 16 + n < 200)
            .map(|n| world.order(&[&format!("b{batch}-n{n}.example.org")]))
            .collect();
        for result in world.run_all(&mut flows) {
            result.unwrap();
        }
    }
    let each = world.sent_in_all() as f64 / 200.0;
    assert!(each <= 7.1, "{each} requests for each certificate");
    world.assert_no_violations();
}

#[test]
fn on_a_slow_network_a_large_order_fetches_more_nonces_and_works_side_by_side() {
    let mut world = World::registered(Config::default(), 4);
    world.restart();
    world.latency = Duration::from_millis(100);
    let start = world.now;
    let names = many_names(50);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.issue(&names).unwrap();
    let nonces = world.sent(RequestKind::NewNonce);
    assert!((2..=16).contains(&nonces), "{nonces} nonces fetched");
    let took = world.now.saturating_since(start);
    assert!(took < Duration::from_secs(3), "one after another would take 11 s, this took {took:?}");
    world.assert_no_violations();
}

#[test]
fn every_challenge_type_that_cas_offer_everywhere_works() {
    for kind in [ChallengeType::Http01, ChallengeType::Dns01, ChallengeType::TlsAlpn01] {
        let mut world = World::registered(Config::default(), 5);
        world.solves = kind.clone();
        world.issue(&["example.org", "www.example.org"]).unwrap();
        assert!(world.published.is_empty(), "{kind} is withdrawn");
        world.assert_no_violations();
    }
}

#[test]
fn a_wildcard_and_its_base_name_share_one_record_name() {
    let mut world = World::registered(Config::default(), 6);
    world.solves = ChallengeType::Dns01;
    let issued = world.issue(&["example.org", "*.example.org"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers().len(), 2);
    world.assert_no_violations();
}

#[test]
fn addresses_are_certified_like_names() {
    let mut world = World::registered(Config::default(), 8);
    for kind in [ChallengeType::Http01, ChallengeType::TlsAlpn01] {
        world.solves = kind;
        let issued = world.issue(&["192.0.2.1", "2001:db8::1", "example.org"]).unwrap();
        assert_eq!(issued.chain().leaf().identifiers().len(), 3);
    }
    world.assert_no_violations();
}

#[test]
fn authorizations_that_are_valid_already_cost_no_challenge() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 9);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 0);
    assert_eq!(world.sent(RequestKind::Authorization), 0, "the order was born ready");
    world.assert_no_violations();
}

#[test]
fn without_retry_after_a_slow_validation_is_noticed_within_a_third_of_a_second() {
    let delay = Duration::from_secs(2);
    let mut world = World::registered(Config::default().with_validation_delay(delay), 10);
    world.issue(&["example.org"]).unwrap();
    let (noticed, possible) = notice(&world, delay);
    #[expect(clippy::print_stdout, reason = "the figure is asked for")]
    {
        println!("waiting past the earliest moment: {noticed} ms of {possible} ms");
    }
    assert!(noticed < 300);
    world.assert_no_violations();
}

#[test]
fn a_retry_after_is_never_overstepped_and_hardly_exceeded() {
    for retry_after in [RetryAfter::Seconds(1), RetryAfter::HttpDate(1)] {
        let delay = Duration::from_secs(2);
        let config = Config::default().with_validation_delay(delay).with_retry_after(retry_after);
        let mut world = World::registered(config, 11);
        world.issue(&["example.org"]).unwrap();
        let waits: Vec<_> = world.log.iter().filter(|l| l.contains("Validation")).collect();
        assert!(waits.iter().all(|l| l.starts_with("wait 1000 ms")), "{waits:?}");
        // R-POL-03 is among what the CA records.
        world.assert_no_violations();
    }
}

/// How long after the validation could be seen the client asked, in milliseconds.
fn notice(world: &World, delay: Duration) -> (u128, u128) {
    let log = world.ca.log();
    let triggered = log.iter().rfind(|e| e.kind == acmekit_testing::RequestKind::Challenge);
    let possible = triggered.unwrap().at.saturating_add(delay);
    let seen =
        log.iter().find(|e| e.kind == acmekit_testing::RequestKind::Order && e.at >= possible);
    (seen.unwrap().at.saturating_since(possible).as_millis(), delay.as_millis())
}

#[test]
fn an_order_that_is_processed_for_a_while_is_polled() {
    for seconds in [1, 30] {
        let delay = Duration::from_secs(seconds);
        let mut world = World::registered(Config::default().with_issuance_delay(delay), 12);
        world.issue(&["example.org"]).unwrap();
        assert!(world.sent(RequestKind::Order) < 50);
        world.assert_no_violations();
    }
}

#[test]
fn a_sixth_of_all_nonces_may_be_refused() {
    let mut world = World::registered(Config::default().with_bad_nonce_percent(15), 13);
    for n in 0..20 {
        world.issue(&[&format!("n{n}.example.org")]).unwrap();
    }
    world.assert_no_violations();
}

#[test]
fn nonces_are_fetched_where_errors_carry_none() {
    let config = Config::default().with_bad_nonce_percent(15).with_nonce_on_errors(false);
    let mut world = World::registered(config, 14);
    for n in 0..10 {
        world.issue(&[&format!("n{n}.example.org")]).unwrap();
    }
    assert!(world.sent(RequestKind::NewNonce) > 0);
    world.assert_no_violations();
}

#[test]
fn an_order_that_is_pending_again_after_finalize_is_waited_for() {
    let mut world = World::registered(Config::default(), 24);
    world.script = Some(Box::new(|kind, ordinal, _| {
        if kind != RequestKind::Finalize || ordinal > 1 {
            return Fate::Delivered;
        }
        let body = r#"{"type":"urn:ietf:params:acme:error:orderNotReady","detail":"later"}"#;
        Fate::Answered(http::Response::builder().status(403).body(body.into()).unwrap())
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Finalize), 2);
    world.assert_no_violations();
}

#[test]
fn keys_that_are_held_elsewhere_sign_by_action() {
    let mut world = World::new(Config::default(), 15);
    world.hold_account_key_elsewhere();
    world.run(&mut Register::new(Registration::new())).unwrap();
    let mut flow = world.order_with_external_key(&["example.org"]);
    let issued = world.run(&mut flow).unwrap();
    let key = world.certificate_key.as_ref().unwrap();
    assert_eq!(issued.chain().leaf().public_key_der(), key.public_key_der());
    assert_eq!(key.key_type(), KeyType::P256);
    world.assert_no_violations();
}

#[test]
fn the_preferred_chain_is_taken_among_the_alternates() {
    let mut world = World::registered(Config::default().with_alternate_roots(2), 16);
    let mut flow = world.order(&["example.org"]);
    let default = world.run(&mut flow).unwrap();
    assert_eq!(default.alternates().len(), 2);
    let top = default.chain().certificates().last().unwrap().issuer_common_name().unwrap();
    for (name, satisfied) in [(top.as_str(), true), ("No Such Root", false)] {
        let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::issuer(name));
        let issued = world.run(&mut flow).unwrap();
        assert_eq!(issued.is_preferred_chain(), satisfied, "{name}");
    }
    let roots: Vec<String> = alternate_root_names(&world);
    let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::issuer(&roots[0]));
    let issued = world.run(&mut flow).unwrap();
    assert!(issued.is_preferred_chain());
    let got = issued.chain().certificates().last().unwrap().issuer_common_name();
    assert_eq!(got.as_deref(), Some(roots[0].as_str()));
    world.assert_no_violations();
}

fn alternate_root_names(world: &World) -> Vec<String> {
    let pem = world.ca.alternate_root_pem().unwrap();
    let chain = acmekit_core::certificate::CertificateChain::from_pem(pem.as_bytes()).unwrap();
    vec![chain.leaf().issuer_common_name().unwrap()]
}

#[test]
fn a_failed_validation_names_the_name_and_withdraws() {
    let mut world = World::registered(Config::default(), 17);
    world.validation_fails = Some(FailureReason::Connection);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Validation, Step::Validation));
    assert_eq!(error.code(), "connection");
    assert!(error.to_string().contains("example.org"), "{error}");
    assert_eq!(error.retry(), &Retry::NewOrder);
    assert_eq!(world.presented.len(), world.withdrawn.len());
    assert!(world.published.is_empty());
}

#[test]
fn a_deadline_ends_the_wait_withdraws_and_says_when_to_come_back() {
    let config = Config::default().with_validation_delay(Duration::from_secs(600));
    let mut world = World::registered(config, 18);
    let deadline = world.now.saturating_add(Duration::from_secs(30));
    let mut flow = world.order(&["example.org"]).deadline(deadline);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Deadline, Step::Validation));
    assert!(world.now <= deadline.saturating_add(Duration::from_secs(1)));
    assert!(matches!(error.retry(), Retry::At(_)));
    assert!(world.published.is_empty());
}

#[test]
fn cancelling_withdraws_everything_and_ends_with_cancelled() {
    let mut world = World::registered(Config::default(), 19);
    let mut flow = world.order(&["example.org"]);
    world.hand(&mut flow, Input::Cancel);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(world.run(&mut flow).unwrap_err().kind(), ErrorKind::Cancelled, "it comes again");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let config = Config::default().with_bad_nonce_percent(15).with_issuance_delay(MILLIS_20);
        let mut world = World::registered(config, seed);
        let issued = world.issue(&["example.org", "www.example.org"]).unwrap();
        (world.bytes, world.log, issued.chain().to_pem())
    };
    let (first, second, other) = (run(20), run(20), run(21));
    assert!(first.0.iter().any(|body| !body.is_empty()));
    assert_eq!(first, second);
    assert_ne!(first.2, other.2);
}

#[test]
fn what_is_wrong_with_the_order_is_found_before_anything_is_sent() {
    let mut world = World::registered(Config::default(), 22);
    let request = world.certificate_request(&identifiers(&["a.example.org"]));
    let other = acmekit_core::flow::issue::NewOrder::new(identifiers(&["b.example.org"]));
    let mut flow = acmekit_core::flow::issue::Issue::new(other, request);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "badCSR"));
    let request = world.certificate_request(&identifiers(&["a.example.org"]));
    let empty = acmekit_core::flow::issue::NewOrder::new([]);
    let mut flow = acmekit_core::flow::issue::Issue::new(empty, request);
    assert_eq!(world.run(&mut flow).unwrap_err().code(), "no-identifiers");
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn the_account_key_is_refused_as_certificate_key() {
    use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
    let mut world = World::registered(Config::default(), 23);
    let names = identifiers(&["example.org"]);
    let key = world.account_key.clone().unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let order = acmekit_core::flow::issue::NewOrder::new(names);
    let mut flow = acmekit_core::flow::issue::Issue::new(order, request);
    assert_eq!(world.run(&mut flow).unwrap_err().code(), "account-key-in-certificate");
    assert_eq!(world.sent_in_all(), 0);
}
