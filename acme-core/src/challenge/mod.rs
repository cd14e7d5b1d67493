//! Challenges: what to publish so that a certificate authority sees who controls a name
//! (RFC 8555 §8, RFC 8737, RFC 8738).

mod answer;
pub mod dns01;
pub mod http01;
pub mod tls_alpn01;
pub mod token;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::types::identifier::Identifier;

pub use answer::{Answer, AnswerTooLong, MAX_ANSWER_LEN};
pub use token::{KeyAuthorization, Token, TokenError};

/// A kind of challenge. Kinds this library does not know are kept by name.
///
/// ```
/// use acmekit_core::challenge::ChallengeType;
///
/// assert_eq!(ChallengeType::from("dns-01"), ChallengeType::Dns01);
/// assert!(!ChallengeType::Http01.can_validate(&"*.example.org".parse()?));
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum ChallengeType {
    /// A file below `/.well-known/acme-challenge/` on port 80 (RFC 8555 §8.3).
    Http01,
    /// A TXT record below `_acme-challenge` (RFC 8555 §8.4).
    Dns01,
    /// A certificate shown in a TLS handshake on port 443 (RFC 8737).
    TlsAlpn01,
    /// Any other kind, by its name on the wire.
    Other(String),
}

impl ChallengeType {
    /// The name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Http01 => "http-01",
            Self::Dns01 => "dns-01",
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Other(name) => name,
        }
    }

    /// Whether a challenge of this kind is nothing without a well-formed token.
    pub(crate) fn needs_token(&self) -> bool {
        match self {
            Self::Http01 | Self::Dns01 | Self::TlsAlpn01 => true,
            Self::Other(_) => false,
        }
    }

    /// Whether the answer to a challenge of this kind may have members; otherwise it is `{}`
    /// (RFC 8555 §8.3, §8.4, RFC 8737 §3).
    pub fn takes_answer(&self) -> bool {
        match self {
            Self::Http01 | Self::Dns01 | Self::TlsAlpn01 => false,
            Self::Other(_) => true,
        }
    }

    /// Whether this kind of challenge can validate `identifier`, given as it was ordered.
    ///
    /// Wildcards need dns-01, addresses cannot have it (RFC 8555 §7.1.3, RFC 8738 §7), and the
    /// record's name has to fit into 253 octets. Kinds unknown here are said to be able.
    pub fn can_validate(&self, identifier: &Identifier) -> bool {
        match self {
            Self::Http01 | Self::TlsAlpn01 => {
                !identifier.is_wildcard()
                    && (identifier.as_dns().is_some() || identifier.as_ip().is_some())
            }
            Self::Dns01 => {
                identifier.as_dns().is_some() && dns01::record_name(identifier).len() <= 253
            }
            Self::Other(_) => true,
        }
    }
}

impl From<&str> for ChallengeType {
    fn from(name: &str) -> Self {
        match name {
            "http-01" => Self::Http01,
            "dns-01" => Self::Dns01,
            "tls-alpn-01" => Self::TlsAlpn01,
            _ => Self::Other(name.to_owned()),
        }
    }
}

impl From<String> for ChallengeType {
    fn from(name: String) -> Self {
        match Self::from(name.as_str()) {
            Self::Other(_) => Self::Other(name),
            known => known,
        }
    }
}

impl From<ChallengeType> for String {
    fn from(kind: ChallengeType) -> Self {
        match kind {
            ChallengeType::Other(name) => name,
            known => known.as_str().to_owned(),
        }
    }
}

/// Writes the name on the wire, at most 80 characters of it, control characters replaced.
impl fmt::Display for ChallengeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.as_str().chars().take(80) {
            write!(f, "{}", if letter.is_control() { '\u{fffd}' } else { letter })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_validates_only_what_the_rules_allow() {
        use ChallengeType::{Dns01, Http01, TlsAlpn01};
        for (kind, identifier, expected) in [
            (Http01, "example.org", true),
            (Dns01, "example.org", true),
            (TlsAlpn01, "example.org", true),
            (Http01, "*.example.org", false),
            (Dns01, "*.example.org", true),
            (TlsAlpn01, "*.example.org", false),
            (Http01, "192.0.2.1", true),
            (Dns01, "192.0.2.1", false),
            (TlsAlpn01, "2001:db8::1", true),
            (Dns01, "2001:db8::1", false),
        ] {
            let identifier: Identifier = identifier.parse().unwrap();
            assert_eq!(kind.can_validate(&identifier), expected, "{kind} for {identifier}");
        }
        let device: Identifier =
            serde_json::from_str(r#"{"type":"permanent-identifier","value":"x"}"#).unwrap();
        for kind in [Http01, Dns01, TlsAlpn01] {
            assert!(!kind.can_validate(&device));
        }
    }

    #[test]
    fn a_name_too_long_for_its_record_has_no_dns_challenge() {
        let name = |length: usize| {
            let text = format!("{}example.org", "a.".repeat(120));
            Identifier::dns(&text[text.len() - length..]).unwrap()
        };
        assert!(ChallengeType::Dns01.can_validate(&name(237)));
        assert!(!ChallengeType::Dns01.can_validate(&name(239)));
        assert!(ChallengeType::Http01.can_validate(&name(239)));
    }

    #[test]
    fn unknown_kinds_survive_and_are_shown_harmlessly() {
        let json = r#""sectigo-\u001b[31m""#;
        let kind: ChallengeType = serde_json::from_str(json).unwrap();
        assert_eq!(kind, ChallengeType::Other("sectigo-\u{1b}[31m".to_owned()));
        assert_eq!(kind.to_string(), "sectigo-\u{fffd}[31m");
        assert_eq!(serde_json::to_string(&kind).unwrap(), json);
        assert_eq!(serde_json::to_string(&ChallengeType::TlsAlpn01).unwrap(), r#""tls-alpn-01""#);
    }
}
