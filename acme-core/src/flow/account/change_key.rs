//! Replaces the account key (RFC 8555 §7.3.5).

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::find;
use crate::account::Account;
use crate::action::{Action, Input, RequestKind, SigningKey};
use crate::error::{Error, ErrorKind, Misuse, Retry, Step};
use crate::exchange::{KeyUse, Outcome, Repeat, Reply, accepted_name};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, account, request};
use crate::flow::{Context, Flow};
use crate::jose::{AccountKey, JwsAlgorithm, KeyReference, ProtectedHeader, SigningInput};
use crate::session::Session;

/// Most times the change is sent, each after the server has said that the old key still holds.
const MAX_SENDS: u32 = 2;

/// Gives the session's account a new key. Save the new key before this begins, and keep the old
/// one until it has ended: the session changes over only when the server has confirmed.
///
/// ```text
/// directory ─ (sign inner) ─ keyChange ─ 200 ─ Done(Account)
///                 ▲            │ answer lost, or 200 and nothing in it
///                 │            ▼
///                 │          newKey known? ── yes ─ Done(Account)
///                 └─ yes ─ oldKey known? ◄── no
/// ```
///
/// A 200 whose body does not show the account is no proof: a server has been seen that answers so
/// when it refuses a key that belongs to another account.
pub struct ChangeKey {
    single: Single,
    change: Change,
}

struct Change {
    new_key: AccountKey,
    inner: Option<SigningInput>,
    state: State,
    sends: u32,
    /// What the inner JWS called its algorithm.
    inner_algorithm: Option<JwsAlgorithm>,
    renamed: bool,
    /// Whether the server has said 200, and no more.
    is_confirmed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The change is on its way.
    Changing,
    /// The answer was lost: does the server know the new key?
    AskingForNew,
    /// It does not; does it still know the old one?
    AskingForOld,
}

/// A key change in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedChangeKey {
    new_key_thumbprint: String,
    /// Whether keyChange may have reached the server.
    sent: bool,
}

impl ChangeKey {
    /// Begins; nothing is sent before the first poll.
    pub fn new(new_key: AccountKey) -> Self {
        Self {
            single: Single::new(Step::ChangeKey, None),
            change: Change::new(new_key, State::Changing),
        }
    }

    /// Asks the server first which key holds: for a change to the same new key that was interrupted
    /// and of which no checkpoint was kept.
    #[must_use]
    pub fn after_interruption(mut self) -> Self {
        self.change.state = State::AskingForNew;
        self
    }

    /// Continues from a checkpoint, in a session with the old key. If the change may have been
    /// sent, the server is asked first which key holds.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session, or the new key is another than before.
    pub fn resume(
        saved: Checkpoint,
        session: &Session,
        new_key: AccountKey,
    ) -> Result<Self, ResumeError> {
        let (binding, Saved::ChangeKey(saved)) = saved.open(session)? else {
            return Err(ResumeError::OtherFlow);
        };
        if saved.new_key_thumbprint != new_key.thumbprint() {
            return Err(ResumeError::OtherAccountKey);
        }
        let state = if saved.sent { State::AskingForNew } else { State::Changing };
        Ok(Self {
            single: Single::new(Step::ChangeKey, binding),
            change: Change::new(new_key, state),
        })
    }
}

impl Change {
    fn new(new_key: AccountKey, state: State) -> Self {
        Self {
            new_key,
            inner: None,
            state,
            sends: 0,
            inner_algorithm: None,
            renamed: false,
            is_confirmed: false,
        }
    }

    fn next(&mut self, cx: &mut Context<'_>, event: Event) -> Result<Next<Account>, Error> {
        match event {
            Event::Start if self.state == State::AskingForNew => self.ask_for_new(cx.session),
            Event::Start => self.sign(cx),
            Event::Signed(signature) => {
                let signature = self
                    .new_key
                    .normalise_signature(&signature)
                    .map_err(|error| signing_failed(&error))?;
                self.send(cx.session, &signature)
            }
            Event::Outcome(outcome) => self.take(cx, outcome),
        }
    }

    /// The inner JWS: the new key says that it takes the account over.
    fn sign(&mut self, cx: &mut Context<'_>) -> Result<Next<Account>, Error> {
        let step = Step::ChangeKey;
        let error = |kind, code, text: &str| Err(Error::new(kind, step, code, text));
        let account = account(cx.session, step)?;
        if self.new_key.thumbprint() == cx.session.account_key().thumbprint() {
            return error(ErrorKind::Input, "same-key", "the new account key is the present one");
        }
        cx.session.check_new_key(step, &self.new_key)?;
        let url = key_change_url(cx.session)?;
        let algorithm = cx.session.algorithm_name(self.new_key.algorithm());
        self.inner_algorithm = Some(algorithm);
        let header = ProtectedHeader {
            algorithm,
            nonce: None,
            url: &url,
            key: KeyReference::Jwk(self.new_key.jwk()),
        };
        let payload = json!({
            "account": account.url,
            "oldKey": cx.session.account_key().jwk().to_value(),
        });
        let inner = SigningInput::new(&header, payload.to_string().as_bytes());
        self.inner = Some(inner.clone());
        match &self.new_key {
            AccountKey::Local(signer) => {
                let signature = signer
                    .sign(cx.entropy, inner.as_bytes())
                    .map_err(|error| signing_failed(&error))?;
                self.send(cx.session, &signature)
            }
            AccountKey::External { algorithm, .. } => {
                let message = inner.as_bytes().to_vec();
                Ok(Next::Sign(SigningKey::NewAccount(*algorithm), message))
            }
        }
    }

    fn send(&mut self, session: &Session, signature: &[u8]) -> Result<Next<Account>, Error> {
        let body = self.inner.take().map(|inner| inner.into_body(signature)).unwrap_or_default();
        let payload: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.state = State::Changing;
        self.sends += 1;
        let (step, kind) = (Step::ChangeKey, RequestKind::KeyChange);
        let (url, repeat) = (key_change_url(session)?, Repeat::AfterAsking);
        Ok(Next::Send(Box::new(request(session, step, kind, url, Some(payload), repeat))))
    }

    fn ask_for_new(&mut self, session: &Session) -> Result<Next<Account>, Error> {
        self.state = State::AskingForNew;
        let role = SigningKey::NewAccount(self.new_key.algorithm());
        let key = KeyUse::Other(self.new_key.clone(), role);
        Ok(Next::Send(Box::new(find::request(session, key)?)))
    }

    fn take(&mut self, cx: &mut Context<'_>, outcome: Outcome) -> Result<Next<Account>, Error> {
        match (self.state, outcome) {
            (State::Changing, Outcome::Reply(reply)) if shows_account(&reply) => self.changed(cx),
            (State::Changing, Outcome::Reply(_)) => {
                self.is_confirmed = true;
                self.ask_for_new(cx.session)
            }
            (State::Changing, Outcome::Unknown(error)) => {
                if self.sends >= MAX_SENDS {
                    return Err(error);
                }
                self.ask_for_new(cx.session)
            }
            (State::Changing, Outcome::Failed(error)) => self.refused(cx, error),
            (State::AskingForNew, Outcome::Reply(reply)) => self.found_by_new_key(cx, &reply),
            (State::AskingForNew, Outcome::Failed(error))
                if self.is_confirmed && find::is_unknown_key(&error) =>
            {
                let text = "the server confirmed the change and does not know the new key";
                cx.session.deviations.note("key-change-not-done", text);
                Err(Error::new(ErrorKind::Protocol, Step::ChangeKey, "key-change-not-done", text))
            }
            // The question was only for more certainty: what was said before it counts.
            (State::AskingForNew, Outcome::Failed(_) | Outcome::Unknown(_))
                if self.is_confirmed =>
            {
                self.changed(cx)
            }
            (State::AskingForNew, Outcome::Failed(error)) if find::is_unknown_key(&error) => {
                self.state = State::AskingForOld;
                Ok(Next::Send(Box::new(find::request(cx.session, KeyUse::Jwk)?)))
            }
            (State::AskingForOld, Outcome::Reply(_)) => self.sign(cx),
            (_, Outcome::Failed(error) | Outcome::Unknown(error)) => Err(error),
        }
    }

    /// The new key has an account: it must be this one.
    fn found_by_new_key(
        &mut self,
        cx: &mut Context<'_>,
        reply: &Reply,
    ) -> Result<Next<Account>, Error> {
        let step = Step::ChangeKey;
        let url = reply.location(step, cx.session)?;
        if url.as_ref().is_some_and(|url| *url == account_url(cx.session)) {
            return self.changed(cx);
        }
        if self.is_confirmed {
            let text = "the server confirmed the change to a key that belongs to another account";
            cx.session.deviations.note("key-change-not-done", text);
        }
        Err(key_in_use("", url.as_deref()))
    }

    fn refused(&mut self, cx: &mut Context<'_>, error: Error) -> Result<Next<Account>, Error> {
        // The outer JWS has a name that the server takes; the new key's may still be the other one.
        let name = self.inner_algorithm.and_then(|used| accepted_name(used, &error));
        if let Some(name) = name.filter(|_| !self.renamed) {
            self.renamed = true;
            self.sends = self.sends.saturating_sub(1);
            cx.session.use_algorithm_name(name);
            return self.sign(cx);
        }
        match error.status() {
            // The first of two sendings has arrived after all.
            Some(StatusCode::CONFLICT) if error.location() == Some(&account_url(cx.session)) => {
                self.changed(cx)
            }
            Some(StatusCode::CONFLICT) => {
                let detail = format!(": {}", error.message());
                let in_use = key_in_use(&detail, error.location()).with_status(error.status());
                Err(match error.problem() {
                    Some(problem) => in_use.with_problem(problem.clone()),
                    None => in_use,
                })
            }
            // An address that nobody answers at, as where a server offers what it does not have.
            Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
                if error.kind() != ErrorKind::NoAccount =>
            {
                Err(unsupported(&format!(
                    "the server does not answer keyChange: {}",
                    error.message()
                )))
            }
            _ => Err(error),
        }
    }

    fn changed(&mut self, cx: &mut Context<'_>) -> Result<Next<Account>, Error> {
        cx.session.replace_key(self.new_key.clone());
        account(cx.session, Step::ChangeKey).map(Next::Finish)
    }
}

/// Whether a confirmation shows the account, and not an error under a good status.
fn shows_account(reply: &Reply) -> bool {
    let Ok(object) = reply.object(Step::ChangeKey) else { return false };
    let members = ["status", "contact", "orders", "termsOfServiceAgreed", "key"];
    !object.contains_key("type") && members.iter().any(|name| object.contains_key(*name))
}

fn account_url(session: &Session) -> String {
    session.account().map(|account| account.url.clone()).unwrap_or_default()
}

fn key_change_url(session: &Session) -> Result<String, Error> {
    let url = session.directory().and_then(|directory| directory.key_change.clone());
    url.ok_or_else(|| unsupported("the server offers no change of account keys"))
}

fn unsupported(text: &str) -> Error {
    Error::new(ErrorKind::Unsupported, Step::ChangeKey, "key-change-unsupported", text)
}

/// §7.3.5: the account that has the new key is named in `Location`.
fn key_in_use(detail: &str, account: Option<&str>) -> Error {
    let text = format!("the new key belongs to another account; the old one stays in use{detail}");
    let error = Error::new(ErrorKind::Problem, Step::ChangeKey, "key-in-use", text);
    let error = error.with_retry(Retry::FixInput);
    match account {
        Some(url) => error.with_url(url),
        None => error,
    }
}

fn signing_failed(error: &dyn core::error::Error) -> Error {
    Error::new(ErrorKind::Crypto, Step::ChangeKey, "signing-failed", error.to_string())
}

impl Flow for ChangeKey {
    type Output = Account;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Account>, Error> {
        let Self { single, change } = self;
        single.poll(cx, |cx, event| change.next(cx, event))
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        let change = &self.change;
        Checkpoint::new(
            self.single.binding.as_ref(),
            Saved::ChangeKey(SavedChangeKey {
                new_key_thumbprint: change.new_key.thumbprint(),
                sent: change.sends > 0 || change.state != State::Changing,
            }),
        )
    }
}
