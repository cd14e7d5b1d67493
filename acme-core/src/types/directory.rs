//! The directory: where everything is, and what the CA says of itself (RFC 8555 §7.1.1).

use core::time::Duration;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::action::RequestKind;
use crate::deviation::Deviations;
use crate::extension::unknown_members;

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
    /// Certificates that the CA renews by itself (RFC 8739 §3.2); none where it does not.
    pub auto_renewal: Option<AutoRenewal>,
    /// Whether accounts may have delegations (RFC 9115 §2.3.4).
    pub delegation_enabled: bool,
    /// Whether certificates of delegated orders can be had by plain GET (RFC 9115 §2.3.4).
    pub allow_certificate_get: bool,
    /// Whether an authorization of a parent domain may be asked for (RFC 9444 §4.4).
    pub subdomain_authorization_allowed: bool,
    /// Whether an order of a name under `.onion` must bring its CAA along (RFC 9799 §6.4).
    pub in_band_onion_caa_required: bool,
    /// The names by which records of `dns-persist-01` name this CA (draft-ietf-acme-dns-persist).
    pub issuer_domain_names: Vec<String>,
    /// What stands in front of the hashed account in such a record.
    pub account_hash_prefix: Option<String>,
    /// Members of `meta` this library does not know, as they were sent: at most 32, each of at
    /// most 2000 bytes of JSON.
    pub other_meta: BTreeMap<String, Value>,
}

/// What a CA allows for certificates that it renews by itself (RFC 8739 §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AutoRenewal {
    /// The shortest life of one certificate.
    pub min_lifetime: Option<Duration>,
    /// The longest time that renewal goes on.
    pub max_duration: Option<Duration>,
    /// Whether the certificates can be had by plain GET.
    pub allow_certificate_get: bool,
}

/// The members of `meta` that have a field of their own.
const KNOWN_META: [&str; 13] = [
    "termsOfService",
    "website",
    "caaIdentities",
    "externalAccountRequired",
    "profiles",
    "auto-renewal",
    "delegation-enabled",
    "allow-certificate-get",
    "subdomainAuthAllowed",
    "inBandOnionCAARequired",
    "onionCAARequired",
    "issuerDomainNames",
    "accountHashPrefix",
];

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
        if let Some(object) = fields.object("meta") {
            let mut meta = Fields::new(object, "directory's meta", deviations);
            directory.read_meta(&mut meta);
            directory.other_meta = unknown_members(object, &KNOWN_META);
        }
        Some(directory)
    }

    fn read_meta(&mut self, meta: &mut Fields<'_, '_>) {
        self.terms_of_service = meta.text("termsOfService");
        self.website = meta.text("website");
        if self.website.is_none() && meta.value("home").is_some() {
            self.website = meta.text("home");
            meta.note("home", "stands where `website` belongs");
        }
        self.caa_identities = meta.texts("caaIdentities");
        self.external_account_required = meta.flag("externalAccountRequired");
        for (name, text) in meta.object("profiles").into_iter().flatten().take(MAX_PROFILES) {
            if !text.is_string() {
                meta.note("profiles", "describes a profile by something else than text");
            }
            self.profiles.push((name.clone(), text.as_str().unwrap_or("").to_owned()));
        }
        if let Some(object) = meta.object("auto-renewal") {
            let resource = "directory's auto-renewal";
            let mut fields = Fields::new(object, resource, meta.deviations());
            self.auto_renewal = Some(AutoRenewal {
                min_lifetime: fields.seconds("min-lifetime"),
                max_duration: fields.seconds("max-duration"),
                allow_certificate_get: fields.flag("allow-certificate-get"),
            });
        }
        self.delegation_enabled = meta.flag("delegation-enabled");
        self.allow_certificate_get = meta.flag("allow-certificate-get");
        self.subdomain_authorization_allowed = meta.flag("subdomainAuthAllowed");
        // Drafts of RFC 9799 had the shorter name.
        let required = [meta.flag("inBandOnionCAARequired"), meta.flag("onionCAARequired")];
        self.in_band_onion_caa_required = required.contains(&true);
        self.issuer_domain_names = meta.texts("issuerDomainNames");
        self.account_hash_prefix = meta.text("accountHashPrefix");
    }

    /// The URL for a kind of request, if the directory names one.
    pub(crate) fn url_for(&self, kind: RequestKind) -> Option<&str> {
        match kind {
            RequestKind::NewNonce => self.new_nonce.as_deref(),
            RequestKind::NewAccount => self.new_account.as_deref(),
            RequestKind::NewOrder => self.new_order.as_deref(),
            RequestKind::NewAuthorization => self.new_authorization.as_deref(),
            RequestKind::RevokeCertificate => self.revoke_certificate.as_deref(),
            RequestKind::KeyChange => self.key_change.as_deref(),
            _ => None,
        }
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
        assert_eq!(deviations, 4);
    }

    /// All that RFC 8555 and its extensions define for `meta`.
    fn full_meta() -> Value {
        json!({
            "termsOfService": "https://a/terms", "website": "https://a/",
            "caaIdentities": ["a.example", "b.example"], "externalAccountRequired": true,
            "profiles": {"classic": "The default", "short": "Six days"},
            "auto-renewal": {
                "min-lifetime": 86400, "max-duration": 31_536_000, "allow-certificate-get": true,
            },
            "delegation-enabled": true, "allow-certificate-get": true,
            "subdomainAuthAllowed": true, "inBandOnionCAARequired": true,
            "issuerDomainNames": ["a.example"], "accountHashPrefix": "acct:",
        })
    }

    fn with_meta(meta: &Value) -> (Directory, usize) {
        let directory = json!({"newNonce": "https://a/n", "newOrder": "https://a/o", "meta": meta});
        let (directory, deviations) = read(&directory);
        (directory.unwrap(), deviations)
    }

    #[test]
    fn every_member_of_meta_is_read() {
        let (directory, deviations) = with_meta(&full_meta());
        assert_eq!(deviations, 0);
        assert_eq!(directory.terms_of_service.as_deref(), Some("https://a/terms"));
        assert_eq!(directory.website.as_deref(), Some("https://a/"));
        assert_eq!(directory.caa_identities, ["a.example", "b.example"]);
        assert!(directory.external_account_required);
        let profiles: Vec<_> = directory.profiles.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(profiles, ["classic", "short"]);
        let renewal = directory.auto_renewal.clone().unwrap();
        assert_eq!(renewal.min_lifetime, Some(Duration::from_secs(86_400)));
        assert_eq!(renewal.max_duration, Some(Duration::from_secs(31_536_000)));
        assert!(renewal.allow_certificate_get);
        assert!(directory.delegation_enabled && directory.allow_certificate_get);
        assert!(directory.subdomain_authorization_allowed && directory.in_band_onion_caa_required);
        assert_eq!(directory.issuer_domain_names, ["a.example"]);
        assert_eq!(directory.account_hash_prefix.as_deref(), Some("acct:"));
        assert!(directory.other_meta.is_empty());
    }

    #[test]
    fn what_meta_does_not_say_is_not_offered() {
        let (directory, deviations) = with_meta(&json!({}));
        assert_eq!(deviations, 0);
        let plain = Directory {
            new_nonce: Some("https://a/n".into()),
            new_order: Some("https://a/o".into()),
            ..Directory::default()
        };
        assert_eq!(directory, plain);
        assert!(!directory.external_account_required && directory.auto_renewal.is_none());
    }

    #[test]
    fn both_names_of_the_onion_rule_are_understood() {
        for name in ["inBandOnionCAARequired", "onionCAARequired"] {
            assert!(with_meta(&json!({name: true})).0.in_band_onion_caa_required, "{name}");
            assert!(!with_meta(&json!({name: false})).0.in_band_onion_caa_required, "{name}");
        }
    }

    #[test]
    fn unknown_members_of_meta_are_kept_and_disturb_nothing() {
        let mut meta = full_meta();
        meta["newThing"] = json!({"a": 1});
        let (directory, deviations) = with_meta(&meta);
        assert_eq!(deviations, 0);
        assert_eq!(directory.other_meta["newThing"], json!({"a": 1}));
        assert_eq!(directory.other_meta.len(), 1);
        assert!(directory.external_account_required);
    }

    #[test]
    fn a_member_of_meta_with_any_wrong_type_is_dropped_and_noted_and_the_others_stay() {
        let right = with_meta(&full_meta()).0;
        for name in KNOWN_META {
            for wrong in [json!(1.5), json!(["x", 3]), json!({"min-lifetime": [3]})] {
                let mut meta = full_meta();
                meta[name] = wrong.clone();
                let (directory, deviations) = with_meta(&meta);
                assert!(deviations >= 1, "{name} {wrong}");
                assert_eq!(directory.new_order, right.new_order);
                for (member, is_kept) in [
                    ("termsOfService", directory.terms_of_service == right.terms_of_service),
                    ("website", directory.website == right.website),
                    ("caaIdentities", directory.caa_identities == right.caa_identities),
                    ("externalAccountRequired", directory.external_account_required),
                    ("profiles", directory.profiles == right.profiles),
                    ("auto-renewal", directory.auto_renewal == right.auto_renewal),
                    ("delegation-enabled", directory.delegation_enabled),
                    ("allow-certificate-get", directory.allow_certificate_get),
                    ("subdomainAuthAllowed", directory.subdomain_authorization_allowed),
                    ("inBandOnionCAARequired", directory.in_band_onion_caa_required),
                    (
                        "issuerDomainNames",
                        directory.issuer_domain_names == right.issuer_domain_names,
                    ),
                    (
                        "accountHashPrefix",
                        directory.account_hash_prefix == right.account_hash_prefix,
                    ),
                ] {
                    assert_eq!(is_kept, member != name, "{name} = {wrong}: {member}");
                }
            }
        }
    }

    #[test]
    fn an_error_with_status_200_is_no_directory() {
        assert_eq!(read(&json!({"type": "x", "detail": "busy"})).0, None);
    }
}
