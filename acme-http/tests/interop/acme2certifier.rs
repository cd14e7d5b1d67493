//! acme2certifier, an ACME server in Python, with its OpenSSL authority and its JSON file of external
//! account keys.
//!
//! What was found out about 0.46, which decides how it is run: http-01 and tls-alpn-01 go to the
//! ports 80 and 443, and names are resolved as the system does, so it gets a [`PrivateDns`]. Its
//! WSGI application is served by a few lines of Python over TLS; its database is a SQLite file.
//! Whether a binding is demanded is a setting of the whole server, so there are two ways to start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::json;

use super::LaunchError;
use super::challtestsrv::ChallTestSrv;
use super::issuing_authority::IssuingAuthority;
use super::loopback;
use super::private_dns::PrivateDns;
use super::process::{Process, Start};
use super::server_certificate::ServerCertificate;
use super::tools;

const SERVE: &str = include_str!("acme2certifier_serve.py");

/// A running acme2certifier and the name server it asks.
pub(crate) struct Acme2Certifier {
    // Dropped before the name server and the folder it uses.
    process: Process,
    dns: PrivateDns,
    address: SocketAddr,
    tls: ServerCertificate,
    authority: IssuingAuthority,
    _folder: tempfile::TempDir,
}

impl Acme2Certifier {
    /// Starts a server that takes any account.
    pub(crate) fn start() -> Result<Self, LaunchError> {
        Self::start_with(None)
    }

    /// Starts a server that demands a binding to this key id with this base64url MAC key.
    pub(crate) fn start_for_external_accounts(id: &str, key: &str) -> Result<Self, LaunchError> {
        Self::start_with(Some(json!({ id: key })))
    }

    fn start_with(external_keys: Option<serde_json::Value>) -> Result<Self, LaunchError> {
        let python = tools::acme2certifier()?;
        let dns = PrivateDns::start()?;
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let at = |name: &str| folder.path().join(name);
        let write = |name: &str, text: &str| {
            std::fs::write(at(name), text)
                .map_err(|error| LaunchError::io(&format!("cannot write {name}"), &error))
        };
        let tls = ServerCertificate::generate(folder.path())?;
        let authority = IssuingAuthority::generate(folder.path())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        std::fs::create_dir(at("issued"))
            .map_err(|error| LaunchError::io("cannot make the folder of certificates", &error))?;

        let mut configuration = format!(
            "[DEFAULT]\n\
             debug: False\n\
             server_name: localhost:{port}\n\
             [DBhandler]\n\
             handler: wsgi\n\
             dbfile: {database}\n\
             [Directory]\n\
             tos_url: https://ca.example/terms\n\
             [CAhandler]\n\
             handler_module: acme2certifier.cahandlers.openssl_ca_handler\n\
             issuing_ca_key: {key}\n\
             issuing_ca_cert: {certificate}\n\
             issuing_ca_crl: {list}\n\
             cert_save_path: {issued}\n\
             cert_validity_days: 30\n",
            port = address.port(),
            database = at("acme.db").display(),
            key = authority.key.display(),
            certificate = authority.intermediate.display(),
            list = at("revoked.pem").display(),
            issued = at("issued").display(),
        );
        if let Some(keys) = external_keys {
            write("keys.json", &keys.to_string())?;
            configuration += &format!(
                "[EABhandler]\n\
                 eab_handler_module: acme2certifier.eabhandlers.json_handler\n\
                 key_file: {}\n",
                at("keys.json").display()
            );
        }
        write("acme_srv.cfg", &configuration)?;
        write("serve.py", SERVE)?;
        let process = Start::new(&python, folder.path())
            .argument(at("serve.py"))
            .argument(address.port().to_string())
            .argument(&tls.certificate)
            .argument(&tls.key)
            .variable("ACME_SRV_CONFIGFILE", at("acme_srv.cfg"))
            .variable("PYTHONDONTWRITEBYTECODE", "1")
            .resolv_conf(Some(dns.resolv_conf()))
            .run(&[address])?;
        Ok(Self { process, dns, address, tls, authority, _folder: folder })
    }

    /// The directory, RFC 8555 §7.1.1.
    pub(crate) fn directory_url(&self) -> String {
        format!("https://localhost:{}/directory", self.address.port())
    }

    /// The root of its TLS certificate, to be trusted by the client.
    pub(crate) fn root_pem_path(&self) -> &Path {
        &self.tls.root
    }

    /// The root that it issues under, PEM.
    pub(crate) fn issuing_root_path(&self) -> &Path {
        &self.authority.root
    }

    /// Where every DNS name leads; http-01 is to be answered on its port 80, tls-alpn-01 on 443.
    pub(crate) fn challenge_address(&self) -> Ipv4Addr {
        self.dns.address()
    }

    /// The name server it asks, to set TXT records for dns-01.
    pub(crate) fn dns(&self) -> &ChallTestSrv {
        self.dns.server()
    }

    /// Everything it printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}
