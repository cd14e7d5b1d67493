//! The rules of particular CAs, each a switch of its own: about credentials, contacts, names, keys.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::{CertificateKey, Config, ErrorText, SubjectRule};
use crate::cause::RefusalCause;

impl Config {
    /// The path of the directory, with a slash in front. Default: `/directory`.
    #[must_use]
    pub fn with_directory_path(mut self, path: impl Into<String>) -> Self {
        self.directory_path = path.into();
        self
    }

    /// Whether the CA offers newAuthz (RFC 8555 §7.4.1). Default: no.
    #[must_use]
    pub const fn with_preauthorization(mut self, offered: bool) -> Self {
        self.preauthorization = offered;
        self
    }

    /// Whether a domain can be authorized in place of the names below it (RFC 9444). Default: no.
    #[must_use]
    pub const fn with_subdomains(mut self, allowed: bool) -> Self {
        self.subdomains = allowed;
        self
    }

    /// Whether the CA offers renewal information and takes `replaces` in orders (RFC 9773). Default:
    /// no.
    #[must_use]
    pub const fn with_renewal_information(mut self, offered: bool) -> Self {
        self.renewal_information = offered;
        self
    }

    /// How long after its creation a credential for external account binding can register an
    /// account. Default: for ever.
    #[must_use]
    pub const fn with_external_account_lifetime(mut self, lifetime: Duration) -> Self {
        self.external_account_lifetime = Some(lifetime);
        self
    }

    /// Whether a credential that has registered an account can register another, as after a server
    /// was replaced. If not, every credential is for single use. Default: yes.
    #[must_use]
    pub const fn with_external_account_reuse(mut self, reuse: bool) -> Self {
        self.external_account_reuse = reuse;
        self
    }

    /// How many contacts an account must have. Default: any number.
    #[must_use]
    pub const fn with_contacts(mut self, count: RangeInclusive<usize>) -> Self {
        self.contacts = count;
        self
    }

    /// Whether a contact may stand twice, in upper or lower case. Default: yes.
    #[must_use]
    pub const fn with_repeated_contacts(mut self, allowed: bool) -> Self {
        self.repeated_contacts = allowed;
        self
    }

    /// The greatest number of identifiers in an order. Default: 100.
    #[must_use]
    pub const fn with_max_identifiers(mut self, count: usize) -> Self {
        self.max_identifiers = count;
        self
    }

    /// Whether an order must name all that its credential was applied for
    /// ([`ExternalAccount::for_names`](super::ExternalAccount::for_names)), the common name first.
    /// Default: no, any of these names will do.
    #[must_use]
    pub const fn with_whole_name_set(mut self, whole: bool) -> Self {
        self.whole_name_set = whole;
        self
    }

    /// Whether IP addresses can be ordered (RFC 8738). Default: yes.
    #[must_use]
    pub const fn with_ip_identifiers(mut self, allowed: bool) -> Self {
        self.ip_identifiers = allowed;
        self
    }

    /// Adds a domain to those that the CA issues for: `example.org` with all below it, or
    /// `.example.org` for what is below it alone. Default: any domain.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// Makes the CA refuse one name, and give no reason.
    #[must_use]
    pub fn with_refused_name(mut self, name: impl Into<String>) -> Self {
        self.refused_names.insert(name.into());
        self
    }

    /// The names of this CA in CAA records (RFC 8659), also told in the directory. Default:
    /// `ca.test`.
    #[must_use]
    pub fn with_caa_identities(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.caa_identities = names.into_iter().map(Into::into).collect();
        self
    }

    /// The kinds of certificate key that are taken; others are `badCSR`. Default: P-256, P-384,
    /// Ed25519, and RSA of 2048 to 4096 bits.
    #[must_use]
    pub fn with_certificate_keys(
        mut self,
        kinds: impl IntoIterator<Item = CertificateKey>,
    ) -> Self {
        self.certificate_keys = Some(kinds.into_iter().collect());
        self
    }

    /// What the subject of a certification request must be. Default: [`SubjectRule::any`].
    #[must_use]
    pub fn with_subject_rule(mut self, rule: SubjectRule) -> Self {
        self.subject_rule = rule;
        self
    }

    /// How many validations of an account may fail in a day; with the last of them it can order
    /// nothing until the next day begins. The day is that of Japan (UTC+9), where the rule is known
    /// from. Default: any number.
    #[must_use]
    pub const fn with_failed_validations_per_day(mut self, count: u32) -> Self {
        self.failed_validations = Some(count);
        self
    }

    /// Whether problems have subproblems, one for each identifier (RFC 8555 §6.7.1). If not, the
    /// first one is told alone. Default: yes.
    #[must_use]
    pub const fn with_subproblems(mut self, present: bool) -> Self {
        self.subproblems = present;
        self
    }

    /// Gives a cause the type, status and text that a particular CA uses. Default: the standard
    /// ones, and a text that tells what exactly was wrong.
    #[must_use]
    pub fn with_error_text(mut self, cause: RefusalCause, text: ErrorText) -> Self {
        self.error_texts.insert(cause, text);
        self
    }
}
