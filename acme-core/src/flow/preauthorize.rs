//! Proves control of a name ahead of any order (RFC 8555 §7.4.1).
//!
//! ```text
//! Start ─ Creating ─ Publishing ─ Responding ─ Polling ─ Withdraw ─ Done(Preauthorized)
//!            └─ valid already ────────────────────────────────────────┘
//! ```

mod polling;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::issue::pending::{Pending, offers, read_authorization};
use super::issue::saved::SavedOffer;
use super::single::{account, cancelled, rest};
use crate::action::{Action, ChallengeId, Input, RequestKind, WaitReason};
use crate::challenge::Answer;
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::{
    Activity, Exchanges, Handled, KeyUse, Outcome, Repeat, Reply, Request, deadline_error,
    take_late,
};
use crate::flow::checkpoint::{Binding, Checkpoint, ResumeError, Saved};
use crate::flow::{Context, Deadline, Flow, handle_steadily, poll_steadily};
use crate::problem::printable;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Authorization, AuthorizationStatus, Identifier};
use polling::Polling;

/// A name whose control is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preauthorized {
    /// The authorization URL.
    pub authorization_url: String,
    /// The name.
    pub identifier: Identifier,
    /// When the authorization ends, if the server says so.
    pub expires: Option<Timestamp>,
    /// Whether it counts for the names below, too (RFC 9444 §4.1).
    pub allows_subdomains: bool,
}

/// Proves control of a name or address, so that a later order for it needs no challenge. Few
/// servers offer this; it is never possible for wildcards.
pub struct Preauthorize {
    identifier: Identifier,
    with_subdomains: bool,
    deadline: Deadline,
    binding: Option<Binding>,
    authorization_url: Option<String>,
    presented: Vec<SavedOffer>,
    state: State,
    exchanges: Exchanges<Tag>,
}

#[derive(Clone, Copy, Debug)]
enum Tag {
    Authorization,
    Challenge,
}

enum State {
    Start,
    /// The authorization is being made, or read for the first time.
    Creating,
    Publishing {
        pending: Box<Pending>,
        is_presented: bool,
    },
    Responding(Box<Pending>),
    Polling(Polling),
    Closing(Result<Preauthorized, Error>),
    Failed(Error),
    Finished,
}

/// The flow in a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedPreauthorize {
    identifier: Identifier,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    with_subdomains: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    presented: Vec<SavedOffer>,
}

impl Preauthorize {
    /// Begins; nothing is sent before the first poll.
    pub fn new(identifier: Identifier) -> Self {
        Self {
            identifier,
            with_subdomains: false,
            deadline: Deadline::default(),
            binding: None,
            authorization_url: None,
            presented: Vec::new(),
            state: State::Start,
            exchanges: Exchanges::default(),
        }
    }

    /// Asks for an authorization that counts for all names below as well, so that orders for them
    /// need no proof of their own (RFC 9444 §4.2). A server that does not know this authorizes the
    /// name alone: see [`Preauthorized::allows_subdomains`]. What it takes to be proven is the
    /// server's choice; mostly dns-01.
    #[must_use]
    pub const fn with_subdomains(mut self) -> Self {
        self.with_subdomains = true;
        self
    }

    /// Gives up at this time.
    #[must_use]
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline.ask(deadline);
        self
    }

    /// Continues from a checkpoint: an authorization that is known is read again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        let (binding, Saved::Preauthorize(saved)) = saved.open(session)? else {
            return Err(ResumeError::OtherFlow);
        };
        let mut flow = Self::new(saved.identifier);
        flow.binding = binding;
        flow.with_subdomains = saved.with_subdomains;
        flow.authorization_url = saved.authorization_url;
        flow.presented = saved.presented;
        Ok(flow)
    }

    fn step(&self) -> Step {
        match &self.state {
            State::Start | State::Creating => Step::Preauthorization,
            State::Publishing { .. } => Step::Publication,
            State::Responding(_) => Step::Challenge,
            State::Polling(_) | State::Closing(_) | State::Finished => Step::Validation,
            State::Failed(error) => error.step(),
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let step = Step::Preauthorization;
        let error = |kind, code, text: &str| Err(Error::new(kind, step, code, text));
        if self.identifier.is_wildcard() {
            let text = "a wildcard cannot be authorized ahead of an order; authorize the base name";
            return error(ErrorKind::Input, "wildcard-preauthorization", text);
        }
        if !self.exchanges.has_directory(cx) {
            return Ok(());
        }
        let session = &*cx.session;
        drop(account(session, step)?);
        if let Some(url) = self.authorization_url.clone() {
            self.read(session, &url)?;
        } else {
            let url = session.directory().and_then(|d| d.new_authorization.clone());
            let Some(url) = url else {
                let text = "the server offers no authorization ahead of an order";
                return error(ErrorKind::Unsupported, "preauthorization-unsupported", text);
            };
            let mut identifier = json!(self.identifier);
            if self.with_subdomains
                && let Some(members) = identifier.as_object_mut()
            {
                members.insert("subdomainAuthAllowed".to_owned(), true.into());
            }
            let payload = json!({ "identifier": identifier }).to_string().into_bytes();
            let kind = RequestKind::NewAuthorization;
            self.request(session, Tag::Authorization, step, kind, url, payload, Repeat::Freely)?;
        }
        self.state = State::Creating;
        Ok(())
    }

    fn read(&mut self, session: &Session, url: &str) -> Result<(), Error> {
        let (tag, kind, step) = (Tag::Authorization, RequestKind::Authorization, self.step());
        self.request(session, tag, step, kind, url.to_owned(), Vec::new(), Repeat::Freely)
    }

    #[allow(clippy::too_many_arguments, reason = "one request, member by member")]
    fn request(
        &mut self,
        session: &Session,
        tag: Tag,
        step: Step,
        kind: RequestKind,
        url: String,
        payload: Vec<u8>,
        repeat: Repeat,
    ) -> Result<(), Error> {
        let max_response_len = session.policy().max_json_len;
        let key = KeyUse::KeyId;
        let accept = None;
        let request =
            Request { tag, step, kind, url, payload, key, accept, max_response_len, repeat };
        self.exchanges.start(session, request)
    }

    fn take_authorization(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        reply: &Reply,
    ) -> Result<(), Error> {
        if self.authorization_url.is_none() {
            let step = Step::Preauthorization;
            let url = reply.location(step, cx.session)?.ok_or_else(|| {
                let text = "the server names no authorization URL (header Location)";
                Error::new(ErrorKind::Protocol, step, "location-missing", text).with_url(&reply.url)
            })?;
            self.authorization_url = Some(url);
        }
        let url = self.authorization_url.clone().unwrap_or_default();
        let authorization = read_authorization(cx.session, reply)?;
        if authorization.identifier != self.identifier {
            let text = format!(
                "the server asks for proof of {}, which was not asked for",
                authorization.identifier
            );
            let step = Step::Authorization;
            return Err(
                Error::new(ErrorKind::Protocol, step, "foreign-authorization", text).with_url(&url)
            );
        }
        if authorization.status == AuthorizationStatus::Valid {
            self.finish(&url, &authorization);
            return Ok(());
        }
        if matches!(self.state, State::Polling(_)) {
            return self.still_pending(cx, now, reply, &authorization);
        }
        if let Some(pending) = offers(cx.session, url, &authorization)? {
            let pending = Box::new(pending);
            self.state = State::Publishing { pending, is_presented: false };
        } else {
            // The challenge is valid already; the authorization is about to be.
            self.begin_polling(cx, now, reply.retry_after, None);
        }
        Ok(())
    }

    /// A server that names newAuthz in its directory and has nothing there (acme2certifier) offers
    /// no authorization ahead of an order.
    fn absent(&self, session: &mut Session, error: Error) -> Error {
        let is_first = self.authorization_url.is_none();
        let is_absent = error.status().is_some_and(|status| {
            matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
        });
        if !(is_first && is_absent) {
            return error;
        }
        let text = "the directory names newAuthz, and nothing is there";
        session.deviations.note("new-authz-absent", text);
        let (kind, step) = (ErrorKind::Unsupported, Step::Preauthorization);
        let text =
            format!("the server offers no authorization ahead of an order: {}", error.message());
        Error::new(kind, step, "preauthorization-unsupported", text)
    }

    fn finish(&mut self, url: &str, authorization: &Authorization) {
        self.state = State::Closing(Ok(Preauthorized {
            authorization_url: url.to_owned(),
            identifier: self.identifier.clone(),
            expires: authorization.expires,
            allows_subdomains: authorization.allows_subdomains,
        }));
    }

    fn step_on(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<Option<Action<Preauthorized>>, Error> {
        match &mut self.state {
            State::Start => self.start(cx).map(|()| None),
            State::Publishing { pending, is_presented } => {
                if !core::mem::replace(is_presented, true) {
                    let saved: Vec<_> = pending.offers.iter().map(|(o, _)| o.clone()).collect();
                    let offers = saved.iter().map(|offer| offer.offer(cx.session)).collect();
                    self.presented = saved;
                    return Ok(Some(Action::Present(offers)));
                }
                self.respond_if_published(cx, now).map(|()| None)
            }
            State::Polling(_) => self.poll_authorization(cx, now).map(|()| None),
            _ => Ok(None),
        }
    }

    fn advance(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Timestamp,
    ) -> Result<Action<Preauthorized>, Error> {
        let now = cx.now;
        if now >= deadline {
            let what = match &self.state {
                State::Polling(polling) => polling.waiting_for(),
                _ => "the CA validated".to_owned(),
            };
            return Err(deadline_error(self.step(), &what, cx.session.clock_time(now)));
        }
        while let Some((tag, outcome)) = self.exchanges.next_outcome() {
            match (tag, outcome) {
                (Tag::Challenge, outcome) => self.take_challenge(cx, now, outcome)?,
                (Tag::Authorization, Outcome::Reply(reply)) => {
                    self.take_authorization(cx, now, &reply)?;
                }
                (Tag::Authorization, Outcome::Failed(error) | Outcome::Unknown(error)) => {
                    return Err(self.absent(cx.session, error));
                }
            }
        }
        if let Some(action) = self.step_on(cx, now)? {
            return Ok(action);
        }
        if matches!(self.state, State::Closing(_)) {
            return self.close(cx);
        }
        let needs_directory = matches!(self.state, State::Start);
        match self.exchanges.poll(cx, needs_directory)? {
            Activity::Send(outgoing) => Ok(Action::Send(outgoing)),
            Activity::Sign(request) => Ok(Action::Sign(request)),
            Activity::Idle(idle) => {
                let wake = match &self.state {
                    State::Polling(polling) => {
                        polling.wake().map(|at| (at, WaitReason::Validation))
                    }
                    _ => None,
                };
                Ok(rest(idle, wake, deadline))
            }
        }
    }

    /// Withdraws, then ends.
    fn close(&mut self, cx: &mut Context<'_>) -> Result<Action<Preauthorized>, Error> {
        if !self.presented.is_empty() {
            let offers = core::mem::take(&mut self.presented);
            let offers = offers.iter().map(|offer| offer.offer(cx.session)).collect();
            return Ok(Action::Withdraw(offers));
        }
        match core::mem::replace(&mut self.state, State::Finished) {
            State::Closing(Ok(done)) => Ok(Action::Done(done)),
            State::Closing(Err(error)) | State::Failed(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
            _ => {
                let text = "the flow has ended and gave its result";
                Err(Error::new(ErrorKind::Input, Step::Preauthorization, "flow-finished", text))
            }
        }
    }

    fn fail(&mut self, cx: &mut Context<'_>, error: Error) {
        self.exchanges.abandon(cx);
        let error = error.in_light_of(cx.session.profile(), cx.session.clock_time(cx.now));
        self.state = State::Closing(Err(error));
    }

    fn published(&mut self, id: &ChallengeId, answer: &Answer) -> Result<(), Misuse> {
        if !self.presented.iter().any(|offer| offer.challenge_url == id.0) {
            return Err(Misuse::UnknownChallenge);
        }
        match &mut self.state {
            State::Publishing { pending, .. } => pending.choose(id, answer).map(|_| ()),
            _ => Ok(()),
        }
    }
}

impl Flow for Preauthorize {
    type Output = Preauthorized;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Preauthorized>, Error> {
        poll_steadily(cx, |cx| self.poll_on(cx))
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        handle_steadily(cx, |cx| self.handle_on(cx, input))
    }

    fn checkpoint(&self) -> Checkpoint {
        let saved = SavedPreauthorize {
            identifier: self.identifier.clone(),
            with_subdomains: self.with_subdomains,
            authorization_url: self.authorization_url.clone(),
            presented: self.presented.clone(),
        };
        Checkpoint::new(self.binding.as_ref(), Saved::Preauthorize(saved))
    }
}

impl Preauthorize {
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Result<Action<Preauthorized>, Error> {
        self.binding.get_or_insert_with(|| Binding::of(cx.session));
        let deadline = self.deadline.fix(cx);
        if !matches!(self.state, State::Closing(_) | State::Failed(_) | State::Finished) {
            match self.advance(cx, deadline) {
                Ok(action) => return Ok(action),
                Err(error) => self.fail(cx, error),
            }
        }
        self.close(cx)
    }

    fn handle_on(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        match self.state {
            State::Closing(_) => {
                take_late(cx, &input);
                return Ok(());
            }
            State::Failed(_) | State::Finished => return Err(Misuse::Finished),
            _ => {}
        }
        match self.exchanges.handle(cx, input)? {
            Handled::Taken => Ok(()),
            Handled::NotMine(Input::Cancel) => {
                let error = cancelled(self.step());
                self.fail(cx, error);
                Ok(())
            }
            Handled::NotMine(Input::Published(ids)) => {
                ids.iter().try_for_each(|id| self.published(id, &Answer::default()))
            }
            Handled::NotMine(Input::PublishedWith { id, answer }) => self.published(&id, &answer),
            Handled::NotMine(Input::PublicationFailed { id, reason }) => {
                if !self.presented.iter().any(|offer| offer.challenge_url == id.0) {
                    return Err(Misuse::UnknownChallenge);
                }
                if matches!(self.state, State::Publishing { .. }) {
                    let (name, reason) = (&self.identifier, printable(&reason));
                    let text = format!("the challenge for {name} could not be published: {reason}");
                    let (kind, step) = (ErrorKind::Publication, Step::Publication);
                    let error = Error::new(kind, step, "not-published", text);
                    self.fail(cx, error.with_retry(Retry::FixInput));
                }
                Ok(())
            }
            Handled::NotMine(Input::Signature { .. } | Input::SignatureFailed { .. }) => {
                Err(Misuse::UnknownSignature)
            }
            Handled::NotMine(Input::Response { .. } | Input::Failed { .. }) => {
                Err(Misuse::UnknownRequest)
            }
        }
    }
}
