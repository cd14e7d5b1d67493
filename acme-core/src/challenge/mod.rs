//! Challenges: what to publish so that a certificate authority sees who controls a name
//! (RFC 8555 §8, RFC 8737, RFC 8738).
//!
//! | Module | What proves control | How it is answered |
//! |---|---|---|
//! | [`http01`], [`dns01`], [`tls_alpn01`] | a file, a TXT record, a certificate | `{}` |
//! | [`dns_account01`], [`dns_persist01`] | a TXT record that belongs to the account | `{}` |
//! | [`email_reply00`] | an answer to the server's mail | `{}` |
//! | [`device_attest01`] | a statement of the device's hardware | the statement |
//! | [`tk_auth01`] | a token of an authority for the names | the token |
//! | [`onion_csr01`] | a signature with the key of the onion service | a certificate request |

mod answer;
mod base32;
pub mod device_attest01;
pub mod dns01;
pub mod dns_account01;
pub mod dns_persist01;
pub mod email_reply00;
pub mod http01;
pub mod onion_csr01;
pub mod tk_auth01;
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
    /// A TXT record whose name belongs to the account (draft-ietf-acme-dns-account-label).
    DnsAccount01,
    /// A TXT record that stays and names the account (draft-ietf-acme-dns-persist).
    DnsPersist01,
    /// A statement of the device's hardware (draft-ietf-acme-device-attest).
    DeviceAttest01,
    /// An answer to the server's mail (RFC 8823).
    EmailReply00,
    /// A token of an authority that knows who may have the name (RFC 9447).
    TkAuth01,
    /// A certificate request signed with the key of an onion service (RFC 9799).
    OnionCsr01,
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
            Self::DnsAccount01 => "dns-account-01",
            Self::DnsPersist01 => "dns-persist-01",
            Self::DeviceAttest01 => "device-attest-01",
            Self::EmailReply00 => "email-reply-00",
            Self::TkAuth01 => "tkauth-01",
            Self::OnionCsr01 => "onion-csr-01",
            Self::Other(name) => name,
        }
    }

    /// Whether a challenge of this kind is nothing without a well-formed token.
    pub(crate) fn needs_token(&self) -> bool {
        match self {
            Self::Http01
            | Self::Dns01
            | Self::TlsAlpn01
            | Self::DnsAccount01
            | Self::DeviceAttest01
            | Self::EmailReply00 => true,
            Self::DnsPersist01 | Self::TkAuth01 | Self::OnionCsr01 | Self::Other(_) => false,
        }
    }

    /// Whether the answer to a challenge of this kind may have members; otherwise it is `{}`
    /// (RFC 8555 §8.3, §8.4, RFC 8737 §3, RFC 8823 §3, and the drafts of the challenges of the DNS).
    pub fn takes_answer(&self) -> bool {
        match self {
            Self::Http01
            | Self::Dns01
            | Self::TlsAlpn01
            | Self::DnsAccount01
            | Self::DnsPersist01
            | Self::EmailReply00 => false,
            Self::DeviceAttest01 | Self::TkAuth01 | Self::OnionCsr01 | Self::Other(_) => true,
        }
    }

    /// Whether this kind of challenge can validate `identifier`, given as it was ordered.
    ///
    /// Wildcards need a challenge of DNS, addresses cannot have one (RFC 8555 §7.1.3, RFC 8738 §7),
    /// nor can names below `.onion`, which are not in the DNS (RFC 9799), and the record's name has
    /// to fit into 253 octets. Kinds unknown here are said to be able.
    pub fn can_validate(&self, identifier: &Identifier) -> bool {
        match self {
            Self::Http01 | Self::TlsAlpn01 => {
                !identifier.is_wildcard()
                    && (identifier.as_dns().is_some() || identifier.as_ip().is_some())
            }
            Self::Dns01 => has_record(identifier, "_acme-challenge.".len()),
            Self::DnsAccount01 => has_record(identifier, dns_account01::PREFIX_LEN),
            Self::DnsPersist01 => has_record(identifier, "_validation-persist.".len()),
            Self::DeviceAttest01 => device_attest01::is_device(identifier),
            Self::EmailReply00 => identifier.kind() == "email",
            Self::TkAuth01 => identifier.as_dns().is_none() && identifier.as_ip().is_none(),
            Self::OnionCsr01 => onion_csr01::service_key(identifier).is_some(),
            Self::Other(_) => true,
        }
    }
}

/// Whether a record can stand in the DNS below a prefix of this length.
fn has_record(identifier: &Identifier, prefix: usize) -> bool {
    let base = identifier.without_wildcard();
    base.as_dns().is_some_and(|name| prefix + name.len() <= 253 && !onion_csr01::is_onion(&base))
}

impl From<&str> for ChallengeType {
    fn from(name: &str) -> Self {
        match name {
            "http-01" => Self::Http01,
            "dns-01" => Self::Dns01,
            "tls-alpn-01" => Self::TlsAlpn01,
            "dns-account-01" => Self::DnsAccount01,
            "dns-persist-01" => Self::DnsPersist01,
            "device-attest-01" => Self::DeviceAttest01,
            "email-reply-00" => Self::EmailReply00,
            "tkauth-01" => Self::TkAuth01,
            "onion-csr-01" => Self::OnionCsr01,
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
