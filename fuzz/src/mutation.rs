//! Ways to spoil an answer, chosen by the fuzzer's bytes.

use acmekit_core::action::TransportFailure;
use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use crate::fixture::Order;
use crate::server::{Answer, Body, TOKEN};

const STATUSES: &[u16] =
    &[200, 201, 202, 204, 301, 307, 308, 400, 401, 403, 404, 405, 409, 413, 429, 500, 502, 503];

const TEXTS: &[&str] = &[
    "",
    "pending",
    "ready",
    "processing",
    "valid",
    "invalid",
    "deactivated",
    "expired",
    "revoked",
    "waiting",
    "http-01",
    "dns-01",
    "tls-alpn-01",
    "dns-account-01",
    "dns",
    "ip",
    "email",
    "a.example.org",
    "*.example.org",
    "example.org",
    "192.0.2.7",
    "[2001:db8::7]",
    "https://acme.ca.test/order/1",
    "https://acme.ca.test/order/2",
    "https://acme.ca.test/order/1/finalize",
    "https://acme.ca.test/authz/0",
    "https://acme.ca.test/authz/1",
    "https://acme.ca.test/chall/0",
    "https://acme.ca.test/chall/1",
    "https://acme.ca.test/cert/1",
    "https://acme.ca.test/cert/2",
    "https://other.ca.test/x",
    "HTTPS://ACME.CA.TEST:443/a/../b",
    "/chall/0",
    "../authz/1",
    "?x",
    "#x",
    "//evil.test/x",
    "https://evil.test/x",
    "https://evilca.test/x",
    "http://acme.ca.test/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://a@acme.ca.test/x",
    "https://acme.ca.test:99999/x",
    "https://acme.ca.test/\u{e9}",
    "../../etc/passwd",
    "a\r\nb",
    "\u{1b}[31mred\u{202e}",
    TOKEN,
    "short",
    "2026-11-22T00:00:01Z",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59+23:59",
    "soon",
];

const HEADERS: &[(&str, &str)] = &[
    ("retry-after", "0"),
    ("retry-after", "1"),
    ("retry-after", "5"),
    ("retry-after", "59"),
    ("retry-after", "86400"),
    ("retry-after", "99999999999999999999"),
    ("retry-after", "-1"),
    ("retry-after", "Sun, 22 Nov 2026 00:00:30 GMT"),
    ("retry-after", "Sun, 22 Nov 2026 00:00:30 UTC"),
    ("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("date", "Sun, 22 Nov 2026 00:00:00 GMT"),
    ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("link", "</cert/2>;rel=\"alternate\", <cert/3>; rel=alternate"),
    ("link", "<https://evil.test/c>;rel=\"alternate\""),
    ("link", "<https://acme.ca.test/directory>;rel=\"index\""),
    ("link", "<"),
    ("link", "<>;rel=\"alternate"),
    ("replay-nonce", "Nq7xY-repeated"),
    ("replay-nonce", "bad nonce"),
    ("replay-nonce", "Nq7xY-first, Nq7xY-second"),
    ("replay-nonce", ""),
    ("location", ""),
];

const PROBLEMS: &[&str] = &[
    "badNonce",
    "rateLimited",
    "serverInternal",
    "orderNotReady",
    "accountDoesNotExist",
    "externalAccountRequired",
    "userActionRequired",
    "unauthorized",
    "malformed",
    "badCSR",
    "incorrectResponse",
    "rejectedIdentifier",
    "alreadyReplaced",
    "unheardOf",
];

/// The answer of a server as the fuzzer wants it: as it is, a little wrong, refused, or noise.
pub fn spoil(u: &mut Unstructured<'_>, plausible: Answer, order: &Order) -> Result<Answer> {
    match u.int_in_range(0..=11)? {
        0..=4 => Ok(plausible),
        5..=8 => {
            let mut answer = plausible;
            for _ in 0..u.int_in_range(1..=4)? {
                change(u, &mut answer, order)?;
            }
            Ok(answer)
        }
        9..=10 => problem(u, plausible),
        _ => {
            let status = *u.choose(STATUSES)?;
            let mut answer = Answer::bytes(status, bytes(u, 512)?);
            answer.headers = plausible.headers;
            Ok(answer)
        }
    }
}

fn problem(u: &mut Unstructured<'_>, plausible: Answer) -> Result<Answer> {
    let kind = *u.choose(PROBLEMS)?;
    let mut body = json!({
        "type": format!("urn:ietf:params:acme:error:{kind}"),
        "detail": *u.choose(TEXTS)?,
    });
    if u.ratio(1, 4)? {
        body["subproblems"] = json!([{"type": *u.choose(PROBLEMS)?, "detail": *u.choose(TEXTS)?,
            "identifier": {"type": "dns", "value": *u.choose(TEXTS)?}}]);
    }
    let mut answer = Answer::json(*u.choose(STATUSES)?, body);
    answer.headers = plausible.headers;
    if u.ratio(1, 2)? {
        let (name, value) = *u.choose(HEADERS)?;
        answer = answer.header(name, value);
    }
    Ok(answer)
}

fn change(u: &mut Unstructured<'_>, answer: &mut Answer, order: &Order) -> Result<()> {
    match u.int_in_range(0..=9)? {
        0 => answer.status = *u.choose(STATUSES)?,
        1 => {
            let (name, value) = *u.choose(HEADERS)?;
            answer.headers.retain(|(known, _)| known != name);
            answer.headers.push((name.to_owned(), value.into()));
        }
        2 => {
            let value = *u.choose(TEXTS)?;
            answer.headers.retain(|(known, _)| known != "location");
            answer.headers.push(("location".to_owned(), value.into()));
        }
        3 if !answer.headers.is_empty() => {
            let index = u.choose_index(answer.headers.len())?;
            answer.headers.swap_remove(index);
        }
        _ => match &mut answer.body {
            Body::Json(value) => change_json(u, value)?,
            Body::Bytes(body) => change_bytes(u, body, order)?,
        },
    }
    Ok(())
}

/// Chains of other orders, pieces of the right one, or single bits.
fn change_bytes(u: &mut Unstructured<'_>, body: &mut Vec<u8>, order: &Order) -> Result<()> {
    match u.int_in_range(0..=4)? {
        0 => *body = u.choose(&order.chains)?.clone().into_bytes(),
        1 => {
            let length = u.int_in_range(0..=body.len())?;
            body.truncate(length);
        }
        2 if !body.is_empty() => {
            let index = u.choose_index(body.len())?;
            body[index] ^= u.int_in_range(1..=255)?;
        }
        3 => body.extend_from_slice(u.choose(&order.chains)?.as_bytes()),
        _ => body.extend(bytes(u, 64)?),
    }
    Ok(())
}

/// Changes one value somewhere in a JSON document.
fn change_json(u: &mut Unstructured<'_>, value: &mut Value) -> Result<()> {
    let mut place = value;
    loop {
        let length = match &*place {
            Value::Object(object) => object.len(),
            Value::Array(list) => list.len(),
            _ => 0,
        };
        if length == 0 {
            *place = replacement(u)?;
            return Ok(());
        }
        let index = u.choose_index(length)?;
        let go_on = u.ratio(2, 3)?;
        match place {
            Value::Object(object) => {
                let name = object.keys().nth(index).cloned().unwrap_or_default();
                if !go_on && u.ratio(1, 2)? {
                    object.remove(&name);
                    return Ok(());
                }
                place = &mut object[&name];
            }
            Value::Array(list) => {
                if !go_on && u.ratio(1, 2)? {
                    let copy = list[index].clone();
                    list.extend(std::iter::repeat_n(copy, u.int_in_range(1..=40)?));
                    return Ok(());
                }
                place = &mut list[index];
            }
            _ => return Ok(()),
        }
        if !go_on {
            *place = replacement(u)?;
            return Ok(());
        }
    }
}

fn replacement(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=15)? {
        0 => Value::Null,
        1 => true.into(),
        2 => u.arbitrary::<i64>()?.into(),
        3 => json!([]),
        4 => json!({}),
        5 => "a".repeat(3000).into(),
        6 => json!({"type": "urn:ietf:params:acme:error:dns", "detail": *u.choose(TEXTS)?}),
        7 => String::from_utf8_lossy(&bytes(u, 48)?).into_owned().into(),
        _ => (*u.choose(TEXTS)?).into(),
    })
}

/// Some of the fuzzer's bytes as they are.
pub fn bytes(u: &mut Unstructured<'_>, max: usize) -> Result<Vec<u8>> {
    let length = u.int_in_range(0..=max.min(u.len()))?;
    Ok(u.bytes(length)?.to_vec())
}

/// A text that somebody else wrote.
pub fn text(u: &mut Unstructured<'_>) -> Result<String> {
    Ok((*u.choose(TEXTS)?).to_owned())
}

/// Why no answer came.
pub fn failure(u: &mut Unstructured<'_>) -> Result<TransportFailure> {
    Ok(match u.int_in_range(0..=4)? {
        0 | 1 => TransportFailure::NotSent(text(u)?),
        2 | 3 => TransportFailure::Unknown(text(u)?),
        _ => TransportFailure::ResponseTooLarge,
    })
}
