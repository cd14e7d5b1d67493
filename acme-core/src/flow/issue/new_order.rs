//! The order that is asked for (RFC 8555 §7.4).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::replacement::{Predecessor, Replacement};
use crate::certificate::CertificateId;
use crate::error::{Error, Retry};
use crate::problem::ProblemType;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// What is ordered.
///
/// ```
/// use acmekit_core::flow::issue::NewOrder;
/// let order = NewOrder::new(["example.org".parse()?, "www.example.org".parse()?]);
/// # Ok::<(), acmekit_core::types::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    pub(super) identifiers: Vec<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) not_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<Predecessor>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ancestors: Vec<Identifier>,
}

impl NewOrder {
    /// Orders a certificate for these names and addresses; one named twice counts once.
    pub fn new(identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        let mut seen = BTreeSet::new();
        let identifiers =
            identifiers.into_iter().filter(|identifier| seen.insert(identifier.clone())).collect();
        Self {
            identifiers,
            not_before: None,
            not_after: None,
            profile: None,
            replaces: None,
            ancestors: Vec::new(),
        }
    }

    /// Asks for a certificate that begins at this time; many CAs refuse that.
    #[must_use]
    pub fn not_before(mut self, time: Timestamp) -> Self {
        self.not_before = Some(time);
        self
    }

    /// Asks for a certificate that ends at this time; many CAs refuse that.
    #[must_use]
    pub fn not_after(mut self, time: Timestamp) -> Self {
        self.not_after = Some(time);
        self
    }

    /// Asks for a profile that the directory names (draft-ietf-acme-profiles).
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Says which certificate this one is to take the place of, so that the server counts the order
    /// as a renewal (RFC 9773 §5).
    ///
    /// It is told only where that is allowed: the directory offers renewal information, the
    /// certificate belongs to the account ([`Predecessor::account`]) and shares a name with the
    /// order. If the server refuses it all the same, the order is made once more without.
    /// [`Issued::replacement`](super::Issued::replacement) tells what happened.
    #[must_use]
    pub fn replaces(mut self, predecessor: impl Into<Predecessor>) -> Self {
        self.replaces = Some(predecessor.into());
        self
    }

    /// The same order without these names, such as those that the server has refused
    /// ([`Error::refused_identifiers`]). Nothing may be left of it. The certificate request has to
    /// be made anew, for the remaining [`identifiers`](Self::identifiers).
    #[must_use]
    pub fn without(mut self, names: &[Identifier]) -> Self {
        self.identifiers.retain(|identifier| !names.contains(identifier));
        self
    }

    /// The names and addresses.
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    pub(super) fn payload(&self, replaces: Option<&CertificateId>) -> Value {
        let mut payload = Map::new();
        payload.insert("identifiers".into(), self.wire_identifiers());
        if let Some(time) = self.not_before {
            payload.insert("notBefore".into(), time.to_string().into());
        }
        if let Some(time) = self.not_after {
            payload.insert("notAfter".into(), time.to_string().into());
        }
        if let Some(profile) = &self.profile {
            payload.insert("profile".into(), profile.clone().into());
        }
        if let Some(id) = replaces {
            payload.insert("replaces".into(), id.as_str().into());
        }
        Value::Object(payload)
    }

    /// Whether the server is to be told what the order replaces; a refusal is remembered.
    pub(super) fn replacement(&self, so_far: &Replacement, session: &Session) -> Replacement {
        match (&self.replaces, so_far) {
            (_, Replacement::Refused(_)) => so_far.clone(),
            (None, _) => Replacement::NotAsked,
            (Some(predecessor), _) => match predecessor.nameable(&self.identifiers, session) {
                Ok(id) => Replacement::Named(id.clone()),
                Err(reason) => Replacement::LeftOut(reason),
            },
        }
    }

    /// Says so where a refusal is about the dates, which most CAs do not let a client choose.
    pub(super) fn explain_refusal(&self, error: Error) -> Error {
        let has_dates = self.not_before.is_some() || self.not_after.is_some();
        let is_malformed = error.problem().is_some_and(|p| p.kind == ProblemType::Malformed);
        let text: String = error.message().chars().filter(char::is_ascii_alphabetic).collect();
        let text = text.to_ascii_lowercase();
        let names_dates = ["notbefore", "notafter", "validity"].iter().any(|w| text.contains(w));
        if !(has_dates && is_malformed && names_dates) {
            return error;
        }
        let text = format!("the CA does not let the order choose dates: {}", error.message());
        error.with_code("dates-refused", &text).with_retry(Retry::FixInput)
    }
}
