//! Authorizations side by side: reading them, publishing proofs, answering challenges
//! (RFC 8555 §7.5).

use super::pending::{Pending, ToAnswer, if_gone, offers, read_authorization, validation_error};
use super::{Issue, SavedOffer, State, Tag};
use crate::action::{ChallengeId, RequestKind};
use crate::challenge::Answer;
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{Outcome, Reply};
use crate::flow::Context;
use crate::header;
use crate::problem::{Problem, ProblemType};
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Authorization, AuthorizationStatus, Challenge, ChallengeStatus, Order};

/// All authorizations are being read.
pub(super) struct Authorizing {
    slots: Vec<(String, Option<Authorization>)>,
}

/// The driver publishes.
pub(super) struct Publishing {
    pending: Vec<Pending>,
    presented: bool,
}

impl Publishing {
    /// The offers, the first time.
    pub(super) fn take_offers(&mut self) -> Option<Vec<SavedOffer>> {
        if core::mem::replace(&mut self.presented, true) {
            return None;
        }
        let offers = self.pending.iter().flat_map(|p| p.offers.iter().map(|(o, _)| o.clone()));
        Some(offers.collect())
    }
}

/// The server is being told that the proofs are in place.
pub(super) struct Responding {
    pending: Vec<Pending>,
    outstanding: usize,
    retry_after: Option<Timestamp>,
    /// Whether the server has validated every name while it answered.
    all_valid: bool,
    /// What the server could not see so far, and for which name.
    problem: Option<(String, Problem)>,
    /// Refused answers; the authorization is read to learn whether the refusal matters.
    refused: Vec<(usize, Error)>,
}

impl Issue {
    pub(super) fn authorize(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        order: &Order,
        reply: &Reply,
    ) -> Result<(), Error> {
        let mut slots = Vec::new();
        for url in &order.authorizations {
            let url = cx.session.resolve_url(Step::Authorization, url, &reply.url)?;
            if !slots.iter().any(|(known, _)| *known == url) {
                slots.push((url, None));
            }
        }
        if slots.is_empty() {
            // Some CAs validate by other means and list none; the order turns ready by itself.
            let text = "the pending order lists no authorizations";
            cx.session.deviations.note("authorizations-missing", text);
            let retry_after = reply.retry_after;
            return self.begin_validation(cx, now, Vec::new(), retry_after, false);
        }
        for (index, (url, _)) in slots.iter().enumerate() {
            let tag = Tag::Authorization(index);
            let kind = RequestKind::Authorization;
            self.request(cx.session, tag, Step::Authorization, kind, url, Vec::new())?;
        }
        self.state = State::Authorizing(Authorizing { slots });
        Ok(())
    }

    pub(super) fn take_authorization(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), Error> {
        if !matches!(self.state, State::Authorizing(_)) {
            return self.take_diagnosis(cx, now, index, outcome);
        }
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Failed(error) => {
                let (tag, kind) = (Tag::Authorization(index), RequestKind::Authorization);
                let asked = self.ask_later(cx, tag, kind, Step::Authorization, error);
                return asked.map_err(if_gone);
            }
            Outcome::Unknown(error) => return Err(error),
        };
        let mut authorization = read_authorization(cx.session, &reply)?;
        self.check_authorization(&authorization, &reply.url)?;
        self.restore_wildcard(cx.session, &mut authorization);
        let State::Authorizing(authorizing) = &mut self.state else { return Ok(()) };
        if let Some((_, slot)) = authorizing.slots.get_mut(index) {
            *slot = Some(authorization);
        }
        if authorizing.slots.iter().any(|(_, slot)| slot.is_none()) {
            return Ok(());
        }
        let slots = core::mem::take(&mut authorizing.slots);
        let mut pending = Vec::new();
        for (url, authorization) in slots {
            if let Some(authorization) = authorization {
                pending.extend(offers(cx.session, url, &authorization)?);
            }
        }
        if pending.is_empty() {
            // All were valid already: the order is about to be ready.
            return self.begin_validation(cx, now, pending, None, true);
        }
        self.plan.open_authorizations =
            pending.iter().map(|one| one.authorization_url.clone()).collect();
        self.state = State::Publishing(Publishing { pending, presented: false });
        Ok(())
    }

    /// An authorization must be for a name of this order: proving control of another name to
    /// please the server would be giving that name away.
    fn check_authorization(&self, found: &Authorization, url: &str) -> Result<(), Error> {
        if self.plan.order.may_want(found) {
            return Ok(());
        }
        let text =
            format!("the server asks for proof of {}, which is not ordered", found.identifier);
        let step = Step::Authorization;
        Err(Error::new(ErrorKind::Protocol, step, "foreign-authorization", text).with_url(url))
    }

    /// Where only the wildcard of a name was ordered, its authorization is for that, whatever the
    /// flag says (quirk 54).
    fn restore_wildcard(&self, session: &mut Session, found: &mut Authorization) {
        let mut ordered = self.plan.order.identifiers().iter();
        if !found.wildcard && ordered.all(|wanted| *wanted != found.identifier) {
            found.wildcard = true;
            let text = "the authorization of a wildcard is not marked as one";
            session.deviations.note("wildcard-flag", text);
        }
    }

    pub(super) fn published(&mut self, id: &ChallengeId, answer: &Answer) -> Result<(), Misuse> {
        let State::Publishing(publishing) = &mut self.state else {
            // A second challenge for a name that has one already comes too late to be of use.
            let is_known = self.plan.presented.iter().any(|p| p.challenge_url == id.0);
            return if is_known { Ok(()) } else { Err(Misuse::UnknownChallenge) };
        };
        let mut is_known = false;
        // A server may name one challenge in several authorizations.
        for pending in &mut publishing.pending {
            is_known |= pending.choose(id, answer)?;
        }
        if is_known { Ok(()) } else { Err(Misuse::UnknownChallenge) }
    }

    /// Answers the challenges once every name has a published one.
    pub(super) fn respond_if_published(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let State::Publishing(publishing) = &mut self.state else { return Ok(()) };
        if publishing.pending.iter().any(|pending| pending.to_answer().is_none()) {
            return Ok(());
        }
        let pending = core::mem::take(&mut publishing.pending);
        let mut outstanding = 0;
        for (index, one) in pending.iter().enumerate() {
            // A challenge that was answered before a crash is not answered twice (R-CHL-06).
            if let Some((answer, ChallengeStatus::Pending)) = one.to_answer() {
                outstanding += 1;
                self.answer(cx.session, index, answer)?;
            }
        }
        if outstanding == 0 {
            return self.begin_validation(cx, now, pending, None, false);
        }
        let retry_after = None;
        let (all_valid, problem, refused) = (true, None, Vec::new());
        let responding =
            Responding { pending, outstanding, retry_after, all_valid, problem, refused };
        self.state = State::Responding(responding);
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        session: &Session,
        index: usize,
        answer: ToAnswer,
    ) -> Result<(), Error> {
        let (tag, kind) = (Tag::Challenge(index), RequestKind::Challenge);
        self.request(session, tag, Step::Challenge, kind, &answer.url, answer.payload)
    }

    pub(super) fn take_challenge(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let State::Responding(responding) = &mut self.state else { return Ok(()) };
        responding.outstanding = responding.outstanding.saturating_sub(1);
        let pending = responding.pending.get_mut(index);
        match (outcome, pending) {
            (Outcome::Reply(reply), Some(pending)) => {
                note_challenge_answer(cx.session, &reply);
                let challenge = reply
                    .object(Step::Challenge)
                    .ok()
                    .and_then(|object| Challenge::read(&object, &mut cx.session.deviations));
                responding.retry_after = responding.retry_after.max(reply.retry_after);
                let status = challenge.as_ref().map(|challenge| &challenge.status);
                responding.all_valid &= status == Some(&ChallengeStatus::Valid);
                let is_invalid = status == Some(&ChallengeStatus::Invalid);
                let problem = challenge.and_then(|challenge| challenge.error);
                if !is_invalid && let Some(problem) = problem {
                    responding.problem = Some((pending.name.clone(), problem));
                } else if is_invalid {
                    return Err(validation_error(&pending.name, problem.as_ref(), &reply.url));
                }
            }
            // The answer was lost, or the server stumbled: polling tells whether it was heard.
            (Outcome::Unknown(_), Some(pending)) => {
                pending.was_unheard(now);
                responding.all_valid = false;
            }
            // Another order of the account may have answered the same challenge: servers share
            // authorizations, and refuse a second answer in their own ways.
            (Outcome::Failed(error), Some(pending)) if is_about_state(&error) => {
                let url = pending.authorization_url.clone();
                responding.refused.push((index, error));
                responding.outstanding += 1;
                let (tag, kind) = (Tag::Recheck(index), RequestKind::Authorization);
                return self.request(cx.session, tag, Step::Challenge, kind, &url, Vec::new());
            }
            (Outcome::Failed(error), _) => return Err(error),
            (_, None) => {}
        }
        self.responded(cx, now)
    }

    /// An authorization whose challenge was not to be answered: fine if it is under way or done.
    pub(super) fn take_recheck(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let State::Responding(responding) = &mut self.state else { return Ok(()) };
        responding.outstanding = responding.outstanding.saturating_sub(1);
        let refusal = responding.refused.iter().find(|(refused, _)| *refused == index);
        let Some((_, refusal)) = refusal.cloned() else { return Ok(()) };
        let Outcome::Reply(reply) = outcome else { return Err(refusal) };
        let authorization = read_authorization(cx.session, &reply)?;
        let challenge_url = responding.pending.get(index).and_then(Pending::challenge_url);
        let is_under_way = authorization.challenges.iter().any(|challenge| {
            Some(challenge.url.as_str()) == challenge_url
                && matches!(challenge.status, ChallengeStatus::Processing | ChallengeStatus::Valid)
        });
        if authorization.status != AuthorizationStatus::Valid && !is_under_way {
            return Err(refusal);
        }
        let text = "a challenge that was answered already was refused";
        cx.session.deviations.note("challenge-answered", text);
        self.responded(cx, now)
    }

    /// Goes on when every answer is in.
    fn responded(&mut self, cx: &mut Context<'_>, now: Timestamp) -> Result<(), Error> {
        let State::Responding(responding) = &mut self.state else { return Ok(()) };
        if responding.outstanding > 0 {
            return Ok(());
        }
        let pending = core::mem::take(&mut responding.pending);
        let (retry_after, all_valid) = (responding.retry_after, responding.all_valid);
        let problem = responding.problem.take();
        self.begin_validation(cx, now, pending, retry_after, all_valid)?;
        if let (State::Validating(validating), Some((name, problem))) = (&mut self.state, problem) {
            validating.note_problem(name, problem);
        }
        Ok(())
    }
}

/// Whether a refusal may be about the state of the challenge, not about the request.
pub(super) fn is_about_state(error: &Error) -> bool {
    let kind = error.problem().map(|problem| &problem.kind);
    matches!(kind, Some(ProblemType::Malformed | ProblemType::Conflict))
        || error.status() == Some(http::StatusCode::CONFLICT)
}

/// RFC 8555 §7.5.1: an answered challenge comes back with 200 and a link to its authorization.
fn note_challenge_answer(session: &mut Session, reply: &Reply) {
    if reply.status != http::StatusCode::OK {
        let text = format!("a challenge was answered {} instead of 200", reply.status);
        session.deviations.note("challenge-status", text);
    }
    if header::links(&reply.headers, "up").is_empty() {
        let text = "the answer to a challenge does not link to its authorization";
        session.deviations.note("up-link-missing", text);
    }
}
