//! Changes the contacts of an account or agrees to new terms (RFC 8555 §7.3.2, §7.3.3).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::read_account_at;
use super::register::check_contact;
use crate::account::Account;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, account, request};
use crate::flow::{Context, Flow};
use crate::problem::printable;
use crate::session::Session;

/// What is to change; what is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountChange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contacts: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    terms_agreed: bool,
}

impl AccountChange {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces all contacts by these URLs; an empty list removes them.
    #[must_use]
    pub fn contacts(mut self, urls: impl IntoIterator<Item = String>) -> Self {
        self.contacts = Some(urls.into_iter().collect());
        self
    }

    /// States that the user has agreed to the terms of service that the directory names now.
    #[must_use]
    pub fn agree_to_terms(mut self) -> Self {
        self.terms_agreed = true;
        self
    }
}

/// Changes the account; its answer replaces the session's record.
///
/// ```text
/// directory ── account {"contact": […]} ── 200 ── Done(Account)
/// ```
pub struct UpdateAccount {
    single: Single,
    change: AccountChange,
}

impl UpdateAccount {
    /// Begins; nothing is sent before the first poll.
    pub fn new(change: AccountChange) -> Self {
        Self { single: Single::new(Step::UpdateAccount, None), change }
    }

    /// Continues from a checkpoint: the change is sent again, which does no harm.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::UpdateAccount(change)) => {
                Ok(Self { single: Single::new(Step::UpdateAccount, binding), change })
            }
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Flow for UpdateAccount {
    type Output = Account;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Account>, Error> {
        let Self { single, change } = self;
        single.poll(cx, |cx, event| {
            let step = Step::UpdateAccount;
            let known = account(cx.session, step)?;
            match event {
                Event::Start | Event::Signed(_) => {}
                Event::Outcome(Outcome::Reply(reply)) => {
                    let contacts = change.contacts.clone().unwrap_or(known.contacts);
                    let key_id = known.external_account_key_id;
                    return read_account_at(cx.session, step, &reply, known.url, &contacts, key_id)
                        .map(Next::Finish);
                }
                Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => {
                    return Err(error);
                }
            }
            let mut payload = Map::new();
            if let Some(contacts) = &change.contacts {
                for contact in contacts {
                    check_contact(contact).map_err(|reason| {
                        let contact = printable(contact);
                        let text = format!("the contact {contact:?} cannot be used: {reason}");
                        Error::new(ErrorKind::Input, step, "invalidContact", text)
                    })?;
                }
                cx.session.check_rule(step, |profile| profile.check_contacts(contacts))?;
                payload.insert("contact".into(), contacts.clone().into());
            }
            if change.terms_agreed {
                payload.insert("termsOfServiceAgreed".into(), true.into());
            }
            if payload.is_empty() {
                let text = "the change of the account changes nothing";
                return Err(Error::new(ErrorKind::Input, step, "nothing-to-change", text));
            }
            let (kind, payload) = (RequestKind::Account, Some(Value::Object(payload)));
            let request = request(cx.session, step, kind, known.url, payload, Repeat::Freely);
            Ok(Next::Send(Box::new(request)))
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        let saved = Saved::UpdateAccount(self.change.clone());
        Checkpoint::new(self.single.binding.as_ref(), saved)
    }
}
