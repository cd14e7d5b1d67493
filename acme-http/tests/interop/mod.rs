//! Real ACME servers for the interop tests: Pebble (Debian's and the current one), Caddy, step-ca and
//! acme2certifier; and how real ACME clients are found (certbot and lego, see `foreign_clients`).
//!
//! Each launcher of a server starts a program nobody here wrote, on loopback, in a temporary folder, and ends
//! it when dropped; it also ends when the test process is killed. A program that is not installed
//! makes the test fail with the command that installs it, unless `ACMEKIT_INTEROP=skip` is set:
//! then [`or_skip`] prints and counts a skip.
//!
//! | Variable | Program | Looked for otherwise in |
//! |---|---|---|
//! | `ACMEKIT_PEBBLE_DEBIAN` | Debian's Pebble (2.4.0) | `target/tools/debian`, `/usr/bin` |
//! | `ACMEKIT_PEBBLE_CURRENT` | the current Pebble | `target/tools/bin` |
//! | `ACMEKIT_CHALLTESTSRV` | either `pebble-challtestsrv` | both |
//! | `ACMEKIT_CADDY` | Caddy | `target/tools/debian`, `/usr/bin` |
//! | `ACMEKIT_CERTBOT` | Debian's certbot | `target/tools/bin`, `/usr/bin` |
//! | `ACMEKIT_LEGO` | Debian's lego | `target/tools/debian`, `/usr/bin` |
//! | `ACMEKIT_STEP_CA` | step-ca | `target/tools/bin` |
//! | `ACMEKIT_STEP_CA_KEYS` | what puts keys into its database | `target/tools/bin` |
//! | `ACMEKIT_ACME2CERTIFIER` | a Python with acme2certifier | `target/tools/acme2certifier/bin` |

// Every test file compiles this module for itself and uses a part of it.
#![allow(dead_code, reason = "each test crate uses a different part")]

pub(crate) mod acme2certifier;
pub(crate) mod caddy;
pub(crate) mod challtestsrv;
pub(crate) mod clients;
pub(crate) mod dns_hook;
pub(crate) mod fetch;
pub(crate) mod figures;
pub(crate) mod issuing_authority;
pub(crate) mod loopback;
pub(crate) mod openssl;
pub(crate) mod pebble;
pub(crate) mod private_dns;
pub(crate) mod process;
pub(crate) mod server_certificate;
pub(crate) mod step_ca;
pub(crate) mod tools;
pub(crate) mod version;

use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Why a server could not be started.
pub(crate) enum LaunchError {
    /// The program is not on this machine.
    Missing {
        /// What it is called.
        program: &'static str,
        /// Every place that was tried.
        looked_in: Vec<PathBuf>,
        /// How to get it.
        install: &'static str,
    },
    /// This machine does not allow what the launcher needs (low ports, a mount namespace).
    NotPermitted(String),
    /// The program started and ended, or never answered; the text holds its log.
    Failed(String),
}

impl LaunchError {
    /// Wraps an operating system error with what was being done.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::Failed(format!("{doing}: {error}"))
    }
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program, looked_in, install } => {
                write!(f, "{program} is not installed (looked for")?;
                for path in looked_in {
                    write!(f, " {}", path.display())?;
                }
                write!(f, "); to install it: {install}")
            }
            Self::NotPermitted(why) => write!(f, "this machine does not allow the test: {why}"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

// `unwrap` and `expect` in tests print this: the sentence, not the structure.
impl fmt::Debug for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hands out what was started. Panics when it could not be started, except that a program that is
/// missing (or not permitted) is a skip when `ACMEKIT_INTEROP=skip` is set.
///
/// A skip goes to the real standard error, which the test harness does not capture, and into the
/// file that `ACMEKIT_SKIP_LOG` names, one line each, so that the test command can count it.
pub(crate) fn or_skip<T>(started: Result<T, LaunchError>) -> Option<T> {
    match started {
        Ok(server) => Some(server),
        Err(error @ (LaunchError::Missing { .. } | LaunchError::NotPermitted(_)))
            if std::env::var_os("ACMEKIT_INTEROP").is_some_and(|value| value == "skip") =>
        {
            record_skip(&error.to_string());
            None
        }
        Err(error) => panic!("{error}\n(ACMEKIT_INTEROP=skip turns a missing program into a skip)"),
    }
}

fn record_skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("SKIPPED {test}: {reason}\n");
    // Nothing sensible is left to do when standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("ACMEKIT_SKIP_LOG") {
        let written = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        assert!(written.is_ok(), "cannot count the skip in {}", path.display());
    }
}
