//! What an authorization offers to prove, and what has become of it (RFC 8555 §7.5).

use core::time::Duration;

use super::SavedOffer;
use super::order::known_code;
use crate::action::ChallengeId;
use crate::challenge::{Answer, Token};
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::Reply;
use crate::problem::Problem;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Authorization, AuthorizationStatus, Challenge, ChallengeStatus};

/// Letters of an RFC 7638 thumbprint with SHA-256.
const THUMBPRINT_LEN: usize = 43;
/// Time between two answers to one challenge (§8.2, R-CHL-06).
const ANSWER_GAP: Duration = Duration::from_secs(5);
/// Boulder reads this much of a proof at the most (R-CHL-12).
const MAX_KEY_AUTHORIZATION: usize = 128;

/// One identifier that the CA has yet to validate.
#[derive(Clone, Debug)]
pub(in crate::flow) struct Pending {
    pub(super) authorization_url: String,
    pub(super) name: String,
    pub(in crate::flow) offers: Vec<(SavedOffer, ChallengeStatus)>,
    /// The offer that is published, and what it is answered with.
    chosen: Option<(usize, Answer)>,
    /// When the challenge may be answered again: the first answer may not have been heard, or the
    /// server waits for another one.
    answer_again: Option<Timestamp>,
}

impl Pending {
    /// The answer to the challenge that is published, and the status it had.
    pub(in crate::flow) fn to_answer(&self) -> Option<(ToAnswer, &ChallengeStatus)> {
        let (at, answer) = self.chosen.as_ref()?;
        let (offer, status) = self.offers.get(*at)?;
        let url = offer.challenge_url.clone();
        Some((ToAnswer { url, payload: answer.payload() }, status))
    }

    pub(super) fn challenge_url(&self) -> Option<&str> {
        let (offer, _) = self.offers.get(self.chosen.as_ref()?.0)?;
        Some(&offer.challenge_url)
    }

    /// Looks whether the server waits for another answer (§8.2): it tried, and neither goes on
    /// trying nor has given up.
    pub(in crate::flow) fn look_at(&mut self, authorization: &Authorization, now: Timestamp) {
        let own = self.challenge_url();
        let found = authorization.challenges.iter().find(|one| Some(one.url.as_str()) == own);
        if let Some(Challenge { status: ChallengeStatus::Pending, error: Some(_), .. }) = found {
            self.answer_again.get_or_insert(now.saturating_add(ANSWER_GAP));
        }
    }

    /// Nobody knows whether the server heard that the proof is in place.
    pub(in crate::flow) fn was_unheard(&mut self, now: Timestamp) {
        self.answer_again = Some(now);
    }

    /// Whether the challenge should be looked at, since it may have to be answered again.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.answer_again.is_some_and(|at| at <= now)
    }

    /// The answer, if it is time to give it again and the server shows the challenge as not
    /// answered. One that is under way or final is never answered (§7.5.1).
    pub(in crate::flow) fn take_repeated(
        &mut self,
        authorization: &Authorization,
        now: Timestamp,
    ) -> Option<ToAnswer> {
        let own = self.challenge_url();
        let is_pending = authorization
            .challenges
            .iter()
            .any(|one| Some(one.url.as_str()) == own && one.status == ChallengeStatus::Pending);
        self.answer_again.take_if(|at| *at <= now)?;
        if is_pending { self.to_answer().map(|(answer, _)| answer) } else { None }
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
        status if status.is_lost() => {
            return Err(lost(authorization, &authorization_url).with_step(Step::Authorization));
        }
        // Some servers report a validation under way (quirk 55).
        status => {
            let text = format!("an authorization is {status}, which is no status of RFC 8555");
            session.deviations.note("authorization-status", text);
        }
    }
    // The server has seen the proof, and is about to say so.
    if authorization.challenges.iter().any(|one| one.status == ChallengeStatus::Valid) {
        return Ok(None);
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
    Ok(Some(Pending { authorization_url, name, offers, chosen: None, answer_again: None }))
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

/// An authorization that the server has thrown away can never become valid (§7.1.6).
pub(super) fn if_gone(error: Error) -> Error {
    use http::StatusCode;
    if !matches!(error.status(), Some(StatusCode::NOT_FOUND | StatusCode::GONE)) {
        return error;
    }
    let text = format!("the server does not know an authorization of the order any more: {error}");
    let mut gone =
        Error::new(ErrorKind::Validation, Step::Authorization, "authorization-final", text)
            .with_status(error.status());
    if let Some(url) = error.url() {
        gone = gone.with_url(url);
    }
    match error.problem() {
        Some(problem) => gone.with_problem(problem.clone()),
        None => gone,
    }
}

/// The error for an authorization that has ended without being valid.
pub(in crate::flow) fn lost(authorization: &Authorization, url: &str) -> Error {
    let name = authorization.ordered_identifier().to_string();
    let problem = authorization.error();
    let status = &authorization.status;
    if problem.is_some() || *status == AuthorizationStatus::Invalid {
        return validation_error(&name, problem, url);
    }
    let text = format!("the authorization of {name} is {status}");
    Error::new(ErrorKind::Validation, Step::Validation, "authorization-final", text).with_url(url)
}

/// The error for a name that the CA could not validate.
pub(in crate::flow) fn validation_error(name: &str, problem: Option<&Problem>, url: &str) -> Error {
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
