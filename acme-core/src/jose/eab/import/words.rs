//! Splits a command line into words, as a shell does.

use core::ops::Range;

use zeroize::Zeroizing;

use super::ImportChange;
use super::report::Notes;

/// The words of a text, in one buffer that is zeroed.
pub(super) struct Words {
    buffer: Zeroizing<String>,
    ranges: Vec<Range<usize>>,
}

impl Words {
    /// Splits at white space outside quotation marks. A backslash keeps the next character, or
    /// joins lines; so do a caret or a backtick alone at the end of a line, as in Windows shells.
    pub(super) fn split(text: &str, notes: &mut Notes) -> Self {
        let mut words =
            Self { buffer: Zeroizing::new(String::with_capacity(text.len())), ranges: Vec::new() };
        let (mut start, mut is_open) = (0, false);
        let mut quote = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (quote, character) {
                (Some(mark), _) if mark == character => quote = None,
                (None, '"' | '\'') => {
                    notes.change(ImportChange::QuotesRemoved);
                    (quote, is_open) = (Some(character), true);
                }
                (None, '\\') => match characters.next() {
                    Some(next) if !next.is_whitespace() => {
                        words.buffer.push(next);
                        is_open = true;
                    }
                    _ => words.close(&mut start, &mut is_open),
                },
                (Some('"'), '\\') if matches!(characters.peek(), Some('"' | '\\' | '$')) => {
                    words.buffer.extend(characters.next());
                }
                (None, _) if character.is_whitespace() => words.close(&mut start, &mut is_open),
                _ => {
                    words.buffer.push(character);
                    is_open = true;
                }
            }
        }
        words.close(&mut start, &mut is_open);
        words
    }

    fn close(&mut self, start: &mut usize, is_open: &mut bool) {
        let end = self.buffer.len();
        let word = self.buffer.get(*start..end).unwrap_or_default();
        if *is_open && !matches!(word, "^" | "`") {
            self.ranges.push(*start..end);
        }
        (*start, *is_open) = (end, false);
    }

    pub(super) fn as_strs(&self) -> Vec<&str> {
        self.ranges.iter().filter_map(|range| self.buffer.get(range.clone())).collect()
    }
}
