//! A flow is data: it is saved and resumed at every moment, and comes to the same end.

mod world;

use acmekit_core::action::{Action, Input};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::Issue;
use acmekit_core::flow::{Checkpoint, Context, Flow, ResumeError};
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use std::time::Duration;
use world::{World, identifiers};

/// Through JSON and back, as a program that ends and starts again would keep it.
fn through_text(checkpoint: &Checkpoint) -> Checkpoint {
    serde_json::from_str(&serde_json::to_string(checkpoint).unwrap()).unwrap()
}

/// Runs an order until `limit` actions were carried out, then gives up the process. The last
/// request is delivered, its answer is lost. `None` when the flow ended before.
fn run_and_die(world: &mut World, flow: &mut Issue, limit: usize) -> Option<Checkpoint> {
    for step in 0.. {
        if step >= limit {
            return Some(flow.checkpoint());
        }
        let action = {
            let cx = &mut Context {
                session: &mut world.session,
                now: world.now,
                entropy: &mut world.entropy,
            };
            flow.poll(cx).unwrap()
        };
        match action {
            Action::Send(outgoing) => {
                let response = world.ca.handle(world.now, outgoing.request);
                if step + 1 < limit {
                    world.hand(flow, Input::Response { id: outgoing.id, response });
                }
            }
            Action::Present(offers) => {
                let mut ids = Vec::new();
                for offer in offers.into_iter().filter(|offer| offer.kind == world.solves) {
                    ids.push(offer.id.clone());
                    world.published.insert(offer.id.as_str().to_owned(), offer);
                }
                if step + 1 < limit {
                    world.hand(flow, Input::Published(ids));
                }
            }
            Action::Withdraw(offers) => {
                for offer in offers {
                    world.published.remove(offer.id.as_str());
                }
            }
            Action::Wait { until, .. } | Action::Blocked { until } => {
                world.now = world.now.max(until);
                validate(world);
            }
            Action::Done(_) => return None,
            Action::Sign(_) => unreachable!("the keys are local"),
        }
    }
    None
}

fn validate(world: &mut World) {
    for validation in world.ca.poll_validations() {
        let body = world
            .published
            .values()
            .find(|o| o.token.as_ref().unwrap().as_str() == validation.token);
        let outcome = match body {
            Some(offer) => acmekit_testing::ValidationOutcome::HttpBody(offer.http01_body().into()),
            None => acmekit_testing::ValidationOutcome::Failed {
                reason: acmekit_testing::FailureReason::Connection,
                detail: String::new(),
            },
        };
        world.ca.validation_result(world.now, validation.id, outcome);
    }
}

#[test]
fn an_order_is_resumed_after_every_single_action() {
    let config = || Config::default().with_issuance_delay(Duration::from_millis(300));
    let mut moments = 0;
    for limit in 0.. {
        let mut world = World::registered(config(), 1);
        let mut flow = world.order(&["example.org", "www.example.org"]);
        let Some(checkpoint) = run_and_die(&mut world, &mut flow, limit) else { break };
        moments += 1;
        drop(flow);
        world.restart();
        let mut resumed = Issue::resume(through_text(&checkpoint), &world.session).unwrap();
        let issued = world.run(&mut resumed).unwrap_or_else(|e| panic!("moment {limit}: {e}"));
        let mut names = issued.chain().leaf().identifiers().to_vec();
        names.sort();
        assert_eq!(names, identifiers(&["example.org", "www.example.org"]));
        assert!(world.published.is_empty(), "moment {limit}: nothing stays published");
        let orders = world.ca.requests().new_order;
        // Only an answer to newOrder that was lost may cost a second order.
        assert!(orders <= 2, "moment {limit}: {orders} orders");
        let finalized = world.ca.certificates().len();
        assert_eq!(finalized, 1, "moment {limit}: one certificate, not {finalized}");
        world.assert_no_violations();
    }
    assert!(moments > 12, "{moments} moments");
}

#[test]
fn a_checkpoint_holds_no_secret() {
    let mut world = World::registered(Config::default(), 2);
    let mut flow = world.order(&["example.org"]);
    let checkpoint = run_and_die(&mut world, &mut flow, 5).unwrap();
    let text = serde_json::to_string(&checkpoint).unwrap();
    let pem = world.account_key.as_ref().unwrap().to_pkcs8_pem().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    assert!(!text.contains(&body[..40]));
    assert!(!world.published.is_empty());
    for offer in world.published.values() {
        assert!(!text.contains(offer.http01_body()), "the key authorization is not in it");
    }
}

#[test]
fn a_checkpoint_of_another_session_is_refused() {
    let mut world = World::registered(Config::default(), 3);
    let mut flow = world.order(&["example.org"]);
    let checkpoint = run_and_die(&mut world, &mut flow, 4).unwrap();
    let stranger = World::registered(Config::default(), 4);
    let refused = Issue::resume(checkpoint.clone(), &stranger.session).err();
    assert_eq!(refused, Some(ResumeError::OtherAccountKey));
    let refused = Register::resume(checkpoint, &world.session, None).err();
    assert_eq!(refused, Some(ResumeError::OtherFlow));
}

#[test]
fn an_unknown_version_is_refused_with_its_number() {
    let mut world = World::registered(Config::default(), 5);
    let mut flow = world.order(&["example.org"]);
    let checkpoint = run_and_die(&mut world, &mut flow, 2).unwrap();
    let mut value = serde_json::to_value(checkpoint).unwrap();
    value["version"] = 99.into();
    let future = serde_json::from_value(value).unwrap();
    let refused = Issue::resume(future, &world.session).err();
    assert_eq!(refused, Some(ResumeError::UnknownVersion(99)));
}

#[test]
fn a_registration_with_a_binding_is_looked_up_before_the_binding_is_used_again() {
    let binding = || {
        let key = MacKey::from_bytes(&[7; 32]).unwrap();
        ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap()
    };
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use());
    let mut world = World::new(config, 6);
    let mut flow = Register::new(Registration::new().external_account(binding()));
    // Directory, nonce, newAccount: the process dies with the last answer on its way.
    for answered in [true, true, false] {
        let cx = &mut Context {
            session: &mut world.session,
            now: world.now,
            entropy: &mut world.entropy,
        };
        let Action::Send(outgoing) = flow.poll(cx).unwrap() else { panic!("a request") };
        let response = world.ca.handle(world.now, outgoing.request);
        if answered {
            world.hand(&mut flow, Input::Response { id: outgoing.id, response });
        }
    }
    let checkpoint = through_text(&flow.checkpoint());
    assert!(!serde_json::to_string(&checkpoint).unwrap().contains("mac"));
    world.restart();
    let refused = Register::resume(checkpoint.clone(), &world.session, None).err();
    assert_eq!(refused, Some(ResumeError::ExternalAccountMissing));
    let mut resumed = Register::resume(checkpoint, &world.session, Some(binding())).unwrap();
    world.run(&mut resumed).unwrap();
    assert_eq!(world.ca.requests().new_account, 2);
    world.assert_no_violations();
}

#[test]
fn an_order_that_expired_meanwhile_is_made_anew() {
    let config = Config::default().with_order_lifetime(Duration::from_secs(60));
    let mut world = World::registered(config, 7);
    let mut flow = world.order(&["example.org"]);
    let checkpoint = run_and_die(&mut world, &mut flow, 4).unwrap();
    world.restart();
    world.now = world.now.saturating_add(Duration::from_secs(3600));
    let mut resumed = Issue::resume(through_text(&checkpoint), &world.session).unwrap();
    world.run(&mut resumed).unwrap();
    assert_eq!(world.ca.requests().new_order, 2);
    assert!(world.published.is_empty());
}

#[test]
fn cancelling_at_any_moment_withdraws_what_was_presented_once() {
    let mut presented_at_some_moment = false;
    for limit in 0.. {
        let config = Config::default().with_issuance_delay(Duration::from_millis(300));
        let mut world = World::registered(config, 8);
        let mut flow = world.order(&["example.org", "www.example.org"]);
        if run_and_die(&mut world, &mut flow, limit).is_none() {
            break;
        }
        let published = world.published.len();
        presented_at_some_moment |= published > 0;
        world.hand(&mut flow, Input::Cancel);
        let error = world.run(&mut flow).unwrap_err();
        assert_eq!(error.kind(), acmekit_core::error::ErrorKind::Cancelled, "moment {limit}");
        assert!(world.published.is_empty(), "moment {limit}: nothing stays published");
        assert_eq!(world.withdrawn.is_empty(), published == 0, "moment {limit}");
    }
    assert!(presented_at_some_moment);
}
