//! The parts of a CA profile: what a CA asks of accounts, names, keys and subjects.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::challenge::ChallengeType;
use crate::crypto::KeyType;
use crate::jose::MacAlgorithm;

/// One address at which a CA serves a directory (RFC 8555 §7.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DirectoryUrl {
    /// The URL. What stands in `{…}` differs per customer or installation, and the URL is then only
    /// a template, see [`DirectoryUrl::is_template`].
    pub url: String,
    /// The product or region behind it, where a CA has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
}

impl DirectoryUrl {
    /// Takes a URL, or a template with `{…}` for what differs.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), product: None }
    }

    /// Names the product or region.
    #[must_use]
    pub fn product(mut self, product: impl Into<String>) -> Self {
        self.product = Some(product.into());
        self
    }

    /// Whether something has to be filled in before the URL can be used.
    pub fn is_template(&self) -> bool {
        self.url.contains('{')
    }

    /// Whether `url` is this directory, or one that the template stands for.
    ///
    /// The case of scheme and host, a slash at the end and a query string do not matter: some CAs
    /// steer products by parameters of the directory URL. A template whose host is open matches
    /// nothing, since the path alone does not tell which server it is.
    pub fn matches(&self, url: &str) -> bool {
        let (Some(own), Some(given)) = (comparable(&self.url), comparable(url)) else {
            return false;
        };
        if own.split('/').nth(2).is_some_and(|host| host.starts_with('{')) {
            return false;
        }
        let mut rest = given.as_str();
        let mut parts = own.split('{');
        let Some(after) = parts.next().and_then(|literal| rest.strip_prefix(literal)) else {
            return false;
        };
        rest = after;
        for part in parts {
            let literal = part.split_once('}').map_or("", |(_, literal)| literal);
            // A placeholder stands for at least one letter and never reaches into another segment.
            let gap = match literal.chars().next() {
                Some(first) => rest.find(first),
                None => Some(rest.len()),
            };
            let Some((filled, after)) = gap.and_then(|at| rest.split_at_checked(at)) else {
                return false;
            };
            let Some(after) = after.strip_prefix(literal) else { return false };
            if filled.is_empty() || filled.contains('/') {
                return false;
            }
            rest = after;
        }
        rest.is_empty()
    }
}

/// Scheme and host in lower case, without query, fragment and the slash at the end.
fn comparable(url: &str) -> Option<String> {
    let url = url.trim();
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let (scheme, rest) = url.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let host = host.to_ascii_lowercase();
    Some(format!("{}://{host}/{path}", scheme.to_ascii_lowercase()))
}

/// Whether a CA asks for something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Requirement {
    /// Nothing is known; nothing is checked.
    #[default]
    Unknown,
    /// It may be there or not.
    Optional,
    /// It has to be there.
    Required,
    /// There is no such thing at this CA.
    None,
}

/// Whether a CA can do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Support {
    /// Nothing is known, or sources contradict each other: ask the directory, or try.
    #[default]
    Unknown,
    /// It can.
    Yes,
    /// It depends on the plan, the product or the set-up of the server.
    Depends,
    /// It cannot.
    No,
}

/// External account binding as a CA handles it (RFC 8555 §7.3.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ExternalAccountRules {
    /// Whether a new account needs one.
    pub required: Requirement,
    /// Whether this holds even if the directory's `externalAccountRequired` says otherwise.
    pub directory_is_wrong: bool,
    /// The only MAC algorithm the CA takes, if it takes only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<MacAlgorithm>,
    /// Whether one credential serves for one account or for several.
    pub reuse: CredentialReuse,
    /// How long a credential can be used after it was issued.
    #[serde(with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Duration>,
    /// Where to get a credential, as the end of the sentence "get one from …".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Whether an external account binding credential can be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CredentialReuse {
    /// Not known, or sources contradict each other: treat it as single-use, keep the account key.
    #[default]
    Unknown,
    /// It makes one account, then it is spent.
    SingleUse,
    /// It makes any number of accounts.
    Reusable,
}

/// What a CA asks of the contacts of an account (RFC 8555 §7.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ContactRules {
    /// The smallest number of contacts, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<usize>,
    /// The largest number of contacts, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// Whether the same address may not stand there twice, in whatever case.
    pub no_duplicates: bool,
    /// Whether only `mailto:` URLs are taken.
    pub mailto_only: bool,
}

/// What a CA issues for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct NameRules {
    /// The challenge types the CA offers, if they are known; empty if it never shows any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenges: Option<Vec<ChallengeType>>,
    /// Wildcard names.
    pub wildcards: Support,
    /// IP addresses (RFC 8738).
    pub addresses: Support,
    /// The largest number of names in one certificate, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<usize>,
    /// The domains that every name must belong to; empty for any. `example.ac.jp` allows itself and
    /// all names below, `.example.ac.jp` only the names below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Why only these domains, as a half sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains_reason: Option<String>,
}

/// The certificate keys a CA takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CertificateKeyRules {
    /// The kinds of key, if they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<KeyType>>,
    /// The shortest RSA modulus in bits, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_rsa_bits: Option<usize>,
    /// Why, as a half sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a CA asks of the subject of a certificate request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SubjectRules {
    /// Whether a request needs a subject at all.
    pub presence: Requirement,
    /// Whether a subject needs a common name.
    pub common_name: Requirement,
    /// Whether the common name must be the first name of the order.
    pub common_name_first: bool,
    /// The exact subject, attributes in the order they are encoded, `{fqdn}` for the first name of
    /// the order: `C=JP,O=Example,CN={fqdn}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Attributes that may not stand there, by their short names, such as `OU`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
    /// Why, as a half sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How to wait at a CA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PollingRules {
    /// Whether a failed validation shows only in the authorization or challenge, so that polling
    /// the order alone waits in vain.
    pub read_authorizations: bool,
    /// The shortest sensible gap between two polls, where the CA's own Retry-After is too short.
    #[serde(with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub min_gap: Option<Duration>,
    /// How long an order has been seen to stay `processing` and still end well.
    #[serde(with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub max_processing: Option<Duration>,
}

/// The operations that not every server has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Operations {
    /// Reading the account by its URL; where it fails, newAccount with `onlyReturnExisting` does
    /// the same.
    pub account_refresh: Support,
    /// Changing the account key (RFC 8555 §7.3.5).
    pub key_change: Support,
    /// The list of orders (RFC 8555 §7.1.2.1).
    pub order_list: Support,
    /// Revocation signed with the certificate key (RFC 8555 §7.6).
    pub revocation_by_certificate_key: Support,
    /// Renewal information (RFC 9773).
    pub renewal_information: Support,
    /// Certificate profiles (draft-ietf-acme-profiles).
    pub profiles: Support,
    /// `notBefore` and `notAfter` in an order.
    pub validity_dates: Support,
    /// Asking again for a validation that failed (RFC 8555 §8.2).
    pub challenge_retry: Support,
}

/// Whether an issuance can be tried without a real certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DryRun {
    /// No test directory is known.
    #[default]
    Unknown,
    /// The CA has none, and a dry run of another client would go to another CA.
    Impossible,
    /// At this directory, whose certificates nobody trusts.
    At(String),
}

/// A duration as whole seconds.
pub(super) mod seconds {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::ca) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(duration.as_secs())
    }

    pub(in crate::ca) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}

/// A duration that may be absent, as whole seconds.
pub(super) mod optional_seconds {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in crate::ca) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs()).serialize(serializer)
    }

    pub(in crate::ca) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_recognised_in_the_spellings_people_use() {
        let own = DirectoryUrl::new("https://acme.example/DV/getDirectory");
        for same in [
            "https://acme.example/DV/getDirectory",
            " HTTPS://ACME.example/DV/getDirectory/ ",
            "https://acme.example/DV/getDirectory?action=renew",
        ] {
            assert!(own.matches(same), "{same}");
        }
        for other in [
            "https://acme.example/dv/getdirectory",
            "https://acme.example/DV/getDirector",
            "https://acme.example/DV/getDirectory/x",
            "http://acme.example/DV/getDirectory",
            "https://acme.example.evil/DV/getDirectory",
            "acme.example",
            "",
        ] {
            assert!(!own.matches(other), "{other}");
        }
    }

    #[test]
    fn a_template_matches_one_segment_for_each_placeholder() {
        let template = DirectoryUrl::new("https://acme.{region}.example/{id}/directory");
        assert!(template.is_template());
        assert!(template.matches("https://acme.tokyo.example/4f-7/directory"));
        for other in [
            "https://acme.tokyo.example//directory",
            "https://acme.tokyo.example/a/b/directory",
            "https://acme.tokyo.example/4f-7/",
            "https://acme..example/4f-7/directory",
        ] {
            assert!(!template.matches(other), "{other}");
        }
        assert!(!DirectoryUrl::new("https://{host}/acme").matches("https://ca.example/acme"));
    }
}
