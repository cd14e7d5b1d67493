//! What a certificate is for: DNS names and IP addresses (RFC 8555 §7.1.3, RFC 8738).

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// One name or address that a certificate is to cover.
///
/// A value in hand is in the form that goes over the wire: lower-case A-labels without a trailing
/// dot, or an address in the text form of RFC 5952. Types this library does not know are kept as
/// they came.
///
/// ```
/// use acmekit_core::types::identifier::Identifier;
///
/// let name: Identifier = "WWW.Example.org.".parse()?;
/// assert_eq!(name.value(), "www.example.org");
/// let wildcard: Identifier = "*.example.org".parse()?;
/// assert!(wildcard.is_wildcard());
/// let address: Identifier = "2001:DB8::0:1".parse()?;
/// assert_eq!(address.value(), "2001:db8::1");
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "WireIdentifier", into = "WireIdentifier")]
pub struct Identifier(Kind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Dns(String),
    Ip(IpAddr),
    Other { kind: String, value: String },
}

impl Identifier {
    /// Takes a DNS name, `*.` in front allowed, and brings it into the form of the wire.
    ///
    /// With the feature `idn`, names in other scripts are converted to A-labels by UTS 46.
    ///
    /// # Errors
    /// [`IdentifierError`] tells which rule of RFC 8555 §7.1.4 or RFC 1035 the text breaks.
    pub fn dns(name: &str) -> Result<Self, IdentifierError> {
        let error = |reason| IdentifierError { text: excerpt(name), reason };
        let (wildcard, base) = match name.strip_prefix("*.") {
            Some(base) => (true, base),
            None => (false, name),
        };
        let base = to_ascii(base.strip_suffix('.').unwrap_or(base)).map_err(error)?;
        check_dns_name(&base).map_err(error)?;
        Ok(Self(Kind::Dns(if wildcard { format!("*.{base}") } else { base })))
    }

    /// Takes an IP address.
    pub const fn ip(address: IpAddr) -> Self {
        Self(Kind::Ip(address))
    }

    /// The type as it stands in JSON: `dns`, `ip`, or what the server sent.
    pub fn kind(&self) -> &str {
        match &self.0 {
            Kind::Dns(_) => "dns",
            Kind::Ip(_) => "ip",
            Kind::Other { kind, .. } => kind,
        }
    }

    /// The value as it stands in JSON.
    pub fn value(&self) -> String {
        match &self.0 {
            Kind::Dns(name) => name.clone(),
            Kind::Ip(address) => address.to_string(),
            Kind::Other { value, .. } => value.clone(),
        }
    }

    /// The DNS name, `*.` included, if this is one.
    pub fn as_dns(&self) -> Option<&str> {
        match &self.0 {
            Kind::Dns(name) => Some(name),
            Kind::Ip(_) | Kind::Other { .. } => None,
        }
    }

    /// The IP address, if this is one.
    pub const fn as_ip(&self) -> Option<IpAddr> {
        match &self.0 {
            Kind::Ip(address) => Some(*address),
            Kind::Dns(_) | Kind::Other { .. } => None,
        }
    }

    /// Whether this is a DNS name that begins with `*.`.
    pub fn is_wildcard(&self) -> bool {
        self.as_dns().is_some_and(|name| name.starts_with("*."))
    }

    /// The name that gets validated: the same without `*.` (RFC 8555 §7.1.4).
    #[must_use]
    pub fn without_wildcard(&self) -> Self {
        match &self.0 {
            Kind::Dns(name) => Self(Kind::Dns(name.strip_prefix("*.").unwrap_or(name).to_owned())),
            Kind::Ip(_) | Kind::Other { .. } => self.clone(),
        }
    }
}

impl From<IpAddr> for Identifier {
    fn from(address: IpAddr) -> Self {
        Self::ip(address)
    }
}

/// An IP address where the text is one, a DNS name otherwise.
impl FromStr for Identifier {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match IpAddr::from_str(text) {
            Ok(address) => Ok(Self::ip(address)),
            Err(_) => Self::dns(text),
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Dns(name) => f.write_str(name),
            Kind::Ip(address) => write!(f, "{address}"),
            Kind::Other { kind, value } => {
                write!(f, "{}:{}", excerpt(kind), excerpt(value))
            }
        }
    }
}

/// The JSON object. Reading never fails on a value: a server's odd spelling is normalised where
/// possible and kept as it is otherwise.
#[derive(Serialize, Deserialize)]
struct WireIdentifier {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

impl From<WireIdentifier> for Identifier {
    fn from(wire: WireIdentifier) -> Self {
        let WireIdentifier { kind, value } = wire;
        let known = match kind.as_str() {
            "dns" => Self::dns(&value).ok(),
            "ip" => value.trim_start_matches('[').trim_end_matches(']').parse().ok().map(Self::ip),
            _ => None,
        };
        known.unwrap_or(Self(Kind::Other { kind, value }))
    }
}

impl From<Identifier> for WireIdentifier {
    fn from(identifier: Identifier) -> Self {
        Self { kind: identifier.kind().to_owned(), value: identifier.value() }
    }
}

/// The text is not a name that a certificate can be ordered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a name a certificate can be ordered for: {}", self.text, self.reason)
    }
}

impl core::error::Error for IdentifierError {}

/// At most 80 characters of outside text, control characters replaced, fit for a message.
fn excerpt(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn to_ascii(name: &str) -> Result<String, &'static str> {
    if name.is_ascii() { Ok(name.to_ascii_lowercase()) } else { to_a_labels(name) }
}

#[cfg(feature = "idn")]
fn to_a_labels(name: &str) -> Result<String, &'static str> {
    idna::domain_to_ascii_strict(name).map_err(|_| "it cannot be converted to A-labels (UTS 46)")
}

#[cfg(not(feature = "idn"))]
fn to_a_labels(_name: &str) -> Result<String, &'static str> {
    Err("it is not ASCII, and this build converts no international names (feature `idn`)")
}

/// RFC 1035 lengths and the letter-digit-hyphen rule, plus `_`, which some private CAs allow.
fn check_dns_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.len() > 253 {
        return Err("it is longer than 253 characters");
    }
    if name.contains('*') {
        return Err("`*` may stand only alone in the left-most label");
    }
    let mut last = "";
    for label in name.split('.') {
        if label.is_empty() {
            return Err("it has an empty label");
        }
        if label.len() > 63 {
            return Err("a label is longer than 63 characters");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err("a label begins or ends with a hyphen");
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err("only letters, digits, hyphens and dots may stand in it");
        }
        last = label;
    }
    if last.bytes().all(|b| b.is_ascii_digit()) {
        return Err("its last label is a number, which makes it look like an IP address");
    }
    for suffix in [".in-addr.arpa", ".ip6.arpa"] {
        if name.ends_with(suffix) {
            return Err("reverse-zone names are not issued; order the IP address itself");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
