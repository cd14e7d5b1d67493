//! A small ACME client written by hand, so that the CA is not judged by the library it tests.
#![allow(dead_code, reason = "each test file uses its own share")]

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use acmekit_testing::{
    Config, SeededEntropy, TestingCa, Validation, ValidationOutcome, ValidationTarget,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use der::Encode;
use der::asn1::Ia5String;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, StatusCode};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, Signature, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::builder::Builder;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::request::RequestBuilder;

pub(crate) const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    Base64UrlUnpadded::encode_string(bytes.as_ref())
}

pub(crate) fn draw_key(entropy: &mut SeededEntropy) -> SigningKey {
    use acmekit_core::entropy::Entropy;
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes).unwrap();
    SigningKey::from_slice(&bytes).unwrap()
}

pub(crate) fn jwk(key: &SigningKey) -> Value {
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) })
}

pub(crate) fn thumbprint(key: &SigningKey) -> String {
    let jwk = jwk(key);
    let (x, y) = (&jwk["x"], &jwk["y"]);
    encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":{x},"y":{y}}}"#)))
}

/// A flattened JWS over exactly this header and payload.
pub(crate) fn jws(key: &SigningKey, header: &Value, payload: &str) -> Value {
    let (protected, payload) = (encode(header.to_string()), encode(payload));
    let signature: Signature = key.sign(format!("{protected}.{payload}").as_bytes());
    json!({ "protected": protected, "payload": payload, "signature": encode(signature.to_bytes()) })
}

pub(crate) fn binding(algorithm: &str, mac_key: &[u8], kid: &str, url: &str, jwk: &Value) -> Value {
    let protected = encode(json!({ "alg": algorithm, "kid": kid, "url": url }).to_string());
    let payload = encode(jwk.to_string());
    let input = format!("{protected}.{payload}");
    fn tag<M: Mac + KeyInit>(key: &[u8], input: &str) -> String {
        let mac = <M as KeyInit>::new_from_slice(key).unwrap().chain_update(input);
        encode(mac.finalize().into_bytes())
    }
    let signature = match algorithm {
        "HS256" => tag::<Hmac<Sha256>>(mac_key, &input),
        "HS384" => tag::<Hmac<Sha384>>(mac_key, &input),
        "HS512" => tag::<Hmac<Sha512>>(mac_key, &input),
        _ => encode("no such algorithm"),
    };
    json!({ "protected": protected, "payload": payload, "signature": signature })
}

pub(crate) fn csr(key: &SigningKey, subject: &str, names: &[&str]) -> Vec<u8> {
    let names = names
        .iter()
        .map(|name| match name.parse::<std::net::IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => GeneralName::DnsName(Ia5String::new(name).unwrap()),
        })
        .collect();
    let mut builder = RequestBuilder::new(subject_name(subject)).unwrap();
    builder.add_extension(&SubjectAltName(names)).unwrap();
    builder.build::<_, DerSignature>(key).unwrap().to_der().unwrap()
}

fn subject_name(text: &str) -> x509_cert::name::Name {
    if text.is_empty() { Default::default() } else { text.parse().unwrap() }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The last part of the problem type.
    pub(crate) fn problem(&self) -> String {
        let json = self.json();
        let urn = json["type"].as_str().unwrap();
        urn.strip_prefix("urn:ietf:params:acme:error:").unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn links(&self, relation: &str) -> Vec<String> {
        let suffix = format!(">;rel=\"{relation}\"");
        let links = self.headers.get_all("link").iter();
        links
            .filter_map(|link| link.to_str().unwrap().strip_suffix(&suffix))
            .map(|link| link.trim_start_matches('<').to_owned())
            .collect()
    }
}

/// A client and the CA it talks to, in memory.
pub(crate) struct World {
    pub(crate) ca: TestingCa,
    pub(crate) now: Timestamp,
    pub(crate) entropy: SeededEntropy,
    pub(crate) key: SigningKey,
    pub(crate) kid: Option<String>,
    pub(crate) nonce: String,
    pub(crate) directory: Value,
}

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self::with_seed(config, 1)
    }

    pub(crate) fn with_seed(config: Config, seed: u64) -> Self {
        let mut entropy = SeededEntropy::new(seed);
        let key = draw_key(&mut entropy);
        let mut world = Self {
            ca: TestingCa::new(config, seed),
            now: START,
            entropy,
            key,
            kid: None,
            nonce: String::new(),
            directory: Value::Null,
        };
        let url = world.ca.directory_url();
        world.directory = world.send("GET", &url, None, Vec::new()).json();
        let url = world.url("newNonce");
        world.send("HEAD", &url, None, Vec::new());
        world
    }

    /// With an account, whose creation must succeed.
    pub(crate) fn registered(config: Config) -> Self {
        let mut world = Self::new(config);
        let answer = world.register(json!({}));
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        world
    }

    pub(crate) fn url(&self, resource: &str) -> String {
        self.directory[resource].as_str().unwrap().to_owned()
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        url: &str,
        content_type: Option<&str>,
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(url).header("user-agent", "test/1");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        self.send_request(request.body(body).unwrap())
    }

    pub(crate) fn send_request(&mut self, request: Request<Vec<u8>>) -> Answer {
        let (parts, body) = self.ca.handle(self.now, request).into_parts();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        if let Some(nonce) = answer.header("replay-nonce") {
            self.nonce = nonce.to_owned();
        }
        answer
    }

    /// Sends a JWS object as it is.
    pub(crate) fn post_object(&mut self, url: &str, object: &Value) -> Answer {
        let body = object.to_string().into_bytes();
        self.send("POST", url, Some("application/jose+json"), body)
    }

    /// The header that belongs to a request, by `kid` once there is an account.
    pub(crate) fn header(&self, url: &str) -> Value {
        let mut header = json!({ "alg": "ES256", "nonce": self.nonce, "url": url });
        match &self.kid {
            Some(kid) => header["kid"] = json!(kid),
            None => header["jwk"] = jwk(&self.key),
        }
        header
    }

    pub(crate) fn post_text(&mut self, url: &str, payload: &str) -> Answer {
        let object = jws(&self.key, &self.header(url), payload);
        self.post_object(url, &object)
    }

    pub(crate) fn post(&mut self, url: &str, payload: &Value) -> Answer {
        self.post_text(url, &payload.to_string())
    }

    pub(crate) fn read(&mut self, url: &str) -> Answer {
        self.post_text(url, "")
    }

    pub(crate) fn register(&mut self, payload: Value) -> Answer {
        self.kid = None;
        let answer = self.post(&self.url("newAccount"), &payload);
        self.kid = answer.header("location").map(str::to_owned);
        answer
    }

    pub(crate) fn register_bound(&mut self, algorithm: &str, mac_key: &[u8], kid: &str) -> Answer {
        let url = self.url("newAccount");
        let binding = binding(algorithm, mac_key, kid, &url, &jwk(&self.key));
        self.register(json!({ "externalAccountBinding": binding }))
    }

    /// newAccount with a binding, contacts and consent, as the CAs that ask for all of it want.
    pub(crate) fn register_customer(&mut self, mac_key: &[u8], kid: &str) -> Answer {
        self.register_changed(mac_key, kid, |_| {})
    }

    /// The same with a change to the payload.
    pub(crate) fn register_changed(
        &mut self,
        mac_key: &[u8],
        kid: &str,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Answer {
        let url = self.url("newAccount");
        let mut payload = json!({
            "contact": ["mailto:admin@example.ac.jp"],
            "termsOfServiceAgreed": true,
            "externalAccountBinding": binding("HS256", mac_key, kid, &url, &jwk(&self.key)),
        });
        change(object(&mut payload));
        self.register(payload)
    }

    /// newOrder, whatever the answer.
    pub(crate) fn ask(&mut self, names: &[&str]) -> Answer {
        let identifiers: Vec<_> =
            names.iter().map(|name| json!({ "type": "dns", "value": name })).collect();
        self.post(&self.url("newOrder"), &json!({ "identifiers": identifiers }))
    }

    pub(crate) fn order(&mut self, names: &[&str]) -> (String, Value) {
        let identifiers: Vec<_> =
            names.iter().map(|name| name.parse::<Identifier>().unwrap()).collect();
        let answer = self.post(&self.url("newOrder"), &json!({ "identifiers": identifiers }));
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.json());
        (answer.header("location").unwrap().to_owned(), answer.json())
    }

    /// Triggers one challenge in each authorization and returns what the CA wants to see.
    pub(crate) fn trigger(&mut self, order: &Value, kind: &str) -> Vec<Validation> {
        let urls: Vec<_> = order["authorizations"].as_array().unwrap().clone();
        for url in urls {
            let authorization = self.read(url.as_str().unwrap()).json();
            let challenge = challenge(&authorization, kind);
            let answer = self.post(challenge["url"].as_str().unwrap(), &json!({}));
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.json()["status"], "processing");
        }
        self.ca.poll_validations()
    }

    /// The evidence an honest client would have put up for http-01 or dns-01.
    pub(crate) fn evidence(&self, validation: &Validation) -> ValidationOutcome {
        let key_authorization = format!("{}.{}", validation.token, thumbprint(&self.key));
        match &validation.target {
            ValidationTarget::Http { .. } => {
                ValidationOutcome::HttpBody(key_authorization.into_bytes())
            }
            _ => {
                let record = encode(Sha256::digest(key_authorization));
                ValidationOutcome::TxtRecords(vec![record])
            }
        }
    }

    pub(crate) fn prove(&mut self, order: &Value, kind: &str) {
        for validation in self.trigger(order, kind) {
            let evidence = self.evidence(&validation);
            self.ca.validation_result(self.now, validation.id, evidence);
        }
    }

    /// An order that is ready for finalization: its URL and its object.
    pub(crate) fn ready_order(&mut self, names: &[&str], kind: &str) -> (String, Value) {
        let (url, order) = self.order(names);
        self.prove(&order, kind);
        let order = self.read(&url).json();
        assert_eq!(order["status"], "ready");
        (url, order)
    }

    pub(crate) fn finalize(&mut self, order: &Value, csr: &[u8]) -> Answer {
        self.post(order["finalize"].as_str().unwrap(), &json!({ "csr": encode(csr) }))
    }

    /// The chain of a new certificate for `names`.
    pub(crate) fn issue(&mut self, names: &[&str]) -> String {
        let (_, order) = self.ready_order(names, "http-01");
        let key = draw_key(&mut self.entropy);
        let order = self.finalize(&order, &csr(&key, "", names)).json();
        assert_eq!(order["status"], "valid", "{order}");
        let answer = self.read(order["certificate"].as_str().unwrap());
        String::from_utf8(answer.body).unwrap()
    }

    /// The challenge of one type in the first authorization of an order.
    pub(crate) fn challenge_of(&mut self, order: &Value, kind: &str) -> Value {
        let authorization = self.read(order["authorizations"][0].as_str().unwrap()).json();
        challenge(&authorization, kind)
    }

    /// Why the CA refused the last request, in its own words.
    pub(crate) fn reason(&self) -> &str {
        self.ca.log().last().and_then(|entry| entry.reason.as_deref()).unwrap_or_default()
    }

    /// The requirements broken so far.
    pub(crate) fn breaches(&self) -> Vec<&'static str> {
        self.ca.violations().iter().map(|violation| violation.requirement).collect()
    }
}

pub(crate) fn challenge(authorization: &Value, kind: &str) -> Value {
    let challenges = authorization["challenges"].as_array().unwrap();
    let found = challenges.iter().find(|challenge| challenge["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {authorization}")).clone()
}

pub(crate) fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// Files for the openssl tool, removed at the end.
pub(crate) struct Scratch(std::path::PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("acmekit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs openssl, which the tests require; its output, standard error included.
pub(crate) fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = std::process::Command::new("openssl").args(arguments).output();
    let output = output.expect("the tests need the openssl tool");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// A request made by openssl with a new key of `kind` (the value of `-newkey`), in DER. The subject
/// is in openssl's form, such as `/C=JP/CN=example.org`, and is encoded in its order.
pub(crate) fn openssl_request(kind: &str, subject: &str, names: &[&str]) -> Vec<u8> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let scratch = Scratch::new(&format!("request-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    let names: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    let names = format!("subjectAltName={}", names.join(","));
    let (request, key) = (scratch.path("request.der"), scratch.path("key.pem"));
    let (good, text) = openssl(&[
        "req", "-new", "-nodes", "-newkey", kind, "-keyout", &key, "-outform", "DER", "-out",
        &request, "-subj", subject, "-addext", &names,
    ]);
    assert!(good, "{text}");
    std::fs::read(request).unwrap()
}
