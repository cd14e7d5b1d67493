//! What the error texts of a CA mean, and what an experienced operator does about them.

use core::time::Duration;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::CaProfile;
use crate::advice::Language;
use crate::error::Step;
use crate::problem::{MAX_TEXT, Problem, ProblemType};

/// An error of a CA whose meaning is known.
///
/// It is told by problem type, HTTP status, phase and text together: JPRS alone has twelve kinds of
/// `malformed`, two pairs of which even share their text.
///
/// ```
/// use acmekit_core::ca::{CaProfile, KnownError, RetryHint};
/// use acmekit_core::problem::ProblemType;
///
/// let mut profile = CaProfile::named("step-ca").unwrap_or_default();
/// profile.errors.push(
///     KnownError::new("quota-used-up", RetryHint::Human)
///         .of(ProblemType::Unauthorized)
///         .text("quota of team [%s] exceeded")
///         .advice("Ask the PKI team for more.", "PKI担当に発行枠の追加を依頼してください。"),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KnownError {
    /// The problem types it comes with; empty for an answer without a problem document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<ProblemType>,
    /// The HTTP status it comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The phases it comes in; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Texts it may have, `[%s]` and `[%d]` standing for anything; empty if the text says nothing.
    /// Case, spacing and further text around do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<Cow<'static, str>>,
    /// Whether the type has this one cause at this CA, so that another text means the same.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub any_text: bool,
    /// A short stable name of what it means.
    pub meaning: Cow<'static, str>,
    /// What to do next.
    pub retry: RetryHint,
    /// What to do, for the operator, in English.
    pub advice_english: Cow<'static, str>,
    /// The same in Japanese.
    pub advice_japanese: Cow<'static, str>,
}

impl KnownError {
    /// Names a meaning; it matches nothing before a type or text is added.
    pub fn new(meaning: impl Into<Cow<'static, str>>, retry: RetryHint) -> Self {
        Self {
            kinds: Vec::new(),
            status: None,
            phases: Vec::new(),
            texts: Vec::new(),
            any_text: false,
            meaning: meaning.into(),
            retry,
            advice_english: Cow::Borrowed(""),
            advice_japanese: Cow::Borrowed(""),
        }
    }

    /// Adds a problem type it comes with.
    #[must_use]
    pub fn of(mut self, kind: ProblemType) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Sets the HTTP status it comes with.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a phase it comes in.
    #[must_use]
    pub fn during(mut self, phase: Phase) -> Self {
        self.phases.push(phase);
        self
    }

    /// Adds a text it may have.
    #[must_use]
    pub fn text(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.texts.push(pattern.into());
        self
    }

    /// States that the type has this one cause, so that another text means the same.
    #[must_use]
    pub const fn whatever_text(mut self) -> Self {
        self.any_text = true;
        self
    }

    /// Sets what to tell the operator.
    #[must_use]
    pub fn advice(
        mut self,
        english: impl Into<Cow<'static, str>>,
        japanese: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.advice_english = english.into();
        self.advice_japanese = japanese.into();
        self
    }

    fn fits(&self, phase: Option<Phase>, kind: &ProblemType) -> bool {
        self.kinds.contains(kind) && self.fits_phase(phase)
    }

    fn fits_phase(&self, phase: Option<Phase>) -> bool {
        self.phases.is_empty() || phase.is_some_and(|phase| self.phases.contains(&phase))
    }

    fn fits_status(&self, status: Option<u16>) -> bool {
        self.status.is_none() || status.is_none() || self.status == status
    }

    fn fits_text(&self, normal: &str) -> bool {
        self.texts.iter().any(|pattern| text_matches(pattern, normal))
    }

    fn explanation(&self) -> Explanation {
        Explanation {
            meaning: self.meaning.clone(),
            retry: self.retry,
            advice_english: self.advice_english.clone(),
            advice_japanese: self.advice_japanese.clone(),
        }
    }
}

/// What an error of a CA means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// A short stable name of the meaning, such as `jprs-eab-refused`.
    pub meaning: Cow<'static, str>,
    /// What to do next.
    pub retry: RetryHint,
    /// What to do, for the operator, in English.
    pub advice_english: Cow<'static, str>,
    /// The same in Japanese.
    pub advice_japanese: Cow<'static, str>,
}

impl Explanation {
    /// What to do, for the operator.
    pub fn advice(&self, language: Language) -> &str {
        match language {
            Language::English => &self.advice_english,
            Language::Japanese => &self.advice_japanese,
        }
    }
}

/// What to do about an error, without the data that [`Retry`](crate::error::Retry) carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RetryHint {
    /// Try the same again at once.
    Now,
    /// Try the same again after this long.
    Later(#[serde(with = "super::rules::seconds")] Duration),
    /// This order is lost; a new one may succeed.
    NewOrder,
    /// Change what was asked for, or the set-up around it, then try again.
    FixInput,
    /// This CA does not issue for these names; another one may.
    OtherCa,
    /// Nothing helps before a person has spoken with the CA or with whoever sells for it.
    Human,
    /// Trying again will not help, or nothing is left to do.
    Never,
}

/// The part of an operation in which a server answers; coarser than a [`Step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Registering, finding, changing and deactivating the account.
    Account,
    /// Creating and listing orders.
    Order,
    /// Authorizations and challenges.
    Authorization,
    /// Waiting for validation. What is polled then is the order.
    Validation,
    /// Finalizing the order and waiting for the certificate.
    Finalization,
    /// Downloading the certificate.
    Download,
    /// Revocation.
    Revocation,
}

impl Phase {
    /// The phase that a step belongs to; none for steps in which no resource of the account is
    /// asked for.
    pub const fn of(step: Step) -> Option<Self> {
        Some(match step {
            Step::Register
            | Step::FindAccount
            | Step::UpdateAccount
            | Step::ChangeKey
            | Step::DeactivateAccount => Self::Account,
            Step::NewOrder | Step::ListOrders => Self::Order,
            Step::Authorization
            | Step::Publication
            | Step::Challenge
            | Step::DeactivateAuthorization => Self::Authorization,
            Step::Validation => Self::Validation,
            Step::Finalize | Step::Issuance => Self::Finalization,
            Step::Download => Self::Download,
            Step::Revocation => Self::Revocation,
            _ => return None,
        })
    }
}

impl CaProfile {
    /// What a refusal by this CA means.
    ///
    /// An entry whose text is the one in the document wins, the document's subproblems included;
    /// then one that the problem type decides without a text.
    ///
    /// ```
    /// use acmekit_core::ca::CaProfile;
    /// use acmekit_core::error::Step;
    /// use acmekit_core::problem::Problem;
    ///
    /// let jprs = CaProfile::named("jprs").unwrap_or_default();
    /// let problem = Problem::from_value(&serde_json::json!({
    ///     "type": "urn:ietf:params:acme:error:malformed", "detail": "Unable to create account",
    /// }));
    /// let meaning = problem
    ///     .and_then(|problem| jprs.explain(Step::Register, Some(400), &problem))
    ///     .map(|explanation| explanation.meaning);
    /// assert_eq!(meaning.as_deref(), Some("jprs-eab-refused"));
    /// ```
    pub fn explain(
        &self,
        step: Step,
        status: Option<u16>,
        problem: &Problem,
    ) -> Option<Explanation> {
        let phase = Phase::of(step);
        let status = status.or(problem.status);
        let by_text = core::iter::once(problem).chain(&problem.subproblems).find_map(|problem| {
            let text = problem.detail.as_deref().or(problem.title.as_deref())?;
            let normal = normal_form(text);
            let told = || {
                self.errors
                    .iter()
                    .filter(|known| known.fits(phase, &problem.kind) && known.fits_text(&normal))
            };
            told().find(|known| known.fits_status(status)).or_else(|| told().next())
        });
        let known =
            by_text.or_else(|| self.known_by_kind(phase, status, &problem.kind)).or_else(|| {
                if problem.kind != ProblemType::Compound {
                    return None;
                }
                problem
                    .subproblems
                    .iter()
                    .find_map(|sub| self.known_by_kind(phase, None, &sub.kind))
            })?;
        Some(known.explanation())
    }

    /// What an answer without a problem document means: some servers answer with a bare JSON
    /// string, with an object of their gateway, or with HTML.
    pub fn explain_text(&self, step: Step, status: Option<u16>, text: &str) -> Option<Explanation> {
        let phase = Phase::of(step);
        let normal = normal_form(text);
        self.errors
            .iter()
            .find(|known| {
                known.kinds.is_empty()
                    && known.fits_phase(phase)
                    && known.fits_status(status)
                    && known.fits_text(&normal)
            })
            .map(KnownError::explanation)
    }

    /// An entry that the type decides without a text.
    fn known_by_kind(
        &self,
        phase: Option<Phase>,
        status: Option<u16>,
        kind: &ProblemType,
    ) -> Option<&KnownError> {
        self.errors.iter().find(|known| {
            (known.any_text || known.texts.is_empty())
                && known.fits(phase, kind)
                && known.fits_status(status)
        })
    }
}

/// Lower case, single spaces, none in front of a colon.
fn normal_form(text: &str) -> String {
    let mut normal = String::new();
    for word in text.split_whitespace().take(MAX_TEXT) {
        if !normal.is_empty() && !word.starts_with(':') {
            normal.push(' ');
        }
        normal.push_str(&word.to_lowercase());
    }
    normal
}

/// Whether the fixed parts of the pattern stand in the text in their order, as whole words.
fn text_matches(pattern: &str, normal: &str) -> bool {
    let pattern = pattern.replace("[%s]", "\u{0}").replace("[%d]", "\u{0}");
    let mut rest = normal;
    let mut found_any = false;
    for part in pattern.split('\u{0}') {
        let part = normal_form(part);
        let part = part.trim_matches(|c: char| !c.is_alphanumeric());
        if part.is_empty() {
            continue;
        }
        let Some(after) = after_words(rest, part) else { return false };
        rest = after;
        found_any = true;
    }
    found_any
}

/// What follows the first place where `words` stands between other things than ASCII letters and
/// digits: `338` is not in `13381`, but in `エラー338です`.
fn after_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    text.match_indices(words).find_map(|(at, _)| {
        let (before, rest) = text.split_at_checked(at)?;
        let after = rest.strip_prefix(words)?;
        (!before.ends_with(is_letter) && !after.starts_with(is_letter)).then_some(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        text_matches(pattern, &normal_form(text))
    }

    #[test]
    fn placeholders_spacing_case_and_further_text_do_not_matter() {
        let pattern = "The server could not connect to validation target : [%s]";
        assert!(matches(
            pattern,
            "The server could not connect to validation target : [192.0.2.1]"
        ));
        assert!(matches(pattern, "the SERVER could not\nconnect to validation target: 192.0.2.1"));
        assert!(matches(pattern, "E1: The server could not connect to validation target (x)"));
        assert!(!matches(pattern, "The server could connect to validation target"));
        assert!(matches("account [%s] is in status [%d] now", "Account a/b is in status 7 now"));
        assert!(!matches("account [%s] is in status [%d] now", "is in status 7 now: account a"));
    }

    #[test]
    fn numbers_match_only_as_a_whole() {
        assert!(matches("338", "refused (338)"));
        assert!(matches("338", "エラー338です"));
        assert!(!matches("338", "serial 13381"));
        assert!(!matches("[%s]", "anything"));
        assert!(!matches("", "anything"));
    }
}
