//! The servers that the clients are measured against, and what they have been asked.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use acmekit_testing::server::{Server, ServerOptions};
use acmekit_testing::{Config, LogEntry, RequestKind};

use crate::interop::LaunchError;
use crate::interop::loopback;
use crate::interop::pebble::{Pebble, Settings, Version};

/// Requests by purpose.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    TestingCa,
    Pebble,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TestingCa => "testing CA",
            Self::Pebble => "Pebble",
        })
    }
}

/// A running server that no client has spoken to yet.
pub(crate) enum Target {
    TestingCa { server: Box<Server>, folder: tempfile::TempDir, http01_port: u16 },
    Pebble(Box<Pebble>),
}

impl Target {
    pub(crate) fn start(kind: Kind) -> Result<Self, LaunchError> {
        match kind {
            Kind::TestingCa => {
                let failed = |error| LaunchError::io("cannot start the testing CA", &error);
                let http01_port = loopback::free_port()?;
                let options = ServerOptions::default().with_http01_port(http01_port);
                let server = Server::start(Config::default(), 1, options).map_err(failed)?;
                let folder = tempfile::tempdir().map_err(failed)?;
                std::fs::write(folder.path().join("root.pem"), server.tls_root_pem())
                    .map_err(failed)?;
                Ok(Self::TestingCa { server: Box::new(server), folder, http01_port })
            }
            Kind::Pebble => {
                let pebble = Pebble::start(Version::Current, &Settings::default())?;
                Ok(Self::Pebble(Box::new(pebble)))
            }
        }
    }

    pub(crate) fn directory_url(&self) -> String {
        match self {
            Self::TestingCa { server, .. } => server.directory_url().to_owned(),
            Self::Pebble(pebble) => pebble.directory_url(),
        }
    }

    pub(crate) fn root_pem_file(&self) -> PathBuf {
        match self {
            Self::TestingCa { folder, .. } => folder.path().join("root.pem"),
            Self::Pebble(pebble) => pebble.root_pem_path().to_owned(),
        }
    }

    /// Where the server looks for http-01.
    pub(crate) fn http01(&self) -> SocketAddr {
        match self {
            Self::TestingCa { http01_port, .. } => (Ipv4Addr::LOCALHOST, *http01_port).into(),
            Self::Pebble(pebble) => (pebble.challenge_address(), pebble.http_port()).into(),
        }
    }

    /// Every request so far, as the server saw it.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        let mut count = |name| *counts.entry(name).or_default() += 1;
        match self {
            Self::TestingCa { .. } => {
                self.log().iter().for_each(|entry| count(name_of(entry.kind)));
            }
            // 2.10: `Pebble 2026/11/22 15:00:00 POST /my-order/ -> calling handler()`
            Self::Pebble(pebble) => {
                for line in pebble.log().lines().filter(|line| line.ends_with("calling handler()"))
                {
                    let path = line.split_whitespace().rev().nth(3).unwrap_or_default();
                    count(name_of_path(path));
                }
            }
        }
        counts
    }

    /// The log of the testing CA; of other servers nothing.
    pub(crate) fn log(&self) -> Vec<LogEntry> {
        match self {
            Self::TestingCa { server, .. } => server.with_ca(|ca| ca.log().to_vec()),
            Self::Pebble(_) => Vec::new(),
        }
    }

    /// What the testing CA has seen a client do against the protocol.
    pub(crate) fn violations(&self) -> Vec<String> {
        match self {
            Self::TestingCa { server, .. } => {
                server.with_ca(|ca| ca.violations().iter().map(ToString::to_string).collect())
            }
            Self::Pebble(_) => Vec::new(),
        }
    }
}

fn name_of(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Directory => "directory",
        RequestKind::NewNonce => "newNonce",
        RequestKind::NewAccount => "newAccount",
        RequestKind::NewOrder => "newOrder",
        RequestKind::Order => "order",
        RequestKind::Authorization => "authorization",
        RequestKind::Challenge => "challenge",
        RequestKind::Finalize => "finalize",
        RequestKind::Certificate => "certificate",
        _ => "other",
    }
}

fn name_of_path(path: &str) -> &'static str {
    match path {
        "/dir" => "directory",
        "/nonce-plz" => "newNonce",
        "/sign-me-up" => "newAccount",
        "/order-plz" => "newOrder",
        "/my-order/" => "order",
        "/authZ/" => "authorization",
        "/chalZ/" => "challenge",
        "/finalize-order/" => "finalize",
        "/certZ/" => "certificate",
        _ => "other",
    }
}
