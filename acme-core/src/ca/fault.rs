//! A rule of a CA that the input breaks, found before anything is sent.

use core::fmt;

use crate::jose::{JwsAlgorithm, MacAlgorithm};
use crate::problem::printable;

/// The input breaks a rule of the CA; nothing was sent.
///
/// `Display` names the CA, the rule and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    pub(super) ca: String,
    pub(super) kind: RuleKind,
}

impl RuleFault {
    /// The name of the CA whose rule it is.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Which rule is broken, and by what.
    pub const fn kind(&self) -> &RuleKind {
        &self.kind
    }

    /// A short stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self.kind {
            RuleKind::Closed { .. } => "ca-closed",
            RuleKind::BindingMissing { .. } => "external-account-required",
            RuleKind::BindingAlgorithm { .. } => "external-account-algorithm",
            RuleKind::TooFewContacts { .. } => "contacts-too-few",
            RuleKind::TooManyContacts { .. } => "contacts-too-many",
            RuleKind::DuplicateContact(_) => "contact-duplicate",
            RuleKind::ContactScheme(_) => "contact-not-mailto",
            RuleKind::AccountKey { .. } => "account-key-not-taken",
            RuleKind::NoNames => "no-identifiers",
            RuleKind::TooManyNames { .. } => "too-many-names",
            RuleKind::NameOutsideDomain { .. } => "name-outside-domain",
            RuleKind::Wildcard(_) => "wildcard-not-issued",
            RuleKind::Address(_) => "address-not-issued",
            RuleKind::CertificateKey { .. } => "certificate-key-not-taken",
            RuleKind::KeyTooShort { .. } => "certificate-key-too-short",
            RuleKind::SubjectMissing { .. } => "subject-missing",
            RuleKind::SubjectForm { .. } => "subject-form",
            RuleKind::SubjectAttribute { .. } => "subject-attribute-forbidden",
            RuleKind::CommonNameMissing => "common-name-missing",
            RuleKind::CommonNameNotFirst { .. } => "common-name-not-first",
            RuleKind::Unreadable => "request-unreadable",
        }
    }
}

/// Which rule of a CA is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleKind {
    /// The CA issues nothing more.
    Closed {
        /// Since when.
        since: String,
    },
    /// A new account needs an external account binding.
    BindingMissing {
        /// Where to get one.
        source: Option<String>,
    },
    /// The CA takes another MAC algorithm only.
    BindingAlgorithm {
        /// The one it takes.
        required: MacAlgorithm,
        /// The one that was given.
        given: MacAlgorithm,
    },
    /// The account has too few contacts.
    TooFewContacts {
        /// The smallest number.
        min: usize,
        /// The number given.
        given: usize,
    },
    /// The account has too many contacts.
    TooManyContacts {
        /// The largest number.
        max: usize,
        /// The number given.
        given: usize,
    },
    /// A contact is given twice.
    DuplicateContact(String),
    /// A contact is no e-mail address.
    ContactScheme(String),
    /// The CA does not take such an account key.
    AccountKey {
        /// The algorithm of the key.
        given: JwsAlgorithm,
        /// Those that the CA takes.
        allowed: Vec<JwsAlgorithm>,
    },
    /// The order is for nothing.
    NoNames,
    /// The order has more names than a certificate of this CA can have.
    TooManyNames {
        /// The largest number.
        max: usize,
        /// The number given.
        given: usize,
    },
    /// A name lies outside the domains that the CA issues for.
    NameOutsideDomain {
        /// The name.
        name: String,
        /// The domains.
        domains: Vec<String>,
        /// Why only these.
        reason: Option<String>,
    },
    /// The CA issues no wildcards.
    Wildcard(String),
    /// The CA does not issue for IP addresses.
    Address(String),
    /// The CA does not take such a certificate key.
    CertificateKey {
        /// The kind of the key.
        given: String,
        /// Those that the CA takes.
        allowed: Vec<&'static str>,
        /// Why only these.
        reason: Option<String>,
    },
    /// The RSA key is too short.
    KeyTooShort {
        /// Its length in bits.
        bits: usize,
        /// The shortest that is taken.
        min: usize,
    },
    /// The certificate request has no subject.
    SubjectMissing {
        /// The subject it should have.
        expected: Option<String>,
    },
    /// The subject is not the prescribed one, or in another order.
    SubjectForm {
        /// The subject it should have, in the order of encoding.
        expected: String,
        /// The one it has.
        given: String,
        /// Why.
        reason: Option<String>,
    },
    /// An attribute may not stand in the subject.
    SubjectAttribute {
        /// The attribute, such as `OU`.
        attribute: String,
        /// Why not.
        reason: Option<String>,
    },
    /// The subject has no common name.
    CommonNameMissing,
    /// The common name is not the first name of the order.
    CommonNameNotFirst {
        /// The common name.
        common_name: String,
        /// The first name of the order.
        first: String,
    },
    /// The certificate request cannot be taken apart.
    Unreadable,
}

/// A reason in parentheses.
fn because(f: &mut fmt::Formatter<'_>, reason: Option<&String>) -> fmt::Result {
    reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
}

impl fmt::Display for RuleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { since } => write!(f, "issues nothing more since {since}"),
            Self::BindingMissing { source } => {
                f.write_str("wants an external account binding for a new account")?;
                source.as_ref().map_or(Ok(()), |source| write!(f, "; get one from {source}"))
            }
            Self::BindingAlgorithm { required, given } => {
                write!(f, "takes external account bindings with {required} only, not {given}")
            }
            Self::TooFewContacts { min, given } => {
                write!(f, "wants at least {min} contact e-mail address, {given} given")
            }
            Self::TooManyContacts { max, given } => {
                write!(f, "takes at most {max} contact e-mail addresses, {given} given")
            }
            Self::DuplicateContact(contact) => {
                write!(f, "wants each contact only once, {:?} is repeated", printable(contact))
            }
            Self::ContactScheme(contact) => {
                write!(f, "takes only e-mail addresses as contacts, not {:?}", printable(contact))
            }
            Self::AccountKey { given, allowed } => {
                write!(f, "takes no {given} account keys; use one for ")?;
                list(f, allowed)
            }
            Self::NoNames => f.write_str("cannot issue for no name at all"),
            Self::TooManyNames { max, given } => {
                write!(f, "puts at most {max} names into a certificate, {given} given")
            }
            Self::NameOutsideDomain { name, domains, reason } => {
                write!(f, "issues only for ")?;
                list(f, domains)?;
                write!(f, ", not for {name}")?;
                because(f, reason.as_ref())
            }
            Self::Wildcard(name) => write!(f, "issues no wildcards, such as {name}"),
            Self::Address(address) => {
                write!(f, "does not issue for IP addresses, such as {address}")
            }
            Self::CertificateKey { given, allowed, reason } => {
                write!(f, "takes no {given} certificate keys; use ")?;
                list(f, allowed)?;
                because(f, reason.as_ref())
            }
            Self::KeyTooShort { bits, min } => {
                write!(f, "wants RSA keys of at least {min} bits, this one has {bits}")
            }
            Self::SubjectMissing { expected } => {
                f.write_str("wants a subject in the certificate request")?;
                expected.as_ref().map_or(Ok(()), |expected| write!(f, ": {expected}"))
            }
            Self::SubjectForm { expected, given, reason } => {
                write!(f, "wants the subject {expected} in exactly this order, not {given}")?;
                because(f, reason.as_ref())
            }
            Self::SubjectAttribute { attribute, reason } => {
                write!(f, "allows no {attribute} in the subject")?;
                because(f, reason.as_ref())
            }
            Self::CommonNameMissing => f.write_str("wants a common name (CN) in the subject"),
            Self::CommonNameNotFirst { common_name, first } => write!(
                f,
                "wants the common name to be the first name of the order, which is {first}, not \
                 {common_name}"
            ),
            Self::Unreadable => f.write_str("would get a certificate request that cannot be read"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ca, self.kind)
    }
}

impl core::error::Error for RuleFault {}
