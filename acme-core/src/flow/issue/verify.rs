//! Reading a chain and checking that it is what was asked for: our key, our names, valid now, each
//! certificate issued by the next (R-CRT-04, R-SEC-06).

use super::plan::Plan;
use crate::certificate::{Certificate, CertificateChain, Expected, verify_issued};
use crate::error::{Error, ErrorKind, Step};
use crate::exchange::{Reply, excerpt};
use crate::session::Session;
use crate::time::Timestamp;

/// The form a chain came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Pem,
    /// One certificate as `application/pkix-cert`; its issuer is behind a link.
    Der,
}

fn refuse(url: &str, evidence: String, code: &'static str, text: String) -> Error {
    Error::new(ErrorKind::Certificate, Step::Verification, code, text)
        .with_url(url)
        .with_evidence(evidence)
}

/// Reads what came, in PEM or as a single certificate in DER; the media type is not relied on
/// (quirk 71).
pub(super) fn read_chain(
    session: &mut Session,
    reply: &Reply,
) -> Result<(CertificateChain, Format), Error> {
    if reply.body.first() == Some(&0x30) {
        let chain = Certificate::from_der(&reply.body)
            .ok()
            .and_then(|one| CertificateChain::from_certificates(vec![one]).ok());
        if let Some(chain) = chain {
            session.deviations.note("chain-in-der", "the certificate came in DER, not in PEM");
            return Ok((chain, Format::Der));
        }
    }
    let max = session.policy().max_chain_certificates;
    let chain = CertificateChain::from_pem_with_limit(&reply.body, max).map_err(|fault| {
        let mut text = format!("what came is no certificate chain: {fault}");
        if !reply.body.starts_with(b"-----BEGIN") {
            text = format!("{text}; it begins {:?}", excerpt(&reply.body));
        }
        let evidence = String::from_utf8_lossy(&reply.body).into_owned();
        refuse(&reply.url, evidence, "chain-invalid", text)
    })?;
    Ok((chain, Format::Pem))
}

/// Checks a whole chain against the order.
pub(super) fn verify_chain(
    plan: &Plan,
    session: &mut Session,
    now: Timestamp,
    chain: &CertificateChain,
    url: &str,
) -> Result<(), Error> {
    let public_key_der = plan.certificate_public_key();
    let expected = Expected {
        public_key_der: &public_key_der,
        identifiers: plan.order.identifiers(),
        now: session.clock_time(now),
        clock_tolerance: session.policy().clock_tolerance,
    };
    let report = verify_issued(chain, &expected).map_err(|fault| {
        let text = format!("the certificate that came is not the one asked for: {fault}");
        refuse(url, chain.to_pem(), fault.code(), text)
    })?;
    for note in report.notes() {
        session.deviations.note("chain-note", note.to_string());
    }
    Ok(())
}
