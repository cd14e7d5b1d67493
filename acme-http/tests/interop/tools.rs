//! Finds the programs the interop tests run.

use std::path::{Path, PathBuf};

use super::LaunchError;

/// Says how the programs get onto the machine; the test command does it by itself.
const INSTALL: &str = ".ci/test tools";

/// A program, the variable that names it, and where else it may be.
struct Tool {
    name: &'static str,
    variable: &'static str,
    places: Vec<PathBuf>,
}

impl Tool {
    fn find(self) -> Result<PathBuf, LaunchError> {
        if let Some(path) = std::env::var_os(self.variable) {
            let path = PathBuf::from(path);
            // A variable that points nowhere is a mistake, not a reason to take another version.
            return if path.is_file() { Ok(path) } else { Err(self.missing(vec![path])) };
        }
        match self.places.iter().find(|place| place.is_file()) {
            Some(place) => Ok(place.clone()),
            None => {
                let looked_in = self.places.clone();
                Err(self.missing(looked_in))
            }
        }
    }

    fn missing(&self, looked_in: Vec<PathBuf>) -> LaunchError {
        LaunchError::Missing { program: self.name, looked_in, install: INSTALL }
    }
}

/// The folder that the test command installs into.
fn tools_folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    target.join("tools")
}

fn built(name: &str) -> PathBuf {
    tools_folder().join("bin").join(name)
}

fn unpacked(name: &str) -> PathBuf {
    tools_folder().join("debian/usr/bin").join(name)
}

fn installed(name: &str) -> PathBuf {
    Path::new("/usr/bin").join(name)
}

/// Debian's Pebble.
pub(crate) fn pebble_debian() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "pebble (Debian's package)",
        variable: "ACMEKIT_PEBBLE_DEBIAN",
        places: vec![unpacked("pebble"), installed("pebble")],
    }
    .find()
}

/// The current Pebble, built from its Go module.
pub(crate) fn pebble_current() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "pebble (current release)",
        variable: "ACMEKIT_PEBBLE_CURRENT",
        places: vec![built("pebble")],
    }
    .find()
}

/// The DNS server of the Pebble project; any version will do.
pub(crate) fn challtestsrv() -> Result<PathBuf, LaunchError> {
    let name = "pebble-challtestsrv";
    Tool {
        name,
        variable: "ACMEKIT_CHALLTESTSRV",
        places: vec![built(name), unpacked(name), installed(name)],
    }
    .find()
}

/// Debian's Caddy.
pub(crate) fn caddy() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "caddy (Debian's package)",
        variable: "ACMEKIT_CADDY",
        places: vec![unpacked("caddy"), installed("caddy")],
    }
    .find()
}

/// Debian's certbot.
pub(crate) fn certbot() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "certbot (Debian's package)",
        variable: "ACMEKIT_CERTBOT",
        places: vec![built("certbot"), installed("certbot")],
    }
    .find()
}

/// Debian's lego.
pub(crate) fn lego() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "lego (Debian's package)",
        variable: "ACMEKIT_LEGO",
        places: vec![unpacked("lego"), installed("lego")],
    }
    .find()
}

/// step-ca, built from its Go module.
pub(crate) fn step_ca() -> Result<PathBuf, LaunchError> {
    Tool { name: "step-ca", variable: "ACMEKIT_STEP_CA", places: vec![built("step-ca")] }.find()
}

/// The program of `.ci/step-ca-keys`.
pub(crate) fn step_ca_keys() -> Result<PathBuf, LaunchError> {
    let name = "step-ca-keys";
    Tool { name, variable: "ACMEKIT_STEP_CA_KEYS", places: vec![built(name)] }.find()
}

/// The Python interpreter of the environment into which acme2certifier is installed.
pub(crate) fn acme2certifier() -> Result<PathBuf, LaunchError> {
    Tool {
        name: "acme2certifier (a Python that has it)",
        variable: "ACMEKIT_ACME2CERTIFIER",
        places: vec![tools_folder().join("acme2certifier/bin/python3")],
    }
    .find()
}
