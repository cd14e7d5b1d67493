//! dns-account-01: a TXT record whose name belongs to one account
//! (draft-ietf-acme-dns-account-label).
//!
//! Two accounts, say of two data centres, can validate one name at the same time, and each can have
//! its own CNAME, because the name of the record carries a hash of the account URL. The value is
//! the one of [`dns01`].
//!
//! The account URL must be the one that the client holds for its account and signs with (`kid`). A
//! URL that stands in an error of the server is never used: the hash of another account would hand
//! the name to that account.

use sha2::{Digest, Sha256};

use super::token::KeyAuthorization;
use super::{base32, dns01};
use crate::types::identifier::Identifier;

/// Octets of the hash that the label carries.
const HASH_LEN: usize = 10;

/// The length of the label and of the fixed part after it, with both dots.
pub(super) const PREFIX_LEN: usize = "_aaaaaaaaaaaaaaaa._acme-challenge.".len();

/// The first label of the record's name: `_` and 16 letters made from the account URL.
///
/// ```
/// use acmekit_core::challenge::dns_account01;
///
/// let label = dns_account01::label("https://example.com/acme/acct/ExampleAccount");
/// assert_eq!(label, "_ujmmovf2vn55tgye");
/// ```
pub fn label(account_url: &str) -> String {
    let digest = Sha256::digest(account_url.as_bytes());
    format!("_{}", base32::encode(digest.get(..HASH_LEN).unwrap_or_default()))
}

/// The name of the TXT record, without a final dot. A wildcard has the same as the name below
/// which it stands, so one name may need two values at once: add and remove single values.
///
/// ```
/// use acmekit_core::challenge::dns_account01;
///
/// let account = "https://example.com/acme/acct/ExampleAccount";
/// let name = dns_account01::record_name(account, &"example.org".parse()?);
/// assert_eq!(name, "_ujmmovf2vn55tgye._acme-challenge.example.org");
/// # Ok::<(), acmekit_core::types::identifier::IdentifierError>(())
/// ```
pub fn record_name(account_url: &str, identifier: &Identifier) -> String {
    format!("{}.{}", label(account_url), dns01::record_name(identifier))
}

/// The value of the TXT record: 43 letters of base64url, the same as for dns-01.
pub fn record_value(key_authorization: &KeyAuthorization) -> String {
    dns01::record_value(key_authorization)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::token::tests::{THUMBPRINTS, sample_token};

    const ACCOUNT: &str = "https://example.com/acme/acct/ExampleAccount";

    #[test]
    fn the_owner_is_the_one_of_the_draft() {
        let name = record_name(ACCOUNT, &"example.org".parse().unwrap());
        assert_eq!(name, "_ujmmovf2vn55tgye._acme-challenge.example.org");
        assert_eq!(name.len() - "example.org".len(), PREFIX_LEN);
    }

    #[test]
    fn a_wildcard_has_the_owner_of_its_base_name() {
        let of = |name: &str| record_name(ACCOUNT, &name.parse().unwrap());
        assert_eq!(of("*.Example.org"), of("example.org"));
    }

    #[test]
    fn the_account_url_counts_to_the_letter() {
        for other in ["https://example.com/acme/acct/exampleaccount", &format!("{ACCOUNT}/"), ""] {
            assert_ne!(label(other), label(ACCOUNT));
            assert_eq!(label(other).len(), 17);
        }
    }

    #[test]
    fn the_value_is_the_one_of_dns_01() {
        let authorization = KeyAuthorization::new(&sample_token(), THUMBPRINTS[0]);
        assert_eq!(record_value(&authorization), "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8");
    }
}
