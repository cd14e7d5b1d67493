//! dns-persist-01: a TXT record that stays, and names the account (draft-ietf-acme-dns-persist).
//!
//! The record permits one account to validate a name as long as it stands, so that later orders need
//! no change in DNS: a new order may come back already authorised. There is no token; the challenge
//! is answered with `{}`.
//!
//! Two revisions of the draft are in use and are told apart by the challenge's members: -01 names
//! the account by its plain URL, -02 by a hash ([`hashed_account_uri`]). [`PersistChallenge`] reads
//! both and builds the [`PersistRecord`]; [`prepare`] builds one before there is an order (-02).
//!
//! The account in the record is always the one the client holds. A server, or who answers in its
//! place, that names another account in the challenge asks to hand the domain over, and is refused.

mod account;
mod error;
mod record;

use serde_json::Value;

use crate::account::{Account, AccountStatus};
use crate::types::identifier::Identifier;
use crate::types::{Directory, JsonObject};

pub use account::{AccountIdentity, hashed_account_uri};
pub use error::PersistError;
pub use record::{PersistRecord, PersistWarning, record_name};

/// Most issuers that a challenge may name (draft -02 §9.2).
pub const MAX_ISSUERS: usize = 10;

/// How the account stands in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// draft-ietf-acme-dns-persist-01: `issuer-domain-names`, the plain account URL.
    Draft01,
    /// draft-ietf-acme-dns-persist-02: `issuerDomainNames`, a hashed account URI.
    Draft02,
}

/// What the `meta` object of the directory says about this challenge. All of it may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectoryMetadata<'a> {
    /// `issuerDomainNames`: issuers that every challenge of the server accepts.
    pub issuer_domain_names: &'a [String],
    /// `caaIdentities`: all issuers of the server; none says nothing.
    pub caa_identities: &'a [String],
    /// `accountHashPrefix`: what a hashed account URI begins with.
    pub account_hash_prefix: Option<&'a str>,
}

/// What a session's [directory](crate::session::Session::directory) says.
///
/// ```
/// use acmekit_core::challenge::dns_persist01::DirectoryMetadata;
/// use acmekit_core::types::Directory;
///
/// let directory = Directory::default();
/// assert_eq!(DirectoryMetadata::from(&directory), DirectoryMetadata::default());
/// ```
impl<'a> From<&'a Directory> for DirectoryMetadata<'a> {
    fn from(directory: &'a Directory) -> Self {
        Self {
            issuer_domain_names: &directory.issuer_domain_names,
            caa_identities: &directory.caa_identities,
            account_hash_prefix: directory.account_hash_prefix.as_deref(),
        }
    }
}

/// A dns-persist-01 challenge: whom the record may name as issuer, and how it names the account.
///
/// ```
/// use acmekit_core::challenge::dns_persist01::{
///     AccountIdentity, DirectoryMetadata, PersistChallenge,
/// };
///
/// let members = serde_json::from_str(
///     r#"{"type": "dns-persist-01", "url": "https://ca.example/chall/7", "status": "pending",
///         "issuer-domain-names": ["ca.example"], "accounturi": "https://ca.example/acct/123"}"#,
/// )?;
/// let account = AccountIdentity {
///     url: "https://ca.example/acct/123",
///     thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
/// };
/// let challenge = PersistChallenge::read(&members, &DirectoryMetadata::default(), account)?;
/// let record = challenge.record(&"*.example.org".parse()?)?;
/// assert_eq!(record.name(), "_validation-persist.example.org");
/// assert_eq!(
///     record.value(),
///     "ca.example; accounturi=https://ca.example/acct/123; policy=wildcard"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistChallenge {
    issuers: Vec<String>,
    account_url: String,
    thumbprint: String,
    /// The prefix of revision -02.
    hash_prefix: Option<String>,
}

impl PersistChallenge {
    /// Reads the members of a challenge object, for the account that is to answer it.
    ///
    /// # Errors
    /// [`PersistError`] if the challenge is malformed: not 1 to 10 issuers, one that is no domain
    /// name, members of both revisions or of neither, an account other than this one, or issuers
    /// that contradict the directory.
    pub fn read(
        members: &JsonObject,
        metadata: &DirectoryMetadata<'_>,
        account: AccountIdentity<'_>,
    ) -> Result<Self, PersistError> {
        let member = |name: &str| members.get(name).filter(|value| !value.is_null());
        let account_uri = member("accounturi");
        let (names, hash_prefix) =
            match (member("issuer-domain-names"), member("issuerDomainNames")) {
                // Revision -00 had the same name and no `accounturi`; its record is the one of -01.
                (Some(names), None) => {
                    if account_uri.is_some_and(|uri| uri.as_str() != Some(account.url)) {
                        return Err(PersistError::ForeignAccount);
                    }
                    (names, None)
                }
                (None, Some(names)) if account_uri.is_none() => {
                    (names, Some(account::checked_prefix(metadata)?.to_owned()))
                }
                _ => return Err(PersistError::Revision),
            };
        let issuers = read_issuers(names)?;
        if hash_prefix.is_some() {
            check_against_directory(&issuers, metadata)?;
        }
        Ok(Self {
            issuers,
            account_url: account.url.to_owned(),
            thumbprint: account.thumbprint.to_owned(),
            hash_prefix,
        })
    }

    /// Which revision of the draft the server speaks.
    pub const fn revision(&self) -> Revision {
        if self.hash_prefix.is_some() { Revision::Draft02 } else { Revision::Draft01 }
    }

    /// The issuers that the record may name, as A-labels in lower case without a final dot: one of
    /// them is enough.
    pub fn issuers(&self) -> &[String] {
        &self.issuers
    }

    /// The record for a name and the first of the [`issuers`](Self::issuers). That of a wildcard
    /// stands at the name below which it stands and says `policy=wildcard`.
    ///
    /// # Errors
    /// [`PersistError`] if the identifier is no DNS name, or the account's URL cannot stand in a
    /// record.
    pub fn record(&self, identifier: &Identifier) -> Result<PersistRecord, PersistError> {
        let issuer = self.issuers.first().map(String::as_str).unwrap_or_default();
        self.record_naming(issuer, identifier)
    }

    /// The record for a name and an issuer of the caller's choice.
    ///
    /// # Errors
    /// As [`record`](Self::record), and [`PersistError::IssuerNotOffered`].
    pub fn record_naming(
        &self,
        issuer: &str,
        identifier: &Identifier,
    ) -> Result<PersistRecord, PersistError> {
        let domain = identifier.without_wildcard();
        let domain = domain.as_dns().ok_or_else(|| PersistError::not_dns(identifier))?;
        self.build(issuer, identifier, domain)
    }

    /// The same with a value that is valid below every domain of the account, for those who publish
    /// one value in many zones: the domain in the hash is `*` (draft -02). In revision -01 every
    /// value is of that kind.
    ///
    /// # Errors
    /// As [`record_naming`](Self::record_naming).
    pub fn shared_record(
        &self,
        issuer: &str,
        identifier: &Identifier,
    ) -> Result<PersistRecord, PersistError> {
        self.build(issuer, identifier, "*")
    }

    fn build(
        &self,
        issuer: &str,
        identifier: &Identifier,
        domain: &str,
    ) -> Result<PersistRecord, PersistError> {
        let issuer = normalized(issuer).ok_or(PersistError::IssuerNotOffered)?;
        if !self.issuers.contains(&issuer) {
            return Err(PersistError::IssuerNotOffered);
        }
        let account = AccountIdentity { url: &self.account_url, thumbprint: &self.thumbprint };
        let account_uri = match &self.hash_prefix {
            Some(prefix) => hashed_account_uri(prefix, domain, account)?,
            None => account.url.to_owned(),
        };
        PersistRecord::new(identifier, issuer, account_uri)
    }
}

/// Builds the record for a name before there is an order (draft -02), for the first issuer that the
/// directory names.
///
/// `account` is what the server said about it just now, to a
/// [`FetchAccount`](crate::flow::account::FetchAccount) (a POST-as-GET of the account URL): a record for an
/// account that is no longer valid would permit nothing, or name an account that is not ours.
///
/// # Errors
/// [`PersistError::AccountNotValid`], or one of the errors of a challenge where the directory does
/// not say enough.
///
/// ```
/// use acmekit_core::account::Account;
/// use acmekit_core::challenge::dns_persist01::{self, DirectoryMetadata, PersistError};
/// use acmekit_core::types::identifier::Identifier;
///
/// # fn example(account: &Account) -> Result<(), Box<dyn std::error::Error>> {
/// let name: Identifier = "example.org".parse()?;
/// let metadata = DirectoryMetadata {
///     issuer_domain_names: &["ca.example".to_owned()],
///     caa_identities: &["ca.example".to_owned()],
///     account_hash_prefix: Some("https://ca.example/account-hash/"),
/// };
/// let record = dns_persist01::prepare(&name, &metadata, account)?;
/// println!("{} TXT {}", record.name(), record.presentation());
/// # Ok(())
/// # }
/// ```
pub fn prepare(
    identifier: &Identifier,
    metadata: &DirectoryMetadata<'_>,
    account: &Account,
) -> Result<PersistRecord, PersistError> {
    if account.status != AccountStatus::Valid {
        return Err(PersistError::AccountNotValid);
    }
    let prefix = account::checked_prefix(metadata)?.to_owned();
    let issuers: Option<Vec<_>> =
        metadata.issuer_domain_names.iter().map(|name| normalized(name)).collect();
    let issuers = checked_issuers(issuers)?;
    check_against_directory(&issuers, metadata)?;
    let challenge = PersistChallenge {
        issuers,
        account_url: account.url.clone(),
        thumbprint: account.key_thumbprint.clone(),
        hash_prefix: Some(prefix),
    };
    challenge.record(identifier)
}

fn read_issuers(names: &Value) -> Result<Vec<String>, PersistError> {
    let names = names.as_array().ok_or(PersistError::Issuer)?;
    // Counted first, so that a long list costs nothing.
    if !(1..=MAX_ISSUERS).contains(&names.len()) {
        return Err(PersistError::IssuerCount { count: names.len() });
    }
    checked_issuers(names.iter().map(|name| normalized(name.as_str()?)).collect())
}

fn checked_issuers(issuers: Option<Vec<String>>) -> Result<Vec<String>, PersistError> {
    let issuers = issuers.ok_or(PersistError::Issuer)?;
    if !(1..=MAX_ISSUERS).contains(&issuers.len()) {
        return Err(PersistError::IssuerCount { count: issuers.len() });
    }
    Ok(issuers)
}

/// The form in which issuers are compared and published: case folded, NFC, A-labels, without a final
/// dot. `None` for what is no `issuer-domain-name` of RFC 8659 §4.2.
fn normalized(issuer: &str) -> Option<String> {
    let name = Identifier::dns(issuer).ok()?;
    let name = name.as_dns()?;
    (!name.contains(['*', '_'])).then(|| name.to_owned())
}

/// The directory's issuers ⊆ the challenge's ⊆ the CAA identities (draft -02). A list that is
/// missing says nothing.
fn check_against_directory(
    issuers: &[String],
    metadata: &DirectoryMetadata<'_>,
) -> Result<(), PersistError> {
    let all = |names: &[String]| names.iter().filter_map(|name| normalized(name)).collect();
    let (advertised, identities): (Vec<_>, Vec<_>) =
        (all(metadata.issuer_domain_names), all(metadata.caa_identities));
    if advertised.iter().any(|name| !issuers.contains(name)) {
        return Err(PersistError::IssuerWithheld);
    }
    if !metadata.caa_identities.is_empty() && issuers.iter().any(|name| !identities.contains(name))
    {
        return Err(PersistError::IssuerUnknown);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
