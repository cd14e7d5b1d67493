//! What the measuring process tells the measured one, and what comes back: JSON over pipes, so that
//! the account key is in no argument and no file.

use std::net::SocketAddr;
use std::path::PathBuf;

use acmekit::Account;
use serde::{Deserialize, Serialize};

/// The client that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Library {
    Acmekit,
    InstantAcme,
}

impl Library {
    pub(crate) const ALL: [Self; 2] = [Self::Acmekit, Self::InstantAcme];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Acmekit => "acmekit",
            Self::InstantAcme => "instant-acme",
        }
    }
}

/// One workload for one client.
#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) library: Library,
    pub(crate) certificates: usize,
    pub(crate) names: usize,
    pub(crate) in_flight: usize,
    /// The root of the server's own TLS certificate.
    pub(crate) root_pem_file: PathBuf,
    /// Where the server looks for http-01.
    pub(crate) http01: SocketAddr,
    /// Registered already; it names the directory.
    pub(crate) account: Account,
    /// The P-256 account key, PKCS#8.
    pub(crate) account_key: Vec<u8>,
}

/// What the job cost the process that did it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    /// From before the client was set up to the last certificate.
    pub(crate) wall_micros: u64,
    /// User and system time of the whole process; absent where it cannot be read.
    pub(crate) processor_micros: Option<u64>,
    /// Absent where it cannot be read.
    pub(crate) peak_memory_kib: Option<u64>,
    /// Requests by the client's own count, if it keeps one.
    pub(crate) own_count: Option<u64>,
    /// For each challenge URL, when the server fetched the proof, in Unix milliseconds.
    pub(crate) fetched: Vec<(String, i64)>,
}
