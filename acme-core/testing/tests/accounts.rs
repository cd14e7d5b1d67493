//! Accounts: external account binding, terms, look-up, update, rollover, deactivation.

mod common;

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy, MacAlgorithm};
use common::{World, draw_key, jwk, jws};
use http::StatusCode;
use serde_json::json;

const KEY: [u8; 64] = [9; 64];

fn required(account: ExternalAccount) -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(account)
}

#[test]
fn a_binding_is_accepted_with_each_algorithm() {
    for algorithm in ["HS256", "HS384", "HS512"] {
        let mut world = World::new(required(ExternalAccount::new("kid-1", KEY)));
        assert_eq!(world.directory["meta"]["externalAccountRequired"], true);
        let answer = world.register_bound(algorithm, &KEY, "kid-1");
        assert_eq!(answer.status, StatusCode::CREATED, "{algorithm}");
        assert!(world.ca.violations().is_empty());
    }
}

#[test]
fn a_wrong_binding_is_refused_with_each_algorithm() {
    for algorithm in ["HS256", "HS384", "HS512"] {
        let mut world = World::new(required(ExternalAccount::new("kid-1", KEY)));
        let wrong_key = world.register_bound(algorithm, &[8; 64], "kid-1");
        assert_eq!(
            (wrong_key.status, wrong_key.problem()),
            (StatusCode::FORBIDDEN, "unauthorized".into())
        );
        let wrong_id = world.register_bound(algorithm, &KEY, "kid-2");
        assert_eq!(wrong_id.problem(), "unauthorized");
        assert!(world.ca.violations().is_empty(), "a mistyped credential is no breach");
    }
    let mut world = World::new(required(ExternalAccount::new("kid-1", KEY)));
    assert_eq!(world.register(json!({})).problem(), "externalAccountRequired");
    assert_eq!(world.register_bound("none", &KEY, "kid-1").problem(), "badSignatureAlgorithm");
    assert_eq!(world.breaches(), ["R-ACC-10", "R-ACC-11"]);
}

#[test]
fn a_credential_can_be_tied_to_one_algorithm() {
    let account = ExternalAccount::new("kid-1", KEY).only(MacAlgorithm::Hs384);
    let mut world = World::new(required(account));
    let refused = world.register_bound("HS256", &KEY, "kid-1");
    assert_eq!(refused.problem(), "badSignatureAlgorithm");
    assert_eq!(refused.json()["algorithms"], json!(["HS384"]));
    assert_eq!(world.register_bound("HS384", &KEY, "kid-1").status, StatusCode::CREATED);
}

#[test]
fn a_single_use_credential_makes_one_account_which_can_still_be_found() {
    let mut world = World::new(required(ExternalAccount::new("kid-1", KEY).single_use()));
    assert_eq!(world.register_bound("HS256", &[1; 32], "kid-1").problem(), "unauthorized");
    assert_eq!(world.register_bound("HS256", &KEY, "kid-1").status, StatusCode::CREATED);
    let first = world.kid.clone();
    assert_eq!(world.register_bound("HS256", &KEY, "kid-1").status, StatusCode::OK);
    assert_eq!(world.kid, first);
    world.key = draw_key(&mut world.entropy);
    let refused = world.register_bound("HS256", &KEY, "kid-1");
    assert!(refused.json()["detail"].as_str().unwrap().contains("used already"));
    world.ca.add_external_account(ExternalAccount::new("kid-1", KEY).single_use());
    assert_eq!(world.register_bound("HS256", &KEY, "kid-1").status, StatusCode::CREATED);
}

#[test]
fn the_form_of_a_binding_is_judged() {
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change); 3] = [
        ("R-ACC-11", |header| header["nonce"] = json!("abc")),
        ("R-ACC-11", |header| header["url"] = json!("https://ca.test/other")),
        ("R-ACC-11", |header| header["alg"] = json!("ES256")),
    ];
    for (requirement, change) in changes {
        let mut world = World::new(required(ExternalAccount::new("kid-1", KEY)));
        let mut header = json!({ "alg": "HS256", "kid": "kid-1", "url": world.url("newAccount") });
        change(&mut header);
        let binding = jws(&world.key, &header, &jwk(&world.key).to_string());
        let answer = world.register(json!({ "externalAccountBinding": binding }));
        assert!(answer.status.is_client_error());
        assert_eq!(world.breaches(), [requirement]);
    }
    let mut world = World::new(required(ExternalAccount::new("kid-1", KEY)));
    let other = jwk(&draw_key(&mut world.entropy));
    let url = world.url("newAccount");
    let binding = common::binding("HS256", &KEY, "kid-1", &url, &other);
    assert_eq!(world.register(json!({ "externalAccountBinding": binding })).problem(), "malformed");
    assert_eq!(world.breaches(), ["R-ACC-12"]);
}

#[test]
fn accounts_are_found_updated_and_deactivated() {
    let mut world = World::new(Config::default());
    let missing = world.register(json!({ "onlyReturnExisting": true }));
    assert_eq!(missing.problem(), "accountDoesNotExist");
    let created = world.register(json!({ "contact": ["mailto:a@example.org"] }));
    assert_eq!(created.status, StatusCode::CREATED);
    let kid = world.kid.clone().unwrap();
    let found = world.register(json!({ "onlyReturnExisting": true }));
    assert_eq!((found.status, world.kid.as_deref()), (StatusCode::OK, Some(kid.as_str())));
    let updated = world.post(&kid, &json!({ "contact": [] }));
    assert_eq!(updated.json()["contact"], json!([]));
    assert_eq!(world.read(&kid).json()["status"], "valid");
    assert!(world.ca.violations().is_empty());
    let gone = world.post(&kid, &json!({ "status": "deactivated" }));
    assert_eq!(gone.json()["status"], "deactivated");
    let refused = world.read(&kid);
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::UNAUTHORIZED, "unauthorized".into())
    );
}

#[test]
fn contacts_and_terms_are_judged() {
    let config = Config::default()
        .with_terms_of_service("https://ca.test/terms")
        .with_agreement_required(true);
    let mut world = World::new(config);
    let refused = world.register(json!({}));
    assert_eq!(refused.problem(), "userActionRequired");
    assert_eq!(refused.links("terms-of-service"), ["https://ca.test/terms"]);
    for contact in ["mailto:a@x.example?subject=1", "mailto:a@x.example,b@x.example", "nobody"] {
        let answer = world.register(json!({ "contact": [contact], "termsOfServiceAgreed": true }));
        assert_eq!(answer.problem(), "invalidContact", "{contact}");
    }
    let answer = world.register(json!({ "contact": ["tel:+1"], "termsOfServiceAgreed": true }));
    assert_eq!(answer.problem(), "unsupportedContact");
    assert_eq!(world.breaches(), ["R-ACC-03", "R-ACC-04", "R-ACC-04", "R-ACC-04"]);
    let answer = world.register(json!({ "termsOfServiceAgreed": true }));
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[test]
fn a_key_is_rolled_over_by_two_signatures() {
    let mut world = World::registered(Config::default());
    let (url, kid) = (world.url("keyChange"), world.kid.clone().unwrap());
    let new_key = draw_key(&mut world.entropy);
    let inner = |world: &World, old: &serde_json::Value| {
        let header = json!({ "alg": "ES256", "jwk": jwk(&new_key), "url": world.url("keyChange") });
        jws(&new_key, &header, &json!({ "account": kid, "oldKey": old }).to_string())
    };
    let wrong = inner(&world, &jwk(&new_key));
    assert_eq!(world.post(&url, &wrong).problem(), "malformed");
    assert_eq!(world.breaches(), ["R-ACC-15"]);
    let right = inner(&world, &jwk(&world.key));
    assert_eq!(world.post(&url, &right).status, StatusCode::OK);
    assert_eq!(world.read(&kid).problem(), "malformed", "the old key signs no longer");
    world.key = new_key.clone();
    assert_eq!(world.read(&kid).status, StatusCode::OK);

    let other = draw_key(&mut world.entropy);
    world.key = other.clone();
    assert_eq!(world.register(json!({})).status, StatusCode::CREATED);
    let (second, old) = (world.kid.clone().unwrap(), jwk(&other));
    let header = json!({ "alg": "ES256", "jwk": jwk(&new_key), "url": url });
    let payload = json!({ "account": second, "oldKey": old }).to_string();
    let answer = world.post(&url, &jws(&new_key, &header, &payload));
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.header("location"), Some(kid.as_str()));
}

#[test]
fn the_list_of_orders_comes_in_pages() {
    let mut world = World::registered(Config::default().with_orders_page(2));
    let made: Vec<_> = (0..5).map(|n| world.order(&[&format!("{n}.example")]).0).collect();
    let kid = world.kid.clone().unwrap();
    let mut url = world.read(&kid).json()["orders"].as_str().unwrap().to_owned();
    let (mut listed, mut pages) = (Vec::new(), 0);
    loop {
        let answer = world.read(&url);
        pages += 1;
        for order in answer.json()["orders"].as_array().unwrap() {
            listed.push(order.as_str().unwrap().to_owned());
        }
        match answer.links("next").pop() {
            Some(next) => url = next,
            None => break,
        }
    }
    assert_eq!((listed, pages), (made, 3));
}
