//! `acme revoke`: takes a certificate back, by the account or by the certificate's own key.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use acmekit::{PrivateKey, RevocationReason, Revoke};
use acmekit_core::certificate::Certificate;
use serde_json::json;
use zeroize::Zeroizing;

use crate::arguments::ServerArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use crate::server::{self, Server};
use crate::{account, progress};

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeArguments {
    #[command(flatten)]
    server: ServerArguments,

    /// Directory that was given to `acme issue`: revokes DIR/chain.pem by the account in DIR.
    #[arg(long, value_name = "DIR", required_unless_present = "key")]
    out: Option<PathBuf>,

    /// Certificate (PEM or DER) in place of DIR/chain.pem.
    #[arg(long, value_name = "FILE", required_unless_present = "out")]
    cert: Option<PathBuf>,

    /// Key of the certificate (PEM), which then signs in place of the account.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// Of several accounts at this CA, the one that was made with this key id.
    #[arg(long, value_name = "KID")]
    eab_kid: Option<String>,

    /// Reason: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation,
    /// another of RFC 5280, or its number.
    #[arg(long, value_name = "NAME", default_value = "unspecified", value_parser = reason)]
    reason: Reason,
}

/// A reason of RFC 5280 §5.3.1; none stands for the unspecified one, which is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reason(Option<RevocationReason>);

fn reason(text: &str) -> Result<Reason, String> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_lowercase();
    let wanted = plain(text);
    if wanted == "unspecified" || wanted == "0" {
        return Ok(Reason(None));
    }
    let known = || (1..=10).filter_map(RevocationReason::from_code);
    known()
        .find(|reason| plain(&reason.to_string()) == wanted || reason.code().to_string() == wanted)
        .map(|reason| Reason(Some(reason)))
        .ok_or_else(|| {
            let names: Vec<String> = known().map(|reason| reason.to_string()).collect();
            format!("use unspecified, {}", names.join(", "))
        })
}

/// Whatever is wrong with the input shows before anything is sent.
pub(crate) fn run(arguments: &RevokeArguments, output: &Output) -> Result<(), Failure> {
    let server = Server::check(&arguments.server)?;
    let chain = arguments.out.as_deref().map(|out| out.join("chain.pem"));
    let path = arguments.cert.as_ref().or(chain.as_ref()).map_or(Path::new(""), PathBuf::as_path);
    let certificate = read_certificate(path)?;
    let key = arguments.key.as_deref().map(|path| read_key(path, &certificate)).transpose()?;
    let (serial, serial_decimal) = (certificate.serial_hex(), certificate.serial_decimal());
    let mut revocation = Revoke::new(certificate);
    if let Some(reason) = arguments.reason.0 {
        revocation = revocation.reason(reason);
    }
    let names: Vec<String> = revocation.affected().iter().map(|name| name.to_string()).collect();
    server::runtime()?.block_on(async {
        // The store is locked until the end.
        let (_store, client) = match (key, &arguments.out) {
            (None, Some(out)) => {
                let key_id = arguments.eab_kid.as_deref();
                let (store, client) = account::open(&server, out, key_id, output)?;
                (Some(store), client)
            }
            (None, None) => return Err(key_failure("no key is given")),
            (Some(key), _) => {
                revocation = revocation.by_certificate_key(key.clone().into());
                let observer = progress::observer(output.clone());
                (
                    None,
                    server
                        .builder(output.language())?
                        .account_key(key)
                        .observe(observer)
                        .build()?,
                )
            }
        };
        // Forms of some CAs ask for the decimal one.
        output.note(&format!(
            "revoking certificate {serial} (decimal {serial_decimal}) for {}",
            names.join(", ")
        ));
        let revoked = client.revoke(revocation).await?;
        let mut lines = vec![format!("revoked: {serial}")];
        if revoked.already {
            lines.push("note: it had been revoked before".into());
        }
        let object = json!({
            "ok": true,
            "exit": 0,
            "names": names,
            "serial": serial,
            "serial_decimal": serial_decimal,
            "already": revoked.already,
        });
        output.result(&lines, &object);
        Ok(())
    })
}

fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    let fail = |error: &dyn Display| {
        Failure::input(
            ExitCode::CertificateInput,
            "certificate-unreadable",
            format_args!("{} cannot be read as a certificate: {error}", path.display()),
            "Name the certificate with --cert, or with --out a directory that holds chain.pem.",
        )
    };
    let bytes = fs::read(path).map_err(|error| fail(&error))?;
    Revoke::read_certificate(&bytes).map_err(|error| fail(&error))
}

fn read_key(path: &Path, certificate: &Certificate) -> Result<PrivateKey, Failure> {
    let fail = |error: &dyn Display| {
        key_failure(format_args!("{} cannot be used as a key: {error}", path.display()))
    };
    let pem = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| fail(&error))?;
    let key = PrivateKey::from_pem(&pem).map_err(|error| fail(&error))?;
    if key.public_key_der() != certificate.public_key_der() {
        return Err(fail(&"it is not the key of the certificate"));
    }
    Ok(key)
}

fn key_failure(message: impl Display) -> Failure {
    Failure::input(
        ExitCode::CertificateInput,
        "certificate-key-unusable",
        message,
        "Name with --key the private key of the certificate in PEM, or leave --key out and name the \
         account's directory with --out.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_known_by_name_and_number() {
        for text in ["keyCompromise", "key-compromise", "KEY_COMPROMISE", "1"] {
            assert_eq!(reason(text), Ok(Reason(Some(RevocationReason::KeyCompromise))));
        }
        assert_eq!(reason("unspecified"), Ok(Reason(None)));
        assert!(reason("7").is_err() && reason("because").is_err());
    }
}
