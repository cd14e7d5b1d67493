//! The frame of the flows that publish nothing: fetch the directory, then one request at a time.

use serde_json::Value;

use crate::account::Account;
use crate::action::{Action, Input, RequestKind, SignId, SignRequest, SigningKey, WaitReason};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{
    Activity, Exchanges, Handled, Idle, KeyUse, Outcome, Repeat, Request, deadline_error,
    usable_account,
};
use crate::flow::checkpoint::Binding;
use crate::flow::{Context, Deadline, handle_steadily, poll_steadily};
use crate::problem::printable;
use crate::session::Session;
use crate::time::Timestamp;

/// What a flow has to react to.
pub(super) enum Event {
    /// The directory is here; nothing was sent yet.
    Start,
    /// What came of the last request.
    Outcome(Outcome),
    /// The signature that was asked for.
    Signed(Vec<u8>),
}

/// What a flow wants next.
pub(super) enum Next<R> {
    Send(Box<Request<()>>),
    /// A signature by a key that is held elsewhere, apart from those of requests.
    Sign(SigningKey, Vec<u8>),
    Finish(R),
}

/// Runs the requests of such a flow one after another.
pub(super) struct Single {
    step: Step,
    exchanges: Exchanges<()>,
    deadline: Deadline,
    pub(super) binding: Option<Binding>,
    started: bool,
    /// The signature that is outstanding, apart from those of requests.
    signing: Option<SignId>,
    signature: Option<Vec<u8>>,
    end: Option<Error>,
    finished: bool,
}

impl Single {
    pub(super) fn new(step: Step, binding: Option<Binding>) -> Self {
        Self {
            step,
            exchanges: Exchanges::default(),
            deadline: Deadline::default(),
            binding,
            started: false,
            signing: None,
            signature: None,
            end: None,
            finished: false,
        }
    }

    pub(super) fn set_deadline(&mut self, deadline: Timestamp) {
        self.deadline.ask(deadline);
    }

    /// Polls; `next` is asked at the start and at each event after it.
    pub(super) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        next: impl FnMut(&mut Context<'_>, Event) -> Result<Next<R>, Error>,
    ) -> Result<Action<R>, Error> {
        poll_steadily(cx, |cx| self.poll_on(cx, next))
    }

    fn poll_on<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>, Event) -> Result<Next<R>, Error>,
    ) -> Result<Action<R>, Error> {
        if let Some(error) = &self.end {
            return Err(error.clone());
        }
        if self.finished {
            let text = "the flow has ended and gave its result";
            return Err(Error::new(ErrorKind::Input, self.step, "flow-finished", text));
        }
        let result = self.advance(cx, &mut next).map_err(|error| {
            let now = cx.session.clock_time(cx.now);
            error.in_light_of(cx.session.profile(), now)
        });
        match &result {
            Err(error) => {
                self.exchanges.abandon(cx);
                self.end = Some(error.clone());
            }
            Ok(Action::Done(_)) => self.finished = true,
            Ok(_) => {}
        }
        result
    }

    fn advance<R>(
        &mut self,
        cx: &mut Context<'_>,
        next: &mut impl FnMut(&mut Context<'_>, Event) -> Result<Next<R>, Error>,
    ) -> Result<Action<R>, Error> {
        self.binding.get_or_insert_with(|| Binding::of(cx.session));
        let now = cx.now;
        let deadline = self.deadline.fix(cx);
        if now >= deadline {
            let come_back = cx.session.clock_time(now);
            return Err(deadline_error(self.step, "waiting for the server", come_back));
        }
        let wanted = match self.exchanges.next_outcome() {
            Some(((), outcome)) => Some(next(cx, Event::Outcome(outcome))?),
            None if !self.started && self.exchanges.has_directory(cx) => {
                self.started = true;
                Some(next(cx, Event::Start)?)
            }
            None => match self.signature.take() {
                Some(signature) => Some(next(cx, Event::Signed(signature))?),
                None => None,
            },
        };
        match wanted {
            Some(Next::Finish(result)) => return Ok(Action::Done(result)),
            Some(Next::Sign(key, message)) => {
                let id = cx.session.next_sign_id();
                self.signing = Some(id);
                return Ok(Action::Sign(SignRequest { id, key, message }));
            }
            Some(Next::Send(request)) => self.exchanges.start(cx.session, *request)?,
            None => {}
        }
        match self.exchanges.poll(cx, true)? {
            Activity::Send(outgoing) => Ok(Action::Send(outgoing)),
            Activity::Sign(request) => Ok(Action::Sign(request)),
            Activity::Idle(idle) => Ok(rest(idle, None, deadline)),
        }
    }

    pub(super) fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        handle_steadily(cx, |cx| self.handle_on(cx, input))
    }

    fn handle_on(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        if self.end.is_some() || self.finished {
            return Err(Misuse::Finished);
        }
        match self.exchanges.handle(cx, input)? {
            Handled::Taken => Ok(()),
            Handled::NotMine(Input::Cancel) => {
                self.exchanges.abandon(cx);
                self.end = Some(cancelled(self.step));
                Ok(())
            }
            Handled::NotMine(Input::Signature { id, bytes }) if self.signing == Some(id) => {
                self.signing = None;
                self.signature = Some(bytes);
                Ok(())
            }
            Handled::NotMine(Input::SignatureFailed { id, reason }) if self.signing == Some(id) => {
                let text = format!("the key store did not sign: {}", printable(&reason));
                self.end = Some(Error::new(ErrorKind::Crypto, self.step, "signing-failed", text));
                Ok(())
            }
            Handled::NotMine(Input::Signature { .. } | Input::SignatureFailed { .. }) => {
                Err(Misuse::UnknownSignature)
            }
            Handled::NotMine(_) => Err(Misuse::UnknownChallenge),
        }
    }
}

pub(super) fn cancelled(step: Step) -> Error {
    Error::new(ErrorKind::Cancelled, step, "cancelled", "the operation was cancelled")
}

/// The action for a flow that has nothing to do: wait, or be blocked until the deadline.
pub(super) fn rest<R>(
    mut idle: Idle,
    own: Option<(Timestamp, WaitReason)>,
    deadline: Timestamp,
) -> Action<R> {
    if let Some((time, reason)) = own {
        idle.wake_at(time, reason);
    }
    match idle.wake {
        Some((until, reason)) if until < deadline => Action::Wait { until, reason },
        _ => Action::Blocked { until: deadline },
    }
}

/// A request to the account URL or below it, signed by the account key. No payload is
/// POST-as-GET.
pub(super) fn request(
    session: &Session,
    step: Step,
    kind: RequestKind,
    url: String,
    payload: Option<Value>,
    repeat: Repeat,
) -> Request<()> {
    Request {
        tag: (),
        step,
        kind,
        url,
        payload: payload.map(|value| value.to_string().into_bytes()).unwrap_or_default(),
        key: KeyUse::KeyId,
        accept: None,
        max_response_len: session.policy().max_json_len,
        repeat,
    }
}

/// The account of the session, which the operation needs.
pub(super) fn account(session: &Session, step: Step) -> Result<Account, Error> {
    usable_account(session, step).cloned()
}
