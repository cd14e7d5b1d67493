//! Problem documents (RFC 8555 §6.7, RFC 9457): how the CA says no.

use core::ops::{Deref, DerefMut};

use acmekit_core::types::identifier::Identifier;
use serde_json::{Map, Value, json};

/// A refusal: the problem document to send, and the rule that was broken if the client is to blame.
///
/// Boxed, because it is the error of nearly every function here and seldom happens.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<Document>);

/// What a [`Problem`] holds.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) kind: &'static str,
    pub(crate) status: u16,
    pub(crate) detail: String,
    /// The requirement that the client broke.
    pub(crate) requirement: Option<&'static str>,
    pub(crate) subproblems: Vec<(Identifier, &'static str, String)>,
    /// The `algorithms` member of `badSignatureAlgorithm` (§6.2).
    pub(crate) algorithms: Vec<String>,
    pub(crate) instance: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    pub(crate) fn new(kind: &'static str, status: u16, detail: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind,
            status,
            detail: detail.into(),
            requirement: None,
            subproblems: Vec::new(),
            algorithms: Vec::new(),
            instance: None,
            headers: Vec::new(),
        }))
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new("malformed", 400, detail)
    }

    /// The request is well-formed, but this account may not make it.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new("unauthorized", 403, detail)
    }

    pub(crate) fn bad_csr(detail: impl Into<String>) -> Self {
        Self::new("badCSR", 400, detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new("serverInternal", 500, detail)
    }

    /// Marks the refusal as the client's breach of `requirement`.
    pub(crate) fn breach(mut self, requirement: &'static str) -> Self {
        self.requirement = Some(requirement);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("type".to_owned(), json!(urn(self.kind)));
        members.insert("detail".to_owned(), json!(self.detail));
        members.insert("status".to_owned(), json!(self.status));
        if let Some(instance) = &self.instance {
            members.insert("instance".to_owned(), json!(instance));
        }
        if !self.algorithms.is_empty() {
            members.insert("algorithms".to_owned(), json!(self.algorithms));
        }
        if !self.subproblems.is_empty() {
            let list: Vec<_> = self
                .subproblems
                .iter()
                .map(|(identifier, kind, detail)| {
                    json!({ "type": urn(kind), "detail": detail, "identifier": identifier })
                })
                .collect();
            members.insert("subproblems".to_owned(), Value::Array(list));
        }
        Value::Object(members)
    }
}

impl Deref for Problem {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Document {
        &mut self.0
    }
}

fn urn(kind: &str) -> String {
    format!("urn:ietf:params:acme:error:{kind}")
}
