//! Finds the credential in a table with a header: CSV, TSV, or columns made of spaces.

use super::fields::Fields;
use super::names::{Field, Label, recognise};
use super::report::Notes;

/// Most columns that are looked at.
const MAX_COLUMNS: usize = 64;

/// Reads a table whose header names both identifier and key; gathers nothing otherwise.
pub(super) fn read(text: &str, fields: &mut Fields, notes: &mut Notes) -> bool {
    ["\t", ",", ";", "|", "\u{2502}", "  "]
        .into_iter()
        .any(|separator| read_columns(text, separator, fields, notes))
}

fn read_columns(text: &str, separator: &str, fields: &mut Fields, notes: &mut Notes) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let Some(header) = lines.next() else { return false };
    let labels: Vec<Option<Label>> = cells(header, separator).map(recognise).collect();
    let has = |field| labels.iter().flatten().any(|label| label.field == field);
    if !has(Field::KeyId) || !has(Field::MacKey) {
        return false;
    }
    let mut has_rows = false;
    for line in lines {
        let row: Vec<&str> = cells(line, separator).collect();
        let is_ruler = row.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | '=' | '+')));
        if is_ruler || row.len() < 2 {
            continue;
        }
        has_rows = true;
        for (label, cell) in labels.iter().zip(row) {
            if let Some(label) = label {
                fields.add(*label, cell, notes);
            }
        }
    }
    has_rows
}

/// The cells of a line. Columns made of spaces have no empty cells.
fn cells<'a>(line: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    let is_spaced = separator == "  ";
    line.trim()
        .trim_matches(['|', '\u{2502}'])
        .split(separator)
        .map(str::trim)
        .filter(move |cell| !is_spaced || !cell.is_empty())
        .take(MAX_COLUMNS)
}
