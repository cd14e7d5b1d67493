//! Authorizations side by side: reading them, publishing proofs, answering challenges
//! (RFC 8555 §7.5).

use super::order::known_code;
use super::{Issue, SavedOffer, State, Tag};
use crate::action::{ChallengeId, RequestKind};
use crate::challenge::{Answer, Token};
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::{Outcome, Reply};
use crate::flow::Context;
use crate::problem::ProblemType;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Authorization, AuthorizationStatus, Challenge, ChallengeStatus, Order};

/// Letters of an RFC 7638 thumbprint with SHA-256.
const THUMBPRINT_LEN: usize = 43;
/// Boulder reads this much of a proof at the most (R-CHL-12).
const MAX_KEY_AUTHORIZATION: usize = 128;

/// All authorizations are being read.
pub(super) struct Authorizing {
    slots: Vec<(String, Option<Authorization>)>,
}

/// One identifier that the CA has yet to validate.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Pending {
    pub(super) authorization_url: String,
    pub(super) name: String,
    pub(in crate::flow) offers: Vec<(SavedOffer, ChallengeStatus)>,
    /// The offer that is published, and what it is answered with.
    chosen: Option<(usize, Answer)>,
    /// Nobody knows whether the server heard that the proof is in place.
    pub(super) unheard: bool,
}

impl Pending {
    /// The answer to the challenge that is published, and the status it had.
    pub(in crate::flow) fn to_answer(&self) -> Option<(ToAnswer, &ChallengeStatus)> {
        let (at, answer) = self.chosen.as_ref()?;
        let (offer, status) = self.offers.get(*at)?;
        let url = offer.challenge_url.clone();
        Some((ToAnswer { url, payload: answer.payload() }, status))
    }

    fn challenge_url(&self) -> Option<&str> {
        let (offer, _) = self.offers.get(self.chosen.as_ref()?.0)?;
        Some(&offer.challenge_url)
    }

    /// Notes that one of the offers is published, unless another one already is.
    ///
    /// Returns whether it is among them.
    pub(in crate::flow) fn choose(
        &mut self,
        id: &ChallengeId,
        answer: &Answer,
    ) -> Result<bool, Misuse> {
        let found = self.offers.iter().position(|(offer, _)| offer.challenge_url == id.0);
        let Some((at, (offer, _))) = found.and_then(|at| Some((at, self.offers.get(at)?))) else {
            return Ok(false);
        };
        if !answer.is_empty() && !offer.kind.takes_answer() {
            return Err(Misuse::UnwantedAnswer);
        }
        self.chosen.get_or_insert_with(|| (at, answer.clone()));
        Ok(true)
    }
}

/// A request that tells the server that a proof is in place (§7.5.1).
pub(in crate::flow) struct ToAnswer {
    pub(in crate::flow) url: String,
    pub(in crate::flow) payload: Vec<u8>,
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
            Outcome::Failed(error) | Outcome::Unknown(error) => return Err(error),
        };
        let authorization = read_authorization(cx.session, &reply)?;
        self.check_authorization(&authorization, &reply.url)?;
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
        self.state = State::Publishing(Publishing { pending, presented: false });
        Ok(())
    }

    /// An authorization must be for a name of this order: proving control of another name to
    /// please the server would be giving that name away.
    fn check_authorization(&self, found: &Authorization, url: &str) -> Result<(), Error> {
        let identifiers = self.plan.order.identifiers();
        if identifiers.iter().any(|wanted| wanted.without_wildcard() == found.identifier) {
            return Ok(());
        }
        let text =
            format!("the server asks for proof of {}, which is not ordered", found.identifier);
        let step = Step::Authorization;
        Err(Error::new(ErrorKind::Protocol, step, "foreign-authorization", text).with_url(url))
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
        if publishing.pending.iter().any(|pending| pending.chosen.is_none()) {
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
        let (all_valid, refused) = (true, Vec::new());
        let responding = Responding { pending, outstanding, retry_after, all_valid, refused };
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
                let challenge = reply
                    .object(Step::Challenge)
                    .ok()
                    .and_then(|object| Challenge::read(&object, &mut cx.session.deviations));
                responding.retry_after = responding.retry_after.max(reply.retry_after);
                let status = challenge.as_ref().map(|challenge| &challenge.status);
                responding.all_valid &= status == Some(&ChallengeStatus::Valid);
                if status == Some(&ChallengeStatus::Invalid) {
                    let problem = challenge.and_then(|challenge| challenge.error);
                    return Err(validation_error(&pending.name, problem.as_ref(), &reply.url));
                }
            }
            // The answer was lost, or the server stumbled: polling tells whether it was heard.
            (Outcome::Unknown(_), Some(pending)) => {
                pending.unheard = true;
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
        self.begin_validation(cx, now, pending, retry_after, all_valid)
    }
}

/// Whether a refusal may be about the state of the challenge, not about the request.
fn is_about_state(error: &Error) -> bool {
    let kind = error.problem().map(|problem| &problem.kind);
    matches!(kind, Some(ProblemType::Malformed | ProblemType::Conflict))
        || error.status() == Some(http::StatusCode::CONFLICT)
}

pub(in crate::flow) fn read_authorization(
    session: &mut Session,
    reply: &Reply,
) -> Result<Authorization, Error> {
    let object = reply.object(Step::Authorization)?;
    Authorization::read(&object, &mut session.deviations).map_err(|lack| {
        let text = format!("the authorization cannot be used: {lack}");
        let step = Step::Authorization;
        Error::new(ErrorKind::Protocol, step, "authorization-invalid", text).with_url(&reply.url)
    })
}

/// The challenges of an authorization that can be met; none if it is valid already.
pub(in crate::flow) fn offers(
    session: &mut Session,
    authorization_url: String,
    authorization: &Authorization,
) -> Result<Option<Pending>, Error> {
    let ordered = authorization.ordered_identifier();
    match &authorization.status {
        AuthorizationStatus::Valid => return Ok(None),
        AuthorizationStatus::Pending => {}
        // Some servers report a validation under way (quirk 55).
        AuthorizationStatus::Other(status) if status == "processing" => {}
        status => {
            let problem = authorization.error();
            let mut error = validation_error(&ordered.to_string(), problem, &authorization_url);
            if problem.is_none() {
                let text = format!("the authorization of {ordered} is {status}");
                let step = Step::Authorization;
                error = Error::new(ErrorKind::Validation, step, "authorization-final", text)
                    .with_url(&authorization_url);
            }
            return Err(error.with_step(Step::Authorization));
        }
    }
    let mut offers = Vec::new();
    for challenge in &authorization.challenges {
        let is_usable = challenge.token.is_some() || !challenge.kind.needs_token();
        if !is_usable
            || !challenge.is_whole
            || !challenge.kind.can_validate(&ordered)
            || !matches!(challenge.status, ChallengeStatus::Pending | ChallengeStatus::Processing)
        {
            continue;
        }
        if let Some(token) = &challenge.token
            && challenge.kind.needs_token()
            && !is_fit(token, session)
        {
            continue;
        }
        let step = Step::Authorization;
        let url = session.resolve_url(step, &challenge.url, &authorization_url)?;
        let offer = SavedOffer {
            challenge_url: url,
            authorization_url: authorization_url.clone(),
            identifier: authorization.identifier.clone(),
            wildcard: authorization.wildcard,
            kind: challenge.kind.clone(),
            token: challenge.token.clone(),
            members: challenge.members.clone(),
        };
        offers.push((offer, challenge.status.clone()));
    }
    if offers.is_empty() {
        let kinds: Vec<String> =
            authorization.challenges.iter().map(|c| c.kind.to_string()).collect();
        let text = format!(
            "the CA offers no challenge for {ordered} that can be met; it offers: {}",
            if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }
        );
        let step = Step::Authorization;
        return Err(Error::new(ErrorKind::Unsupported, step, "no-usable-challenge", text)
            .with_retry(Retry::OtherCa)
            .with_url(&authorization_url));
    }
    let name = ordered.to_string();
    Ok(Some(Pending { authorization_url, name, offers, chosen: None, unheard: false }))
}

/// Whether a key authorization may be made of a token; what is odd about it is noted.
fn is_fit(token: &Token, session: &mut Session) -> bool {
    if token.as_str().len() + 1 + THUMBPRINT_LEN >= MAX_KEY_AUTHORIZATION {
        let text = "a challenge token makes a proof longer than servers read (128 octets)";
        session.deviations.note("token-long", text);
    }
    if token.is_weak() {
        let text = "a challenge token has less than 128 bits";
        session.deviations.note("token-weak", text);
        return !session.policy().strict_token_entropy;
    }
    true
}

/// The error for a name that the CA could not validate.
pub(in crate::flow) fn validation_error(
    name: &str,
    problem: Option<&crate::problem::Problem>,
    url: &str,
) -> Error {
    let (code, text) = match problem {
        Some(problem) => (
            known_code(problem, "validation-failed"),
            format!("the CA could not validate {name}: {problem}"),
        ),
        None => {
            ("validation-failed", format!("the CA could not validate {name} and gives no reason"))
        }
    };
    let error = Error::new(ErrorKind::Validation, Step::Validation, code, text).with_url(url);
    match problem {
        Some(problem) => error.with_problem(problem.clone()),
        None => error,
    }
}
