//! Kinds of challenges that the library has never heard of are met by whoever knows them
//! (RFC 8555 §7.5.1, §8).

mod world;

use acmekit_core::action::{Action, Input, Offer, RequestKind};
use acmekit_core::challenge::{Answer, ChallengeType, MAX_ANSWER_LEN};
use acmekit_core::error::{ErrorKind, Misuse};
use acmekit_core::flow::issue::Issue;
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::flow::{Context, Flow};
use acmekit_core::types::JsonObject;
use acmekit_testing::{
    Config, FailureReason, PluginChallenge, Validation, ValidationOutcome, ValidationTarget,
};
use serde_json::json;
use world::{World, identifiers};

const KIND: &str = "x-test-01";

/// A riddle instead of a token, and another kind beside it that nobody knows.
fn config() -> Config {
    let riddle = json!({ "text": "what has keys but opens no lock?", "try": [1, null, "2"] });
    Config::default()
        .with_challenge_types([])
        .with_plugin_challenge(PluginChallenge::new("x-unknown-01").with_member("n", 1))
        .with_plugin_challenge(
            PluginChallenge::new(KIND).without_token().with_member("riddle", riddle),
        )
        .with_preauthorization(true)
}

fn object(value: serde_json::Value) -> JsonObject {
    value.as_object().unwrap().clone()
}

/// What solves the riddle: its own text and the account key.
fn solve(offer: &Offer) -> Answer {
    let solution = json!({
        "echo": offer.members()["riddle"]["text"],
        "key": offer.account_key_thumbprint(),
    });
    Answer::new(&object(solution)).unwrap()
}

fn judge(validation: &Validation) -> ValidationOutcome {
    let ValidationTarget::Plugin { name: KIND, answer, account_key_thumbprint } =
        &validation.target
    else {
        panic!("{validation:?}");
    };
    let expected = json!({
        "echo": "what has keys but opens no lock?",
        "key": account_key_thumbprint,
    });
    if *answer == object(expected) {
        return ValidationOutcome::Proven;
    }
    let detail = "this is not the answer".to_owned();
    ValidationOutcome::Failed { reason: FailureReason::Unauthorized, detail }
}

fn world(seed: u64) -> World {
    let mut world = World::registered(config(), seed);
    world.solves = ChallengeType::from(KIND);
    world.answers = Some(solve);
    world.judges = judge;
    world
}

/// Sends and hears until the flow presents.
fn until_presented<F: Flow>(world: &mut World, flow: &mut F) -> Vec<Offer> {
    loop {
        let cx = &mut Context {
            session: &mut world.session,
            now: world.now,
            entropy: &mut world.entropy,
        };
        match flow.poll(cx).unwrap() {
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
fn a_kind_made_up_elsewhere_is_met_from_offer_to_certificate() {
    let mut world = world(1);
    let issued = world.issue(&["example.org", "*.example.org", "192.0.2.1"]).unwrap();
    assert_eq!(issued.chain().leaf().identifiers().len(), 3);
    assert_eq!(world.presented.len(), world.withdrawn.len());
    assert!(world.published.is_empty());
    world.assert_no_violations();
    world.run(&mut Preauthorize::new(identifiers(&["example.net"]).remove(0))).unwrap();
    world.assert_no_violations();
}

#[test]
fn a_wrong_answer_fails_like_any_other_proof() {
    let mut world = world(2);
    world.answers = Some(|_| Answer::new(&object(json!({ "echo": "a piano" }))).unwrap());
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.to_string().contains("this is not the answer"), "{error}");
    assert!(world.published.is_empty());
}

#[test]
fn an_offer_has_every_member_that_the_server_sent() {
    let mut world = world(3);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let of = |kind: &str| offers.iter().find(|offer| offer.kind.as_str() == kind).unwrap();
    let (known, unknown) = (of(KIND), of("x-unknown-01"));
    assert_eq!(
        *known.members(),
        object(json!({
            "type": KIND,
            "url": known.id.as_str(),
            "riddle": { "text": "what has keys but opens no lock?", "try": [1, null, "2"] },
        }))
    );
    assert!(known.token.is_none() && known.key_authorization.is_none());
    assert_eq!(known.account_url(), world.session.account().map(|account| account.url.as_str()));
    let token = unknown.token.as_ref().unwrap();
    assert_eq!(unknown.members()["token"], token.as_str());
    let proof = format!("{token}.{}", unknown.account_key_thumbprint());
    assert_eq!(unknown.key_authorization.as_ref().unwrap().as_str(), proof);
}

#[test]
fn neither_an_offer_nor_an_answer_shows_a_secret() {
    let mut world = world(4);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let thumbprint = world.session.account_key().thumbprint();
    let shown = format!("{offers:?}");
    assert!(shown.contains("riddle") && !shown.contains(&thumbprint), "{shown}");
    let id = offers[1].id.clone();
    let answer = Answer::new(&object(json!({ "pin": "4711" }))).unwrap();
    let input = Input::PublishedWith { id, answer };
    assert!(!format!("{input:?}").contains("4711"));
    world.hand(&mut flow, input);
    let saved = serde_json::to_string(&flow.checkpoint()).unwrap();
    let proof = format!("{}.", offers[0].token.as_ref().unwrap());
    assert!(!saved.contains("4711") && !saved.contains(&proof), "{saved}");
}

#[test]
fn after_a_resume_the_same_challenge_is_presented_and_answered_again() {
    let mut world = world(5);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let text = serde_json::to_string(&flow.checkpoint()).unwrap();
    drop(flow);
    world.restart();
    let mut resumed = Issue::resume(serde_json::from_str(&text).unwrap(), &world.session).unwrap();
    world.run(&mut resumed).unwrap();
    let ids: Vec<_> = offers.iter().map(|offer| offer.id.as_str().to_owned()).collect();
    assert_eq!(world.presented, ids);
    assert_eq!(world.withdrawn, ids, "once, though it was presented twice");
    world.assert_no_violations();
}

#[test]
fn an_answer_with_members_to_a_challenge_of_the_standard_is_refused() {
    let mut world = World::registered(Config::default(), 6);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    let cx =
        &mut Context { session: &mut world.session, now: world.now, entropy: &mut world.entropy };
    for offer in offers {
        assert!(!offer.kind.takes_answer());
        let answer = Answer::new(&object(json!({ "keyAuthorization": "x" }))).unwrap();
        let input = Input::PublishedWith { id: offer.id, answer };
        assert_eq!(flow.handle(cx, input), Err(Misuse::UnwantedAnswer));
    }
}

#[test]
fn a_lost_answer_is_given_again_with_its_members() {
    let mut world = world(7);
    world.script = Some(Box::new(|kind, ordinal, _| {
        if kind == RequestKind::Challenge && ordinal == 1 {
            return world::Fate::NotSent;
        }
        world::Fate::Delivered
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 2);
    world.assert_no_violations();
}

#[test]
fn answers_and_members_are_bounded() {
    let long = object(json!({ "a": "x".repeat(MAX_ANSWER_LEN) }));
    let error = Answer::new(&long).unwrap_err();
    assert!(error.to_string().contains("65536"), "{error}");
    let config = Config::default()
        .with_plugin_challenge(PluginChallenge::new(KIND).with_member("a", "x".repeat(20_000)));
    let mut world = World::registered(config, 8);
    let mut flow = world.order(&["example.org"]);
    let offers = until_presented(&mut world, &mut flow);
    assert!(offers.iter().all(|offer| offer.kind.as_str() != KIND), "it cannot be met in part");
    assert!(!offers.is_empty());
    assert!(world.session.deviations().iter().any(|one| one.text.contains("16 KiB")));
}
