//! The command line of `acme`.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use acmekit_core::advice::Language;
use acmekit_core::crypto::KeyType;
use acmekit_core::jose::eab::MacKeyForm;
use clap::{ArgGroup, Parser, Subcommand, ValueEnum};
use zeroize::Zeroizing;

use crate::account::AccountCommand;
use crate::ca::CaCommand;
use crate::eab::EabCommand;
use crate::exit_code;
use crate::revoke::RevokeArguments;

/// Obtains TLS certificates from ACME (RFC 8555) certificate authorities.
#[derive(Debug, Parser)]
#[command(name = "acme", version, arg_required_else_help = false)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Write the result as one JSON object: to standard output, or to standard error on failure.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Language of the advice, also asked of the CA: en or ja. [default: that of the environment]
    #[arg(long, global = true, value_name = "LANGUAGE")]
    pub(crate) lang: Option<Language>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Obtain a certificate: DIR/chain.pem, DIR/key.pem, and the account under DIR/account/.
    ///
    /// Exit code 0 means that a verified certificate is on disk. Otherwise one line on standard
    /// error tells what happened, a code, and what to do. An earlier certificate in DIR stays as
    /// it is until the new one is complete. A second call with the same DIR uses the same account.
    #[command(after_help = exit_code::help())]
    Issue(Box<IssueArguments>),

    /// Show or change the account that `acme issue` keeps below DIR.
    #[command(subcommand)]
    Account(AccountCommand),

    /// Revoke a certificate; revoking it twice is no failure.
    Revoke(Box<RevokeArguments>),

    /// External account binding: the credential that a CA hands out.
    #[command(subcommand)]
    Eab(EabCommand),

    /// What is known about certificate authorities.
    #[command(subcommand)]
    Ca(CaCommand),
}

/// Which CA to talk to, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArguments {
    #[command(flatten)]
    pub(crate) target: TargetArguments,

    /// Further root certificates (PEM) to trust for the connection to the CA.
    #[arg(long, value_name = "PEM")]
    pub(crate) ca_root: Option<PathBuf>,

    /// Allow an http directory on a loopback address, for tests.
    #[arg(long)]
    pub(crate) allow_http: bool,
}

/// One of these, or both.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub(crate) struct TargetArguments {
    /// URL of the CA's ACME directory; https.
    #[arg(long, value_name = "URL")]
    pub(crate) directory: Option<String>,

    /// Name of the CA, such as jprs, upki or letsencrypt-staging; `acme ca list` has them all.
    ///
    /// Its rules are checked before anything is sent, and its errors are explained. Its directory is
    /// used unless --directory names another one. With --directory alone the CA is recognised by the
    /// URL.
    #[arg(long, value_name = "NAME")]
    pub(crate) ca: Option<String>,
}

#[derive(Debug, clap::Args)]
// Not required: an order whose names are authorized already needs no challenge.
#[command(group = ArgGroup::new("challenge")
    .args(["http01_listen", "webroot", "dns01_exec", "tlsalpn01_listen"]))]
pub(crate) struct IssueArguments {
    #[command(flatten)]
    pub(crate) server: ServerArguments,

    /// DNS name, *.name or IP address for the certificate; may be repeated.
    #[arg(long = "domain", value_name = "NAME", num_args = 1..)]
    pub(crate) domains: Vec<String>,

    /// Contact address of a new account; may be repeated.
    #[arg(long = "email", value_name = "ADDR")]
    pub(crate) emails: Vec<String>,

    /// Key id for external account binding, as the CA gave it.
    #[arg(long, value_name = "KID")]
    pub(crate) eab_kid: Option<String>,

    /// HMAC key for external account binding.
    ///
    /// Other users of this machine can see command lines. Safer: --eab-hmac-key-file, or the
    /// environment variable ACME_EAB_HMAC_KEY, which is read when neither option is given.
    #[arg(long, value_name = "KEY", requires = "eab_kid", value_parser = Secret::read)]
    pub(crate) eab_hmac_key: Option<Secret>,

    /// File that holds the HMAC key for external account binding.
    #[arg(long, value_name = "FILE", requires = "eab_kid", conflicts_with = "eab_hmac_key")]
    pub(crate) eab_hmac_key_file: Option<PathBuf>,

    /// How the HMAC key is written: base64url, base64, hex, doubled-base64 or raw. [default: found
    /// out]
    #[arg(long, value_name = "FORM", requires = "eab_kid")]
    pub(crate) eab_key_form: Option<MacKeyForm>,

    /// Algorithm for external account binding.
    #[arg(long, value_name = "ALG", default_value = "HS256", ignore_case = true)]
    pub(crate) eab_alg: EabAlgorithm,

    /// Answer http-01 from this address; the CA must reach it as port 80 of the names.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) http01_listen: Option<SocketAddr>,

    /// Answer http-01 by files below this directory of a running web server.
    #[arg(long, value_name = "DIR")]
    pub(crate) webroot: Option<PathBuf>,

    /// Answer dns-01 by this program, which is told the record in its environment.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) dns01_exec: Option<PathBuf>,

    /// Answer tls-alpn-01 from this address; the CA must reach it as port 443 of the names.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) tlsalpn01_listen: Option<SocketAddr>,

    /// Kind of the certificate's key. [default: p256, or what the CA prescribes]
    #[arg(long, value_name = "TYPE")]
    pub(crate) key_type: Option<CertificateKeyType>,

    /// Subject of the certificate request, encoded in the order written: C=JP,O=Example,CN=a.example
    /// [default: none, or what the CA prescribes]
    #[arg(long, value_name = "DN")]
    pub(crate) subject: Option<String>,

    /// Certificate profile, one that the directory lists.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Prefer the chain whose topmost issuer has this common name.
    #[arg(long, value_name = "NAME")]
    pub(crate) preferred_chain: Option<String>,

    /// Directory for the certificate, its key and the account; created if missing.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Give up after this time.
    #[arg(long, value_name = "SECONDS", default_value = "600")]
    pub(crate) deadline: NonZeroU32,

    /// Agree to the CA's terms of service.
    #[arg(long)]
    pub(crate) agree_tos: bool,
}

/// A secret from the command line. `Debug` shows nothing of it; it is zeroed on drop.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text.to_owned()))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum EabAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

/// The key types that public CAs take in certificates.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "lower")]
pub(crate) enum CertificateKeyType {
    P256,
    P384,
    Rsa2048,
    Rsa3072,
    Rsa4096,
}

impl From<CertificateKeyType> for KeyType {
    fn from(kind: CertificateKeyType) -> Self {
        match kind {
            CertificateKeyType::P256 => Self::P256,
            CertificateKeyType::P384 => Self::P384,
            CertificateKeyType::Rsa2048 => Self::Rsa2048,
            CertificateKeyType::Rsa3072 => Self::Rsa3072,
            CertificateKeyType::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// Whether the caller asked for JSON, readable also when the rest of the command line is not.
pub(crate) fn wants_json(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> bool {
    arguments.into_iter().any(|argument| argument == "--json")
}

/// The language of `--lang`, readable also when the rest of the command line is not.
pub(crate) fn wanted_language(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Option<Language> {
    let mut arguments = arguments.into_iter().map(|argument| argument.into_string());
    while let Some(argument) = arguments.next() {
        let Ok(argument) = argument else { continue };
        if argument == "--lang" {
            return arguments.next()?.ok()?.parse().ok();
        }
        if let Some(language) = argument.strip_prefix("--lang=") {
            return language.parse().ok();
        }
    }
    None
}

/// The language of the environment, by the rules of POSIX locales; English if there is no advice
/// in it.
pub(crate) fn environment_language() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|variable| std::env::var(variable).ok().filter(|value| !value.is_empty()))
        .and_then(|locale| locale.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let arguments = Arguments::try_parse_from([
            "acme",
            "issue",
            "--directory",
            "https://ca.example/",
            "--domain",
            "a.example",
            "--out",
            "x",
            "--webroot",
            ".",
            "--eab-kid",
            "k1",
            "--eab-hmac-key",
            "c2VjcmV0",
        ])
        .unwrap();
        assert!(!format!("{arguments:?}").contains("c2VjcmV0"));
    }
}
