//! Text from outside, made fit for one line of a message.

/// Longest text taken over from a program or the system, in characters.
const MAX_CHARS: usize = 300;

/// One line without control characters or line breaks, cut to a length that fits a message.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::new();
    for (index, c) in text.trim().chars().enumerate() {
        if index == MAX_CHARS {
            line.push('…');
            break;
        }
        // Also the invisible characters that reorder text in a terminal.
        if c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            line.extend(c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

/// An error with the errors behind it, each said once, outermost first.
pub(crate) fn with_sources(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    // Ten levels are more than any HTTP stack nests; a cycle must not hang us.
    for _ in 0..10 {
        let Some(source) = next else { break };
        let part = source.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(one_line("a\u{1b}[31mb\r\n"), "a\\u{1b}[31mb");
        assert_eq!(one_line("x\ny"), "x\\u{a}y");
        assert_eq!(one_line("\u{202e}gpj"), "\\u{202e}gpj");
        assert_eq!(one_line("例え"), "例え");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(one_line(&"a".repeat(1000)).chars().count(), MAX_CHARS + 1);
    }
}
