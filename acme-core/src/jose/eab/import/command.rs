//! Finds the credential in the command line of an ACME client.

use super::ImportTool;
use super::fields::Fields;
use super::names::{Field, Label, recognise};
use super::report::Notes;
use super::words::Words;

/// Reads a text that has an option with a known name; tells the client, if it is named too.
/// Nothing is gathered, and `None` returned, if the text is no command line.
pub(super) fn read(
    text: &str,
    fields: &mut Fields,
    notes: &mut Notes,
) -> Option<Option<ImportTool>> {
    let mut quotes = Notes::default();
    let words = Words::split(text, &mut quotes);
    let words = words.as_strs();
    let tool = words.iter().find_map(|word| read_tool(word));
    let label_of = |word: &str| read_option(word, tool).map(|(label, _)| label);
    if !words.iter().any(|word| label_of(word).is_some_and(|label| !label.is_weak)) {
        return None;
    }
    quotes.changes.into_iter().for_each(|change| notes.change(change));
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        if let Some((label, value)) = read_option(word, tool) {
            let value = match value {
                Some(value) => value,
                // A key may begin with a dash, so only a known option is none.
                None => rest.next_if(|next| label_of(next).is_none()).copied().unwrap_or_default(),
            };
            fields.add(label, value, notes);
        } else if let Some((name, value)) = word.split_once('=')
            && let Some(label) = recognise(name)
            && label.field != Field::Pair
        {
            fields.add(label, value, notes);
        }
    }
    Some(tool)
}

/// The label of an option, and its value if it is in the same word.
fn read_option(word: &str, tool: Option<ImportTool>) -> Option<(Label, Option<&str>)> {
    // A word processor makes one longer dash of two.
    let name = word.trim_start_matches(['-', '\u{2013}', '\u{2014}', '\u{2212}']);
    let is_slashed = name.len() == word.len();
    let name = if is_slashed { word.strip_prefix('/')? } else { name };
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    if tool == Some(ImportTool::Uacme) && name == "e" {
        return Some((Label { field: Field::Pair, is_weak: false }, None));
    }
    if let Some(label) = recognise_option(name) {
        return Some((label, None));
    }
    let (name, value) = name.split_once(['=', ':'])?;
    recognise_option(name).map(|label| (label, Some(value)))
}

/// An option's name has letters, digits, dashes, dots and underscores only; a key that begins with
/// a dash is not taken for one.
fn recognise_option(name: &str) -> Option<Label> {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if is_plain { recognise(name) } else { None }
}

fn read_tool(word: &str) -> Option<ImportTool> {
    let file = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let is = |name: &str| file.eq_ignore_ascii_case(name);
    if is("certbot") || is("certbot-auto") || is("certbot.exe") {
        Some(ImportTool::Certbot)
    } else if is("lego") || is("lego.exe") || is("goacme/lego") {
        Some(ImportTool::Lego)
    } else if is("acme.sh") {
        Some(ImportTool::AcmeSh)
    } else if is("wacs.exe") || is("wacs") || file.to_ascii_lowercase().ends_with("wacs.exe") {
        Some(ImportTool::WinAcme)
    } else if is("New-PAAccount") || is("Set-PAAccount") || is("New-PACertificate") {
        Some(ImportTool::PoshAcme)
    } else if is("uacme") {
        Some(ImportTool::Uacme)
    } else {
        None
    }
}
