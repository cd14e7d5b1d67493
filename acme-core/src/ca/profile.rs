//! One CA as data, and the list of those that are known.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::explain::KnownError;
use super::rules::{
    CertificateKeyRules, ContactRules, DirectoryUrl, DryRun, ExternalAccountRules, NameRules,
    Operations, PollingRules, SubjectRules, optional_seconds,
};
use super::{commercial, jprs, private, public, upki};
use crate::certificate::Subject;
use crate::jose::JwsAlgorithm;
use crate::types::Identifier;

/// What is known about one CA, as a value that can be printed, changed and saved.
///
/// What is not known is left open and then neither checked nor assumed. The directory object of
/// the server is always the last word on what it offers.
///
/// ```
/// use acmekit_core::ca::CaProfile;
///
/// let mut profile = CaProfile::named("jprs").ok_or("no such profile")?;
/// assert_eq!(profile.contacts.max, Some(6));
/// profile.contacts.max = Some(2); // a rule of one's own
/// let saved = serde_json::to_string_pretty(&profile)?;
/// assert_eq!(serde_json::from_str::<CaProfile>(&saved)?, profile);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CaProfile {
    /// A short name, in lower case.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Counts the changes of this profile's facts.
    pub version: u32,
    /// The month in which the facts were last looked through, as `2026-11`.
    pub reviewed: String,
    /// The day since which the CA issues nothing more, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_since: Option<String>,
    /// The directories, the usual one first.
    pub directories: Vec<DirectoryUrl>,
    /// External account binding.
    pub external_account: ExternalAccountRules,
    /// Contacts of an account.
    pub contacts: ContactRules,
    /// The signature algorithms of account keys, if they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_algorithms: Option<Vec<JwsAlgorithm>>,
    /// Names and challenges.
    pub names: NameRules,
    /// Certificate keys.
    pub certificate_keys: CertificateKeyRules,
    /// The subject of a certificate request.
    pub subject: SubjectRules,
    /// Waiting.
    pub polling: PollingRules,
    /// What the server can do.
    pub operations: Operations,
    /// Trying without a real certificate.
    pub dry_run: DryRun,
    /// How long to wait before a new certificate is put into service.
    #[serde(with = "optional_seconds", skip_serializing_if = "Option::is_none")]
    pub wait_before_deployment: Option<Duration>,
    /// Hosts besides the directory's own site that the server sends clients to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_hosts: Vec<String>,
    /// The domain names that stand for this CA in CAA records (RFC 8659 §4.2), as far as known;
    /// `caaIdentities` in the directory may name more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub caa_identities: Vec<String>,
    /// The usual lifetime of a certificate in days, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_days: Option<u32>,
    /// Errors whose meaning is known, the more specific ones first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<KnownError>,
    /// What else an operator should know, in English.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl CaProfile {
    /// The profile with this id, in whatever case.
    pub fn named(id: &str) -> Option<Self> {
        Self::all().into_iter().find(|profile| profile.id.eq_ignore_ascii_case(id.trim()))
    }

    /// The profile of the CA that serves this directory.
    ///
    /// Of several profiles at one directory it is the general one: UPKI's, not that of one
    /// institution. Servers that anyone can install have no host of their own and are not found
    /// this way, unless at the address of their manual.
    pub fn for_directory(url: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|profile| profile.directories.iter().any(|directory| directory.matches(url)))
    }

    /// Every profile that comes with the library.
    pub fn all() -> Vec<Self> {
        [
            jprs::profiles(),
            upki::profiles(),
            public::profiles(),
            commercial::profiles(),
            private::profiles(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The directory to use when nothing else is asked for; none if each customer has another.
    pub fn directory_url(&self) -> Option<&str> {
        self.directories
            .iter()
            .find(|directory| !directory.is_template())
            .map(|directory| directory.url.as_str())
    }

    /// The subject this CA prescribes for an order whose first name is `name`.
    ///
    /// None if it prescribes none, and if the name cannot be a common name: an address, or more
    /// than 64 characters.
    ///
    /// ```
    /// use acmekit_core::ca::CaProfile;
    ///
    /// let upki = CaProfile::named("upki-saitama").unwrap_or_default();
    /// let subject = upki.subject_for(&"www.saitama-u.ac.jp".parse()?);
    /// assert_eq!(
    ///     subject.map(|subject| subject.to_string()).as_deref(),
    ///     Some("CN=www.saitama-u.ac.jp,O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP"),
    /// );
    /// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
    /// ```
    pub fn subject_for(&self, name: &Identifier) -> Option<Subject> {
        let form = self.subject.form.as_deref()?;
        // A DNS name has no letter that a subject would have to escape.
        Subject::parse(&form.replace("{fqdn}", name.as_dns()?)).ok()
    }

    /// A profile of which only the name is known, for the tables.
    pub(super) fn plain(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            version: 1,
            reviewed: "2026-11".to_owned(),
            ..Self::default()
        }
    }
}
