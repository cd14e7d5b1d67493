//! Problem documents: what a server says when it refuses (RFC 8555 §6.7, RFC 9457).

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extension::unknown_members;
use crate::types::identifier::Identifier;

/// Longest text taken over from one member of a problem document, in characters.
pub const MAX_TEXT: usize = 2000;
/// Most subproblems that are kept.
pub const MAX_SUBPROBLEMS: usize = 200;

macro_rules! problem_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The type of a problem: one of the names registered below
        /// `urn:ietf:params:acme:error:`, or whatever else the server sent.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        #[non_exhaustive]
        pub enum ProblemType {
            $($(#[$doc])* $variant,)*
            /// A type this library does not know, as the server wrote it.
            Other(String),
        }

        impl ProblemType {
            /// Every type this library knows by name.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// The last part of the URN, such as `badNonce`; the whole text of an unknown type.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(text) => text,
                }
            }

            fn from_name(name: &str) -> Option<Self> {
                // Some servers change the case of a name (`RateLimited`).
                $(if name.eq_ignore_ascii_case($name) { return Some(Self::$variant); })*
                None
            }
        }
    };
}

problem_types! {
    /// The account named by the request does not exist.
    AccountDoesNotExist = "accountDoesNotExist",
    /// The order named in `replaces` has been replaced already (RFC 9773).
    AlreadyReplaced = "alreadyReplaced",
    /// The certificate is revoked already.
    AlreadyRevoked = "alreadyRevoked",
    /// A cancelled recurrent order was asked for (RFC 8739).
    AutoRenewalCanceled = "autoRenewalCanceled",
    /// A recurrent order cannot be cancelled now (RFC 8739).
    AutoRenewalCancellationInvalid = "autoRenewalCancellationInvalid",
    /// A recurrent order has ended (RFC 8739).
    AutoRenewalExpired = "autoRenewalExpired",
    /// Certificates of recurrent orders are not revoked (RFC 8739).
    AutoRenewalRevocationNotSupported = "autoRenewalRevocationNotSupported",
    /// The attestation of a device was refused (draft-ietf-acme-device-attest).
    BadAttestationStatement = "badAttestationStatement",
    /// The certificate request is not acceptable.
    BadCsr = "badCSR",
    /// The anti-replay nonce is not acceptable; a retry with another one is in order.
    BadNonce = "badNonce",
    /// The account key is not acceptable.
    BadPublicKey = "badPublicKey",
    /// The reason for revocation is not allowed.
    BadRevocationReason = "badRevocationReason",
    /// The signature algorithm is not supported.
    BadSignatureAlgorithm = "badSignatureAlgorithm",
    /// CAA records forbid the issue.
    Caa = "caa",
    /// Several errors at once; see the subproblems.
    Compound = "compound",
    /// The request conflicts with the state of the resource (Boulder).
    Conflict = "conflict",
    /// The validation target could not be connected to.
    Connection = "connection",
    /// A DNS query of the validation failed.
    Dns = "dns",
    /// The account needs an external account binding.
    ExternalAccountRequired = "externalAccountRequired",
    /// The response of the validation target did not match.
    IncorrectResponse = "incorrectResponse",
    /// A contact URL is not acceptable.
    InvalidContact = "invalidContact",
    /// The profile is not offered (draft-ietf-acme-profiles).
    InvalidProfile = "invalidProfile",
    /// The request was malformed.
    Malformed = "malformed",
    /// A name under `.onion` needs its CAA in the order (RFC 9799).
    OnionCaaRequired = "onionCAARequired",
    /// The order cannot be finalized yet.
    OrderNotReady = "orderNotReady",
    /// A rate limit was exceeded.
    RateLimited = "rateLimited",
    /// The server does not issue for the identifier.
    RejectedIdentifier = "rejectedIdentifier",
    /// The server had an internal error.
    ServerInternal = "serverInternal",
    /// A TLS error occurred during validation.
    Tls = "tls",
    /// The client is not authorized.
    Unauthorized = "unauthorized",
    /// The delegation is not known (RFC 9115).
    UnknownDelegation = "unknownDelegation",
    /// A contact URL has an unsupported scheme.
    UnsupportedContact = "unsupportedContact",
    /// The type of an identifier is not supported.
    UnsupportedIdentifier = "unsupportedIdentifier",
    /// A person has to act at the `instance` URL.
    UserActionRequired = "userActionRequired",
}

const PREFIXES: [&str; 2] = ["urn:ietf:params:acme:error:", "urn:acme:error:"];

impl From<String> for ProblemType {
    fn from(text: String) -> Self {
        PREFIXES
            .iter()
            .find_map(|prefix| {
                let head = text.get(..prefix.len())?;
                let name = text.get(prefix.len()..)?;
                head.eq_ignore_ascii_case(prefix).then(|| Self::from_name(name))?
            })
            .unwrap_or(Self::Other(text))
    }
}

impl From<ProblemType> for String {
    fn from(kind: ProblemType) -> Self {
        match kind {
            ProblemType::Other(text) => text,
            known => format!("urn:ietf:params:acme:error:{}", known.name()),
        }
    }
}

impl fmt::Display for ProblemType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.name()))
    }
}

/// A problem document, read tolerantly: a member of the wrong type counts as absent (RFC 9457
/// §3.1), and a subproblem's own subproblems are dropped (RFC 8555 §6.7.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: ProblemType,
    /// The sentence for people, cut to [`MAX_TEXT`] characters. Escape it before showing it:
    /// [`Problem`]'s `Display` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The short title, rarely sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The status that the document claims; the HTTP status decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A URL for a person to visit, with `userActionRequired` (RFC 8555 §7.3.3), as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The identifier a subproblem is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
    /// The algorithms a server supports, with `badSignatureAlgorithm` (RFC 8555 §6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Problems per identifier.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subproblems: Vec<Problem>,
    /// Members this library does not know, as they were sent (RFC 9457 §3.2): at most 32, each of
    /// at most 2000 bytes of JSON.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, Value>,
}

/// The members that have a field of their own.
const KNOWN_MEMBERS: [&str; 8] =
    ["type", "title", "detail", "status", "instance", "identifier", "algorithms", "subproblems"];

impl Problem {
    /// Reads a problem from a JSON value; anything but an object, and an object without any member
    /// of a problem document, is none.
    pub fn from_value(value: &Value) -> Option<Self> {
        Self::read(value, true)
    }

    fn read(value: &Value, with_subproblems: bool) -> Option<Self> {
        let object = value.as_object()?;
        let text = |name: &str| {
            object.get(name).and_then(Value::as_str).map(|t| t.chars().take(MAX_TEXT).collect())
        };
        let kind: Option<String> = text("type");
        let detail: Option<String> = text("detail");
        let title: Option<String> = text("title");
        let subproblems: Vec<Self> = match object.get("subproblems") {
            Some(Value::Array(list)) if with_subproblems => {
                list.iter().take(MAX_SUBPROBLEMS).filter_map(|sub| Self::read(sub, false)).collect()
            }
            _ => Vec::new(),
        };
        if kind.is_none() && detail.is_none() && title.is_none() && subproblems.is_empty() {
            return None;
        }
        Some(Self {
            kind: ProblemType::from(kind.unwrap_or_else(|| "about:blank".to_owned())),
            detail,
            title,
            status: object.get("status").and_then(Value::as_u64).and_then(|n| n.try_into().ok()),
            instance: text("instance"),
            identifier: object
                .get("identifier")
                .and_then(|id| serde_json::from_value(id.clone()).ok()),
            algorithms: object
                .get("algorithms")
                .and_then(Value::as_array)
                .map(|list| {
                    list.iter().take(64).filter_map(|a| a.as_str().map(str::to_owned)).collect()
                })
                .unwrap_or_default(),
            subproblems,
            extensions: unknown_members(object, &KNOWN_MEMBERS),
        })
    }

    /// Whether this is `badNonce` in any of the forms that servers have sent it in.
    pub fn is_bad_nonce(&self) -> bool {
        match &self.kind {
            ProblemType::BadNonce => true,
            ProblemType::Other(text) => {
                let tail = text.rsplit(':').next().unwrap_or(text);
                tail.eq_ignore_ascii_case("badNonce")
            }
            _ => false,
        }
    }
}

/// Type, detail and subproblems on one line, without control characters.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(identifier) = &self.identifier {
            write!(f, "{identifier}: ")?;
        }
        write!(f, "{}", self.kind)?;
        if let Some(text) = self.detail.as_deref().or(self.title.as_deref()) {
            write!(f, ": {}", printable(text))?;
        }
        for (index, sub) in self.subproblems.iter().enumerate() {
            write!(f, "{}{sub}", if index == 0 { " [" } else { "; " })?;
        }
        if !self.subproblems.is_empty() {
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl core::error::Error for Problem {}

/// Replaces what could drive a terminal or break a line: control characters and the marks that
/// change the direction of text.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            // Marks that change direction, break lines, or are not seen at all.
            '\u{061c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_known_type_is_read_from_its_urn_and_written_back() {
        for kind in ProblemType::KNOWN {
            let urn = String::from(kind.clone());
            assert_eq!(&ProblemType::from(urn.clone()), kind, "{urn}");
            assert_eq!(&ProblemType::from(urn.to_uppercase()), kind, "{urn}");
        }
    }

    #[test]
    fn old_prefixes_are_understood_and_strange_types_are_kept() {
        assert_eq!(ProblemType::from("urn:acme:error:badNonce".to_owned()), ProblemType::BadNonce);
        for text in ["about:blank", "urn:ietf:params:acme:error:new", "", "ürn:ietf:params:acme:"]
        {
            assert_eq!(ProblemType::from(text.to_owned()), ProblemType::Other(text.to_owned()));
        }
    }

    #[test]
    fn members_of_the_wrong_type_count_as_absent() {
        let value = json!({
            "type": "urn:ietf:params:acme:error:malformed", "detail": 7, "status": "400",
            "subproblems": [{"detail": "a", "subproblems": [{"detail": "too deep"}]}, 3, {}],
            "algorithms": ["ES256", 1],
        });
        let problem = Problem::from_value(&value).unwrap();
        assert_eq!(problem.kind, ProblemType::Malformed);
        assert_eq!((problem.detail, problem.status), (None, None));
        assert_eq!(problem.algorithms, ["ES256"]);
        assert_eq!(problem.subproblems.len(), 1);
        assert!(problem.subproblems[0].subproblems.is_empty());
    }

    #[test]
    fn members_that_are_not_known_are_kept_and_survive_storage() {
        let value = json!({
            "type": "urn:ietf:params:acme:error:caa", "balance": 30, "detail": ["odd"],
            "subproblems": [{"detail": "a", "record": {"flags": 128}}],
        });
        let problem = Problem::from_value(&value).unwrap();
        assert_eq!(problem.extensions, BTreeMap::from([("balance".to_owned(), json!(30))]));
        assert_eq!(problem.subproblems[0].extensions["record"], json!({"flags": 128}));
        let stored = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&stored).unwrap(), problem);
    }

    #[test]
    fn a_problem_of_an_older_checkpoint_is_read() {
        let stored = r#"{"kind":"urn:ietf:params:acme:error:caa","detail":"no"}"#;
        let problem: Problem = serde_json::from_str(stored).unwrap();
        assert_eq!((&problem.kind, problem.extensions.len()), (&ProblemType::Caa, 0));
        assert_eq!(serde_json::to_string(&problem).unwrap(), stored, "nothing is added to it");
    }

    /// A member is read or passed over on its own: whatever type one has, the others stay.
    #[test]
    fn each_member_may_have_any_type_without_harm_to_the_others() {
        let odd = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!("text"),
            json!(["a", {}]),
            json!({"type": {}}),
        ];
        for member in KNOWN_MEMBERS {
            for value in &odd {
                let mut object = json!({
                    "type": "urn:ietf:params:acme:error:dns", "title": "t", "detail": "d",
                    "status": 400, "instance": "https://a/", "algorithms": ["ES256"],
                    "subproblems": [{"detail": "s"}],
                });
                object[member] = value.clone();
                let problem = Problem::from_value(&object).unwrap();
                let kept = |name: &str| name == member;
                assert!(kept("type") || problem.kind == ProblemType::Dns, "{member} {value}");
                assert!(kept("title") || problem.title.as_deref() == Some("t"));
                assert!(kept("detail") || problem.detail.as_deref() == Some("d"));
                assert!(kept("status") || problem.status == Some(400));
                assert!(kept("instance") || problem.instance.as_deref() == Some("https://a/"));
                assert!(kept("algorithms") || problem.algorithms == ["ES256"]);
                assert!(kept("subproblems") || problem.subproblems.len() == 1);
                assert!(problem.extensions.is_empty());
            }
        }
    }

    #[test]
    fn any_type_may_carry_subproblems_of_other_types_with_their_identifiers() {
        for kind in ["compound", "malformed", "rejectedIdentifier"] {
            let value = json!({
                "type": format!("urn:ietf:params:acme:error:{kind}"),
                "subproblems": [
                    {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids",
                     "identifier": {"type": "dns", "value": "a.example"}},
                    {"type": "urn:ietf:params:acme:error:dns",
                     "identifier": {"type": "ip", "value": "192.0.2.1"}},
                ],
            });
            let problem = Problem::from_value(&value).unwrap();
            let kinds: Vec<_> = problem.subproblems.iter().map(|sub| &sub.kind).collect();
            assert_eq!(kinds, [&ProblemType::Caa, &ProblemType::Dns]);
            assert!(problem.subproblems.iter().all(|sub| sub.identifier.is_some()));
            let shown = problem.to_string();
            assert!(shown.contains("a.example: caa: CAA forbids; 192.0.2.1: dns"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_problem_document_is_none() {
        for value in [json!({}), json!([]), json!("text"), json!({"message": "x"}), json!(null)] {
            assert!(Problem::from_value(&value).is_none(), "{value}");
        }
    }

    #[test]
    fn shown_text_cannot_drive_a_terminal() {
        let value = json!({"type": "x\u{1b}[2J", "detail": "a\r\nb\u{0}\u{202e}c"});
        let shown = Problem::from_value(&value).unwrap().to_string();
        assert_eq!(shown, "x\u{fffd}[2J: a  b\u{fffd}\u{fffd}c");
    }

    #[test]
    fn bad_nonce_is_recognised_without_the_standard_prefix() {
        let problem = Problem::from_value(&json!({"type": "urn:example:BADNONCE"})).unwrap();
        assert!(problem.is_bad_nonce());
    }
}
