//! What is wrong with an external account binding, as far as the server tells (RFC 8555 §7.3.4).

use super::{Error, ErrorKind, Step};
use crate::problem::{Problem, ProblemType};

/// What is wrong with the external account binding of a registration.
///
/// ```
/// use acmekit_core::error::{BindingFault, Error};
///
/// fn what_to_ask_the_ca(error: &Error) -> Option<&'static str> {
///     Some(match error.binding_fault()? {
///         BindingFault::Missing => "an EAB credential",
///         BindingFault::Expired | BindingFault::AlreadyUsed => "a new EAB credential",
///         _ => "whether the EAB credential is right",
///     })
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BindingFault {
    /// The CA makes accounts only with a binding, and there was none.
    Missing,
    /// The CA does not accept it. It may be mistyped, unknown, suspended; many CAs say no more, even
    /// where it was used or has expired.
    Refused,
    /// It has made an account already.
    AlreadyUsed,
    /// Its time has passed.
    Expired,
}

impl BindingFault {
    /// A stable name, which [`advice_for_code`](crate::advice::advice_for_code) knows.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "external-account-required",
            Self::Refused => "eab-refused",
            Self::AlreadyUsed => "eab-already-used",
            Self::Expired => "eab-expired",
        }
    }
}

impl Error {
    /// What is wrong with the external account binding, if that is why the account could not be
    /// registered. Servers have one problem type for a binding that is missing and none for the
    /// rest, so it is told by what is known of the CA, and by the words it uses.
    pub fn binding_fault(&self) -> Option<BindingFault> {
        if self.code() == BindingFault::Missing.code() {
            return Some(BindingFault::Missing);
        }
        let problem = self.problem()?;
        if problem.kind == ProblemType::ExternalAccountRequired {
            return Some(BindingFault::Missing);
        }
        if self.step() != Step::Register || self.kind() == ErrorKind::RateLimited {
            return None;
        }
        let meaning = self.meaning().unwrap_or_default();
        let is_known = meaning.split('-').any(|word| word == "eab");
        let text = problem.detail.as_deref().unwrap_or_default().to_ascii_lowercase();
        if !(is_known || may_be_about_a_binding(problem) && mentions_a_binding(&text)) {
            return None;
        }
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        Some(if says(&["expired", "expiration", "too old"]) {
            BindingFault::Expired
        } else if meaning == "eab-already-bound"
            || says(&["already bound", "already used", "used already", "been used", "not awaiting"])
        {
            BindingFault::AlreadyUsed
        } else {
            BindingFault::Refused
        })
    }
}

/// The types that servers refuse a binding with (quirk 41), step-ca's internal error among them.
fn may_be_about_a_binding(problem: &Problem) -> bool {
    matches!(
        problem.kind,
        ProblemType::Malformed
            | ProblemType::Unauthorized
            | ProblemType::ServerInternal
            | ProblemType::BadSignatureAlgorithm
            | ProblemType::Other(_)
    )
}

fn mentions_a_binding(text: &str) -> bool {
    let words = ["external account", "externalaccount", "binding", "hmac", "mac key"];
    words.iter().any(|word| text.contains(word))
        || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "eab")
}
