//! Reads members of a JSON object one by one; a member of the wrong type is noted and left out.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::identifier::Identifier;
use crate::deviation::Deviations;
use crate::problem::Problem;

/// The members of one JSON object of the server.
pub(super) struct Fields<'a, 'd> {
    object: &'a Map<String, Value>,
    resource: &'static str,
    deviations: &'d mut Deviations,
}

impl<'a, 'd> Fields<'a, 'd> {
    pub(super) fn new(
        object: &'a Map<String, Value>,
        resource: &'static str,
        deviations: &'d mut Deviations,
    ) -> Self {
        Self { object, resource, deviations }
    }

    pub(super) fn deviations(&mut self) -> &mut Deviations {
        self.deviations
    }

    /// The member, unless it is absent or `null`.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn note(&mut self, name: &str, what: &str) {
        let text = format!("the member {name} of the {} {what}", self.resource);
        self.deviations.note("odd-member", text);
    }

    /// Notes that a member which the RFC demands is not there.
    pub(super) fn expect(&mut self, name: &str) {
        if self.value(name).is_none() {
            self.note(name, "is missing");
        }
    }

    /// An identifier, brought into the form of the wire.
    pub(super) fn identifier(&mut self, name: &str, value: &Value) -> Option<Identifier> {
        let identifier = Identifier::deserialize(value).ok()?;
        if value.get("value").and_then(Value::as_str) != Some(identifier.value().as_str()) {
            self.note(name, &format!("has {identifier} in an odd spelling"));
        }
        Some(identifier)
    }

    fn typed<T>(&mut self, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.value(name)?;
        let read = read(value);
        if read.is_none() {
            self.note(name, "has the wrong type");
        }
        read
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.typed(name, |v| v.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        self.typed(name, Value::as_bool).unwrap_or(false)
    }

    pub(super) fn list(&mut self, name: &str) -> Option<&'a [Value]> {
        self.typed(name, |v| v.as_array().map(Vec::as_slice))
    }

    pub(super) fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        self.typed(name, Value::as_object)
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = self.list(name).unwrap_or_default();
        if list.iter().any(|v| !v.is_string()) {
            self.note(name, "has an entry that is no text");
        }
        list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    /// A length of time in whole seconds.
    pub(super) fn seconds(&mut self, name: &str) -> Option<core::time::Duration> {
        self.typed(name, |v| v.as_u64().map(core::time::Duration::from_secs))
    }

    /// The problem document in `error`; the empty object that some servers send is none.
    pub(super) fn problem(&mut self) -> Option<Problem> {
        let value = self.value("error")?;
        let problem = Problem::from_value(value);
        if problem.is_none() {
            self.note("error", "is no problem document and is not counted as an error");
        }
        problem
    }

    /// A URL, as the server wrote it; one that is relative is noted.
    pub(super) fn url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        self.note_relative(name, &url);
        Some(url)
    }

    /// URLs, as the server wrote them.
    pub(super) fn urls(&mut self, name: &str) -> Vec<String> {
        let urls = self.texts(name);
        for url in &urls {
            self.note_relative(name, url);
        }
        urls
    }

    fn note_relative(&mut self, name: &str, url: &str) {
        if !url.contains("://") {
            self.note(name, "is no absolute URL");
        }
    }

    /// A moment in RFC 3339.
    pub(super) fn time(&mut self, name: &str) -> Option<crate::time::Timestamp> {
        self.typed(name, |v| crate::time::parse_rfc3339(v.as_str()?))
    }
}
