//! Authorizations and their challenges (RFC 8555 §7.5, §8), and the trials that decide them.

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
use crate::validation::{
    self, Validation, ValidationId, ValidationOutcome, ValidationTarget, Verdict,
};

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
    expires: Timestamp,
    challenges: Vec<Challenge>,
    not_before_poll: Option<Timestamp>,
    /// Made by newAuthz, so that orders take it over in any case.
    pub(crate) is_preauthorized: bool,
}

#[derive(Debug)]
struct Challenge {
    path: String,
    kind: ChallengeType,
    token: String,
    state: ChallengeState,
    not_before_poll: Option<Timestamp>,
}

#[derive(Debug)]
enum ChallengeState {
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

/// One validation, from the client's answer until its result shows.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) authorization: usize,
    challenge: usize,
    pub(crate) is_announced: bool,
    started: Timestamp,
    result: Option<(Timestamp, Verdict)>,
    pub(crate) is_over: bool,
}

impl Trial {
    /// When the result shows, once it is known.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.result {
            Some((visible, _)) if !self.is_over => Some(*visible),
            _ => None,
        }
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
            challenges.push(Challenge {
                path: self.publish(Resource::Challenge { authorization, index }),
                kind,
                token: self.entropy.text::<32>(),
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
        if !signed.object("R-CHL-05")?.is_empty() {
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
                self.trials.push(Trial {
                    authorization,
                    challenge: index,
                    is_announced: false,
                    started: now,
                    result: None,
                    is_over: false,
                });
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
        let earliest = told.map(|(_, earliest)| earliest);
        self.challenge_mut(authorization, index)?.not_before_poll = earliest;
        // The wait is for the authorization as much as for the challenge (§7.5.1).
        self.authorization_mut(authorization)?.not_before_poll = earliest;
        Ok(reply)
    }

    fn challenge_json(&self, challenge: &Challenge) -> Value {
        let mut body = json!({
            "type": challenge.kind.as_str(),
            "url": self.url(&challenge.path),
            "token": challenge.token,
            "status": match challenge.state {
                ChallengeState::Pending => "pending",
                ChallengeState::Processing => "processing",
                ChallengeState::Valid(_) => "valid",
                ChallengeState::Invalid(_) => "invalid",
            },
        });
        let extra = match &challenge.state {
            ChallengeState::Valid(at) => Some(("validated", json!(at.to_string()))),
            ChallengeState::Invalid(problem) => {
                Some(("error", self.config.worded(problem).to_json()))
            }
            ChallengeState::Pending | ChallengeState::Processing => None,
        };
        if let (Some((name, value)), Some(members)) = (extra, body.as_object_mut()) {
            members.insert(name.to_owned(), value);
        }
        body
    }

    /// The value of Retry-After for something that waits for the CA, and the moment it names.
    pub(crate) fn retry_after(&self) -> Option<(String, Timestamp)> {
        let later = |seconds: u32| core::time::Duration::from_secs(seconds.into());
        match self.config.retry_after? {
            RetryAfter::Seconds(seconds) => {
                Some((seconds.to_string(), self.now.saturating_add(later(seconds))))
            }
            RetryAfter::HttpDate(seconds) => {
                let whole = Timestamp::from_unix_seconds(self.now.unix_seconds());
                let date = whole.saturating_add(later(seconds));
                Some((http_date(date), date))
            }
        }
    }

    /// Describes a validation that is wanted, and marks it as told.
    pub(crate) fn announce(&mut self, index: usize) -> Option<Validation> {
        let trial = self.trials.get_mut(index)?;
        trial.is_announced = true;
        let authorization = self.authorizations.get(trial.authorization)?;
        let challenge = authorization.challenges.get(trial.challenge)?;
        let identifier = authorization.identifier.clone();
        Some(Validation {
            id: ValidationId(index),
            target: ValidationTarget::new(challenge.kind, &identifier, &challenge.token),
            token: challenge.token.clone(),
            identifier,
        })
    }

    /// Judges evidence with the account's key as it is now (§8.1).
    pub(crate) fn judge_trial(&mut self, id: ValidationId, outcome: &ValidationOutcome) {
        let verdict = |trial: &Trial| -> Option<Verdict> {
            let authorization = self.authorizations.get(trial.authorization)?;
            let challenge = authorization.challenges.get(trial.challenge)?;
            let thumbprint = self.accounts.get(authorization.account)?.key.thumbprint();
            let key_authorization = format!("{}.{thumbprint}", challenge.token);
            let identifier = &authorization.identifier;
            let verdict =
                validation::judge(challenge.kind, identifier, &key_authorization, outcome);
            Some(verdict.and_then(|()| self.check_elsewhere(challenge.kind, identifier)))
        };
        let Some(trial) = self.trials.get(id.0).filter(|trial| trial.result.is_none()) else {
            return;
        };
        let Some(verdict) = verdict(trial) else {
            return;
        };
        let visible = trial.started.saturating_add(self.config.validation_delay).max(self.now);
        if let Some(trial) = self.trials.get_mut(id.0) {
            trial.result = Some((visible, verdict));
        }
    }

    /// Shows the results that are due, in the order of their moments, and lets old authorizations
    /// expire.
    pub(crate) fn settle_trials(&mut self) {
        let now = self.now;
        let mut due: Vec<_> = self
            .trials
            .iter()
            .enumerate()
            .filter_map(|(index, trial)| Some((trial.due()?, index)))
            .filter(|(visible, _)| *visible <= now)
            .collect();
        due.sort_unstable();
        for (visible, index) in due {
            self.conclude(index, visible);
        }
        for authorization in &mut self.authorizations {
            let is_open = matches!(
                authorization.state,
                AuthorizationState::Pending | AuthorizationState::Valid
            );
            if is_open && authorization.expires <= now {
                authorization.state = AuthorizationState::Expired;
            }
        }
    }

    fn conclude(&mut self, index: usize, visible: Timestamp) {
        let lifetime = self.config.authorization_lifetime;
        let Some(trial) = self.trials.get_mut(index) else {
            return;
        };
        trial.is_over = true;
        let (target, position) = (trial.authorization, trial.challenge);
        let verdict = trial.result.as_ref().map(|(_, verdict)| verdict.clone());
        let Some(authorization) = self.authorizations.get_mut(target) else {
            return;
        };
        if authorization.state != AuthorizationState::Pending {
            return;
        }
        let Some(challenge) = authorization.challenges.get_mut(position) else {
            return;
        };
        match verdict {
            Some(Ok(())) => {
                challenge.state = ChallengeState::Valid(visible);
                authorization.state = AuthorizationState::Valid;
                authorization.expires = visible.saturating_add(lifetime);
            }
            Some(Err(problem)) => {
                challenge.state = ChallengeState::Invalid(problem);
                authorization.state = AuthorizationState::Invalid;
                let account = authorization.account;
                if let Some(account) = self.accounts.get_mut(account) {
                    account.failures.add(visible);
                }
            }
            None => {}
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
