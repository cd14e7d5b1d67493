//! Certificate chains in PEM: strict about what may stand in the file, tolerant about its layout
//! (RFC 8555 §9.1 and §11.4, RFC 7468).

use core::fmt;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use super::info::{Certificate, CertificateError};

/// How many certificates a chain may have unless the caller says otherwise.
pub const DEFAULT_MAX_CERTIFICATES: usize = 20;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// One or more certificates, the leaf first.
///
/// Reading checks each certificate for its form only; see [`super::verify_issued`] for whether they
/// belong together. Writing is always in the strict form of RFC 7468, whatever was read. As a serde
/// value it is that text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CertificateChain {
    certificates: Vec<Certificate>,
    has_text_between: bool,
}

impl CertificateChain {
    /// Reads PEM of at most [`DEFAULT_MAX_CERTIFICATES`] certificates.
    ///
    /// Accepted: CRLF, blank lines, white space around lines, lines of any length, no line end
    /// after the last certificate, and text outside of the blocks, which some servers send against
    /// RFC 8555 §9.1 ([`CertificateChain::has_text_between`]).
    ///
    /// # Errors
    /// [`ChainError`] if anything but certificates stands between `-----BEGIN` and `-----END`
    /// lines anywhere in the file, if a block is broken, or if there are none or too many.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ChainError> {
        Self::from_pem_with_limit(pem, DEFAULT_MAX_CERTIFICATES)
    }

    /// Reads PEM of at most `max_certificates` certificates, otherwise as
    /// [`CertificateChain::from_pem`].
    ///
    /// # Errors
    /// As [`CertificateChain::from_pem`].
    pub fn from_pem_with_limit(pem: &[u8], max_certificates: usize) -> Result<Self, ChainError> {
        let text = core::str::from_utf8(pem).map_err(|_| ChainError::NotText)?;
        let mut certificates = Vec::new();
        let mut has_text_between = false;
        let mut block: Option<String> = None;
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let line = line.trim();
            match (line, &mut block) {
                (BEGIN, None) => {
                    if certificates.len() >= max_certificates {
                        return Err(ChainError::TooMany { max: max_certificates });
                    }
                    block = Some(String::new());
                }
                (END, Some(base64)) => {
                    let der = Base64::decode_vec(base64)
                        .map_err(|_| ChainError::Base64 { position: certificates.len() })?;
                    let certificate = Certificate::from_der(&der).map_err(|error| {
                        ChainError::Certificate { position: certificates.len(), error }
                    })?;
                    certificates.push(certificate);
                    block = None;
                }
                // Before all else: a key or anything else smuggled in refuses the whole file.
                _ if line.contains("-----") => {
                    return Err(ChainError::ForeignBlock { line: line_number });
                }
                (_, Some(base64)) => {
                    base64.extend(line.split_ascii_whitespace());
                }
                ("" | "\u{feff}", None) => {}
                (_, None) => has_text_between = true,
            }
        }
        if block.is_some() {
            return Err(ChainError::Unfinished);
        }
        if certificates.is_empty() {
            return Err(ChainError::Empty);
        }
        Ok(Self { certificates, has_text_between })
    }

    /// Puts certificates together, the leaf first, as when they come one by one through
    /// `Link: rel="up"` (RFC 8555 §7.4.2).
    ///
    /// # Errors
    /// [`ChainError::Empty`] if there are none.
    pub fn from_certificates(certificates: Vec<Certificate>) -> Result<Self, ChainError> {
        if certificates.is_empty() {
            return Err(ChainError::Empty);
        }
        Ok(Self { certificates, has_text_between: false })
    }

    /// Writes strict PEM: line feeds, 64 columns, nothing between the certificates.
    pub fn to_pem(&self) -> String {
        let mut pem = String::new();
        for certificate in &self.certificates {
            write_pem_block(&mut pem, "CERTIFICATE", certificate.der());
        }
        pem
    }

    /// All certificates, the leaf first.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The first certificate.
    pub fn leaf(&self) -> &Certificate {
        // Every constructor refuses an empty list.
        #[expect(clippy::indexing_slicing, reason = "a chain is never empty")]
        &self.certificates[0]
    }

    /// Whether text stood outside of the blocks when this was read, against RFC 8555 §9.1.
    pub const fn has_text_between(&self) -> bool {
        self.has_text_between
    }
}

impl TryFrom<String> for CertificateChain {
    type Error = ChainError;

    fn try_from(pem: String) -> Result<Self, Self::Error> {
        Self::from_pem_with_limit(pem.as_bytes(), usize::MAX)
    }
}

impl From<CertificateChain> for String {
    fn from(chain: CertificateChain) -> Self {
        chain.to_pem()
    }
}

/// Appends one block in the strict form of RFC 7468 §3.
pub(super) fn write_pem_block(pem: &mut String, label: &str, der: &[u8]) {
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    for line in der.chunks(48) {
        pem.push_str(&Base64::encode_string(line));
        pem.push('\n');
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
}

/// The text is not a chain of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// It is not UTF-8 text.
    NotText,
    /// There is no certificate in it.
    Empty,
    /// There are more certificates than accepted.
    TooMany {
        /// The limit.
        max: usize,
    },
    /// A line has a PEM boundary of something that is not a certificate, or one out of place.
    ForeignBlock {
        /// The line, counted from 1.
        line: usize,
    },
    /// The last certificate has no end line.
    Unfinished,
    /// A certificate's text is not base64.
    Base64 {
        /// Which certificate, the leaf being 0.
        position: usize,
    },
    /// A certificate cannot be read.
    Certificate {
        /// Which certificate, the leaf being 0.
        position: usize,
        /// What is wrong with it.
        error: CertificateError,
    },
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("the certificate chain is not PEM text"),
            Self::Empty => f.write_str("there is no certificate in the chain"),
            Self::TooMany { max } => {
                write!(f, "the chain has more than {max} certificates, the limit set for it")
            }
            Self::ForeignBlock { line } => write!(
                f,
                "line {line} of the chain has a PEM boundary that does not belong to a certificate; \
                 only certificates may stand in it, so nothing of it is used"
            ),
            Self::Unfinished => f.write_str("the chain breaks off inside a certificate"),
            Self::Base64 { position } => {
                write!(f, "certificate {position} of the chain (the leaf is 0) is not valid base64")
            }
            Self::Certificate { position, error } => {
                write!(
                    f,
                    "certificate {position} of the chain (the leaf is 0) cannot be read: {error}"
                )
            }
        }
    }
}

impl core::error::Error for ChainError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Certificate { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n";

    fn read(pem: &str) -> Result<CertificateChain, ChainError> {
        CertificateChain::from_pem(pem.as_bytes())
    }

    #[test]
    fn strict_pem_is_written_back_byte_for_byte() {
        let two = format!("{ONE}{ONE}");
        let chain = read(&two).unwrap();
        assert_eq!(chain.certificates().len(), 2);
        assert_eq!(chain.to_pem(), two);
        assert!(!chain.has_text_between());
    }

    #[test]
    fn the_layouts_of_real_servers_are_read_and_written_strictly() {
        let strict = format!("{ONE}{ONE}");
        let one_line = {
            let body: String = ONE.lines().filter(|line| !line.contains('-')).collect();
            format!("{BEGIN}\n{body}\n{END}\n")
        };
        for odd in [
            strict.replace('\n', "\r\n"),
            format!("{ONE}\n\n{ONE}"),
            format!("\n  \n{ONE}{ONE}\n\n"),
            strict.trim_end().to_owned(),
            strict.replace('\n', " \n"),
            strict.replace("\n", "\n  "),
            format!("\u{feff}\n{one_line}{one_line}"),
        ] {
            let chain = read(&odd).unwrap();
            assert_eq!(chain.to_pem(), strict, "{odd:?}");
            assert!(!chain.has_text_between());
        }
    }

    #[test]
    fn text_between_certificates_is_dropped_and_reported() {
        let chain = read(&format!("subject=CN = a\n{ONE}issuer=b\n{ONE}")).unwrap();
        assert!(chain.has_text_between());
        assert_eq!(chain.to_pem(), format!("{ONE}{ONE}"));
    }

    #[test]
    fn anything_smuggled_in_refuses_the_whole_file() {
        let inside = ONE.replacen("\nMIIB", &format!("\n{KEY}MIIB"), 1);
        for hostile in [
            format!("{ONE}{KEY}"),
            format!("{KEY}{ONE}"),
            inside,
            format!("{ONE}text -----BEGIN PRIVATE KEY----- text\n"),
            format!("{ONE}-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"),
            ONE.replace("CERTIFICATE", "certificate"),
            ONE.replace("CERTIFICATE", "Certificate"),
            ONE.replace("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE"),
            ONE.replace("BEGIN CERTIFICATE-----", "BEGIN CERTIFICATE----- x"),
            ONE.replace(
                "BEGIN CERTIFICATE-----",
                "BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
            ),
            format!("{END}\n{ONE}"),
            format!("{ONE}-----BEGIN \n"),
            format!("{ONE}{BEGIN}{BEGIN}\n"),
        ] {
            assert!(matches!(read(&hostile), Err(ChainError::ForeignBlock { .. })), "{hostile}");
        }
    }

    #[test]
    fn broken_files_are_told_apart() {
        assert_eq!(read(""), Err(ChainError::Empty));
        assert_eq!(read("<html>502</html>"), Err(ChainError::Empty));
        assert_eq!(CertificateChain::from_pem(&[0xff, 0xfe]), Err(ChainError::NotText));
        assert_eq!(read(ONE.trim_end().trim_end_matches(END)), Err(ChainError::Unfinished));
        assert_eq!(
            read(&format!("{ONE}{BEGIN}\nM!!!\n{END}")),
            Err(ChainError::Base64 { position: 1 })
        );
        assert!(matches!(
            read(&format!("{BEGIN}\nMAA=\n{END}")),
            Err(ChainError::Certificate { position: 0, .. })
        ));
        assert!(matches!(
            read(&format!("{BEGIN}\n{END}")),
            Err(ChainError::Certificate { position: 0, .. })
        ));
    }

    #[test]
    fn the_number_of_certificates_is_limited() {
        assert_eq!(read(&ONE.repeat(20)).unwrap().certificates().len(), 20);
        let error = read(&ONE.repeat(21)).unwrap_err();
        assert_eq!(error, ChainError::TooMany { max: 20 });
        assert!(error.to_string().contains("more than 20"));
        let two = ONE.repeat(2);
        assert!(CertificateChain::from_pem_with_limit(two.as_bytes(), 1).is_err());
    }

    #[test]
    fn a_saved_chain_comes_back() {
        let chain = read(&ONE.repeat(2)).unwrap();
        let json = serde_json::to_string(&chain).unwrap();
        assert_eq!(serde_json::from_str::<CertificateChain>(&json).unwrap(), chain);
        assert!(serde_json::from_str::<CertificateChain>("\"\"").is_err());
    }
}
