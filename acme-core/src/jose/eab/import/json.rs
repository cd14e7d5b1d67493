//! Finds the credential in JSON, at any depth.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::fields::Fields;
use super::names::{Label, recognise};
use super::report::Notes;
use super::{Found, ImportError, ImportSource};

pub(super) fn read(text: &str, notes: &mut Notes) -> Result<Found, ImportError> {
    let mut gathered =
        Gathered { fields: Fields::default(), notes, scopes: 0, is_symmetric_key: false };
    let node = Node { gathered: &mut gathered, scope: 0, parent: "", name: "" };
    let mut json = serde_json::Deserializer::from_str(text);
    node.deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| ImportError::Json { line: error.line(), column: error.column() })?;
    let source = if gathered.is_symmetric_key { ImportSource::Jwk } else { ImportSource::Json };
    gathered.fields.finish(source)
}

struct Gathered<'n> {
    fields: Fields,
    notes: &'n mut Notes,
    /// How many objects there were so far.
    scopes: usize,
    is_symmetric_key: bool,
}

/// A value on its way, with the names that lead to it. Values go straight into memory that is
/// zeroed, without a tree of them in between.
struct Node<'g, 'n> {
    gathered: &'g mut Gathered<'n>,
    scope: usize,
    parent: &'g str,
    name: &'g str,
}

impl Node<'_, '_> {
    fn take(self, value: &str) {
        if self.name == "kty" && value == "oct" {
            self.gathered.is_symmetric_key = true;
        }
        if let Some(label) = self.label() {
            self.gathered.fields.add_in(self.scope, label, value, self.gathered.notes);
        }
    }

    /// `key` in an object called `eab` is as clear as `eab_key`.
    fn label(&self) -> Option<Label> {
        let alone = recognise(self.name);
        if alone.is_some_and(|label| !label.is_weak) {
            return alone;
        }
        let with_parent = recognise(&format!("{}.{}", self.parent, self.name));
        with_parent.filter(|label| !label.is_weak).or(alone)
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.take(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.take(&value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.take(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.gathered.scopes += 1;
        let scope = self.gathered.scopes;
        while let Some(name) = members.next_key::<String>()? {
            let gathered = &mut *self.gathered;
            members.next_value_seed(Node { gathered, scope, parent: self.name, name: &name })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { gathered, scope, parent, name } = self;
        while elements
            .next_element_seed(Node { gathered: &mut *gathered, scope, parent, name })?
            .is_some()
        {}
        Ok(())
    }
}
