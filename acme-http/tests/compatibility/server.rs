//! Any of the servers, seen alike.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use acmekit::{ExternalAccountBinding, MacAlgorithm};

use crate::interop::LaunchError;
use crate::interop::acme2certifier::Acme2Certifier;
use crate::interop::caddy::Caddy;
use crate::interop::challtestsrv::ChallTestSrv;
use crate::interop::clients::{KEY_ID, MAC_KEY, binding_with, external_accounts};
use crate::interop::pebble::{Pebble, Settings, Version};
use crate::interop::step_ca::StepCa;
use crate::interop::{tools, version};

/// The credentials of step-ca are numbered from here, beside the number of [`KEY_ID`] and that of
/// one which no server knows.
const FIRST_KEY: u32 = 10;
const KEYS: u32 = 20;

/// Which server; in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    PebbleCurrent,
    PebbleDebian,
    Caddy,
    StepCa,
    Acme2Certifier,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PebbleCurrent => "Pebble",
            Self::PebbleDebian => "Pebble (Debian)",
            Self::Caddy => "Caddy (Debian)",
            Self::StepCa => "step-ca",
            Self::Acme2Certifier => "acme2certifier",
        }
    }

    /// Which column of the table it has.
    pub(crate) fn place(self) -> String {
        (self as usize).to_string()
    }

    pub(crate) fn version(self) -> Result<String, LaunchError> {
        match self {
            Self::PebbleCurrent => {
                let module = "github.com/letsencrypt/pebble/v2";
                version::of_go_program(&tools::pebble_current()?, module)
            }
            Self::PebbleDebian => version::of_debian_package(&tools::pebble_debian()?, "pebble"),
            Self::Caddy => version::printed_by(Command::new(tools::caddy()?).arg("version")),
            Self::StepCa => {
                let module = "github.com/smallstep/certificates";
                version::of_go_program(&tools::step_ca()?, module)
            }
            Self::Acme2Certifier => {
                version::printed_by(Command::new(tools::acme2certifier()?).args([
                    "-c",
                    "from acme2certifier.acme_srv.version import __version__; print(__version__)",
                ]))
            }
        }
    }
}

/// How a server is to be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    /// Accounts for everybody.
    Open,
    /// Accounts with an external account binding only, where the server has that.
    Bound,
}

enum Running {
    Pebble(Box<Pebble>),
    Caddy(Box<Caddy>),
    StepCa(Box<StepCa>),
    Acme2Certifier(Box<Acme2Certifier>),
}

/// A running server.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    setup: Setup,
    running: Running,
    next_key: AtomicU32,
}

impl Server {
    pub(crate) fn start(kind: Kind, setup: Setup) -> Result<Self, LaunchError> {
        let pebble = |version| {
            let accounts = match setup {
                Setup::Open => Settings::default(),
                Setup::Bound => external_accounts(),
            };
            let settings = Settings {
                // Pebble does both by chance; 100 per cent makes it certain.
                reused_authorizations: 100,
                alternate_chains: 1,
                chain_length: 2,
                ..accounts
            };
            let pebble = Pebble::start_for_tls_alpn(version, &settings)?;
            Ok::<_, LaunchError>(Running::Pebble(Box::new(pebble)))
        };
        let running = match kind {
            Kind::PebbleCurrent => pebble(Version::Current)?,
            Kind::PebbleDebian => pebble(Version::Debian)?,
            Kind::Caddy => Running::Caddy(Box::new(Caddy::start()?)),
            Kind::StepCa => {
                let key = |number| (format!("kid-{number}"), MAC_KEY.to_owned());
                let keys: Vec<_> = (FIRST_KEY..FIRST_KEY + KEYS).map(key).collect();
                Running::StepCa(Box::new(StepCa::start(&keys)?))
            }
            Kind::Acme2Certifier => Running::Acme2Certifier(Box::new(match setup {
                Setup::Open => Acme2Certifier::start()?,
                Setup::Bound => Acme2Certifier::start_for_external_accounts(KEY_ID, MAC_KEY)?,
            })),
        };
        Ok(Self { kind, setup, running, next_key: AtomicU32::new(FIRST_KEY) })
    }

    /// Starts a Pebble that hangs anew; no other server may hang.
    pub(crate) fn restart(&mut self) {
        let Running::Pebble(pebble) = &mut self.running else {
            panic!("{} hangs", self.kind.name());
        };
        assert_eq!(pebble.version(), Version::Debian, "the current Pebble hangs");
        pebble.restart().expect("Pebble starts again");
    }

    pub(crate) fn directory_url(&self) -> String {
        match &self.running {
            Running::Pebble(pebble) => pebble.directory_url(),
            Running::Caddy(caddy) => caddy.directory_url(),
            Running::StepCa(step_ca) if self.setup == Setup::Bound => step_ca.bound_directory_url(),
            Running::StepCa(step_ca) => step_ca.directory_url(),
            Running::Acme2Certifier(server) => server.directory_url(),
        }
    }

    /// The root of its TLS certificate.
    pub(crate) fn tls_root(&self) -> &Path {
        match &self.running {
            Running::Pebble(pebble) => pebble.root_pem_path(),
            Running::Caddy(caddy) => caddy.root_pem_path(),
            Running::StepCa(step_ca) => step_ca.root_pem_path(),
            Running::Acme2Certifier(server) => server.root_pem_path(),
        }
    }

    /// The root that its default chain leads to (0), or an alternate one, where there is one.
    pub(crate) fn issuing_root(&self, number: u8) -> Option<String> {
        let path = match &self.running {
            Running::Pebble(pebble) => {
                return Some(pebble.issuing_root(number).expect("Pebble hands out its roots"));
            }
            Running::Caddy(caddy) => caddy.issuing_root_path(),
            Running::StepCa(step_ca) => step_ca.root_pem_path(),
            Running::Acme2Certifier(server) => server.issuing_root_path(),
        };
        (number == 0).then(|| std::fs::read_to_string(path).expect("the root can be read"))
    }

    /// Where every DNS name leads.
    pub(crate) fn challenge_address(&self) -> Ipv4Addr {
        match &self.running {
            Running::Pebble(pebble) => pebble.challenge_address(),
            Running::Caddy(caddy) => caddy.challenge_address(),
            Running::StepCa(step_ca) => step_ca.challenge_address(),
            Running::Acme2Certifier(server) => server.challenge_address(),
        }
    }

    /// The ports that it asks for http-01 and for tls-alpn-01.
    pub(crate) fn challenge_ports(&self) -> (u16, u16) {
        match &self.running {
            Running::Pebble(pebble) => (pebble.http_port(), pebble.tls_port()),
            Running::StepCa(step_ca) => (step_ca.http_port(), step_ca.tls_port()),
            Running::Caddy(_) | Running::Acme2Certifier(_) => (80, 443),
        }
    }

    pub(crate) fn dns(&self) -> &ChallTestSrv {
        match &self.running {
            Running::Pebble(pebble) => pebble.dns(),
            Running::Caddy(caddy) => caddy.dns().expect("it has a name server of its own"),
            Running::StepCa(step_ca) => step_ca.dns(),
            Running::Acme2Certifier(server) => server.dns(),
        }
    }

    /// An unused credential for a new account where [`Setup::Bound`] takes effect.
    pub(crate) fn binding(&self, algorithm: MacAlgorithm) -> ExternalAccountBinding {
        binding_with(&self.key_id(), MAC_KEY, algorithm)
    }

    /// The key id of an unused credential. Those of step-ca are good for one account.
    pub(crate) fn key_id(&self) -> String {
        match self.kind {
            Kind::StepCa => format!("kid-{}", self.next_key.fetch_add(1, Ordering::Relaxed)),
            _ => KEY_ID.to_owned(),
        }
    }
}
