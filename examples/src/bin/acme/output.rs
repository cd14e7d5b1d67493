//! What `acme` shows: progress on a terminal, plain lines elsewhere, or one JSON object.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use acmekit_core::advice::Language;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Where progress and results go, and in which language advice is given.
///
/// Standard error carries nothing but the one line of a failure (and, on a terminal, the spinner,
/// which is wiped before the end).
#[derive(Clone)]
pub(crate) struct Output {
    form: Form,
    language: Language,
}

#[derive(Clone)]
enum Form {
    Terminal(ProgressBar),
    Plain,
    Json,
}

impl Output {
    pub(crate) fn new(json: bool, language: Language) -> Self {
        let form = if json { Form::Json } else { Form::lines() };
        Self { form, language }
    }

    /// Without a spinner, for what is over at once.
    pub(crate) fn without_progress(json: bool, language: Language) -> Self {
        Self { form: if json { Form::Json } else { Form::Plain }, language }
    }

    /// The language in which advice is given.
    pub(crate) const fn language(&self) -> Language {
        self.language
    }

    pub(crate) const fn is_terminal(&self) -> bool {
        matches!(self.form, Form::Terminal(_))
    }

    /// Tells what is being done now.
    pub(crate) fn progress(&self, text: &str) {
        match &self.form {
            Form::Terminal(bar) => bar.set_message(text.to_owned()),
            Form::Plain => print(text),
            Form::Json => {}
        }
    }

    /// Tells something that is to stay on the screen.
    pub(crate) fn note(&self, text: &str) {
        match &self.form {
            Form::Terminal(bar) => bar.suspend(|| print(text)),
            Form::Plain => print(text),
            Form::Json => {}
        }
    }

    /// Shows the result: as lines, or as the object.
    pub(crate) fn result(&self, lines: &[String], object: &serde_json::Value) {
        self.stop();
        match &self.form {
            Form::Terminal(_) | Form::Plain => lines.iter().for_each(|line| print(line)),
            Form::Json => print(&object.to_string()),
        }
    }

    /// Shows why there is no result.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.stop();
        let text = match &self.form {
            Form::Terminal(_) | Form::Plain => format!("acme: {}", failure.to_line(self.language)),
            Form::Json => failure.to_json(self.language),
        };
        // Nothing is left to tell if standard error is gone; the exit code still tells.
        writeln!(io::stderr().lock(), "{text}").ok();
    }

    fn stop(&self) {
        if let Form::Terminal(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

impl Form {
    /// Lines, with a spinner where somebody may look at it.
    fn lines() -> Self {
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
}

/// A reader that went away (`acme … | head`) is no reason to give up a certificate.
fn print(line: &str) {
    writeln!(io::stdout().lock(), "{line}").ok();
}
