//! Issued certificates: download with alternates (RFC 8555 §7.4.2) and revocation (§7.6).

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use base64ct::{Base64UrlUnpadded, Encoding};
use der::{Decode, Encode};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use x509_cert::Certificate;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::issue;
use crate::keys::PublicKey;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::{Signatory, Signed};

const PEM_CHAIN: &str = "application/pem-certificate-chain";

/// When and why a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// When the request came.
    pub at: Timestamp,
    /// The CRLReason (RFC 5280 §5.3.1), if one was given.
    pub reason: Option<u8>,
}

#[derive(Debug)]
pub(crate) struct Issued {
    certificate: Certificate,
    account: usize,
    identifiers: Vec<Identifier>,
    pub(crate) public_key: PublicKey,
    /// The URL of the default chain.
    pub(crate) path: String,
    alternates: Vec<String>,
    pub(crate) revocation: Option<Revocation>,
}

impl Issued {
    pub(crate) fn new(
        certificate: Certificate,
        account: usize,
        identifiers: Vec<Identifier>,
        public_key: PublicKey,
        paths: Vec<String>,
    ) -> Self {
        let mut paths = paths.into_iter();
        let path = paths.next().unwrap_or_default();
        let alternates = paths.collect();
        Self { certificate, account, identifiers, public_key, path, alternates, revocation: None }
    }

    pub(crate) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) const fn account(&self) -> usize {
        self.account
    }

    pub(crate) fn pem(&self) -> String {
        issue::pem(&self.certificate)
    }

    pub(crate) fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    pub(crate) fn has_serial(&self, serial: &[u8]) -> bool {
        let own = self.certificate.tbs_certificate().serial_number().as_bytes();
        significant(own) == significant(serial)
    }

    fn path_of(&self, chain: usize) -> Option<&String> {
        match chain.checked_sub(1) {
            None => Some(&self.path),
            Some(index) => self.alternates.get(index),
        }
    }
}

fn significant(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    octets.get(zeros..).unwrap_or_default()
}

impl TestingCa {
    pub(crate) fn issued_at(&self, index: usize) -> Result<&Issued, Problem> {
        let found = self.certificates.get(index);
        found.ok_or_else(|| Problem::internal("the certificate is gone"))
    }

    pub(crate) fn certificate(
        &mut self,
        signed: &Signed,
        headers: &HeaderMap,
        index: usize,
        chain: usize,
    ) -> Result<Reply, Problem> {
        if self.issued_at(index)?.account != signed.account()? {
            return Err(Problem::forbidden("this certificate belongs to another account"));
        }
        signed.expect_post_as_get()?;
        if !accepts_pem(headers) {
            let detail = "the Accept header excludes application/pem-certificate-chain";
            return Err(Problem::new(RefusalCause::MediaType, detail).breach("R-CRT-01"));
        }
        let issued = self.issued_at(index)?;
        let authority = self.authority.as_ref();
        let pem = authority
            .and_then(|authority| authority.chain_pem(&issued.certificate, chain))
            .ok_or_else(|| Problem::internal("the chain is gone"))?;
        let mut reply = Reply::empty(StatusCode::OK).content(PEM_CHAIN, pem.into_bytes());
        for other in (0..=issued.alternates.len()).filter(|other| *other != chain) {
            if let Some(path) = issued.path_of(other) {
                reply = reply.link(&self.url(path), "alternate");
            }
        }
        Ok(reply)
    }

    pub(crate) fn revoke_certificate(&mut self, signed: &Signed) -> Result<Reply, Problem> {
        let payload = signed.object("R-REV-01")?;
        self.note_odd_members(&payload, &["certificate", "reason"], "R-REV-01");
        let der = payload
            .get("certificate")
            .and_then(Value::as_str)
            .and_then(|text| Base64UrlUnpadded::decode_vec(text).ok())
            .ok_or_else(|| {
                let detail = "`certificate` must be base64url of DER, without padding";
                Problem::malformed(detail).breach("R-REV-01")
            })?;
        let reason = self.reason(payload.get("reason"))?;
        let is_it = |issued: &Issued| issued.certificate.to_der().is_ok_and(|own| own == der);
        let found = self.certificates.iter().position(is_it);
        let index = found.ok_or_else(|| {
            let detail = "this CA has not issued the certificate";
            Problem::new(RefusalCause::CertificateUnknown, detail).value(serial(&der))
        })?;
        let issued = self.issued_at(index)?;
        let may_revoke = match &signed.signatory {
            Signatory::Account(account) => {
                let is_authorized = |name: &Identifier| self.is_authorized(*account, name);
                issued.account == *account || issued.identifiers.iter().all(is_authorized)
            }
            Signatory::Key(key, _) if **key == issued.public_key => true,
            Signatory::Key(key, _) => {
                if self.account_by_key(key).is_some() {
                    let detail =
                        "an account revokes with `kid`; `jwk` is for the certificate's key";
                    return Err(Problem::malformed(detail).breach("R-JWS-03"));
                }
                false
            }
        };
        if !may_revoke {
            return Err(Problem::forbidden("the signer may not revoke this certificate"));
        }
        if issued.revocation.is_some() {
            let detail = "the certificate is revoked already";
            return Err(Problem::new(RefusalCause::AlreadyRevoked, detail).value(serial(&der)));
        }
        let at = self.now;
        if let Some(issued) = self.certificates.get_mut(index) {
            issued.revocation = Some(Revocation { at, reason });
        }
        Ok(Reply::empty(StatusCode::OK))
    }

    fn reason(&self, reason: Option<&Value>) -> Result<Option<u8>, Problem> {
        let reason = match reason {
            None | Some(Value::Null) => return Ok(None),
            Some(reason) => reason,
        };
        let bad = |detail: String| {
            Problem::new(RefusalCause::RevocationReason, detail).value(reason.to_string())
        };
        let code = reason.as_u64().and_then(|code| u8::try_from(code).ok());
        match code.filter(|code| *code <= 10 && *code != 7) {
            None => {
                let detail = format!("{reason} is not a reason of RFC 5280 §5.3.1");
                Err(bad(detail).breach("R-REV-02"))
            }
            Some(code) if self.config.revocation_reasons.contains(&code) => Ok(Some(code)),
            Some(code) => Err(bad(format!("this CA does not take the reason {code}"))),
        }
    }
}

/// The serial number of a certificate in hexadecimal, empty if there is none.
fn serial(der: &[u8]) -> String {
    let Ok(certificate) = Certificate::from_der(der) else {
        return String::new();
    };
    let serial = certificate.tbs_certificate().serial_number().as_bytes();
    serial.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// An absent Accept takes anything (RFC 9110 §12.5.1).
fn accepts_pem(headers: &HeaderMap) -> bool {
    let mut ranges = headers.get_all("accept").iter().peekable();
    let is_match = |range: &str| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        [PEM_CHAIN, "application/*", "*/*"].iter().any(|own| media_type.eq_ignore_ascii_case(own))
    };
    ranges.peek().is_none()
        || ranges.any(|value| value.to_str().is_ok_and(|value| value.split(',').any(is_match)))
}
