//! Judges certificates by the `openssl` program, not by the code under test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::output_of;

/// A certificate chain, its private key, and the root it should lead to, in PEM files.
pub(crate) struct Judged {
    chain: PathBuf,
    key: PathBuf,
    root: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

impl Judged {
    /// Takes PEM texts.
    pub(crate) fn texts(chain: &str, key: &str, root: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for files");
        let write = |name, pem| {
            let path = folder.path().join(name);
            std::fs::write(&path, pem).expect("the file is written");
            path
        };
        let (chain, key, root) = (write("chain", chain), write("key", key), write("root", root));
        Self { chain, key, root, _folder: Some(folder) }
    }

    /// Takes files as a program left them.
    pub(crate) fn files(chain: &Path, key: &Path, root: &Path) -> Self {
        let [chain, key, root] = [chain, key, root].map(Path::to_owned);
        Self { chain, key, root, _folder: None }
    }

    /// Panics unless the chain leads to the root and serves a TLS server.
    #[track_caller]
    pub(crate) fn assert_verifies(&self) {
        let said = openssl(|command| {
            command
                .args(["verify", "-purpose", "sslserver", "-no-CApath", "-no-CAstore", "-CAfile"])
                .arg(&self.root)
                .arg("-untrusted")
                .arg(&self.chain)
                .arg(&self.chain)
        });
        assert!(said.ends_with(": OK\n"), "{said}");
    }

    /// Panics unless the certificate is for exactly these names.
    #[track_caller]
    pub(crate) fn assert_names(&self, names: &[impl AsRef<str>]) {
        let said = self.x509(&["-ext", "subjectAltName"]);
        let listed = said.lines().last().unwrap_or_default().trim();
        let found: BTreeSet<&str> = listed
            .split(", ")
            .filter_map(|name| name.strip_prefix("DNS:").or(name.strip_prefix("IP Address:")))
            .collect();
        let wanted: BTreeSet<&str> = names.iter().map(AsRef::as_ref).collect();
        assert_eq!(found, wanted, "{said}");
    }

    /// Panics unless the certificate is for the private key, and that is of this kind: `P-256`,
    /// `P-384`, `RSA 2048`.
    #[track_caller]
    pub(crate) fn assert_key(&self, kind: &str) {
        let certified = self.x509(&["-pubkey"]);
        let own = openssl(|command| command.args(["pkey", "-pubout", "-in"]).arg(&self.key));
        assert_eq!(certified, own, "the certificate is for another key");
        let text = self.x509(&["-text"]);
        let (algorithm, size) = match kind.strip_prefix("RSA ") {
            Some(bits) => ("rsaEncryption", format!("Public-Key: ({bits} bit)")),
            None => ("id-ecPublicKey", format!("NIST CURVE: {kind}\n")),
        };
        let algorithm = format!("Public Key Algorithm: {algorithm}\n");
        assert!(text.contains(&algorithm) && text.contains(&size), "not {kind}: {text}");
    }

    /// Panics unless the certificate expires in this many seconds, give or take ten minutes.
    #[track_caller]
    pub(crate) fn assert_expires_in(&self, seconds: u64) {
        assert!(self.lasts(seconds - 600), "it expires sooner");
        assert!(!self.lasts(seconds + 600), "it expires later");
    }

    /// Whether the certificate expires in this many seconds, give or take ten minutes.
    pub(crate) fn expires_in(&self, seconds: u64) -> bool {
        self.lasts(seconds - 600) && !self.lasts(seconds + 600)
    }

    /// Whether the certificate demands a stapled OCSP answer (RFC 7633).
    pub(crate) fn has_tls_feature(&self) -> bool {
        self.x509(&["-text"]).contains("TLS Feature")
    }

    /// The subject in the form of RFC 2253, without spaces.
    pub(crate) fn subject(&self) -> String {
        let said = self.x509(&["-subject", "-nameopt", "RFC2253"]);
        said.trim().trim_start_matches("subject=").to_owned()
    }

    fn lasts(&self, seconds: u64) -> bool {
        let mut command = Command::new("openssl");
        command.args(["x509", "-noout", "-checkend", &seconds.to_string(), "-in"]);
        output_of(command.arg(&self.chain)).is_ok()
    }

    /// The serial number, in octets.
    pub(crate) fn serial(&self) -> Vec<u8> {
        let said = self.x509(&["-serial"]);
        let digits = said.trim().strip_prefix("serial=").expect("a serial number");
        let octets = digits.as_bytes().chunks(2);
        let octet = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        octets.map(octet).collect()
    }

    /// Panics unless the subject is this one, in the order of its encoding (`CN=…, O=…`).
    #[track_caller]
    pub(crate) fn assert_subject(&self, subject: &str) {
        let said = self.x509(&["-subject", "-nameopt", "sep_comma_plus_space,utf8,sname"]);
        assert_eq!(said.trim().strip_prefix("subject="), Some(subject));
    }

    fn x509(&self, what: &[&str]) -> String {
        openssl(|command| command.args(["x509", "-noout"]).args(what).arg("-in").arg(&self.chain))
    }
}

/// The common name of the first certificate in a file.
pub(crate) fn common_name(certificate: &Path) -> String {
    let said = openssl(|command| {
        command
            .args(["x509", "-noout", "-subject", "-nameopt", "multiline", "-in"])
            .arg(certificate)
    });
    let line = said.lines().find(|line| line.contains("commonName")).expect("it has a name");
    line.split_once('=').expect("a value follows").1.trim().to_owned()
}

/// Makes an RSA key and a certification request, in PEM files; the subject's attributes, such as
/// `CN=…`, are encoded in this order.
pub(crate) fn certification_request(
    folder: &Path,
    subject: &[&str],
    names: &[&str],
) -> (PathBuf, PathBuf) {
    let (request, key) = (folder.join("request.pem"), folder.join("request-key.pem"));
    let names: Vec<_> = names.iter().map(|name| format!("DNS:{name}")).collect();
    openssl(|command| {
        command
            .args(["req", "-new", "-newkey", "rsa:2048", "-nodes", "-sha256", "-utf8"])
            // OpenSSL's own configuration would ask questions.
            .args(["-config", "/dev/null", "-subj"])
            .arg(format!("/{}", subject.join("/")))
            .arg("-addext")
            .arg(format!("subjectAltName={}", names.join(",")))
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&request)
    });
    (request, key)
}

#[track_caller]
fn openssl(fill: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let mut command = Command::new("openssl");
    let said = output_of(fill(&mut command)).expect("openssl is content");
    String::from_utf8(said).expect("openssl writes text")
}
