//! What a server did against the rules and was forgiven, for a bug report to the CA.

use crate::problem::printable;

/// Most deviations that are kept.
const MAX_DEVIATIONS: usize = 200;

/// Longest text of one, in characters.
const MAX_TEXT: usize = 300;

/// One tolerated breach of the protocol by the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deviation {
    /// A short stable name of the kind of breach.
    pub code: &'static str,
    /// What the server did.
    pub text: String,
}

/// The breaches of one session, each kind of text once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deviations(Vec<Deviation>);

impl Deviations {
    pub(crate) fn note(&mut self, code: &'static str, text: impl AsRef<str>) {
        let text: String = printable(text.as_ref()).chars().take(MAX_TEXT).collect();
        let known = self.0.iter().any(|d| d.code == code && d.text == text);
        if self.0.len() < MAX_DEVIATIONS && !known {
            self.0.push(Deviation { code, text });
        }
    }

    pub(crate) fn as_slice(&self) -> &[Deviation] {
        &self.0
    }
}
