//! Finds the credential in a text without names.

use zeroize::Zeroizing;

use super::prepare::unquote;
use super::report::Notes;
use super::{Found, ImportError, ImportSource, MacKeyForm, key_text};

/// The lengths of line at which Base64 is wrapped (RFC 7468 §2, RFC 2045 §6.8).
const WRAP_LENGTHS: [usize; 2] = [64, 76];

pub(super) fn read(
    text: &str,
    form: Option<MacKeyForm>,
    notes: &mut Notes,
) -> Result<Found, ImportError> {
    if form == Some(MacKeyForm::Raw) || text.contains("-----BEGIN") || key_text::is_hex_pairs(text)
    {
        return Ok(key_only(text));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [word] => {
            let word = unquote(word, notes);
            if key_text::has_prefix(word) || key_text::is_hex_pairs(word) {
                return Ok(key_only(word));
            }
            Ok(split_pair(word)
                .map_or_else(|| key_only(word), |(key_id, key)| pair(key_id, key, notes)))
        }
        [first, second] if is_wrapped(text, first, second) => Ok(key_only(text)),
        [first, second] => Ok(pair(first.trim_end_matches([':', ',', ';', '|']), second, notes)),
        [first, ":" | "=" | "," | ";" | "|" | "/", second] => Ok(pair(first, second, notes)),
        [first, middle @ .., last]
            if is_base64(text)
                && last.len() <= first.len()
                && middle.iter().all(|word| word.len() == first.len()) =>
        {
            Ok(key_only(text))
        }
        _ => Err(ImportError::NotUnderstood),
    }
}

fn key_only(text: &str) -> Found {
    let key = Zeroizing::new(text.to_owned());
    Found { source: ImportSource::KeyOnly, key_id: None, key, algorithm: None }
}

fn pair(key_id: &str, key: &str, notes: &mut Notes) -> Found {
    let owned = |text: &str| Zeroizing::new(text.to_owned());
    Found {
        source: ImportSource::Pair,
        key_id: Some(owned(unquote(key_id, notes))),
        key: owned(unquote(key, notes)),
        algorithm: None,
    }
}

/// Whether the two words are the lines of one key.
fn is_wrapped(text: &str, first: &str, second: &str) -> bool {
    let is_padding = second.bytes().all(|b| b == b'=');
    let is_line = WRAP_LENGTHS.contains(&first.len()) && second.len() <= first.len();
    is_base64(text) && (is_padding || (is_line && text.contains('\n')))
}

fn is_base64(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=')
    })
}

/// Splits `KID:KEY`, `KID,KEY` and two words. An identifier may have colons in it, a key has none.
pub(super) fn split_pair(text: &str) -> Option<(&str, &str)> {
    let is_full = |(key_id, key): &(&str, &str)| !key_id.is_empty() && !key.is_empty();
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key_id), Some(key), None) => Some((key_id, key)),
        (Some(word), None, None) => [':', ',', ';', '|']
            .into_iter()
            .find_map(|separator| word.rsplit_once(separator).filter(is_full)),
        _ => None,
    }
}
