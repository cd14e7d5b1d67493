//! Obtains a certificate: order, authorizations, challenges, finalization, download, verification
//! (RFC 8555 §7.4).
//!
//! ```text
//!            ┌── born ready ──────────────────────────────┐  ┌─ born valid ─┐
//! Start ─ Ordering ─ Authorizing ─ Publishing ─ Responding ─ Validating ─ Ready ─ Finalizing
//!                        │ Present                  Withdraw ┘    │           │
//!                        └ nothing pending ──────────────────► Validating     ▼
//!   any ── error, Cancel ─► Withdraw ─► Err     Done ◄─ Downloading ◄─ Issuing
//! ```
//!
//! The order is polled, one request a round; the authorizations are read again only when the order
//! turned invalid without a reason, or stays pending for long.

mod ancestors;
mod authorize;
mod consistency;
mod download;
mod finalize;
mod issued;
mod late;
mod new_order;
mod order;
pub(in crate::flow) mod pending;
mod plan;
mod replacement;
pub(in crate::flow) mod saved;
mod validate;
mod verify;

pub use issued::{ChainChoice, ChainPreference, Issued};
pub use new_order::NewOrder;
pub use replacement::{LeftOut, Predecessor, Replacement};
pub(crate) use saved::SavedIssue;

use crate::action::{Action, Input, RequestKind};
use crate::challenge::Answer;
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::{
    Activity, Exchanges, Handled, KeyUse, Outcome, Repeat, Request, deadline_error, take_late,
    usable_account,
};
use crate::flow::checkpoint::{Binding, Checkpoint};
use crate::flow::single::{cancelled, rest};
use crate::flow::{Context, Deadline, Flow, handle_steadily, poll_steadily};
use crate::problem::{Problem, printable};
use crate::session::Session;
use crate::time::Timestamp;

use authorize::{Authorizing, Publishing, Responding};
use download::Downloading;
use finalize::{Finalizing, Issuing};
use plan::Plan;
use saved::SavedOffer;
use validate::{Diagnosing, Validating};

/// Obtains one certificate. See the [module](self) for its states.
///
/// Several run side by side on one [`Session`]. The flow holds no private key: the certificate
/// request is made before it starts, or signed by [`Action::Sign`].
pub struct Issue {
    plan: Plan,
    deadline: Deadline,
    binding: Option<Binding>,
    state: State,
    exchanges: Exchanges<Tag>,
}

/// What a request of this flow was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    NewOrder,
    Order,
    Authorization(usize),
    Challenge(usize),
    Recheck(usize),
    Finalize,
    Certificate,
    Issuer,
    Alternate(usize),
}

enum State {
    /// Nothing is sent yet.
    Start,
    /// The order is being made, or read again.
    Ordering,
    Authorizing(Authorizing),
    Publishing(Publishing),
    Responding(Responding),
    Validating(Validating),
    Diagnosing(Diagnosing),
    /// The certificate request is sent once it is signed.
    Ready,
    Finalizing(Finalizing),
    Issuing(Issuing),
    Downloading(Downloading),
    /// What was presented is withdrawn, then the flow ends with this.
    Closing(Result<Box<Issued>, Error>),
    Failed(Error),
    Finished,
}

impl Issue {
    /// The order URL, once the server has named it.
    pub fn order_url(&self) -> Option<&str> {
        self.plan.order_url.as_deref()
    }

    /// Why the CA could not validate a name so far, while it goes on trying (RFC 8555 §8.2): the
    /// name and the reason, as the server told them last.
    pub fn validation_problem(&self) -> Option<(&str, &Problem)> {
        let State::Validating(validating) = &self.state else { return None };
        validating.last_problem().map(|(name, problem)| (name.as_str(), problem))
    }

    /// The authorizations that this order wanted proofs for. An order that is given up leaves them
    /// pending, and CAs count them: each can be given up by a
    /// [`DeactivateAuthorization`](crate::flow::authorization::DeactivateAuthorization). One that
    /// has failed is refused by the server, which does no harm.
    pub fn open_authorizations(&self) -> &[String] {
        match &self.state {
            State::Finished => &[],
            _ => &self.plan.open_authorizations,
        }
    }

    /// The step the flow is at.
    pub fn step(&self) -> Step {
        match &self.state {
            State::Start => Step::Preparation,
            State::Ordering => Step::NewOrder,
            State::Authorizing(_) => Step::Authorization,
            State::Publishing(_) => Step::Publication,
            State::Responding(_) => Step::Challenge,
            State::Validating(_) | State::Diagnosing(_) => Step::Validation,
            State::Ready | State::Finalizing(_) => Step::Finalize,
            State::Issuing(_) => Step::Issuance,
            State::Downloading(_) => Step::Download,
            State::Closing(_) | State::Finished => Step::Verification,
            State::Failed(error) => error.step(),
        }
    }

    /// Handles outcomes and moves on until there is something for the driver to do.
    fn advance(
        &mut self,
        cx: &mut Context<'_>,
        deadline: Timestamp,
    ) -> Result<Action<Issued>, Error> {
        loop {
            let now = cx.now;
            if now >= deadline {
                return Err(self.deadline_passed(cx.session, now));
            }
            self.take_outcomes(cx, now)?;
            if let Some(action) = self.step_on(cx, now)? {
                return Ok(action);
            }
            let needs_directory = matches!(self.state, State::Start);
            match self.exchanges.poll(cx, needs_directory)? {
                Activity::Send(outgoing) => return Ok(Action::Send(outgoing)),
                Activity::Sign(request) => return Ok(Action::Sign(request)),
                Activity::Idle(idle) => {
                    if needs_directory && self.exchanges.has_directory(cx) {
                        continue;
                    }
                    return Ok(rest(idle, self.wake(), deadline));
                }
            }
        }
    }

    /// What the state itself has to do, apart from answers.
    fn step_on(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<Option<Action<Issued>>, Error> {
        match &mut self.state {
            State::Start => self.start(cx).map(|()| None),
            State::Publishing(publishing) => {
                if let Some(offers) = publishing.take_offers() {
                    return Ok(Some(self.present(cx, &offers)));
                }
                self.respond_if_published(cx, now).map(|()| None)
            }
            State::Validating(_) => self.poll_validation(cx, now).map(|()| None),
            State::Ready => match self.withdraw(cx) {
                Some(action) => Ok(Some(action)),
                None => self.finalize(cx),
            },
            State::Issuing(_) => match self.withdraw(cx) {
                Some(action) => Ok(Some(action)),
                None => self.poll_issuance(cx, now).map(|()| None),
            },
            State::Downloading(_) => match self.withdraw(cx) {
                Some(action) => Ok(Some(action)),
                None => self.download(cx, now).map(|()| None),
            },
            State::Closing(Ok(_)) => {
                if let Some(action) = self.withdraw(cx) {
                    return Ok(Some(action));
                }
                match core::mem::replace(&mut self.state, State::Finished) {
                    State::Closing(Ok(issued)) => Ok(Some(Action::Done(*issued))),
                    _ => Err(finished()),
                }
            }
            State::Ordering
            | State::Authorizing(_)
            | State::Responding(_)
            | State::Diagnosing(_)
            | State::Finalizing(_)
            | State::Closing(Err(_))
            | State::Failed(_)
            | State::Finished => Ok(None),
        }
    }

    fn take_outcomes(&mut self, cx: &mut Context<'_>, now: Timestamp) -> Result<(), Error> {
        while let Some((tag, outcome)) = self.exchanges.next_outcome() {
            self.take_outcome(cx, now, tag, outcome)?;
        }
        Ok(())
    }

    fn take_outcome(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        tag: Tag,
        outcome: Outcome,
    ) -> Result<(), Error> {
        match tag {
            Tag::NewOrder => self.take_new_order(cx, now, outcome),
            Tag::Order => self.take_order_reply(cx, now, outcome),
            Tag::Authorization(index) => self.take_authorization(cx, now, index, outcome),
            Tag::Challenge(index) => self.take_challenge(cx, now, index, outcome),
            Tag::Recheck(index) => self.take_recheck(cx, now, index, outcome),
            Tag::Finalize => self.take_finalize(cx, now, outcome),
            Tag::Certificate => self.take_certificate(cx, now, outcome),
            Tag::Issuer => self.take_issuer(cx, now, outcome),
            Tag::Alternate(index) => self.take_alternate(cx, now, index, outcome),
        }
    }

    /// When the state wants to be polled next.
    fn wake(&self) -> Option<(Timestamp, crate::action::WaitReason)> {
        use crate::action::WaitReason;
        match &self.state {
            State::Validating(validating) => {
                validating.wake().map(|at| (at, WaitReason::Validation))
            }
            State::Issuing(issuing) => issuing.wake().map(|at| (at, WaitReason::Issuance)),
            State::Downloading(downloading) => {
                downloading.wake().map(|at| (at, WaitReason::Download))
            }
            _ => None,
        }
    }

    /// Queues a POST-as-GET, or a POST with this payload.
    fn request(
        &mut self,
        session: &Session,
        tag: Tag,
        step: Step,
        kind: RequestKind,
        url: &str,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        let is_certificate = kind == RequestKind::Certificate;
        let policy = session.policy();
        let repeat = match kind {
            RequestKind::Challenge | RequestKind::Finalize => Repeat::AfterAsking,
            _ => Repeat::Freely,
        };
        let request = Request {
            tag,
            step,
            kind,
            url: url.to_owned(),
            payload,
            key: KeyUse::KeyId,
            accept: is_certificate.then_some("application/pem-certificate-chain"),
            max_response_len: if is_certificate {
                policy.max_chain_len
            } else {
                policy.max_json_len
            },
            repeat,
        };
        self.exchanges.start(session, request)
    }

    /// Reads the order again.
    fn read_order(&mut self, session: &Session, step: Step) -> Result<(), Error> {
        let url = self.plan.order_url.clone().ok_or_else(|| {
            Error::new(ErrorKind::Protocol, step, "location-missing", "the order has no URL")
        })?;
        self.request(session, Tag::Order, step, RequestKind::Order, &url, Vec::new())
    }

    fn present(&mut self, cx: &mut Context<'_>, offers: &[SavedOffer]) -> Action<Issued> {
        for offer in offers {
            if !self.plan.presented.contains(offer) {
                self.plan.presented.push(offer.clone());
            }
        }
        Action::Present(offers.iter().map(|offer| offer.offer(cx.session)).collect())
    }

    /// Withdraws what was presented, once.
    fn withdraw(&mut self, cx: &mut Context<'_>) -> Option<Action<Issued>> {
        if self.plan.presented.is_empty() {
            return None;
        }
        let offers = core::mem::take(&mut self.plan.presented);
        Some(Action::Withdraw(offers.iter().map(|offer| offer.offer(cx.session)).collect()))
    }

    fn deadline_passed(&self, session: &Session, now: Timestamp) -> Error {
        let step = self.step();
        let (what, come_back) = match &self.state {
            State::Validating(validating) => (validating.waiting_for(), validating.wake()),
            State::Issuing(issuing) => ("waiting for the certificate".to_owned(), issuing.wake()),
            State::Publishing(_) => ("waiting for challenges to be published".to_owned(), None),
            _ => ("waiting for the server".to_owned(), None),
        };
        deadline_error(step, &what, session.clock_time(come_back.unwrap_or(now)))
    }

    fn close(&mut self, cx: &mut Context<'_>, result: Result<Box<Issued>, Error>) {
        self.exchanges.abandon(cx);
        let now = cx.session.clock_time(cx.now);
        let profile = cx.session.profile();
        let result = result.map_err(|error| error.in_light_of(profile, now));
        self.state = State::Closing(result);
    }
}

fn finished() -> Error {
    let text = "the flow has ended and gave its result";
    Error::new(ErrorKind::Input, Step::Verification, "flow-finished", text)
}

impl Flow for Issue {
    type Output = Issued;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Issued>, Error> {
        poll_steadily(cx, |cx| self.poll_on(cx))
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        handle_steadily(cx, |cx| self.handle_on(cx, input))
    }

    fn checkpoint(&self) -> Checkpoint {
        self.save()
    }
}

impl Issue {
    fn poll_on(&mut self, cx: &mut Context<'_>) -> Result<Action<Issued>, Error> {
        match &self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Finished => return Err(finished()),
            _ => {}
        }
        self.binding.get_or_insert_with(|| Binding::of(cx.session));
        let deadline = self.deadline.fix(cx);
        if !matches!(self.state, State::Closing(_)) {
            match self.advance(cx, deadline) {
                Ok(action) => return Ok(action),
                Err(error) => self.close(cx, Err(error)),
            }
        }
        if let Some(action) = self.withdraw(cx) {
            return Ok(action);
        }
        match core::mem::replace(&mut self.state, State::Finished) {
            State::Closing(Ok(issued)) => Ok(Action::Done(*issued)),
            State::Closing(Err(error)) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
            _ => Err(finished()),
        }
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
            // At once, so that a checkpoint knows of an order from the moment its URL is here.
            Handled::Taken if matches!(self.state, State::Ordering) => {
                if let Err(error) = self.take_outcomes(cx, cx.now) {
                    self.close(cx, Err(error));
                }
                Ok(())
            }
            Handled::Taken => Ok(()),
            Handled::NotMine(Input::Cancel) => {
                let error = cancelled(self.step());
                self.close(cx, Err(error));
                Ok(())
            }
            Handled::NotMine(Input::Published(ids)) => {
                ids.iter().try_for_each(|id| self.published(id, &Answer::default()))
            }
            Handled::NotMine(Input::PublishedWith { id, answer }) => self.published(&id, &answer),
            Handled::NotMine(Input::PublicationFailed { id, reason }) => {
                let offer = self.plan.presented.iter().find(|p| p.challenge_url == id.0);
                let offer = offer.ok_or(Misuse::UnknownChallenge)?;
                if !matches!(self.state, State::Publishing(_)) {
                    return Ok(());
                }
                let text = format!(
                    "the challenge for {} could not be published: {}",
                    offer.identifier,
                    printable(&reason)
                );
                let step = Step::Publication;
                let error = Error::new(ErrorKind::Publication, step, "not-published", text)
                    .with_retry(Retry::FixInput);
                self.close(cx, Err(error));
                Ok(())
            }
            Handled::NotMine(Input::Signature { id, bytes }) => self.request_signed(id, &bytes),
            Handled::NotMine(Input::SignatureFailed { id, reason }) => {
                if self.plan.signing != Some(id) {
                    return Err(Misuse::UnknownSignature);
                }
                let text = format!("the key store did not sign: {}", printable(&reason));
                let error = Error::new(ErrorKind::Crypto, Step::Finalize, "signing-failed", text);
                self.close(cx, Err(error));
                Ok(())
            }
            Handled::NotMine(Input::Response { .. } | Input::Failed { .. }) => {
                Err(Misuse::UnknownRequest)
            }
        }
    }
}

impl Issue {
    /// Checks what can be checked, then orders, or reads the order that a checkpoint knows.
    fn start(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let has_directory = self.exchanges.has_directory(cx);
        // What the order asks for is not judged by a directory that is about to be read again.
        if has_directory || cx.session.directory().is_none() {
            self.plan.check(cx.session)?;
        }
        if !has_directory {
            return Ok(());
        }
        usable_account(cx.session, Step::NewOrder)?;
        self.plan.note_certificate_key(cx.session);
        if self.plan.order_url.is_some() {
            self.read_order(cx.session, Step::NewOrder)?;
        } else {
            self.make_order(cx.session)?;
        }
        self.state = State::Ordering;
        Ok(())
    }
}
