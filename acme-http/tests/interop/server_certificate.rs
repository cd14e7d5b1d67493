//! A root and a certificate for `localhost`, made by OpenSSL for each server that is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::LaunchError;
use super::process::output_of;

/// Where the files are.
pub(crate) struct ServerCertificate {
    /// The root that clients must trust, PEM.
    pub(crate) root: PathBuf,
    /// The server's certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// The server's key, PEM.
    pub(crate) key: PathBuf,
}

impl ServerCertificate {
    /// Makes both certificates in `folder`, valid for one day for `localhost` and `127.0.0.1`.
    pub(crate) fn generate(folder: &Path) -> Result<Self, LaunchError> {
        let root_key = folder.join("tls-root.key");
        let made = Self {
            root: folder.join("tls-root.pem"),
            certificate: folder.join("tls-server.pem"),
            key: folder.join("tls-server.key"),
        };
        output_of(
            request(&root_key, &made.root, "/CN=acmekit interop TLS root")
                .args(["-addext", "basicConstraints=critical,CA:TRUE"])
                .args(["-addext", "keyUsage=critical,keyCertSign"]),
        )?;
        output_of(
            request(&made.key, &made.certificate, "/CN=localhost")
                .arg("-CA")
                .arg(&made.root)
                .arg("-CAkey")
                .arg(&root_key)
                .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .args(["-addext", "extendedKeyUsage=serverAuth"]),
        )?;
        Ok(made)
    }
}

/// The part of the command that both certificates share.
fn request(key: &Path, certificate: &Path, subject: &str) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-nodes", "-sha256", "-days", "1", "-subj", subject])
        // OpenSSL's own configuration adds CA:TRUE a second time; an empty one adds nothing.
        .args(["-config", "/dev/null"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate);
    command
}
