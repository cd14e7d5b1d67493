//! The directory: where everything is, and what the CA says of itself (RFC 8555 §7.1.1).

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::deviation::Deviations;

/// Most profiles that are read.
const MAX_PROFILES: usize = 200;

/// The directory of a server. URLs are kept to the letter; each is checked before it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directory {
    /// Where nonces come from.
    pub new_nonce: Option<String>,
    /// Where accounts are made.
    pub new_account: Option<String>,
    /// Where orders are made.
    pub new_order: Option<String>,
    /// Where authorizations are made ahead of an order; most servers have none.
    pub new_authorization: Option<String>,
    /// Where certificates are revoked.
    pub revoke_certificate: Option<String>,
    /// Where account keys are changed.
    pub key_change: Option<String>,
    /// Where renewal information is (RFC 9773).
    pub renewal_info: Option<String>,
    /// The terms of service, a URL for people.
    pub terms_of_service: Option<String>,
    /// The CA's web site, a URL for people.
    pub website: Option<String>,
    /// The names by which CAA records permit this CA (RFC 8659).
    pub caa_identities: Vec<String>,
    /// Whether an account needs an external account binding (§7.3.4).
    pub external_account_required: bool,
    /// The certificate profiles on offer: name and description.
    pub profiles: Vec<(String, String)>,
}

impl Directory {
    /// Reads a directory; `None` when the object names no ACME resource at all.
    pub(crate) fn read(object: &Map<String, Value>, deviations: &mut Deviations) -> Option<Self> {
        let mut fields = Fields::new(object, "directory", deviations);
        let mut directory = Self {
            new_nonce: fields.text("newNonce"),
            new_account: fields.text("newAccount"),
            new_order: fields.text("newOrder"),
            new_authorization: fields.text("newAuthz"),
            revoke_certificate: fields.text("revokeCert"),
            key_change: fields.text("keyChange"),
            renewal_info: fields.text("renewalInfo"),
            ..Self::default()
        };
        if directory.new_nonce.is_none()
            && directory.new_account.is_none()
            && directory.new_order.is_none()
        {
            return None;
        }
        if let Some(meta) = fields.object("meta") {
            let mut meta = Fields::new(meta, "directory's meta", deviations);
            directory.terms_of_service = meta.text("termsOfService");
            directory.website = meta.text("website");
            directory.caa_identities = meta.texts("caaIdentities");
            directory.external_account_required = meta.flag("externalAccountRequired");
            if let Some(profiles) = meta.object("profiles") {
                directory.profiles = profiles
                    .iter()
                    .take(MAX_PROFILES)
                    .map(|(name, text)| (name.clone(), text.as_str().unwrap_or("").to_owned()))
                    .collect();
            }
        }
        Some(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value) -> (Option<Directory>, usize) {
        let mut deviations = Deviations::default();
        let directory = Directory::read(value.as_object().unwrap(), &mut deviations);
        (directory, deviations.as_slice().len())
    }

    #[test]
    fn a_minimal_directory_and_unknown_members_are_fine() {
        let (directory, deviations) = read(&json!({
            "newNonce": "https://a/n", "newAccount": "https://a/a", "newOrder": "https://a/o",
            "X9_random": "https://community.example/t/random", "meta": null,
        }));
        let directory = directory.unwrap();
        assert_eq!(directory.new_order.as_deref(), Some("https://a/o"));
        assert!(!directory.external_account_required);
        assert_eq!(deviations, 0);
    }

    #[test]
    fn members_of_the_wrong_type_are_left_out_and_noted() {
        let (directory, deviations) = read(&json!({
            "newNonce": "https://a/n", "keyChange": 3, "meta": {
                "caaIdentities": "ca.example", "externalAccountRequired": "yes",
                "profiles": {"classic": "The default", "odd": 7}, "website": null,
            },
        }));
        let directory = directory.unwrap();
        assert_eq!(directory.key_change, None);
        assert!(directory.caa_identities.is_empty());
        assert_eq!(directory.profiles.len(), 2);
        assert_eq!(deviations, 3);
    }

    #[test]
    fn an_error_with_status_200_is_no_directory() {
        assert_eq!(read(&json!({"type": "x", "detail": "busy"})).0, None);
    }
}
