//! Changes to the CA's own answer on its way to the client.

use http::{HeaderName, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{AnswerBody, add_header};

/// One change to an answer. A change that does not fit, such as one to a member of a body that is
/// no JSON, leaves the answer as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Another HTTP status.
    Status(u16),
    /// A header gets this value, instead of those it has.
    SetHeader(String, String),
    /// One more header of this name.
    AddHeader(String, String),
    /// A header is left out.
    RemoveHeader(String),
    /// All headers of this name come twice.
    DoubleHeader(String),
    /// So many more headers, each of another name.
    FloodHeaders(usize),
    /// A member of the JSON body, by JSON pointer (RFC 6901), gets this value.
    SetMember(String, Value),
    /// A member of the JSON body is left out.
    RemoveMember(String),
    /// A list in the JSON body, by JSON pointer, comes as many times in one.
    RepeatList(String, usize),
    /// Another body under the same headers.
    Body(AnswerBody),
    /// This text comes before the body.
    Prefix(String),
    /// This text comes after the body.
    Suffix(String),
    /// Every line feed becomes carriage return and line feed.
    CarriageReturns,
}

impl Change {
    pub(super) fn apply(&self, response: &mut Response<Vec<u8>>) {
        match self {
            Self::Status(status) => {
                if let Ok(status) = StatusCode::from_u16(*status) {
                    *response.status_mut() = status;
                }
            }
            Self::SetHeader(name, value) => {
                remove_header(response, name);
                add_header(response, name, value);
            }
            Self::AddHeader(name, value) => add_header(response, name, value),
            Self::RemoveHeader(name) => remove_header(response, name),
            Self::DoubleHeader(name) => {
                let values: Vec<_> =
                    response.headers().get_all(name.as_str()).iter().cloned().collect();
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    for value in values {
                        response.headers_mut().append(name.clone(), value);
                    }
                }
            }
            Self::FloodHeaders(count) => {
                for number in 0..*count {
                    add_header(response, &format!("x-flood-{number}"), "x");
                }
            }
            Self::SetMember(pointer, value) => with_member(response, pointer, |members, name| {
                set(members, name, value.clone());
            }),
            Self::RemoveMember(pointer) => with_member(response, pointer, |members, name| {
                if let Value::Object(members) = members {
                    members.remove(name);
                }
            }),
            Self::RepeatList(pointer, times) => {
                with_json(response, |body| {
                    if let Some(Value::Array(list)) = body.pointer_mut(pointer) {
                        let whole = core::iter::repeat_n(core::mem::take(list), *times);
                        *list = whole.flatten().collect();
                    }
                });
            }
            Self::Body(body) => *response.body_mut() = body.octets(),
            Self::Prefix(text) => {
                let body = [text.as_bytes(), response.body()].concat();
                *response.body_mut() = body;
            }
            Self::Suffix(text) => response.body_mut().extend_from_slice(text.as_bytes()),
            Self::CarriageReturns => {
                let text = String::from_utf8_lossy(response.body()).replace('\n', "\r\n");
                *response.body_mut() = text.into_bytes();
            }
        }
    }
}

fn remove_header(response: &mut Response<Vec<u8>>, name: &str) {
    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
        response.headers_mut().remove(name);
    }
}

fn with_json(response: &mut Response<Vec<u8>>, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(response.body()) {
        change(&mut body);
        *response.body_mut() = body.to_string().into_bytes();
    }
}

/// Runs `change` on the value that holds the member, and the member's name.
fn with_member(
    response: &mut Response<Vec<u8>>,
    pointer: &str,
    change: impl FnOnce(&mut Value, &str),
) {
    with_json(response, |body| {
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(parent) = body.pointer_mut(parent)
        {
            change(parent, name);
        }
    });
}

fn set(parent: &mut Value, name: &str, value: Value) {
    match parent {
        Value::Object(members) => {
            members.insert(name.to_owned(), value);
        }
        Value::Array(list) => {
            let index = name.parse::<usize>().ok();
            if let Some(slot) = index.and_then(|index| list.get_mut(index)) {
                *slot = value;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(changes: &[Change]) -> Response<Vec<u8>> {
        let body = json!({"status": "valid", "list": ["a", "b"]}).to_string().into_bytes();
        let mut response = Response::builder().header("link", "<x>").body(body).unwrap();
        for change in changes {
            change.apply(&mut response);
        }
        response
    }

    fn json_of(response: &Response<Vec<u8>>) -> Value {
        serde_json::from_slice(response.body()).unwrap()
    }

    #[test]
    fn members_are_set_removed_and_repeated() {
        let response = changed(&[
            Change::SetMember("/status".into(), json!("processing")),
            Change::SetMember("/list/1".into(), json!(7)),
            Change::RepeatList("/list".into(), 2),
        ]);
        assert_eq!(json_of(&response), json!({"status": "processing", "list": ["a", 7, "a", 7]}));
        let response = changed(&[Change::RemoveMember("/status".into())]);
        assert_eq!(json_of(&response), json!({"list": ["a", "b"]}));
    }

    #[test]
    fn headers_are_set_doubled_and_removed() {
        let count = |change: Change| changed(&[change]).headers().get_all("link").iter().count();
        assert_eq!(count(Change::DoubleHeader("Link".into())), 2);
        assert_eq!(count(Change::RemoveHeader("Link".into())), 0);
        assert_eq!(count(Change::SetHeader("link".into(), "<y>".into())), 1);
        assert_eq!(changed(&[Change::FloodHeaders(50)]).headers().len(), 51);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let response = changed(&[
            Change::SetMember("/none/x".into(), json!(1)),
            Change::SetHeader("not a name".into(), "x".into()),
            Change::Status(42),
        ]);
        assert_eq!(json_of(&response), json!({"status": "valid", "list": ["a", "b"]}));
        assert_eq!(response.status(), 200);
    }
}
