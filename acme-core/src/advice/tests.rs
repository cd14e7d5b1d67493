//! Every code has advice in every language, and the CA's own meaning comes first.

use std::collections::BTreeSet;
use std::path::Path;

use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;
use crate::error::{Refusal, Step};
use crate::problem::{Problem, ProblemType};
use crate::time::Timestamp;

/// The literals that stand as codes in the sources: in the calls that make errors, in `fn code`,
/// and beside an `ErrorKind` in a tuple.
fn codes_in(source: &str) -> BTreeSet<String> {
    const MAKERS: [&str; 8] = [
        "Error::new(",
        "error(",
        "refuse(",
        "known_code(",
        "invalid(",
        "(ErrorKind::",
        "with_code(",
        "fn code(",
    ];
    let source = source.split("#[cfg(test)]").next().unwrap();
    let source: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut codes = BTreeSet::new();
    for maker in MAKERS {
        for (at, _) in source.match_indices(maker) {
            let is_own_word = |c: char| c.is_alphanumeric() || c == '_';
            if source[..at].ends_with(is_own_word) {
                continue;
            }
            let rest = &source[at..];
            let call = if maker == "fn code(" {
                rest.split("fn ").nth(1).unwrap()
            } else {
                arguments(rest)
            };
            for literal in call.split('"').skip(1).step_by(2) {
                let is_code = literal.starts_with(|c: char| c.is_ascii_lowercase())
                    && literal.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
                if is_code && (literal.contains('-') || maker != "fn code(") {
                    codes.insert(literal.to_owned());
                }
            }
        }
    }
    codes
}

/// The text up to the end of the parentheses that open in it; texts for people have none that are
/// unbalanced.
fn arguments(call: &str) -> &str {
    let mut depth = 0;
    let end = call.char_indices().find(|(_, letter)| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => return false,
        }
        depth == 0
    });
    end.map_or(call, |(at, _)| &call[..at])
}

#[expect(clippy::disallowed_methods, reason = "the sources are read only by this test")]
fn codes_below(directory: &Path, codes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "advice" {
            codes_below(&path, codes);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            codes.extend(codes_in(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_code_in_the_sources_has_advice_in_every_language() {
    let mut codes = BTreeSet::new();
    codes_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    for expected in ["plain-http", "deadline", "rate-limited", "chain-broken", "contacts-too-few"] {
        assert!(codes.contains(expected), "the search does not find {expected}: {codes:?}");
    }
    codes.extend(ProblemType::KNOWN.iter().map(|kind| kind.name().to_owned()));
    let missing: Vec<_> =
        codes.iter().filter(|code| advice_for_code(code, Language::English).is_none()).collect();
    assert!(missing.is_empty(), "no advice for {missing:?}");
}

#[test]
fn the_tables_name_each_code_once_and_only_codes_that_exist() {
    let mut codes = BTreeSet::new();
    codes_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    codes.extend(ProblemType::KNOWN.iter().map(|kind| kind.name().to_owned()));
    let mut seen = BTreeSet::new();
    for (code, english, japanese) in
        [problems::TABLE, library::TABLE, rules::TABLE].into_iter().flatten()
    {
        assert!(seen.insert(*code), "{code} twice");
        assert!(codes.contains(*code), "{code} is in no source");
        assert!(english.is_ascii() && english.ends_with('.'), "{code}: {english}");
        assert!(japanese.ends_with('。') && !japanese.contains('\n'), "{code}: {japanese}");
    }
}

#[test]
fn every_kind_of_error_has_advice_in_every_language() {
    use ErrorKind as K;
    for kind in [
        K::Problem,
        K::RateLimited,
        K::Protocol,
        K::Transport,
        K::Deadline,
        K::Validation,
        K::Publication,
        K::Certificate,
        K::Crypto,
        K::Input,
        K::Unsupported,
        K::NoAccount,
        K::Cancelled,
    ] {
        let error = Error::new(kind, Step::Finalize, "a code of the future", "text");
        assert!(error.advice().is_ascii());
        assert!(advice_in(&error, Language::Japanese, None).ends_with('。'));
    }
}

fn answer(step: Step, status: u16, problem: Option<Problem>, body_excerpt: &str) -> Error {
    Error::from_refusal(Refusal {
        step,
        url: "https://ca.example/x",
        status: StatusCode::from_u16(status).unwrap(),
        headers: &HeaderMap::new(),
        problem,
        body_excerpt,
        now: Timestamp::default(),
    })
}

fn refusal(step: Step, status: u16, kind: &str, detail: &str) -> Error {
    let problem = Problem::from_value(&json!({
        "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail,
    }));
    answer(step, status, problem, "")
}

#[test]
fn the_meaning_at_the_ca_comes_before_the_code() {
    let jprs = CaProfile::named("jprs").unwrap();
    let error = refusal(Step::Register, 400, "malformed", "Unable to create account");
    assert!(advice_in(&error, Language::English, Some(&jprs)).contains("14 days"));
    assert!(advice_in(&error, Language::Japanese, Some(&jprs)).contains("14日"));
    assert!(!error.advice().contains("14 days"));
    let other = refusal(Step::Register, 400, "malformed", "something new");
    assert_eq!(advice_in(&other, Language::English, Some(&jprs)), other.advice());
}

#[test]
fn the_time_and_the_url_of_the_server_are_in_the_advice() {
    let limited = refusal(Step::NewOrder, 429, "rateLimited", "too many");
    let time = Timestamp::default().saturating_add(core::time::Duration::from_secs(3600));
    let Retry::At(at) = limited.retry() else { panic!("no time") };
    assert_eq!(*at, time);
    assert!(limited.advice().ends_with(&format!("Try again at {time}, not earlier.")));
    assert!(
        advice_in(&limited, Language::Japanese, None)
            .ends_with(&format!("{time} 以降に再実行してください。"))
    );
    let act = limited.with_retry(Retry::ActAt("https://ca.example/terms\u{1b}".to_owned()));
    assert!(act.advice().contains("https://ca.example/terms\u{fffd}"), "{}", act.advice());
}

#[test]
fn an_answer_of_a_gateway_is_explained_although_it_is_no_problem_document() {
    let ssl_com = CaProfile::named("sslcom-rsa").unwrap();
    let body = r#"{"message":"Missing Authentication Token"}"#;
    let error = answer(Step::FindAccount, 403, None, body);
    assert!(advice_in(&error, Language::English, Some(&ssl_com)).contains("gateway"));
}

#[test]
fn languages_are_read_as_tags_and_locales() {
    for (text, language) in [
        ("en", Ok(Language::English)),
        ("ja", Ok(Language::Japanese)),
        ("JA-jp", Ok(Language::Japanese)),
        ("en_US.UTF-8", Ok(Language::English)),
        ("fr", Err(LanguageError)),
        ("japanese", Err(LanguageError)),
        ("", Err(LanguageError)),
    ] {
        assert_eq!(text.parse(), language, "{text}");
    }
    for language in Language::ALL {
        assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
    }
}
