//! Finds the account of a key (RFC 8555 §7.3.1).

use http::StatusCode;

use super::{new_account_url, read_account};
use crate::account::Account;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::{KeyUse, Outcome, Repeat, Request};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single};
use crate::flow::{Context, Flow};
use crate::session::Session;
use crate::time::Timestamp;

/// Asks the server for the account of the session's key. No account is ever made: an unknown key
/// gives an error of kind [`NoAccount`](crate::error::ErrorKind::NoAccount).
///
/// ```text
/// directory ── newAccount {"onlyReturnExisting": true} ── 200 Location ── Done(Account)
///                                                      └─ accountDoesNotExist ── NoAccount
/// ```
pub struct FindAccount(Single);

impl FindAccount {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self(Single::new(Step::FindAccount, None))
    }

    /// Gives up at this time.
    #[must_use]
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.0.set_deadline(deadline);
        self
    }

    /// Continues from a checkpoint: the question is asked again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::FindAccount) => Ok(Self(Single::new(Step::FindAccount, binding))),
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Default for FindAccount {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the answer to that question is no. Servers that do not know the type of RFC 8555 §7.3.1
/// say it by the status or in words (quirk 26).
pub(super) fn is_unknown_key(error: &Error) -> bool {
    let refused = error.status().is_some_and(|status| status.is_client_error());
    let text = error.problem().and_then(|problem| problem.detail.as_deref()).unwrap_or_default();
    let text = text.to_ascii_lowercase();
    let denies = ["not exist", "not found", "unknown", "no account", "no such"];
    error.kind() == ErrorKind::NoAccount
        || error.status() == Some(StatusCode::NOT_FOUND)
        || (refused && text.contains("account") && denies.iter().any(|word| text.contains(word)))
}

/// The question whether the server knows a key.
pub(super) fn request(session: &Session, key: KeyUse) -> Result<Request<()>, Error> {
    Ok(Request {
        tag: (),
        step: Step::FindAccount,
        kind: RequestKind::NewAccount,
        url: new_account_url(session, Step::FindAccount)?,
        payload: serde_json::json!({ "onlyReturnExisting": true }).to_string().into_bytes(),
        key,
        accept: None,
        max_response_len: session.policy().max_json_len,
        repeat: Repeat::Freely,
    })
}

/// One kind of error for every way of saying that there is no account.
fn unknown(error: Error) -> Error {
    if error.kind() == ErrorKind::NoAccount {
        return error;
    }
    let text = format!("the server knows no account for this key: {}", error.message());
    let unknown = Error::new(ErrorKind::NoAccount, Step::FindAccount, "accountDoesNotExist", text);
    let unknown = unknown.with_retry(Retry::FixInput);
    match error.problem() {
        Some(problem) => unknown.with_problem(problem.clone()),
        None => unknown,
    }
}

impl Flow for FindAccount {
    type Output = Account;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Account>, Error> {
        self.0.poll(cx, |cx, event| match event {
            Event::Outcome(Outcome::Reply(reply)) => {
                read_account(cx.session, Step::FindAccount, &reply, &[], None).map(Next::Finish)
            }
            Event::Outcome(Outcome::Failed(error)) if is_unknown_key(&error) => Err(unknown(error)),
            Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => Err(error),
            Event::Start | Event::Signed(_) => {
                Ok(Next::Send(Box::new(request(cx.session, KeyUse::Jwk)?)))
            }
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.0.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.0.binding.as_ref(), Saved::FindAccount)
    }
}
