//! Downloading the certificate and choosing among chains (RFC 8555 §7.4.2).

use core::time::Duration;

use http::StatusCode;

use super::issued::ChainChoice;
use super::verify::{Format, read_chain, verify_chain};
use super::{Issue, Issued, State, Tag};
use crate::action::RequestKind;
use crate::certificate::CertificateChain;
use crate::error::{Error, Step};
use crate::exchange::{Outcome, Reply};
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
    /// The chain that is being put together from single certificates, and where they came from.
    partial: Option<(CertificateChain, Vec<String>)>,
    /// The chains that are here and verified, the CA's default first, with their URLs.
    chains: Vec<(CertificateChain, String)>,
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
            partial: None,
            chains: Vec::new(),
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
        let (chain, format) = read_chain(cx.session, &reply)?;
        downloading.alternates = alternates(cx.session, &reply);
        // A single certificate names its issuer by a link (R-CRT-07, quirk 73).
        let up = header::links(&reply.headers, "up").into_iter().next();
        let is_partial = chain.certificates().len() == 1 && !chain.leaf().is_self_issued();
        if let Some(up) = up.filter(|_| is_partial || format == Format::Der) {
            return self.fetch_issuer(cx, now, chain, vec![reply.url.clone()], &up);
        }
        self.take_default(cx, now, &chain, &reply.url)
    }

    /// Asks for the next certificate of a chain that comes piece by piece.
    fn fetch_issuer(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        chain: CertificateChain,
        mut visited: Vec<String>,
        up: &str,
    ) -> Result<(), Error> {
        let base = visited.last().cloned().unwrap_or_default();
        let url = match cx.session.resolve_url(Step::Download, up, &base) {
            Ok(url) => url,
            // The certificate itself is here: a link that may not be followed does not undo it.
            Err(error) => {
                cx.session.deviations.note("chain-incomplete", error.to_string());
                let url = visited.first().cloned().unwrap_or_default();
                return self.take_default(cx, now, &chain, &url);
            }
        };
        let text = "the chain came piece by piece through links";
        cx.session.deviations.note("chain-by-links", text);
        visited.push(url.clone());
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        downloading.partial = Some((chain, visited));
        self.request_certificate(cx.session, Tag::Issuer, &url)
    }

    pub(super) fn take_issuer(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        let Some((chain, visited)) = downloading.partial.take() else { return Ok(()) };
        let fetched = match outcome {
            Outcome::Reply(reply) => read_chain(cx.session, &reply).map(|(more, _)| (more, reply)),
            Outcome::Failed(error) | Outcome::Unknown(error) => Err(error),
        };
        let (more, reply) = match fetched {
            Ok(fetched) => fetched,
            // The certificate itself is here: a link that leads nowhere does not undo the issue.
            Err(error) => {
                cx.session.deviations.note("chain-incomplete", error.to_string());
                let url = visited.first().cloned().unwrap_or_default();
                return self.take_default(cx, now, &chain, &url);
            }
        };
        let mut certificates = chain.certificates().to_vec();
        certificates.extend(more.certificates().iter().cloned());
        let max = cx.session.policy().max_chain_certificates;
        let is_bounded = certificates.len() <= max;
        let chain = CertificateChain::from_certificates(certificates).unwrap_or(chain);
        let is_root = chain.certificates().last().is_some_and(|top| top.is_self_issued());
        let up = header::links(&reply.headers, "up").into_iter().next();
        match up {
            Some(up) if is_bounded && !is_root && !visited.contains(&up) => {
                self.fetch_issuer(cx, now, chain, visited, &up)
            }
            _ => self.take_default(cx, now, &chain, &reply.url),
        }
    }

    /// The CA's default chain is whole.
    fn take_default(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        chain: &CertificateChain,
        url: &str,
    ) -> Result<(), Error> {
        verify_chain(&self.plan, cx.session, now, chain, url)?;
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        downloading.chains.push((chain.clone(), downloading.url.clone()));
        match &self.plan.preference {
            Some(preference) if preference.is_met_by(chain) != Some(true) => {
                self.try_alternate(cx, now, 0)
            }
            _ => self.complete(cx, now, 0, true),
        }
    }

    fn try_alternate(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        index: usize,
    ) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        if let Some(url) = downloading.alternates.get(index).cloned() {
            return self.request_certificate(cx.session, Tag::Alternate(index), &url);
        }
        // All are here. What can be compared is; otherwise none was the wanted one.
        let chains: Vec<_> = downloading.chains.iter().map(|(chain, _)| chain.clone()).collect();
        let default = chains.first().cloned();
        match (&self.plan.preference, default) {
            (Some(preference), Some(default)) if preference.is_met_by(&default).is_none() => {
                let best = preference.best_of(&chains);
                self.complete(cx, now, best, true)
            }
            _ => self.complete(cx, now, 0, false),
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
        if let Outcome::Reply(reply) = outcome {
            let checked = read_chain(cx.session, &reply).and_then(|(chain, _)| {
                verify_chain(&self.plan, cx.session, now, &chain, &reply.url)?;
                Ok(chain)
            });
            let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
            match checked {
                Ok(chain) => {
                    let met = self.plan.preference.as_ref().and_then(|p| p.is_met_by(&chain));
                    downloading.chains.push((chain, reply.url));
                    if met == Some(true) {
                        let last = downloading.chains.len().saturating_sub(1);
                        return self.complete(cx, now, last, true);
                    }
                }
                Err(error) => {
                    cx.session.deviations.note("alternate-invalid", error.to_string());
                }
            }
        }
        self.try_alternate(cx, now, index.saturating_add(1))
    }

    fn complete(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        taken: usize,
        is_satisfied: bool,
    ) -> Result<(), Error> {
        let State::Downloading(downloading) = &mut self.state else { return Ok(()) };
        let Some((chain, url)) = downloading.chains.get(taken).cloned() else { return Ok(()) };
        // Time has passed since this chain came, if others were fetched after it.
        verify_chain(&self.plan, cx.session, now, &chain, &url)?;
        let chains: Vec<_> = downloading.chains.iter().map(|(chain, _)| chain.clone()).collect();
        let preference = self.plan.preference.as_ref();
        let issued = Issued {
            chain,
            order_url: self.plan.order_url.clone().unwrap_or_default(),
            certificate_url: url,
            alternates: core::mem::take(&mut downloading.alternates),
            choice: ChainChoice::new(preference, &chains, taken, is_satisfied),
            replacement: self.plan.replacement.clone(),
        };
        self.close(cx, Ok(Box::new(issued)));
        Ok(())
    }
}

/// The other chains that an answer links to. One that may not be followed is left out: the default
/// chain is good.
fn alternates(session: &mut Session, reply: &Reply) -> Vec<String> {
    let links = header::links(&reply.headers, "alternate");
    let mut urls = Vec::new();
    for link in links.iter().take(session.policy().max_alternates) {
        match session.resolve_url(Step::Download, link, &reply.url) {
            Ok(url) if url != reply.url && !urls.contains(&url) => urls.push(url),
            Ok(_) => {}
            Err(error) => session.deviations.note("alternate-refused", error.to_string()),
        }
    }
    urls
}
