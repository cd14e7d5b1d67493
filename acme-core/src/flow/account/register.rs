//! Creates an account, or finds the one the key has already (RFC 8555 §7.3).

use core::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{adopt, find, new_account_url, read_account};
use crate::account::Account;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{KeyUse, Outcome, Repeat, Reply, Request};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single};
use crate::flow::{Context, Flow};
use crate::jose::ExternalAccountBinding;
use crate::problem::printable;
use crate::session::Session;
use crate::time::Timestamp;

/// Most times newAccount is sent with the same external account binding, after the server has
/// said each time that it knows no account for the key.
const MAX_SENDS: u32 = 2;

/// What a new account is made of.
///
/// ```
/// use acmekit_core::flow::account::Registration;
/// let registration =
///     Registration::new().contact("mailto:admin@example.org").agree_to_terms(true);
/// ```
#[derive(Clone, Default)]
pub struct Registration {
    contacts: Vec<String>,
    terms_agreed: bool,
    external_account: Option<ExternalAccountBinding>,
}

impl Registration {
    /// An account without contact, for a server without terms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a contact URL, such as `mailto:admin@example.org`.
    #[must_use]
    pub fn contact(mut self, url: impl Into<String>) -> Self {
        self.contacts.push(url.into());
        self
    }

    /// States whether the user has agreed to the terms of service that the directory names. They
    /// are never agreed to by default (R-ACC-03).
    #[must_use]
    pub fn agree_to_terms(mut self, agreed: bool) -> Self {
        self.terms_agreed = agreed;
        self
    }

    /// Binds the account to one that the CA knows by other means (RFC 8555 §7.3.4).
    #[must_use]
    pub fn external_account(mut self, binding: ExternalAccountBinding) -> Self {
        self.external_account = Some(binding);
        self
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("contacts", &self.contacts)
            .field("terms_agreed", &self.terms_agreed)
            .field("external_account", &self.external_account)
            .finish()
    }
}

/// Creates the account of the session's key; one that exists already is found by the same request.
///
/// ```text
/// directory ─ newAccount ─ 201/200/409 Location ─ Done(Account)
///               ▲  ├ answer lost, with a binding ─┬─ onlyReturnExisting ─ 200 ─ Done(Account)
///               │  └ "not awaiting a binding" ────┘            │
///               └────────────────────────────── accountDoesNotExist
/// ```
///
/// An external account binding may work only once. So when the answer to a request that carried
/// one is lost, the account is looked up before the binding is sent again; so it is when the
/// session has an account already. The flow forgets the secret once there is an account.
pub struct Register {
    single: Single,
    plan: Plan,
}

struct Plan {
    registration: Registration,
    /// The key id of the binding, which outlives its secret.
    key_id: Option<String>,
    asking: bool,
    sends: u32,
    /// The server refused because the key seems to have an account.
    refusal: Option<Error>,
    /// Why nobody knows what came of the last request with the binding.
    doubt: Option<Error>,
}

/// A registration in a checkpoint; the binding's secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedRegister {
    contacts: Vec<String>,
    terms_agreed: bool,
    /// Whether the registration goes with an external account binding, and its key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_account_key_id: Option<String>,
    /// Whether newAccount may have reached the server.
    sent: bool,
}

impl Register {
    /// Begins; nothing is sent before the first poll.
    pub fn new(registration: Registration) -> Self {
        Self { single: Single::new(Step::Register, None), plan: Plan::new(registration, false) }
    }

    /// Gives up at this time.
    #[must_use]
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.single.set_deadline(deadline);
        self
    }

    /// Continues from a checkpoint. If newAccount may have been sent with a binding, the account
    /// is looked up first. The binding must be given again, since a checkpoint holds no secret.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session, or the binding is missing.
    pub fn resume(
        saved: Checkpoint,
        session: &Session,
        external_account: Option<ExternalAccountBinding>,
    ) -> Result<Self, ResumeError> {
        let (binding, Saved::Register(saved)) = saved.open(session)? else {
            return Err(ResumeError::OtherFlow);
        };
        if saved.external_account_key_id.is_some() && external_account.is_none() {
            return Err(ResumeError::ExternalAccountMissing);
        }
        let asking = saved.sent && external_account.is_some();
        let registration = Registration {
            contacts: saved.contacts,
            terms_agreed: saved.terms_agreed,
            external_account,
        };
        Ok(Self {
            single: Single::new(Step::Register, binding),
            plan: Plan::new(registration, asking),
        })
    }
}

impl Plan {
    fn new(registration: Registration, asking: bool) -> Self {
        let key_id = registration.external_account.as_ref().map(|b| b.key_id().to_owned());
        Self { registration, key_id, asking, sends: 0, refusal: None, doubt: None }
    }

    fn next(&mut self, cx: &mut Context<'_>, event: Event) -> Result<Next<Account>, Error> {
        match event {
            Event::Start | Event::Signed(_) => {
                check(&self.registration, cx.session)?;
                self.asking |= self.key_id.is_some() && cx.session.account().is_some();
            }
            Event::Outcome(Outcome::Reply(reply)) => return self.registered(cx.session, &reply),
            Event::Outcome(Outcome::Failed(error)) if self.asking => {
                let is_unknown = find::is_unknown_key(&error);
                if let Some(refusal) = self.refusal.take()
                    && (is_unknown || error.kind() == ErrorKind::Problem)
                {
                    return Err(refusal);
                }
                if !is_unknown {
                    return Err(error);
                }
                if self.sends >= MAX_SENDS {
                    // That there is no account is only what follows from this.
                    return Err(self.doubt.take().unwrap_or(error));
                }
                self.asking = false;
            }
            Event::Outcome(Outcome::Unknown(error)) => {
                self.asking = true;
                self.doubt = Some(error);
            }
            Event::Outcome(Outcome::Failed(error)) => return self.refused(cx.session, error),
        }
        self.send(cx.session)
    }

    fn registered(&mut self, session: &mut Session, reply: &Reply) -> Result<Next<Account>, Error> {
        if reply.status == StatusCode::OK
            && self.sends == 1
            && !self.asking
            && self.key_id.is_some()
        {
            // RFC 8555 §7.3.1: for a key that has an account, nothing else in the request counts.
            let text = "the key had an account already; the external account binding was ignored";
            session.deviations.note("binding-ignored", text);
        }
        let (contacts, key_id) = (&self.registration.contacts, self.key_id.clone());
        let account = read_account(session, Step::Register, reply, contacts, key_id)?;
        self.registration.external_account = None;
        Ok(Next::Finish(account))
    }

    /// Servers tell in several ways that the key has an account (quirk 23).
    fn refused(&mut self, session: &mut Session, error: Error) -> Result<Next<Account>, Error> {
        if self.refusal.is_some() || !says_that_the_key_is_known(&error) {
            return Err(error);
        }
        let text = format!("an existing account is not returned, but refused: {}", error.message());
        session.deviations.note("account-refused", text);
        if let Some(location) = error.location() {
            session.check_url(Step::Register, location)?;
            let (contacts, key_id) = (&self.registration.contacts, self.key_id.clone());
            let url = location.to_owned();
            let account = adopt(session, url, Map::new(), contacts, key_id, Step::Register)?;
            self.registration.external_account = None;
            return Ok(Next::Finish(account));
        }
        self.refusal = Some(error);
        self.asking = true;
        self.send(session)
    }

    fn send(&mut self, session: &Session) -> Result<Next<Account>, Error> {
        if self.asking {
            return Ok(Next::Send(Box::new(find::request(session, KeyUse::Jwk)?)));
        }
        let registration = &self.registration;
        let url = new_account_url(session, Step::Register)?;
        let payload = payload(registration, session, &url)?;
        self.sends += 1;
        let repeat = match registration.external_account {
            Some(_) => Repeat::AfterAsking,
            None => Repeat::Freely,
        };
        Ok(Next::Send(Box::new(Request {
            tag: (),
            step: Step::Register,
            kind: RequestKind::NewAccount,
            url,
            payload: Value::Object(payload).to_string().into_bytes(),
            key: KeyUse::Jwk,
            accept: None,
            max_response_len: session.policy().max_json_len,
            repeat,
        })))
    }
}

fn says_that_the_key_is_known(error: &Error) -> bool {
    let text = error.problem().and_then(|problem| problem.detail.as_deref()).unwrap_or_default();
    error.status() == Some(StatusCode::CONFLICT)
        || text.to_ascii_lowercase().contains("not awaiting external account binding")
}

/// What must be right before anything is sent: a failed attempt may use a binding up.
fn check(registration: &Registration, session: &Session) -> Result<(), Error> {
    let error = |kind, code, text: String| Error::new(kind, Step::Register, code, text);
    for contact in &registration.contacts {
        check_contact(contact).map_err(|reason| {
            let text = format!("the contact {:?} cannot be used: {reason}", printable(contact));
            error(ErrorKind::Input, "invalidContact", text)
        })?;
    }
    session.check_new_key(Step::Register, session.account_key())?;
    // A second binding would be ignored, or be used up for nothing.
    let wanted = registration.external_account.as_ref().map(ExternalAccountBinding::key_id);
    let bound = session.account().and_then(|account| account.external_account_key_id.as_deref());
    if let (Some(wanted), Some(bound)) = (wanted, bound)
        && wanted != bound
    {
        let text = format!(
            "this key has an account with the external account binding {:?}; an account with {:?} \
             needs a key of its own",
            printable(bound),
            printable(wanted)
        );
        return Err(error(ErrorKind::Input, "other-binding", text));
    }
    session.check_rule(Step::Register, |profile| {
        let binding = registration.external_account.as_ref();
        let algorithm = binding.map(ExternalAccountBinding::algorithm);
        profile.check_registration(&registration.contacts, binding.is_some(), algorithm)?;
        profile.check_account_key(session.account_key().algorithm())
    })?;
    let Some(directory) = session.directory() else { return Ok(()) };
    if directory.external_account_required && registration.external_account.is_none() {
        let text = "this CA makes accounts only with an external account binding".to_owned();
        return Err(error(ErrorKind::Input, "external-account-required", text));
    }
    match &directory.terms_of_service {
        Some(terms) if !registration.terms_agreed => {
            let text = format!("the terms of service are not agreed to: {}", printable(terms));
            Err(error(ErrorKind::Input, "terms-not-agreed", text))
        }
        _ => Ok(()),
    }
}

/// RFC 8555 §7.3: a contact is a URL; a mailto URL has one address and no header fields.
pub(super) fn check_contact(contact: &str) -> Result<(), &'static str> {
    let (scheme, rest) = contact
        .split_once(':')
        .ok_or("it is no URL; write an e-mail address as mailto:name@example.org")?;
    if scheme.is_empty() || rest.is_empty() || contact.chars().any(|c| c.is_control() || c == ' ') {
        return Err("it is no URL");
    }
    if !scheme.eq_ignore_ascii_case("mailto") {
        return Ok(());
    }
    if rest.contains('?') {
        return Err("a mailto URL may have no header fields here");
    }
    if rest.contains(',') {
        return Err("a mailto URL may have only one address here; add one contact for each");
    }
    match rest.split_once('@') {
        Some((user, _)) if user.to_ascii_lowercase().starts_with("mailto:") => {
            Err("it says mailto: twice")
        }
        Some((user, domain)) if !user.is_empty() && !domain.is_empty() && !domain.contains('@') => {
            Ok(())
        }
        _ => Err("it is no e-mail address"),
    }
}

fn payload(
    registration: &Registration,
    session: &Session,
    url: &str,
) -> Result<Map<String, Value>, Error> {
    let mut payload = Map::new();
    if !registration.contacts.is_empty() {
        payload.insert("contact".into(), registration.contacts.clone().into());
    }
    if registration.terms_agreed {
        payload.insert("termsOfServiceAgreed".into(), true.into());
    }
    if let Some(binding) = &registration.external_account {
        let inner = binding.sign(session.account_key().jwk(), url).map_err(|error| {
            let text = format!("the external account binding cannot be signed: {error}");
            Error::new(ErrorKind::Crypto, Step::Register, "mac-failed", text)
        })?;
        payload.insert("externalAccountBinding".into(), inner);
    }
    Ok(payload)
}

impl Flow for Register {
    type Output = Account;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Account>, Error> {
        let Self { single, plan } = self;
        single.poll(cx, |cx, event| plan.next(cx, event))
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        let registration = &self.plan.registration;
        Checkpoint::new(
            self.single.binding.as_ref(),
            Saved::Register(SavedRegister {
                contacts: registration.contacts.clone(),
                terms_agreed: registration.terms_agreed,
                external_account_key_id: self.plan.key_id.clone(),
                sent: self.plan.sends > 0 || self.plan.asking,
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_that_a_server_would_refuse_are_refused_first() {
        for good in ["mailto:a@example.org", "MAILTO:a+b@example.org", "tel:+81-3-0000-0000"] {
            assert_eq!(check_contact(good), Ok(()), "{good}");
        }
        for bad in [
            "a@example.org",
            "mailto:",
            "mailto:a@x?subject=1",
            "mailto:a@x,b@x",
            "mailto:a@x,y.example",
            "mailto:a",
            "mailto:a@b@c",
            ":x",
            "mailto:a b@x",
            "mailto:a@x\r\n",
            "mailto:mailto:a@x",
            "mailto:MAILTO:a@x",
        ] {
            assert!(check_contact(bad).is_err(), "{bad}");
        }
    }
}
