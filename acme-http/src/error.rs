//! One error type for users of this crate: what the protocol, the solvers, the store or the set-up
//! had to say.

use core::fmt;
use std::sync::Arc;

use acmekit_core::advice::{Language, advice_for_code};
use acmekit_core::crypto::KeyError;
use acmekit_core::error::{self as core_error, Retry};

use crate::solver::SolverError;
use crate::store::StoreError;

/// Why an operation failed. Cheap to clone; its text holds no secret.
///
/// [`Display`](fmt::Display) is one line: the cause, with the step and the URL if there are any.
///
/// ```
/// # fn report(error: &acmekit::Error) -> String {
/// format!("{error} [{}]\n{}", error.code(), error.advice())
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

enum Inner {
    Core(core_error::Error),
    Own { kind: ErrorKind, code: &'static str, message: String, retry: Retry, advice: &'static str },
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The server refused, with or without a problem document.
    Problem,
    /// The server asks to come back later.
    RateLimited,
    /// The server broke the protocol or a limit of the policy.
    Protocol,
    /// The network, or TLS, failed.
    Transport,
    /// The deadline passed first.
    Deadline,
    /// The CA did not see the proof of control, or said so.
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
    /// The caller cancelled the operation.
    Cancelled,
    /// A solver could not be set up: a port in use, a directory or a program that is not there.
    Solver,
    /// The file store could not be read or written.
    Store,
    /// The client could not be set up: a root certificate, a proxy, a missing runtime.
    Setup,
    /// A kind that came into the core after this list.
    Other,
}

impl From<core_error::ErrorKind> for ErrorKind {
    fn from(kind: core_error::ErrorKind) -> Self {
        use core_error::ErrorKind as K;
        match kind {
            K::Problem => Self::Problem,
            K::RateLimited => Self::RateLimited,
            K::Protocol => Self::Protocol,
            K::Transport => Self::Transport,
            K::Deadline => Self::Deadline,
            K::Validation => Self::Validation,
            K::Publication => Self::Publication,
            K::Certificate => Self::Certificate,
            K::Crypto => Self::Crypto,
            K::Input => Self::Input,
            K::Unsupported => Self::Unsupported,
            K::NoAccount => Self::NoAccount,
            K::Cancelled => Self::Cancelled,
            _ => Self::Other,
        }
    }
}

impl Error {
    pub(crate) fn new(
        kind: ErrorKind,
        code: &'static str,
        message: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self(Arc::new(Inner::Own {
            kind,
            code,
            message: message.into(),
            retry: Retry::FixInput,
            advice,
        }))
    }

    pub(crate) fn setup(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Setup, code, message, "Correct the set-up and run again.")
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match &*self.0 {
            Inner::Core(error) => error.kind().into(),
            Inner::Own { kind, .. } => *kind,
        }
    }

    /// A short name for programs, the same in every language binding and every release.
    pub fn code(&self) -> &str {
        match &*self.0 {
            Inner::Core(error) => error.code(),
            Inner::Own { code, .. } => code,
        }
    }

    /// What happened, in one sentence without the step.
    pub fn message(&self) -> &str {
        match &*self.0 {
            Inner::Core(error) => error.message(),
            Inner::Own { message, .. } => message,
        }
    }

    /// One plain sentence for the person who operates the server.
    pub fn advice(&self) -> String {
        match &*self.0 {
            Inner::Core(error) => error.advice(),
            Inner::Own { advice, .. } => (*advice).to_owned(),
        }
    }

    /// The same in the language of that person. What this crate itself has to say, about solvers,
    /// files and the set-up, may be there in English only.
    pub fn advice_in(&self, language: Language) -> String {
        match &*self.0 {
            Inner::Core(error) => error.advice_in(language),
            Inner::Own { .. } if language == Language::English => self.advice(),
            Inner::Own { code, .. } => {
                advice_for_code(code, language).map_or_else(|| self.advice(), str::to_owned)
            }
        }
    }

    /// The stable name of what the CA means by its refusal, such as `jprs-eab-refused`, as far as
    /// the profile of the CA tells.
    pub fn meaning(&self) -> Option<&str> {
        self.core().and_then(core_error::Error::meaning)
    }

    /// What to do about it.
    pub fn retry(&self) -> &Retry {
        match &*self.0 {
            Inner::Core(error) => error.retry(),
            Inner::Own { retry, .. } => retry,
        }
    }

    /// The error of the protocol, if it is one: it has the step, the URL, the HTTP status and the
    /// problem document.
    pub fn core(&self) -> Option<&core_error::Error> {
        match &*self.0 {
            Inner::Core(error) => Some(error),
            Inner::Own { .. } => None,
        }
    }
}

impl From<core_error::Error> for Error {
    fn from(error: core_error::Error) -> Self {
        Self(Arc::new(Inner::Core(error)))
    }
}

impl From<SolverError> for Error {
    fn from(error: SolverError) -> Self {
        Self::new(
            ErrorKind::Solver,
            error.code(),
            error.to_string(),
            "Correct the challenge set-up of this machine and run again.",
        )
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(ErrorKind::Store, error.code(), error.to_string(), error.advice())
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        Self::new(
            ErrorKind::Crypto,
            "key",
            error.to_string(),
            "Use another key, or another type of key.",
        )
    }
}

/// The cause on one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Core(error) => error.fmt(f),
            Inner::Own { message, .. } => f.write_str(message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Inner::Core(error) => error.fmt(f),
            Inner::Own { kind, code, message, .. } => f
                .debug_struct("Error")
                .field("kind", kind)
                .field("code", code)
                .field("message", message)
                .finish_non_exhaustive(),
        }
    }
}

/// The source is the problem document ([`Problem`](acmekit_core::problem::Problem)), if the CA sent
/// one; the text of the error has its words already.
impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.core().and_then(core::error::Error::source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_in_the_language_asked_for_where_there_is_a_text_in_it() {
        let known = Error::new(ErrorKind::Store, "url-malformed", "no URL", "Correct it.");
        assert_eq!(known.advice_in(Language::English), "Correct it.");
        assert!(!known.advice_in(Language::Japanese).is_ascii());
        let unknown = Error::setup("no-such-code", "nothing");
        assert_eq!(unknown.advice_in(Language::Japanese), unknown.advice());
        assert_eq!(unknown.meaning(), None);
    }
}
