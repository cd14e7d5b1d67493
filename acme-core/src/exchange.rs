//! Signed round trips: nonce, signature, `badNonce`, Retry-After, repetition and size limits are
//! handled here once, so that a state of a flow is "request to make, reply to read".

use std::collections::VecDeque;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::action::{
    Input, Outgoing, RequestId, SignId, SignRequest, TransportFailure, WaitReason,
};
use crate::backoff::retry_delay;
use crate::error::{Error, ErrorKind, Misuse, Refusal};
use crate::flow::Context;
use crate::header;
use crate::jose::{AccountKey, KeyReference, ProtectedHeader, SigningInput};
use crate::problem::{ProblemType, printable};
use crate::session::Session;
use crate::time::Timestamp;

mod algorithm;
mod failure;
mod moved;
mod nonces;
mod oddities;
mod plumbing;
mod request;

pub(crate) use algorithm::accepted_name;
pub(crate) use failure::{deadline_error, ended_account, usable_account};
pub(crate) use nonces::take_late;
pub(crate) use request::{KeyUse, Outcome, Repeat, Reply, Request, excerpt};

use algorithm::UsedAlgorithm;
use failure::{redirected, too_large, transport_error};
use moved::Moved;
use nonces::{bank_nonce, take_back};
use plumbing::Plumbing;
use request::plain_request;

/// What the exchanges of a flow want done next.
#[allow(clippy::large_enum_variant, reason = "an activity is moved once, into an action")]
pub(crate) enum Activity {
    Send(Outgoing),
    Sign(SignRequest),
    Idle(Idle),
}

/// Nothing to do just now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Idle {
    /// When there will be, if an answer does not come first.
    pub(crate) wake: Option<(Timestamp, WaitReason)>,
    /// Whether an answer or a signature is outstanding.
    pub(crate) outstanding: bool,
}

impl Idle {
    pub(crate) fn wake_at(&mut self, time: Timestamp, reason: WaitReason) {
        if self.wake.is_none_or(|(earlier, _)| time < earlier) {
            self.wake = Some((time, reason));
        }
    }
}

struct Live<T> {
    request: Request<T>,
    state: State,
    bad_nonces: u32,
    attempts: u32,
    algorithm: UsedAlgorithm,
    moved: Moved,
    /// The nonce of a `badNonce` answer belongs to the request it refused (R-NON-04).
    own_nonce: Option<String>,
}

enum State {
    Queued { not_before: Timestamp },
    Signing { id: SignId, input: SigningInput },
    InFlight { id: RequestId },
}

/// The round trips of one flow. `T` names them.
pub(crate) struct Exchanges<T> {
    live: Vec<Live<T>>,
    /// Requests whose signature came from outside, ready to leave.
    signed: VecDeque<Outgoing>,
    outcomes: VecDeque<(T, Outcome)>,
    /// URLs that are not to be asked again before a time.
    held: Vec<(String, Timestamp)>,
    plumbing: Plumbing,
}

impl<T> Default for Exchanges<T> {
    fn default() -> Self {
        Self {
            live: Vec::new(),
            signed: VecDeque::new(),
            outcomes: VecDeque::new(),
            held: Vec::new(),
            plumbing: Plumbing::default(),
        }
    }
}

impl<T: Clone> Exchanges<T> {
    /// Queues a request. Its URL and the account are checked here, before anything is sent.
    pub(crate) fn start(&mut self, session: &Session, request: Request<T>) -> Result<(), Error> {
        session.check_url(request.step, &request.url)?;
        if matches!(request.key, KeyUse::KeyId) {
            usable_account(session, request.step)?;
        }
        let held = self.held.iter().filter(|(url, _)| *url == request.url);
        let not_before = held.map(|(_, until)| *until).max();
        let not_before = not_before.unwrap_or(Timestamp::from_unix_millis(i64::MIN));
        self.live.push(Live {
            request,
            state: State::Queued { not_before },
            bad_nonces: 0,
            attempts: 0,
            algorithm: UsedAlgorithm::default(),
            moved: Moved::default(),
            own_nonce: None,
        });
        Ok(())
    }

    /// Whether the session has a directory that this flow may begin with.
    pub(crate) fn has_directory(&mut self, cx: &mut Context<'_>) -> bool {
        self.plumbing.has_directory(cx)
    }

    /// Asks nothing of this URL before a time.
    pub(crate) fn hold(&mut self, url: &str, until: Timestamp) {
        hold(&mut self.held, url, until);
    }

    /// What came of a request, if anything did.
    pub(crate) fn next_outcome(&mut self) -> Option<(T, Outcome)> {
        self.outcomes.pop_front()
    }

    /// Drops everything that is queued or under way; late answers are ignored.
    pub(crate) fn abandon(&mut self, cx: &mut Context<'_>) {
        for live in &self.live {
            if let State::InFlight { id } = live.state {
                cx.session.traffic.ended(id, cx.now, false);
            }
        }
        self.plumbing.abandon(cx.session, cx.now);
        self.live.clear();
        self.signed.clear();
        self.outcomes.clear();
    }

    /// The next request or signature, or when to look again. `Err` means that the directory or a
    /// nonce cannot be had, so no request can.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        needs_directory: bool,
    ) -> Result<Activity, Error> {
        let now = cx.now;
        if let Some(outgoing) = self.signed.pop_front() {
            return Ok(Activity::Send(outgoing));
        }
        let mut idle = Idle::default();
        let is_looked_for = self.live.iter().any(|live| live.moved.is_looked_for());
        if (needs_directory || is_looked_for) && !self.has_directory(cx) {
            return self.plumbing.directory(cx, now);
        }
        if is_looked_for && self.look_again(cx) {
            idle.wake_at(now, WaitReason::Session);
            return Ok(Activity::Idle(idle));
        }
        let in_flight = self.live.iter().filter(|l| !matches!(l.state, State::Queued { .. }));
        idle.outstanding = in_flight.clone().next().is_some() || self.plumbing.is_fetching();
        let has_room = in_flight.count() < cx.session.policy().max_in_flight.max(1);
        let mut starved = 0;
        let mut start = None;
        for (index, live) in self.live.iter_mut().enumerate() {
            let State::Queued { not_before } = live.state else { continue };
            let overloaded = cx.session.traffic.overloaded_until(&live.request.url, now);
            let not_before = overloaded.map_or(not_before, |until| until.max(not_before));
            if not_before > now {
                idle.wake_at(not_before, WaitReason::Retry);
                continue;
            }
            if has_room && start.is_none() {
                let max_age = cx.session.policy().max_nonce_age;
                let nonce = live.own_nonce.take();
                let nonce = nonce.or_else(|| cx.session.nonces.take(now, max_age));
                start = nonce.map(|nonce| (index, nonce));
                if start.is_some() {
                    continue;
                }
            }
            starved += 1;
        }
        self.plumbing.queue(cx.session, now, starved);
        if let Some((index, nonce)) = start {
            return self.begin(cx, now, index, &nonce);
        }
        if starved > 0 && has_room {
            return self.plumbing.nonce(cx, now, idle);
        }
        Ok(Activity::Idle(idle))
    }

    /// Signs a queued request, or asks for its signature.
    fn begin(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        nonce: &str,
    ) -> Result<Activity, Error> {
        let Some(live) = self.live.get_mut(index) else {
            return Ok(Activity::Idle(Idle::default()));
        };
        let step = live.request.step;
        let (key, role) = live.request.key.key(cx.session);
        let reference = match live.request.key {
            KeyUse::Jwk | KeyUse::Other(..) => KeyReference::Jwk(key.jwk()),
            KeyUse::KeyId => KeyReference::KeyId(&usable_account(cx.session, step)?.url),
        };
        let header = ProtectedHeader {
            algorithm: live.algorithm.name(cx.session, &key),
            nonce: Some(nonce),
            url: &live.request.url,
            key: reference,
        };
        let input = SigningInput::new(&header, &live.request.payload);
        match &key {
            AccountKey::Local(signer) => {
                let signature = signer.sign(cx.entropy, input.as_bytes()).map_err(|error| {
                    Error::new(ErrorKind::Crypto, step, "signing-failed", error.to_string())
                })?;
                Ok(Activity::Send(live.send(cx.session, now, input.into_body(&signature))))
            }
            AccountKey::External { .. } => {
                let id = cx.session.next_sign_id();
                let message = input.as_bytes().to_vec();
                live.state = State::Signing { id, input };
                Ok(Activity::Sign(SignRequest { id, key: role, message }))
            }
        }
    }

    /// Takes an answer in, or gives it back if it is no answer to a request.
    pub(crate) fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<Handled, Misuse> {
        let now = cx.now;
        match input {
            Input::Response { id, response } => {
                cx.session.traffic.ended(id, now, true);
                let has_nonce = bank_nonce(cx.session, now, response.headers());
                if self.plumbing.owns(id) {
                    self.plumbing.answered(cx, now, id, response, has_nonce);
                    return Ok(Handled::Taken);
                }
                let index = self.position(id).ok_or(Misuse::UnknownRequest)?;
                self.answered(cx, now, index, response);
                Ok(Handled::Taken)
            }
            Input::Failed { id, failure } => {
                cx.session.traffic.ended(id, now, false);
                if self.plumbing.owns(id) {
                    self.plumbing.failed(cx, now, id, &failure);
                    return Ok(Handled::Taken);
                }
                let index = self.position(id).ok_or(Misuse::UnknownRequest)?;
                self.failed(cx, now, index, &failure);
                Ok(Handled::Taken)
            }
            Input::Signature { id, bytes } => {
                let Some(index) = self.signing_position(id) else {
                    return Ok(Handled::NotMine(Input::Signature { id, bytes }));
                };
                self.take_signature(cx, now, index, &bytes);
                Ok(Handled::Taken)
            }
            Input::SignatureFailed { id, reason } => {
                let Some(index) = self.signing_position(id) else {
                    return Ok(Handled::NotMine(Input::SignatureFailed { id, reason }));
                };
                let live = self.live.remove(index);
                let text = format!("the key store did not sign: {}", printable(&reason));
                let error =
                    Error::new(ErrorKind::Crypto, live.request.step, "signing-failed", text);
                self.outcomes.push_back((live.request.tag, Outcome::Failed(error)));
                Ok(Handled::Taken)
            }
            other => Ok(Handled::NotMine(other)),
        }
    }

    fn position(&self, wanted: RequestId) -> Option<usize> {
        self.live.iter().position(|l| matches!(l.state, State::InFlight { id } if id == wanted))
    }

    fn signing_position(&self, wanted: SignId) -> Option<usize> {
        self.live
            .iter()
            .position(|l| matches!(&l.state, State::Signing { id, .. } if *id == wanted))
    }

    fn take_signature(&mut self, cx: &mut Context<'_>, now: Timestamp, index: usize, bytes: &[u8]) {
        let Some(live) = self.live.get_mut(index) else { return };
        let State::Signing { input, .. } = &live.state else { return };
        let (key, _) = live.request.key.key(cx.session);
        match key.normalise_signature(bytes) {
            Ok(signature) => {
                let body = input.clone().into_body(&signature);
                let outgoing = live.send(cx.session, now, body);
                self.signed.push_back(outgoing);
            }
            Err(error) => {
                let step = live.request.step;
                let error =
                    Error::new(ErrorKind::Crypto, step, "signing-failed", error.to_string());
                self.finish(index, Outcome::Failed(error));
            }
        }
    }

    fn answered(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        response: Response<Vec<u8>>,
    ) {
        let Some(live) = self.live.get_mut(index) else { return };
        let policy = cx.session.policy().clone();
        let (parts, body) = response.into_parts();
        let retry_after = header::retry_after(&parts.headers, now);
        let step = live.request.step;
        if body.len() > live.request.max_response_len {
            return self.finish(index, Outcome::Failed(too_large(step)));
        }
        let kind = live.request.kind;
        if parts.status.is_success() {
            oddities::note_media_type(cx.session, kind, &parts.headers, &body, false);
            if header::replay_nonce(&parts.headers).is_none() {
                let text = format!("no Replay-Nonce in the answer to {}", live.request.kind);
                cx.session.deviations.note("nonce-missing", text);
            }
            let url = live.request.url.clone();
            let reply =
                Reply { url, status: parts.status, headers: parts.headers, body, retry_after };
            return self.finish(index, Outcome::Reply(reply));
        }
        if parts.status.is_redirection() {
            let error = redirected(step, parts.status).with_url(&live.request.url);
            return self.finish(index, Outcome::Failed(error));
        }
        let problem = oddities::read_problem(cx.session, &body);
        oddities::note_refusal(cx.session, kind, &parts, problem.as_ref(), &body);
        let (status, headers) = (parts.status, &parts.headers);
        if oddities::is_bad_nonce(cx.session, status, headers, problem.as_ref(), &body)
            && live.bad_nonces < policy.max_bad_nonce_retries
        {
            live.bad_nonces += 1;
            live.own_nonce = take_back(cx.session, &parts.headers);
            live.state = State::Queued { not_before: now };
            return;
        }
        if live.algorithm.is_renamed(cx.session, problem.as_ref()) {
            live.state = State::Queued { not_before: now };
            return;
        }
        let error = Error::from_refusal(Refusal {
            step,
            url: &live.request.url,
            status: parts.status,
            headers: &parts.headers,
            problem,
            body_excerpt: &excerpt(&body),
            now: cx.session.clock_time(now),
        });
        if live.may_have_moved(cx.session, &error)
            // Another flow may have read the new directory already.
            && (live.url_in_directory(cx.session) != Some(&live.request.url)
                || self.plumbing.distrust_directory(cx))
        {
            live.moved = Moved::LookedFor(error);
            live.state = State::Queued { not_before: now };
            return;
        }
        // Whatever the flow makes of the refusal, it does not come back earlier than it was told.
        if let Some(until) = retry_after {
            hold(&mut self.held, &live.request.url, until);
            // A rate limit is about one set of names; an overload is about everybody.
            let is_limit = error.problem().is_some_and(|p| p.kind == ProblemType::RateLimited);
            let is_short = until.saturating_since(now) <= policy.max_retry_wait;
            if parts.status == StatusCode::SERVICE_UNAVAILABLE && !is_limit && is_short {
                cx.session.traffic.overload(&live.request.url, until, now);
            }
        }
        let transient = error.kind() == ErrorKind::RateLimited
            || (parts.status.is_server_error() && error.kind() != ErrorKind::Unsupported);
        if !transient {
            return self.finish(index, Outcome::Failed(error));
        }
        // A rate limit says that nothing was done; a server error does not.
        let acted = error.kind() != ErrorKind::RateLimited
            && parts.status != StatusCode::SERVICE_UNAVAILABLE;
        if acted && live.request.repeat == Repeat::AfterAsking {
            return self.finish(index, Outcome::Unknown(error));
        }
        let wait_until = match (retry_after, error.kind()) {
            (Some(at), _) => Some(at),
            // Without a time a rate limit lasts longer than a flow can wait.
            (None, ErrorKind::RateLimited) => None,
            (None, _) => retry_delay(live.attempts, step, cx.entropy)
                .ok()
                .map(|delay| now.saturating_add(delay)),
        };
        match wait_until {
            Some(at)
                if live.attempts < policy.max_retries
                    && at.saturating_since(now) <= policy.max_retry_wait =>
            {
                live.attempts += 1;
                live.state = State::Queued { not_before: at };
            }
            _ => self.finish(index, Outcome::Failed(error)),
        }
    }

    fn failed(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        failure: &TransportFailure,
    ) {
        let Some(live) = self.live.get_mut(index) else { return };
        let step = live.request.step;
        let error = transport_error(step, &live.request.url, failure);
        match failure {
            TransportFailure::ResponseTooLarge => {
                return self.finish(index, Outcome::Failed(error));
            }
            TransportFailure::Unknown(_) if live.request.repeat == Repeat::AfterAsking => {
                return self.finish(index, Outcome::Unknown(error));
            }
            TransportFailure::Unknown(_) | TransportFailure::NotSent(_) => {}
        }
        let delay = retry_delay(live.attempts, step, cx.entropy);
        match delay {
            Ok(delay) if live.attempts < cx.session.policy().max_retries => {
                live.attempts += 1;
                live.state = State::Queued { not_before: now.saturating_add(delay) };
            }
            _ => self.finish(index, Outcome::Failed(error)),
        }
    }

    fn finish(&mut self, index: usize, outcome: Outcome) {
        if index < self.live.len() {
            let live = self.live.remove(index);
            self.outcomes.push_back((live.request.tag, outcome));
        }
    }
}

/// Notes that a URL is not to be asked before a time; a later one that is known stays.
fn hold(held: &mut Vec<(String, Timestamp)>, url: &str, until: Timestamp) {
    match held.iter_mut().find(|(known, _)| known == url) {
        Some((_, time)) => *time = until.max(*time),
        None => held.push((url.to_owned(), until)),
    }
}

/// Whether an input was for the exchanges.
pub(crate) enum Handled {
    Taken,
    NotMine(Input),
}

impl<T> Live<T> {
    fn send(&mut self, session: &mut Session, now: Timestamp, body: Vec<u8>) -> Outgoing {
        let id = session.next_request_id();
        self.state = State::InFlight { id };
        session.traffic.sent(id, now);
        let mut request = plain_request(session, Method::POST, &self.request.url, body);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jose+json"));
        if let Some(accept) = self.request.accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        Outgoing {
            id,
            kind: self.request.kind,
            request,
            max_response_len: self.request.max_response_len,
        }
    }
}
