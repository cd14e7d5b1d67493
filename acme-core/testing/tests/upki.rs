//! UPKI as universities know it: the application's names, the subject, the key, CAA, MPIC, the
//! credential that comes back after a server was replaced, and the one that is suspended.

mod common;

use std::time::Duration;

use acmekit_testing::{CaaAnswer, Config, ExternalAccount, FailureReason, ValidationOutcome};
use common::{World, draw_key, openssl_request};
use der::DecodePem;
use http::StatusCode;
use serde_json::{Value, json};

const KEY: [u8; 32] = [5; 32];
const NAMES: [&str; 2] = ["www.ics.saitama-u.ac.jp", "ics.saitama-u.ac.jp"];
const SUBJECT: &str =
    "/CN=www.ics.saitama-u.ac.jp/O=Saitama University/L=Saitama-shi/ST=Saitama/C=JP";

fn world(config: Config, names: &[&str]) -> World {
    let account = ExternalAccount::new("kid-1", KEY).for_names(names.iter().copied());
    let mut world = World::new(config.with_external_account(account));
    let answer = world.register_bound("HS256", &KEY, "kid-1");
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    world
}

fn saitama() -> World {
    world(Config::upki_saitama(), &NAMES)
}

fn refusal(answer: &common::Answer) -> (u16, String, String) {
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), answer.problem(), detail)
}

/// The error of an order whose names were all proven from where the CA stands.
fn failed_order(world: &mut World, names: &[&str], kind: &str) -> Value {
    let (url, order) = world.order(names);
    world.prove(&order, kind);
    let order = world.read(&url).json();
    assert_eq!(order["status"], "invalid", "{order}");
    order["error"].clone()
}

#[test]
fn the_directory_is_where_upki_has_it() {
    let world = saitama();
    assert_eq!(world.ca.directory_url(), "https://ca.test/acme/");
    assert_eq!(world.directory["meta"]["caaIdentities"], json!(["secomtrust.net"]));
}

#[test]
fn a_certificate_of_89_days_carries_the_subject_of_the_request() {
    let mut world = saitama();
    let (_, order) = world.ready_order(&NAMES, "http-01");
    let request = openssl_request("rsa:2048", SUBJECT, &NAMES);
    assert_eq!(world.finalize(&order, &request).json()["status"], "valid");
    let certificate = x509_cert::Certificate::from_pem(&world.ca.certificates()[0]).unwrap();
    let tbs = certificate.tbs_certificate();
    let [begin, end] = [tbs.validity().not_before, tbs.validity().not_after];
    let lifetime = end.to_unix_duration() - begin.to_unix_duration();
    assert_eq!(lifetime, Duration::from_secs(89 * 86_400 - 1));
    let oids: Vec<_> = tbs.subject().iter().map(|given| given.oid.to_string()).collect();
    assert_eq!(oids, ["2.5.4.3", "2.5.4.10", "2.5.4.7", "2.5.4.8", "2.5.4.6"]);
    assert!(world.ca.violations().is_empty(), "{:?}", world.ca.violations());
}

#[test]
fn an_order_is_for_the_names_of_the_application_the_common_name_first() {
    let mut world = saitama();
    let [first, second] = NAMES;
    for (names, reason) in [
        (&[first, second, "ftp.saitama-u.ac.jp"][..], "ftp.saitama-u.ac.jp is not among the names"),
        (&[second, first], "the first identifier must be www.ics.saitama-u.ac.jp"),
        (&[first], "leaves out names of the application: ics.saitama-u.ac.jp"),
    ] {
        let (status, kind, detail) = refusal(&world.ask(names));
        assert_eq!((status, kind.as_str()), (400, "rejectedIdentifier"));
        assert!(detail.contains(reason), "{detail}");
    }
    assert_eq!(world.ask(&NAMES).status, StatusCode::CREATED);
    assert!(world.ca.violations().is_empty(), "a wrong name is no breach of the protocol");
}

#[test]
fn a_name_outside_of_the_institution_is_refused_with_the_reason() {
    for (config, good, bad) in [
        (Config::upki_saitama(), "a.saitama-u.ac.jp", "saitama-u.ac.jp"),
        (Config::upki_saitama(), "a.saitama-u.ac.jp", "a.notsaitama-u.ac.jp"),
        (Config::upki_uec(), "uec.ac.jp", "notuec.ac.jp"),
        (Config::upki_uec(), "www.uec.ac.jp", "uec.ac.jp.example.org"),
    ] {
        let mut world = world(config, &[]);
        assert_eq!(world.ask(&[good]).status, StatusCode::CREATED, "{good}");
        let (_, kind, detail) = refusal(&world.ask(&[bad]));
        assert_eq!(kind, "rejectedIdentifier");
        assert!(detail.contains("outside"), "{detail}");
    }
    let mut world = world(Config::upki().with_refused_name("g00gle.example.ac.jp"), &[]);
    let (_, kind, detail) = refusal(&world.ask(&["g00gle.example.ac.jp"]));
    assert_eq!(kind, "rejectedIdentifier");
    assert!(!detail.contains("outside"), "no reason is given: {detail}");
    let names: Vec<_> = (1..=9).map(|n| format!("{n}.example.ac.jp")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(world.ask(&names[..8]).status, StatusCode::CREATED);
    assert_eq!(world.ask(&names).problem(), "malformed");
}

#[test]
fn the_subject_must_be_exactly_the_registered_one() {
    let mut world = saitama();
    let (url, order) = world.ready_order(&NAMES, "http-01");
    let reversed = "/C=JP/ST=Saitama/L=Saitama-shi/O=Saitama University/CN=www.ics.saitama-u.ac.jp";
    let with_unit = SUBJECT.replace("/L=", "/OU=ICS/L=");
    let lower_case = SUBJECT.replace("ST=Saitama", "ST=saitama");
    let other_name = SUBJECT.replace("CN=www.", "CN=");
    let swapped = SUBJECT.replace("/L=", "/x=").replace("/ST=", "/L=").replace("/x=", "/ST=");
    for (subject, reason) in [
        (reversed, "it must be CN=www.ics.saitama-u.ac.jp,O=Saitama University,L=Saitama-shi"),
        (&with_unit, "must not have the attribute OU"),
        (&lower_case, "it must be CN="),
        (&other_name, "the common name of the CSR must be www.ics.saitama-u.ac.jp"),
        ("/CN=www.ics.saitama-u.ac.jp", "it must be CN="),
        ("/", "the subject of the CSR is empty"),
        (&swapped, "it must be CN="),
    ] {
        let request = openssl_request("rsa:2048", subject, &NAMES);
        let (status, kind, detail) = refusal(&world.finalize(&order, &request));
        assert_eq!((status, kind.as_str()), (400, "badCSR"), "{subject}");
        assert!(detail.contains(reason), "{subject}: {detail}");
    }
    assert_eq!(world.read(&url).json()["status"], "ready", "the order can still be finalized");
    let request = openssl_request("rsa:2048", SUBJECT, &NAMES);
    assert_eq!(world.finalize(&order, &request).json()["status"], "valid");
}

#[test]
fn uec_has_a_subject_of_its_own_and_other_members_a_common_name() {
    let subject =
        "/C=JP/ST=tokyo/L=chofu/O=The University of Electro-Communications/CN=a.uec.ac.jp";
    let joined = subject.replace("/ST=", "+ST=");
    let capital = subject.replace("tokyo", "Tokyo");
    let with_address = format!("{subject}/emailAddress=a@uec.ac.jp");
    let other = "a.example.ac.jp";
    let finalize = |config: Config, name: &str, subject: &str| {
        let mut world = world(config, &[name]);
        let (_, order) = world.ready_order(&[name], "dns-01");
        world.finalize(&order, &openssl_request("rsa:2048", subject, &[name])).status
    };
    for (subject, status) in [
        (subject, StatusCode::OK),
        (&capital, StatusCode::BAD_REQUEST),
        (&joined, StatusCode::BAD_REQUEST),
        (&with_address, StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(finalize(Config::upki_uec(), "a.uec.ac.jp", subject), status, "{subject}");
    }
    for (subject, status) in [
        ("/", StatusCode::OK),
        ("/O=Example/CN=a.example.ac.jp", StatusCode::OK),
        ("/O=Example", StatusCode::BAD_REQUEST),
        ("/OU=Example/CN=a.example.ac.jp", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(finalize(Config::upki(), other, subject), status, "{subject}");
    }
}

#[test]
fn a_key_of_another_kind_is_refused_only_after_the_challenge() {
    let mut world = saitama();
    let (_, order) = world.ready_order(&NAMES, "http-01");
    for kind in ["rsa:3072", "ed25519"] {
        let request = openssl_request(kind, SUBJECT, &NAMES);
        let (_, kind, detail) = refusal(&world.finalize(&order, &request));
        assert_eq!(kind, "badCSR");
        assert!(detail.ends_with("this CA takes RSA 2048"), "{detail}");
    }
}

#[test]
fn caa_of_a_parent_domain_stops_the_order_unless_it_permits_secom() {
    let issuers =
        |names: &[&str]| CaaAnswer::Issuers(names.iter().map(|name| (*name).to_owned()).collect());
    for answer in [issuers(&["letsencrypt.org"]), issuers(&[])] {
        let mut world = saitama();
        world.ca.set_caa("saitama-u.ac.jp", answer);
        let error = failed_order(&mut world, &NAMES, "http-01");
        assert_eq!(error["type"], "urn:ietf:params:acme:error:caa");
        assert_eq!(error["status"], 403);
        assert!(error["detail"].as_str().unwrap().contains("do not permit secomtrust.net"));
    }
    for (name, answer) in [
        ("saitama-u.ac.jp", issuers(&["letsencrypt.org", "secomtrust.net"])),
        ("ics.saitama-u.ac.jp", CaaAnswer::Empty),
        ("example.ac.jp", issuers(&["letsencrypt.org"])),
    ] {
        let mut world = saitama();
        world.ca.set_caa(name, answer);
        world.ready_order(&NAMES, "http-01");
    }
    // The closest name with records decides.
    let mut world = saitama();
    world.ca.set_caa("ics.saitama-u.ac.jp", CaaAnswer::Empty);
    world.ca.set_caa("ac.jp", issuers(&["letsencrypt.org"]));
    failed_order(&mut world, &NAMES, "http-01");
    let mut world = saitama();
    world.ca.set_caa("ac.jp", issuers(&["letsencrypt.org"]));
    world.ca.set_caa("saitama-u.ac.jp", issuers(&["secomtrust.net"]));
    world.ready_order(&NAMES, "http-01");
}

#[test]
fn a_caa_lookup_without_an_answer_stops_the_order_too() {
    let mut world = saitama();
    world.ca.set_caa("ics.saitama-u.ac.jp", CaaAnswer::Failed);
    let error = failed_order(&mut world, &NAMES, "dns-01");
    assert_eq!(error["type"], "urn:ietf:params:acme:error:dns");
    assert!(error["detail"].as_str().unwrap().contains("looking up CAA"));
    world.ca.set_caa("ics.saitama-u.ac.jp", CaaAnswer::Empty);
    world.ready_order(&NAMES, "dns-01");
}

#[test]
fn mpic_wants_four_of_five_vantage_points_and_else_records_338() {
    for (agreeing, kind) in [(3, "http-01"), (0, "dns-01")] {
        let mut world = saitama();
        world.ca.set_agreeing_perspectives(NAMES[0], agreeing);
        let error = failed_order(&mut world, &NAMES, kind);
        let expected = if kind == "dns-01" { "dns" } else { "connection" };
        assert_eq!(error["type"], format!("urn:ietf:params:acme:error:{expected}"));
        let text = format!(
            "error 338: multi-perspective issuance corroboration (MPIC) failed: [{agreeing}] of 5 \
             remote vantage points agree with the primary lookup, at least 4 are needed"
        );
        assert_eq!(error["detail"], text);
        assert_eq!(error["subproblems"][0]["identifier"]["value"], NAMES[0]);
        world.ca.set_agreeing_perspectives(NAMES[0], 4);
        world.ready_order(&NAMES, kind);
    }
}

#[test]
fn a_credential_has_no_end_and_serves_the_server_that_replaces_another() {
    let mut world = saitama();
    let first = world.kid.clone().unwrap();
    world.now = world.now.saturating_add(Duration::from_secs(3 * 365 * 86_400));
    world.key = draw_key(&mut world.entropy);
    assert_eq!(world.register_bound("HS256", &KEY, "kid-1").status, StatusCode::CREATED);
    assert_ne!(world.kid.as_ref(), Some(&first));
    assert_eq!(world.ask(&NAMES).status, StatusCode::CREATED);

    let account = ExternalAccount::new("kid-1", KEY).for_names(NAMES);
    let strict = Config::upki_saitama().with_external_account_reuse(false);
    let mut world = World::new(strict.with_external_account(account));
    assert_eq!(world.register_bound("HS256", &KEY, "kid-1").status, StatusCode::CREATED);
    world.key = draw_key(&mut world.entropy);
    let (status, kind, detail) = refusal(&world.register_bound("HS256", &KEY, "kid-1"));
    assert_eq!((status, kind.as_str()), (403, "unauthorized"));
    assert!(detail.contains("used already"), "{detail}");
}

#[test]
fn a_suspended_credential_makes_its_accounts_unusable_until_it_is_resumed() {
    let mut world = saitama();
    let (_, order) = world.ready_order(&NAMES, "http-01");
    assert!(world.ca.suspend_external_account("kid-1"));
    assert!(!world.ca.suspend_external_account("kid-2"));
    let kid = world.kid.clone().unwrap();
    let request = openssl_request("rsa:2048", SUBJECT, &NAMES);
    for answer in [world.read(&kid), world.ask(&NAMES), world.finalize(&order, &request)] {
        let (status, kind, detail) = refusal(&answer);
        assert_eq!((status, kind.as_str()), (401, "unauthorized"));
        assert!(detail.contains("suspended"), "{detail}");
    }
    let key = world.key.clone();
    world.key = draw_key(&mut world.entropy);
    let (status, kind, _) = refusal(&world.register_bound("HS256", &KEY, "kid-1"));
    assert_eq!((status, kind.as_str()), (403, "unauthorized"));
    (world.key, world.kid) = (key, Some(kid));
    assert!(world.ca.resume_external_account("kid-1"));
    assert_eq!(world.finalize(&order, &request).json()["status"], "valid");
}

#[test]
fn twenty_failed_validations_block_the_account_until_the_next_day() {
    let mut world = saitama();
    for round in 1..=10 {
        let (_, order) = world.order(&NAMES);
        for validation in world.trigger(&order, "http-01") {
            let (reason, detail) = (FailureReason::Connection, String::new());
            let outcome = ValidationOutcome::Failed { reason, detail };
            world.ca.validation_result(world.now, validation.id, outcome);
        }
        if round < 10 {
            assert_eq!(world.ask(&NAMES).status, StatusCode::CREATED, "round {round}");
        }
    }
    let answer = world.ask(&NAMES);
    let (status, kind, _) = refusal(&answer);
    assert_eq!((status, kind.as_str()), (429, "rateLimited"));
    // The clock stands at 17:00 in Japan.
    assert_eq!(answer.header("retry-after"), Some("25200"));
    world.now = world.now.saturating_add(Duration::from_secs(25_199));
    assert_eq!(world.ask(&NAMES).status, StatusCode::TOO_MANY_REQUESTS);
    world.now = world.now.saturating_add(Duration::from_secs(1));
    assert_eq!(world.ask(&NAMES).status, StatusCode::CREATED);
}
