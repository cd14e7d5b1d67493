//! A name server that one server process alone sees as the system's.
//!
//! Caddy's `acme_server` and, for tls-alpn-01, Debian's Pebble resolve names by the operating
//! system and connect to the ports 80 and 443; neither can be configured otherwise. So that they
//! find any name a test invents, the process gets a mount namespace of its own whose
//! `/etc/resolv.conf` names `pebble-challtestsrv` on port 53 of a loopback address, which answers
//! every A query with that same address. Tests then answer on its ports 80 and 443, and several
//! such servers run side by side. Nothing outside the process changes.
//!
//! This takes the right to bind low ports and to make a mount namespace: root, or the user
//! namespace in which `.ci/test` runs the tests of an ordinary user.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::LaunchError;
use super::challtestsrv::ChallTestSrv;
use super::loopback;
use super::process::output_of;

/// The name server and the file that points to it.
pub(crate) struct PrivateDns {
    server: ChallTestSrv,
    resolv_conf: PathBuf,
    address: Ipv4Addr,
    _folder: tempfile::TempDir,
}

impl PrivateDns {
    /// Starts the name server on an address of its own.
    pub(crate) fn start() -> Result<Self, LaunchError> {
        let address = loopback::own_address()?;
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let resolv_conf = folder.path().join("resolv.conf");
        // Without `ndots` or `search` of the machine: only absolute names are asked for.
        std::fs::write(&resolv_conf, format!("nameserver {address}\noptions timeout:2\n"))
            .map_err(|error| LaunchError::io("cannot write resolv.conf", &error))?;
        check_mount_namespace(&resolv_conf)?;
        let server = ChallTestSrv::start_on_port_53(address)?;
        Ok(Self { server, resolv_conf, address, _folder: folder })
    }

    /// Where every name leads, and where challenges are to be answered (ports 80 and 443).
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The name server, to set TXT records.
    pub(crate) fn server(&self) -> &ChallTestSrv {
        &self.server
    }

    /// The file to show to the server as `/etc/resolv.conf`.
    pub(crate) fn resolv_conf(&self) -> &Path {
        &self.resolv_conf
    }
}

fn check_mount_namespace(resolv_conf: &Path) -> Result<(), LaunchError> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "mount", "--bind"]).arg(resolv_conf).arg("/etc/resolv.conf");
    output_of(&mut command).map(drop).map_err(|error| {
        LaunchError::NotPermitted(format!("a mount namespace is needed, run as root: {error}"))
    })
}
