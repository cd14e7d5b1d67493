//! Trials: from the client's answer to a challenge until its result shows (RFC 8555 §7.5.1).

use acmekit_core::time::Timestamp;
use serde_json::{Map, Value};

use crate::authorization::{AuthorizationState, ChallengeState};
use crate::ca::TestingCa;
use crate::validation::{
    self, Validation, ValidationId, ValidationOutcome, ValidationTarget, Verdict,
};

/// One validation, from the client's answer until its result shows.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) authorization: usize,
    challenge: usize,
    /// The payload of the client's answer.
    answer: Map<String, Value>,
    pub(crate) is_announced: bool,
    started: Timestamp,
    result: Option<(Timestamp, Verdict)>,
    pub(crate) is_over: bool,
}

impl Trial {
    pub(crate) const fn new(
        authorization: usize,
        challenge: usize,
        answer: Map<String, Value>,
        started: Timestamp,
    ) -> Self {
        Self {
            authorization,
            challenge,
            answer,
            is_announced: false,
            started,
            result: None,
            is_over: false,
        }
    }

    /// When the result shows, once it is known.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match &self.result {
            Some((visible, _)) if !self.is_over => Some(*visible),
            _ => None,
        }
    }
}

impl TestingCa {
    /// Describes a validation that is wanted, and marks it as told.
    pub(crate) fn announce(&mut self, index: usize) -> Option<Validation> {
        let trial = self.trials.get_mut(index)?;
        trial.is_announced = true;
        let authorization = self.authorizations.get(trial.authorization)?;
        let challenge = authorization.challenges.get(trial.challenge)?;
        let identifier = authorization.identifier.clone();
        let account = self.accounts.get(authorization.account)?;
        let target = ValidationTarget::new(
            challenge.kind,
            &identifier,
            &challenge.token,
            &trial.answer,
            &account.key.thumbprint(),
        );
        Some(Validation {
            id: ValidationId(index),
            target,
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
