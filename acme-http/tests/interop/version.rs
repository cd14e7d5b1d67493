//! Which version of a server a program is.

use std::path::Path;
use std::process::Command;

use super::LaunchError;
use super::process::output_of;

/// The version of the module that a Go program was built from, which stands in it in plain text.
pub(crate) fn of_go_program(program: &Path, module: &str) -> Result<String, LaunchError> {
    let bytes = std::fs::read(program)
        .map_err(|error| LaunchError::io(&format!("cannot read {}", program.display()), &error))?;
    let mark = format!("mod\t{module}\t");
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes());
    let rest = at.and_then(|at| bytes.get(at + mark.len()..)).unwrap_or_default();
    let version: String = rest
        .iter()
        .take_while(|byte| byte.is_ascii_graphic())
        .map(|&byte| char::from(byte))
        .collect();
    Ok(version.trim_start_matches('v').to_owned())
}

/// The upstream version of a Debian package, by the changelog that came with its program.
pub(crate) fn of_debian_package(program: &Path, package: &str) -> Result<String, LaunchError> {
    let changelog = program
        .parent()
        .unwrap_or(program)
        .join(format!("../share/doc/{package}/changelog.Debian.gz"));
    let text = output_of(Command::new("gzip").args(["-dc"]).arg(changelog))?;
    let text = String::from_utf8_lossy(&text);
    let version = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let version = version.map_or("", |(version, _)| version);
    Ok(version.split(['+', '-']).next().unwrap_or(version).to_owned())
}

/// What a program prints when it is asked.
pub(crate) fn printed_by(command: &mut Command) -> Result<String, LaunchError> {
    let text = output_of(command)?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.split_whitespace().next().unwrap_or_default().trim_start_matches('v').to_owned())
}
