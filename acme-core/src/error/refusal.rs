//! Makes an error of an answer that refuses (RFC 8555 §6.7), classed by status and problem type.

use core::time::Duration;

use http::{HeaderMap, StatusCode};

use super::{Error, ErrorKind, Retry, Step};
use crate::header;
use crate::problem::{Problem, ProblemType};
use crate::time::Timestamp;

/// How long to stay away when a rate limit comes without a time.
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(3600);
/// How long to stay away after an error on the server's side without a time.
const SERVER_ERROR_PAUSE: Duration = Duration::from_secs(60);

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

/// What to do about a refusal, before its times and URLs are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    Now,
    Later(Duration),
    NewOrder,
    WithoutReplaces,
    OtherCa,
    FixInput,
    Act,
    Never,
}

impl Error {
    /// A refusal by the server. The HTTP status decides, whatever status the document claims
    /// (RFC 9457 §3.1.2).
    pub(crate) fn from_refusal(refusal: Refusal<'_>) -> Self {
        let Refusal { step, url, status, headers, mut problem, body_excerpt, now } = refusal;
        let link = |relation| {
            let target = header::links(headers, relation).into_iter().next()?;
            page(&target, url)
        };
        if let Some(problem) = &mut problem {
            // RFC 9457 §3.1.5: relative to the request, like a link.
            let resolved = problem.instance.as_deref().map(|i| crate::url::resolve(i, url));
            problem.instance = resolved.and_then(Result::ok);
        }
        let (kind, code, remedy) = class(problem.as_ref(), status);
        let mut message = match &problem {
            Some(problem) => format!("the server refused: {problem}"),
            None if body_excerpt.is_empty() => format!("the server answered {status}"),
            None => format!("the server answered {status}: {body_excerpt}"),
        };
        if kind == ErrorKind::Unsupported {
            message = format!("the server does not implement this: {message}");
        }
        let retry = match remedy {
            Remedy::Now => Retry::Now,
            Remedy::Later(pause) => {
                let at = header::retry_after(headers, now);
                Retry::At(at.unwrap_or(now.saturating_add(pause)))
            }
            Remedy::NewOrder => Retry::NewOrder,
            Remedy::WithoutReplaces => Retry::WithoutReplaces,
            Remedy::OtherCa => Retry::OtherCa,
            Remedy::FixInput => Retry::FixInput,
            Remedy::Act => problem
                .as_ref()
                .and_then(|problem| page(problem.instance.as_deref()?, url))
                .map_or(Retry::FixInput, Retry::ActAt),
            Remedy::Never => Retry::Never,
        };
        if let (ErrorKind::RateLimited, Retry::At(at)) = (kind, &retry) {
            message.push_str(&format!("; come back at {at}"));
        }
        let mut error = Self::new(kind, step, code, message);
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
}

/// A page for people to visit, never fetched (RFC 8555 §7.3.3). Other schemes than http are no
/// pages: a program may open what it is given.
fn page(reference: &str, base: &str) -> Option<String> {
    let url = crate::url::resolve(reference, base).ok()?;
    crate::url::origin(url.split('#').next().unwrap_or(&url)).is_ok().then_some(url)
}

/// Kind, stable code and remedy of a refusal.
fn class(problem: Option<&Problem>, status: StatusCode) -> (ErrorKind, &'static str, Remedy) {
    let problem_type = problem.map(|problem| match problem.is_bad_nonce() {
        true => &ProblemType::BadNonce,
        false => &problem.kind,
    });
    if status == StatusCode::TOO_MANY_REQUESTS || problem_type == Some(&ProblemType::RateLimited) {
        return (ErrorKind::RateLimited, "rate-limited", Remedy::Later(RATE_LIMIT_PAUSE));
    }
    if status == StatusCode::NOT_IMPLEMENTED {
        return (ErrorKind::Unsupported, "not-implemented", Remedy::Never);
    }
    match problem_type {
        None | Some(ProblemType::Other(_)) if status.is_server_error() => {
            (ErrorKind::Problem, "server-error", Remedy::Later(SERVER_ERROR_PAUSE))
        }
        None | Some(ProblemType::Other(_)) => (ErrorKind::Problem, "refused", Remedy::FixInput),
        Some(ProblemType::Compound) => {
            let subproblems = problem.map(|problem| problem.subproblems.as_slice());
            let (kind, remedy) = compound(subproblems.unwrap_or_default());
            (kind, ProblemType::Compound.name_of_known(), remedy)
        }
        Some(known) => {
            let (kind, remedy) = class_of_type(known);
            (kind, known.name_of_known(), remedy)
        }
    }
}

/// Several problems at once (RFC 8555 §6.7.1) are of the kind that all of them share, and helped
/// by what helps against each.
fn compound(subproblems: &[Problem]) -> (ErrorKind, Remedy) {
    let mut classes = subproblems.iter().map(|problem| class_of_type(&problem.kind));
    let Some((kind, remedy)) = classes.next() else {
        return (ErrorKind::Problem, Remedy::FixInput);
    };
    classes.fold((kind, remedy), |(kind, remedy), (other_kind, other_remedy)| {
        (
            if kind == other_kind { kind } else { ErrorKind::Problem },
            if remedy == other_remedy { remedy } else { Remedy::FixInput },
        )
    })
}

/// Kind and remedy by type alone (RFC 8555 §6.7 and the documents that extend it).
fn class_of_type(problem_type: &ProblemType) -> (ErrorKind, Remedy) {
    use ProblemType as P;
    let kind = match problem_type {
        P::AccountDoesNotExist => ErrorKind::NoAccount,
        P::Caa | P::Connection | P::Dns | P::IncorrectResponse | P::Tls => ErrorKind::Validation,
        P::RateLimited => ErrorKind::RateLimited,
        _ => ErrorKind::Problem,
    };
    let remedy = match problem_type {
        P::BadNonce => Remedy::Now,
        P::RateLimited => Remedy::Later(RATE_LIMIT_PAUSE),
        P::ServerInternal | P::OrderNotReady | P::Conflict => Remedy::Later(SERVER_ERROR_PAUSE),
        P::Connection | P::Dns | P::Tls | P::IncorrectResponse => Remedy::NewOrder,
        // The recurrent order is over (RFC 8739 §3.1.2); another one may be made.
        P::AutoRenewalCanceled | P::AutoRenewalExpired => Remedy::NewOrder,
        P::AlreadyReplaced => Remedy::WithoutReplaces,
        P::Caa | P::RejectedIdentifier | P::UnsupportedIdentifier => Remedy::OtherCa,
        P::UserActionRequired => Remedy::Act,
        P::AlreadyRevoked
        | P::AutoRenewalCancellationInvalid
        | P::AutoRenewalRevocationNotSupported => Remedy::Never,
        P::AccountDoesNotExist
        | P::BadAttestationStatement
        | P::BadCsr
        | P::BadPublicKey
        | P::BadRevocationReason
        | P::BadSignatureAlgorithm
        | P::Compound
        | P::ExternalAccountRequired
        | P::InvalidContact
        | P::InvalidProfile
        | P::Malformed
        | P::OnionCaaRequired
        | P::Unauthorized
        | P::UnknownDelegation
        | P::UnsupportedContact
        | P::Other(_) => Remedy::FixInput,
    };
    (kind, remedy)
}

impl ProblemType {
    /// The stable code of a known problem type is its registered name.
    fn name_of_known(&self) -> &'static str {
        Self::KNOWN.iter().find(|known| *known == self).map_or("refused", |known| known.name())
    }
}

#[cfg(test)]
mod tests;
