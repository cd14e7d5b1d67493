//! A challenge: one way to prove control of an identifier (RFC 8555 §8).

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::challenge::ChallengeType;
use crate::challenge::token::Token;
use crate::deviation::Deviations;
use crate::problem::Problem;

super::status! {
    /// The state of a challenge (RFC 8555 §7.1.6).
    ChallengeStatus {
        /// Not answered yet.
        Pending = "pending",
        /// Answered; the server validates.
        Processing = "processing",
        /// Proven.
        Valid = "valid",
        /// Failed.
        Invalid = "invalid",
    }
}

/// One challenge of an authorization. Types this library does not know are kept; they are only
/// never chosen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Challenge {
    /// The kind of proof.
    pub kind: ChallengeType,
    /// Where the challenge is answered.
    pub url: String,
    /// Its state; some servers leave it out, which counts as pending.
    pub status: ChallengeStatus,
    /// The token, if the challenge has a well-formed one.
    pub token: Option<Token>,
    /// Why it failed, or why a validation that goes on has failed so far.
    pub error: Option<Problem>,
}

impl Challenge {
    pub(crate) fn read(object: &Map<String, Value>, deviations: &mut Deviations) -> Option<Self> {
        let mut fields = Fields::new(object, "challenge", deviations);
        let kind = fields.text("type")?;
        let url = fields.text("url")?;
        let token = fields.text("token");
        let token = match token.map(Token::try_from) {
            Some(Err(_)) => {
                fields.note("token", "is no base64url text and is not used");
                None
            }
            Some(Ok(token)) => Some(token),
            None => None,
        };
        Some(Self {
            kind: ChallengeType::from(kind),
            url,
            status: fields.text("status").map_or(ChallengeStatus::Pending, Into::into),
            token,
            error: fields.problem(),
        })
    }
}
