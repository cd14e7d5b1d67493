//! One run of a program, from its start to its end.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

/// A program that needs longer than this hangs.
const SECONDS: &str = "120";

/// What a program has said, and whether it was content.
pub(crate) struct Said {
    program: String,
    is_success: bool,
    text: String,
}

/// Runs a program in a folder that is its home, too. It sees no proxy.
pub(crate) fn run<'a>(
    program: &Path,
    home: &Path,
    environment: &[(&str, &OsStr)],
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Said {
    // `timeout` ends the program even if the test process is killed meanwhile.
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", SECONDS])
        .arg(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .envs(environment.iter().copied())
        .current_dir(home)
        .stdin(Stdio::null());
    let output = command.output().expect("coreutils are installed");
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    Said {
        program: format!("{command:?}"),
        is_success: output.status.success(),
        text: format!("{stdout}{stderr}"),
    }
}

impl Said {
    /// Adds what the program has written to a file.
    pub(crate) fn with_file(mut self, path: &Path) -> Self {
        self.text.push_str(&std::fs::read_to_string(path).unwrap_or_default());
        self
    }

    /// Panics unless the program has done what it was asked for, and said so.
    #[track_caller]
    pub(crate) fn assert_done(&self, text: &str) {
        assert!(self.is_success && self.text.contains(text), "{}\n{}", self.program, self.text);
    }

    /// Panics unless the program has failed and told this.
    #[track_caller]
    pub(crate) fn assert_refused(&self, text: &str) {
        assert!(!self.is_success && self.text.contains(text), "{}\n{}", self.program, self.text);
    }
}
