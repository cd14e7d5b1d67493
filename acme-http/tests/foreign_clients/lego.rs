//! lego 4.9 (Go), in a folder of its own.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::interop::openssl::Judged;
use crate::interop::{LaunchError, tools};
use crate::judge::Judge;
use crate::run::{Said, run};

pub(crate) struct Lego {
    program: PathBuf,
    folder: tempfile::TempDir,
    directory_url: String,
    tls_root: PathBuf,
    hook: PathBuf,
    resolver: String,
    http: String,
    tls: String,
}

impl Lego {
    /// Makes lego a client of this CA.
    pub(crate) fn new(judge: &Judge) -> Result<Self, LaunchError> {
        Ok(Self {
            program: tools::lego()?,
            folder: tempfile::tempdir()
                .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?,
            directory_url: judge.directory_url().to_owned(),
            tls_root: judge.tls_root(),
            hook: judge.dns_hook(),
            resolver: judge.dns().address().to_string(),
            http: format!("127.0.0.1:{}", judge.http_port()),
            tls: format!("127.0.0.1:{}", judge.tls_port()),
        })
    }

    /// Runs a command, `run` say, with these words in front of it and these behind; the folder, the
    /// CA, the account's address and where challenges are answered are added.
    pub(crate) fn run(&self, options: &[&str], command: &[&str]) -> Said {
        let mut arguments: Vec<OsString> = Vec::new();
        for (option, value) in [
            ("--path", self.path("data").into_os_string()),
            ("--server", OsString::from(&self.directory_url)),
            ("--email", "operator@example.org".into()),
            ("--http.port", OsString::from(&self.http)),
            ("--tls.port", OsString::from(&self.tls)),
            ("--dns.resolvers", OsString::from(&self.resolver)),
        ] {
            arguments.extend([option.into(), value]);
        }
        // The name server of the test is no authority that could be found from the root.
        arguments.push("--dns.disable-cp".into());
        arguments.push("--accept-tos".into());
        arguments.extend(options.iter().chain(command).map(OsString::from));
        let environment = [
            ("LEGO_CA_CERTIFICATES", self.tls_root.as_os_str()),
            ("EXEC_PATH", self.hook.as_os_str()),
            // Seconds; it puts up one record after the other, with a minute between them.
            ("EXEC_POLLING_INTERVAL", OsStr::new("1")),
            ("EXEC_SEQUENCE_INTERVAL", OsStr::new("1")),
        ];
        let arguments = arguments.iter().map(OsString::as_os_str);
        run(&self.program, self.folder.path(), &environment, arguments)
    }

    /// Where a file of its own is, or will be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of this name, verified.
    #[track_caller]
    pub(crate) fn certificate(&self, judge: &Judge, name: &str) -> Judged {
        let file = |ending| self.path(&format!("data/certificates/{name}.{ending}"));
        judge.judged(&file("crt"), &file("key"))
    }
}
