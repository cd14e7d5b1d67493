//! What the person who operates the server should do about an error, in English or Japanese.
//!
//! The CA's own meaning of the error comes first ([`CaProfile::explain`]), then the stable code of
//! the error, then its kind.

mod library;
mod problems;
mod rules;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ca::{CaProfile, Explanation, RetryHint};
use crate::error::{BindingFault, Error, ErrorKind, Retry};
use crate::problem::printable;

/// The language of advice.
///
/// ```
/// use acmekit_core::advice::Language;
///
/// assert_eq!("ja".parse(), Ok(Language::Japanese));
/// assert_eq!("ja_JP.UTF-8".parse(), Ok(Language::Japanese));
/// assert_eq!(Language::default().as_str(), "en");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Language {
    /// English, `en`.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Japanese, `ja`.
    #[serde(rename = "ja")]
    Japanese,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The language tag (RFC 5646).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    fn pick<'a>(self, english: &'a str, japanese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Japanese => japanese,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads a language tag or the name of a locale; only the language itself counts.
impl FromStr for Language {
    type Err = LanguageError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let language = text.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(language))
            .ok_or(LanguageError)
    }
}

/// The text names no language that there is advice in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LanguageError;

impl fmt::Display for LanguageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown language; use en or ja")
    }
}

impl core::error::Error for LanguageError {}

/// One or two plain sentences for the person who operates the server, in the light of what is known
/// about the CA: by this profile, or else by the one of the session that the error comes from.
pub fn advice_in(error: &Error, language: Language, profile: Option<&CaProfile>) -> String {
    let explanation = match profile {
        Some(profile) => explanation(error, profile),
        None => error.explanation().cloned(),
    };
    let code = error.binding_fault().map_or(error.code(), BindingFault::code);
    let by_code = advice_for_code(code, language);
    let (base, knows_when) = match (&explanation, by_code) {
        (Some(explanation), _) => {
            let waits = matches!(explanation.retry, RetryHint::Later(_));
            (Some(explanation.advice(language)), waits || error.kind() != ErrorKind::RateLimited)
        }
        (None, base) => (base, false),
    };
    let when = match error.retry() {
        Retry::At(time) if !knows_when => Some(match language {
            Language::English => format!("Try again at {time}, not earlier."),
            Language::Japanese => format!("{time} 以降に再実行してください。"),
        }),
        Retry::ActAt(url) => {
            let url = printable(url);
            Some(match language {
                Language::English => format!("Visit {url} first, then try again."),
                Language::Japanese => {
                    format!("先に {url} を開いて手続きを済ませてから、再実行してください。")
                }
            })
        }
        _ => None,
    };
    match (base, when) {
        (Some(base), None) => base.to_owned(),
        (None, Some(when)) => when,
        (Some(base), Some(when)) => match language {
            Language::English => format!("{base} {when}"),
            Language::Japanese => format!("{base}{when}"),
        },
        (None, None) => general(error, language).to_owned(),
    }
}

/// What the CA means by a refusal; none for errors that did not come from it.
fn explanation(error: &Error, profile: &CaProfile) -> Option<Explanation> {
    let status = error.status().map(|status| status.as_u16());
    match error.problem() {
        Some(problem) => profile.explain(error.step(), status, problem),
        None if status.is_some() => profile.explain_text(error.step(), status, error.message()),
        None => None,
    }
}

/// What to do about a stable code: of an error, or of a
/// [`RuleFault`](crate::ca::RuleFault). None for a code this library does not have.
///
/// ```
/// use acmekit_core::advice::{Language, advice_for_code};
///
/// assert!(advice_for_code("contacts-too-many", Language::Japanese).is_some());
/// assert!(advice_for_code("no such code", Language::English).is_none());
/// ```
pub fn advice_for_code(code: &str, language: Language) -> Option<&'static str> {
    [problems::TABLE, library::TABLE, rules::TABLE]
        .into_iter()
        .flatten()
        .find(|(known, _, _)| *known == code)
        .map(|(_, english, japanese)| language.pick(english, japanese))
}

/// By what is to be done next and the kind of error, for codes that are not in the tables.
fn general(error: &Error, language: Language) -> &'static str {
    if *error.retry() == Retry::OtherCa {
        return language.pick(
            "This CA does not issue for these names; ask it why, or use another CA.",
            "この認証局では当該の名前に証明書を発行できません。認証局に理由を確認するか、\
             別の認証局を利用してください。",
        );
    }
    let (english, japanese) = match error.kind() {
        ErrorKind::Transport => (
            "Check that this machine reaches the CA: name resolution, proxy, firewall, and the \
             root certificate the CA's own server is checked against.",
            "このサーバーから認証局に接続できるか確認してください(名前解決、プロキシ、\
             ファイアウォール、認証局サーバーの検証に用いるルート証明書)。",
        ),
        ErrorKind::Deadline => (
            "Allow more time, or run again: the work done so far at the CA is usually kept.",
            "制限時間を延ばすか、もう一度実行してください。認証局側でのここまでの処理は通常引き継\
             がれます。",
        ),
        ErrorKind::RateLimited => (
            "The CA asks for fewer requests; run again later.",
            "認証局のリクエスト数の制限に達しました。時間をおいて再実行してください。",
        ),
        ErrorKind::Validation => (
            "Make sure that the CA can reach the challenge from the Internet: the DNS record or \
             the port, firewalls, redirects and CAA records.",
            "認証局がインターネットからチャレンジを確認できるようにしてください(DNSレコード、\
             ポート、ファイアウォール、リダイレクト、CAAレコード)。",
        ),
        ErrorKind::Publication => (
            "Check the challenge set-up of this machine.",
            "このサーバーのチャレンジ応答の設定を確認してください。",
        ),
        ErrorKind::Certificate => (
            "Do not install this certificate; keep the evidence and report it to the CA.",
            "この証明書は導入しないでください。記録を保存し、認証局に連絡してください。",
        ),
        ErrorKind::Protocol => (
            "Report this to the CA; its server breaks the protocol.",
            "認証局のサーバーの応答がプロトコルに従っていません。認証局に連絡してください。",
        ),
        ErrorKind::Unsupported => (
            "Use an operation or a challenge type that this CA offers.",
            "この認証局が対応している操作またはチャレンジ方式を使用してください。",
        ),
        ErrorKind::NoAccount => (
            "Register an account with this key first, or use the right key.",
            "先にこの鍵でアカウントを登録するか、正しい鍵を使用してください。",
        ),
        ErrorKind::Crypto | ErrorKind::Input => {
            ("Correct the input and run again.", "入力内容を修正して再実行してください。")
        }
        ErrorKind::Cancelled => ("Run again when ready.", "準備ができたら再実行してください。"),
        _ => (
            "Read the server's message, correct what it names, and run again.",
            "サーバーのメッセージを確認し、指摘された点を修正して再実行してください。",
        ),
    };
    language.pick(english, japanese)
}

#[cfg(test)]
mod tests;
