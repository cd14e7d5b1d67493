//! Why `acme` ends without a result: the exit code, one line, or one JSON object.

use std::fmt;

use acmekit::{Error, ErrorKind};
use acmekit_core::advice::{Language, advice_for_code};
use acmekit_core::ca::RuleFault;
use acmekit_core::error::Retry;
use serde_json::{Map, Value, json};

use crate::exit_code::ExitCode;
use crate::japanese;

/// A failure, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: ExitCode,
    code: String,
    kind: &'static str,
    message: String,
    advice: String,
    error: Option<Error>,
}

impl Failure {
    /// A failure that was found before anything was sent.
    pub(crate) fn input(
        exit: ExitCode,
        code: &str,
        message: impl fmt::Display,
        advice: &str,
    ) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            kind: "input",
            message: message.to_string(),
            advice: advice.to_owned(),
            error: None,
        }
    }

    /// The same failure with the exit code of the input that caused it.
    pub(crate) fn because_of(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// What to do, in this language if there is a text in it, otherwise in English.
    fn advice(&self, language: Language) -> String {
        let own = match language {
            Language::Japanese => japanese::advice(self.exit, &self.code)
                .or_else(|| advice_for_code(&self.code, language).filter(|_| self.error.is_none()))
                .map(str::to_owned),
            _ => None,
        };
        own.or_else(|| {
            // The library cannot know that this program keeps the account.
            let error = self.error.as_ref().filter(|_| self.exit != ExitCode::NoAccount);
            error.map(|error| error.advice_in(language))
        })
        .unwrap_or_else(|| self.advice.clone())
    }

    /// `<what happened> [code]: <what to do>`, always one line.
    pub(crate) fn to_line(&self, language: Language) -> String {
        let line = format!("{} [{}]: {}", self.message, self.code, self.advice(language));
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// One JSON object without line breaks.
    pub(crate) fn to_json(&self, language: Language) -> String {
        let mut object = Map::new();
        object.insert("ok".into(), false.into());
        object.insert("exit".into(), (self.exit as u8).into());
        object.insert("code".into(), self.code.as_str().into());
        object.insert("kind".into(), self.kind.into());
        object.insert("message".into(), self.message.as_str().into());
        object.insert("advice".into(), self.advice(language).into());
        let retry = self.error.as_ref().map_or(&Retry::FixInput, Error::retry);
        object.insert("retry".into(), retry_json(retry));
        if let Some(meaning) = self.error.as_ref().and_then(Error::meaning) {
            object.insert("meaning".into(), meaning.into());
        }
        if let Some(core) = self.error.as_ref().and_then(Error::core) {
            object.insert("step".into(), core.step().to_string().into());
            if let Some(url) = core.url() {
                object.insert("url".into(), url.into());
            }
            if let Some(status) = core.status() {
                object.insert("status".into(), status.as_u16().into());
            }
            if let Some(evidence) = core.evidence() {
                object.insert("evidence".into(), evidence.into());
            }
        }
        Value::Object(object).to_string()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, kind) = classify(&error);
        let advice = match exit {
            // The library cannot know that this program keeps the account.
            ExitCode::NoAccount => {
                "If the CA has lost the account, or it was given up, move DIR/account away and run \
                 again."
                    .to_owned()
            }
            _ => error.advice(),
        };
        Self {
            exit,
            code: error.code().to_owned(),
            kind,
            message: error.to_string(),
            advice,
            error: Some(error),
        }
    }
}

/// A rule of the CA that the input breaks.
impl From<RuleFault> for Failure {
    fn from(fault: RuleFault) -> Self {
        let advice =
            advice_for_code(fault.code(), Language::English).unwrap_or("Correct the input.");
        Self::input(ExitCode::Input, fault.code(), &fault, advice)
    }
}

fn classify(error: &Error) -> (ExitCode, &'static str) {
    match error.kind() {
        ErrorKind::Problem => (refusal(error.code()), "problem"),
        ErrorKind::RateLimited => (ExitCode::RateLimited, "rate-limited"),
        ErrorKind::Protocol => (ExitCode::Protocol, "protocol"),
        ErrorKind::Transport => (ExitCode::Transport, "transport"),
        ErrorKind::Deadline => (ExitCode::Deadline, "deadline"),
        ErrorKind::Validation => (ExitCode::Validation, "validation"),
        ErrorKind::Publication | ErrorKind::Solver => (ExitCode::Publication, "publication"),
        ErrorKind::Certificate => (ExitCode::Certificate, "certificate"),
        ErrorKind::Crypto => (ExitCode::Crypto, "crypto"),
        ErrorKind::Input => (input(error.code()), "input"),
        ErrorKind::Unsupported => (ExitCode::Unsupported, "unsupported"),
        ErrorKind::NoAccount => (ExitCode::NoAccount, "no-account"),
        ErrorKind::Cancelled => (ExitCode::Cancelled, "cancelled"),
        ErrorKind::Store => (ExitCode::Store, "store"),
        _ => (ExitCode::Other, "other"),
    }
}

/// What the CA refuses for want of something on the command line has the code of that.
fn refusal(code: &str) -> ExitCode {
    match code {
        "externalAccountRequired" => ExitCode::ExternalAccount,
        _ => ExitCode::Refused,
    }
}

fn input(code: &str) -> ExitCode {
    match code {
        "external-account-required" => ExitCode::ExternalAccount,
        "account-not-valid" => ExitCode::NoAccount,
        "terms-not-agreed" => ExitCode::TermsOfService,
        "plain-http" | "url-malformed" => ExitCode::DirectoryUrl,
        _ => ExitCode::Input,
    }
}

fn retry_json(retry: &Retry) -> Value {
    match retry {
        Retry::Now => json!({"when": "now"}),
        Retry::At(time) => json!({"when": "at", "time": time.to_string()}),
        Retry::NewOrder => json!({"when": "new-order"}),
        Retry::WithoutReplaces => json!({"when": "without-replaces"}),
        Retry::OtherCa => json!({"when": "other-ca"}),
        Retry::FixInput => json!({"when": "input-is-corrected"}),
        Retry::ActAt(url) => json!({"when": "person-has-acted", "url": url}),
        Retry::Never => json!({"when": "never"}),
        _ => json!({"when": "unknown"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_whatever_its_text_contains() {
        let failure = Failure::input(ExitCode::Domain, "domain", "two\r\nlines\u{1b}", "stop");
        assert_eq!(failure.to_line(Language::English), "two  lines  [domain]: stop");
        assert!(!failure.to_json(Language::English).contains('\n'));
    }
}
