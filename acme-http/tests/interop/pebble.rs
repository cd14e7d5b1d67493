//! Pebble, the test server of Let's Encrypt, in both versions that the tests run against.

use std::collections::BTreeMap;
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

/// Which Pebble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// Debian's package, 2.4.0 of April 2022: RSA issuers, no Retry-After on resources, no
    /// profiles, no ARI. It can deadlock under concurrent orders: put a time limit on such a test
    /// and call [`Pebble::restart`].
    Debian,
    /// The current release.
    Current,
}

/// How Pebble is to behave. The default is the strictest that is also quick: `-strict`, no nonce
/// rejected, no authorization reused, no Retry-After, validation without the random sleep.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Per cent of good nonces that are refused.
    pub(crate) rejected_nonces: u8,
    /// Per cent of identifiers for which a valid authorization is used again.
    pub(crate) reused_authorizations: u8,
    /// Key ids and base64url MAC keys; a new account must be bound to one of them unless empty.
    pub(crate) external_account_keys: BTreeMap<String, String>,
    /// Seconds in Retry-After of authorizations and orders; [`Version::Current`] only.
    pub(crate) retry_after: Option<(u32, u32)>,
    /// The longest random sleep before a validation, in seconds; `None` for none.
    pub(crate) validation_sleep: Option<u32>,
    /// Profile names and validity in seconds; [`Version::Current`] only. Empty: `default`.
    pub(crate) profiles: BTreeMap<String, u64>,
    /// How many alternate chains are offered.
    pub(crate) alternate_chains: u8,
    /// How many certificates follow the leaf.
    pub(crate) chain_length: u8,
    /// Names Pebble refuses with `rejectedIdentifier`.
    pub(crate) blocked_names: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rejected_nonces: 0,
            reused_authorizations: 0,
            external_account_keys: BTreeMap::new(),
            retry_after: None,
            validation_sleep: None,
            profiles: BTreeMap::new(),
            alternate_chains: 0,
            chain_length: 1,
            blocked_names: Vec::new(),
        }
    }
}

/// Who answers Pebble's DNS queries.
enum Dns {
    /// Pebble is pointed there by a flag and every name leads to `127.0.0.1`.
    ByFlag(ChallTestSrv),
    /// Pebble 2.4.0 uses the flag for http-01 and dns-01, but the system's resolver for
    /// tls-alpn-01, so there it must be made the system's resolver.
    Private(PrivateDns),
}

impl Dns {
    fn server(&self) -> &ChallTestSrv {
        match self {
            Self::ByFlag(server) => server,
            Self::Private(dns) => dns.server(),
        }
    }
}

/// A running Pebble and the name server it asks.
pub(crate) struct Pebble {
    // Dropped before the folder and the name server it uses.
    process: Option<Process>,
    dns: Dns,
    start: Start,
    version: Version,
    acme: SocketAddr,
    management: SocketAddr,
    http_port: u16,
    tls_port: u16,
    tls: ServerCertificate,
    folder: tempfile::TempDir,
}

impl Pebble {
    /// Starts Pebble and a name server; every DNS name leads to [`Self::challenge_address`].
    pub(crate) fn start(version: Version, settings: &Settings) -> Result<Self, LaunchError> {
        Self::start_with(version, settings, Dns::ByFlag(ChallTestSrv::start()?))
    }

    /// The same for tests of tls-alpn-01, which need more rights with [`Version::Debian`].
    pub(crate) fn start_for_tls_alpn(
        version: Version,
        settings: &Settings,
    ) -> Result<Self, LaunchError> {
        match version {
            Version::Current => Self::start(version, settings),
            Version::Debian => {
                Self::start_with(version, settings, Dns::Private(PrivateDns::start()?))
            }
        }
    }

    fn start_with(version: Version, settings: &Settings, dns: Dns) -> Result<Self, LaunchError> {
        let program = match version {
            Version::Debian => tools::pebble_debian()?,
            Version::Current => tools::pebble_current()?,
        };
        let folder = tempfile::tempdir()
            .map_err(|error| LaunchError::io("cannot make a temporary folder", &error))?;
        let tls = ServerCertificate::generate(folder.path())?;
        let acme = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        let management = SocketAddr::from((Ipv4Addr::LOCALHOST, loopback::free_port()?));
        let http_port = loopback::free_port()?;
        let tls_port = loopback::free_port()?;

        let mut configuration = json!({
            "listenAddress": acme.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": tls.certificate,
            "privateKey": tls.key,
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": !settings.external_account_keys.is_empty(),
            "externalAccountMACKeys": settings.external_account_keys,
            "domainBlocklist": settings.blocked_names,
        });
        if version == Version::Current {
            configuration["keyAlgorithm"] = json!("ecdsa");
            let (authorization, order) = settings.retry_after.unwrap_or_default();
            configuration["retryAfter"] = json!({ "authz": authorization, "order": order });
            if !settings.profiles.is_empty() {
                configuration["profiles"] = settings
                    .profiles
                    .iter()
                    .map(|(name, seconds)| {
                        let profile = json!({ "description": name, "validityPeriod": seconds });
                        (name.clone(), profile)
                    })
                    .collect();
            }
        }
        let file = folder.path().join("pebble.json");
        std::fs::write(&file, json!({ "pebble": configuration }).to_string())
            .map_err(|error| LaunchError::io("cannot write pebble.json", &error))?;

        let mut start = Start::new(&program, folder.path())
            .argument("-strict")
            .argument("-config")
            .argument(&file)
            .argument("-dnsserver")
            .argument(dns.server().dns_address().to_string())
            .variable("PEBBLE_WFE_NONCEREJECT", settings.rejected_nonces.to_string())
            .variable("PEBBLE_AUTHZREUSE", settings.reused_authorizations.to_string())
            .variable("PEBBLE_ALTERNATE_ROOTS", settings.alternate_chains.to_string())
            .variable("PEBBLE_CHAIN_LENGTH", settings.chain_length.to_string())
            // Inherited from whoever runs the tests, it would make every test pass.
            .variable("PEBBLE_VA_ALWAYS_VALID", "0");
        start = match settings.validation_sleep {
            None => start.variable("PEBBLE_VA_NOSLEEP", "1"),
            Some(seconds) => start
                .variable("PEBBLE_VA_NOSLEEP", "0")
                .variable("PEBBLE_VA_SLEEPTIME", seconds.to_string()),
        };
        if let Dns::Private(private) = &dns {
            start = start.resolv_conf(Some(private.resolv_conf()));
        }
        let process = Some(start.run(&[acme, management])?);
        Ok(Self {
            process,
            dns,
            start,
            version,
            acme,
            management,
            http_port,
            tls_port,
            tls,
            folder,
        })
    }

    /// Kills Pebble and starts it again on the same ports. It remembers nothing: accounts, orders
    /// and its issuers are new.
    pub(crate) fn restart(&mut self) -> Result<(), LaunchError> {
        self.process = None;
        self.process = Some(self.start.run(&[self.acme, self.management])?);
        Ok(())
    }

    /// Which Pebble this is.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// The directory, RFC 8555 §7.1.1.
    pub(crate) fn directory_url(&self) -> String {
        format!("https://localhost:{}/dir", self.acme.port())
    }

    /// The root of Pebble's TLS certificate, to be trusted by the client.
    pub(crate) fn root_pem_path(&self) -> &Path {
        &self.tls.root
    }

    /// Where challenges are to be answered: every DNS name leads here.
    pub(crate) fn challenge_address(&self) -> Ipv4Addr {
        match &self.dns {
            Dns::ByFlag(_) => Ipv4Addr::LOCALHOST,
            Dns::Private(dns) => dns.address(),
        }
    }

    /// The port Pebble asks for http-01.
    pub(crate) fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port Pebble asks for tls-alpn-01.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The name server Pebble asks, to set TXT records for dns-01.
    pub(crate) fn dns(&self) -> &ChallTestSrv {
        self.dns.server()
    }

    /// The management interface, with its certificate also under [`Self::root_pem_path`].
    pub(crate) fn management_url(&self) -> String {
        format!("https://localhost:{}", self.management.port())
    }

    /// The root that ends the default chain (0) or an alternate one (1 and up), PEM.
    pub(crate) fn issuing_root(&self, number: u8) -> Result<String, LaunchError> {
        self.fetch(&format!("{}/roots/{number}", self.management_url()))
    }

    /// The intermediate certificate of a chain, PEM.
    pub(crate) fn intermediate(&self, number: u8) -> Result<String, LaunchError> {
        self.fetch(&format!("{}/intermediates/{number}", self.management_url()))
    }

    /// What Pebble knows of a certificate: its status and revocation reason, as JSON.
    pub(crate) fn status_of(&self, serial_hex: &str) -> Result<String, LaunchError> {
        self.fetch(&format!("{}/cert-status-by-serial/{serial_hex}", self.management_url()))
    }

    /// Writes the issuing root into a file, as programs want it.
    pub(crate) fn issuing_root_file(&self, number: u8) -> Result<PathBuf, LaunchError> {
        let path = self.folder.path().join(format!("issuing-root-{number}.pem"));
        std::fs::write(&path, self.issuing_root(number)?)
            .map_err(|error| LaunchError::io("cannot write the issuing root", &error))?;
        Ok(path)
    }

    /// GETs a URL of this server by `curl`, so that a test can look without the code under test.
    pub(crate) fn fetch(&self, url: &str) -> Result<String, LaunchError> {
        fetch(url, self.root_pem_path())
    }

    /// Everything Pebble printed since its last start.
    pub(crate) fn log(&self) -> String {
        self.process.as_ref().map(Process::log).unwrap_or_default()
    }
}
