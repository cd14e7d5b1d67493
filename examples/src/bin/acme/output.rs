//! What `acme` shows: progress on a terminal, plain lines elsewhere, or one JSON object.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use acmekit_core::advice::Language;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Where progress and results go.
///
/// Standard error carries nothing but the one line of a failure (and, on a terminal, the spinner,
/// which is wiped before the end).
#[derive(Clone)]
pub(crate) enum Output {
    Terminal(ProgressBar),
    Plain,
    Json,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            return Self::Json;
        }
        if !io::stderr().is_terminal() {
            return Self::Plain;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self::Terminal(bar)
    }

    pub(crate) const fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// Tells what is being done now.
    pub(crate) fn progress(&self, text: &str) {
        match self {
            Self::Terminal(bar) => bar.set_message(text.to_owned()),
            Self::Plain => print(text),
            Self::Json => {}
        }
    }

    /// Tells something that is to stay on the screen.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Terminal(bar) => bar.suspend(|| print(text)),
            Self::Plain => print(text),
            Self::Json => {}
        }
    }

    /// Shows the result: as lines, or as the object.
    pub(crate) fn result(&self, lines: &[String], object: &serde_json::Value) {
        self.stop();
        match self {
            Self::Terminal(_) | Self::Plain => lines.iter().for_each(|line| print(line)),
            Self::Json => print(&object.to_string()),
        }
    }

    /// Shows why there is no result.
    pub(crate) fn failure(&self, failure: &Failure, language: Language) {
        self.stop();
        let text = match self {
            Self::Terminal(_) | Self::Plain => format!("acme: {}", failure.to_line(language)),
            Self::Json => failure.to_json(language),
        };
        // Nothing is left to tell if standard error is gone; the exit code still tells.
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    fn stop(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// A reader that went away (`acme … | head`) is no reason to give up a certificate.
fn print(line: &str) {
    writeln!(io::stdout().lock(), "{line}").ok();
}
