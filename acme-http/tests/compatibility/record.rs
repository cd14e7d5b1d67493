//! What is written down for the table: a line for each flow at each server.
//!
//! The file that `ACMEKIT_COMPATIBILITY_LOG` names gets lines of tab-separated fields, from which
//! `.ci/compatibility` makes `acme-http/COMPATIBILITY.md`:
//!
//! ```text
//! flow       number  group  flow  place  server  version  yes | not offered | no   reason
//! deviation  place  code  text
//! ```

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::Mutex;

use acmekit::core::deviation::Deviation;
use acmekit::{Error, ErrorKind};

use super::server::Kind;

/// How a flow went at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As RFC 8555 has it. The text adds what is worth knowing.
    Works(String),
    /// The server has no such thing, and the client says so.
    NotOffered(String),
    /// The server refuses, and the client says why.
    Refused(String),
}

impl Outcome {
    pub(crate) const WORKS: Self = Self::Works(String::new());

    /// What an error of the library means here: its code, and the server's own words.
    pub(crate) fn of(error: &Error) -> Self {
        let said = error
            .core()
            .and_then(|core| core.problem())
            .and_then(|problem| problem.detail.as_deref())
            .map(|detail| format!(": {}", without_the_volatile(detail)))
            .unwrap_or_default();
        let reason = format!("`{}`{said}", error.code());
        if error.kind() == ErrorKind::Unsupported {
            Self::NotOffered(reason)
        } else {
            Self::Refused(reason)
        }
    }

    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Works(text) => ("yes", text),
            Self::NotOffered(text) => ("not offered", text),
            Self::Refused(text) => ("no", text),
        }
    }
}

/// Replaces words that differ from run to run: ports, identifiers, thumbprints.
fn without_the_volatile(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let is_long = word.len() >= 16 && !word.contains('.');
        let is_volatile = word.contains("127.") || word.contains("://") || is_long;
        if is_volatile { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ").replace(['\t', '|'], " ")
}

/// Writes down how a flow went.
pub(crate) fn flow(number: usize, group: &str, flow: &str, kind: Kind, outcome: &Outcome) {
    let version = version_of(kind);
    let (verdict, reason) = outcome.columns();
    let (number, place) = (number.to_string(), kind.place());
    append(&["flow", &number, group, flow, &place, kind.name(), &version, verdict, reason]);
}

/// Found out once: it means to search through a program of many megabytes.
fn version_of(kind: Kind) -> String {
    static FOUND: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap();
    let version = || kind.version().expect("the program tells its version");
    found.entry(kind.place()).or_insert_with(version).clone()
}

/// Writes down what a server did against the rules.
pub(crate) fn deviation(kind: Kind, deviation: &Deviation) {
    append(&["deviation", &kind.place(), deviation.code, &without_the_volatile(&deviation.text)]);
}

fn append(fields: &[&str]) {
    let Some(path) = std::env::var_os("ACMEKIT_COMPATIBILITY_LOG") else { return };
    let line = format!("{}\n", fields.join("\t"));
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(written.is_ok(), "cannot write to {}", path.display());
}
