//! Downloading the certificate, choosing among chains, and verifying what came
//! (RFC 8555 §7.4.2).

use core::time::Duration;

use http::StatusCode;

use super::{Issue, Issued, State, Tag};
use crate::action::RequestKind;
use crate::certificate::{CertificateChain, Expected, verify_issued};
use crate::error::{Error, ErrorKind, Step};
use crate::exchange::{Outcome, Reply, excerpt};
use crate::flow::Context;
use crate::header;
use crate::session::Session;
use crate::time::Timestamp;

/// Most times a certificate URL that is not there yet is tried again (quirk 66).
const MAX_TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The certificate is being downloaded.
pub(super) struct Downloading {
    url: String,
    sent: bool,
    tries: u32,
    not_before: Option<Timestamp>,
    /// The CA's default chain, once it is here.
    default: Option<CertificateChain>,
    alternates: Vec<String>,
}

impl Downloading {
    pub(super) fn wake(&self) -> Option<Timestamp> {
        self.not_before.filter(|_| !self.sent)
    }
}

impl Issue {
    pub(super) fn begin_download(&mut self, url: String) {
        self.state = State::Downloading(Downloading {
            url,
            sent: false,
            tries: 0,
            not_before: None,
            default: None,
            alternates: Vec::new(),
        });
    }

    pub(super) fn download(&mut self, cx: &mut Context<'_>, now: Timestamp) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        if downloading.sent || downloading.not_before.is_some_and(|at| at > now) {
            return Ok(());
        }
        downloading.sent = true;
        downloading.tries += 1;
        let url = downloading.url.clone();
        self.request_certificate(cx.session, Tag::Certificate, &url)
    }

    fn request_certificate(&mut self, session: &Session, tag: Tag, url: &str) -> Result<(), Error> {
        let kind = RequestKind::Certificate;
        self.request(session, tag, Step::Download, kind, url, Vec::new())
    }

    pub(super) fn take_certificate(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Failed(error)
                if error.status() == Some(StatusCode::NOT_FOUND)
                    && downloading.tries < MAX_TRIES =>
            {
                let text = "the certificate URL of a valid order was not there at first";
                cx.session.deviations.note("certificate-late", text);
                downloading.sent = false;
                let pause = FIRST_PAUSE.saturating_mul(downloading.tries);
                downloading.not_before = Some(now.saturating_add(pause));
                return Ok(());
            }
            Outcome::Failed(error) | Outcome::Unknown(error) => return Err(error),
        };
        let chain = self.check_chain(cx, now, &reply)?;
        let links = header::links(&reply.headers, "alternate");
        let (max, base) = (cx.session.policy().max_alternates, reply.url.clone());
        let mut alternates = Vec::new();
        for link in links.iter().take(max) {
            // An alternate that may not be followed is left out: the default chain is good.
            match cx.session.resolve_url(Step::Download, link, &base) {
                Ok(url) if url != base && !alternates.contains(&url) => alternates.push(url),
                Ok(_) => {}
                Err(error) => {
                    cx.session.deviations.note("alternate-refused", error.to_string());
                }
            }
        }
        let satisfied = self.plan.preference.as_ref().is_none_or(|p| p.matches(&chain));
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        downloading.default = Some(chain.clone());
        downloading.alternates = alternates;
        if satisfied || downloading.alternates.is_empty() {
            return self.complete(cx, chain, satisfied);
        }
        self.try_alternate(cx, 0)
    }

    fn try_alternate(&mut self, cx: &mut Context<'_>, index: usize) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        match downloading.alternates.get(index).cloned() {
            Some(url) => self.request_certificate(cx.session, Tag::Alternate(index), &url),
            None => match downloading.default.take() {
                Some(default) => self.complete(cx, default, false),
                None => Ok(()),
            },
        }
    }

    pub(super) fn take_alternate(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
        outcome: Outcome,
    ) -> Result<(), Error> {
        // A broken alternate costs nothing: the default chain is here.
        let found = match &outcome {
            Outcome::Reply(reply) => match self.check_chain(cx, now, reply) {
                Ok(chain) => Some(chain),
                Err(error) => {
                    cx.session.deviations.note("alternate-invalid", error.to_string());
                    None
                }
            },
            Outcome::Failed(_) | Outcome::Unknown(_) => None,
        };
        match found {
            Some(chain) if self.plan.preference.as_ref().is_some_and(|p| p.matches(&chain)) => {
                self.complete(cx, chain, true)
            }
            _ => self.try_alternate(cx, index.saturating_add(1)),
        }
    }

    /// Reads a chain and checks that it is what was asked for: our key, our names, valid now, each
    /// certificate issued by the next (R-CRT-04, R-SEC-06).
    fn check_chain(
        &self,
        cx: &mut Context<'_>,
        now: Timestamp,
        reply: &Reply,
    ) -> Result<CertificateChain, Error> {
        let refuse = |code, text: String| {
            Error::new(ErrorKind::Certificate, Step::Verification, code, text)
                .with_url(&reply.url)
                .with_evidence(String::from_utf8_lossy(&reply.body).into_owned())
        };
        let policy = cx.session.policy().clone();
        let chain =
            CertificateChain::from_pem_with_limit(&reply.body, policy.max_chain_certificates)
                .map_err(|fault| {
                    let text = format!("what came is no certificate chain: {fault}");
                    if reply.body.starts_with(b"-----BEGIN") {
                        refuse("chain-invalid", text)
                    } else {
                        let shown = excerpt(&reply.body);
                        refuse("chain-invalid", format!("{text}; it begins {shown:?}"))
                    }
                })?;
        let public_key_der = self.plan.certificate_public_key();
        let expected = Expected {
            public_key_der: &public_key_der,
            identifiers: self.plan.order.identifiers(),
            now,
            clock_tolerance: policy.clock_tolerance,
        };
        let report = verify_issued(&chain, &expected).map_err(|fault| {
            refuse(
                fault.code(),
                format!("the certificate that came is not the one asked for: {fault}"),
            )
        })?;
        for note in report.notes() {
            cx.session.deviations.note("chain-note", note.to_string());
        }
        Ok(chain)
    }

    fn complete(
        &mut self,
        cx: &mut Context<'_>,
        chain: CertificateChain,
        satisfied: bool,
    ) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        let issued = Issued {
            chain,
            order_url: self.plan.order_url.clone().unwrap_or_default(),
            certificate_url: core::mem::take(&mut downloading.url),
            alternates: core::mem::take(&mut downloading.alternates),
            preference_satisfied: satisfied,
        };
        self.close(cx, Ok(Box::new(issued)));
        Ok(())
    }
}
