//! The CA on loopback over TLS, on the system clock, validating over real sockets.
//!
//! A [`Server`] runs on threads of its own, so that it can be used from blocking tests as from
//! asynchronous ones, and stops when it is dropped. It never leaves the machine: every name is
//! taken to be at 127.0.0.1 unless [`ServerOptions::with_address`] says otherwise, and no name is
//! ever resolved.
//!
//! ```
//! use acmekit_testing::Config;
//! use acmekit_testing::server::{Server, ServerOptions};
//!
//! let server = Server::start(Config::default(), 1, ServerOptions::default())?;
//! assert!(server.directory_url().starts_with("https://127.0.0.1:"));
//! assert_eq!(server.with_ca(|ca| ca.requests().total()), 0);
//! server.shutdown();
//! # Ok::<(), std::io::Error>(())
//! ```

mod dns;
mod http;
mod tls;
mod validate;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use tokio::sync::watch;

use crate::TestingCa;
use crate::config::Config;
use crate::issue::TlsIdentity;
use crate::validation::{Validation, ValidationOutcome};

/// How the server listens, and where it looks when it validates.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    port: u16,
    http01_port: u16,
    tls_alpn01_port: u16,
    addresses: BTreeMap<String, IpAddr>,
    dns_server: Option<SocketAddr>,
    latency: Duration,
    plugin_judge: Option<PluginJudge>,
}

/// Judges the answers to the kinds of challenges that a test has made up.
pub type PluginJudge = fn(&Validation) -> ValidationOutcome;

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            port: 0,
            http01_port: 5002,
            tls_alpn01_port: 5001,
            addresses: BTreeMap::new(),
            dns_server: None,
            latency: Duration::ZERO,
            plugin_judge: None,
        }
    }
}

impl ServerOptions {
    /// The port to listen on. Default: 0, any free one.
    #[must_use]
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The port that stands in for 80 in http-01. Default: 5002.
    #[must_use]
    pub const fn with_http01_port(mut self, port: u16) -> Self {
        self.http01_port = port;
        self
    }

    /// The port that stands in for 443 in tls-alpn-01. Default: 5001.
    #[must_use]
    pub const fn with_tls_alpn01_port(mut self, port: u16) -> Self {
        self.tls_alpn01_port = port;
        self
    }

    /// The address of a name, or the one that stands in for an IP address. Default: 127.0.0.1 for
    /// every name; for an address itself if it is loopback, otherwise 127.0.0.1.
    #[must_use]
    pub fn with_address(mut self, name: impl Into<String>, address: IpAddr) -> Self {
        self.addresses.insert(name.into(), address);
        self
    }

    /// The DNS server to ask for TXT records over UDP. Default: none, so that dns-01 fails.
    #[must_use]
    pub const fn with_dns_server(mut self, server: SocketAddr) -> Self {
        self.dns_server = Some(server);
        self
    }

    /// Time added before each answer, to resemble a CA far away. Default: none.
    #[must_use]
    pub const fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Who judges [made-up challenges](Config::with_plugin_challenge). Default: nobody, so that they
    /// fail.
    #[must_use]
    pub const fn with_plugin_judge(mut self, judge: PluginJudge) -> Self {
        self.plugin_judge = Some(judge);
        self
    }

    /// The address for a host that a validation names; brackets round IPv6 do not matter.
    fn address(&self, host: &str) -> IpAddr {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let own = host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback);
        let known = self.addresses.get(host).copied();
        known.or(own).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
}

/// A running CA. Dropping it stops it.
pub struct Server {
    ca: Arc<Mutex<TestingCa>>,
    address: SocketAddr,
    directory_url: String,
    tls_root_pem: String,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl core::fmt::Debug for Server {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens on 127.0.0.1. The base URL of `config` is replaced by the address that was bound.
    ///
    /// # Errors
    /// Fails when the port is taken, or when threads or TLS cannot be set up.
    pub fn start(config: Config, seed: u64, options: ServerOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let names = [
            Identifier::dns("localhost").map_err(io::Error::other)?,
            Identifier::ip(Ipv4Addr::LOCALHOST.into()),
            Identifier::ip(core::net::Ipv6Addr::LOCALHOST.into()),
        ];
        let identity = TlsIdentity::new(seed, system_time(), &names).map_err(io::Error::other)?;
        let acceptor = tls::acceptor(&identity)?;
        let ca = TestingCa::new(config.with_base_url(format!("https://{address}")), seed);
        let directory_url = ca.directory_url();
        let ca = Arc::new(Mutex::new(ca));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("acmekit-testing")
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(http::Shared { ca: Arc::clone(&ca), options });
        let thread =
            std::thread::Builder::new().name("acmekit-testing".to_owned()).spawn(move || {
                runtime.block_on(http::serve(listener, acceptor, shared, stopped));
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?;
        Ok(Self {
            ca,
            address,
            directory_url,
            tls_root_pem: identity.root_pem,
            stop,
            thread: Some(thread),
        })
    }

    /// The URL of the directory.
    pub fn directory_url(&self) -> &str {
        &self.directory_url
    }

    /// Where the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root that the server's own TLS certificate leads to; it issues nothing else.
    pub fn tls_root_pem(&self) -> &str {
        &self.tls_root_pem
    }

    /// The root of the default chain of issued certificates.
    pub fn root_pem(&self) -> String {
        self.with_ca(|ca| ca.root_pem())
    }

    /// Runs `look` on the CA, for its counters, its log and its violations. Requests wait for it.
    pub fn with_ca<T>(&self, look: impl FnOnce(&mut TestingCa) -> T) -> T {
        look(&mut self.ca.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops listening, lets running answers finish for up to a second, and waits for the end.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Failing means that the thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn system_time() -> Timestamp {
    SystemTime::now().into()
}
