//! `pebble-challtestsrv` as a name server whose records the tests set.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::LaunchError;
use super::loopback;
use super::process::{Process, Start, output_of};
use super::tools;

/// A running name server: every A query is answered by one loopback address, no AAAA, and TXT as
/// the tests set it. Its http-01, tls-alpn-01 and DNS-over-HTTPS parts are off, since the solvers
/// under test answer those.
pub(crate) struct ChallTestSrv {
    // Dropped before the folder it writes its log to.
    process: Process,
    dns: SocketAddr,
    management: SocketAddr,
    _folder: tempfile::TempDir,
}

impl ChallTestSrv {
    /// Starts on a free port; all names lead to `127.0.0.1`.
    pub(crate) fn start() -> Result<Self, LaunchError> {
        let port = loopback::free_port()?;
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Starts on port 53 of `address`; all names lead to `address`.
    pub(crate) fn start_on_port_53(address: Ipv4Addr) -> Result<Self, LaunchError> {
        Self::start_at(SocketAddr::from((address, 53)))
    }

    fn start_at(dns: SocketAddr) -> Result<Self, LaunchError> {
        let program = tools::challtestsrv()?;
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let management = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        let usage = usage(&program)?;
        let dns_flag = if usage.contains("-dnsserver") { "-dnsserver" } else { "-dns01" };
        let mut start = Start::new(&program, folder.path())
            .argument(dns_flag)
            .argument(dns.to_string())
            .argument("-management")
            .argument(management.to_string())
            .argument("-defaultIPv4")
            .argument(dns.ip().to_string())
            .argument("-defaultIPv6")
            .argument("");
        for part in ["-http01", "-https01", "-tlsalpn01", "-doh"] {
            // Debian's version has no DNS over HTTPS.
            if usage.contains(part) {
                start = start.argument(part).argument("");
            }
        }
        let process = start.run(&[dns, management])?;
        Ok(Self { process, dns, management, _folder: folder })
    }

    /// Where DNS is answered, over UDP and TCP.
    pub(crate) fn dns_address(&self) -> SocketAddr {
        self.dns
    }

    /// Adds a TXT record; several values at one name are kept side by side.
    pub(crate) fn add_txt(&self, name: &str, value: &str) -> Result<(), LaunchError> {
        self.manage("set-txt", &json!({ "host": absolute(name), "value": value }))
    }

    /// Removes all TXT records at a name.
    pub(crate) fn delete_txt(&self, name: &str) -> Result<(), LaunchError> {
        self.manage("clear-txt", &json!({ "host": absolute(name) }))
    }

    /// Makes every query for a name fail with SERVFAIL.
    pub(crate) fn fail_lookups(&self, name: &str) -> Result<(), LaunchError> {
        self.manage("set-servfail", &json!({ "host": absolute(name) }))
    }

    /// The URL below which records are set by POST, for programs that do so themselves.
    pub(crate) fn management_url(&self) -> String {
        format!("http://{}", self.management)
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    fn manage(&self, action: &str, body: &serde_json::Value) -> Result<(), LaunchError> {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--fail", "--max-time", "10", "--noproxy", "*"])
            .arg("--data-binary")
            .arg(body.to_string())
            .arg(format!("{}/{action}", self.management_url()));
        output_of(&mut command).map(drop)
    }
}

/// The records are kept under absolute names.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// The flags differ between versions; asking for them is an error by convention of Go programs.
fn usage(program: &Path) -> Result<String, LaunchError> {
    let output = Command::new(program)
        .arg("-help")
        .output()
        .map_err(|error| LaunchError::io("cannot run pebble-challtestsrv", &error))?;
    Ok(String::from_utf8_lossy(&output.stderr).into_owned())
}
