//! Problem documents (RFC 8555 §6.7, RFC 9457): how the CA says no.

use core::ops::{Deref, DerefMut};

use acmekit_core::types::identifier::Identifier;
use serde_json::{Map, Value, json};

use crate::cause::RefusalCause;
use crate::config::Config;

/// A refusal: the problem document to send, and the rule that was broken if the client is to blame.
///
/// Boxed, because it is the error of nearly every function here and seldom happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem(Box<Document>);

/// What a [`Problem`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) cause: RefusalCause,
    pub(crate) kind: &'static str,
    pub(crate) status: u16,
    pub(crate) detail: String,
    /// The requirement that the client broke.
    pub(crate) requirement: Option<&'static str>,
    /// What a CA may show in its own text: which value it is, the cause tells.
    pub(crate) value: String,
    pub(crate) subproblems: Vec<(Identifier, Problem)>,
    /// The `algorithms` member of `badSignatureAlgorithm` (§6.2).
    pub(crate) algorithms: Vec<String>,
    pub(crate) instance: Option<String>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    /// A problem of the cause's standard type and status. The detail is the precise one, which a
    /// configured text may hide from the client.
    pub(crate) fn new(cause: RefusalCause, detail: impl Into<String>) -> Self {
        let (kind, status) = cause.standard();
        Self(Box::new(Document {
            cause,
            kind,
            status,
            detail: detail.into(),
            requirement: None,
            value: String::new(),
            subproblems: Vec::new(),
            algorithms: Vec::new(),
            instance: None,
            headers: Vec::new(),
        }))
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(RefusalCause::Request, detail)
    }

    /// The request is well-formed, but this account may not make it.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(RefusalCause::Forbidden, detail)
    }

    pub(crate) fn bad_csr(detail: impl Into<String>) -> Self {
        Self::new(RefusalCause::Csr, detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(RefusalCause::Internal, detail)
    }

    /// Marks the refusal as the client's breach of `requirement`.
    pub(crate) fn breach(mut self, requirement: &'static str) -> Self {
        self.requirement = Some(requirement);
        self
    }

    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
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
                .map(|(identifier, problem)| {
                    let (kind, detail) = (urn(problem.kind), &problem.detail);
                    json!({ "type": kind, "detail": detail, "identifier": identifier })
                })
                .collect();
            members.insert("subproblems".to_owned(), Value::Array(list));
        }
        Value::Object(members)
    }
}

impl Config {
    /// The problem as this CA tells it.
    pub(crate) fn worded(&self, problem: &Problem) -> Problem {
        let mut told = problem.clone();
        if !self.subproblems {
            let list = core::mem::take(&mut told.subproblems);
            if told.cause == RefusalCause::Compound
                && let Some((_, first)) = list.into_iter().next()
            {
                told = first;
            }
        }
        for (_, problem) in &mut told.subproblems {
            self.word(problem);
        }
        self.word(&mut told);
        told
    }

    fn word(&self, problem: &mut Problem) {
        if let Some(text) = self.error_texts.get(&problem.cause) {
            if let Some((kind, status)) = text.kind {
                (problem.kind, problem.status) = (kind, status);
            }
            problem.detail = text.fill(&problem.value);
        }
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
