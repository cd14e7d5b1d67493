//! Finds the credential in lines with names: environment files, INI, YAML, labels of a web page.

use super::fields::Fields;
use super::names::{Field, Label, recognise};
use super::report::Notes;
use super::words::Words;
use super::{ImportChange, ImportWarning};

/// Shortest line after a key that is worth a warning; shorter ones are words such as "Copy".
const MIN_CONTINUATION: usize = 8;

/// Gathers the named values; false if there are none.
pub(super) fn read(text: &str, fields: &mut Fields, notes: &mut Notes) -> bool {
    let mut pending: Option<Label> = None;
    let (mut after_key, mut indent) = (false, 0);
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() {
            after_key = false;
            continue;
        }
        if is_remark(content) {
            continue;
        }
        let content = without_bracket(content);
        let depth = line.len() - line.trim_start().len();
        if read_words(content, fields, notes) {
            (after_key, pending) = (false, None);
        } else if let Some((label, value)) = split_label(content) {
            // Vault prints a header above its names.
            if label.is_weak && value == "Value" {
                continue;
            }
            flush(&mut pending, fields, notes);
            if matches!(value, "" | "|" | ">" | "|-" | ">-") {
                pending = Some(label);
                after_key = false;
            } else {
                fields.add(label, value, notes);
                after_key = fields.ends_with_key();
            }
            indent = depth;
        } else if let Some(label) = pending.take() {
            fields.add(label, content, notes);
            after_key = fields.ends_with_key();
            // The lines of a YAML block stand below one another.
            indent = depth.saturating_sub(1).min(indent);
        } else if after_key && is_base64_word(content) {
            if depth > indent {
                fields.append(content);
                notes.change(ImportChange::LinesJoined);
            } else if content.len() >= MIN_CONTINUATION {
                notes.warn(ImportWarning::PossiblyContinued);
                after_key = false;
            }
        } else {
            after_key = false;
        }
    }
    flush(&mut pending, fields, notes);
    fields.has_parts()
}

/// A name at the end of the text, or before another name, has no value.
fn flush(pending: &mut Option<Label>, fields: &mut Fields, notes: &mut Notes) {
    if let Some(label) = pending.take() {
        fields.add(label, "", notes);
    }
}

fn is_remark(line: &str) -> bool {
    let is_header = line.starts_with('[') && line.ends_with(']') && !line.contains([':', '=']);
    line.starts_with(['#', ';']) || line.starts_with("//") || line.starts_with("---") || is_header
}

/// gcloud prints the two lines of a credential between one pair of brackets.
fn without_bracket(line: &str) -> &str {
    match (line.strip_prefix('['), line.strip_suffix(']')) {
        (Some(rest), _) if !rest.contains(']') => rest,
        (None, Some(rest)) if !rest.contains('[') => rest,
        (Some(_), Some(rest)) => rest.get(1..).unwrap_or_default(),
        _ => line,
    }
}

fn is_base64_word(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'='))
}

/// Reads a line with two named values or more: `A=1 B=2`, `a: 1, b: 2`.
fn read_words(line: &str, fields: &mut Fields, notes: &mut Notes) -> bool {
    let mut quotes = Notes::default();
    let words = Words::split(line, &mut quotes);
    let words = words.as_strs();
    if words.iter().filter(|word| split_name(word).is_some()).count() < 2 {
        return false;
    }
    quotes.changes.into_iter().for_each(|change| notes.change(change));
    let mut rest = words.iter().peekable();
    while let Some(word) = rest.next() {
        let Some((label, value)) = split_name(word) else { continue };
        let value = match value.trim_end_matches([',', ';']) {
            "" => rest.next_if(|next| split_name(next).is_none()).copied().unwrap_or_default(),
            _ => value,
        };
        fields.add(label, value, notes);
    }
    true
}

/// Splits a line, or a part of one, into a name and its value.
fn split_label(line: &str) -> Option<(Label, &str)> {
    let line = ["export ", "set ", "- ", "* ", "\u{2022} "]
        .into_iter()
        .find_map(|prefix| line.strip_prefix(prefix))
        .unwrap_or(line)
        .trim_start();
    split_name(line)
        .map(|(label, value)| (label, without_remark(value)))
        .or_else(|| recognise(line).map(|label| (label, "")))
        .or_else(|| split_spaced(line))
}

/// Splits at the first separator that has a known name before it. The name of the binding itself
/// may be followed by that of a part: `ExternalAccountBinding:KeyId`.
fn split_name(text: &str) -> Option<(Label, &str)> {
    /// Names have few separators in them; what follows may be the secret.
    const MAX_SEPARATORS: usize = 4;
    let mut pair = None;
    for (at, separator) in
        text.match_indices(['=', ':', '\t', '|', '\u{2502}']).take(MAX_SEPARATORS)
    {
        let value = text.get(at + separator.len()..).unwrap_or_default().trim();
        match text.get(..at).and_then(recognise) {
            Some(label) if label.field == Field::Pair => {
                pair = pair.or(Some((label, value)));
            }
            Some(label) => return Some((label, value)),
            None => {}
        }
    }
    pair
}

/// Splits at white space, after the longest name.
fn split_spaced(line: &str) -> Option<(Label, &str)> {
    /// "External account binding key identifier" is the longest.
    const MAX_WORDS: usize = 5;
    let gaps: Vec<usize> =
        line.match_indices(char::is_whitespace).map(|(at, _)| at).take(MAX_WORDS).collect();
    gaps.into_iter().rev().find_map(|at| {
        let value = without_remark(line.get(at..)?.trim());
        let label = recognise(line.get(..at)?)?;
        // Whatever has more words is a sentence.
        let words = if label.field == Field::Pair { 2 } else { 1 };
        (value.split_whitespace().count() <= words).then_some((label, value))
    })
}

/// Drops a remark after the value; neither identifiers nor keys have a `#` after white space.
fn without_remark(value: &str) -> &str {
    value.split_once(" #").map_or(value, |(value, _)| value.trim_end())
}
