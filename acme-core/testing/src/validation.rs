//! Validations: what the CA wants to see, and how it judges what was seen (RFC 8555 §8).

use core::fmt;
use core::net::IpAddr;

use acmekit_core::types::identifier::Identifier;
use base64ct::{Base64UrlUnpadded, Encoding};
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;

use crate::cause::RefusalCause;
use crate::config::ChallengeType;
use crate::issue;
use crate::keys::{PublicKey, signed_part};
use crate::problem::Problem;

const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const ACME_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.31");

/// Names one validation, to hand in what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValidationId(pub(crate) usize);

impl fmt::Display for ValidationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "validation {}", self.0)
    }
}

/// Something the CA wants looked up, since a client has answered a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validation {
    /// To be given back with the outcome.
    pub id: ValidationId,
    /// What is being proven control of; for a wildcard, the name without `*.`.
    pub identifier: Identifier,
    /// The token of the challenge; empty if its kind has none.
    pub token: String,
    /// Where to look.
    pub target: ValidationTarget,
}

impl Validation {
    /// The type of the challenge.
    pub const fn challenge_type(&self) -> ChallengeType {
        match self.target {
            ValidationTarget::Http { .. } => ChallengeType::Http01,
            ValidationTarget::Dns { .. } => ChallengeType::Dns01,
            ValidationTarget::Tls { .. } => ChallengeType::TlsAlpn01,
            ValidationTarget::Plugin { name, .. } => ChallengeType::Plugin(name),
        }
    }
}

/// Where a validation looks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidationTarget {
    /// A GET over plain HTTP (RFC 8555 §8.3).
    Http {
        /// The Host header; an IPv6 address stands in brackets.
        host: String,
        /// The path, from `/.well-known/` on.
        path: String,
    },
    /// A TXT query (RFC 8555 §8.4).
    Dns {
        /// The owner name, without a dot at the end.
        name: String,
    },
    /// A TLS handshake (RFC 8737 §3).
    Tls {
        /// The server name to send; for an IP address its reverse-zone name (RFC 8738 §6).
        server_name: String,
        /// The only protocol to offer.
        alpn: &'static [u8],
    },
    /// Whatever the test that made the kind of challenge up wants to look at.
    Plugin {
        /// The `type` of the challenge.
        name: &'static str,
        /// The payload that the challenge was answered with.
        answer: Map<String, Value>,
        /// The RFC 7638 thumbprint of the account key.
        account_key_thumbprint: String,
    },
}

impl ValidationTarget {
    pub(crate) fn new(
        kind: ChallengeType,
        identifier: &Identifier,
        token: &str,
        answer: &Map<String, Value>,
        thumbprint: &str,
    ) -> Self {
        let value = identifier.value();
        match kind {
            ChallengeType::Http01 => Self::Http {
                host: match identifier.as_ip() {
                    Some(IpAddr::V6(address)) => format!("[{address}]"),
                    _ => value,
                },
                path: format!("/.well-known/acme-challenge/{token}"),
            },
            ChallengeType::Dns01 => Self::Dns { name: format!("_acme-challenge.{value}") },
            ChallengeType::TlsAlpn01 => Self::Tls {
                server_name: identifier.as_ip().map_or(value, reverse_name),
                alpn: b"acme-tls/1",
            },
            ChallengeType::Plugin(name) => {
                let (answer, account_key_thumbprint) = (answer.clone(), thumbprint.to_owned());
                Self::Plugin { name, answer, account_key_thumbprint }
            }
        }
    }
}

/// `1.2.0.192.in-addr.arpa` for `192.0.2.1`; nibbles under `ip6.arpa` for IPv6.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let octets = address.octets();
            let nibbles = octets.iter().rev().map(|o| format!("{:x}.{:x}.", o & 15, o >> 4));
            format!("{}ip6.arpa", nibbles.collect::<String>())
        }
    }
}

/// What was found where a validation pointed: evidence, which the CA judges itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValidationOutcome {
    /// The body of the HTTP answer, of status 200.
    HttpBody(Vec<u8>),
    /// All TXT records at the owner name, each with its strings joined.
    TxtRecords(Vec<String>),
    /// The certificate that the TLS server showed, in DER.
    TlsCertificate(Vec<u8>),
    /// Control is proven, says the test that made the kind of challenge up; evidence of no other.
    Proven,
    /// Nothing was found.
    Failed {
        /// Why, as the problem document will tell it.
        reason: FailureReason,
        /// For a person.
        detail: String,
    },
}

/// Why a validation found nothing (RFC 8555 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// No connection to the server.
    Connection,
    /// The DNS query failed.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// The server answered, but not with what was asked for: an HTTP status other than 200.
    Unauthorized,
}

impl FailureReason {
    const fn cause(self) -> RefusalCause {
        match self {
            Self::Connection => RefusalCause::Connection,
            Self::Dns => RefusalCause::Dns,
            Self::Tls => RefusalCause::Tls,
            Self::Unauthorized => RefusalCause::ServerAnswer,
        }
    }
}

pub(crate) type Verdict = Result<(), Problem>;

/// Judges evidence against the key authorization (RFC 8555 §8.1).
pub(crate) fn judge(
    kind: ChallengeType,
    identifier: &Identifier,
    key_authorization: &str,
    outcome: &ValidationOutcome,
) -> Verdict {
    let fail =
        |cause, detail: String| Err(Problem::new(cause, detail).value(identifier.to_string()));
    let wrong = |detail: String| fail(RefusalCause::Response, detail);
    let digest = Sha256::digest(key_authorization);
    match (kind, outcome) {
        (_, ValidationOutcome::Failed { reason, detail }) => fail(reason.cause(), detail.clone()),
        (ChallengeType::Http01, ValidationOutcome::HttpBody(body)) => {
            // §8.3: white space at the end is to be ignored, nothing else.
            if body.trim_ascii_end() == key_authorization.as_bytes() {
                return Ok(());
            }
            let excerpt: String = String::from_utf8_lossy(body)
                .chars()
                .take(100)
                .flat_map(char::escape_default)
                .collect();
            wrong(format!("the body is not the key authorization but \"{excerpt}\""))
        }
        (ChallengeType::Dns01, ValidationOutcome::TxtRecords(records)) => {
            let expected = Base64UrlUnpadded::encode_string(&digest);
            if records.contains(&expected) {
                return Ok(());
            }
            wrong(format!("none of the {} TXT records is the expected one", records.len()))
        }
        (ChallengeType::TlsAlpn01, ValidationOutcome::TlsCertificate(der)) => {
            certificate(der, identifier, &digest).or_else(|detail| wrong(detail.to_owned()))
        }
        (ChallengeType::Plugin(_), ValidationOutcome::Proven) => Ok(()),
        _ => Err(Problem::internal("the evidence does not fit the challenge")),
    }
}

/// RFC 8737 §3, with the strictness of public CAs: one subjectAltName with just the one name, one
/// critical acmeIdentifier with the digest, signed by its own key.
fn certificate(der: &[u8], identifier: &Identifier, digest: &[u8]) -> Result<(), &'static str> {
    let certificate =
        Certificate::from_der(der).map_err(|_| "the certificate is not well-formed X.509")?;
    let tbs = certificate.tbs_certificate();
    let extensions = tbs.extensions().map(Vec::as_slice).unwrap_or_default();
    for (position, extension) in extensions.iter().enumerate() {
        if extensions.iter().skip(position + 1).any(|other| other.extn_id == extension.extn_id) {
            return Err("the certificate has an extension twice");
        }
    }
    let find = |oid: ObjectIdentifier| -> Option<&Extension> {
        extensions.iter().find(|extension| extension.extn_id == oid)
    };
    let names = find(SUBJECT_ALT_NAME).ok_or("the certificate has no subjectAltName")?;
    let expected = issue::general_name(identifier)
        .and_then(|name| SubjectAltName(vec![name]).to_der())
        .map_err(|_| "the identifier cannot be written as a subjectAltName")?;
    if names.extn_value.as_bytes() != expected {
        return Err("the subjectAltName is not exactly the one identifier");
    }
    let acme = find(ACME_IDENTIFIER).ok_or("the certificate has no acmeIdentifier extension")?;
    if !acme.critical {
        return Err("the acmeIdentifier extension is not critical");
    }
    if acme.extn_value.as_bytes() != [&[0x04, 0x20], digest].concat() {
        return Err("the acmeIdentifier extension does not hold the key authorization's digest");
    }
    if tbs.issuer() != tbs.subject() {
        return Err("the certificate is not self-signed: issuer and subject differ");
    }
    let key = PublicKey::from_spki(tbs.subject_public_key_info())?;
    let signed = signed_part(der).unwrap_or_default();
    let signature = certificate.signature().as_bytes().unwrap_or_default();
    if !key.verifies_x509(certificate.signature_algorithm(), &signed, signature) {
        return Err("the certificate is not signed by its own key");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_by_their_reverse_names() {
        assert_eq!(reverse_name("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            reverse_name("2001:db8::1".parse().unwrap()),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }

    #[test]
    fn dns_values_match_the_derived_vector() {
        let name = Identifier::dns("example.org").unwrap();
        let authorization = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        let judged = |records: &[&str]| {
            let records = records.iter().map(|r| (*r).to_owned()).collect();
            let outcome = ValidationOutcome::TxtRecords(records);
            judge(ChallengeType::Dns01, &name, authorization, &outcome)
        };
        assert_eq!(judged(&["other", "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8"]), Ok(()));
        assert_eq!(judged(&["other"]).unwrap_err().kind, "incorrectResponse");
    }

    #[test]
    fn only_white_space_after_the_key_authorization_is_ignored() {
        let name = Identifier::dns("example.org").unwrap();
        let judged = |body: &str| {
            let outcome = ValidationOutcome::HttpBody(body.as_bytes().to_vec());
            judge(ChallengeType::Http01, &name, "t.k", &outcome)
        };
        assert_eq!(judged("t.k\r\n"), Ok(()));
        assert!(judged("\u{feff}t.k").is_err());
        assert!(judged(" t.k").is_err());
        assert!(judged("t.kk").is_err());
    }
}
