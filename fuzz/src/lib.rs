//! What the fuzz targets of flows share: a driver that holds a flow to its contract, a server with
//! plausible answers, and ways to spoil them. Everything comes from the fuzzer's bytes and fixed
//! seeds, so that an input always does the same.

#![forbid(unsafe_code)]

pub mod against_ca;
pub mod client;
pub mod fixture;
pub mod mutation;
pub mod operation;
pub mod script;
pub mod server;
pub mod staged;
pub mod wire;

/// No text that the library shows may drive a terminal or break a line.
pub fn assert_printable(text: &str) {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.chars().any(bad), "not fit to be shown: {text:?}");
}
