//! How revision -02 names the account in the record: by a hash that also covers the domain.

use sha2::{Digest, Sha256};

use super::{DirectoryMetadata, PersistError};
use crate::jose::encoding;

/// The account that is to answer: what the client holds, never what the server says in a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountIdentity<'a> {
    /// The account URL, the `kid` of its requests.
    pub url: &'a str,
    /// The RFC 7638 thumbprint of its key, 43 letters.
    pub thumbprint: &'a str,
}

impl<'a> From<&'a crate::account::Account> for AccountIdentity<'a> {
    fn from(account: &'a crate::account::Account) -> Self {
        Self { url: &account.url, thumbprint: &account.key_thumbprint }
    }
}

/// The account URI of revision -02: the prefix of the directory, the name of the hash, and
/// base64url of SHA-256 over the length of the domain as one octet, the domain, the thumbprint of
/// the account key and the account URL. The domain is a name without `*.`, or `*` alone for a
/// record that is valid on all domains.
///
/// ```
/// use acmekit_core::challenge::dns_persist01::{AccountIdentity, hashed_account_uri};
///
/// let account = AccountIdentity {
///     url: "https://ca.example/acct/123",
///     thumbprint: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
/// };
/// assert_eq!(
///     hashed_account_uri("https://ca.example/hash/", "example.com", account)?,
///     "https://ca.example/hash/sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
/// );
/// # Ok::<(), acmekit_core::challenge::dns_persist01::PersistError>(())
/// ```
///
/// # Errors
/// [`PersistError::AccountUri`] if the domain has more than 253 letters, or the thumbprint not 43.
pub fn hashed_account_uri(
    prefix: &str,
    domain: &str,
    account: AccountIdentity<'_>,
) -> Result<String, PersistError> {
    let length = u8::try_from(domain.len()).ok().filter(|length| (1..=253).contains(length));
    let length = length.ok_or(PersistError::AccountUri)?;
    if account.thumbprint.len() != 43 {
        return Err(PersistError::AccountUri);
    }
    let mut hash = Sha256::new();
    hash.update([length]);
    hash.update(domain.as_bytes());
    hash.update(account.thumbprint.as_bytes());
    hash.update(account.url.as_bytes());
    Ok(format!("{prefix}sha-256/{}", encoding::encode(&hash.finalize())))
}

/// The prefix that the directory names, if an absolute URI can begin with it.
pub(super) fn checked_prefix<'a>(
    metadata: &DirectoryMetadata<'a>,
) -> Result<&'a str, PersistError> {
    let prefix = metadata.account_hash_prefix.ok_or(PersistError::HashPrefix)?;
    let sample = format!("{prefix}sha-256/{}", "A".repeat(43));
    let is_uri = iri_string::types::UriStr::new(&sample).is_ok();
    if prefix.len() > crate::url::MAX_URL_LEN || !is_uri || !super::record::is_value(prefix) {
        return Err(PersistError::HashPrefix);
    }
    Ok(prefix)
}
