//! Reads the account at its URL (RFC 8555 §7.3, by the POST-as-GET of §6.3).

use super::read_account_at;
use crate::account::Account;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, Misuse, Step};
use crate::exchange::{Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, account, request};
use crate::flow::{Context, Flow};
use crate::session::Session;

/// Reads the session's account as the server has it now; the answer replaces the session's record.
/// An account that is no longer valid gives an error of kind
/// [`NoAccount`](crate::error::ErrorKind::NoAccount).
///
/// Some servers refuse to read accounts in this way;
/// [`FindAccount`](crate::flow::account::FindAccount) asks by the key.
///
/// ```text
/// directory ── account "" ── 200 ── Done(Account)
/// ```
///
/// ```
/// use acmekit_core::flow::account::FetchAccount;
///
/// let flow = FetchAccount::new(); // to be driven like every flow
/// # let _ = flow;
/// ```
pub struct FetchAccount(Single);

impl FetchAccount {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self(Single::new(Step::FindAccount, None))
    }

    /// Continues from a checkpoint: the account is read again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::FetchAccount) => Ok(Self(Single::new(Step::FindAccount, binding))),
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Default for FetchAccount {
    fn default() -> Self {
        Self::new()
    }
}

impl Flow for FetchAccount {
    type Output = Account;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Account>, Error> {
        let step = Step::FindAccount;
        self.0.poll(cx, |cx, event| {
            let known = account(cx.session, step)?;
            match event {
                Event::Start | Event::Signed(_) => {
                    let kind = RequestKind::Account;
                    let request = request(cx.session, step, kind, known.url, None, Repeat::Freely);
                    Ok(Next::Send(Box::new(request)))
                }
                Event::Outcome(Outcome::Reply(reply)) => {
                    let key_id = known.external_account_key_id;
                    let contacts = known.contacts;
                    read_account_at(cx.session, step, &reply, known.url, &contacts, key_id)
                        .map(Next::Finish)
                }
                Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => Err(error),
            }
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.0.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.0.binding.as_ref(), Saved::FetchAccount)
    }
}
