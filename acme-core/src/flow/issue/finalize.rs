//! Sending the certificate request and waiting for the certificate (RFC 8555 §7.4).

use serde_json::json;

use super::authorize::is_about_state;
use super::plan::CertificateRequestSource;
use super::validate::too_many_polls;
use super::{Issue, State, Tag};
use crate::action::{Action, RequestKind, SignId, SignRequest, SigningKey};
use crate::backoff::{Polls, retry_delay};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::Outcome;
use crate::flow::Context;
use crate::jose::encoding;
use crate::problem::ProblemType;
use crate::time::Timestamp;

/// Most times the certificate request is sent, after the order was read and found ready again.
const MAX_SENDS: u32 = 4;

/// The certificate request is on its way, or the order is read to learn whether it arrived.
pub(super) struct Finalizing {
    /// The order is known not to be ready, or nobody knows: a `ready` means "send it (again)".
    asking: bool,
}

/// The certificate is being made; the order is polled.
pub(super) struct Issuing {
    polls: Polls,
    asking: bool,
}

impl Issuing {
    pub(super) fn wake(&self) -> Option<Timestamp> {
        (!self.asking).then(|| self.polls.next())
    }
}

impl Issue {
    pub(super) fn order_ready(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        retry_after: Option<Timestamp>,
    ) -> Result<(), Error> {
        match &self.state {
            // The request was taken; some servers say `ready` for a while after (quirk 62).
            State::Finalizing(Finalizing { asking: false }) | State::Issuing(_)
                if self.plan.finalize_sends > 0 =>
            {
                let text = "the order was still ready after the certificate request was taken";
                cx.session.deviations.note("order-status", text);
                self.order_processing(cx, now, retry_after)
            }
            _ => {
                self.state = State::Ready;
                Ok(())
            }
        }
    }

    /// Signs the certificate request if that is still to be done, then sends it.
    pub(super) fn finalize(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Option<Action<super::Issued>>, Error> {
        if !matches!(self.state, State::Ready) || self.plan.signing.is_some() {
            return Ok(None);
        }
        let request = match &self.plan.request {
            CertificateRequestSource::Ready(request) => request,
            CertificateRequestSource::Unsigned(unsigned) => {
                let id = cx.session.next_sign_id();
                let key = SigningKey::Certificate(unsigned.signature_scheme());
                let message = unsigned.to_be_signed().to_vec();
                self.plan.signing = Some(id);
                return Ok(Some(Action::Sign(SignRequest { id, key, message })));
            }
        };
        if self.plan.finalize_sends >= MAX_SENDS {
            let text = "the order is ready again and again after it was finalized";
            return Err(Error::new(ErrorKind::Protocol, Step::Finalize, "finalize-loop", text));
        }
        let payload = json!({ "csr": encoding::encode(request.der()) }).to_string().into_bytes();
        let url = self.plan.finalize_url.clone().ok_or_else(|| {
            let text = "the order names no finalize URL";
            Error::new(ErrorKind::Protocol, Step::Finalize, "order-invalid", text)
        })?;
        // Sent again only after a pause that grows, longer if the server named one.
        if self.plan.finalize_sends > 0 {
            let pause = retry_delay(self.plan.finalize_sends, Step::Finalize, cx.entropy)?;
            self.exchanges.hold(&url, cx.now.saturating_add(pause));
        }
        self.plan.finalize_sends += 1;
        let (tag, kind) = (Tag::Finalize, RequestKind::Finalize);
        self.request(cx.session, tag, Step::Finalize, kind, &url, payload)?;
        self.state = State::Finalizing(Finalizing { asking: false });
        Ok(None)
    }

    pub(super) fn request_signed(&mut self, id: SignId, bytes: &[u8]) -> Result<(), Misuse> {
        if self.plan.signing != Some(id) {
            return Err(Misuse::UnknownSignature);
        }
        self.plan.signing = None;
        if let CertificateRequestSource::Unsigned(unsigned) = &self.plan.request {
            match unsigned.clone().into_signed(bytes) {
                Ok(request) => self.plan.request = CertificateRequestSource::Ready(request),
                Err(fault) => {
                    let text = format!("the signature of the key store cannot be used: {fault}");
                    let error =
                        Error::new(ErrorKind::Crypto, Step::Finalize, "signing-failed", text);
                    self.state = State::Closing(Err(error));
                }
            }
        }
        Ok(())
    }

    pub(super) fn take_finalize(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        match outcome {
            Outcome::Reply(reply) => {
                if reply.object(Step::Finalize).is_err() {
                    let text = "the answer to finalize is no order";
                    cx.session.deviations.note("finalize-empty", text);
                    return self.order_processing(cx, now, reply.retry_after);
                }
                self.take_order(cx, now, &reply, Step::Finalize)
            }
            // Whether it arrived is seen from the order (R-NON-08).
            Outcome::Unknown(_) => self.ask_after_finalize(cx),
            Outcome::Failed(error) => {
                let kind = error.problem().map(|problem| &problem.kind);
                let not_ready = kind == Some(&ProblemType::OrderNotReady);
                // A request that is sent again after its answer was lost may be refused because
                // the first one has arrived; the order tells (quirk 65).
                let is_second = self.plan.finalize_sends > 1 && is_about_state(&error);
                if (not_ready || is_second) && self.plan.finalize_sends < MAX_SENDS {
                    let text = format!("finalize of a ready order was refused: {}", error.code());
                    cx.session.deviations.note("finalize-refused", text);
                    return self.ask_after_finalize(cx);
                }
                Err(error)
            }
        }
    }

    fn ask_after_finalize(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.state = State::Finalizing(Finalizing { asking: true });
        self.read_order(cx.session, Step::Finalize)
    }

    /// The certificate is being made: the order is polled.
    pub(super) fn order_processing(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        retry_after: Option<Timestamp>,
    ) -> Result<(), Error> {
        let policy = cx.session.policy().clone();
        if let State::Issuing(issuing) = &mut self.state {
            issuing.asking = false;
            return issuing.polls.no_news(now, retry_after, &policy, cx.entropy);
        }
        let polls = Polls::start(now, retry_after, &policy).after_polls(self.plan.polls);
        self.state = State::Issuing(Issuing { polls, asking: false });
        Ok(())
    }

    pub(super) fn poll_issuance(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let State::Issuing(issuing) = &mut self.state else { return Ok(()) };
        if issuing.asking || issuing.polls.next() > now {
            return Ok(());
        }
        if issuing.polls.count() >= cx.session.policy().max_polls {
            return Err(too_many_polls(
                Step::Issuance,
                "the certificate was there",
                cx.session.clock_time(now),
            ));
        }
        issuing.asking = true;
        self.plan.polls = issuing.polls.count().saturating_add(1);
        self.read_order(cx.session, Step::Issuance)
    }
}
