//! One error type for everything that can end a flow: what happened, where, whose fault it is,
//! and what to do next.

mod binding_fault;

use core::fmt;
use std::sync::Arc;

use http::{HeaderMap, StatusCode};

pub use binding_fault::BindingFault;

use crate::advice::Language;
use crate::ca::{CaProfile, Explanation, RetryHint};
use crate::header;
use crate::problem::{Problem, ProblemType, printable};
use crate::time::Timestamp;

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

/// An answer that refuses, as the exchange sees it.
pub(crate) struct Refusal<'a> {
    pub(crate) step: Step,
    pub(crate) url: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) problem: Option<Problem>,
    pub(crate) body_excerpt: &'a str,
    pub(crate) now: Timestamp,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server refused, with or without a problem document.
    Problem,
    /// The server asks to come back later; [`Retry::At`] tells when.
    RateLimited,
    /// The server broke the protocol, or a limit of the [`Policy`](crate::policy::Policy).
    Protocol,
    /// The network, or TLS, failed.
    Transport,
    /// The deadline passed first.
    Deadline,
    /// The CA did not see the proof of control that was published, or said so.
    Validation,
    /// No challenge could be published where the CA would look for it.
    Publication,
    /// The certificate that came back is not the one that was asked for.
    Certificate,
    /// A key, a signature or the source of randomness failed.
    Crypto,
    /// What the caller asked for cannot be; nothing was sent for it.
    Input,
    /// The server does not offer what the operation needs.
    Unsupported,
    /// The server knows no account for this key.
    NoAccount,
    /// The caller cancelled the flow.
    Cancelled,
}

impl ErrorKind {
    /// Whose fault this kind of error usually is.
    pub const fn blame(self) -> Blame {
        match self {
            Self::Problem | Self::Validation | Self::Publication => Blame::Setup,
            Self::RateLimited | Self::Protocol | Self::Certificate | Self::Unsupported => {
                Blame::Server
            }
            Self::Transport => Blame::Network,
            Self::Deadline => Blame::Nobody,
            Self::Crypto | Self::Input | Self::NoAccount => Blame::Caller,
            Self::Cancelled => Blame::Nobody,
        }
    }
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blame {
    /// The program that calls this library, or what its user typed.
    Caller,
    /// The certificate authority.
    Server,
    /// What lies between.
    Network,
    /// The set-up around the program: DNS, a firewall, a web server, the account at the CA.
    Setup,
    /// Time ran out, or the caller changed its mind.
    Nobody,
}

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Try the same again at once.
    Now,
    /// Try the same again, not before this time.
    At(Timestamp),
    /// This order is lost; a new one may succeed.
    NewOrder,
    /// Order again without naming the certificate that is replaced.
    WithoutReplaces,
    /// This CA does not issue for these names; another one may.
    OtherCa,
    /// Change what was asked for, or the set-up around it, then try again.
    FixInput,
    /// A person has to visit this URL first.
    ActAt(String),
    /// Trying again will not help.
    Never,
}

/// The step of an operation at which an error happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Before anything was sent.
    Preparation,
    /// Reading the directory (RFC 8555 §7.1.1).
    Directory,
    /// Fetching a nonce (§7.2).
    Nonce,
    /// Creating the account (§7.3).
    Register,
    /// Looking the account up by its key (§7.3.1).
    FindAccount,
    /// Changing the account (§7.3.2).
    UpdateAccount,
    /// Changing the account key (§7.3.5).
    ChangeKey,
    /// Giving the account up (§7.3.6).
    DeactivateAccount,
    /// Listing the orders of the account (§7.1.2.1).
    ListOrders,
    /// Creating the order (§7.4).
    NewOrder,
    /// Creating an authorization ahead of an order (§7.4.1).
    Preauthorization,
    /// Reading authorizations (§7.5).
    Authorization,
    /// Publishing the proofs of control.
    Publication,
    /// Telling the server that a proof is in place (§7.5.1).
    Challenge,
    /// Waiting for the server's validation.
    Validation,
    /// Sending the certificate request (§7.4).
    Finalize,
    /// Waiting for the certificate.
    Issuance,
    /// Downloading the certificate (§7.4.2).
    Download,
    /// Checking the certificate that came back.
    Verification,
    /// Giving an authorization up (§7.5.2).
    DeactivateAuthorization,
    /// Revoking a certificate (§7.6).
    Revocation,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preparation => "preparing the request",
            Self::Directory => "reading the directory",
            Self::Nonce => "fetching a nonce",
            Self::Register => "registering the account",
            Self::FindAccount => "looking the account up",
            Self::UpdateAccount => "changing the account",
            Self::ChangeKey => "changing the account key",
            Self::DeactivateAccount => "deactivating the account",
            Self::ListOrders => "listing the orders",
            Self::NewOrder => "creating the order",
            Self::Preauthorization => "creating the authorization",
            Self::Authorization => "reading an authorization",
            Self::Publication => "publishing the challenge",
            Self::Challenge => "answering the challenge",
            Self::Validation => "waiting for validation",
            Self::Finalize => "finalizing the order",
            Self::Issuance => "waiting for the certificate",
            Self::Download => "downloading the certificate",
            Self::Verification => "checking the certificate",
            Self::DeactivateAuthorization => "deactivating an authorization",
            Self::Revocation => "revoking the certificate",
        })
    }
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

    /// A refusal by the server, classed by status and problem type.
    pub(crate) fn from_refusal(refusal: Refusal<'_>) -> Self {
        use ProblemType as P;
        let Refusal { step, url, status, headers, problem, body_excerpt, now } = refusal;
        let retry_at = header::retry_after(headers, now);
        let link = |relation| {
            let target = header::links(headers, relation).into_iter().next()?;
            crate::url::resolve(&target, url).ok()
        };
        // For people to visit, never fetched; RFC 8555 §7.3.3 and RFC 9457 §3.1.5.
        let mut problem = problem;
        if let Some(problem) = &mut problem {
            let resolved = problem.instance.as_deref().map(|i| crate::url::resolve(i, url));
            problem.instance = resolved.and_then(Result::ok);
        }
        let kind = problem.as_ref().map(|p| &p.kind);
        let limited = status == StatusCode::TOO_MANY_REQUESTS || kind == Some(&P::RateLimited);
        let mut message = match &problem {
            Some(problem) => format!("the server refused: {problem}"),
            None if body_excerpt.is_empty() => format!("the server answered {status}"),
            None => format!("the server answered {status}: {body_excerpt}"),
        };
        let (error_kind, code, retry) = if limited {
            let at = retry_at.unwrap_or(now.saturating_add(RATE_LIMIT_PAUSE));
            message.push_str(&format!("; come back at {at}"));
            (ErrorKind::RateLimited, "rate-limited", Retry::At(at))
        } else if status == StatusCode::NOT_IMPLEMENTED {
            message = format!("the server does not implement this: {message}");
            (ErrorKind::Unsupported, "not-implemented", Retry::Never)
        } else if let Some(kind) = kind.filter(|kind| !matches!(kind, P::Other(_))) {
            let retry = match kind {
                P::BadNonce | P::Connection | P::Dns | P::Tls | P::IncorrectResponse => {
                    Retry::NewOrder
                }
                P::ServerInternal | P::OrderNotReady | P::Conflict => {
                    Retry::At(retry_at.unwrap_or(now.saturating_add(SERVER_ERROR_PAUSE)))
                }
                P::AlreadyReplaced => Retry::WithoutReplaces,
                P::Caa | P::RejectedIdentifier | P::UnsupportedIdentifier => Retry::OtherCa,
                P::UserActionRequired => problem
                    .as_ref()
                    .and_then(|p| p.instance.clone())
                    .map_or(Retry::FixInput, Retry::ActAt),
                P::AlreadyRevoked => Retry::Never,
                _ => Retry::FixInput,
            };
            let error_kind = match kind {
                P::AccountDoesNotExist => ErrorKind::NoAccount,
                P::Caa | P::Connection | P::Dns | P::IncorrectResponse | P::Tls => {
                    ErrorKind::Validation
                }
                _ => ErrorKind::Problem,
            };
            (error_kind, code_of(kind), retry)
        } else if status.is_server_error() {
            let at = retry_at.unwrap_or(now.saturating_add(SERVER_ERROR_PAUSE));
            (ErrorKind::Problem, "server-error", Retry::At(at))
        } else {
            (ErrorKind::Problem, "refused", Retry::FixInput)
        };
        let mut error = Self::new(error_kind, step, code, message);
        let inner = error.inner_mut();
        inner.retry = retry;
        inner.url = Some(url.to_owned());
        inner.status = Some(status);
        inner.problem = problem;
        inner.terms_of_service = link("terms-of-service");
        inner.help = link("help");
        let location = headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok());
        inner.location = location.and_then(|text| crate::url::resolve(text.trim(), url).ok());
        error
    }

    fn inner_mut(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    pub(crate) fn with_retry(mut self, retry: Retry) -> Self {
        self.inner_mut().retry = retry;
        self
    }

    pub(crate) fn with_url(mut self, url: &str) -> Self {
        self.inner_mut().url = Some(url.to_owned());
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
        match (self.0.kind, self.0.status) {
            (ErrorKind::Problem, Some(status)) if status.is_server_error() => Blame::Server,
            (kind, _) => kind.blame(),
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

/// How long to stay away when a rate limit comes without a time.
const RATE_LIMIT_PAUSE: core::time::Duration = core::time::Duration::from_secs(3600);
/// How long to stay away after an error on the server's side without a time.
const SERVER_ERROR_PAUSE: core::time::Duration = core::time::Duration::from_secs(60);

/// The stable code of a known problem type is its registered name.
fn code_of(kind: &ProblemType) -> &'static str {
    ProblemType::KNOWN.iter().find(|known| *known == kind).map_or("refused", |known| known.name())
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

impl core::error::Error for Error {}

/// The caller broke the contract of a flow: a bug in the driver, not an event of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// An answer to a request that this flow has not in flight.
    UnknownRequest,
    /// A signature that this flow did not ask for.
    UnknownSignature,
    /// A challenge that this flow did not offer.
    UnknownChallenge,
    /// An answer with members to a challenge whose kind takes none.
    UnwantedAnswer,
    /// The flow has ended.
    Finished,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownRequest => "this flow has no such request in flight",
            Self::UnknownSignature => "this flow asked for no such signature",
            Self::UnknownChallenge => "this flow offered no such challenge",
            Self::UnwantedAnswer => {
                "a challenge of this kind is answered with {} and nothing in it"
            }
            Self::Finished => "this flow has ended",
        })
    }
}

impl core::error::Error for Misuse {}
