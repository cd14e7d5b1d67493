//! Gathers the named values of a text and settles which of them are the credential.

use zeroize::Zeroizing;

use super::names::{Field, Label};
use super::prepare::unquote;
use super::report::Notes;
use super::{Found, ImportError, ImportField, ImportSource, bare};
use crate::jose::MacAlgorithm;

/// The named values of a text, in its order.
#[derive(Default)]
pub(super) struct Fields {
    candidates: Vec<Candidate>,
}

struct Candidate {
    label: Label,
    /// The JSON object it stands in; names that are not clear count only beside the key.
    scope: usize,
    value: Zeroizing<String>,
}

impl Fields {
    pub(super) fn add(&mut self, label: Label, value: &str, notes: &mut Notes) {
        self.add_in(0, label, value, notes);
    }

    pub(super) fn add_in(&mut self, scope: usize, label: Label, value: &str, notes: &mut Notes) {
        let value = unquote(value, notes);
        if label.field == Field::Pair {
            // A block or a flag of that name is no value: `acme_eab {`, `--eab`.
            if let Some((key_id, key)) = bare::split_pair(value) {
                self.push(scope, Field::KeyId, unquote(key_id, notes));
                self.push(scope, Field::MacKey, unquote(key, notes));
            }
            return;
        }
        self.candidates.push(Candidate { label, scope, value: Zeroizing::new(value.to_owned()) });
    }

    fn push(&mut self, scope: usize, field: Field, value: &str) {
        let label = Label { field, is_weak: false };
        self.candidates.push(Candidate { label, scope, value: Zeroizing::new(value.to_owned()) });
    }

    /// Appends to the value that was added last.
    pub(super) fn append(&mut self, more: &str) {
        if let Some(last) = self.candidates.last_mut() {
            let mut joined = Zeroizing::new(String::with_capacity(last.value.len() + more.len()));
            joined.push_str(&last.value);
            joined.push_str(more);
            last.value = joined;
        }
    }

    pub(super) fn has_parts(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.label.field != Field::Algorithm)
    }

    /// Whether what was added last is a key with a value.
    pub(super) fn ends_with_key(&self) -> bool {
        self.candidates.last().is_some_and(|candidate| {
            candidate.label.field == Field::MacKey && !candidate.value.is_empty()
        })
    }

    /// Settles on one value for each part.
    pub(super) fn finish(self, source: ImportSource) -> Result<Found, ImportError> {
        let Some(key) = self.only(Field::MacKey, |_| true)? else {
            return Err(ImportError::NoMacKey);
        };
        let key_id = self.only(Field::KeyId, |other| other.scope == key.scope)?;
        Ok(Found {
            source,
            key_id: key_id.map(|candidate| candidate.value.clone()),
            key: key.value.clone(),
            algorithm: self.algorithm()?,
        })
    }

    /// The one value of a part. Clear names go before others, which must be `beside` the key.
    fn only(
        &self,
        field: Field,
        beside: impl Fn(&Candidate) -> bool,
    ) -> Result<Option<&Candidate>, ImportError> {
        let name = if field == Field::KeyId { ImportField::KeyId } else { ImportField::MacKey };
        let pick = |is_weak: bool| {
            self.candidates
                .iter()
                .filter(move |candidate| candidate.label == Label { field, is_weak })
        };
        let mut chosen: Vec<&Candidate> = pick(false).collect();
        if chosen.is_empty() {
            chosen = pick(true).filter(|candidate| beside(candidate)).collect();
        }
        let Some(&first) = chosen.iter().find(|candidate| !candidate.value.is_empty()) else {
            return if chosen.is_empty() { Ok(None) } else { Err(ImportError::NoValue(name)) };
        };
        if is_placeholder(&first.value) {
            return Err(ImportError::Placeholder(name));
        }
        let differs = |other: &&Candidate| !other.value.is_empty() && *other.value != *first.value;
        if chosen.iter().any(differs) {
            return Err(ImportError::Conflict(name));
        }
        Ok(Some(first))
    }

    fn algorithm(&self) -> Result<Option<MacAlgorithm>, ImportError> {
        let mut chosen = None;
        let named = |candidate: &&Candidate| {
            candidate.label.field == Field::Algorithm && !candidate.value.is_empty()
        };
        for candidate in self.candidates.iter().filter(named) {
            let Some(algorithm) = read_algorithm(&candidate.value) else {
                if candidate.label.is_weak {
                    continue;
                }
                return Err(ImportError::UnknownAlgorithm);
            };
            if chosen.is_some_and(|other| other != algorithm) {
                return Err(ImportError::Conflict(ImportField::Algorithm));
            }
            chosen = Some(algorithm);
        }
        Ok(chosen)
    }
}

/// Reads `HS256` and the spellings `hs256`, `SHA-256`, `HMAC-SHA256`, `256`.
fn read_algorithm(text: &str) -> Option<MacAlgorithm> {
    let letters: String =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let digits = ["hmacsha", "hmac", "sha", "hs"]
        .into_iter()
        .find_map(|prefix| letters.strip_prefix(prefix))
        .unwrap_or(&letters);
    match digits {
        "256" => Some(MacAlgorithm::Hs256),
        "384" => Some(MacAlgorithm::Hs384),
        "512" => Some(MacAlgorithm::Hs512),
        _ => None,
    }
}

/// Whether a value stands for another: a variable, a word in angle brackets, a mask.
pub(super) fn is_placeholder(value: &str) -> bool {
    let enclosed = |open: &str, close: &str| {
        value.len() > open.len() + close.len() && value.starts_with(open) && value.ends_with(close)
    };
    let repeats = |mark: char| value.chars().count() >= 3 && value.chars().all(|c| c == mark);
    value.starts_with('$')
        || enclosed("<", ">")
        || enclosed("%", "%")
        || enclosed("{{", "}}")
        || ['*', '.', '\u{2022}', '\u{25cf}', '\u{2026}'].into_iter().any(repeats)
        || (value.len() >= 8 && value.bytes().all(|b| matches!(b, b'x' | b'X')))
}
