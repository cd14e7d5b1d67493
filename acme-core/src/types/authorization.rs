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

impl AuthorizationStatus {
    /// Whether it has ended without being valid: no challenge can help any more (RFC 8555 §7.1.6).
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Invalid | Self::Deactivated | Self::Expired | Self::Revoked)
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
    /// Whether it also counts for the names below (RFC 9444 §4.1).
    pub allows_subdomains: bool,
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
            .and_then(|value| fields.identifier("identifier", value))
            .ok_or("it has no identifier")?;
        let status = fields.text("status").ok_or("it has no status")?.into();
        if status == AuthorizationStatus::Valid {
            fields.expect("expires");
        }
        let expires = fields.time("expires");
        // Some servers leave the `*.` in the value instead of setting the flag.
        let starred = identifier.is_wildcard();
        if starred {
            fields.note("identifier", "has `*.` in it");
        }
        let wildcard = fields.flag("wildcard") || starred;
        fields.expect("challenges");
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
            allows_subdomains: fields.flag("subdomainAuthAllowed"),
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
    use crate::types::ChallengeStatus;
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
    fn every_member_of_the_section_is_read() {
        let authorization = read(&json!({
            "identifier": {"type": "dns", "value": "example.org"},
            "status": "valid",
            "expires": "2026-12-01T00:00:00Z",
            "wildcard": true,
            "subdomainAuthAllowed": true,
            "challenges": [{
                "type": "dns-01", "url": "https://a/1", "status": "valid", "token": "abc",
                "validated": "2026-11-22T01:02:03Z", "extra": {"a": [1]},
            }],
        }))
        .unwrap();
        assert_eq!(authorization.identifier, Identifier::dns("example.org").unwrap());
        assert_eq!(authorization.status, AuthorizationStatus::Valid);
        assert_eq!(authorization.expires.unwrap().to_string(), "2026-12-01T00:00:00Z");
        assert!(authorization.wildcard && authorization.allows_subdomains);
        let challenge = &authorization.challenges[0];
        assert_eq!((challenge.kind.as_str(), challenge.url.as_str()), ("dns-01", "https://a/1"));
        assert_eq!(challenge.status, ChallengeStatus::Valid);
        assert_eq!(challenge.token.as_ref().unwrap().as_str(), "abc");
        assert_eq!(challenge.validated.unwrap().to_string(), "2026-11-22T01:02:03Z");
        assert_eq!(json!(challenge.members()), json!({"extra": {"a": [1]}}));
        let bare = json!({
            "identifier": {"type": "dns", "value": "example.org"}, "status": "pending",
        });
        let bare = read(&bare).unwrap();
        assert!(!bare.wildcard && !bare.allows_subdomains && bare.expires.is_none());
    }

    #[test]
    fn each_status_of_a_challenge_is_told_apart_and_an_error_is_read_with_any() {
        for (text, status) in [
            ("pending", ChallengeStatus::Pending),
            ("processing", ChallengeStatus::Processing),
            ("valid", ChallengeStatus::Valid),
            ("invalid", ChallengeStatus::Invalid),
            ("odd", ChallengeStatus::Other("odd".to_owned())),
        ] {
            let authorization = read(&json!({
                "identifier": {"type": "dns", "value": "example.org"}, "status": "pending",
                "challenges": [{"type": "dns-01", "url": "https://a/1", "status": text,
                                "error": {"detail": "SERVFAIL"}}],
            }))
            .unwrap();
            let challenge = &authorization.challenges[0];
            assert_eq!(challenge.status, status);
            assert_eq!(challenge.error.as_ref().unwrap().detail.as_deref(), Some("SERVFAIL"));
        }
    }

    #[test]
    fn what_has_ended_without_being_valid_is_lost() {
        for (text, is_lost) in [
            ("pending", false),
            ("valid", false),
            ("invalid", true),
            ("deactivated", true),
            ("expired", true),
            ("revoked", true),
            ("processing", false),
        ] {
            assert_eq!(AuthorizationStatus::from(text.to_owned()).is_lost(), is_lost, "{text}");
        }
    }

    #[test]
    fn members_that_are_too_deep_or_tell_the_key_authorization_are_not_kept() {
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        let authorization = read(&json!({
            "identifier": {"type": "dns", "value": "example.org"}, "status": "pending",
            "challenges": [{"type": "x-01", "url": "https://a/1", "deep": deep, "own": {"a": 1},
                            "keyAuthorization": "token.thumbprint"}],
        }))
        .unwrap();
        let members = authorization.challenges[0].members();
        assert_eq!(serde_json::to_value(members).unwrap(), json!({"own": {"a": 1}}));
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
