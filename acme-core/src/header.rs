//! The response headers that ACME steers by: Retry-After, Link, Replay-Nonce and those of caching.

use core::time::Duration;

use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderName, LINK, RETRY_AFTER};

use crate::time::Timestamp;

/// Longest nonce that is taken, in letters.
const MAX_NONCE_LEN: usize = 1024;
/// Most links that are read from one response.
const MAX_LINKS: usize = 64;
/// Longest Retry-After that is believed: a year. What is longer is a mistake or an attack.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(365 * 86_400);

/// When the server wants to be asked again (RFC 9110 §10.2.3), in either form. A date is taken
/// relative to the response's own `Date`, so that clocks need not be in step. A date in the past
/// means now; what is neither form is absent.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = match seconds(text) {
        Some(seconds) => seconds,
        None => {
            // Some servers write the zone as UTC.
            let fixed = text.strip_suffix("UTC").map(|head| format!("{head}GMT"));
            let date = http_date(fixed.as_deref().unwrap_or(text))?;
            date.saturating_since(date_of(headers, DATE).unwrap_or(now))
        }
    };
    Some(now.saturating_add(delay.min(MAX_RETRY_AFTER)))
}

fn date_of(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    headers.get(name)?.to_str().ok().and_then(http_date)
}

/// How long a private cache may use a response (RFC 9111 §4.2.1); `None` if it does not say.
/// A text that cannot be read counts as stale (§4.2.1, §5.3).
pub(crate) fn cache_lifetime(headers: &HeaderMap) -> Option<Duration> {
    let mut max_age = None;
    for value in headers.get_all(CACHE_CONTROL) {
        let Ok(text) = value.to_str() else { continue };
        for directive in text.split(',').map(str::trim) {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
                return Some(Duration::ZERO);
            }
            if name.eq_ignore_ascii_case("max-age") && max_age.is_none() {
                max_age = Some(seconds(argument.trim_matches('"')).unwrap_or_default());
            }
        }
    }
    let lifetime = match max_age {
        Some(age) => age,
        None => {
            headers.get(EXPIRES)?;
            let expires = date_of(headers, EXPIRES);
            let date = date_of(headers, DATE);
            expires.zip(date).map(|(end, start)| end.saturating_since(start)).unwrap_or_default()
        }
    };
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()).and_then(seconds);
    Some(lifetime.saturating_sub(age.unwrap_or_default()))
}

/// Delta seconds (RFC 9110 §10.2.3); a number too large for the type is a very long time.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

fn http_date(text: &str) -> Option<Timestamp> {
    httpdate::parse_http_date(text).ok().map(Timestamp::from)
}

/// The nonce of a response, if it is one by RFC 8555 §6.5.1. Of several, the first.
pub(crate) fn replay_nonce(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("replay-nonce")?.to_str().ok()?;
    let text = text.split(',').next().unwrap_or(text).trim();
    let legal = !text.is_empty()
        && text.len() <= MAX_NONCE_LEN
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    legal.then(|| text.to_owned())
}

/// The targets of all links with this relation (RFC 8288), in order.
pub(crate) fn links(headers: &HeaderMap, relation: &str) -> Vec<String> {
    let mut found = Vec::new();
    for value in headers.get_all(LINK) {
        let Ok(text) = value.to_str() else { continue };
        let mut rest = text;
        while let Some((target, parameters, tail)) = next_link(rest) {
            rest = tail;
            let related = parameters.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("rel")
                    && value.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case(relation))
            });
            if related && found.len() < MAX_LINKS {
                found.push(target.to_owned());
            }
        }
    }
    found
}

type Link<'a> = (&'a str, Vec<(&'a str, String)>, &'a str);

/// Splits `<target>; name=value; name="quoted", …` off the front.
fn next_link(text: &str) -> Option<Link<'_>> {
    let (_, text) = text.split_once('<')?;
    let (target, mut rest) = text.split_once('>')?;
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else {
            // Anything up to the next comma is skipped, well-formed or not.
            let tail = rest.split_once(',').map_or("", |(_, tail)| tail);
            return Some((target.trim(), parameters, tail));
        };
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end)?;
        let Some(value) = tail.strip_prefix('=') else {
            rest = tail;
            continue;
        };
        let value = value.trim_start();
        let (value, tail) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find([';', ',']).unwrap_or(value.len());
                let (token, tail) = value.split_at_checked(end)?;
                (token.trim().to_owned(), tail)
            }
        };
        if parameters.len() < MAX_LINKS {
            parameters.push((name.trim(), value));
        }
        rest = tail;
    }
}

/// Reads a quoted string whose opening quote is gone; gives its text and what follows.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, c)) = characters.next() {
        match c {
            '"' => return (value, text.get(index + 1..).unwrap_or("")),
            '\\' => value.extend(characters.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests;
