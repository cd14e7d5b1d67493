//! Waiting until the CA has validated every name: the order is polled (RFC 8555 §7.5.1).

use super::pending::{Pending, lost, read_authorization, validation_error};
use super::{Issue, State, Tag};
use crate::action::RequestKind;
use crate::backoff::Polls;
use crate::error::{Error, ErrorKind, Retry, Step};
use crate::exchange::Outcome;
use crate::flow::Context;
use crate::problem::Problem;
use crate::time::Timestamp;
use crate::types::{ChallengeStatus, Order};

/// Rounds of order polls between two looks at the authorizations of an order that stays pending.
const ROUNDS_PER_CHECK: u32 = 5;

/// The order is polled until it is no longer pending.
pub(super) struct Validating {
    polls: Polls,
    asking: bool,
    pending: Vec<Pending>,
    /// Number of the poll after which the authorizations are looked at.
    next_check: u32,
    /// What the last look at the authorizations said.
    last_problem: Option<(String, Problem)>,
}

impl Validating {
    pub(super) fn wake(&self) -> Option<Timestamp> {
        (!self.asking).then(|| self.polls.next())
    }

    pub(super) fn note_problem(&mut self, name: String, problem: Problem) {
        self.last_problem = Some((name, problem));
    }

    pub(super) const fn last_problem(&self) -> Option<&(String, Problem)> {
        self.last_problem.as_ref()
    }

    pub(super) fn waiting_for(&self) -> String {
        match &self.last_problem {
            Some((name, problem)) => {
                format!("the CA validated; so far it could not validate {name}: {problem}")
            }
            None => "the CA validated".to_owned(),
        }
    }
}

/// The order is invalid without a reason; its authorizations are read for one.
pub(super) struct Diagnosing {
    outstanding: usize,
    found: Option<Error>,
}

impl Issue {
    pub(super) fn begin_validation(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        pending: Vec<Pending>,
        retry_after: Option<Timestamp>,
        at_once: bool,
    ) -> Result<(), Error> {
        let retry_after = retry_after.max(self.plan.order_held);
        let mut polls = Polls::start(now, retry_after, cx.session.policy());
        if at_once && polls.next() > now && retry_after.is_none_or(|at| at <= now) {
            polls = polls.due(now);
        }
        polls = polls.after_polls(self.plan.polls);
        let validating =
            Validating { polls, asking: false, pending, next_check: 0, last_problem: None };
        self.state = State::Validating(validating);
        Ok(())
    }

    pub(super) fn poll_validation(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let State::Validating(validating) = &mut self.state else { return Ok(()) };
        if validating.asking || validating.polls.next() > now {
            return Ok(());
        }
        let policy = cx.session.policy();
        if validating.polls.count() >= policy.max_polls {
            let now = cx.session.clock_time(now);
            return Err(too_many_polls(Step::Validation, &validating.waiting_for(), now));
        }
        validating.asking = true;
        self.plan.polls = validating.polls.count().saturating_add(1);
        let every_round = policy.poll_authorizations;
        let overdue =
            every_round || validating.polls.waited(now) >= policy.authorization_check_after;
        let rounds = if every_round { 1 } else { ROUNDS_PER_CHECK };
        let mut looks = Vec::new();
        let is_awaited = validating.pending.iter().any(|pending| pending.is_due(now));
        if overdue && (is_awaited || validating.polls.count() >= validating.next_check) {
            validating.next_check = validating.polls.count().saturating_add(rounds);
            for (index, pending) in validating.pending.iter().enumerate() {
                looks.push((index, pending.authorization_url.clone()));
            }
        }
        self.read_order(cx.session, Step::Validation)?;
        for (index, url) in looks {
            let (tag, kind) = (Tag::Authorization(index), RequestKind::Authorization);
            self.request(cx.session, tag, Step::Validation, kind, &url, Vec::new())?;
        }
        Ok(())
    }

    pub(super) fn still_pending(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        retry_after: Option<Timestamp>,
    ) -> Result<(), Error> {
        let State::Validating(validating) = &mut self.state else { return Ok(()) };
        validating.asking = false;
        let policy = cx.session.policy().clone();
        validating.polls.no_news(now, retry_after, &policy, cx.entropy)
    }

    /// Reads the authorizations of an invalid order for the reason.
    pub(super) fn diagnose(
        &mut self,
        cx: &mut Context<'_>,
        order: &Order,
        base: &str,
    ) -> Result<(), Error> {
        self.exchanges.abandon(cx);
        let mut outstanding = 0;
        for (index, url) in order.authorizations.iter().enumerate() {
            let url = cx.session.resolve_url(Step::Validation, url, base)?;
            let (tag, kind) = (Tag::Authorization(index), RequestKind::Authorization);
            self.request(cx.session, tag, Step::Validation, kind, &url, Vec::new())?;
            outstanding += 1;
        }
        if outstanding == 0 {
            return Err(failed_without_reason());
        }
        self.state = State::Diagnosing(Diagnosing { outstanding, found: None });
        Ok(())
    }

    /// An authorization that was read again, for a reason or out of impatience.
    pub(super) fn take_diagnosis(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let mut invalid = None;
        let mut again = None;
        if let Outcome::Reply(reply) = &outcome
            && let Ok(authorization) = read_authorization(cx.session, reply)
        {
            let name = authorization.ordered_identifier().to_string();
            let problem = authorization.error();
            if let State::Validating(validating) = &mut self.state {
                if let Some(pending) = validating.pending.get_mut(index) {
                    pending.look_at(&authorization, now);
                    again = pending.take_repeated(&authorization, now);
                }
                if let Some(problem) = problem {
                    validating.note_problem(name.clone(), problem.clone());
                }
            }
            let mut challenges = authorization.challenges.iter();
            if authorization.status.is_lost() {
                invalid = Some(lost(&authorization, &reply.url));
            } else if challenges.any(|challenge| challenge.status == ChallengeStatus::Invalid) {
                invalid = Some(validation_error(&name, problem, &reply.url));
            }
        }
        match &mut self.state {
            State::Diagnosing(diagnosing) => {
                diagnosing.outstanding = diagnosing.outstanding.saturating_sub(1);
                // A reason with a problem document beats one without.
                if diagnosing.found.as_ref().is_none_or(|error| error.problem().is_none()) {
                    diagnosing.found = invalid.or(diagnosing.found.take());
                }
                if diagnosing.outstanding == 0 {
                    return Err(diagnosing.found.take().unwrap_or_else(failed_without_reason));
                }
                Ok(())
            }
            State::Validating(_) => match (invalid, again) {
                (Some(error), _) => Err(error),
                // What comes back tells nothing that the next poll does not.
                (None, Some(answer)) => self.answer(cx.session, usize::MAX, answer),
                (None, None) => Ok(()),
            },
            // The order has moved on meanwhile; what an authorization said no longer counts.
            _ => Ok(()),
        }
    }
}

fn failed_without_reason() -> Error {
    let text = "the order has failed, and the server gives no reason";
    Error::new(ErrorKind::Validation, Step::Validation, "order-failed", text)
}

pub(super) fn too_many_polls(step: Step, what: &str, now: Timestamp) -> Error {
    let text = format!("the order was polled as often as the policy allows before {what}");
    Error::new(ErrorKind::Deadline, step, "too-many-polls", text).with_retry(Retry::At(now))
}
