//! Gives an account up for good (RFC 8555 §7.3.6).

use serde_json::{Value, json};

use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, account, request};
use crate::flow::{Context, Flow};
use crate::problem::ProblemType;
use crate::session::Session;

/// Deactivates the session's account. This cannot be undone: the key can make no new account at
/// that server, and its orders end. A refusal is an error.
///
/// ```text
/// directory ── account {"status": "deactivated"} ── 200 ── Done
/// ```
pub struct DeactivateAccount {
    single: Single,
    /// An answer was lost: a refusal because of the account's state means that it was done.
    doubtful: bool,
}

impl DeactivateAccount {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self { single: Single::new(Step::DeactivateAccount, None), doubtful: false }
    }

    /// Continues from a checkpoint: the request is sent again, which does no harm.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::DeactivateAccount) => {
                Ok(Self { single: Single::new(Step::DeactivateAccount, binding), doubtful: true })
            }
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Default for DeactivateAccount {
    fn default() -> Self {
        Self::new()
    }
}

impl Flow for DeactivateAccount {
    type Output = ();

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<()>, Error> {
        let Self { single, doubtful } = self;
        single.poll(cx, |cx, event| {
            let step = Step::DeactivateAccount;
            match event {
                Event::Outcome(Outcome::Reply(reply)) => {
                    let object = reply.object(step).unwrap_or_default();
                    let status = object.get("status").and_then(Value::as_str);
                    if status.is_some_and(|status| status != "deactivated") {
                        let text = "the server accepted the deactivation, but the account is as \
                                    it was";
                        let kind = ErrorKind::Protocol;
                        return Err(Error::new(kind, step, "account-not-deactivated", text));
                    }
                    cx.session.drop_account();
                    return Ok(Next::Finish(()));
                }
                Event::Outcome(Outcome::Failed(error)) => {
                    let gone = error.problem().is_some_and(|problem| {
                        let kind = &problem.kind;
                        matches!(kind, ProblemType::Unauthorized | ProblemType::AccountDoesNotExist)
                    });
                    if !(*doubtful && gone) {
                        return Err(error);
                    }
                    cx.session.drop_account();
                    return Ok(Next::Finish(()));
                }
                Event::Outcome(Outcome::Unknown(error)) if *doubtful => return Err(error),
                Event::Outcome(Outcome::Unknown(_)) => *doubtful = true,
                Event::Start | Event::Signed(_) => {}
            }
            let url = account(cx.session, step)?.url;
            let payload = Some(json!({ "status": "deactivated" }));
            let (kind, repeat) = (RequestKind::Account, Repeat::AfterAsking);
            let request = request(cx.session, step, kind, url, payload, repeat);
            Ok(Next::Send(Box::new(request)))
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.single.binding.as_ref(), Saved::DeactivateAccount)
    }
}
