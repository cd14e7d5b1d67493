//! The answer to a challenge: `{}`, or what the definition of its kind asks for (RFC 8555 §7.5.1).

use core::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::types::JsonObject;

/// Longest answer, in octets of JSON: room for an attestation with its certificates.
pub const MAX_ANSWER_LEN: usize = 65_536;

/// What a challenge is answered with once it is met: `{}` unless its kind has members of its own.
///
/// Not shown by `Debug` and zeroed on drop, since it may be a secret until the server has it.
///
/// ```
/// use acmekit_core::challenge::Answer;
///
/// assert!(Answer::default().is_empty());
/// let mut members = serde_json::Map::new();
/// members.insert("proof".to_owned(), "c2lnbmVk".into());
/// let answer = Answer::new(&members)?;
/// assert!(!answer.is_empty());
/// assert_eq!(format!("{answer:?}"), "Answer(..)");
/// # Ok::<(), acmekit_core::challenge::AnswerTooLong>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Answer(Zeroizing<Vec<u8>>);

impl Answer {
    /// An answer with these members.
    ///
    /// # Errors
    /// They take more than [`MAX_ANSWER_LEN`] octets.
    pub fn new(members: &JsonObject) -> Result<Self, AnswerTooLong> {
        // A map with keys of text can always be written.
        let json = serde_json::to_vec(members).unwrap_or_default();
        if json.len() > MAX_ANSWER_LEN {
            return Err(AnswerTooLong { octets: json.len() });
        }
        Ok(Self(Zeroizing::new(json)))
    }

    /// An answer with one member.
    pub(crate) fn of(name: &str, value: impl Into<Value>) -> Result<Self, AnswerTooLong> {
        let mut members = JsonObject::new();
        members.insert(name.to_owned(), value.into());
        Self::new(&members)
    }

    /// Whether it is `{}`.
    pub fn is_empty(&self) -> bool {
        *self.0 == EMPTY
    }

    /// The payload of the request.
    pub(crate) fn payload(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

const EMPTY: &[u8] = b"{}";

/// `{}`.
impl Default for Answer {
    fn default() -> Self {
        Self(Zeroizing::new(EMPTY.to_vec()))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(..)")
    }
}

/// The answer to a challenge is longer than [`MAX_ANSWER_LEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTooLong {
    octets: usize,
}

impl fmt::Display for AnswerTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.octets;
        write!(
            f,
            "the answer to the challenge has {octets} octets; at most {MAX_ANSWER_LEN} are sent"
        )
    }
}

impl core::error::Error for AnswerTooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(length: usize) -> Result<Answer, AnswerTooLong> {
        let mut members = JsonObject::new();
        members.insert("a".to_owned(), "x".repeat(length - r#"{"a":""}"#.len()).into());
        Answer::new(&members)
    }

    #[test]
    fn the_length_is_limited() {
        assert_eq!(of_length(MAX_ANSWER_LEN).unwrap().payload().len(), MAX_ANSWER_LEN);
        assert_eq!(
            of_length(MAX_ANSWER_LEN + 1),
            Err(AnswerTooLong { octets: MAX_ANSWER_LEN + 1 })
        );
    }

    #[test]
    fn no_members_are_the_empty_object() {
        assert_eq!(Answer::new(&JsonObject::new()).unwrap(), Answer::default());
        assert_eq!(Answer::default().payload(), b"{}");
    }
}
