//! One signed request, and what came of it.

use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value};

use crate::action::{RequestKind, SigningKey};
use crate::error::{Error, ErrorKind, Step};
use crate::jose::AccountKey;
use crate::problem::printable;
use crate::session::Session;
use crate::time::Timestamp;

/// Most characters of an answer without a problem document that are shown.
const EXCERPT: usize = 200;

/// One signed request that a flow wants answered.
#[derive(Clone, Debug)]
pub(crate) struct Request<T> {
    /// Names the request to the flow.
    pub(crate) tag: T,
    pub(crate) step: Step,
    pub(crate) kind: RequestKind,
    pub(crate) url: String,
    /// The payload, serialised; empty for POST-as-GET (RFC 8555 §6.3).
    pub(crate) payload: Vec<u8>,
    pub(crate) key: KeyUse,
    pub(crate) accept: Option<&'static str>,
    pub(crate) max_response_len: usize,
    pub(crate) repeat: Repeat,
}

/// Which key signs, and how the outer JWS names it (RFC 8555 §6.2).
#[derive(Clone, Debug)]
pub(crate) enum KeyUse {
    /// The account key, named by the whole public key: newAccount.
    Jwk,
    /// The account key, named by the account URL: nearly everything else.
    KeyId,
    /// Another key, named by the whole public key, with its role for [`Action::Sign`].
    ///
    /// [`Action::Sign`]: crate::action::Action::Sign
    Other(AccountKey, SigningKey),
}

impl KeyUse {
    /// The key, and its role if it is held elsewhere.
    pub(super) fn key(&self, session: &Session) -> (AccountKey, SigningKey) {
        match self {
            Self::Jwk | Self::KeyId => {
                let key = session.account_key().clone();
                let role = SigningKey::Account(key.algorithm());
                (key, role)
            }
            Self::Other(key, role) => (key.clone(), *role),
        }
    }
}

/// What may be done when it is unknown whether the server acted on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Repeating does no harm.
    Freely,
    /// The flow must find out first.
    AfterAsking,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The server did it.
    Reply(Reply),
    /// The server refused, or the request failed for good.
    Failed(Error),
    /// Nobody knows; only for [`Repeat::AfterAsking`].
    Unknown(Error),
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) retry_after: Option<Timestamp>,
}

impl Reply {
    /// The body as a JSON object.
    pub(crate) fn object(&self, step: Step) -> Result<Map<String, Value>, Error> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Error::new(
                ErrorKind::Protocol,
                step,
                "not-json",
                format!("the answer is no JSON object: {}", excerpt(&self.body)),
            )
            .with_url(&self.url)),
        }
    }

    /// The `Location` header, resolved and checked.
    pub(crate) fn location(&self, step: Step, session: &Session) -> Result<Option<String>, Error> {
        match self.headers.get(http::header::LOCATION).map(HeaderValue::to_str) {
            None => Ok(None),
            Some(Ok(text)) => session.resolve_url(step, text.trim(), &self.url).map(Some),
            Some(Err(_)) => Err(Error::new(
                ErrorKind::Protocol,
                step,
                "url-malformed",
                "the Location of the answer is not text",
            )
            .with_url(&self.url)),
        }
    }
}

/// A request with the headers that every request carries (RFC 8555 §6.1).
pub(super) fn plain_request(
    session: &Session,
    method: Method,
    url: &str,
    body: Vec<u8>,
) -> http::Request<Vec<u8>> {
    let mut request = http::Request::new(body);
    *request.method_mut() = method;
    // A URL that passed `Session::check_url` is a URI for the `http` crate too.
    *request.uri_mut() = url.parse().unwrap_or_default();
    request.headers_mut().insert(USER_AGENT, session.user_agent());
    if let Some(languages) = session.accept_language() {
        request.headers_mut().insert(ACCEPT_LANGUAGE, languages);
    }
    request
}

/// The beginning of a body, fit for a message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..EXCERPT.min(body.len())).unwrap_or_default());
    printable(text.trim())
}
