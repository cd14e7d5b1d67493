//! Accounts that are described oddly, forgotten or asked for in one form only (cases 25–37).

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Step};
use acmekit_core::flow::account::{FindAccount, ListOrders, Register, Registration};
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use serde_json::json;

use crate::world::{Fate, World};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, edit_all, part, payloads,
    problem, remove, signed, with_header,
};

#[test]
fn quirk_25_an_account_may_be_found_with_an_empty_body() {
    let mut world = World::registered(Config::default(), 25);
    let known = world.session.account().cloned().unwrap();
    change_all(&mut world, RequestKind::NewAccount, |response| response.map(|_| Vec::new()));
    let found = world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(found.url, known.url);
    assert_eq!(world.sent_in_all(), 1);
    assert_noted(&world, "account-empty", "");
}

#[test]
fn quirk_27_an_account_without_a_status_is_taken_for_valid() {
    let mut world = World::new(Config::default(), 27);
    edit_all(&mut world, RequestKind::NewAccount, |value| remove(value, &["status"]));
    let account = world.run(&mut Register::new(Registration::new())).unwrap();
    assert_eq!(account.status.as_str(), "valid");
    assert_noted(&world, "account-status-missing", "");
    world.issue(&["example.org"]).unwrap();
    world.assert_no_violations();
}

#[test]
fn quirk_28_the_account_url_is_never_asked() {
    let mut world = World::new(Config::default(), 28);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Account => panic!("some servers refuse this, one deactivates the account"),
        _ => Fate::Delivered,
    }));
    let registration = Registration::new().contact("mailto:admin@example.org");
    world.run(&mut Register::new(registration)).unwrap();
    world.run(&mut FindAccount::new()).unwrap();
    world.issue(&["example.org"]).unwrap();
    world.run(&mut ListOrders::new()).unwrap();
    world.restart();
    world.issue(&["www.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Account), 0);
}

#[test]
fn quirk_29_requests_have_the_members_that_are_needed_and_no_others() {
    let mut world = World::new(Config::default(), 29);
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.run(&mut FindAccount::new()).unwrap();
    world.issue(&["example.org"]).unwrap();
    let members: Vec<Vec<String>> = payloads(&world)
        .iter()
        .map(|payload| payload.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default())
        .collect();
    let nothing: &[&str] = &[];
    assert_eq!(
        members,
        [
            nothing,
            &["onlyReturnExisting"],
            &["identifiers"],
            nothing, // the authorization is read
            nothing, // the challenge is answered
            nothing, // the order is read
            &["csr"],
            nothing, // the certificate is read
        ]
    );
    world.assert_no_violations();
}

#[test]
fn quirk_30_contacts_that_the_server_drops_cause_no_second_request() {
    for dropped in [json!([]), json!(null)] {
        let mut world = World::new(Config::default(), 30);
        edit_all(&mut world, RequestKind::NewAccount, move |v| v["contact"] = dropped.clone());
        let registration = Registration::new().contact("mailto:admin@example.org");
        world.run(&mut Register::new(registration)).unwrap();
        world.forget_traffic();
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::NewAccount) + world.sent(RequestKind::Account), 0);
        assert_nothing_noted(&world);
    }
}

#[test]
fn quirk_32_an_account_that_the_server_has_forgotten_is_told_and_not_made_anew() {
    let mut world = World::registered(Config::default(), 32);
    let body = json!({
        "type": "urn:ietf:params:acme:error:accountDoesNotExist", "detail": "who?", "status": 0,
    });
    answer_first(&mut world, RequestKind::NewOrder, vec![answer(400, body.to_string())]);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::NoAccount, "accountDoesNotExist"));
    assert_eq!(error.step(), Step::NewOrder);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400), "the HTTP status counts");
    assert!(error.advice().contains("egister"), "{}", error.advice());
    assert_eq!(world.log, ["newOrder"]);
}

#[test]
fn quirk_34_the_account_url_goes_back_byte_for_byte() {
    for url in [
        "https://ca.test/acme/provisioner%20one/account/a%2Fb?x=1",
        "https://CA.test:443/Acme//Account/",
        "https://ra.ca.test/account/1",
    ] {
        let mut world = World::new(Config::default(), 34);
        change_all(&mut world, RequestKind::NewAccount, move |r| with_header(r, "location", url));
        let registered = world.run(&mut Register::new(Registration::new()));
        let Ok(account) = registered else {
            // A host beside the directory's is of no known site here.
            assert_eq!(registered.unwrap_err().code(), "foreign-host");
            continue;
        };
        assert_eq!(account.url, url);
        world.forget_traffic();
        world.script = Some(Box::new(|_, _, _| Fate::Answered(problem(403, "unauthorized", ""))));
        world.issue(&["example.org"]).unwrap_err();
        let body = signed(&world).next().unwrap();
        assert_eq!(part(body, "protected")["kid"], url);
    }
}

#[cfg(feature = "rsa")]
#[test]
fn quirk_35_a_server_that_knows_rs256_only_says_so_or_breaks() {
    use acmekit_core::crypto::{KeyType, PrivateKey};
    use acmekit_core::session::Session;

    let config = || Config::default().with_signature_algorithms(["RS256"]);
    let mut world = World::new(config(), 35);
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!(error.code(), "badSignatureAlgorithm");
    assert_eq!(error.problem().unwrap().algorithms, ["RS256"]);
    assert_eq!(world.sent(RequestKind::NewAccount), 1);

    let key = PrivateKey::generate(KeyType::Rsa2048, &mut world.entropy).unwrap();
    let policy = world.session.policy().clone();
    world.session = Session::new(world.ca.directory_url(), key.into(), policy).unwrap();
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.issue(&["example.org"]).unwrap();
}

#[test]
fn quirk_35_an_exception_in_place_of_a_refused_algorithm_is_shown() {
    for status in [400, 500] {
        let mut world = World::new(Config::default(), 35);
        let page = "java.lang.RuntimeException: unsupported: ES256";
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewAccount => Fate::Answered(answer(status, page)),
            _ => Fate::Delivered,
        }));
        let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Register));
        assert!(error.message().contains("unsupported: ES256"), "{error}");
        assert_eq!(world.sent(RequestKind::NewAccount), if status == 400 { 1 } else { 4 });
        assert_noted(&world, "problem-missing", &status.to_string());
    }
}

#[test]
fn quirk_36_the_binding_names_the_url_of_the_request_and_has_no_nonce() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]));
    let mut world = World::new(config, 36);
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
    world.run(&mut Register::new(Registration::new().external_account(binding))).unwrap();
    let body = signed(&world).next().unwrap();
    let outer = part(body, "protected");
    let inner = part(body, "payload")["externalAccountBinding"].clone();
    let header = part(inner.to_string().as_bytes(), "protected");
    assert_eq!(header["url"], outer["url"]);
    assert_eq!(header.as_object().unwrap().keys().collect::<Vec<_>>(), ["alg", "kid", "url"]);
    assert_eq!(part(inner.to_string().as_bytes(), "payload"), outer["jwk"]);
    world.assert_no_violations();
}

#[test]
fn quirk_37_signed_requests_have_the_bare_media_type_of_the_rfc() {
    let mut world = World::new(Config::default(), 37);
    world.script = Some(Box::new(|kind, _, request| {
        let types: Vec<_> = request.headers().get_all("content-type").iter().collect();
        if request.method() == http::Method::POST {
            assert_eq!(types, ["application/jose+json"], "{kind}");
        } else {
            assert!(types.is_empty(), "{kind}");
        }
        Fate::Delivered
    }));
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.issue(&["example.org"]).unwrap();
}
