//! Cleans pasted text of what word processors, web pages and input methods put into it.

use zeroize::Zeroizing;

use super::report::Notes;
use super::{ImportChange, ImportError};

/// The greatest length in octets of a text that is read; credentials have a few hundred.
pub const MAX_IMPORT_LEN: usize = 16 * 1024;

pub(super) fn check_len(text: &str) -> Result<(), ImportError> {
    if text.len() > MAX_IMPORT_LEN {
        return Err(ImportError::TooLong { octets: text.len(), limit: MAX_IMPORT_LEN });
    }
    Ok(())
}

/// Makes white space, quotation marks and letters plain, and refuses control characters.
pub(super) fn prepare(text: &str, notes: &mut Notes) -> Result<Zeroizing<String>, ImportError> {
    check_len(text)?;
    // Nothing grows: what replaces a character is never longer.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for (index, character) in text.chars().enumerate() {
        match character {
            '\n' | '\t' => plain.push(character),
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' => plain.push('\n'),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {
                notes.change(ImportChange::InvisibleRemoved);
            }
            '\u{201c}'..='\u{201f}' => plain.push('"'),
            '\u{2018}'..='\u{201b}' => plain.push('\''),
            '\u{ff01}'..='\u{ff5e}' => {
                notes.change(ImportChange::FullWidthConverted);
                let offset = u32::from(character) - 0xff01;
                plain.extend(char::from_u32(offset + 0x21));
            }
            _ if character.is_whitespace() => plain.push(' '),
            _ if character.is_control() => {
                return Err(ImportError::ControlCharacter { position: index + 1 });
            }
            _ => plain.push(character),
        }
    }
    Ok(plain)
}

/// Removes white space and quotation marks around a value, and the comma or semicolon after it.
pub(super) fn unquote<'a>(value: &'a str, notes: &mut Notes) -> &'a str {
    let trimmed = value.trim().trim_end_matches([',', ';']).trim_end();
    let bare = trimmed.trim_matches(['"', '\'', '`']);
    if bare.len() != trimmed.len() {
        notes.change(ImportChange::QuotesRemoved);
    }
    bare.trim()
}
