//! smallstep's `step-ca` with two ACME provisioners, one of which requires an external account.
//!
//! What was found out about 0.30, which decides how it is run: the name server and the ports of
//! http-01 and tls-alpn-01 can be set by flags, so no private resolver is needed. The open version
//! verifies external account bindings, but has no way to make their keys: the administration of
//! keys (`authority/admin/api/acme.go`) answers "currently only available in Certificate Manager".
//! They are therefore put into its database before it starts. Each is good for one account.
//! Its TLS certificate comes from its own issuer, so the issuing root is the TLS root as well.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::LaunchError;
use super::challtestsrv::ChallTestSrv;
use super::issuing_authority::IssuingAuthority;
use super::loopback;
use super::process::{Process, Start, output_from};
use super::tools;

/// A running step-ca and the name server it asks.
pub(crate) struct StepCa {
    // Dropped before the name server and the folder it uses.
    process: Process,
    dns: ChallTestSrv,
    address: SocketAddr,
    http_port: u16,
    tls_port: u16,
    authority: IssuingAuthority,
    _folder: tempfile::TempDir,
}

impl StepCa {
    /// Starts step-ca with its data in a temporary folder, and with these external account keys:
    /// key ids with base64url MAC keys.
    pub(crate) fn start(external_keys: &[(String, String)]) -> Result<Self, LaunchError> {
        let program = tools::step_ca()?;
        let dns = ChallTestSrv::start()?;
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let authority = IssuingAuthority::generate(folder.path())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        let (http_port, tls_port) = (loopback::free_port()?, loopback::free_port()?);
        let provisioner = |name: &str, bound: bool| {
            json!({
                "type": "ACME",
                "name": name,
                "requireEAB": bound,
                "termsOfService": "https://ca.example/terms",
            })
        };
        let configuration = json!({
            "root": authority.root,
            "crt": authority.intermediate,
            "key": authority.key,
            "address": address.to_string(),
            "dnsNames": ["localhost"],
            "db": { "type": "bbolt", "dataSource": folder.path().join("step-ca.db") },
            "logger": { "format": "text" },
            "authority": { "provisioners": [provisioner("open", false), provisioner("bound", true)] },
        });
        let file = folder.path().join("ca.json");
        std::fs::write(&file, configuration.to_string())
            .map_err(|error| LaunchError::io("cannot write ca.json", &error))?;
        let lines = external_keys.iter().map(|(id, key)| format!("{id} {key}\n"));
        put_keys(&folder.path().join("step-ca.db"), &lines.collect::<String>())?;
        let process = Start::new(&program, folder.path())
            .argument(&file)
            .argument("--resolver")
            .argument(dns.dns_address().to_string())
            .argument("--insecure")
            .argument("--acme-http-port")
            .argument(http_port.to_string())
            .argument("--acme-tls-port")
            .argument(tls_port.to_string())
            .variable("STEPPATH", folder.path())
            .variable("HOME", folder.path())
            .run(&[address])?;
        Ok(Self { process, dns, address, http_port, tls_port, authority, _folder: folder })
    }

    /// The directory of the provisioner that takes any account, RFC 8555 §7.1.1.
    pub(crate) fn directory_url(&self) -> String {
        format!("https://localhost:{}/acme/open/directory", self.address.port())
    }

    /// The directory of the provisioner with `requireEAB`.
    pub(crate) fn bound_directory_url(&self) -> String {
        format!("https://localhost:{}/acme/bound/directory", self.address.port())
    }

    /// The root of its TLS certificate, to be trusted by the client, and of what it issues.
    pub(crate) fn root_pem_path(&self) -> &Path {
        &self.authority.root
    }

    /// Where every DNS name leads.
    pub(crate) fn challenge_address(&self) -> Ipv4Addr {
        Ipv4Addr::LOCALHOST
    }

    /// The port it asks for http-01.
    pub(crate) fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port it asks for tls-alpn-01.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The name server it asks, to set TXT records for dns-01.
    pub(crate) fn dns(&self) -> &ChallTestSrv {
        &self.dns
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

/// Runs `step-ca-keys`.
fn put_keys(database: &Path, lines: &str) -> Result<(), LaunchError> {
    let file = database.with_extension("keys");
    std::fs::write(&file, lines)
        .and_then(|()| std::fs::File::open(&file))
        .map_err(|error| LaunchError::io("cannot write the keys", &error))
        .and_then(|input| {
            let mut command = Command::new(tools::step_ca_keys()?);
            output_from(command.arg(database).stdin(input)).map(drop)
        })
}
