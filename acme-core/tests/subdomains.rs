//! A domain is proven in place of the names below it (RFC 9444), against a strict judge.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::challenge::ChallengeType;
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_testing::Config;
use world::{World, identifiers};

const NAMES: [&str; 2] = ["a.dev.example.org", "b.dev.example.org"];

fn world(seed: u64, allowed: bool) -> World {
    let config = Config::default().with_subdomains(allowed).with_preauthorization(true);
    let mut world = World::registered(config, seed);
    world.solves = ChallengeType::Dns01;
    world
}

fn order(world: &mut World, ancestor: &str) -> Issue {
    let names = identifiers(&NAMES);
    let request = world.certificate_request(&names);
    Issue::new(NewOrder::new(names).with_ancestor(ancestor.parse().unwrap()), request)
}

#[test]
fn one_proof_of_the_domain_above_is_enough_where_the_server_takes_it() {
    for (allowed, proofs) in [(true, 1), (false, 2)] {
        let mut world = world(1, allowed);
        let mut flow = order(&mut world, "example.org");
        let issued = world.run(&mut flow).unwrap();
        assert_eq!(issued.chain().leaf().identifiers().len(), 2);
        assert_eq!(world.sent(RequestKind::Challenge), proofs);
        let asked = world.log.iter().any(|line| line == "publish dns-01 example.org");
        assert_eq!(asked, allowed);
        assert!(world.published.is_empty());
        world.assert_no_violations();
    }
}

#[test]
fn a_domain_proven_ahead_counts_for_the_names_below_without_further_proof() {
    let mut world = world(2, true);
    let domain = "example.org".parse().unwrap();
    let done = world.run(&mut Preauthorize::new(domain).with_subdomains()).unwrap();
    assert!(done.allows_subdomains);
    world.forget_traffic();
    world.issue(&NAMES).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 0);
    world.issue(&["c.example.org", "example.net"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 1, "only the other name is proven");
    world.assert_no_violations();
}

#[test]
fn a_server_that_authorizes_the_name_alone_is_not_misunderstood() {
    let mut world = world(3, false);
    let domain = "example.org".parse().unwrap();
    let done = world.run(&mut Preauthorize::new(domain).with_subdomains()).unwrap();
    assert!(!done.allows_subdomains);
    let plain = Preauthorize::new("example.net".parse().unwrap());
    assert!(!world.run(&mut { plain }).unwrap().allows_subdomains);
    world.forget_traffic();
    world.issue(&NAMES).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 2);
}

#[test]
fn what_was_named_survives_a_resume() {
    let mut world = world(4, true);
    let flow = order(&mut world, "dev.example.org");
    let saved = {
        use acmekit_core::flow::Flow;
        serde_json::to_string(&flow.checkpoint()).unwrap()
    };
    let checkpoint = serde_json::from_str(&saved).unwrap();
    // Not begun yet, so it is bound to no session.
    let mut resumed = Issue::resume(checkpoint, &world.session).unwrap();
    world.run(&mut resumed).unwrap();
    assert!(world.log.iter().any(|line| line == "publish dns-01 dev.example.org"));
    world.assert_no_violations();
}
