//! Whole issuances in memory, with certificates that OpenSSL accepts.

mod common;

use std::time::Duration;

use acmekit_testing::{ChallengeType, Config, RequestKind, RetryAfter, ValidationOutcome};
use common::{Scratch, World, csr, draw_key, encode, openssl};
use http::StatusCode;
use serde_json::json;

fn verify(scratch: &Scratch, root: &str, chain: &str, name: &str, now: i64) -> (bool, String) {
    let (root, chain) = (scratch.write("root.pem", root), scratch.write("chain.pem", chain));
    openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-no-CApath",
        "-no-CAstore",
        "-attime",
        &now.to_string(),
        "-verify_hostname",
        name,
        "-CAfile",
        &root,
        "-untrusted",
        &chain,
        &chain,
    ])
}

#[test]
fn an_honest_client_gets_a_certificate_that_openssl_verifies() {
    let mut world = World::registered(Config::default());
    let (url, order) = world.ready_order(&["example.org", "www.example.org"], "http-01");
    let key = draw_key(&mut world.entropy);
    let request = csr(&key, "CN=www.example.org", &["www.example.org", "example.org"]);
    let answer = world.finalize(&order, &request);
    assert_eq!(answer.json()["status"], "valid");
    assert_eq!(answer.header("location"), Some(url.as_str()));
    let order = answer.json();
    let answer = world.read(order["certificate"].as_str().unwrap());
    assert_eq!(answer.header("content-type"), Some("application/pem-certificate-chain"));
    let chain = String::from_utf8(answer.body.clone()).unwrap();
    assert_eq!(chain.matches("-----BEGIN CERTIFICATE-----").count(), 2);
    assert!(!chain.contains("\n\n"), "no blank line between certificates");

    let scratch = Scratch::new("issuance");
    let now = world.now.unix_seconds();
    let root = world.ca.root_pem();
    let (good, text) = verify(&scratch, &root, &chain, "example.org", now);
    assert!(good, "{text}");
    let (good, _) = verify(&scratch, &root, &chain, "other.example", now);
    assert!(!good, "openssl must look at the name");
    let (good, _) = verify(&scratch, &root, &chain, "example.org", now + 90 * 86_400);
    assert!(!good, "valid for 90 days and not a second longer");
    // OpenSSL takes the very second of notAfter for too late, unlike RFC 5280 §4.1.2.5.
    let (good, text) = verify(&scratch, &root, &chain, "example.org", now + 90 * 86_400 - 2);
    assert!(good, "{text}");
    let alternate_root = world.ca.alternate_root_pem().unwrap();
    let (good, _) = verify(&scratch, &alternate_root, &chain, "example.org", now);
    assert!(!good, "the default chain does not lead to the alternate root");

    let alternates = answer.links("alternate");
    assert_eq!(alternates.len(), 1);
    let alternate = String::from_utf8(world.read(&alternates[0]).body).unwrap();
    let (good, text) = verify(&scratch, &alternate_root, &alternate, "example.org", now);
    assert!(good, "{text}");

    let (_, text) = openssl(&["x509", "-in", &scratch.path("chain.pem"), "-noout", "-text"]);
    assert!(text.contains("Subject: CN = www.example.org"), "{text}");
    assert!(text.contains("TLS Web Server Authentication"));
    assert!(text.contains("CA:FALSE"));

    assert!(world.ca.violations().is_empty(), "{:?}", world.ca.violations());
    let counts = *world.ca.requests();
    assert_eq!(counts.new_account, 1);
    assert_eq!(counts.authorization, 2);
    assert_eq!(counts.challenge, 2);
    assert_eq!(counts.certificate, 2);
    assert_eq!(counts.total(), 12);
    assert_eq!(world.ca.log().len(), 12);
    assert_eq!(world.ca.log()[3].kind, RequestKind::NewOrder);
}

#[test]
fn leaf_keys_of_every_usual_kind_are_certified_from_requests_made_by_openssl() {
    let scratch = Scratch::new("keys");
    for kind in [
        &["-newkey", "rsa:2048"][..],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"],
        &["-newkey", "ed25519"],
        // Hashes of another size than the curve or than usual (RFC 5758 §3.2, RFC 4055 §5).
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha256"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha512"],
        &["-newkey", "rsa:2048", "-sha384"],
        &["-newkey", "rsa:2048", "-sha512"],
    ] {
        let mut world = World::registered(Config::default().with_keep_subject(true));
        let (_, order) = world.ready_order(&["example.org", "192.0.2.1"], "http-01");
        let (request, key) = (scratch.path("request.der"), scratch.path("key.pem"));
        let mut arguments = vec![
            "req",
            "-new",
            "-nodes",
            "-outform",
            "DER",
            "-out",
            &request,
            "-keyout",
            &key,
            "-subj",
            "/C=JP/O=Example/CN=example.org",
            "-addext",
            "subjectAltName=DNS:example.org,IP:192.0.2.1",
        ];
        arguments.extend(kind);
        let (good, text) = openssl(&arguments);
        assert!(good, "{text}");
        let answer = world.finalize(&order, &std::fs::read(&request).unwrap());
        assert_eq!(answer.status, StatusCode::OK, "{kind:?}: {}", answer.json());
        let order = answer.json();
        let chain = world.read(order["certificate"].as_str().unwrap()).body;
        let chain = String::from_utf8(chain).unwrap();
        let now = world.now.unix_seconds();
        let (good, text) = verify(&scratch, &world.ca.root_pem(), &chain, "example.org", now);
        assert!(good, "{kind:?}: {text}");
        let path = scratch.write("leaf.pem", &chain);
        let (_, subject) = openssl(&["x509", "-in", &path, "-noout", "-subject"]);
        assert_eq!(subject.trim(), "subject=C = JP, O = Example, CN = example.org");
    }
}

#[test]
fn a_request_that_is_signed_with_sha_1_is_refused() {
    for kind in
        [&["-newkey", "rsa:2048"][..], &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]]
    {
        let scratch = Scratch::new("sha1");
        let mut world = World::registered(Config::default());
        let (_, order) = world.ready_order(&["example.org"], "http-01");
        let (request, key) = (scratch.path("request.der"), scratch.path("key.pem"));
        let names = "subjectAltName=DNS:example.org";
        let mut arguments = vec!["req", "-new", "-nodes", "-sha1", "-outform", "DER", "-subj", "/"];
        arguments.extend(["-out", &request, "-keyout", &key, "-addext", names]);
        arguments.extend(kind);
        let (good, text) = openssl(&arguments);
        assert!(good, "{text}");
        let answer = world.finalize(&order, &std::fs::read(&request).unwrap());
        assert_eq!(answer.problem(), "badCSR");
        assert_eq!(world.breaches(), ["R-FIN-03"]);
    }
}

#[test]
fn the_same_seed_and_requests_give_the_same_bytes() {
    let run = |seed| {
        let mut world = World::with_seed(Config::default().with_shuffled_lists(true), seed);
        world.register(json!({}));
        let chain = world.issue(&["example.org", "www.example.org", "a.example.org"]);
        let log: Vec<_> = world.ca.log().iter().map(ToString::to_string).collect();
        (chain, world.nonce, world.ca.root_pem(), log)
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).0, run(6).0);
}

#[test]
fn a_wildcard_is_offered_dns_01_only_and_an_address_never() {
    let mut world = World::registered(Config::default());
    let names = ["example.org", "*.example.org", "2001:db8::1"];
    let (_, order) = world.order(&names);
    let mut offered = Vec::new();
    for url in order["authorizations"].as_array().unwrap().clone() {
        let authorization = world.read(url.as_str().unwrap()).json();
        let kinds: Vec<_> = authorization["challenges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|challenge| challenge["type"].as_str().unwrap().to_owned())
            .collect();
        let name = authorization["identifier"]["value"].as_str().unwrap().to_owned();
        offered.push((name, authorization.get("wildcard").cloned(), kinds.join(" ")));
    }
    assert_eq!(offered[0], ("example.org".into(), None, "http-01 dns-01 tls-alpn-01".into()));
    assert_eq!(offered[1], ("example.org".into(), Some(json!(true)), "dns-01".into()));
    assert_eq!(offered[2], ("2001:db8::1".into(), None, "http-01 tls-alpn-01".into()));

    let mut world =
        World::registered(Config::default().with_challenge_types([ChallengeType::Http01]));
    let identifiers = json!([{ "type": "dns", "value": "*.example.org" }]);
    let answer = world.post(&world.url("newOrder"), &json!({ "identifiers": identifiers }));
    assert_eq!(answer.problem(), "rejectedIdentifier");
}

#[test]
fn wrong_evidence_makes_challenge_authorization_and_order_invalid() {
    let mut world = World::registered(Config::default());
    let (url, order) = world.order(&["example.org"]);
    let validation = world.trigger(&order, "http-01").remove(0);
    let outcome = ValidationOutcome::HttpBody(b"something else".to_vec());
    world.ca.validation_result(world.now, validation.id, outcome);
    let evidence = world.evidence(&validation);
    world.ca.validation_result(world.now, validation.id, evidence);
    let order = world.read(&url).json();
    assert_eq!(order["status"], "invalid", "a second result does not count");
    assert_eq!(order["error"]["type"], "urn:ietf:params:acme:error:incorrectResponse");
    let authorization = world.read(order["authorizations"][0].as_str().unwrap()).json();
    assert_eq!(authorization["status"], "invalid");
    let error = &authorization["challenges"][0]["error"];
    assert!(error["detail"].as_str().unwrap().contains("something else"));
    assert!(world.ca.poll_validations().is_empty(), "a validation is given once");
}

#[test]
fn delays_retry_after_and_next_event_drive_a_virtual_clock() {
    let config = Config::default()
        .with_validation_delay(Duration::from_secs(2))
        .with_issuance_delay(Duration::from_secs(5))
        .with_retry_after(RetryAfter::HttpDate(3));
    let mut world = World::registered(config);
    let (url, order) = world.order(&["example.org"]);
    assert_eq!(world.ca.next_event(world.now), None);
    world.prove(&order, "http-01");
    let due = world.ca.next_event(world.now).unwrap();
    assert_eq!(due.saturating_since(world.now), Duration::from_secs(2));
    let answer = world.read(&url);
    assert_eq!(answer.json()["status"], "pending");
    let date = httpdate::parse_http_date(answer.header("retry-after").unwrap()).unwrap();
    let sent = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    assert_eq!(date.duration_since(sent).unwrap(), Duration::from_secs(3));
    assert!(world.ca.violations().is_empty());
    world.now = due;
    assert_eq!(world.read(&url).json()["status"], "ready", "the time counts, not the polls");
    assert_eq!(world.breaches(), ["R-POL-03"], "asked after 2 s instead of 3 s");

    let key = draw_key(&mut world.entropy);
    let answer = world.finalize(&order, &csr(&key, "", &["example.org"]));
    assert_eq!(answer.json()["status"], "processing");
    assert!(answer.json().get("certificate").is_none());
    world.now = world.ca.next_event(world.now).unwrap();
    let order = world.read(&url).json();
    assert_eq!(order["status"], "valid");
    assert!(order["certificate"].is_string());
    assert_eq!(world.ca.next_event(world.now), None);
    assert_eq!(world.breaches().len(), 1);
}

#[test]
fn a_wait_that_a_challenge_tells_is_not_one_for_its_authorization() {
    let config = Config::default()
        .with_validation_delay(Duration::from_secs(9))
        .with_retry_after(RetryAfter::Seconds(3));
    let mut world = World::registered(config);
    let (_, order) = world.order(&["example.org"]);
    let challenge = world.challenge_of(&order, "http-01");
    let (url, authorization) = (challenge["url"].as_str().unwrap(), &order["authorizations"][0]);
    let answer = world.post(url, &json!({}));
    assert_eq!(answer.header("retry-after"), Some("3"));
    let answer = world.read(authorization.as_str().unwrap());
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert!(world.ca.violations().is_empty(), "nobody had told how often to ask for it");
    world.now = world.now.saturating_add(Duration::from_secs(1));
    world.read(authorization.as_str().unwrap());
    assert_eq!(world.breaches(), ["R-POL-03"]);
    world.read(url);
    assert_eq!(world.breaches(), ["R-POL-03", "R-POL-03"]);
}

#[test]
fn authorizations_and_orders_are_reused_when_configured() {
    let config = Config::default().with_authorization_reuse(true).with_order_reuse(true);
    let mut world = World::registered(config);
    world.issue(&["example.org"]);
    let (first, order) = world.order(&["example.org"]);
    assert_eq!(order["status"], "ready");
    let (second, _) = world.order(&["example.org"]);
    assert_eq!(first, second);
    let (third, order) = world.order(&["example.org", "other.example"]);
    assert_ne!(first, third);
    assert_eq!(order["status"], "pending");
    world.now = world.now.saturating_add(Duration::from_secs(31 * 86_400));
    let (_, order) = world.order(&["example.org"]);
    assert_eq!(order["status"], "pending", "an authorization expires");
    assert_eq!(world.read(&first).json()["status"], "invalid", "an order expires");
}

#[test]
fn a_certificate_is_revoked_once_by_its_account_or_by_its_key() {
    let mut world = World::registered(Config::default());
    let url = world.url("revokeCert");
    let der = |world: &mut World| {
        let key = draw_key(&mut world.entropy);
        let (_, order) = world.ready_order(&["example.org"], "http-01");
        let order = world.finalize(&order, &csr(&key, "", &["example.org"])).json();
        let chain = world.read(order["certificate"].as_str().unwrap()).body;
        let leaf = x509_cert::Certificate::load_pem_chain(&chain).unwrap().remove(0);
        (key, leaf)
    };
    let text = |leaf: &x509_cert::Certificate| encode(der::Encode::to_der(leaf).unwrap());
    let (_, leaf) = der(&mut world);
    let serial = leaf.tbs_certificate().serial_number().as_bytes().to_vec();
    assert!(serial.len() >= 17);
    assert_eq!(world.ca.revoked(&serial), None);
    let refused = world.post(&url, &json!({ "certificate": text(&leaf), "reason": 7 }));
    assert_eq!(refused.problem(), "badRevocationReason");
    let answer = world.post(&url, &json!({ "certificate": text(&leaf), "reason": 4 }));
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(world.ca.revoked(&serial).unwrap().reason, Some(4));
    let again = world.post(&url, &json!({ "certificate": text(&leaf) }));
    assert_eq!(again.problem(), "alreadyRevoked");
    assert_eq!(world.breaches(), ["R-REV-02"]);

    let (key, leaf) = der(&mut world);
    let stranger = draw_key(&mut world.entropy);
    for (signer, expected) in [(stranger, StatusCode::FORBIDDEN), (key, StatusCode::OK)] {
        let kid = world.kid.take();
        let account_key = std::mem::replace(&mut world.key, signer);
        let answer = world.post(&url, &json!({ "certificate": text(&leaf) }));
        assert_eq!(answer.status, expected);
        (world.kid, world.key) = (kid, account_key);
    }
}
