//! The program that a dns-01 solver runs in the tests: it sets records in `pebble-challtestsrv`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::challtestsrv::ChallTestSrv;

/// What the solver's documented protocol needs, in a few lines of shell. `clear-txt` takes all
/// values of a name: those of a name and its wildcard go together, when the order needs neither.
const SCRIPT: &str = r#"#!/bin/sh
set -e
post() { curl --silent --show-error --fail --max-time 10 --noproxy '*' --data-binary "$2" "$url/$1"; }
case $1 in
present) post set-txt "{\"host\":\"$2.\",\"value\":\"$3\"}" ;;
withdraw) post clear-txt "{\"host\":\"$2.\"}" ;;
esac
echo "$1" >> "$log"
"#;

/// The program, in a folder of its own.
pub(crate) struct DnsHook {
    program: PathBuf,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl DnsHook {
    /// Writes the program for this name server.
    pub(crate) fn new(dns: &ChallTestSrv) -> Self {
        let folder = tempfile::tempdir().expect("there is room for files");
        let (program, log) = (folder.path().join("hook"), folder.path().join("log"));
        let settings = format!("url={}\nlog='{}'\n", dns.management_url(), log.display());
        let (shebang, rest) = SCRIPT.split_once('\n').expect("it has lines");
        // Written by another process: a file that this one has open for writing while a test
        // beside starts a program cannot be run (`ETXTBSY`).
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"])
            .arg(&program)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let text = format!("{shebang}\n{settings}{rest}");
        let mut input = writer.stdin.take().expect("the shell listens");
        input.write_all(text.as_bytes()).expect("the shell takes the program");
        drop(input);
        assert!(writer.wait().expect("the shell ends").success());
        Self { program, log, _folder: folder }
    }

    /// What is to be run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// How often it has ended well with `present` and with `withdraw`.
    pub(crate) fn runs(&self) -> (usize, usize) {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let count = |action| log.lines().filter(|line| *line == action).count();
        (count("present"), count("withdraw"))
    }
}
