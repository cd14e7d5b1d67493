//! Building HTTP answers.

use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::problem::Problem;

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) const fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::empty(status).content("application/json", value.to_string().into_bytes())
    }

    pub(crate) fn problem(problem: &Problem) -> Self {
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = Self::empty(status)
            .content("application/problem+json", problem.to_json().to_string().into_bytes());
        reply.headers.extend(problem.headers.iter().cloned());
        reply
    }

    pub(crate) fn content(self, media_type: &str, body: Vec<u8>) -> Self {
        let mut reply = self.header("content-type", media_type.to_owned());
        reply.body = body;
        reply
    }

    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn link(self, url: &str, relation: &str) -> Self {
        self.header("link", format!("<{url}>;rel=\"{relation}\""))
    }

    pub(crate) fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            // A base URL that is no header text is the only thing that could be left out here.
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}
