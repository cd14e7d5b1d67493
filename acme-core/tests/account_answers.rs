//! What servers answer about accounts, odd or not, and what the client makes of it (RFC 8555 §7.3).

mod world;

use acmekit_core::account::AccountStatus;
use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry};
use acmekit_core::flow::account::{
    AccountChange, ChangeKey, DeactivateAccount, FindAccount, ListOrders, Register, Registration,
    UpdateAccount,
};
use acmekit_core::flow::authorization::DeactivateAuthorization;
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World};

const LOCATION: &str = "https://ca.test/acct/7";

fn binding(key_id: &str) -> ExternalAccountBinding {
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    ExternalAccountBinding::new(key_id, key, MacAlgorithm::Hs256).unwrap()
}

fn with_binding() -> Registration {
    Registration::new().external_account(binding("kid-1"))
}

fn ca_with_binding() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use())
}

fn response(status: u16, location: Option<&str>, body: &str) -> Response<Vec<u8>> {
    let mut builder = Response::builder().status(status);
    if let Some(location) = location {
        builder = builder.header("location", location);
    }
    builder.body(body.as_bytes().to_vec()).unwrap()
}

fn problem(kind: &str, detail: &str) -> String {
    json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail}).to_string()
}

/// The first request of a kind is answered by this instead of the CA.
fn answer_first(world: &mut World, kind: RequestKind, response: Response<Vec<u8>>) {
    world.forget_traffic();
    let mut response = Some(response);
    world.script = Some(Box::new(move |got, _, _| match response.take() {
        Some(response) if got == kind => Fate::Answered(response),
        kept => {
            response = kept;
            Fate::Delivered
        }
    }));
}

/// The body of every answer to a kind of request is this.
fn replace_body(world: &mut World, kind: RequestKind, body: String) {
    world.script = Some(Box::new(move |got, _, _| {
        let body = body.clone();
        match got == kind {
            true => Fate::Changed(Box::new(move |mut response| {
                *response.body_mut() = body.clone().into_bytes();
                response
            })),
            false => Fate::Delivered,
        }
    }));
}

fn has_deviation(world: &World, code: &str) -> bool {
    world.session.deviations().iter().any(|deviation| deviation.code == code)
}

#[test]
fn an_account_is_created_with_201_and_found_with_200() {
    for status in [201, 200] {
        let mut world = World::new(Config::default(), 1);
        answer_first(
            &mut world,
            RequestKind::NewAccount,
            response(status, Some(LOCATION), r#"{"status":"valid"}"#),
        );
        let account = world.run(&mut Register::new(Registration::new())).unwrap();
        assert_eq!(account.url, LOCATION);
        assert_eq!(world.session.account(), Some(&account));
    }
}

#[test]
fn an_answer_without_location_is_an_error() {
    let mut world = World::new(Config::default(), 2);
    answer_first(&mut world, RequestKind::NewAccount, response(201, None, r#"{"status":"valid"}"#));
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, "location-missing"));
    assert!(world.session.account().is_none());
}

#[test]
fn a_relative_location_is_resolved_against_the_request() {
    let mut world = World::new(Config::default(), 3);
    answer_first(&mut world, RequestKind::NewAccount, response(201, Some("/acct/7"), "{}"));
    let account = world.run(&mut Register::new(Registration::new())).unwrap();
    assert_eq!(account.url, LOCATION);
}

#[test]
fn account_objects_may_lack_anything() {
    for body in [
        "",
        "{}",
        "null",
        "[]",
        "<html>",
        r#"{"status":null,"contact":null,"orders":null,"termsOfServiceAgreed":null}"#,
        r#"{"status":7,"contact":"mailto:a@example.org","orders":{}}"#,
        r#"{"contact":[],"orders":"","extra":{"a":[1]},"key":{"kty":"EC"},"id":1}"#,
        r#"{"status":"valid","contact":[1,null,{}]}"#,
        r#"{"status":"processing"}"#,
    ] {
        let mut world = World::new(Config::default(), 4);
        replace_body(&mut world, RequestKind::NewAccount, body.to_owned());
        let registration = Registration::new().contact("mailto:a@example.org");
        let account = world.run(&mut Register::new(registration)).unwrap();
        assert!(!account.status.is_final(), "{body}");
        world.run(&mut FindAccount::new()).unwrap();
        world.script = None;
        world.issue(&["example.org"]).unwrap();
    }
}

#[test]
fn what_the_server_says_of_contacts_counts_and_what_was_sent_otherwise() {
    for (body, contacts) in [
        ("{}", vec!["mailto:a@example.org"]),
        (r#"{"contact":["mailto:b@example.org","x:y"]}"#, vec!["mailto:b@example.org", "x:y"]),
        (r#"{"contact":[]}"#, vec![]),
    ] {
        let mut world = World::new(Config::default(), 5);
        replace_body(&mut world, RequestKind::NewAccount, body.to_owned());
        let registration = Registration::new().contact("mailto:a@example.org");
        let account = world.run(&mut Register::new(registration)).unwrap();
        assert_eq!(account.contacts, contacts, "{body}");
    }
}

#[test]
fn an_update_sends_only_what_changes_and_its_answer_counts() {
    let mut world = World::registered(Config::default(), 6);
    let sent = |world: &World| -> Value {
        let body: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
        let payload = body["payload"].as_str().unwrap();
        let payload = acmekit_core::jose::encoding::decode(payload).unwrap();
        serde_json::from_slice(&payload).unwrap()
    };
    let change = AccountChange::new().contacts(["mailto:a@example.org".to_owned()]);
    world.run(&mut UpdateAccount::new(change)).unwrap();
    assert_eq!(sent(&world), json!({"contact": ["mailto:a@example.org"]}));
    world.run(&mut UpdateAccount::new(AccountChange::new().agree_to_terms())).unwrap();
    assert_eq!(sent(&world), json!({"termsOfServiceAgreed": true}));
    assert_eq!(world.session.account().unwrap().contacts, ["mailto:a@example.org"]);
    world.run(&mut UpdateAccount::new(AccountChange::new().contacts([]))).unwrap();
    assert_eq!(sent(&world), json!({"contact": []}));
    assert!(world.session.account().unwrap().contacts.is_empty());

    let body = r#"{"status":"valid","contact":["mailto:other@example.org"]}"#;
    answer_first(&mut world, RequestKind::Account, response(200, None, body));
    let change = AccountChange::new().contacts(["mailto:a@example.org".to_owned()]);
    world.run(&mut UpdateAccount::new(change)).unwrap();
    assert_eq!(world.session.account().unwrap().contacts, ["mailto:other@example.org"]);
}

#[test]
fn an_account_that_has_ended_is_asked_nothing_more() {
    for status in ["revoked", "deactivated"] {
        let mut world = World::registered(Config::default(), 7);
        let leaf = world.issue(&["example.org"]).unwrap().chain().leaf().clone();
        let body = format!(r#"{{"status":"{status}"}}"#);
        answer_first(&mut world, RequestKind::Account, response(200, None, &body));
        let change = AccountChange::new().contacts([]);
        let error = world.run(&mut UpdateAccount::new(change.clone())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "account-not-valid"));
        assert!(error.message().contains(status), "{error}");
        let known = &world.session.account().unwrap().status;
        assert_eq!(known, &AccountStatus::from(status.to_owned()));

        world.forget_traffic();
        let url = "https://ca.test/authz/1";
        let key = acmekit_core::crypto::PrivateKey::generate(
            acmekit_core::crypto::KeyType::P256,
            &mut world.entropy,
        );
        let mut order = world.order(&["example.org"]);
        for error in [
            world.run(&mut UpdateAccount::new(change)).unwrap_err(),
            world.run(&mut order).unwrap_err(),
            world.run(&mut ChangeKey::new(key.unwrap().into())).unwrap_err(),
            world.run(&mut Revoke::new(leaf)).unwrap_err(),
            world.run(&mut DeactivateAuthorization::new(url)).unwrap_err(),
            world.run(&mut ListOrders::from_page(url)).unwrap_err(),
            world.run(&mut DeactivateAccount::new()).unwrap_err(),
        ] {
            assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "account-not-valid"));
        }
        assert_eq!(world.sent_in_all(), 0, "{:?}", world.log);

        let record = world.session.account().cloned().unwrap();
        let (url, key) = (world.ca.directory_url(), world.session.account_key().clone());
        let policy = world.session.policy().clone();
        let mut session = acmekit_core::session::Session::new(url, key, policy).unwrap();
        assert_eq!(session.set_account(record).unwrap_err().code(), "account-not-valid");
    }
}

#[test]
fn a_key_whose_account_has_ended_gets_none() {
    for status in ["revoked", "deactivated"] {
        let mut world = World::new(Config::default(), 8);
        let body = format!(r#"{{"status":"{status}"}}"#);
        replace_body(&mut world, RequestKind::NewAccount, body);
        let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "account-not-valid"));
        assert!(world.session.account().is_none());
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert_eq!(error.code(), "account-not-valid");
    }
}

#[test]
fn contacts_that_are_refused_are_told_apart() {
    for kind in ["unsupportedContact", "invalidContact"] {
        let mut world = World::new(Config::default(), 9);
        let body = problem(kind, "no");
        answer_first(&mut world, RequestKind::NewAccount, response(400, None, &body));
        let registration = Registration::new().contact("mailto:a@example.org");
        let error = world.run(&mut Register::new(registration)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, kind));
        assert_eq!(error.retry(), &Retry::FixInput);
    }
    // The same from the testing CA: a scheme that it does not take.
    let mut world = World::new(Config::default(), 10);
    let registration = Registration::new().contact("tel:+81-3-0000-0000");
    let error = world.run(&mut Register::new(registration)).unwrap_err();
    assert_eq!(error.code(), "unsupportedContact");
}

#[test]
fn the_terms_are_agreed_to_only_in_so_many_words() {
    let agreed = |world: &World| {
        let body: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
        let payload = body["payload"].as_str().unwrap();
        let payload = acmekit_core::jose::encoding::decode(payload).unwrap();
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        payload.get("termsOfServiceAgreed").cloned()
    };
    for (registration, expected) in [
        (Registration::new(), None),
        (Registration::new().agree_to_terms(false), None),
        (Registration::new().agree_to_terms(true), Some(json!(true))),
    ] {
        let mut world = World::new(Config::default(), 11);
        world.run(&mut Register::new(registration)).unwrap();
        assert_eq!(agreed(&world), expected);
    }
    let config = Config::default().with_terms_of_service("https://ca.test/terms");
    let mut world = World::new(config, 12);
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!(error.code(), "terms-not-agreed");
    assert_eq!(world.sent(RequestKind::NewAccount), 0);
}

#[test]
fn a_key_that_nobody_knows_is_no_account_however_the_server_says_it() {
    for (status, body) in [
        (400, problem("accountDoesNotExist", "x")),
        (404, problem("malformed", "x")),
        (404, String::new()),
        (400, problem("malformed", "Account does not exist")),
        (403, problem("unauthorized", "No account exists with the provided key: account unknown")),
        (401, problem("unauthorized", "account not found")),
    ] {
        let mut world = World::new(Config::default(), 13);
        answer_first(&mut world, RequestKind::NewAccount, response(status, None, &body));
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::NoAccount, "accountDoesNotExist"),
            "{status} {body}"
        );
        assert_eq!(world.sent(RequestKind::NewAccount), 1);
    }
    for (status, body) in
        [(403, problem("unauthorized", "account is deactivated")), (400, problem("malformed", "x"))]
    {
        let mut world = World::new(Config::default(), 14);
        answer_first(&mut world, RequestKind::NewAccount, response(status, None, &body));
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Problem, "{status} {body}");
    }
}

#[test]
fn an_empty_answer_to_the_search_is_enough() {
    let mut world = World::registered(Config::default(), 15);
    replace_body(&mut world, RequestKind::NewAccount, String::new());
    let url = world.session.account().unwrap().url.clone();
    assert_eq!(world.run(&mut FindAccount::new()).unwrap().url, url);
    assert!(has_deviation(&world, "account-empty"));
    let error = world.run(&mut ListOrders::new()).unwrap_err();
    assert_eq!(error.code(), "orders-unsupported");
}

#[test]
fn an_account_that_exists_may_be_told_by_409() {
    let mut world = World::new(Config::default(), 16);
    let body = problem("malformed", "key is in use");
    answer_first(&mut world, RequestKind::NewAccount, response(409, Some(LOCATION), &body));
    let account = world.run(&mut Register::new(Registration::new())).unwrap();
    assert_eq!(account.url, LOCATION);
    assert!(has_deviation(&world, "account-refused"));
    assert_eq!(world.sent(RequestKind::NewAccount), 1);

    // Without Location it is asked for.
    let mut world = World::registered(Config::default(), 17);
    let url = world.session.account().unwrap().url.clone();
    answer_first(&mut world, RequestKind::NewAccount, response(409, None, &body));
    assert_eq!(world.run(&mut Register::new(Registration::new())).unwrap().url, url);

    // Nor is a Location at a stranger's believed.
    let mut world = World::new(Config::default(), 18);
    let elsewhere = Some("https://evil.example/acct/7");
    answer_first(&mut world, RequestKind::NewAccount, response(409, elsewhere, &body));
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!(error.code(), "foreign-host");
}

#[test]
fn a_key_that_awaits_no_binding_is_looked_up() {
    let body = problem("malformed", "The account is not awaiting external account binding");
    let mut world = World::new(ca_with_binding(), 19);
    world.run(&mut Register::new(with_binding())).unwrap();
    // The record is lost, the key is not.
    let (url, key) = (world.ca.directory_url(), world.session.account_key().clone());
    let policy = world.session.policy().clone();
    world.session = acmekit_core::session::Session::new(url, key, policy).unwrap();
    answer_first(&mut world, RequestKind::NewAccount, response(400, None, &body));
    let account = world.run(&mut Register::new(with_binding())).unwrap();
    assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
    assert_eq!(world.sent(RequestKind::NewAccount), 2, "refused, found");

    // If the key is unknown after all, the refusal was about the credential.
    let mut world = World::new(ca_with_binding(), 20);
    answer_first(&mut world, RequestKind::NewAccount, response(400, None, &body));
    let error = world.run(&mut Register::new(with_binding())).unwrap_err();
    assert_eq!(error.code(), "malformed");
    assert_eq!(world.sent(RequestKind::NewAccount), 2, "refused, not found, not sent again");
}

#[test]
fn a_session_with_an_account_sends_no_second_binding() {
    let mut world = World::new(ca_with_binding(), 21);
    let account = world.run(&mut Register::new(with_binding())).unwrap();
    world.restart();
    world.forget_traffic();
    let again = world.run(&mut Register::new(with_binding())).unwrap();
    assert_eq!(again, account);
    assert_eq!(world.sent(RequestKind::NewAccount), 1);
    let body = String::from_utf8_lossy(world.bytes.last().unwrap()).into_owned();
    let body: Value = serde_json::from_str(&body).unwrap();
    let payload = acmekit_core::jose::encoding::decode(body["payload"].as_str().unwrap()).unwrap();
    assert_eq!(payload, br#"{"onlyReturnExisting":true}"#);
}

#[test]
fn two_bindings_are_two_accounts_with_a_key_each() {
    let config = ca_with_binding().with_external_account(ExternalAccount::new("kid-2", [7; 32]));
    let mut world = World::new(config, 22);
    world.run(&mut Register::new(with_binding())).unwrap();
    world.forget_traffic();
    let second = Registration::new().external_account(binding("kid-2"));
    let error = world.run(&mut Register::new(second)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "other-binding"));
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn a_binding_is_sent_also_where_the_directory_does_not_ask_for_it() {
    let config = ca_with_binding().with_external_account_policy(ExternalAccountPolicy::Optional);
    let mut world = World::new(config, 34);
    let account = world.run(&mut Register::new(with_binding())).unwrap();
    assert!(!world.session.directory().unwrap().external_account_required);
    assert_eq!(account.external_account_key_id.as_deref(), Some("kid-1"));
    // The credential is used up: another key cannot use it.
    let key = acmekit_core::crypto::PrivateKey::generate(Default::default(), &mut world.entropy);
    let policy = world.session.policy().clone();
    world.session =
        acmekit_core::session::Session::new(world.ca.directory_url(), key.unwrap().into(), policy)
            .unwrap();
    world.run(&mut Register::new(with_binding())).unwrap_err();
    world.assert_no_violations();
}

#[test]
fn an_ignored_binding_is_told() {
    let mut world = World::new(Config::default(), 23);
    let answer = response(200, Some(LOCATION), r#"{"status":"valid"}"#);
    answer_first(&mut world, RequestKind::NewAccount, answer);
    world.run(&mut Register::new(with_binding())).unwrap();
    assert!(has_deviation(&world, "binding-ignored"));
    // A new account is bound as asked.
    let mut world = World::new(ca_with_binding(), 24);
    world.run(&mut Register::new(with_binding())).unwrap();
    assert!(!has_deviation(&world, "binding-ignored"));
}

#[test]
fn an_account_is_found_again_without_its_spent_binding() {
    let mut world = World::new(ca_with_binding(), 25);
    let account = world.run(&mut Register::new(with_binding())).unwrap();
    world.restart();
    assert_eq!(world.session.account(), Some(&account));
    world.issue(&["example.org"]).unwrap();
    let (url, key) = (world.ca.directory_url(), world.session.account_key().clone());
    let policy = world.session.policy().clone();
    world.session = acmekit_core::session::Session::new(url, key, policy).unwrap();
    assert_eq!(world.run(&mut FindAccount::new()).unwrap().url, account.url);
    world.issue(&["www.example.org"]).unwrap();
}

#[test]
fn the_account_url_is_never_read() {
    let mut world = World::new(Config::default(), 26);
    let registration = Registration::new().contact("mailto:a@example.org");
    world.run(&mut Register::new(registration)).unwrap();
    world.restart();
    world.run(&mut FindAccount::new()).unwrap();
    world.issue(&["example.org"]).unwrap();
    world.run(&mut ListOrders::new()).unwrap();
    assert_eq!(world.sent(RequestKind::Account), 0);
}

#[test]
fn a_server_that_has_forgotten_the_account_says_so() {
    let mut world = World::registered(Config::default(), 27);
    let body = problem("accountDoesNotExist", "unknown");
    answer_first(&mut world, RequestKind::NewOrder, response(400, None, &body));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "accountDoesNotExist"));
    assert_eq!(world.sent(RequestKind::NewOrder), 1);
}

#[test]
fn a_deactivated_account_is_refused_with_401_from_then_on() {
    let mut world = World::registered(Config::default(), 28);
    let record = world.session.account().cloned().unwrap();
    world.run(&mut DeactivateAccount::new()).unwrap();
    // Another program still has the old record.
    world.session.set_account(record).unwrap();
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "unauthorized"));
    assert_eq!(error.status(), Some(http::StatusCode::UNAUTHORIZED));
    assert_ne!(error.retry(), &Retry::Now);
}

#[test]
fn deactivation_says_what_is_to_be_and_nothing_else() {
    let mut world = World::registered(Config::default(), 29);
    let url = world.session.account().unwrap().url.clone();
    world.run(&mut DeactivateAccount::new()).unwrap();
    let body: Value = serde_json::from_slice(world.bytes.last().unwrap()).unwrap();
    let read = |member: &str| -> Value {
        let text = body[member].as_str().unwrap();
        serde_json::from_slice(&acmekit_core::jose::encoding::decode(text).unwrap()).unwrap()
    };
    assert_eq!(read("payload"), json!({"status": "deactivated"}));
    assert_eq!(read("protected")["url"], url);
    world.assert_no_violations();
}
