//! Figures that a test measures, shown also when it passes.

use std::io::Write;

/// Prints a line to the real standard error, which the test harness does not capture.
pub(crate) fn print(line: impl std::fmt::Display) {
    let line = format!("FIGURE {line}\n");
    // Nothing sensible is left to do when standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
