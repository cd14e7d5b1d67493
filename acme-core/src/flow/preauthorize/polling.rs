//! From the published proof to the CA's verdict (RFC 8555 §7.5.1).

use super::{Preauthorize, State, Tag};
use crate::action::RequestKind;
use crate::backoff::Polls;
use crate::error::{Error, Step};
use crate::exchange::{Outcome, Repeat, Reply, deadline_error};
use crate::flow::Context;
use crate::flow::issue::pending::{Pending, ToAnswer, lost, validation_error};
use crate::problem::Problem;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Authorization, Challenge, ChallengeStatus};

/// The authorization is read until it is final.
pub(super) struct Polling {
    polls: Polls,
    asking: bool,
    /// What was answered, in case it has to be answered again.
    pending: Option<Box<Pending>>,
    /// What the CA could not see so far.
    last_problem: Option<Problem>,
}

impl Polling {
    pub(super) fn wake(&self) -> Option<Timestamp> {
        (!self.asking).then(|| self.polls.next())
    }

    pub(super) fn waiting_for(&self) -> String {
        match &self.last_problem {
            Some(problem) => format!("the CA validated; so far it could not: {problem}"),
            None => "the CA validated".to_owned(),
        }
    }
}

impl Preauthorize {
    /// Answers the challenge once it is published.
    pub(super) fn respond_if_published(
        &mut self,
        cx: &Context<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let State::Publishing { pending, .. } = &self.state else { return Ok(()) };
        let Some((answer, status)) = pending.to_answer() else { return Ok(()) };
        let pending = pending.clone();
        if *status != ChallengeStatus::Pending {
            // Answered before a crash: it is not answered twice.
            self.begin_polling(cx, now, None, Some(pending));
            return Ok(());
        }
        self.state = State::Responding(pending);
        self.answer(cx.session, answer)
    }

    fn answer(&mut self, session: &Session, answer: ToAnswer) -> Result<(), Error> {
        let ToAnswer { url, payload } = answer;
        let (tag, kind) = (Tag::Challenge, RequestKind::Challenge);
        self.request(session, tag, Step::Challenge, kind, url, payload, Repeat::AfterAsking)
    }

    pub(super) fn take_challenge(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        // What comes back to a second answer tells nothing that the next poll does not.
        let State::Responding(pending) = &mut self.state else { return Ok(()) };
        let mut pending = pending.clone();
        let (mut retry_after, mut last_problem) = (None, None);
        match outcome {
            Outcome::Reply(reply) => {
                retry_after = reply.retry_after;
                let object = reply.object(Step::Challenge).ok();
                let challenge =
                    object.and_then(|object| Challenge::read(&object, &mut cx.session.deviations));
                if let Some(challenge) = challenge {
                    if challenge.status == ChallengeStatus::Invalid {
                        let name = self.identifier.to_string();
                        return Err(validation_error(&name, challenge.error.as_ref(), &reply.url));
                    }
                    last_problem = challenge.error;
                }
            }
            // Polling tells whether it was heard.
            Outcome::Unknown(_) => pending.was_unheard(now),
            Outcome::Failed(error) => return Err(error),
        }
        self.begin_polling(cx, now, retry_after, Some(pending));
        if let State::Polling(polling) = &mut self.state {
            polling.last_problem = last_problem;
        }
        Ok(())
    }

    pub(super) fn begin_polling(
        &mut self,
        cx: &Context<'_>,
        now: Timestamp,
        retry_after: Option<Timestamp>,
        pending: Option<Box<Pending>>,
    ) {
        let polls = Polls::start(now, retry_after, cx.session.policy());
        self.state = State::Polling(Polling { polls, asking: false, pending, last_problem: None });
    }

    pub(super) fn poll_authorization(
        &mut self,
        cx: &Context<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let State::Polling(polling) = &mut self.state else { return Ok(()) };
        if polling.asking || polling.polls.next() > now {
            return Ok(());
        }
        polling.asking = true;
        let url = self.authorization_url.clone().unwrap_or_default();
        self.read(cx.session, &url)
    }

    /// Reads the news from an authorization that was answered and is not valid.
    pub(super) fn still_pending(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        reply: &Reply,
        authorization: &Authorization,
    ) -> Result<(), Error> {
        let State::Polling(polling) = &mut self.state else { return Ok(()) };
        polling.asking = false;
        let url = self.authorization_url.as_deref().unwrap_or(&reply.url);
        if authorization.status.is_lost() {
            return Err(lost(authorization, url));
        }
        let mut challenges = authorization.challenges.iter();
        if challenges.any(|challenge| challenge.status == ChallengeStatus::Invalid) {
            let name = self.identifier.to_string();
            return Err(validation_error(&name, authorization.error(), url));
        }
        if let Some(problem) = authorization.error() {
            polling.last_problem = Some(problem.clone());
        }
        let policy = cx.session.policy().clone();
        if polling.polls.count() >= policy.max_polls {
            let what = polling.waiting_for();
            return Err(deadline_error(Step::Validation, &what, cx.session.clock_time(now)));
        }
        polling.polls.no_news(now, reply.retry_after, &policy, cx.entropy)?;
        if let Some(pending) = &mut polling.pending {
            pending.look_at(authorization, now);
            // Asked, and it is not under way: the answer was not heard, or another one is wanted.
            if let Some(answer) = pending.take_repeated(authorization, now) {
                return self.answer(cx.session, answer);
            }
        }
        Ok(())
    }
}
