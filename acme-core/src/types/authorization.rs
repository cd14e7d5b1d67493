//! An authorization: the proof that an account controls an identifier (RFC 8555 §7.1.4).

use serde_json::{Map, Value};

use super::challenge::Challenge;
use super::fields::Fields;
use super::identifier::Identifier;
use crate::deviation::Deviations;
use crate::problem::Problem;
use crate::time::Timestamp;

/// Most challenges that are read from one authorization.
const MAX_CHALLENGES: usize = 32;

super::status! {
    /// The state of an authorization (RFC 8555 §7.1.6).
    AuthorizationStatus {
        /// No challenge has been proven yet.
        Pending = "pending",
        /// Control is proven.
        Valid = "valid",
        /// A challenge failed.
        Invalid = "invalid",
        /// Given up by the account.
        Deactivated = "deactivated",
        /// Its time ran out.
        Expired = "expired",
        /// Taken back by the server.
        Revoked = "revoked",
    }
}

/// One authorization as the server sent it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Authorization {
    /// What it is for, without `*.`.
    pub identifier: Identifier,
    /// Its state.
    pub status: AuthorizationStatus,
    /// When it ends, if the server says so.
    pub expires: Option<Timestamp>,
    /// The ways to prove control.
    pub challenges: Vec<Challenge>,
    /// Whether it is for the wildcard below the name.
    pub wildcard: bool,
}

impl Authorization {
    /// Reads an authorization; the error names what it lacks.
    pub(crate) fn read(
        object: &Map<String, Value>,
        deviations: &mut Deviations,
    ) -> Result<Self, &'static str> {
        let mut fields = Fields::new(object, "authorization", deviations);
        let identifier = fields
            .value("identifier")
            .and_then(|value| serde_json::from_value::<Identifier>(value.clone()).ok())
            .ok_or("it has no identifier")?;
        let status = fields.text("status").ok_or("it has no status")?.into();
        let expires = fields.time("expires");
        // Some servers leave the `*.` in the value instead of setting the flag.
        let starred = identifier.is_wildcard();
        if starred {
            fields.note("identifier", "has `*.` in it");
        }
        let wildcard = fields.flag("wildcard") || starred;
        let list = fields.list("challenges").unwrap_or_default();
        let challenges = list
            .iter()
            .take(MAX_CHALLENGES)
            .filter_map(|value| Challenge::read(value.as_object()?, fields.deviations()))
            .collect();
        Ok(Self {
            identifier: identifier.without_wildcard(),
            status,
            expires,
            challenges,
            wildcard,
        })
    }

    /// The name that was ordered.
    pub fn ordered_identifier(&self) -> Identifier {
        if !self.wildcard {
            return self.identifier.clone();
        }
        self.identifier
            .as_dns()
            .and_then(|name| Identifier::dns(&format!("*.{name}")).ok())
            .unwrap_or_else(|| self.identifier.clone())
    }

    /// Why it failed, as far as its challenges tell.
    pub fn error(&self) -> Option<&Problem> {
        self.challenges.iter().find_map(|challenge| challenge.error.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::ChallengeType;
    use serde_json::json;

    fn read(value: &Value) -> Result<Authorization, &'static str> {
        Authorization::read(value.as_object().unwrap(), &mut Deviations::default())
    }

    #[test]
    fn unknown_challenges_and_challenges_without_token_do_no_harm() {
        let authorization = read(&json!({
            "identifier": {"type": "dns", "value": "example.org"}, "status": "pending",
            "challenges": [
                {"type": "dns-persist-01", "url": "https://a/1", "issuer-domain-names": ["a"]},
                {"type": "http-01", "url": "https://a/2", "token": "../../etc/passwd"},
                {"type": "http-01", "url": "https://a/3", "token": "abcdefghijklmnopqrstuvw",
                 "error": {}},
                "noise",
            ],
        }))
        .unwrap();
        let challenges = &authorization.challenges;
        assert_eq!(challenges.len(), 3);
        assert_eq!(challenges[0].kind, ChallengeType::DnsPersist01);
        assert!(challenges[1].token.is_none());
        assert!(challenges[2].token.is_some() && challenges[2].error.is_none());
    }

    #[test]
    fn a_wildcard_maps_back_to_the_name_that_was_ordered() {
        for value in [
            json!({"identifier": {"type": "dns", "value": "example.org"}, "wildcard": true, "status": "valid"}),
            json!({"identifier": {"type": "dns", "value": "*.example.org"}, "status": "valid"}),
        ] {
            let authorization = read(&value).unwrap();
            assert_eq!(authorization.identifier.value(), "example.org");
            assert_eq!(authorization.ordered_identifier().value(), "*.example.org");
        }
    }
}
