//! Checks of accounts and orders against the rules of a CA, before anything is sent.

use super::CaProfile;
use super::fault::{RuleFault, RuleKind};
use super::rules::{Requirement, Support};
use crate::jose::{JwsAlgorithm, MacAlgorithm};
use crate::types::Identifier;

impl CaProfile {
    /// Checks what a new account is to be made of.
    ///
    /// `contacts` are contact URLs; a bare e-mail address counts as one with `mailto:`.
    /// `has_binding` says whether an external account binding is at hand, `algorithm` is that of
    /// the binding.
    ///
    /// # Errors
    /// The first rule of this CA that is broken.
    pub fn check_registration(
        &self,
        contacts: &[String],
        has_binding: bool,
        algorithm: Option<MacAlgorithm>,
    ) -> Result<(), RuleFault> {
        self.check_open()?;
        let rules = &self.external_account;
        if rules.required == Requirement::Required && !has_binding {
            return self.fault(RuleKind::BindingMissing { source: rules.source.clone() });
        }
        if let (true, Some(required), Some(given)) = (has_binding, rules.algorithm, algorithm)
            && required != given
        {
            return self.fault(RuleKind::BindingAlgorithm { required, given });
        }
        self.check_contacts(contacts)
    }

    /// Checks the contacts of an account, as for a change of them.
    ///
    /// # Errors
    /// The first rule of this CA that is broken.
    pub fn check_contacts(&self, contacts: &[String]) -> Result<(), RuleFault> {
        let rules = &self.contacts;
        let given = contacts.len();
        if let Some(min) = rules.min.filter(|min| given < *min) {
            return self.fault(RuleKind::TooFewContacts { min, given });
        }
        if let Some(max) = rules.max.filter(|max| given > *max) {
            return self.fault(RuleKind::TooManyContacts { max, given });
        }
        let mut seen: Vec<String> = Vec::new();
        for contact in contacts {
            let (scheme, rest) = match contact.trim().split_once(':') {
                Some((scheme, rest)) => (scheme, rest),
                None => ("mailto", contact.trim()),
            };
            let is_mail = scheme.eq_ignore_ascii_case("mailto");
            if rules.mailto_only && !(is_mail && rest.contains('@')) {
                return self.fault(RuleKind::ContactScheme(contact.clone()));
            }
            let same = format!("{scheme}:{rest}").to_lowercase();
            if rules.no_duplicates && seen.contains(&same) {
                return self.fault(RuleKind::DuplicateContact(contact.clone()));
            }
            seen.push(same);
        }
        Ok(())
    }

    /// Checks the names of an order, in the order in which they are to be sent.
    ///
    /// # Errors
    /// The first rule of this CA that is broken.
    pub fn check_order(&self, identifiers: &[Identifier]) -> Result<(), RuleFault> {
        self.check_open()?;
        let rules = &self.names;
        let given = identifiers.len();
        if given == 0 {
            return self.fault(RuleKind::NoNames);
        }
        if let Some(max) = rules.max.filter(|max| given > *max) {
            return self.fault(RuleKind::TooManyNames { max, given });
        }
        for identifier in identifiers {
            let name = identifier.to_string();
            if identifier.as_ip().is_some() && rules.addresses == Support::No {
                return self.fault(RuleKind::Address(name));
            }
            if identifier.is_wildcard() && rules.wildcards == Support::No {
                return self.fault(RuleKind::Wildcard(name));
            }
            if !rules.domains.is_empty()
                && !rules.domains.iter().any(|domain| belongs_to(identifier, domain))
            {
                return self.fault(RuleKind::NameOutsideDomain {
                    name,
                    domains: rules.domains.clone(),
                    reason: rules.domains_reason.clone(),
                });
            }
        }
        Ok(())
    }

    /// Checks the algorithm of an account key.
    ///
    /// # Errors
    /// [`RuleKind::AccountKey`] if the CA is known not to take it.
    pub fn check_account_key(&self, algorithm: JwsAlgorithm) -> Result<(), RuleFault> {
        match &self.account_algorithms {
            Some(allowed)
                if !allowed.contains(&algorithm)
                    && algorithm.other_name().is_none_or(|other| !allowed.contains(&other)) =>
            {
                self.fault(RuleKind::AccountKey { given: algorithm, allowed: allowed.clone() })
            }
            _ => Ok(()),
        }
    }

    fn check_open(&self) -> Result<(), RuleFault> {
        match &self.closed_since {
            Some(since) => self.fault(RuleKind::Closed { since: since.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn fault<T>(&self, kind: RuleKind) -> Result<T, RuleFault> {
        Err(RuleFault { ca: self.name.clone(), kind })
    }
}

/// Whether a name is the domain or lies below it; a leading dot excludes the domain itself.
fn belongs_to(identifier: &Identifier, domain: &str) -> bool {
    let Some(name) = identifier.as_dns() else { return false };
    let domain = domain.to_ascii_lowercase();
    let (domain, itself) = match domain.strip_prefix('.') {
        Some(domain) => (domain, false),
        None => (domain.as_str(), true),
    };
    match name.strip_suffix(domain) {
        Some("") => itself,
        Some(front) => front.ends_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_a_domain_only_at_a_dot() {
        let belongs = |name: &str, domain| belongs_to(&name.parse().unwrap(), domain);
        assert!(belongs("uec.ac.jp", "uec.ac.jp"));
        assert!(belongs("www.uec.ac.jp", "UEC.ac.jp"));
        assert!(belongs("*.lab.uec.ac.jp", ".uec.ac.jp"));
        assert!(!belongs("uec.ac.jp", ".uec.ac.jp"));
        assert!(!belongs("fuec.ac.jp", "uec.ac.jp"));
        assert!(!belongs("uec.ac.jp.evil.example", "uec.ac.jp"));
        assert!(!belongs("192.0.2.1", "uec.ac.jp"));
    }
}
