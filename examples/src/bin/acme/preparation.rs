//! Everything about the input of `acme issue` that can be checked before anything is sent.

use std::fs;
use std::path::Path;

use acmekit::KeyType;
use acmekit_core::ca::CaProfile;
use acmekit_core::certificate::{CertificateRequestParameters, Subject};
use acmekit_core::jose::ExternalAccountBinding;
use acmekit_core::jose::eab::{ImportReport, ImportWarning, ImportedBinding, MacAlgorithm};
use acmekit_core::types::identifier::Identifier;

use crate::arguments::{EabAlgorithm, IssueArguments, Secret};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::server::Server;

/// Where the HMAC key is looked for when a key id is given without one.
const EAB_HMAC_KEY_VARIABLE: &str = "ACME_EAB_HMAC_KEY";

/// The input, understood.
#[derive(Debug)]
pub(crate) struct Preparation {
    pub(crate) request: CertificateRequestParameters,
    pub(crate) key_type: KeyType,
    pub(crate) contacts: Vec<String>,
    pub(crate) external_account: Option<ExternalAccountBinding>,
    pub(crate) server: Server,
    /// What the user should know about how the input was taken.
    pub(crate) notes: Vec<String>,
}

/// Checks the input without touching the network or leaving a file.
pub(crate) fn prepare(arguments: &IssueArguments) -> Result<Preparation, Failure> {
    let identifiers = identifiers(&arguments.domains)?;
    check_challenge_suits(arguments, &identifiers)?;
    let mut notes = Vec::new();
    let external_account = external_account(arguments, &mut notes)?;
    let contacts = contacts(&arguments.emails)?;
    let mut request = CertificateRequestParameters::new(identifiers);
    request.subject =
        arguments.subject.as_deref().map(|text| subject(text, &request)).transpose()?;
    let server = Server::check(&arguments.server)?;
    let mut key_type = arguments.key_type.map(KeyType::from);
    if let Some(profile) = &server.profile {
        profile.check_order(&request.identifiers)?;
        follow(profile, &mut request, &mut key_type, &mut notes);
    }
    check_output(&arguments.out)?;
    let key_type = key_type.unwrap_or(KeyType::P256);
    Ok(Preparation { request, key_type, contacts, external_account, server, notes })
}

/// Fills in what the CA prescribes and the user left open.
fn follow(
    profile: &CaProfile,
    request: &mut CertificateRequestParameters,
    key_type: &mut Option<KeyType>,
    notes: &mut Vec<String>,
) {
    if request.subject.is_none() {
        request.subject = request.identifiers.first().and_then(|name| profile.subject_for(name));
        if let Some(subject) = &request.subject {
            notes.push(format!("{} prescribes the subject {subject}", profile.name));
        }
    }
    let allowed = profile.certificate_keys.allowed.as_deref().unwrap_or_default();
    let first = allowed.first().copied().filter(|_| !allowed.contains(&KeyType::P256));
    if let (None, Some(first)) = (*key_type, first) {
        notes.push(format!("{} prescribes a key of type {first}", profile.name));
        *key_type = Some(first);
    }
}

fn identifiers(names: &[String]) -> Result<Vec<Identifier>, Failure> {
    let mut identifiers = Vec::new();
    for name in names {
        let identifier = name.parse().map_err(|error| {
            let advice = "Give names such as www.example.org, one after each --domain.";
            Failure::input(ExitCode::Domain, "domain-malformed", error, advice)
        })?;
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    if identifiers.is_empty() {
        return Err(Failure::input(
            ExitCode::Domain,
            "domain-missing",
            "no domain is given",
            "Name at least one with --domain.",
        ));
    }
    Ok(identifiers)
}

fn check_challenge_suits(
    arguments: &IssueArguments,
    identifiers: &[Identifier],
) -> Result<(), Failure> {
    let is_dns01 = arguments.dns01_exec.is_some();
    for identifier in identifiers {
        if identifier.is_wildcard() && !is_dns01 {
            return Err(Failure::input(
                ExitCode::ChallengeForName,
                "wildcard-needs-dns-01",
                format_args!("{identifier} is a wildcard, which no CA validates over HTTP or TLS"),
                "Use --dns01-exec.",
            ));
        }
        if identifier.as_ip().is_some() && is_dns01 {
            return Err(Failure::input(
                ExitCode::ChallengeForName,
                "address-without-dns",
                format_args!("{identifier} is an address, which no CA validates over DNS"),
                "Use --http01-listen, --webroot or --tlsalpn01-listen.",
            ));
        }
    }
    Ok(())
}

fn external_account(
    arguments: &IssueArguments,
    notes: &mut Vec<String>,
) -> Result<Option<ExternalAccountBinding>, Failure> {
    const COPY: &str = "Copy key id and HMAC key again from the CA's account page.";
    let fail = |code: &str, message: &dyn std::fmt::Display, advice: &str| {
        Failure::input(ExitCode::ExternalAccount, code, message, advice)
    };
    let Some(key_id) = &arguments.eab_kid else { return Ok(None) };
    let secret = match (&arguments.eab_hmac_key, &arguments.eab_hmac_key_file) {
        (Some(secret), _) => secret.clone(),
        (None, Some(path)) => Secret::new(fs::read_to_string(path).map_err(|error| {
            let message = format!("{} cannot be read: {error}", path.display());
            fail("eab-key-unreadable", &message, "Name a readable text file with the HMAC key.")
        })?),
        (None, None) => Secret::new(std::env::var(EAB_HMAC_KEY_VARIABLE).map_err(|_| {
            let message = "--eab-kid is given without an HMAC key";
            fail(
                "eab-key-missing",
                &message,
                "Add --eab-hmac-key-file, --eab-hmac-key or ACME_EAB_HMAC_KEY.",
            )
        })?),
    };
    let imported = ImportedBinding::parse_key(secret.reveal(), arguments.eab_key_form)
        .map_err(|error| fail("eab-key-malformed", &error, COPY))?;
    notes.extend(import_notes(&imported.report));
    let algorithm = match arguments.eab_alg {
        EabAlgorithm::Hs256 => MacAlgorithm::Hs256,
        EabAlgorithm::Hs384 => MacAlgorithm::Hs384,
        EabAlgorithm::Hs512 => MacAlgorithm::Hs512,
    };
    ExternalAccountBinding::new(key_id, imported.mac_key, algorithm)
        .map(Some)
        .map_err(|error| fail("eab-kid-malformed", &error, COPY))
}

/// What was changed in a pasted key and what is odd about it.
fn import_notes(report: &ImportReport) -> impl Iterator<Item = String> {
    let changes = report.changes.iter().map(ToString::to_string);
    // The binding itself warns of a key that is too short, by the algorithm that is used.
    let warnings = report
        .warnings
        .iter()
        .filter(|warning| !matches!(warning, ImportWarning::ShorterThanHash { .. }))
        .map(ToString::to_string);
    changes.chain(warnings)
}

/// The addresses of `--email` as contact URLs.
pub(crate) fn contacts(addresses: &[String]) -> Result<Vec<String>, Failure> {
    addresses.iter().map(|address| contact(address)).collect()
}

/// One address, as RFC 8555 §7.3 wants it: no header fields, no list.
fn contact(address: &str) -> Result<String, Failure> {
    let bare = address.strip_prefix("mailto:").unwrap_or(address);
    let is_plain =
        bare.chars().all(|c| c.is_ascii_graphic() && !matches!(c, ',' | '?' | '<' | '>' | '"'));
    match bare.split_once('@') {
        Some((local, domain))
            if is_plain && !local.is_empty() && Identifier::dns(domain).is_ok() =>
        {
            Ok(format!("mailto:{bare}"))
        }
        _ => Err(Failure::input(
            ExitCode::Contact,
            "email-malformed",
            format_args!(
                "{:?} is not one plain e-mail address",
                address.escape_debug().to_string()
            ),
            "Give one address such as admin@example.org after each --email.",
        )),
    }
}

fn subject(text: &str, request: &CertificateRequestParameters) -> Result<Subject, Failure> {
    let fail = |error: &dyn std::fmt::Display| {
        let advice = "Write --subject as C=JP,O=Example,CN=www.example.org.";
        Failure::input(ExitCode::Subject, "subject-malformed", error, advice)
    };
    let subject = Subject::parse(text).map_err(|error| fail(&error))?;
    let is_asked_for =
        |name: &str| Identifier::dns(name).is_ok_and(|name| request.identifiers.contains(&name));
    match subject.common_name() {
        Some(name) if !is_asked_for(name) => {
            Err(fail(&format_args!("the common name {name:?} is not one of the --domain names")))
        }
        _ => Ok(subject),
    }
}

/// Proves that files can be made in the directory, or in the nearest one above it that exists. The
/// directory itself is made only when there is something to keep in it.
fn check_output(out: &Path) -> Result<(), Failure> {
    let fail = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::input(
            ExitCode::Output,
            "out-not-writable",
            format_args!("{} cannot be written to: {error}", path.display()),
            "Name with --out a directory that this user may write to.",
        )
    };
    let mut existing = out;
    while fs::symlink_metadata(existing).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        existing = match existing.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => break,
        };
    }
    let probe = existing.join(format!(".acme-write-check-{}", std::process::id()));
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)
        .and_then(|_| fs::remove_file(&probe))
        .map_err(|error| fail(existing, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_single_plain_addresses() {
        assert_eq!(contact("a@example.org").unwrap(), "mailto:a@example.org");
        assert_eq!(contact("mailto:a@example.org").unwrap(), "mailto:a@example.org");
        for wrong in
            ["", "a", "@example.org", "a@", "a@b,c@d", "a@example.org?x=y", "a b@c.example"]
        {
            assert_eq!(contact(wrong).unwrap_err().exit, ExitCode::Contact, "{wrong}");
        }
    }

    #[test]
    fn a_name_given_twice_is_ordered_once() {
        let names = ["a.example", "A.Example."].map(str::to_owned);
        assert_eq!(identifiers(&names).unwrap().len(), 1);
    }

    #[test]
    fn the_check_of_the_output_directory_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        check_output(&parent.path().join("a/b")).unwrap();
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);

        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            assert_eq!(check_output(&path).unwrap_err().exit, ExitCode::Output);
        }
    }
}
