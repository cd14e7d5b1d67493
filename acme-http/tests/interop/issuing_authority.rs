//! A root and an intermediate certificate, made by OpenSSL for the servers that issue from files.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::LaunchError;
use super::process::output_of;

/// Where the files are, all PEM.
pub(crate) struct IssuingAuthority {
    /// The root that issued certificates lead to.
    pub(crate) root: PathBuf,
    /// The certificate that signs them.
    pub(crate) intermediate: PathBuf,
    /// Its key, unencrypted.
    pub(crate) key: PathBuf,
}

impl IssuingAuthority {
    /// Makes both certificates in `folder`, valid for two years: some servers issue for one.
    pub(crate) fn generate(folder: &Path) -> Result<Self, LaunchError> {
        let root_key = folder.join("issuing-root.key");
        let made = Self {
            root: folder.join("issuing-root.pem"),
            intermediate: folder.join("issuing.pem"),
            key: folder.join("issuing.key"),
        };
        output_of(&mut authority(&root_key, &made.root, "/CN=acmekit interop root", 1))?;
        output_of(
            authority(&made.key, &made.intermediate, "/CN=acmekit interop issuer", 0)
                .arg("-CA")
                .arg(&made.root)
                .arg("-CAkey")
                .arg(&root_key),
        )?;
        Ok(made)
    }
}

/// Makes a key and a certificate for it, with `below` further authorities allowed under it.
fn authority(key: &Path, certificate: &Path, subject: &str, below: u8) -> Command {
    let mut command = Command::new("openssl");
    command
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-nodes", "-sha256", "-days", "730", "-subj", subject])
        // OpenSSL's own configuration adds CA:TRUE a second time; an empty one adds nothing.
        .args(["-config", "/dev/null"])
        .args(["-addext", &format!("basicConstraints=critical,CA:TRUE,pathlen:{below}")])
        .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"])
        .args(["-addext", "subjectKeyIdentifier=hash"])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate);
    command
}
