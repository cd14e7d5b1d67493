//! newAuthz (RFC 8555 §7.4.1).

mod common;

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use common::{Answer, World, challenge, draw_key};
use http::StatusCode;
use serde_json::{Value, json};

fn world() -> World {
    World::registered(Config::default().with_preauthorization(true))
}

fn ask(world: &mut World, name: &str) -> Answer {
    let identifier = json!({ "type": "dns", "value": name });
    world.post(&world.url("newAuthz"), &json!({ "identifier": identifier }))
}

fn prove(world: &mut World, authorization: &Value) {
    let url = challenge(authorization, "http-01")["url"].as_str().unwrap().to_owned();
    world.post(&url, &json!({}));
    for validation in world.ca.poll_validations() {
        let evidence = world.evidence(&validation);
        world.ca.validation_result(world.now, validation.id, evidence);
    }
}

#[test]
fn it_is_in_the_directory_only_when_it_is_offered() {
    assert!(world().directory["newAuthz"].is_string());
    assert!(World::new(Config::default()).directory.get("newAuthz").is_none());
}

#[test]
fn an_authorization_made_ahead_serves_the_later_orders_of_its_account() {
    let mut world = world();
    let answer = ask(&mut world, "example.org");
    assert_eq!(answer.status, StatusCode::CREATED);
    let url = answer.header("location").unwrap().to_owned();
    assert_eq!(answer.json()["status"], "pending");
    assert_eq!(answer.json()["identifier"], json!({ "type": "dns", "value": "example.org" }));
    prove(&mut world, &answer.json());
    assert_eq!(world.read(&url).json()["status"], "valid");

    let again = ask(&mut world, "example.org");
    assert_eq!((again.status, again.header("location")), (StatusCode::OK, Some(url.as_str())));
    for _ in 0..2 {
        let (_, order) = world.order(&["example.org"]);
        assert_eq!(order["status"], "ready");
        assert_eq!(order["authorizations"], json!([url]));
    }
    let (_, mixed) = world.order(&["example.org", "www.example.org"]);
    assert_eq!(mixed["status"], "pending", "the other name is not proven");
    let (_, wildcard) = world.order(&["*.example.org"]);
    assert_eq!(wildcard["status"], "pending", "a wildcard is another matter");
    assert!(world.ca.violations().is_empty(), "{:?}", world.ca.violations());
    assert_eq!(world.ca.requests().new_authorization, 2);

    world.key = draw_key(&mut world.entropy);
    world.register(json!({}));
    assert_eq!(world.order(&["example.org"]).1["status"], "pending", "another account");
}

#[test]
fn a_pending_or_expired_authorization_serves_no_order() {
    let mut world = world();
    let answer = ask(&mut world, "example.org");
    assert_eq!(world.order(&["example.org"]).1["status"], "pending");
    prove(&mut world, &answer.json());
    world.now = world.now.saturating_add(std::time::Duration::from_secs(30 * 86_400));
    assert_eq!(world.order(&["example.org"]).1["status"], "pending");
}

#[test]
fn what_cannot_be_authorized_is_refused() {
    let mut world = world();
    for (identifier, status, problem) in [
        (json!({ "type": "dns", "value": "*.example.org" }), 403, "rejectedIdentifier"),
        (json!({ "type": "dns", "value": "Example.org" }), 403, "rejectedIdentifier"),
        (json!({ "type": "email", "value": "a@example.org" }), 400, "unsupportedIdentifier"),
        (json!("example.org"), 400, "malformed"),
        (Value::Null, 400, "malformed"),
    ] {
        let answer = world.post(&world.url("newAuthz"), &json!({ "identifier": identifier }));
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (status, problem));
    }
    assert!(world.breaches().contains(&"R-AUZ-06"), "a wildcard is a breach");

    let account = ExternalAccount::new("kid-1", [7; 32]).for_names(["www.example.org"]);
    let config = Config::default()
        .with_preauthorization(true)
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(account);
    let mut world = World::new(config);
    world.register_bound("HS256", &[7; 32], "kid-1");
    assert_eq!(ask(&mut world, "www.example.org").status, StatusCode::CREATED);
    assert_eq!(ask(&mut world, "example.org").status, StatusCode::FORBIDDEN);
}
