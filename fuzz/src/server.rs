//! A server that checks nothing and answers as a real one would: the ground that the fuzzer
//! departs from.

use acmekit_core::action::RequestKind;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::fixture::Order;

pub const DIRECTORY_URL: &str = "https://acme.ca.test/directory";
pub const ACCOUNT_URL: &str = "https://acme.ca.test/account/1";
pub const ORDER_URL: &str = "https://acme.ca.test/order/1";
pub const TOKEN: &str = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";

/// The little that the server remembers.
#[derive(Default)]
pub struct Server {
    nonces: u32,
    challenges: usize,
    finalized: u32,
}

/// An answer in parts, before it is spoilt and put together.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Body,
}

/// A body.
pub enum Body {
    Json(Value),
    Bytes(Vec<u8>),
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(body) }
    }

    pub fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Bytes(body.into()) }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The response; what cannot stand in one is left out.
    pub fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(match self.body {
            Body::Json(value) => value.to_string().into_bytes(),
            Body::Bytes(bytes) => bytes,
        });
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        for (name, value) in self.headers {
            let name = http::HeaderName::from_bytes(name.as_bytes());
            let value = http::HeaderValue::from_bytes(&value);
            if let (Ok(name), Ok(value)) = (name, value) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

impl Server {
    /// A nonce that was never handed out before.
    pub fn nonce(&mut self) -> String {
        self.nonces += 1;
        format!("Nq7xY-{:08}", self.nonces)
    }

    /// What a well-behaved server answers.
    pub fn answer(&mut self, kind: RequestKind, url: &str, order: &Order) -> Answer {
        let nonce = self.nonce();
        let answer = match kind {
            RequestKind::Directory => return Answer::json(200, directory()),
            RequestKind::NewNonce => Answer::bytes(200, ""),
            RequestKind::NewAccount => {
                let body = json!({"status": "valid", "contact": ["mailto:admin@example.org"]});
                Answer::json(201, body).header("location", ACCOUNT_URL)
            }
            RequestKind::NewOrder => {
                Answer::json(201, self.order(order)).header("location", ORDER_URL)
            }
            RequestKind::Authorization => {
                let index = number(url) % order.names.len();
                Answer::json(200, authorization(order, index, self.challenges > 0))
            }
            RequestKind::Challenge => {
                self.challenges += 1;
                let mut body = challenge("http-01", number(url));
                body["status"] = "processing".into();
                Answer::json(200, body).header("link", "<https://acme.ca.test/authz/0>;rel=\"up\"")
            }
            RequestKind::Finalize => {
                self.finalized += 1;
                Answer::json(200, self.order(order)).header("location", ORDER_URL)
            }
            RequestKind::Certificate => {
                let chain = order.chains[0].clone();
                Answer::bytes(200, chain)
                    .header("content-type", "application/pem-certificate-chain")
                    .header("link", "<https://acme.ca.test/cert/2>;rel=\"alternate\"")
            }
            // The order, and whatever kinds of request come with later releases.
            _ => {
                if self.finalized > 0 {
                    self.finalized += 1;
                }
                Answer::json(200, self.order(order))
            }
        };
        answer.header("replay-nonce", nonce)
    }

    fn order(&self, order: &Order) -> Value {
        let status = match (self.challenges, self.finalized) {
            (0, 0) => "pending",
            (_, 0) => "ready",
            (_, 1) => "processing",
            _ => "valid",
        };
        let authorizations: Vec<String> =
            (0..order.names.len()).map(|n| format!("https://acme.ca.test/authz/{n}")).collect();
        let mut body = json!({
            "status": status,
            "expires": "2026-11-29T00:00:00Z",
            "identifiers": order.names,
            "authorizations": authorizations,
            "finalize": "https://acme.ca.test/order/1/finalize",
        });
        if status == "valid" {
            body["certificate"] = "https://acme.ca.test/cert/1".into();
        }
        body
    }
}

fn directory() -> Value {
    json!({
        "newNonce": "https://acme.ca.test/new-nonce",
        "newAccount": "https://acme.ca.test/new-account",
        "newOrder": "https://acme.ca.test/new-order",
        "revokeCert": "https://acme.ca.test/revoke",
        "keyChange": "https://acme.ca.test/key-change",
        "renewalInfo": "https://acme.ca.test/renewal-info",
        "meta": {
            "termsOfService": "https://ca.test/terms",
            "website": "https://ca.test/",
            "caaIdentities": ["ca.test"],
            "externalAccountRequired": false,
            "profiles": {"default": "The usual one"},
        },
    })
}

fn authorization(order: &Order, index: usize, is_valid: bool) -> Value {
    let name = &order.names[index];
    let kinds: &[&str] = match (name.is_wildcard(), name.as_ip().is_some()) {
        (true, _) => &["dns-01"],
        (_, true) => &["http-01", "tls-alpn-01"],
        _ => &["http-01", "dns-01", "tls-alpn-01"],
    };
    let list: Vec<Value> =
        kinds.iter().zip(0..).map(|(kind, n)| challenge(kind, 10 * index + n)).collect();
    let mut body = json!({
        "identifier": name.without_wildcard(),
        "status": if is_valid { "valid" } else { "pending" },
        "expires": "2026-11-29T00:00:00Z",
        "challenges": list,
    });
    if name.is_wildcard() {
        body["wildcard"] = true.into();
    }
    body
}

fn challenge(kind: &str, number: usize) -> Value {
    json!({
        "type": kind,
        "url": format!("https://acme.ca.test/chall/{number}"),
        "status": "pending",
        "token": format!("{TOKEN}{number}"),
    })
}

/// The number at the end of a URL.
fn number(url: &str) -> usize {
    url.rsplit('/').next().and_then(|tail| tail.parse::<u16>().ok()).unwrap_or(0).into()
}
