//! A challenge: one way to prove control of an identifier (RFC 8555 §8).

use super::JsonObject;
use super::fields::Fields;
use crate::challenge::ChallengeType;
use crate::challenge::token::Token;
use crate::deviation::Deviations;
use crate::extension::{MAX_DEPTH, is_shallow};
use crate::problem::Problem;
use crate::time::Timestamp;

/// Most octets of JSON that are kept of one challenge. Attestations and the like come from the
/// client, so a server has little to say.
const MAX_MEMBERS_LEN: usize = 16_384;

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

/// One challenge of an authorization. Types this library does not know are kept as they came, and
/// offered to solvers that may know them.
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
    /// When it was proven, if it was.
    pub validated: Option<Timestamp>,
    /// Why it failed, or why a validation that goes on has failed so far.
    pub error: Option<Problem>,
    pub(crate) members: JsonObject,
    /// Whether `members` are all there are.
    pub(crate) is_whole: bool,
}

impl Challenge {
    /// The members that only challenges of this kind have, as they came: all but `type`, `url`,
    /// `status`, `validated`, `error`, and a well-formed `token`. None if they take more than
    /// 16 KiB.
    pub const fn members(&self) -> &JsonObject {
        &self.members
    }

    pub(crate) fn read(object: &JsonObject, deviations: &mut Deviations) -> Option<Self> {
        let mut fields = Fields::new(object, "challenge", deviations);
        let kind = ChallengeType::from(fields.text("type")?);
        let url = fields.url("url")?;
        let token = match fields.value("token").and_then(|token| token.as_str()) {
            Some(token) => Token::new(token).ok(),
            None => None,
        };
        if token.is_none() && fields.value("token").is_some() && kind.needs_token() {
            fields.note("token", "is no base64url text and is not used");
        }
        // Servers of before RFC 8555 showed the key authorization, which is nobody else's business.
        let common = ["type", "url", "status", "validated", "error", "keyAuthorization"];
        let is_own = |name: &str| !common.contains(&name) && (name != "token" || token.is_none());
        let mut members: JsonObject = object
            .iter()
            .filter(|(name, value)| is_own(name) && is_shallow(value, MAX_DEPTH))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let is_kept = members.is_empty()
            || serde_json::to_vec(&members).is_ok_and(|json| json.len() <= MAX_MEMBERS_LEN);
        if !is_kept {
            fields.note("type", "comes with more than 16 KiB of members, which are not kept");
            members.clear();
        }
        fields.expect("status");
        Some(Self {
            kind,
            url,
            status: fields.text("status").map_or(ChallengeStatus::Pending, Into::into),
            token,
            validated: fields.time("validated"),
            error: fields.problem(),
            members,
            is_whole: is_kept,
        })
    }
}
