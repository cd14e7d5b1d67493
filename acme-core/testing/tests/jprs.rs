//! JPRS by its manual: the credential and its 14 days, contacts, names, certificates.

mod common;

use std::time::Duration;

use acmekit_testing::{Config, ExternalAccount};
use common::{World, csr, draw_key};
use der::DecodePem;
use http::StatusCode;
use serde_json::json;

const KEY: [u8; 32] = [3; 32];
const FORTNIGHT: Duration = Duration::from_secs(14 * 86_400);
const SECOND: Duration = Duration::from_secs(1);

fn world(config: Config) -> World {
    World::new(config.with_external_account(ExternalAccount::new("kid-1", KEY)))
}

fn detail(answer: &common::Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[test]
fn the_directory_tells_what_the_manual_tells() {
    let world = world(Config::jprs());
    assert_eq!(world.ca.directory_url(), "https://ca.test/DV/getDirectory");
    let meta = &world.directory["meta"];
    assert_eq!(meta["externalAccountRequired"], true);
    assert_eq!(meta["caaIdentities"], json!(["jprs.jp"]));
    assert!(meta["termsOfService"].is_string());
    assert!(world.directory.get("newAuthz").is_none());
}

#[test]
fn a_credential_registers_within_14_days_of_its_creation_and_no_later() {
    for (age, is_good) in [(FORTNIGHT - SECOND, true), (FORTNIGHT, false)] {
        let mut world = world(Config::jprs());
        world.now = world.now.saturating_add(age);
        let answer = world.register_customer(&KEY, "kid-1");
        assert_eq!(answer.status == StatusCode::CREATED, is_good);
        if !is_good {
            assert_eq!(detail(&answer), "Unable to create account");
            assert!(
                world.reason().contains("expired at 2027-01-29T08:00:00Z"),
                "{}",
                world.reason()
            );
        }
    }
}

#[test]
fn the_time_of_creation_can_be_given_or_is_that_of_the_addition() {
    let mut world = world(Config::jprs());
    let old = world.now.saturating_sub(FORTNIGHT);
    world.ca.add_external_account(ExternalAccount::new("kid-2", KEY).created_at(old));
    assert_eq!(detail(&world.register_customer(&KEY, "kid-2")), "Unable to create account");
    world.now = world.now.saturating_add(FORTNIGHT - SECOND);
    world.ca.expire_nonces();
    let url = world.url("newNonce");
    world.send("HEAD", &url, None, Vec::new());
    world.ca.add_external_account(ExternalAccount::new("kid-3", KEY));
    world.ca.add_external_account(ExternalAccount::new("kid-4", KEY));
    world.now = world.now.saturating_add(FORTNIGHT - SECOND);
    assert_eq!(world.register_customer(&KEY, "kid-3").status, StatusCode::CREATED);
    world.key = draw_key(&mut world.entropy);
    world.now = world.now.saturating_add(SECOND);
    assert_eq!(detail(&world.register_customer(&KEY, "kid-4")), "Unable to create account");
}

#[test]
fn an_account_outlives_its_credential() {
    let mut world = world(Config::jprs());
    assert_eq!(world.register_customer(&KEY, "kid-1").status, StatusCode::CREATED);
    world.now = world.now.saturating_add(FORTNIGHT * 10);
    assert_eq!(world.ask(&["www.example.jp"]).status, StatusCode::CREATED);
    let found = world.register_customer(&KEY, "kid-1");
    assert_eq!(found.status, StatusCode::OK, "the key of an account needs no credential");
}

#[test]
fn a_second_registration_by_one_credential_is_taken_or_refused_as_configured() {
    for (reuse, status) in [(true, StatusCode::CREATED), (false, StatusCode::BAD_REQUEST)] {
        let mut world = world(Config::jprs().with_external_account_reuse(reuse));
        assert_eq!(world.register_customer(&KEY, "kid-1").status, StatusCode::CREATED);
        world.key = draw_key(&mut world.entropy);
        let answer = world.register_customer(&KEY, "kid-1");
        assert_eq!(answer.status, status);
        if !reuse {
            assert_eq!(detail(&answer), "Unable to create account");
            assert!(world.reason().contains("used already"));
        }
    }
}

#[test]
fn a_refused_registration_does_not_use_the_credential_up() {
    let mut world = world(Config::jprs().with_external_account_reuse(false));
    for member in ["contact", "termsOfServiceAgreed"] {
        let answer = world.register_changed(&KEY, "kid-1", |payload| {
            payload.remove(member);
        });
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{member}");
    }
    assert_eq!(world.register_customer(&KEY, "kid-1").status, StatusCode::CREATED);
}

#[test]
fn one_to_six_contacts_are_taken_and_an_update_is_judged_like_a_registration() {
    let list = |count: usize| -> Vec<_> {
        (1..=count).map(|n| format!("mailto:{n}@example.jp")).collect()
    };
    for (count, status) in [
        (0, StatusCode::BAD_REQUEST),
        (1, StatusCode::CREATED),
        (6, StatusCode::CREATED),
        (7, StatusCode::BAD_REQUEST),
    ] {
        let mut world = world(Config::jprs());
        let answer = world.register_changed(&KEY, "kid-1", |payload| {
            payload.insert("contact".to_owned(), json!(list(count)));
        });
        assert_eq!(answer.status, status, "{count} contacts");
    }
    let mut world = world(Config::jprs());
    world.register_customer(&KEY, "kid-1");
    let kid = world.kid.clone().unwrap();
    for (count, status) in [(0, StatusCode::BAD_REQUEST), (6, StatusCode::OK)] {
        assert_eq!(world.post(&kid, &json!({ "contact": list(count) })).status, status);
    }
    assert_eq!(world.post(&kid, &json!({})).json()["contact"], json!(list(6)));
}

#[test]
fn names_get_http_01_and_dns_01_and_wildcards_dns_01_alone() {
    let mut world = world(Config::jprs());
    world.register_customer(&KEY, "kid-1");
    for (name, expected) in
        [("www.example.jp", &["http-01", "dns-01"][..]), ("*.example.jp", &["dns-01"])]
    {
        let (_, order) = world.order(&[name]);
        let authorization = world.read(order["authorizations"][0].as_str().unwrap()).json();
        let challenges = authorization["challenges"].as_array().unwrap();
        let kinds: Vec<_> = challenges.iter().map(|c| c["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, expected, "{name}");
    }
}

#[test]
fn certificates_last_90_days_and_name_only_the_host() {
    let mut world = world(Config::jprs());
    world.register_customer(&KEY, "kid-1");
    let (_, order) = world.ready_order(&["www.example.jp", "example.jp"], "dns-01");
    let key = draw_key(&mut world.entropy);
    let request = csr(&key, "CN=www.example.jp,O=Example", &["www.example.jp", "example.jp"]);
    assert_eq!(world.finalize(&order, &request).json()["status"], "valid");
    let certificate = x509_cert::Certificate::from_pem(&world.ca.certificates()[0]).unwrap();
    let tbs = certificate.tbs_certificate();
    let [begin, end] = [tbs.validity().not_before, tbs.validity().not_after];
    let lifetime = end.to_unix_duration() - begin.to_unix_duration();
    assert_eq!(lifetime, Duration::from_secs(90 * 86_400 - 1));
    assert_eq!(tbs.subject().to_string(), "CN=www.example.jp");
    assert!(world.ca.violations().is_empty(), "{:?}", world.ca.violations());
}
