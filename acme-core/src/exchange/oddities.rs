//! What an answer does against the rules and is forgiven, noted for a report to the CA.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::excerpt;
use crate::action::RequestKind;
use crate::header;
use crate::problem::{Problem, ProblemType, printable};
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::Directory;

/// Notes a Replay-Nonce or a Retry-After in an odd form.
pub(super) fn note_headers(session: &mut Session, now: Timestamp, headers: &HeaderMap) {
    let mut nonces = headers.get_all("replay-nonce").iter();
    if let Some(first) = nonces.next() {
        if nonces.next().is_some() || first.as_bytes().contains(&b',') {
            let text = "an answer carries several nonces; the first one is used";
            session.deviations.note("nonce-several", text);
        }
        if header::replay_nonce(headers).is_none() {
            let text = "a Replay-Nonce is no base64url text and is ignored (RFC 8555 §6.5.1)";
            session.deviations.note("nonce-malformed", text);
        }
    }
    let Some(value) = headers.get(RETRY_AFTER) else { return };
    let text = String::from_utf8_lossy(value.as_bytes());
    if header::retry_after(headers, now).is_none() || text.trim_end().ends_with("UTC") {
        let text = format!("a Retry-After is neither seconds nor an HTTP date: {text:?}");
        session.deviations.note("retry-after-odd", text);
    }
}

/// Notes what a directory lacks: only newAuthz may be left out (RFC 8555 §7.1.1).
pub(super) fn note_directory(session: &mut Session, directory: &Directory) {
    for (name, url) in [
        ("newNonce", &directory.new_nonce),
        ("newAccount", &directory.new_account),
        ("newOrder", &directory.new_order),
        ("revokeCert", &directory.revoke_certificate),
        ("keyChange", &directory.key_change),
    ] {
        if url.is_none() {
            let text = format!("the member {name} of the directory is missing");
            session.deviations.note("odd-member", text);
        }
    }
}

/// Notes a body of another media type than RFC 8555 names; what it is, is seen from its form.
pub(super) fn note_media_type(
    session: &mut Session,
    kind: RequestKind,
    headers: &HeaderMap,
    body: &[u8],
    is_problem: bool,
) {
    if body.is_empty() {
        return;
    }
    let expected = match kind {
        _ if is_problem => "application/problem+json",
        RequestKind::Certificate => "application/pem-certificate-chain",
        _ => "application/json",
    };
    let value = headers.get(CONTENT_TYPE).map(|v| String::from_utf8_lossy(v.as_bytes()));
    let essence = value.as_deref().and_then(|v| v.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(expected)) {
        let got = essence.map_or("no media type".to_owned(), printable);
        let text = format!("the answer to {kind} has {got} instead of {expected}");
        session.deviations.note("media-type", text);
    }
}

/// Notes a refusal without a problem document, or under another media type.
pub(super) fn note_refusal(
    session: &mut Session,
    kind: RequestKind,
    parts: &Parts,
    problem: Option<&Problem>,
    body: &[u8],
) {
    let Some(problem) = problem else {
        let text = format!("a refusal of {kind} with {} has no problem document", parts.status);
        return session.deviations.note("problem-missing", text);
    };
    note_media_type(session, kind, &parts.headers, body, true);
    let is_undeclared = session.directory().is_some_and(|d| !d.external_account_required);
    if problem.kind == ProblemType::ExternalAccountRequired && is_undeclared {
        let text = "the server demands an external account binding; its directory does not say so";
        session.deviations.note("external-account-undeclared", text);
    }
}

/// Reads the problem document of a refusal; it is recognised by its form, since servers send it
/// under many media types.
pub(super) fn read_problem(session: &mut Session, body: &[u8]) -> Option<Problem> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let problem = Problem::from_value(&value)?;
    let sent = value.get("type").and_then(Value::as_str);
    let canonical = String::from(problem.kind.clone());
    match (&problem.kind, sent) {
        (_, None | Some("about:blank")) => {
            session.deviations.note("problem-type", "a problem document has no type");
        }
        (ProblemType::Other(_), Some(_)) => {}
        (_, Some(sent)) if sent == canonical => {}
        (_, Some(sent)) => {
            let text = format!("a problem type is spelled {sent:?} instead of {canonical:?}");
            session.deviations.note("problem-type", text);
        }
    }
    Some(problem)
}

/// Whether an answer refuses the nonce, in the standard form or in one of those that servers have
/// used instead: under another status or prefix, or in English only (quirk 16).
pub(super) fn is_bad_nonce(
    session: &mut Session,
    status: StatusCode,
    headers: &HeaderMap,
    problem: Option<&Problem>,
    body: &[u8],
) -> bool {
    let is_typed = problem.is_some_and(Problem::is_bad_nonce);
    let is_told = status.is_client_error()
        && match problem {
            None => names_nonce(&excerpt(body)),
            Some(problem) => {
                use ProblemType as P;
                matches!(problem.kind, P::Malformed | P::Unauthorized | P::Other(_))
                    && problem.detail.as_deref().is_some_and(names_nonce)
            }
        };
    if !is_typed && !is_told {
        return false;
    }
    if problem.is_none_or(|p| p.kind != ProblemType::BadNonce) || status != StatusCode::BAD_REQUEST
    {
        let text = format!("a nonce was refused with status {status} and not plainly as badNonce");
        session.deviations.note("bad-nonce-form", text);
    }
    if header::replay_nonce(headers).is_none() {
        session.deviations.note("nonce-missing", "no Replay-Nonce in a badNonce answer");
    }
    true
}

/// The wordings known from servers all name the nonce of RFC 8555 in full.
fn names_nonce(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("replay nonce") || text.contains("replay-nonce")
}
