//! One error type for everything that can end a flow: what happened, where, whose fault it is,
//! and what to do next.

use core::fmt;
use std::sync::Arc;

use http::StatusCode;

use crate::advice::Language;
use crate::ca::{CaProfile, Explanation, RetryHint};
use crate::problem::{Problem, ProblemType, printable};
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

mod binding_fault;
mod kind;
mod misuse;
mod refusal;
mod step;

pub use binding_fault::BindingFault;
pub use kind::{Blame, ErrorKind, Retry};
pub use misuse::Misuse;
pub(crate) use refusal::Refusal;
pub use step::Step;

/// Why a flow ended without a result. Cheap to clone; its text holds no secret.
///
/// ```
/// # use acmekit_core::error::{Error, ErrorKind, Retry};
/// fn when_to_come_back(error: &Error) -> Option<i64> {
///     match error.retry() {
///         Retry::At(time) => Some(time.unix_seconds()),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    step: Step,
    code: &'static str,
    message: String,
    retry: Retry,
    url: Option<String>,
    status: Option<StatusCode>,
    problem: Option<Problem>,
    terms_of_service: Option<String>,
    help: Option<String>,
    location: Option<String>,
    evidence: Option<String>,
    explanation: Option<Explanation>,
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        step: Step,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        let retry = match kind {
            ErrorKind::Transport => Retry::Now,
            ErrorKind::Validation | ErrorKind::Publication => Retry::NewOrder,
            ErrorKind::Input | ErrorKind::Crypto => Retry::FixInput,
            _ => Retry::Never,
        };
        Self(Arc::new(Inner {
            kind,
            step,
            code,
            message: bounded(&message.into()),
            retry,
            url: None,
            status: None,
            problem: None,
            terms_of_service: None,
            help: None,
            location: None,
            evidence: None,
            explanation: None,
        }))
    }

    fn inner_mut(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    pub(crate) fn with_retry(mut self, retry: Retry) -> Self {
        self.inner_mut().retry = retry;
        self
    }

    /// The same error under a more exact code, with the sentence that goes with it.
    pub(crate) fn with_code(mut self, code: &'static str, message: &str) -> Self {
        let inner = self.inner_mut();
        inner.code = code;
        inner.message = bounded(message);
        self
    }

    pub(crate) fn with_url(mut self, url: &str) -> Self {
        self.inner_mut().url = Some(url.to_owned());
        self
    }

    pub(crate) fn with_status(mut self, status: Option<StatusCode>) -> Self {
        self.inner_mut().status = status;
        self
    }

    pub(crate) fn with_problem(mut self, problem: Problem) -> Self {
        self.inner_mut().problem = Some(problem);
        self
    }

    pub(crate) fn with_evidence(mut self, evidence: String) -> Self {
        self.inner_mut().evidence = Some(evidence);
        self
    }

    pub(crate) fn with_step(mut self, step: Step) -> Self {
        self.inner_mut().step = step;
        self
    }

    /// Adds what is known about the ways of the CA: what it means by this refusal, and what helps.
    pub(crate) fn in_light_of(mut self, profile: Option<&CaProfile>, now: Timestamp) -> Self {
        let status = self.0.status.map(|status| status.as_u16());
        let explanation = match (profile, self.problem()) {
            (Some(profile), Some(problem)) => profile.explain(self.0.step, status, problem),
            (Some(profile), None) if status.is_some() => {
                profile.explain_text(self.0.step, status, &self.0.message)
            }
            _ => None,
        };
        let Some(explanation) = explanation else { return self };
        let inner = self.inner_mut();
        // A time or a page that the server itself named is more exact than what is known of it.
        if !matches!(inner.retry, Retry::ActAt(_)) && inner.kind != ErrorKind::RateLimited {
            inner.retry = match explanation.retry {
                RetryHint::Now => Retry::Now,
                RetryHint::Later(wait) => Retry::At(now.saturating_add(wait)),
                RetryHint::NewOrder => Retry::NewOrder,
                RetryHint::OtherCa => Retry::OtherCa,
                RetryHint::Never => Retry::Never,
                RetryHint::FixInput | RetryHint::Human => Retry::FixInput,
            };
        }
        inner.explanation = Some(explanation);
        self
    }

    /// What the CA means by this error, as far as its profile tells: many causes can share one
    /// problem type, such as the twelve kinds of `malformed` of JPRS.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.0.explanation.as_ref()
    }

    /// The stable name of what the CA means, such as `jprs-eab-refused`; see
    /// [`explanation`](Self::explanation).
    pub fn meaning(&self) -> Option<&str> {
        self.0.explanation.as_ref().map(|explanation| explanation.meaning.as_ref())
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The step at which it went wrong.
    pub fn step(&self) -> Step {
        self.0.step
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        let is_server_error = self.0.status.is_some_and(|status| status.is_server_error());
        // A server that loses its own nonces time and again is not set up well.
        let servers_own = matches!(
            self.0.problem.as_ref().map(|problem| &problem.kind),
            Some(ProblemType::ServerInternal | ProblemType::BadNonce)
        );
        match self.0.kind {
            ErrorKind::Problem if is_server_error || servers_own => Blame::Server,
            kind => kind.blame(),
        }
    }

    /// What to do about it.
    pub fn retry(&self) -> &Retry {
        &self.0.retry
    }

    /// A short name for programs, the same in every language binding and every release: the name
    /// of the problem type where the server sent one, such as `badCSR`, a word of this library
    /// otherwise, such as `deadline`.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What happened, in one sentence without the step.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The problem document, if the server sent one.
    pub fn problem(&self) -> Option<&Problem> {
        self.0.problem.as_ref()
    }

    /// The names that the server's subproblems are about (RFC 8555 §6.7.1), each once: an order
    /// without them may succeed ([`NewOrder::without`](crate::flow::issue::NewOrder::without)).
    pub fn refused_identifiers(&self) -> Vec<Identifier> {
        let mut refused = Vec::new();
        let subproblems = self.problem().map(|problem| problem.subproblems.as_slice());
        for identifier in
            subproblems.unwrap_or_default().iter().filter_map(|p| p.identifier.as_ref())
        {
            if !refused.contains(identifier) {
                refused.push(identifier.clone());
            }
        }
        refused
    }

    /// The HTTP status, if an answer is to blame.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The URL that was asked for or refused.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The terms of service to agree to now (RFC 8555 §7.3.3), if the server links to them. For a
    /// person to read; never fetched.
    pub fn terms_of_service(&self) -> Option<&str> {
        self.0.terms_of_service.as_deref()
    }

    /// Where the server explains, such as its rate limits (RFC 8555 §6.6). For a person to read;
    /// never fetched.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Where a refusal points to (`Location`), not yet checked against the policy.
    pub(crate) fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// What the server sent, kept for a report to the CA: the certificate chain in PEM when a
    /// chain was refused.
    pub fn evidence(&self) -> Option<&str> {
        self.0.evidence.as_deref()
    }

    /// What to do, in a plain sentence or two for the person who operates the server, in English.
    pub fn advice(&self) -> String {
        self.advice_in(Language::English)
    }

    /// The same in the language of that person.
    pub fn advice_in(&self, language: Language) -> String {
        crate::advice::advice_in(self, language, None)
    }
}

/// Longest message, in characters: what a server says may be megabytes.
const MAX_MESSAGE: usize = 4000;

/// A message fit for a terminal and a log, of bounded length.
fn bounded(text: &str) -> String {
    let mut shown: String = printable(text).chars().take(MAX_MESSAGE).collect();
    if shown.len() < text.len() && shown.chars().count() == MAX_MESSAGE {
        shown.push('…');
    }
    shown
}

/// Step, message and URL on one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.step, printable(&self.0.message))?;
        match &self.0.url {
            Some(url) => write!(f, " ({})", printable(url)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("step", &self.0.step)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("retry", &self.0.retry)
            .field("url", &self.0.url)
            .field("status", &self.0.status)
            .field("problem", &self.0.problem)
            .field("meaning", &self.meaning())
            .finish_non_exhaustive()
    }
}

/// The source is the problem document, for programs that look for a [`Problem`] along the chain;
/// the text of the error has its words already.
impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.problem().map(|problem| problem as _)
    }
}
