//! The error table of the JPRS manual: each of its 29 rows is provoked and compared, word for word.

mod common;

use std::time::Duration;

use acmekit_testing::{
    CaaAnswer, Config, ExternalAccount, FailureReason, RefusalCause, RequestKind, ValidationOutcome,
};
use common::{Answer, World, csr, draw_key, encode, jws, openssl_request};
use http::StatusCode;
use serde_json::{Value, json};

const KEY: [u8; 32] = [3; 32];
const KID: &str = "zHYcWC-Xgl_1pKJd2jVqLcI6DxLJjZkTQbQ0bRk5b3E";
const WEEK: Duration = Duration::from_secs(8 * 86_400);

/// Type, status and text.
type Refusal = (String, u16, String);

/// What provokes a row, and the row.
type Row = (fn() -> Refusal, &'static str, u16, &'static str);

fn stranger() -> World {
    World::new(Config::jprs().with_external_account(ExternalAccount::new(KID, KEY)))
}

fn customer() -> World {
    let mut world = stranger();
    let answer = world.register_customer(&KEY, KID);
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
    world
}

fn refusal(answer: &Answer) -> Refusal {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let told = problem(&answer.json());
    assert_eq!(answer.status.as_u16(), told.1, "the status stands in the document too");
    told
}

/// A problem document, or one inside an order or a challenge.
fn problem(json: &Value) -> Refusal {
    assert!(json.get("subproblems").is_none(), "the manual knows no subproblems: {json}");
    let kind = json["type"].as_str().unwrap().strip_prefix("urn:ietf:params:acme:error:");
    let status = u16::try_from(json["status"].as_u64().unwrap()).unwrap();
    (kind.unwrap().to_owned(), status, json["detail"].as_str().unwrap().to_owned())
}

fn account_unknown() -> Refusal {
    refusal(&stranger().register(json!({ "onlyReturnExisting": true })))
}

fn issued(world: &mut World) -> Value {
    let pem = world.issue(&["www.example.jp"]);
    let first = pem.split("-----END").next().unwrap();
    let base64: String = first.lines().filter(|line| !line.starts_with('-')).collect();
    json!(base64.replace('+', "-").replace('/', "_").trim_end_matches('='))
}

fn already_revoked() -> Refusal {
    let mut world = customer();
    let (url, certificate) = (world.url("revokeCert"), issued(&mut world));
    let payload = json!({ "certificate": certificate });
    assert_eq!(world.post(&url, &payload).status, StatusCode::OK);
    let (kind, status, text) = refusal(&world.post(&url, &payload));
    (kind, status, without_serial(&text, &world.ca.certificates()[0]))
}

/// Checks the serial number in the text and takes it out, since the CA draws it at random.
fn without_serial(text: &str, pem: &str) -> String {
    use der::DecodePem;
    let certificate = x509_cert::Certificate::from_pem(pem).unwrap();
    let serial = certificate.tbs_certificate().serial_number().as_bytes().to_vec();
    let serial: String = serial.iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(text.ends_with(&format!("[{serial}]")), "{text}");
    text.replace(&serial, "serial")
}

fn bad_csr() -> Refusal {
    let mut world = customer();
    let (_, order) = world.ready_order(&["www.example.jp"], "http-01");
    let request = openssl_request("rsa:1024", "/CN=www.example.jp", &["www.example.jp"]);
    refusal(&world.finalize(&order, &request))
}

fn bad_nonce() -> Refusal {
    let mut world = customer();
    world.ca.expire_nonces();
    let kid = world.kid.clone().unwrap();
    refusal(&world.read(&kid))
}

fn bad_public_key() -> Refusal {
    let mut world = stranger();
    let url = world.url("newAccount");
    let mut header = world.header(&url);
    header["jwk"]["crv"] = json!("P-521");
    refusal(&world.post_object(&url, &jws(&world.key, &header, "{}")))
}

fn bad_revocation_reason() -> Refusal {
    let mut world = customer();
    let (url, certificate) = (world.url("revokeCert"), issued(&mut world));
    refusal(&world.post(&url, &json!({ "certificate": certificate, "reason": 7 })))
}

fn bad_signature_algorithm() -> Refusal {
    let mut world = stranger();
    let url = world.url("newAccount");
    let mut header = world.header(&url);
    header["alg"] = json!("ES512");
    refusal(&world.post_object(&url, &jws(&world.key, &header, "{}")))
}

fn caa() -> Refusal {
    let mut world = customer();
    let (_, order) = world.ready_order(&["www.example.jp"], "dns-01");
    world.ca.set_caa("example.jp", CaaAnswer::Issuers(vec!["ca.example".to_owned()]));
    let key = draw_key(&mut world.entropy);
    refusal(&world.finalize(&order, &csr(&key, "", &["www.example.jp"])))
}

fn connection() -> Refusal {
    let mut world = customer();
    let (url, order) = world.order(&["www.example.jp"]);
    for validation in world.trigger(&order, "http-01") {
        let (reason, detail) = (FailureReason::Connection, "refused".to_owned());
        let outcome = ValidationOutcome::Failed { reason, detail };
        world.ca.validation_result(world.now, validation.id, outcome);
    }
    let order = world.read(&url).json();
    assert_eq!(order["status"], "invalid");
    let challenge = world.challenge_of(&order, "http-01");
    assert_eq!(problem(&challenge["error"]), problem(&order["error"]));
    problem(&order["error"])
}

fn binding_missing() -> Refusal {
    let mut world = stranger();
    refusal(&world.register_changed(&KEY, KID, |payload| {
        payload.remove("externalAccountBinding");
    }))
}

fn with_contacts(contacts: &Value) -> Refusal {
    let mut world = stranger();
    let answer = world.register_changed(&KEY, KID, |payload| {
        payload.insert("contact".to_owned(), contacts.clone());
    });
    refusal(&answer)
}

fn contact_form() -> Refusal {
    with_contacts(&json!(["mailto:nobody"]))
}

fn request_form() -> Refusal {
    let mut world = customer();
    refusal(&world.post(&world.url("newOrder"), &json!({ "identifiers": "www.example.jp" })))
}

fn binding_refused() -> Refusal {
    refusal(&stranger().register_customer(&[4; 32], KID))
}

fn contact_count() -> Refusal {
    let seven: Vec<_> = (1..=7).map(|n| format!("mailto:{n}@example.jp")).collect();
    let twice = json!(["mailto:a@example.jp", "mailto:A@example.jp"]);
    let told = with_contacts(&json!(seven));
    assert_eq!(with_contacts(&json!([])), told);
    assert_eq!(with_contacts(&twice), told);
    told
}

fn agreement() -> Refusal {
    let mut world = stranger();
    refusal(&world.register_changed(&KEY, KID, |payload| {
        payload.remove("termsOfServiceAgreed");
    }))
}

fn name_form() -> Refusal {
    refusal(&customer().ask(&["www_1.example.jp"]))
}

fn order_expired() -> Refusal {
    let mut world = customer();
    let (url, order) = world.order(&["www.example.jp"]);
    world.now = world.now.saturating_add(WEEK);
    let shown = world.read(&url).json();
    let key = draw_key(&mut world.entropy);
    let told = refusal(&world.finalize(&order, &csr(&key, "", &["www.example.jp"])));
    assert_eq!(problem(&shown["error"]), told);
    told
}

fn order_closed() -> Refusal {
    let mut world = customer();
    let (_, order) = world.ready_order(&["www.example.jp"], "http-01");
    let key = draw_key(&mut world.entropy);
    let request = csr(&key, "", &["www.example.jp"]);
    assert_eq!(world.finalize(&order, &request).status, StatusCode::OK);
    refusal(&world.finalize(&order, &request))
}

fn authorization_expired() -> Refusal {
    let mut world = customer();
    let (_, order) = world.order(&["www.example.jp"]);
    let challenge = world.challenge_of(&order, "http-01");
    world.now = world.now.saturating_add(WEEK);
    refusal(&world.post(challenge["url"].as_str().unwrap(), &json!({})))
}

fn authorization_closed() -> Refusal {
    let mut world = customer();
    let (_, order) = world.ready_order(&["www.example.jp"], "http-01");
    let challenge = world.challenge_of(&order, "http-01");
    refusal(&world.post(challenge["url"].as_str().unwrap(), &json!({})))
}

fn certificate_unknown() -> Refusal {
    let mut elsewhere = World::with_seed(Config::default(), 9);
    elsewhere.register(json!({}));
    let certificate = issued(&mut elsewhere);
    let mut world = customer();
    let url = world.url("revokeCert");
    let (kind, status, text) = refusal(&world.post(&url, &json!({ "certificate": certificate })));
    (kind, status, without_serial(&text, &elsewhere.ca.certificates()[0]))
}

fn method() -> Refusal {
    let mut world = customer();
    let url = world.url("newOrder");
    let answer = world.send("GET", &url, None, Vec::new());
    assert_eq!(answer.header("allow"), Some("POST"));
    refusal(&answer)
}

fn content_type() -> Refusal {
    let mut world = customer();
    let url = world.url("newOrder");
    refusal(&world.send("POST", &url, Some("application/json"), b"{}".to_vec()))
}

fn order_pending() -> Refusal {
    let mut world = customer();
    let (_, order) = world.order(&["www.example.jp"]);
    let key = draw_key(&mut world.entropy);
    refusal(&world.finalize(&order, &csr(&key, "", &["www.example.jp"])))
}

fn name_refused() -> Refusal {
    let account = ExternalAccount::new(KID, KEY).for_names(["www.example.jp"]);
    let mut world = World::new(Config::jprs().with_external_account(account));
    world.register_customer(&KEY, KID);
    assert_eq!(world.ask(&["www.example.jp"]).status, StatusCode::CREATED);
    refusal(&world.ask(&["www.example.jp", "other.example.jp"]))
}

fn internal() -> Refusal {
    let mut world = customer();
    world.ca.refuse_next(RequestKind::NewOrder, RefusalCause::Internal);
    let told = refusal(&world.ask(&["www.example.jp"]));
    assert_eq!(world.ask(&["www.example.jp"]).status, StatusCode::CREATED, "only the next one");
    told
}

fn account_inactive() -> Refusal {
    let mut world = customer();
    let kid = world.kid.clone().unwrap();
    world.post(&kid, &json!({ "status": "deactivated" }));
    refusal(&world.ask(&["www.example.jp"]))
}

fn contact_scheme() -> Refusal {
    with_contacts(&json!(["tel:+81312345678"]))
}

fn name_type() -> Refusal {
    let mut world = customer();
    let address = json!({ "type": "ip", "value": "192.0.2.1" });
    refusal(&world.post(&world.url("newOrder"), &json!({ "identifiers": [address] })))
}

/// The rows in the order of the manual, with the values in the place of `%s`.
const TABLE: [Row; 29] = [
    (
        account_unknown,
        "accountDoesNotExist",
        400,
        "The request specified an account that does not exist",
    ),
    (
        already_revoked,
        "alreadyRevoked",
        400,
        "The request specified a certificate to be revoked that has already been revoked: [serial]",
    ),
    (bad_csr, "badCSR", 400, "The CSR is unacceptable"),
    (bad_nonce, "badNonce", 400, "The client sent an unacceptable anti-replay nonce"),
    (
        bad_public_key,
        "badPublicKey",
        400,
        "The JWS was signed by a public key the server does not support",
    ),
    (
        bad_revocation_reason,
        "badRevocationReason",
        400,
        "The revocation reason provided is not allowed by the server: [7]",
    ),
    (
        bad_signature_algorithm,
        "badSignatureAlgorithm",
        400,
        "The JWS was signed with an algorithm the server does not support: [ES512]",
    ),
    (caa, "caa", 403, "CAA records forbid the CA from issuing a certificate"),
    (
        connection,
        "connection",
        400,
        "The server could not connect to validation target : [www.example.jp]",
    ),
    (
        binding_missing,
        "externalAccountRequired",
        400,
        "The request must include a value for the externalAccountBinding field",
    ),
    (
        contact_form,
        "invalidContact",
        400,
        "A contact URL for an account was invalid: [mailto:nobody]",
    ),
    (request_form, "malformed", 400, "The request information is invalid"),
    (binding_refused, "malformed", 400, "Unable to create account"),
    (contact_count, "malformed", 400, "The contact information is invalid:"),
    (agreement, "malformed", 400, "Please agree to the term of service."),
    (name_form, "malformed", 400, "The FQDN is invalid: [www_1.example.jp]"),
    (order_expired, "malformed", 400, "Validity period of application has been expired"),
    (order_closed, "malformed", 400, "Unable to accept order"),
    (authorization_expired, "malformed", 400, "Validity period of application has been expired"),
    (authorization_closed, "malformed", 400, "Unable to accept order"),
    (certificate_unknown, "malformed", 400, "The certificate does not exist: [serial]"),
    (method, "malformed", 405, "The HTTP method is invalid: [GET]"),
    (content_type, "malformed", 415, "The content-type is invalid: [application/json]"),
    (
        order_pending,
        "orderNotReady",
        403,
        "The request attempted to finalize an order that is not ready to be finalized",
    ),
    (
        name_refused,
        "rejectedIdentifier",
        400,
        "The server will not issue certificates for the identifier",
    ),
    (internal, "serverInternal", 500, "The server experienced an internal error"),
    (account_inactive, "unauthorized", 401, "The client lacks sufficient authorization"),
    (
        contact_scheme,
        "unsupportedContact",
        400,
        "A contact URL for an account used an unsupported protocol scheme: [tel:+81312345678]",
    ),
    (name_type, "unsupportedIdentifier", 400, "An identifier is of an unsupported type"),
];

#[test]
fn every_row_of_the_manual_is_answered_as_it_stands_there() {
    for (provoke, kind, status, text) in TABLE {
        assert_eq!(provoke(), (kind.to_owned(), status, text.to_owned()));
    }
}

#[test]
fn what_the_table_does_not_know_keeps_its_standard_form() {
    let mut world = customer();
    let (url, order) = world.order(&["www.example.jp"]);
    for validation in world.trigger(&order, "http-01") {
        let outcome = ValidationOutcome::HttpBody(b"something else".to_vec());
        world.ca.validation_result(world.now, validation.id, outcome);
    }
    let (kind, status, text) = problem(&world.read(&url).json()["error"]);
    assert_eq!((kind.as_str(), status), ("incorrectResponse", 403));
    assert!(text.contains("not the key authorization"), "{text}");
    let nowhere = world.read("https://ca.test/nowhere");
    assert_eq!((nowhere.status, nowhere.problem()), (StatusCode::NOT_FOUND, "malformed".into()));
}

#[test]
fn the_reason_behind_a_text_is_in_the_log() {
    let mut world = stranger();
    let mut reason = |mac_key: &[u8], kid: &str| {
        let answer = world.register_customer(mac_key, kid);
        assert_eq!(answer.json()["detail"], "Unable to create account");
        world.reason().to_owned()
    };
    assert!(reason(&KEY, "other").contains("unknown"));
    assert!(reason(&[4; 32], KID).contains("MAC"));
    assert!(!format!("{:?}", stranger().ca).contains(&encode(KEY)));
}

#[test]
fn several_refused_names_are_told_as_the_first_of_them() {
    let mut world = customer();
    let address = json!({ "type": "ip", "value": "192.0.2.1" });
    let name = json!({ "type": "dns", "value": "a_b.example.jp" });
    let url = world.url("newOrder");
    let told = refusal(&world.post(&url, &json!({ "identifiers": [name, address] })));
    assert_eq!(told, ("malformed".into(), 400, "The FQDN is invalid: [a_b.example.jp]".into()));
}
