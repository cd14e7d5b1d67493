//! `acme eab`: shows how a credential for external account binding is understood, never its secret.

use std::io::{self, Read};
use std::iter;

use acmekit_core::jose::eab::{
    ImportSource, ImportWarning, ImportedBinding, MAX_IMPORT_LEN, MacKeyForm,
};
use clap::Subcommand;
use serde_json::json;
use zeroize::Zeroizing;

use crate::arguments::Secret;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum EabCommand {
    /// Read a pasted credential and tell what was understood, without the secret.
    ///
    /// It may be a key alone, a key id and a key, JSON, a command line of another client, or lines
    /// with names. Nothing is sent.
    Parse {
        /// How the HMAC key is written: base64url, base64, hex, doubled-base64 or raw. [default:
        /// found out]
        #[arg(long = "eab-key-form", value_name = "FORM")]
        form: Option<MacKeyForm>,

        /// The credential. `-` or nothing: read from standard input, which other users of this
        /// machine cannot see.
        // Whatever is pasted is text, also options of other programs: no message may repeat it.
        #[arg(value_name = "TEXT", allow_hyphen_values = true, value_parser = Secret::read)]
        text: Option<Secret>,

        /// The rest of a credential that is several words; all that follows belongs to it.
        #[arg(hide = true, allow_hyphen_values = true, value_parser = Secret::read)]
        more: Vec<Secret>,
    },
}

pub(crate) fn run(command: &EabCommand, output: &Output) -> Result<(), Failure> {
    let EabCommand::Parse { form, text, more } = command;
    let text = match text {
        None => read_input()?,
        Some(text) if text.reveal() == "-" && more.is_empty() => read_input()?,
        Some(text) => {
            let words: Vec<&str> = iter::once(text).chain(more).map(|word| word.reveal()).collect();
            Secret::new(words.join(" "))
        }
    };
    let imported = match form {
        Some(form) => ImportedBinding::parse_as(text.reveal(), *form),
        None => ImportedBinding::parse(text.reveal()),
    };
    let imported = imported.map_err(|error| {
        Failure::input(
            ExitCode::ExternalAccount,
            "eab-not-understood",
            error,
            "Copy the credential again, whole, from the CA's account page.",
        )
    })?;
    let report = &imported.report;
    // What was taken for the identifier may be the secret: without names only the order tells, and
    // a warning about the key then says that it may be the other way round.
    let is_odd_pair = report.source == ImportSource::Pair && !report.warnings.is_empty();
    let is_doubtful = is_odd_pair
        || report.warnings.iter().any(|warning| {
            matches!(warning, ImportWarning::PossiblySwapped | ImportWarning::SameAsKeyId)
        });
    let key_id = imported.key_id.as_deref();
    let shown = match key_id {
        Some(_) if is_doubtful => "not shown, since it may be the secret",
        Some(key_id) => key_id,
        None => "none in the text; give it with --eab-kid",
    };
    let mut lines: Vec<String> = report.to_string().lines().map(str::to_owned).collect();
    lines.push(format!("key id: {shown}"));
    if let Some(algorithm) = imported.algorithm {
        lines.push(format!("algorithm: {algorithm}"));
    }
    let changes: Vec<String> = report.changes.iter().map(ToString::to_string).collect();
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    let object = json!({
        "ok": true,
        "exit": 0,
        "key_id": key_id.filter(|_| !is_doubtful),
        "algorithm": imported.algorithm.map(|algorithm| algorithm.to_string()),
        "source": report.source.to_string(),
        "form": report.form.as_str(),
        "key_bits": report.key_bits,
        "changes": changes,
        "warnings": warnings,
    });
    output.result(&lines, &object);
    Ok(())
}

/// Reads standard input, up to the length that no credential has.
fn read_input() -> Result<Secret, Failure> {
    let fail = |message: &dyn std::fmt::Display| {
        let advice = "Give the credential as text, as an argument or on standard input.";
        Failure::input(ExitCode::ExternalAccount, "eab-unreadable", message, advice)
    };
    let limit = u64::try_from(MAX_IMPORT_LEN).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin()
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(&format_args!("standard input cannot be read: {error}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| fail(&"standard input is not text"))?;
    Ok(Secret::new(text.to_owned()))
}
