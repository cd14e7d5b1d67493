//! The CA that a command talks to: its directory, its profile, and how to connect.

use std::fs;
use std::path::Path;

use acmekit::store::FileStore;
use acmekit::{Client, ClientBuilder, Error, KeyType, Policy, PrivateKey, SystemEntropy};
use acmekit_core::advice::Language;
use acmekit_core::ca::CaProfile;
use acmekit_core::jose::{AccountKey, LocalSigner};
use acmekit_core::session::Session;
use tokio::runtime::{Builder, Runtime};

use crate::arguments::{ServerArguments, TargetArguments};
use crate::ca;
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// The CA, as far as the command line tells.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) directory: String,
    pub(crate) profile: Option<CaProfile>,
    pub(crate) policy: Policy,
    root_certificates: Option<Vec<u8>>,
}

impl Server {
    /// Checks the arguments without touching the network.
    pub(crate) fn check(arguments: &ServerArguments) -> Result<Self, Failure> {
        let (directory, profile) = target(&arguments.target)?;
        let mut policy = Policy::default();
        policy.allow_loopback_http = arguments.allow_http;
        check_directory(&directory, &policy)?;
        let root_certificates = arguments.ca_root.as_deref().map(read_root).transpose()?;
        Ok(Self { directory, profile, policy, root_certificates })
    }

    /// A client for this CA that still lacks the account key. The CA is asked to speak the language
    /// of the user as well as it can (RFC 8555 §6.1).
    pub(crate) fn builder(&self, language: Language) -> Result<ClientBuilder, Failure> {
        let mut builder = Client::builder(&self.directory)
            .policy(self.policy.clone())
            .user_agent(concat!("acme/", env!("CARGO_PKG_VERSION")))
            .accept_language(match language {
                Language::English => "en".to_owned(),
                other => format!("{other}, en;q=0.5"),
            });
        if let Some(pem) = &self.root_certificates {
            builder = builder.add_root_certificate_pem(pem).map_err(root_failure)?;
        }
        if let Some(profile) = &self.profile {
            builder = builder.profile(profile.clone());
        }
        Ok(builder)
    }
}

fn target(arguments: &TargetArguments) -> Result<(String, Option<CaProfile>), Failure> {
    let named = arguments.ca.as_deref().map(ca::named).transpose()?;
    let Some(directory) = arguments.directory.clone() else {
        let profile = named.unwrap_or_default();
        return match profile.directory_url() {
            Some(url) => Ok((url.to_owned(), Some(profile))),
            None => Err(without_directory(&profile)),
        };
    };
    let profile = named.or_else(|| CaProfile::for_directory(&directory));
    Ok((directory, profile))
}

fn without_directory(profile: &CaProfile) -> Failure {
    let forms: Vec<&str> = profile.directories.iter().map(|known| known.url.as_str()).collect();
    let forms =
        if forms.is_empty() { String::new() } else { format!(" (such as {})", forms.join(", ")) };
    Failure::input(
        ExitCode::CaName,
        "ca-without-directory",
        format_args!("{} has another directory for each customer{forms}", profile.name),
        "Add --directory with the URL that the CA or its operator gave you.",
    )
}

/// Has the library look at the URL as it will later, without sending anything.
fn check_directory(url: &str, policy: &Policy) -> Result<(), Failure> {
    let key = PrivateKey::generate(KeyType::P256, &mut SystemEntropy).map_err(Error::from)?;
    let key = AccountKey::local(LocalSigner::new(key));
    Session::new(url, key, policy.clone())
        .map(drop)
        .map_err(|error| Failure::from(Error::from(error)).because_of(ExitCode::DirectoryUrl))
}

fn read_root(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| root_failure(format_args!("{} cannot be read: {error}", path.display())))
}

/// What is wrong with the file of `--ca-root`.
fn root_failure(message: impl std::fmt::Display) -> Failure {
    Failure::input(
        ExitCode::RootCertificate,
        "root-unreadable",
        message,
        "Name with --ca-root a readable file of PEM certificates.",
    )
}

/// What runs the client.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::input(ExitCode::Other, "runtime", error, "Free memory or threads and run again.")
    })
}

/// Opens `--out`. A directory that cannot be used is the input's fault; anything else is the
/// store's.
pub(crate) fn open_store(out: &Path) -> Result<FileStore, Failure> {
    FileStore::open(out).map_err(|error| {
        let exit = match error.code() {
            "store-not-writable" => ExitCode::Output,
            _ => ExitCode::Store,
        };
        Failure::from(Error::from(error)).because_of(exit)
    })
}
