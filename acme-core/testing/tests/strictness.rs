//! Every breach is answered with the right problem and recorded by requirement.

mod common;

use acmekit_testing::Config;
use common::{World, challenge, csr, draw_key, encode, jwk, jws, object};
use http::{Request, StatusCode};
use serde_json::{Value, json};

/// Sends newOrder with a changed header, signed over the change; the problem and the breaches.
fn with_header(change: impl Fn(&mut Value)) -> (String, Vec<&'static str>) {
    let mut world = World::registered(Config::default());
    let url = world.url("newOrder");
    let mut header = world.header(&url);
    change(&mut header);
    let answer = world.post_object(&url, &jws(&world.key, &header, "{}"));
    assert!(answer.status.is_client_error());
    assert!(answer.header("replay-nonce").is_some(), "errors carry a nonce too");
    (answer.problem(), world.breaches())
}

fn one(problem: &str, requirement: &'static str) -> (String, Vec<&'static str>) {
    (problem.to_owned(), vec![requirement])
}

#[test]
fn the_protected_header_holds_exactly_four_members() {
    assert_eq!(with_header(|h| h["typ"] = json!("JWT")), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| h["crit"] = json!([])), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| drop(object(h).remove("url"))), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| drop(object(h).remove("alg"))), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| drop(object(h).remove("kid"))), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| h["jwk"] = json!({})), one("malformed", "R-JWS-02"));
    assert_eq!(with_header(|h| drop(object(h).remove("nonce"))), one("badNonce", "R-JWS-02"));
    assert_eq!(with_header(|h| h["nonce"] = json!("a+b")), one("badNonce", "R-NON-03"));
    assert_eq!(with_header(|h| h["alg"] = json!("none")), one("badSignatureAlgorithm", "R-JWS-05"));
    assert_eq!(
        with_header(|h| h["alg"] = json!("HS256")),
        one("badSignatureAlgorithm", "R-JWS-05")
    );
    assert_eq!(with_header(|h| h["alg"] = json!("ES384")), one("malformed", "R-JWS-05"));
    let other = json!("https://ca.test/elsewhere");
    assert_eq!(with_header(|h| h["url"] = other.clone()), one("unauthorized", "R-URL-01"));
    let (problem, breaches) = with_header(|h| h["kid"] = json!("https://ca.test/nobody"));
    assert_eq!((problem.as_str(), breaches.len()), ("accountDoesNotExist", 0));
}

#[test]
fn a_key_stands_only_where_it_belongs() {
    let mut world = World::registered(Config::default());
    let kid = world.kid.take();
    let answer = world.post(&world.url("newOrder"), &json!({}));
    assert_eq!(answer.problem(), "malformed");
    world.kid = kid;
    let answer = world.post(&world.url("newAccount"), &json!({}));
    assert_eq!(answer.problem(), "malformed");
    assert_eq!(world.breaches(), ["R-JWS-03", "R-JWS-03"]);
}

#[test]
fn a_private_or_misshapen_jwk_is_refused() {
    for (member, value, problem, requirement) in [
        ("d", "AAAA", "malformed", "R-JWS-11"),
        ("x", "AAAA", "badPublicKey", "R-JWS-10"),
        ("y", "AA==", "badPublicKey", "R-JWS-06"),
    ] {
        let mut world = World::new(Config::default());
        let url = world.url("newAccount");
        let mut header = world.header(&url);
        header["jwk"][member] = json!(value);
        let answer = world.post_object(&url, &jws(&world.key, &header, "{}"));
        assert_eq!((answer.problem().as_str(), world.breaches()), (problem, vec![requirement]));
    }
}

#[test]
fn the_object_has_three_members_in_strict_base64url() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("R-JWS-01", |jws| jws["header"] = json!({})),
        ("R-JWS-01", |jws| jws["signatures"] = json!([])),
        ("R-JWS-01", |jws| drop(object(jws).remove("payload"))),
        ("R-JWS-06", |jws| jws["payload"] = json!("e30=")),
        ("R-JWS-06", |jws| jws["payload"] = json!("e31")),
        ("R-JWS-08", |jws| jws["payload"] = json!("e30")),
    ];
    for (requirement, change) in changes {
        let mut world = World::registered(Config::default());
        let url = world.url("newOrder");
        let mut object = jws(&world.key, &world.header(&url), "{ }");
        change(&mut object);
        let answer = world.post_object(&url, &object);
        assert_eq!(answer.problem(), "malformed", "{object}");
        assert_eq!(world.breaches(), [requirement], "{object}");
    }
    let mut world = World::registered(Config::default());
    let url = world.url("newOrder");
    let object = jws(&world.key, &world.header(&url), "{}").to_string();
    let twice = object.replacen('{', r#"{"payload":"","#, 1).into_bytes();
    world.send("POST", &url, Some("application/jose+json"), twice);
    assert_eq!(world.breaches(), ["R-JWS-01"]);
}

#[test]
fn a_signature_in_der_is_refused() {
    use p256::ecdsa::signature::Signer;
    let mut world = World::registered(Config::default());
    let url = world.url("newOrder");
    let mut object = jws(&world.key, &world.header(&url), "{}");
    let input = format!("{}.{}", object["protected"].as_str().unwrap(), "e30");
    let signature: p256::ecdsa::DerSignature = world.key.sign(input.as_bytes());
    object["signature"] = json!(encode(signature.as_bytes()));
    assert_eq!(world.post_object(&url, &object).problem(), "malformed");
    assert_eq!(world.breaches(), ["R-JWS-08"]);
}

#[test]
fn a_nonce_is_good_once() {
    let mut world = World::registered(Config::default());
    let kid = world.kid.clone().unwrap();
    let nonce = world.nonce.clone();
    assert_eq!(world.read(&kid).status, StatusCode::OK);
    assert_eq!(world.ca.unused_nonces(), 1);
    world.nonce = nonce;
    let refused = world.read(&kid);
    assert_eq!(refused.problem(), "badNonce");
    assert_eq!(world.breaches(), ["R-NON-02"]);
    assert_eq!(world.read(&kid).status, StatusCode::OK, "with the nonce of the error");
    world.ca.expire_nonces();
    assert_eq!(world.read(&kid).problem(), "badNonce");
    assert_eq!(world.breaches().len(), 1, "an expired nonce is no breach");
}

#[test]
fn good_nonces_are_refused_at_the_configured_rate() {
    let mut world = World::registered(Config::default());
    let kid = world.kid.clone().unwrap();
    assert!((0..50).all(|_| world.read(&kid).status == StatusCode::OK));
    let mut world = World::new(Config::default().with_bad_nonce_percent(30));
    let mut refused = 0;
    for _ in 0..200 {
        let answer = world.register(json!({}));
        refused += u32::from(answer.status == StatusCode::BAD_REQUEST);
    }
    assert!((30..90).contains(&refused), "{refused} of 200");
    assert!(world.ca.violations().is_empty());
    let config = Config::default().with_bad_nonce_percent(100).with_nonce_on_errors(false);
    let mut world = World::new(config);
    assert_eq!(world.register(json!({})).header("replay-nonce"), None);
}

#[test]
fn transport_rules_are_judged() {
    let mut world = World::registered(Config::default());
    let (directory, kid) = (world.ca.directory_url(), world.kid.clone().unwrap());
    let silent = Request::get(&directory).body(Vec::new()).unwrap();
    assert_eq!(world.send_request(silent).status, StatusCode::BAD_REQUEST);
    let object = jws(&world.key, &world.header(&kid), "").to_string().into_bytes();
    for content_type in
        [None, Some("application/json"), Some("application/jose+json; charset=utf-8")]
    {
        let answer = world.send("POST", &kid, content_type, object.clone());
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let answer = world.send("GET", &kid, None, Vec::new());
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    let answer = world.send("GET", "https://ca.test/acct/1", None, Vec::new());
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let found = world.breaches();
    let expected = ["R-TRN-02", "R-TRN-04", "R-TRN-04", "R-TRN-04", "R-URL-03", "R-URL-02"];
    assert_eq!(found, expected);
    assert_eq!(world.ca.violations()[0].request, 4);
}

#[test]
fn every_answer_but_the_directory_links_to_it() {
    let mut world = World::registered(Config::default());
    let (directory, kid) = (world.ca.directory_url(), world.kid.clone().unwrap());
    assert!(world.send("GET", &directory, None, Vec::new()).links("index").is_empty());
    assert_eq!(world.read(&kid).links("index"), [directory.as_str()]);
    assert_eq!(world.send("GET", &kid, None, Vec::new()).links("index"), [directory.as_str()]);
    let nonce = world.send("GET", &world.url("newNonce"), None, Vec::new());
    assert_eq!(
        (nonce.status, nonce.header("cache-control")),
        (StatusCode::NO_CONTENT, Some("no-store"))
    );
}

#[test]
fn an_order_asks_for_names_in_the_form_of_the_wire() {
    for (identifier, problem, requirement) in [
        (json!({ "type": "dns", "value": "Example.org" }), "rejectedIdentifier", "R-ORD-03"),
        (json!({ "type": "dns", "value": "example.org." }), "rejectedIdentifier", "R-ORD-03"),
        (json!({ "type": "ip", "value": "2001:DB8::1" }), "rejectedIdentifier", "R-IDN-01"),
        (json!({ "type": "dns" }), "malformed", "R-ORD-01"),
    ] {
        let mut world = World::registered(Config::default());
        let answer = world.post(&world.url("newOrder"), &json!({ "identifiers": [identifier] }));
        assert_eq!((answer.problem().as_str(), world.breaches()), (problem, vec![requirement]));
    }
    let mut world = World::registered(Config::default());
    let url = world.url("newOrder");
    let good = json!({ "type": "dns", "value": "example.org" });
    let answer =
        world.post(&url, &json!({ "identifiers": [good, good], "notAfter": null, "x": 1 }));
    assert_eq!(answer.status, StatusCode::CREATED, "tolerated, but recorded");
    assert_eq!(answer.json()["identifiers"].as_array().unwrap().len(), 1);
    assert_eq!(world.breaches(), ["R-ORD-01", "R-ORD-01", "R-ORD-03"]);
    let email = json!({ "type": "email", "value": "a@example.org" });
    let upper = json!({ "type": "dns", "value": "A.example" });
    let answer = world.post(&url, &json!({ "identifiers": [email, upper] }));
    assert_eq!(answer.problem(), "compound");
    assert_eq!(answer.json()["subproblems"].as_array().unwrap().len(), 2);
    assert_eq!(world.post(&url, &json!({ "identifiers": [] })).problem(), "malformed");
}

#[test]
fn a_challenge_is_answered_once_with_an_empty_object() {
    let mut world = World::registered(Config::default());
    let (_, order) = world.order(&["example.org"]);
    let authorization = world.read(order["authorizations"][0].as_str().unwrap()).json();
    let url = challenge(&authorization, "http-01")["url"].as_str().unwrap().to_owned();
    let old_style = world.post(&url, &json!({ "keyAuthorization": "x" }));
    assert_eq!(old_style.problem(), "malformed");
    assert_eq!(world.read(&url).json()["status"], "pending", "reading does not answer");
    assert!(world.ca.poll_validations().is_empty());
    assert_eq!(world.post(&url, &json!({})).json()["status"], "processing");
    assert_eq!(world.post(&url, &json!({})).json()["status"], "processing");
    let validations = world.ca.poll_validations();
    assert_eq!(validations.len(), 1);
    let evidence = world.evidence(&validations[0]);
    world.ca.validation_result(world.now, validations[0].id, evidence);
    assert_eq!(world.post(&url, &json!({})).problem(), "malformed");
    assert_eq!(world.breaches(), ["R-CHL-05", "R-AUZ-10", "R-CHL-06"]);
}

#[test]
fn a_request_must_name_what_was_ordered_with_a_key_of_its_own() {
    let mut world = World::registered(Config::default());
    let (_, pending) = world.order(&["example.org"]);
    let key = draw_key(&mut world.entropy);
    let good = csr(&key, "", &["example.org"]);
    assert_eq!(world.finalize(&pending, &good).problem(), "orderNotReady");
    let (url, order) = world.ready_order(&["example.org"], "http-01");
    let mut broken = good.clone();
    *broken.last_mut().unwrap() ^= 1;
    let account_key = world.key.clone();
    for (request, requirement) in [
        (csr(&key, "", &["example.org", "other.example"]), "R-FIN-02"),
        (csr(&key, "", &["other.example"]), "R-FIN-02"),
        (csr(&key, "", &["EXAMPLE.org"]), "R-FIN-02"),
        (csr(&key, "CN=other.example", &["example.org"]), "R-FIN-02"),
        (csr(&account_key, "", &["example.org"]), "R-FIN-03"),
        (broken, "R-FIN-03"),
        (b"no DER".to_vec(), "R-FIN-01"),
    ] {
        let answer = world.finalize(&order, &request);
        assert_eq!(answer.problem(), "badCSR");
        assert_eq!(world.breaches().pop(), Some(requirement), "{}", answer.json());
    }
    assert_eq!(world.read(&url).json()["status"], "ready", "badCSR leaves the order ready");
    let padded = json!({ "csr": format!("{}==", encode(&good)) });
    assert_eq!(world.post(order["finalize"].as_str().unwrap(), &padded).problem(), "badCSR");
    assert_eq!(world.finalize(&order, &good).json()["status"], "valid");
    assert_eq!(world.finalize(&order, &good).problem(), "orderNotReady");
}

#[test]
fn what_belongs_to_one_account_is_closed_to_another() {
    let mut world = World::registered(Config::default());
    let (url, order) = world.ready_order(&["example.org"], "http-01");
    let key = draw_key(&mut world.entropy);
    let done = world.finalize(&order, &csr(&key, "", &["example.org"])).json();
    let certificate = done["certificate"].as_str().unwrap().to_owned();
    let authorization = order["authorizations"][0].as_str().unwrap().to_owned();
    let owner = world.kid.clone().unwrap();
    world.key = draw_key(&mut world.entropy);
    world.register(json!({}));
    for url in [&url, &certificate, &authorization, &owner] {
        let answer = world.read(url);
        assert_eq!(
            (answer.status, answer.problem()),
            (StatusCode::FORBIDDEN, "unauthorized".into())
        );
    }
}

#[test]
fn a_certificate_is_downloaded_in_the_one_form_there_is() {
    let mut world = World::registered(Config::default());
    let (_, order) = world.ready_order(&["example.org"], "dns-01");
    let key = draw_key(&mut world.entropy);
    let done = world.finalize(&order, &csr(&key, "", &["example.org"])).json();
    let url = done["certificate"].as_str().unwrap();
    for (accept, status) in [
        ("application/pem-certificate-chain", StatusCode::OK),
        ("text/html, */*;q=0.1", StatusCode::OK),
        ("application/pkix-cert", StatusCode::NOT_ACCEPTABLE),
    ] {
        let body = jws(&world.key, &world.header(url), "").to_string().into_bytes();
        let request = Request::post(url)
            .header("user-agent", "test/1")
            .header("content-type", "application/jose+json")
            .header("accept", accept)
            .body(body)
            .unwrap();
        assert_eq!(world.send_request(request).status, status, "{accept}");
    }
    assert_eq!(world.post(url, &json!({})).problem(), "malformed");
    assert_eq!(world.breaches(), ["R-CRT-01", "R-JWS-16"]);
}

#[test]
fn profiles_must_be_among_the_advertised_ones() {
    let mut world = World::registered(Config::default().with_profile("short", "six days"));
    assert_eq!(world.directory["meta"]["profiles"], json!({ "short": "six days" }));
    let url = world.url("newOrder");
    let order = |profile: &str| {
        json!({
            "identifiers": [{ "type": "dns", "value": "example.org" }], "profile": profile,
        })
    };
    assert_eq!(world.post(&url, &order("short")).json()["profile"], "short");
    assert_eq!(world.post(&url, &order("long")).problem(), "invalidProfile");
}

#[test]
fn hostile_bodies_are_refused_without_harm() {
    let mut world = World::registered(Config::default());
    let url = world.url("newOrder");
    let nested = "[".repeat(60_000).into_bytes();
    let huge = vec![b' '; 200_000];
    let odd = json!({ "protected": encode("[]"), "payload": "", "signature": "" }).to_string();
    for body in [nested, huge, odd.into_bytes(), vec![0xff; 10], Vec::new()] {
        let answer = world.send("POST", &url, Some("application/jose+json"), body);
        assert!(answer.status.is_client_error());
    }
    for payload in ["", "[]", "null", "\"x\"", "{", r#"{"identifiers":[1]}"#, "\u{0}"] {
        assert!(world.post_text(&url, payload).status.is_client_error(), "{payload}");
    }
    let jwk = jwk(&world.key);
    assert_eq!(world.order(&["example.org"]).1["status"], "pending", "{jwk}");
}
