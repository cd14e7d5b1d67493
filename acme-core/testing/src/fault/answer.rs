//! Answers that something else than the CA gives: a proxy, a load balancer, a portal.

use acmekit_core::time::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ca::{TestingCa, http_date};
use crate::config::RetryAfter;
use crate::log::RequestKind;

/// A whole answer, made up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, without those that the other members stand for.
    pub headers: Vec<(String, String)>,
    /// What the Retry-After says, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
    /// Whether there is a Replay-Nonce with a good nonce.
    #[serde(default)]
    pub nonce: bool,
    /// The body.
    pub body: AnswerBody,
}

/// The body of an [`Answer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnswerBody {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// JSON.
    Json(Value),
    /// So many octets of the letter `x`.
    Long(usize),
    /// So many JSON arrays, each in the one before.
    Deep(usize),
    /// Octets that are no UTF-8.
    NotUtf8,
}

impl AnswerBody {
    pub(super) fn octets(&self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Long(octets) => vec![b'x'; *octets],
            Self::Deep(levels) => [vec![b'['; *levels], vec![b']'; *levels]].concat(),
            Self::NotUtf8 => b"{\"detail\": \"\xc3\x28\xff\xfe\"}".to_vec(),
        }
    }
}

impl Answer {
    /// An answer with a status and no body.
    pub const fn empty(status: u16) -> Self {
        let body = AnswerBody::Empty;
        Self { status, headers: Vec::new(), retry_after: None, nonce: false, body }
    }

    /// A page for people, as proxies send it.
    pub fn html(status: u16) -> Self {
        let page = format!("<html><head><title>{status}</title></head><body>Sorry</body></html>");
        Self::empty(status)
            .with_header("content-type", "text/html")
            .with_body(AnswerBody::Text(page))
    }

    /// A problem document (RFC 8555 §6.7); `kind` is the last part of its type.
    pub fn problem(status: u16, kind: &str, detail: &str) -> Self {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        let body = json!({"type": kind, "detail": detail, "status": status});
        Self::empty(status)
            .with_header("content-type", "application/problem+json")
            .with_body(AnswerBody::Json(body))
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::empty(status).with_header("location", location)
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn with_body(mut self, body: AnswerBody) -> Self {
        self.body = body;
        self
    }

    /// Adds a Retry-After.
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Adds a Replay-Nonce.
    #[must_use]
    pub const fn with_nonce(mut self) -> Self {
        self.nonce = true;
        self
    }
}

impl TestingCa {
    pub(super) fn answer_instead(
        &mut self,
        now: Timestamp,
        kind: RequestKind,
        request: &Request<Vec<u8>>,
        answer: &Answer,
    ) -> Response<Vec<u8>> {
        self.turn_away(now, kind, request, answer.status);
        let mut response = Response::new(answer.body.octets());
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        for (name, value) in &answer.headers {
            add_header(&mut response, name, value);
        }
        add_header(&mut response, "date", &http_date(self.now));
        if let Some(retry_after) = answer.retry_after {
            add_header(&mut response, "retry-after", &self.told(retry_after).0);
        }
        if answer.nonce {
            let nonce = self.nonces.issue();
            add_header(&mut response, "replay-nonce", &nonce);
        }
        if request.method() == Method::HEAD {
            response.body_mut().clear();
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response
    }
}

/// Adds a header; one that HTTP does not allow is left out.
pub(super) fn add_header(response: &mut Response<Vec<u8>>, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
        response.headers_mut().append(name, value);
    }
}
