//! The TXT record of dns-persist-01, an `issue-value` of RFC 8659 §4.2.

use core::fmt;

use super::PersistError;
use crate::challenge::ChallengeType;
use crate::time::Timestamp;
use crate::types::identifier::Identifier;

/// The longest string in a TXT record (RFC 1035 §3.3).
const MAX_STRING: usize = 255;

/// The name of the TXT record, without a final dot. A wildcard has the same as the name below
/// which it stands.
///
/// ```
/// use acmekit_core::challenge::dns_persist01;
///
/// let name = dns_persist01::record_name(&"*.example.org".parse()?);
/// assert_eq!(name, "_validation-persist.example.org");
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
pub fn record_name(identifier: &Identifier) -> String {
    format!("_validation-persist.{}", identifier.without_wildcard().value())
}

/// A record to publish, and to leave in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistRecord {
    name: String,
    issuer: String,
    account_uri: String,
    wildcard: bool,
    until: Option<Timestamp>,
}

impl PersistRecord {
    pub(super) fn new(
        identifier: &Identifier,
        issuer: String,
        account_uri: String,
    ) -> Result<Self, PersistError> {
        if !ChallengeType::DnsPersist01.can_validate(identifier) {
            return Err(PersistError::not_dns(identifier));
        }
        if !is_value(&account_uri) {
            return Err(PersistError::AccountUri);
        }
        let wildcard = identifier.is_wildcard();
        Ok(Self { name: record_name(identifier), issuer, account_uri, wildcard, until: None })
    }

    /// Permits wildcards and names below this one too (`policy=wildcard`); a record for a wildcard
    /// says so by itself.
    #[must_use]
    pub fn with_wildcard_policy(mut self) -> Self {
        self.wildcard = true;
        self
    }

    /// Ends the permission at this moment (`persistUntil`, in whole seconds). See
    /// [`warning`](Self::warning).
    #[must_use]
    pub fn with_persist_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// The name, without a final dot.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The issuer it names.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The account it names.
    pub fn account_uri(&self) -> &str {
        &self.account_uri
    }

    /// The value, in one piece.
    pub fn value(&self) -> String {
        let mut value = format!("{}; accounturi={}", self.issuer, self.account_uri);
        if self.wildcard {
            value.push_str("; policy=wildcard");
        }
        if let Some(until) = self.until {
            value.push_str(&format!("; persistUntil={}", until.unix_seconds().max(0)));
        }
        value
    }

    /// The value cut into the strings of one TXT record, each of at most 255 octets; who checks it
    /// joins them again.
    pub fn strings(&self) -> Vec<String> {
        let mut strings = vec![String::new()];
        for letter in self.value().chars() {
            // All letters are ASCII: one octet each.
            match strings.last_mut() {
                Some(last) if last.len() < MAX_STRING => last.push(letter),
                _ => strings.push(letter.to_string()),
            }
        }
        strings
    }

    /// The value as it stands in a zone file: the strings in quotes (RFC 1035 §5.1).
    pub fn presentation(&self) -> String {
        let quoted =
            |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        self.strings().iter().map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// What is wrong with the end that was set, if anything: `renewal` is when the certificate will
    /// be renewed next, as far as that is known.
    pub fn warning(&self, now: Timestamp, renewal: Option<Timestamp>) -> Option<PersistWarning> {
        let until = self.until?;
        if until <= now {
            Some(PersistWarning::Past)
        } else if renewal.is_some_and(|renewal| until < renewal) {
            Some(PersistWarning::BeforeRenewal)
        } else {
            None
        }
    }
}

/// The record ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PersistWarning {
    /// It has ended already: no validation will accept it.
    Past,
    /// It ends before the expected renewal, which will fail unless the record is changed.
    BeforeRenewal,
}

impl fmt::Display for PersistWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Past => "persistUntil is in the past; the record permits nothing",
            Self::BeforeRenewal => {
                "persistUntil is before the expected renewal; choose a later time or none"
            }
        })
    }
}

/// Whether the text can be the value of a parameter: printable ASCII without space and `;`.
pub(super) fn is_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b';')
}
