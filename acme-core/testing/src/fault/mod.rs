//! Faults by plan: broken networks, broken servers and hostile ones, as data that repeats.
//!
//! A [`FaultPlan`] says which request meets which [`Fault`], by its kind and how many of that kind
//! came before it. [`TestingCa::exchange`] carries the plan out and tells what reaches the client,
//! which is not always an answer.
//!
//! ```
//! use acmekit_core::time::Timestamp;
//! use acmekit_testing::fault::{Delivery, Fault, FaultPlan};
//! use acmekit_testing::{Config, RequestKind, TestingCa};
//!
//! let plan = FaultPlan::new().with(RequestKind::Directory, 1, Fault::RefuseConnection);
//! let text = serde_json::to_string(&plan)?;
//! assert_eq!(serde_json::from_str::<FaultPlan>(&text)?, plan);
//!
//! let mut ca = TestingCa::new(Config::default(), 1);
//! ca.set_faults(plan);
//! let request = http::Request::get(ca.directory_url()).header("user-agent", "x/1");
//! let delivery = ca.exchange(Timestamp::from_unix_seconds(1_800_000_000), request.body(vec![])?);
//! assert!(matches!(delivery, Delivery::NotSent));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod certificate;
mod change;
mod random;

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use acmekit_core::time::Timestamp;
use http::{Request, Response};
use serde::{Deserialize, Serialize};

use crate::ca::TestingCa;
use crate::log::RequestKind;

pub use answer::{Answer, AnswerBody};
pub use certificate::WrongCertificate;
pub use change::Change;
pub use random::Severity;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// Nobody listens: the request does not leave the client.
    RefuseConnection,
    /// The connection breaks before the CA has seen the request.
    ResetBefore,
    /// The CA does what it was asked to, and its answer is lost.
    ResetAfter,
    /// No answer comes, ever.
    Stall {
        /// Whether the CA has done what it was asked to.
        processed: bool,
    },
    /// The answer comes late.
    Slow {
        /// How late, in milliseconds.
        millis: u64,
    },
    /// The answer ends after so many octets of its body, though its length promises more.
    Truncate {
        /// How many octets arrive.
        octets: usize,
    },
    /// Something else answers, a proxy for example; the CA never sees the request.
    Answer(Answer),
    /// The nonce is refused, whatever it is worth.
    BadNonce {
        /// Whether the refusal brings a nonce to try again with (RFC 8555 §6.5).
        fresh_nonce: bool,
    },
    /// The CA's answer is changed on its way, by each of these in turn.
    Change(Vec<Change>),
    /// The answer to a download holds another certificate than it should.
    Certificate(WrongCertificate),
}

impl Fault {
    /// Whether the CA does what the request asks for in spite of the fault.
    pub const fn is_processed(&self) -> bool {
        match self {
            Self::RefuseConnection
            | Self::ResetBefore
            | Self::Answer(_)
            | Self::BadNonce { .. }
            | Self::Stall { processed: false } => false,
            Self::ResetAfter
            | Self::Stall { .. }
            | Self::Slow { .. }
            | Self::Truncate { .. }
            | Self::Change(_)
            | Self::Certificate(_) => true,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The serialised form is what a plan is written in.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedFault {
    /// The kind of request that is hit.
    pub request: RequestKind,
    /// Which request of that kind is the first to be hit, from 1.
    pub first: u32,
    /// How many requests of that kind are hit in a row.
    pub times: u32,
    /// What happens to each.
    pub fault: Fault,
}

impl PlannedFault {
    fn hits(&self, kind: RequestKind, ordinal: u32) -> bool {
        self.request == kind && ordinal >= self.first && ordinal - self.first < self.times
    }
}

/// A script of faults. Where two lines hit the same request, the earlier one counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultPlan {
    faults: Vec<PlannedFault>,
}

impl FaultPlan {
    /// A plan without faults.
    pub const fn new() -> Self {
        Self { faults: Vec::new() }
    }

    /// Adds a fault for one request: the `ordinal`th of its kind, from 1.
    #[must_use]
    pub fn with(self, request: RequestKind, ordinal: u32, fault: Fault) -> Self {
        self.with_repeated(request, ordinal, 1, fault)
    }

    /// Adds a fault for `times` requests of a kind in a row, from the `first`; `u32::MAX` times is
    /// for ever.
    #[must_use]
    pub fn with_repeated(
        mut self,
        request: RequestKind,
        first: u32,
        times: u32,
        fault: Fault,
    ) -> Self {
        self.faults.push(PlannedFault { request, first, times, fault });
        self
    }

    /// The lines of the plan.
    pub fn faults(&self) -> &[PlannedFault] {
        &self.faults
    }
}

/// What reaches the client after it sent a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// An answer, after a delay.
    Answered {
        /// The answer.
        response: Response<Vec<u8>>,
        /// How long after the request was handled.
        after: Duration,
    },
    /// The beginning of an answer; then the connection ends.
    Truncated {
        /// The answer with its whole body.
        response: Response<Vec<u8>>,
        /// How many octets of the body arrive.
        octets: usize,
    },
    /// Nothing: the request could not be sent.
    NotSent,
    /// Nothing: the connection broke.
    Reset,
    /// Nothing, not even an end of the connection.
    Silence,
}

/// The plan that a CA follows, and how far it has come.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: FaultPlan,
    seen: BTreeMap<RequestKind, u32>,
    met: Vec<PlannedFault>,
}

impl Faults {
    /// The fault that the next request of this kind meets.
    fn next(&mut self, kind: RequestKind) -> Option<Fault> {
        let ordinal = self.seen.entry(kind).or_default();
        *ordinal = ordinal.saturating_add(1);
        let ordinal = *ordinal;
        let line = self.plan.faults.iter().find(|line| line.hits(kind, ordinal))?;
        let fault = line.fault.clone();
        let met = PlannedFault { request: kind, first: ordinal, times: 1, fault: fault.clone() };
        self.met.push(met);
        Some(fault)
    }
}

impl TestingCa {
    /// Follows this plan from now on; requests are counted anew.
    pub fn set_faults(&mut self, plan: FaultPlan) {
        self.faults = Faults { plan, ..Faults::default() };
    }

    /// The faults that requests have met since the plan was set, in order.
    pub fn faults_met(&self) -> &[PlannedFault] {
        &self.faults.met
    }

    /// Like [`handle`](Self::handle), but with the faults of the plan.
    pub fn exchange(&mut self, now: Timestamp, request: Request<Vec<u8>>) -> Delivery {
        let kind = self.kind_of(&request);
        let Some(fault) = self.faults.next(kind) else {
            return answered(self.handle(now, request));
        };
        match fault {
            Fault::RefuseConnection => Delivery::NotSent,
            Fault::ResetBefore => Delivery::Reset,
            Fault::ResetAfter => {
                self.handle(now, request);
                Delivery::Reset
            }
            Fault::Stall { processed } => {
                if processed {
                    self.handle(now, request);
                }
                Delivery::Silence
            }
            Fault::Slow { millis } => Delivery::Answered {
                response: self.handle(now, request),
                after: Duration::from_millis(millis),
            },
            Fault::Truncate { octets } => {
                let response = self.handle(now, request);
                if octets >= response.body().len() {
                    return answered(response);
                }
                Delivery::Truncated { response, octets }
            }
            Fault::Answer(answer) => answered(self.answer_instead(now, kind, &request, &answer)),
            Fault::BadNonce { fresh_nonce } => {
                let answer = Answer::problem(400, "badNonce", "the nonce is refused by the plan");
                let answer = if fresh_nonce { answer.with_nonce() } else { answer };
                answered(self.answer_instead(now, kind, &request, &answer))
            }
            Fault::Change(changes) => {
                let mut response = self.handle(now, request);
                for change in &changes {
                    change.apply(&mut response);
                }
                answered(response)
            }
            Fault::Certificate(wrong) => {
                let url = self.request_url(request.uri());
                let response = self.handle(now, request);
                answered(self.replace_certificate(response, &url, wrong))
            }
        }
    }
}

const fn answered(response: Response<Vec<u8>>) -> Delivery {
    Delivery::Answered { response, after: Duration::ZERO }
}
