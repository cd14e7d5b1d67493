//! certbot 2.1 (Python), in a folder of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::interop::openssl::Judged;
use crate::interop::{LaunchError, tools};
use crate::judge::Judge;
use crate::run::{Said, run};

pub(crate) struct Certbot {
    program: PathBuf,
    folder: tempfile::TempDir,
    directory_url: String,
    tls_root: PathBuf,
    http_port: u16,
    dns_hook: PathBuf,
}

impl Certbot {
    /// Makes certbot a client of this CA.
    pub(crate) fn new(judge: &Judge) -> Result<Self, LaunchError> {
        Ok(Self {
            program: tools::certbot()?,
            folder: tempfile::tempdir()
                .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?,
            directory_url: judge.directory_url().to_owned(),
            tls_root: judge.tls_root(),
            http_port: judge.http_port(),
            dns_hook: judge.dns_hook(),
        })
    }

    /// Runs a command, `renew` say, with these words; the folders and the CA are added.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let folder = |name| self.folder.path().join(name).into_os_string();
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        for (option, value) in [
            ("--config-dir", folder("config")),
            ("--work-dir", folder("work")),
            ("--logs-dir", folder("logs")),
            ("--server", OsString::from(&self.directory_url)),
        ] {
            arguments.extend([option.into(), value]);
        }
        arguments.push("--non-interactive".into());
        // certbot looks into a list of its own otherwise.
        let environment = [("REQUESTS_CA_BUNDLE", self.tls_root.as_os_str())];
        let arguments = arguments.iter().map(OsString::as_os_str);
        // certbot 2.1 on Python 3.11 fails to pass most problem documents on to its user, with
        // "AttributeError: can't set attribute"; it does write them into its log. Only this run's
        // is in the file.
        run(&self.program, self.folder.path(), &environment, arguments)
            .with_file(&self.path("logs/letsencrypt.log"))
    }

    /// Runs `certonly` with these words, with http-01 where the CA looks, unless they say
    /// otherwise. An account is registered if there is none.
    pub(crate) fn certonly(&self, words: &[&str]) -> Said {
        let port = self.http_port.to_string();
        let mut all = vec!["certonly", "--agree-tos", "--email", "operator@example.org"];
        if !words.contains(&"--http-01-port") {
            all.extend(["--http-01-address", "127.0.0.1", "--http-01-port", &port]);
        }
        all.extend(words);
        self.run(&all)
    }

    /// Runs `certonly` for these names by dns-01.
    pub(crate) fn certonly_by_dns(&self, names: &[&str]) -> Said {
        let hook = self.dns_hook.to_str().expect("a plain path");
        self.certonly(&[
            "--manual",
            "--preferred-challenges=dns",
            "--manual-auth-hook",
            hook,
            "--manual-cleanup-hook",
            hook,
            "-d",
            &names.join(","),
        ])
    }

    /// Runs `certonly` for a certification request and returns where the chain is.
    #[track_caller]
    pub(crate) fn certonly_by_request(&self, request: &Path) -> PathBuf {
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        let (request, chain) = (text(request), text(&self.path("request-chain.pem")));
        let words = ["--standalone", "--csr", &request, "--fullchain-path", &chain];
        self.certonly(&words).assert_done("Successfully received certificate");
        chain.into()
    }

    /// Where a file of its own is, or will be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path of a file of a certificate: `fullchain.pem`, say.
    pub(crate) fn live(&self, name: &str, file: &str) -> String {
        self.path("config/live").join(name).join(file).to_str().expect("a plain path").to_owned()
    }

    /// The certificate of this name, verified.
    #[track_caller]
    pub(crate) fn certificate(&self, judge: &Judge, name: &str) -> Judged {
        let file = |file| self.live(name, file);
        judge.judged(file("fullchain.pem").as_ref(), file("privkey.pem").as_ref())
    }
}
