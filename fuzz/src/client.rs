//! A driver that holds one flow to its contract: it carries out nothing by itself, but checks
//! every action, input and result, and panics on the first breach.

use std::hash::{DefaultHasher, Hash, Hasher};

use acmekit_core::action::{
    Action, ChallengeId, Input, Offer, Outgoing, RequestId, RequestKind, SignId, SignRequest,
    SigningKey, TransportFailure,
};
use acmekit_core::error::{Error, Misuse};
use acmekit_core::flow::{Checkpoint, Context};
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use acmekit_testing::SeededEntropy;
use http::Response;

use crate::assert_printable;
use crate::fixture::{self, MAC_KEY, Order};
use crate::operation::Operation;
use crate::wire::{Mark, Wire};

/// A request that waits for its answer.
pub struct InFlight {
    pub id: RequestId,
    pub kind: RequestKind,
    pub url: String,
    pub request: http::Request<Vec<u8>>,
    mark: Mark,
}

/// Where a flow rests after it was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Until this time, or until an input comes.
    Until(Timestamp),
    /// It has a result or an error.
    Ended,
}

/// One flow with its session, clock and everything outstanding.
pub struct Client<F: Operation> {
    pub flow: F,
    pub session: Session,
    pub order: &'static Order,
    pub now: Timestamp,
    pub in_flight: Vec<InFlight>,
    pub to_sign: Vec<SignRequest>,
    /// What is published, as far as the flow knows.
    pub presented: Vec<Offer>,
    /// What the last `Present` named.
    offered: Vec<ChallengeId>,
    /// Requests that have an answer already, or belong to a flow before a resume.
    pub ended_ids: Vec<RequestId>,
    pub ended_sign_ids: Vec<SignId>,
    pub result: Option<Result<F::Output, Error>>,
    /// The flow has no deadline, so that it may only be blocked by something outstanding.
    pub is_endless: bool,
    /// The flow began as a checkpoint that was not made here: what it presented is not known.
    pub has_unknown_past: bool,
    pub entropy: SeededEntropy,
    /// What went over the wire in this session.
    pub wire: Wire,
    host_suffix: &'static str,
    trace: DefaultHasher,
}

impl<F: Operation> Client<F> {
    pub fn new(flow: F, session: Session, order: &'static Order) -> Self {
        Self {
            flow,
            session,
            order,
            now: fixture::START,
            in_flight: Vec::new(),
            to_sign: Vec::new(),
            presented: Vec::new(),
            offered: Vec::new(),
            ended_ids: Vec::new(),
            ended_sign_ids: Vec::new(),
            result: None,
            is_endless: false,
            has_unknown_past: false,
            entropy: SeededEntropy::new(11),
            wire: Wire::default(),
            host_suffix: "ca.test",
            trace: DefaultHasher::new(),
        }
    }

    /// Polls until the flow rests.
    pub fn poll(&mut self) -> Rest {
        if self.result.is_some() {
            return Rest::Ended;
        }
        // Answers come only between rests, so a burst is bounded by what may be in flight.
        let burst = 4 * self.session.policy().max_in_flight + 16;
        for _ in 0..burst {
            let cx = &mut Context {
                session: &mut self.session,
                now: self.now,
                entropy: &mut self.entropy,
            };
            match self.flow.poll(cx) {
                Ok(Action::Send(outgoing)) => self.send(outgoing),
                Ok(Action::Sign(request)) => {
                    request.message.hash(&mut self.trace);
                    self.to_sign.push(request);
                }
                Ok(Action::Present(offers)) => self.present(offers),
                Ok(Action::Withdraw(offers)) => self.withdraw(&offers),
                Ok(Action::Wait { until, .. }) => {
                    // Times are by the clock of this call, which may have been set back.
                    assert!(until > self.now, "a wait that is over already");
                    until.hash(&mut self.trace);
                    return Rest::Until(until);
                }
                Ok(Action::Blocked { until }) => {
                    assert!(until > self.now, "blocked beyond the deadline");
                    let outstanding = !self.in_flight.is_empty()
                        || !self.to_sign.is_empty()
                        || self.flow.awaits_publication();
                    assert!(outstanding || !self.is_endless, "blocked by nothing");
                    return Rest::Until(until);
                }
                Ok(Action::Done(output)) => {
                    F::judge(&output, self.order, &self.session, self.now);
                    return self.end(Ok(output));
                }
                Err(error) => return self.end(Err(error)),
            }
        }
        panic!("{burst} actions without a rest");
    }

    fn send(&mut self, outgoing: Outgoing) {
        outgoing.kind.hash(&mut self.trace);
        outgoing.request.uri().hash(&mut self.trace);
        outgoing.request.body().hash(&mut self.trace);
        let mark = self.wire.sent(&outgoing, self.host_suffix);
        let Outgoing { id, kind, request, .. } = outgoing;
        assert!(self.in_flight.iter().all(|other| other.id != id), "an id is used twice");
        let url = request.uri().to_string();
        self.in_flight.push(InFlight { id, kind, url, request, mark });
    }

    fn present(&mut self, offers: Vec<Offer>) {
        assert!(!offers.is_empty(), "nothing is presented");
        self.offered = offers.iter().map(|offer| offer.id.clone()).collect();
        for offer in offers {
            // What a solver makes of an offer must be safe whatever the server sent.
            let path = offer.http01_path();
            let token = path.rsplit_once('/').map_or("", |(_, token)| token);
            assert_eq!(token.is_empty(), offer.token.is_none());
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            assert!(self.order.names.iter().any(|n| n.without_wildcard() == offer.identifier));
            let _ = (offer.dns01_name(), offer.dns01_value(), offer.tls_alpn01_server_name());
            if !self.presented.contains(&offer) {
                self.presented.push(offer);
            }
        }
    }

    /// Everything that was presented, and nothing else, is withdrawn.
    fn withdraw(&mut self, offers: &[Offer]) {
        assert!(!offers.is_empty(), "nothing is withdrawn");
        for offer in offers {
            let known = self.presented.iter().position(|presented| presented == offer);
            match known {
                Some(index) => drop(self.presented.swap_remove(index)),
                None => assert!(self.has_unknown_past, "withdrawn without being presented"),
            }
        }
        assert!(self.presented.is_empty(), "presented and not withdrawn");
    }

    fn end(&mut self, result: Result<F::Output, Error>) -> Rest {
        assert!(self.presented.is_empty(), "the flow ended and left challenges published");
        if let Err(error) = &result {
            assert_printable(&error.to_string());
            assert_printable(&error.advice());
            let debug = format!("{error:?}");
            assert!(!debug.contains(MAC_KEY));
        }
        for deviation in self.session.deviations() {
            assert_printable(&deviation.text);
        }
        let code = result.as_ref().err().map(Error::code);
        code.hash(&mut self.trace);
        let cx =
            &mut Context { session: &mut self.session, now: self.now, entropy: &mut self.entropy };
        let again = self.flow.poll(cx);
        let again = again.err().expect("a flow that has ended fails");
        assert!(code.is_none_or(|code| code == again.code()), "another error the second time");
        assert_eq!(self.flow.handle(cx, Input::Cancel), Err(Misuse::Finished));
        self.result = Some(result);
        Rest::Ended
    }

    fn handle(&mut self, input: Input) -> Result<(), Misuse> {
        let cx =
            &mut Context { session: &mut self.session, now: self.now, entropy: &mut self.entropy };
        self.flow.handle(cx, input)
    }

    /// Answers a request. Every request may be answered once, whatever became of the flow: one
    /// that the flow has given up, or that is over, does not know it any more.
    pub fn answer(&mut self, index: usize, response: Response<Vec<u8>>) {
        let sent = self.in_flight.swap_remove(index);
        self.wire.served(response.headers());
        self.wire.answered(sent.mark, response.status());
        self.ended_ids.push(sent.id);
        let heard = self.handle(Input::Response { id: sent.id, response });
        assert!(is_heard_or_late(heard), "{:?}: {heard:?}", sent.kind);
    }

    /// Tells that a request has no answer.
    pub fn lose(&mut self, index: usize, failure: TransportFailure) {
        let sent = self.in_flight.swap_remove(index);
        if matches!(failure, TransportFailure::NotSent(_)) {
            self.wire.not_sent(sent.mark);
        }
        self.ended_ids.push(sent.id);
        let heard = self.handle(Input::Failed { id: sent.id, failure });
        assert!(is_heard_or_late(heard), "{:?}: {heard:?}", sent.kind);
    }

    /// Answers a request that has been answered; must be harmless.
    pub fn answer_again(&mut self, index: usize, response: Response<Vec<u8>>) {
        let Some(id) = self.ended_ids.get(index).copied() else { return };
        self.wire.served(response.headers());
        let _ = self.handle(Input::Response { id, response });
    }

    /// Hands in a signature.
    pub fn sign(&mut self, index: usize, bytes: Vec<u8>) {
        let id = self.to_sign.swap_remove(index).id;
        self.ended_sign_ids.push(id);
        let heard = self.handle(Input::Signature { id, bytes });
        assert!(is_heard_or_late(heard), "{heard:?}");
    }

    /// Makes the signature that was asked for.
    pub fn sign_rightly(&mut self, index: usize) {
        let request = &self.to_sign[index];
        let key = match request.key {
            SigningKey::Certificate(_) => &self.order.key,
            _ => fixture::account_key(),
        };
        let bytes = key.sign(&mut self.entropy, &request.message).unwrap();
        self.sign(index, bytes);
    }

    /// Refuses to sign.
    pub fn refuse_signature(&mut self, index: usize, reason: String) {
        let id = self.to_sign.swap_remove(index).id;
        self.ended_sign_ids.push(id);
        let heard = self.handle(Input::SignatureFailed { id, reason });
        assert!(is_heard_or_late(heard), "{heard:?}");
    }

    /// Hands in a signature a second time; must be harmless.
    pub fn sign_again(&mut self, index: usize, bytes: Vec<u8>) {
        let Some(id) = self.ended_sign_ids.get(index).copied() else { return };
        let _ = self.handle(Input::Signature { id, bytes });
    }

    /// Says that all that was offered last is published.
    pub fn publish_all(&mut self) {
        let heard = self.handle(Input::Published(self.offered.clone()));
        if self.flow.awaits_publication() {
            assert_eq!(heard, Ok(()));
        }
    }

    /// Says that these are published, whether or not they were ever offered.
    pub fn publish(&mut self, ids: Vec<ChallengeId>) {
        let _ = self.handle(Input::Published(ids));
    }

    /// Says that one cannot be published, whether or not it was ever offered.
    pub fn refuse_publication(&mut self, id: ChallengeId, reason: String) {
        let _ = self.handle(Input::PublicationFailed { id, reason });
    }

    /// Cancels the flow, which must then end at once.
    pub fn cancel(&mut self) {
        if self.result.is_none() {
            let _ = self.handle(Input::Cancel);
            assert_eq!(self.poll(), Rest::Ended, "a cancelled flow goes on");
            assert!(self.result.as_ref().is_some_and(Result::is_err));
        }
    }

    /// The flow as text and back, which must lose nothing and hold no secret.
    pub fn saved(&self) -> Checkpoint {
        let checkpoint = self.flow.checkpoint();
        let text = serde_json::to_string(&checkpoint).unwrap();
        assert!(!text.contains(MAC_KEY), "the binding's secret is in the checkpoint");
        assert!(!self.wire.leaks_into(&text), "a nonce is in the checkpoint");
        let read: Checkpoint = serde_json::from_str(&text).unwrap();
        assert_eq!(read, checkpoint);
        read
    }

    /// Saves the flow and goes on with a new one made of the checkpoint, in this session or, as
    /// in another process, in a new one.
    pub fn resume(&mut self, new_session: Option<Session>) {
        if self.result.is_some() {
            return;
        }
        let saved = self.saved();
        if let Some(session) = new_session {
            self.session = session;
        }
        let flow = F::restore(saved.clone(), &self.session).unwrap();
        if F::KEEPS_CHECKPOINT {
            assert_eq!(flow.checkpoint(), saved);
        }
        self.flow = if self.is_endless { flow.endless() } else { flow };
        self.ended_ids.extend(self.in_flight.drain(..).map(|sent| sent.id));
        self.ended_sign_ids.extend(self.to_sign.drain(..).map(|request| request.id));
    }

    /// Everything the flow did, as one number.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    /// Lets everything outstanding fail until the flow has ended, which must not take for ever.
    pub fn starve(&mut self) {
        if self.is_endless {
            return self.cancel();
        }
        for _ in 0..5000 {
            let Rest::Until(until) = self.poll() else { return };
            if self.in_flight.is_empty() {
                self.now = self.now.max(until);
            } else {
                self.lose(0, TransportFailure::NotSent("the network is down".to_owned()));
            }
        }
        panic!("the flow does not end");
    }
}

fn is_heard_or_late(heard: Result<(), Misuse>) -> bool {
    use Misuse::{Finished, UnknownRequest, UnknownSignature};
    matches!(heard, Ok(()) | Err(Finished | UnknownRequest | UnknownSignature))
}
