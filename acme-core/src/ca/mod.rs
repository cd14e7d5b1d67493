//! Certificate authorities as data: what each one asks for, offers, and means by its errors.
//!
//! A [`CaProfile`] is an ordinary value: list them ([`CaProfile::all`]), print one as JSON, change
//! a field, or read one's own from a file. It checks input before anything is sent
//! ([`CaProfile::check_registration`], [`CaProfile::check_order`], [`CaProfile::check_request`],
//! [`CaProfile::check_account_key`]) and explains refusals ([`CaProfile::explain`]).
//!
//! ```
//! use acmekit_core::ca::CaProfile;
//!
//! let jprs = CaProfile::named("jprs").ok_or("no such profile")?;
//! let fault = jprs.check_registration(&[], true, None).map_err(|fault| fault.code());
//! assert_eq!(fault, Err("contacts-too-few"));
//! # Ok::<(), &str>(())
//! ```

mod check;
mod commercial;
mod explain;
mod fault;
mod jprs;
mod private;
mod profile;
mod public;
mod request;
mod rules;
mod shared;
mod upki;

pub use explain::{Explanation, KnownError, Phase, RetryHint};
pub use fault::{RuleFault, RuleKind};
pub use profile::CaProfile;
pub use rules::{
    CertificateKeyRules, ContactRules, CredentialReuse, DirectoryUrl, DryRun, ExternalAccountRules,
    NameRules, Operations, PollingRules, Requirement, SubjectRules, Support,
};
