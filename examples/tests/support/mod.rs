//! What the tests of the programs share: a CA on loopback, the command `acme`, and `openssl`.

#![allow(dead_code, reason = "each test program uses its own part of this")]

pub(crate) mod dns;
pub(crate) mod web;

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use acmekit_testing::Config;
use acmekit_testing::server::{Server, ServerOptions};
use tempfile::TempDir;

/// A CA, and a directory in which `acme` works.
pub(crate) struct Fixture {
    pub(crate) ca: Server,
    pub(crate) http01: String,
    pub(crate) tls_alpn01: String,
    place: TempDir,
    settings: (Config, ServerOptions),
}

impl Fixture {
    pub(crate) fn new(config: Config) -> Self {
        Self::with_options(config, ServerOptions::default())
    }

    /// With settings of the server besides the ports.
    pub(crate) fn with_options(config: Config, options: ServerOptions) -> Self {
        let (http01, tls_alpn01) = (free_port(), free_port());
        let options = options.with_http01_port(http01).with_tls_alpn01_port(tls_alpn01);
        let ca = start(config.clone(), options.clone());
        let place = tempfile::tempdir().expect("there is room for files");
        fs::write(place.path().join("tls-root.pem"), ca.tls_root_pem()).unwrap();
        fs::write(place.path().join("root.pem"), ca.root_pem()).unwrap();
        Self {
            ca,
            http01: format!("127.0.0.1:{http01}"),
            tls_alpn01: format!("127.0.0.1:{tls_alpn01}"),
            place,
            settings: (config, options),
        }
    }

    /// The same CA at the same address, with the same keys and without any memory.
    pub(crate) fn with_memory_of_the_ca_lost(self) -> Self {
        let Self { ca, settings: (config, options), .. } = self;
        let port = ca.address().port();
        ca.shutdown();
        let ca = start(config.clone(), options.clone().with_port(port));
        Self { ca, settings: (config, options), ..self }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.path("out")
    }

    /// `acme issue` with the directory, its root and `--out`; the test adds the rest.
    pub(crate) fn acme(&self) -> Command {
        self.acme_with_account(&["issue"])
    }

    /// A command of `acme` with the directory, its root and `--out`.
    pub(crate) fn acme_with_account(&self, words: &[&str]) -> Command {
        let mut command = self.acme_without_account(words);
        command.arg("--out").arg(self.out());
        command
    }

    /// A command of `acme` with the directory and its root.
    pub(crate) fn acme_without_account(&self, words: &[&str]) -> Command {
        let mut command = acme();
        command.args(words);
        command.args(["--directory", self.ca.directory_url()]);
        command.arg("--ca-root").arg(self.path("tls-root.pem"));
        command
    }

    /// The same for one name by http-01 on the port where the CA looks.
    pub(crate) fn acme_http01(&self) -> Command {
        let mut command = self.acme();
        command.args(["--domain", "www.example.org", "--http01-listen", &self.http01]);
        command
    }

    /// The files in the output directory, with their paths in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        list(&self.out(), "", &mut files);
        files.sort();
        files
    }

    pub(crate) fn requests(&self) -> u64 {
        self.ca.with_ca(|ca| ca.requests().total())
    }

    pub(crate) fn assert_no_violations(&self) {
        self.ca.with_ca(|ca| assert!(ca.violations().is_empty(), "{:?}", ca.violations()));
    }

    /// Asks openssl whether the chain leads to the CA's root.
    pub(crate) fn assert_openssl_verifies(&self) {
        openssl_verify(&self.path("root.pem"), &self.out().join("chain.pem"));
    }
}

/// The command with nothing from the environment that it would heed.
pub(crate) fn acme() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acme"));
    for variable in ["ACME_EAB_HMAC_KEY", "LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(variable);
    }
    command
}

fn start(config: Config, options: ServerOptions) -> Server {
    Server::start(config, 7, options).expect("the CA starts")
}

fn list(directory: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            list(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push(name);
        }
    }
}

/// How a program ended, with its output as text.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Ended {
    /// Success, with nothing to say on standard error.
    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
    }

    /// Failure with this exit code and exactly one line `acme: … [code]: …` that has `words` in it.
    #[track_caller]
    pub(crate) fn assert_failure(&self, exit: i32, code: &str, words: &str) {
        assert_eq!(self.code, exit, "{self:?}");
        let line = self.stderr.strip_suffix('\n').expect("a whole line");
        assert!(line.starts_with("acme: ") && !line.contains('\n'), "{self:?}");
        assert!(line.contains(&format!(" [{code}]: ")), "{self:?}");
        assert!(line.contains(words), "{self:?}");
    }
}

pub(crate) fn run(command: &mut Command) -> Ended {
    command.output().expect("the program starts").into()
}

pub(crate) fn openssl(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> String {
    let ended = run(Command::new("openssl").args(arguments));
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.stdout
}

pub(crate) fn openssl_verify(root: &Path, chain: &Path) {
    let said = openssl([
        OsStr::new("verify"),
        "-x509_strict".as_ref(),
        "-CAfile".as_ref(),
        root.as_ref(),
        "-untrusted".as_ref(),
        chain.as_ref(),
        chain.as_ref(),
    ]);
    assert!(said.ends_with(": OK\n"), "{said}");
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
}

/// Writes a shell script that can be run.
#[cfg(unix)]
pub(crate) fn script(path: &Path, body: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("there is room for files");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path.to_owned()
}
