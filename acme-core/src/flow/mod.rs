//! The contract of a flow: one ACME operation as a state machine that does no I/O.

pub mod account;
pub mod authorization;
pub mod checkpoint;
pub mod directory;
pub mod issue;
pub mod preauthorize;
pub mod revoke;

mod single;

pub use checkpoint::{Checkpoint, ResumeError};

use crate::action::{Action, Input};
use crate::entropy::Entropy;
use crate::error::{Error, Misuse};
use crate::session::Session;
use crate::time::Timestamp;

/// What a flow may use while it runs.
pub struct Context<'a> {
    /// Directory, account, key, nonces and policy, shared by all flows of one client.
    pub session: &'a mut Session,
    /// The time now, by the caller's clock. A clock that is set back does no harm: waits and
    /// deadlines go on as they were meant.
    pub now: Timestamp,
    /// Randomness, for signatures that need it.
    pub entropy: &'a mut dyn Entropy,
}

/// One ACME operation. Does no I/O, reads no clock, owns no entropy.
///
/// A driver polls until the flow is [`Done`](Action::Done), carries out each action, and hands
/// every answer to [`handle`](Flow::handle):
///
/// ```no_run
/// # use acmekit_core::{action::{Action, Input, TransportFailure}, error::Error};
/// # use acmekit_core::flow::{Context, Flow};
/// # fn send(_: http::Request<Vec<u8>>, _: usize) -> http::Response<Vec<u8>> { unimplemented!() }
/// # fn sleep_until(_: acmekit_core::time::Timestamp) {}
/// # fn publish(_: &acmekit_core::action::Offer) -> bool { true }
/// # fn remove(_: &acmekit_core::action::Offer) {}
/// # fn context<'a>() -> Context<'a> { unimplemented!() }
/// fn run<F: Flow>(flow: &mut F) -> Result<F::Output, Error> {
///     loop {
///         let cx = &mut context();
///         match flow.poll(cx)? {
///             Action::Send(out) => {
///                 let response = send(out.request, out.max_response_len);
///                 flow.handle(cx, Input::Response { id: out.id, response }).ok();
///             }
///             Action::Present(offers) => {
///                 let published = offers.iter().filter(|o| publish(o)).map(|o| o.id.clone());
///                 flow.handle(cx, Input::Published(published.collect())).ok();
///             }
///             Action::Withdraw(offers) => offers.iter().for_each(remove),
///             Action::Wait { until, .. } | Action::Blocked { until } => sleep_until(until),
///             Action::Sign(_) => unreachable!("the key is local"),
///             Action::Done(result) => return Ok(result),
///         }
///     }
/// }
/// ```
pub trait Flow {
    /// What the flow is for.
    type Output;

    /// The next thing to do. Early and repeated calls are harmless.
    ///
    /// # Errors
    /// The operation has failed. The error is final and comes again with every further call.
    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Self::Output>, Error>;

    /// Takes an answer in.
    ///
    /// # Errors
    /// Fails only on the caller's mistakes; what the server or the network did wrong comes from
    /// [`poll`](Flow::poll).
    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse>;

    /// The state as a small value without key material and nonces, valid at any moment.
    fn checkpoint(&self) -> Checkpoint;
}

/// Runs a poll on steady time and tells the caller its waits by the caller's clock.
pub(crate) fn poll_steadily<T>(
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Result<Action<T>, Error>,
) -> Result<Action<T>, Error> {
    let now = cx.session.steady_time(cx.now);
    let cx = &mut Context { session: cx.session, now, entropy: cx.entropy };
    Ok(match poll(cx)? {
        Action::Wait { until, reason } => {
            Action::Wait { until: cx.session.clock_time(until), reason }
        }
        Action::Blocked { until } => Action::Blocked { until: cx.session.clock_time(until) },
        other => other,
    })
}

/// Takes an input in on steady time.
pub(crate) fn handle_steadily(
    cx: &mut Context<'_>,
    handle: impl FnOnce(&mut Context<'_>) -> Result<(), Misuse>,
) -> Result<(), Misuse> {
    let now = cx.session.steady_time(cx.now);
    handle(&mut Context { session: cx.session, now, entropy: cx.entropy })
}

/// When a flow gives up: at the time the caller has set, or else after the policy's total time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline {
    asked: Option<Timestamp>,
    steady: Option<Timestamp>,
}

impl Deadline {
    pub(crate) fn ask(&mut self, deadline: Timestamp) {
        self.asked = Some(deadline);
    }

    /// The deadline as steady time, fixed at the first poll.
    pub(crate) fn fix(&mut self, cx: &Context<'_>) -> Timestamp {
        let session = &*cx.session;
        *self.steady.get_or_insert_with(|| match self.asked {
            Some(asked) => session.steady(asked),
            None => cx.now.saturating_add(session.policy().total_time),
        })
    }
}
