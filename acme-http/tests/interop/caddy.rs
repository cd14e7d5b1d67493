//! Caddy's `acme_server`: an ACME server of other origin (smallstep's code).
//!
//! What was found out about Debian's Caddy 2.6.2 (smallstep 0.19), which decides how it is run:
//! it connects to port 80 for http-01 and to port 443 for tls-alpn-01 and asks the system's
//! resolver for A, AAAA and TXT. None of this can be configured and no proxy is used. It therefore
//! gets a [`PrivateDns`]: any name leads to [`Caddy::challenge_address`], whose ports 80 and 443
//! belong to the test, and TXT records are set through [`Caddy::dns`]. All three challenge types
//! work this way. Unlike Pebble it has no external account binding, names no terms of service
//! (`meta` is empty), validates a challenge before it answers the POST that triggers it, and
//! leaves a challenge whose connection failed `pending`, to be triggered again.
//!
//! Where a private name server is not permitted (a container without the right to mount),
//! [`Caddy::start_for_localhost`] still does: the one name `localhost`, http-01 and tls-alpn-01.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::LaunchError;
use super::challtestsrv::ChallTestSrv;
use super::fetch::fetch;
use super::loopback;
use super::private_dns::PrivateDns;
use super::process::{Process, Start};
use super::server_certificate::ServerCertificate;
use super::tools;

/// A running Caddy and the name server it asks.
pub(crate) struct Caddy {
    // Dropped before the name server and the folder it uses.
    process: Process,
    dns: Option<PrivateDns>,
    address: SocketAddr,
    tls: ServerCertificate,
    issuing_root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Caddy {
    /// Starts Caddy with an ACME server and nothing else, its data in a temporary folder.
    pub(crate) fn start() -> Result<Self, LaunchError> {
        Self::start_with(Some(PrivateDns::start()?))
    }

    /// The same with the machine's own resolver: the test can use the name `localhost` only, and
    /// must be able to bind port 80 or 443 of `127.0.0.1`.
    pub(crate) fn start_for_localhost() -> Result<Self, LaunchError> {
        Self::start_with(None)
    }

    fn start_with(dns: Option<PrivateDns>) -> Result<Self, LaunchError> {
        let program = tools::caddy()?;
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let tls = ServerCertificate::generate(folder.path())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        let configuration = json!({
            "admin": { "disabled": true, "config": { "persist": false } },
            "apps": {
                "pki": { "certificate_authorities": { "local": {
                    "name": "acmekit interop",
                    // Otherwise it adds its root to the machine's trust store.
                    "install_trust": false,
                } } },
                // Not from its own CA: Caddy 2.6 cleans its storage when it starts, and now and
                // then removes the new certificate before it is written.
                "tls": { "certificates": { "load_files": [
                    { "certificate": tls.certificate, "key": tls.key },
                ] } },
                "http": { "servers": { "acme": {
                    "listen": [address.to_string()],
                    "protocols": ["h1", "h2"],
                    // Redirects from port 80 would need that port.
                    "automatic_https": { "disable": true },
                    "tls_connection_policies": [{ "default_sni": "localhost" }],
                    "routes": [{ "handle": [{ "handler": "acme_server" }] }],
                } } },
            },
        });
        let file = folder.path().join("caddy.json");
        std::fs::write(&file, configuration.to_string())
            .map_err(|error| LaunchError::io("cannot write caddy.json", &error))?;
        let process = Start::new(&program, folder.path())
            .argument("run")
            .argument("--config")
            .argument(&file)
            .variable("HOME", folder.path())
            .variable("XDG_DATA_HOME", folder.path())
            .variable("XDG_CONFIG_HOME", folder.path())
            .resolv_conf(dns.as_ref().map(PrivateDns::resolv_conf))
            .run(&[address])?;
        let issuing_root = folder.path().join("caddy/pki/authorities/local/root.crt");
        Ok(Self { process, dns, address, tls, issuing_root, _folder: folder })
    }

    /// The directory, RFC 8555 §7.1.1.
    pub(crate) fn directory_url(&self) -> String {
        format!("https://localhost:{}/acme/local/directory", self.address.port())
    }

    /// The root of Caddy's TLS certificate, to be trusted by the client.
    pub(crate) fn root_pem_path(&self) -> &Path {
        &self.tls.root
    }

    /// The root that Caddy issues under, PEM.
    pub(crate) fn issuing_root_path(&self) -> &Path {
        &self.issuing_root
    }

    /// Where every DNS name leads; http-01 is to be answered on its port 80, tls-alpn-01 on 443.
    pub(crate) fn challenge_address(&self) -> Ipv4Addr {
        self.dns.as_ref().map_or(Ipv4Addr::LOCALHOST, PrivateDns::address)
    }

    /// The name server Caddy asks, to set TXT records for dns-01; `None` when it is the machine's.
    pub(crate) fn dns(&self) -> Option<&ChallTestSrv> {
        self.dns.as_ref().map(PrivateDns::server)
    }

    /// GETs a URL of this server by `curl`, so that a test can look without the code under test.
    pub(crate) fn fetch(&self, url: &str) -> Result<String, LaunchError> {
        fetch(url, self.root_pem_path())
    }

    /// Everything Caddy printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
