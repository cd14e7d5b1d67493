//! Gives an authorization up (RFC 8555 §7.5.2).

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, Misuse, Step};
use crate::exchange::{Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, request};
use crate::flow::{Context, Flow};
use crate::session::Session;

/// Deactivates an authorization, so that the next order for its name is validated anew.
pub struct DeactivateAuthorization {
    single: Single,
    url: String,
}

/// The deactivation of an authorization in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedDeactivateAuthorization {
    url: String,
}

impl DeactivateAuthorization {
    /// Begins with the URL of the authorization; nothing is sent before the first poll.
    pub fn new(url: impl Into<String>) -> Self {
        let single = Single::new(Step::DeactivateAuthorization, None);
        Self { single, url: url.into() }
    }

    /// Continues from a checkpoint: the request is sent again, which does no harm.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::DeactivateAuthorization(saved)) => {
                let single = Single::new(Step::DeactivateAuthorization, binding);
                Ok(Self { single, url: saved.url })
            }
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Flow for DeactivateAuthorization {
    type Output = ();

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<()>, Error> {
        let Self { single, url } = self;
        single.poll(cx, |cx, event| match event {
            Event::Start | Event::Signed(_) => {
                let payload = Some(json!({ "status": "deactivated" }));
                let (step, kind) = (Step::DeactivateAuthorization, RequestKind::Authorization);
                let url = url.clone();
                let request = request(cx.session, step, kind, url, payload, Repeat::Freely);
                Ok(Next::Send(Box::new(request)))
            }
            Event::Outcome(Outcome::Reply(_)) => Ok(Next::Finish(())),
            Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => Err(error),
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        let saved = SavedDeactivateAuthorization { url: self.url.clone() };
        Checkpoint::new(self.single.binding.as_ref(), Saved::DeactivateAuthorization(saved))
    }
}
