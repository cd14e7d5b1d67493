//! Authorizations and their challenges (RFC 8555 §7.5, §8).

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use http::StatusCode;
use serde_json::{Value, json};

use crate::ca::{TestingCa, http_date};
use crate::cause::RefusalCause;
use crate::config::{ChallengeType, RetryAfter};
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::{Resource, Signed};
use crate::trial::Trial;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthorizationState {
    Pending,
    Valid,
    Invalid,
    Deactivated,
    Expired,
}

#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) path: String,
    pub(crate) account: usize,
    /// The name without `*.`.
    pub(crate) identifier: Identifier,
    is_wildcard: bool,
    pub(crate) state: AuthorizationState,
    pub(crate) expires: Timestamp,
    pub(crate) challenges: Vec<Challenge>,
    not_before_poll: Option<Timestamp>,
    /// Made by newAuthz, so that orders take it over in any case.
    pub(crate) is_preauthorized: bool,
    /// Counts for the names below, too (RFC 9444 §4.1).
    pub(crate) covers_subdomains: bool,
}

#[derive(Debug)]
pub(crate) struct Challenge {
    path: String,
    pub(crate) kind: ChallengeType,
    /// Empty if its kind has none.
    pub(crate) token: String,
    pub(crate) state: ChallengeState,
    not_before_poll: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) enum ChallengeState {
    Pending,
    Processing,
    Valid(Timestamp),
    Invalid(Problem),
}

impl Authorization {
    /// The problem of the challenge that failed.
    pub(crate) fn error(&self) -> Problem {
        let failed = self.challenges.iter().find_map(|challenge| match &challenge.state {
            ChallengeState::Invalid(problem) => Some(problem.clone()),
            _ => None,
        });
        failed.unwrap_or_else(|| Problem::forbidden("no challenge was met"))
    }

    fn is_waiting(&self) -> bool {
        let is_processing = |c: &Challenge| matches!(c.state, ChallengeState::Processing);
        self.state == AuthorizationState::Pending && self.challenges.iter().any(is_processing)
    }
}

impl TestingCa {
    fn authorization_at(&self, index: usize) -> Result<&Authorization, Problem> {
        let found = self.authorizations.get(index);
        found.ok_or_else(|| Problem::internal("the authorization is gone"))
    }

    pub(crate) fn authorization_mut(
        &mut self,
        index: usize,
    ) -> Result<&mut Authorization, Problem> {
        let found = self.authorizations.get_mut(index);
        found.ok_or_else(|| Problem::internal("the authorization is gone"))
    }

    fn challenge_mut(&mut self, index: usize, challenge: usize) -> Result<&mut Challenge, Problem> {
        let found = self.authorization_mut(index)?.challenges.get_mut(challenge);
        found.ok_or_else(|| Problem::internal("the challenge is gone"))
    }

    /// The types offered for an identifier: RFC 8555 §7.1.3 and BR 3.2.2.4.19 for wildcards,
    /// RFC 8738 §7 for addresses.
    pub(crate) fn challenge_types(&self, identifier: &Identifier) -> Vec<ChallengeType> {
        let suits = |kind: &ChallengeType| match kind {
            ChallengeType::Dns01 => identifier.as_dns().is_some(),
            ChallengeType::Plugin(_) => true,
            _ => !identifier.is_wildcard(),
        };
        self.config.challenge_types.iter().copied().filter(suits).collect()
    }

    /// A valid authorization to reuse, where the configuration allows it or where it was made for
    /// that, or a new one.
    pub(crate) fn authorization_for(&mut self, account: usize, identifier: &Identifier) -> usize {
        let is_reused = self.config.authorization_reuse;
        let usable = self
            .valid_authorizations(account, identifier)
            .find(|(_, known)| is_reused || known.is_preauthorized)
            .map(|(index, _)| index);
        match usable {
            Some(index) => index,
            None => self.make_authorization(account, identifier, false),
        }
    }

    /// The valid authorizations that an account holds for the identifier.
    pub(crate) fn valid_authorizations(
        &self,
        account: usize,
        identifier: &Identifier,
    ) -> impl Iterator<Item = (usize, &Authorization)> {
        let (base, is_wildcard) = (identifier.without_wildcard(), identifier.is_wildcard());
        self.authorizations.iter().enumerate().filter(move |(_, known)| {
            known.account == account
                && known.state == AuthorizationState::Valid
                && known.identifier == base
                && known.is_wildcard == is_wildcard
        })
    }

    pub(crate) fn make_authorization(
        &mut self,
        account: usize,
        identifier: &Identifier,
        is_preauthorized: bool,
    ) -> usize {
        let authorization = self.authorizations.len();
        let mut challenges = Vec::new();
        for (index, kind) in self.challenge_types(identifier).into_iter().enumerate() {
            let has_token = self.config.plugin_challenge(kind).is_none_or(|known| known.has_token);
            challenges.push(Challenge {
                path: self.publish(Resource::Challenge { authorization, index }),
                kind,
                token: if has_token { self.entropy.text::<32>() } else { String::new() },
                state: ChallengeState::Pending,
                not_before_poll: None,
            });
        }
        let path = self.publish(Resource::Authorization(authorization));
        self.authorizations.push(Authorization {
            path,
            account,
            identifier: identifier.without_wildcard(),
            is_wildcard: identifier.is_wildcard(),
            state: AuthorizationState::Pending,
            expires: self.now.saturating_add(self.config.order_lifetime),
            challenges,
            not_before_poll: None,
            is_preauthorized,
            covers_subdomains: false,
        });
        authorization
    }

    /// Whether the account holds a valid authorization for the identifier (§7.6).
    pub(crate) fn is_authorized(&self, account: usize, identifier: &Identifier) -> bool {
        self.valid_authorizations(account, identifier).next().is_some()
    }

    pub(crate) fn authorization(
        &mut self,
        signed: &Signed,
        index: usize,
    ) -> Result<Reply, Problem> {
        self.check_authorization_owner(signed, index)?;
        if signed.is_post_as_get() {
            let not_before_poll = self.authorization_at(index)?.not_before_poll;
            self.note_early_poll(not_before_poll);
            return self.authorization_reply(index, StatusCode::OK);
        }
        let payload = signed.object("R-AUZ-07")?;
        self.note_odd_members(&payload, &["status"], "R-AUZ-07");
        if payload.get("status").and_then(Value::as_str) != Some("deactivated") {
            let detail = "an authorization can be read, or its status set to \"deactivated\"";
            return Err(Problem::malformed(detail).breach("R-AUZ-07"));
        }
        let authorization = self.authorization_mut(index)?;
        match authorization.state {
            AuthorizationState::Pending
            | AuthorizationState::Valid
            | AuthorizationState::Deactivated => {
                authorization.state = AuthorizationState::Deactivated;
            }
            state @ (AuthorizationState::Invalid | AuthorizationState::Expired) => {
                return Err(closed(state));
            }
        }
        self.settle_orders();
        self.authorization_reply(index, StatusCode::OK)
    }

    pub(crate) fn challenge(
        &mut self,
        signed: &Signed,
        authorization: usize,
        index: usize,
    ) -> Result<Reply, Problem> {
        self.check_authorization_owner(signed, authorization)?;
        if signed.is_post_as_get() {
            let not_before_poll = self.challenge_mut(authorization, index)?.not_before_poll;
            self.note_early_poll(not_before_poll);
            return self.challenge_reply(authorization, index);
        }
        let answer = signed.object("R-CHL-05")?;
        let kind = self.challenge_mut(authorization, index)?.kind;
        if !answer.is_empty() && self.config.plugin_challenge(kind).is_none() {
            let detail = "a challenge is answered with the payload {} and nothing in it";
            return Err(Problem::malformed(detail).breach("R-CHL-05"));
        }
        let state = self.authorization_at(authorization)?.state;
        let is_open = state == AuthorizationState::Pending;
        let now = self.now;
        let challenge = self.challenge_mut(authorization, index)?;
        match challenge.state {
            ChallengeState::Pending if is_open => {
                challenge.state = ChallengeState::Processing;
                self.trials.push(Trial::new(authorization, index, answer, now));
            }
            ChallengeState::Processing if is_open => {
                let text = "the challenge was answered again while it is being validated; \
                            its state is read by POST-as-GET";
                self.note("R-AUZ-10", text);
            }
            _ => return Err(closed(state).breach("R-CHL-06")),
        }
        self.challenge_reply(authorization, index)
    }

    fn check_authorization_owner(&self, signed: &Signed, index: usize) -> Result<(), Problem> {
        if self.authorization_at(index)?.account == signed.account()? {
            return Ok(());
        }
        Err(Problem::forbidden("this authorization belongs to another account"))
    }

    pub(crate) fn authorization_reply(
        &mut self,
        index: usize,
        status: StatusCode,
    ) -> Result<Reply, Problem> {
        let authorization = self.authorization_at(index)?;
        let shown: Vec<_> = authorization
            .challenges
            .iter()
            .filter(|challenge| match authorization.state {
                // §7.1.4: a decided authorization shows the challenge that decided it.
                AuthorizationState::Valid => matches!(challenge.state, ChallengeState::Valid(_)),
                AuthorizationState::Invalid => {
                    matches!(challenge.state, ChallengeState::Invalid(_))
                }
                _ => true,
            })
            .map(|challenge| self.challenge_json(challenge))
            .collect();
        let mut body = json!({
            "identifier": authorization.identifier,
            "status": match authorization.state {
                AuthorizationState::Pending => "pending",
                AuthorizationState::Valid => "valid",
                AuthorizationState::Invalid => "invalid",
                AuthorizationState::Deactivated => "deactivated",
                AuthorizationState::Expired => "expired",
            },
            "expires": authorization.expires.to_string(),
            "challenges": shown,
        });
        if authorization.is_wildcard
            && let Some(members) = body.as_object_mut()
        {
            members.insert("wildcard".to_owned(), json!(true));
        }
        if authorization.covers_subdomains
            && let Some(members) = body.as_object_mut()
        {
            members.insert("subdomainAuthAllowed".to_owned(), json!(true));
        }
        let mut reply = Reply::json(status, &body);
        let told = if authorization.is_waiting() { self.retry_after() } else { None };
        if let Some((value, _)) = &told {
            reply = reply.header("retry-after", value.clone());
        }
        self.authorization_mut(index)?.not_before_poll = told.map(|(_, earliest)| earliest);
        Ok(reply)
    }

    fn challenge_reply(&mut self, authorization: usize, index: usize) -> Result<Reply, Problem> {
        let known = self.authorization_at(authorization)?;
        let up = self.url(&known.path);
        let challenge = known.challenges.get(index);
        let challenge = challenge.ok_or_else(|| Problem::internal("the challenge is gone"))?;
        let is_processing = matches!(challenge.state, ChallengeState::Processing);
        let body = self.challenge_json(challenge);
        let mut reply = Reply::json(StatusCode::OK, &body).link(&up, "up");
        let told = if is_processing { self.retry_after() } else { None };
        if let Some((value, _)) = &told {
            reply = reply.header("retry-after", value.clone());
        }
        // For the challenge alone (§8.2): the authorization tells itself how often it wants to be
        // asked, in the answers to those who do (§7.5.1).
        self.challenge_mut(authorization, index)?.not_before_poll =
            told.map(|(_, earliest)| earliest);
        Ok(reply)
    }

    fn challenge_json(&self, challenge: &Challenge) -> Value {
        let mut body = json!({
            "type": challenge.kind.as_str(),
            "url": self.url(&challenge.path),
            "status": match challenge.state {
                ChallengeState::Pending => "pending",
                ChallengeState::Processing => "processing",
                ChallengeState::Valid(_) => "valid",
                ChallengeState::Invalid(_) => "invalid",
            },
        });
        let mut extra = Vec::new();
        if !challenge.token.is_empty() {
            extra.push(("token", json!(challenge.token)));
        }
        let plugin = self.config.plugin_challenge(challenge.kind);
        for (name, value) in plugin.iter().flat_map(|known| &known.members) {
            extra.push((name, value.clone()));
        }
        extra.extend(match &challenge.state {
            ChallengeState::Valid(at) => Some(("validated", json!(at.to_string()))),
            ChallengeState::Invalid(problem) => {
                Some(("error", self.config.worded(problem).to_json()))
            }
            ChallengeState::Pending | ChallengeState::Processing => None,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(extra.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        body
    }

    /// The value of Retry-After for something that waits for the CA, and the moment it names.
    pub(crate) fn retry_after(&self) -> Option<(String, Timestamp)> {
        Some(self.told(self.config.retry_after?))
    }

    /// A Retry-After as text, and the moment it names.
    pub(crate) fn told(&self, retry_after: RetryAfter) -> (String, Timestamp) {
        let later = |seconds: u32| core::time::Duration::from_secs(seconds.into());
        match retry_after {
            RetryAfter::Seconds(seconds) => {
                (seconds.to_string(), self.now.saturating_add(later(seconds)))
            }
            RetryAfter::HttpDate(seconds) => {
                let whole = Timestamp::from_unix_seconds(self.now.unix_seconds());
                let date = whole.saturating_add(later(seconds));
                (http_date(date), date)
            }
        }
    }
}

/// Refuses work on an authorization that is no longer pending.
fn closed(state: AuthorizationState) -> Problem {
    match state {
        AuthorizationState::Expired => {
            let detail = "the authorization has expired";
            Problem::new(RefusalCause::AuthorizationExpired, detail)
        }
        _ => {
            let detail = "the authorization is final already; nothing is left to answer";
            Problem::new(RefusalCause::AuthorizationClosed, detail)
        }
    }
}
