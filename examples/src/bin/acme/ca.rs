//! `acme ca`: the certificate authorities that the library knows, and the search by name.

use acmekit_core::ca::{CaProfile, Requirement};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// List the names that --ca takes.
    List,
    /// Show everything that is known about one CA, as JSON.
    Show {
        /// Name of the CA, as in `acme ca list`.
        name: String,
    },
}

pub(crate) fn run(command: &CaCommand, output: &Output) -> Result<(), Failure> {
    match command {
        CaCommand::List => {
            let profiles = CaProfile::all();
            let width = profiles.iter().map(|profile| profile.id.len()).max().unwrap_or_default();
            let lines: Vec<String> = profiles.iter().map(|profile| line(profile, width)).collect();
            let list: Vec<Value> = profiles
                .iter()
                .map(|profile| {
                    json!({
                        "id": profile.id,
                        "name": profile.name,
                        "directory": profile.directory_url(),
                    })
                })
                .collect();
            output.result(&lines, &json!({"ok": true, "exit": 0, "cas": list}));
        }
        CaCommand::Show { name } => {
            let profile = named(name)?;
            let fail = |error| {
                Failure::input(ExitCode::Other, "profile", error, "Report this as a mistake.")
            };
            let text = serde_json::to_string_pretty(&profile).map_err(fail)?;
            let object = serde_json::to_value(&profile).map_err(fail)?;
            output.result(&[text], &json!({"ok": true, "exit": 0, "ca": object}));
        }
    }
    Ok(())
}

fn line(profile: &CaProfile, width: usize) -> String {
    let binding = match profile.external_account.required {
        Requirement::Required => " (external account binding required)",
        _ => "",
    };
    let directory = profile.directory_url().unwrap_or("directory: each customer's own");
    format!("{:width$}  {}{binding}, {directory}", profile.id, profile.name)
}

/// The profile of this name; the failure lists the names that resemble it.
pub(crate) fn named(name: &str) -> Result<CaProfile, Failure> {
    CaProfile::named(name).ok_or_else(|| {
        let near = near(name);
        let hint = if near.is_empty() {
            String::new()
        } else {
            format!("; names like it: {}", near.join(", "))
        };
        let name = name.escape_debug().to_string();
        Failure::input(
            ExitCode::CaName,
            "ca-unknown",
            format_args!("no CA is known as {name:?}{hint}"),
            "Take a name from `acme ca list`.",
        )
    })
}

/// The names most like this one, best first.
fn near(name: &str) -> Vec<String> {
    const ALIKE: f64 = 0.75;
    const MANY: usize = 5;
    let name = name.trim().to_ascii_lowercase();
    let mut near: Vec<(f64, String)> = CaProfile::all()
        .into_iter()
        .map(|profile| (strsim::jaro_winkler(&name, &profile.id), profile.id))
        .filter(|(likeness, id)| *likeness > ALIKE || (name.len() > 2 && id.contains(&name)))
        .collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    near.into_iter().take(MANY).map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_the_one_that_was_meant() {
        assert_eq!(near("jrps").first().map(String::as_str), Some("jprs"));
        assert!(near("lets-encrypt").contains(&"letsencrypt".to_owned()));
        assert!(near("saitama").contains(&"upki-saitama".to_owned()));
        assert!(near("qqqq").is_empty());
    }
}
