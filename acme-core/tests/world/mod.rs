//! A world in memory for flows: the testing CA, a virtual clock, a network with latency, and a
//! place where challenges are published. One seed decides everything.

#![allow(dead_code, unreachable_pub, reason = "each test file uses another part of the world")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use acmekit_core::action::{Action, Input, Offer, Outgoing, RequestId, RequestKind, SigningKey};
use acmekit_core::action::{SignRequest, TransportFailure, WaitReason};
use acmekit_core::certificate::{
    CertificateRequest, CertificateRequestParameters, UnsignedCertificateRequest,
};
use acmekit_core::challenge::{Answer, ChallengeType};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::Error;
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, Issued, NewOrder};
use acmekit_core::flow::{Context, Flow};
use acmekit_core::jose::{AccountKey, Jwk, LocalSigner};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use acmekit_core::types::Identifier;
use acmekit_testing::{
    Config, FailureReason, SeededEntropy, TestingCa, Validation, ValidationOutcome,
    ValidationTarget,
};

/// 2026-11-22T00:00:00Z.
pub const START: Timestamp = Timestamp::from_unix_seconds(1_795_305_600);

/// What the network does with one request, instead of carrying it to the CA and back.
pub enum Fate {
    /// The request arrives and so does the answer.
    Delivered,
    /// The request never arrives.
    NotSent,
    /// The request arrives; the answer is lost.
    AnswerLost,
    /// Somebody else answers.
    Answered(http::Response<Vec<u8>>),
    /// The CA answers, and this is done to the answer on its way.
    Changed(Change),
}

type Change = Box<dyn Fn(http::Response<Vec<u8>>) -> http::Response<Vec<u8>>>;
type Script = Box<dyn FnMut(RequestKind, usize, &http::Request<Vec<u8>>) -> Fate>;

pub struct World {
    pub ca: TestingCa,
    pub session: Session,
    pub now: Timestamp,
    /// How far the client's clock is ahead of the true time, which the CA has.
    pub ahead: Duration,
    pub latency: Duration,
    pub entropy: SeededEntropy,
    /// What is published, by challenge URL.
    pub published: BTreeMap<String, Offer>,
    /// Which kind of challenge is published.
    pub solves: ChallengeType,
    /// What a published challenge is answered with, where that is not `{}`.
    pub answers: Option<fn(&Offer) -> Answer>,
    /// Judges the answers to challenges that a test has made up.
    pub judges: fn(&Validation) -> ValidationOutcome,
    /// What the CA sees instead, where a test has published in a way of its own.
    pub looks: Option<fn(&Self, &Validation) -> ValidationOutcome>,
    /// What happened, in order: requests, publications, waits.
    pub log: Vec<String>,
    /// Every request's bytes, for comparisons.
    pub bytes: Vec<Vec<u8>>,
    pub presented: Vec<String>,
    pub withdrawn: Vec<String>,
    /// Keys behind `Action::Sign`.
    pub account_key: Option<PrivateKey>,
    pub certificate_key: Option<PrivateKey>,
    pub next_account_key: Option<PrivateKey>,
    /// The network, if it is not a perfect one.
    pub script: Option<Script>,
    counts: BTreeMap<RequestKind, usize>,
    /// For each newNonce request: how many nonces the CA had given out that were not used yet.
    pub nonces_at_hand: Vec<usize>,
    pub validation_fails: Option<FailureReason>,
    /// Sets the client's clock ahead by this much when the request of this kind and number leaves.
    pub clock_jump: Option<(RequestKind, usize, Duration)>,
}

enum Delivery {
    Response(RequestId, http::Response<Vec<u8>>),
    Failed(RequestId, TransportFailure),
}

impl World {
    /// A CA of this configuration and a client with a P-256 account key, not registered yet.
    pub fn new(config: Config, seed: u64) -> Self {
        Self::with_policy(config, seed, Policy::default())
    }

    pub fn with_policy(config: Config, seed: u64, policy: Policy) -> Self {
        let mut entropy = SeededEntropy::new(seed);
        let key = PrivateKey::generate(KeyType::P256, &mut entropy).unwrap();
        let account_key = AccountKey::local(LocalSigner::new(key.clone()));
        let ca = TestingCa::new(config, seed);
        let session = Session::new(ca.directory_url(), account_key, policy).unwrap();
        Self {
            ca,
            session,
            now: START,
            ahead: Duration::ZERO,
            latency: Duration::from_millis(1),
            entropy,
            published: BTreeMap::new(),
            solves: ChallengeType::Http01,
            answers: None,
            judges: |_| ValidationOutcome::Proven,
            looks: None,
            log: Vec::new(),
            bytes: Vec::new(),
            presented: Vec::new(),
            withdrawn: Vec::new(),
            account_key: Some(key),
            certificate_key: None,
            next_account_key: None,
            script: None,
            counts: BTreeMap::new(),
            nonces_at_hand: Vec::new(),
            validation_fails: None,
            clock_jump: None,
        }
    }

    /// The same, with an account.
    pub fn registered(config: Config, seed: u64) -> Self {
        let mut world = Self::new(config, seed);
        world.run(&mut Register::new(Registration::new())).unwrap();
        world.forget_traffic();
        world
    }

    /// The same client in a new process: only the account is kept.
    pub fn restart(&mut self) {
        self.ca.expire_nonces();
        let account = self.session.account().cloned();
        let (url, key) = (self.session.directory_url(), self.session.account_key().clone());
        let mut session = Session::new(url, key, self.session.policy().clone()).unwrap();
        if let Some(account) = account {
            session.set_account(account).unwrap();
        }
        self.session = session;
    }

    /// Moves the account key out of the process: signatures are asked for by `Action::Sign`.
    pub fn hold_account_key_elsewhere(&mut self) {
        let jwk = Jwk::from_public_key_der(self.account_key.as_ref().unwrap().public_key_der());
        let key = AccountKey::external(jwk.unwrap()).unwrap();
        let policy = self.session.policy().clone();
        self.session = Session::new(self.ca.directory_url(), key, policy).unwrap();
    }

    pub fn forget_traffic(&mut self) {
        self.log.clear();
        self.bytes.clear();
        self.counts.clear();
        self.nonces_at_hand.clear();
    }

    /// How many requests of a kind were sent since the traffic was last forgotten.
    pub fn sent(&self, kind: RequestKind) -> usize {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    pub fn sent_in_all(&self) -> usize {
        self.counts.values().sum()
    }

    pub fn certificate_request(&mut self, names: &[Identifier]) -> CertificateRequest {
        let parameters = CertificateRequestParameters::new(names.iter().cloned());
        let key = PrivateKey::generate(KeyType::P256, &mut self.entropy).unwrap();
        CertificateRequest::build(&parameters, &key, &mut self.entropy).unwrap()
    }

    pub fn order(&mut self, names: &[&str]) -> Issue {
        let names = identifiers(names);
        let request = self.certificate_request(&names);
        Issue::new(NewOrder::new(names), request)
    }

    /// An order whose certificate key is held elsewhere.
    pub fn order_with_external_key(&mut self, names: &[&str]) -> Issue {
        let names = identifiers(names);
        let key = PrivateKey::generate(KeyType::P256, &mut self.entropy).unwrap();
        let parameters = CertificateRequestParameters::new(names.iter().cloned());
        let (public_key, scheme) = (key.public_key_der(), key.signature_scheme());
        let request = UnsignedCertificateRequest::new(&parameters, public_key, scheme).unwrap();
        self.certificate_key = Some(key);
        Issue::with_external_key(NewOrder::new(names), request)
    }

    pub fn issue(&mut self, names: &[&str]) -> Result<Issued, Error> {
        let mut flow = self.order(names);
        self.run(&mut flow)
    }

    /// The strict judge's verdict: the client broke no rule.
    pub fn assert_no_violations(&self) {
        assert!(self.ca.violations().is_empty(), "{:#?}", self.ca.violations());
    }

    pub fn run<F: Flow>(&mut self, flow: &mut F) -> Result<F::Output, Error> {
        self.run_all(std::slice::from_mut(flow)).remove(0)
    }

    /// Drives several flows side by side until all have ended.
    pub fn run_all<F: Flow>(&mut self, flows: &mut [F]) -> Vec<Result<F::Output, Error>> {
        let mut network = Network::default();
        let mut results: Vec<Option<Result<F::Output, Error>>> =
            flows.iter().map(|_| None).collect();
        let mut turns = 0;
        while results.iter().any(Option::is_none) {
            turns += 1;
            assert!(turns < 1_000_000, "the flows make no progress");
            let mut wake = Timestamp::MAX;
            for (index, flow) in flows.iter_mut().enumerate() {
                if results[index].is_none() {
                    match self.poll_until_rest(flow, index, &mut network) {
                        Ok(until) => wake = wake.min(until),
                        Err(end) => results[index] = Some(end),
                    }
                }
            }
            self.validate();
            let delivery = network.due(self.now);
            match delivery {
                Some((index, delivery)) => {
                    if results[index].is_none() {
                        self.deliver(&mut flows[index], delivery);
                    }
                }
                None => {
                    let next = network.next_time().unwrap_or(Timestamp::MAX).min(wake);
                    if next < Timestamp::MAX && results.iter().any(Option::is_none) {
                        self.now = self.now.max(next);
                    }
                }
            }
        }
        results.into_iter().map(Option::unwrap).collect()
    }

    /// Polls a flow until it waits. `Err` is its end.
    #[allow(clippy::type_complexity)]
    fn poll_until_rest<F: Flow>(
        &mut self,
        flow: &mut F,
        index: usize,
        network: &mut Network,
    ) -> Result<Timestamp, Result<F::Output, Error>> {
        loop {
            let action = {
                let cx = &mut Context {
                    session: &mut self.session,
                    now: self.now.saturating_add(self.ahead),
                    entropy: &mut self.entropy,
                };
                flow.poll(cx).map_err(Err)?
            };
            match action {
                Action::Send(outgoing) => self.send(outgoing, index, network),
                Action::Sign(request) => {
                    let bytes = self.sign(&request);
                    let id = request.id;
                    self.hand(flow, Input::Signature { id, bytes });
                }
                Action::Present(offers) => {
                    let mut chosen = Vec::new();
                    for offer in offers {
                        self.presented.push(offer.id.as_str().to_owned());
                        if offer.kind == self.solves {
                            self.log.push(format!("publish {} {}", offer.kind, offer.identifier));
                            match self.answers {
                                Some(answers) => {
                                    let (id, answer) = (offer.id.clone(), answers(&offer));
                                    self.hand(flow, Input::PublishedWith { id, answer });
                                }
                                None => chosen.push(offer.id.clone()),
                            }
                            self.published.insert(offer.id.as_str().to_owned(), offer);
                        }
                    }
                    self.hand(flow, Input::Published(chosen));
                }
                Action::Withdraw(offers) => {
                    for offer in offers {
                        self.withdrawn.push(offer.id.as_str().to_owned());
                        self.published.remove(offer.id.as_str());
                    }
                    self.log.push("withdraw".to_owned());
                }
                Action::Wait { until, reason } => {
                    let until = until.saturating_sub(self.ahead);
                    if reason != WaitReason::Session {
                        let gap = until.saturating_since(self.now).as_millis();
                        self.log.push(format!("wait {gap} ms: {reason:?}"));
                    }
                    return Ok(until);
                }
                Action::Blocked { until } => return Ok(until.saturating_sub(self.ahead)),
                Action::Done(output) => return Err(Ok(output)),
            }
        }
    }

    fn send(&mut self, outgoing: Outgoing, index: usize, network: &mut Network) {
        let Outgoing { id, kind, request, .. } = outgoing;
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let ordinal = *count;
        self.log.push(kind.to_string());
        if let Some((jumping, at, jump)) = self.clock_jump
            && (jumping, at) == (kind, ordinal)
        {
            self.ahead = jump;
        }
        if kind == RequestKind::NewNonce {
            self.nonces_at_hand.push(self.ca.unused_nonces());
        }
        self.bytes.push(request.body().clone());
        let fate = match &mut self.script {
            Some(script) => script(kind, ordinal, &request),
            None => Fate::Delivered,
        };
        let lost = |text: &str| TransportFailure::Unknown(text.to_owned());
        let delivery = match fate {
            Fate::Delivered => Delivery::Response(id, self.ca.handle(self.now, request)),
            Fate::NotSent => {
                Delivery::Failed(id, TransportFailure::NotSent("connection refused".to_owned()))
            }
            Fate::AnswerLost => {
                let _ = self.ca.handle(self.now, request);
                Delivery::Failed(id, lost("connection reset"))
            }
            Fate::Answered(response) => Delivery::Response(id, response),
            Fate::Changed(change) => {
                Delivery::Response(id, change(self.ca.handle(self.now, request)))
            }
        };
        let at = self.now.saturating_add(self.latency);
        network.queue.entry(at).or_default().push_back((index, delivery));
    }

    fn deliver<F: Flow>(&mut self, flow: &mut F, delivery: Delivery) {
        let input = match delivery {
            Delivery::Response(id, response) => Input::Response { id, response },
            Delivery::Failed(id, failure) => Input::Failed { id, failure },
        };
        self.hand(flow, input);
    }

    pub fn hand<F: Flow>(&mut self, flow: &mut F, input: Input) {
        let now = self.now.saturating_add(self.ahead);
        let cx = &mut Context { session: &mut self.session, now, entropy: &mut self.entropy };
        flow.handle(cx, input).unwrap();
    }

    fn sign(&mut self, request: &SignRequest) -> Vec<u8> {
        self.log.push("sign".to_owned());
        let key = match request.key {
            SigningKey::Account(_) => &self.account_key,
            SigningKey::Certificate(_) => &self.certificate_key,
            SigningKey::NewAccount(_) => &self.next_account_key,
            other => panic!("an unknown kind of key: {other:?}"),
        };
        // As key stores do it: ECDSA in ASN.1.
        key.as_ref().unwrap().sign(&mut self.entropy, &request.message).unwrap()
    }

    /// The CA looks at what is published.
    fn validate(&mut self) {
        for validation in self.ca.poll_validations() {
            let outcome = match self.validation_fails {
                Some(reason) => {
                    ValidationOutcome::Failed { reason, detail: "nothing there".to_owned() }
                }
                None => self.look_up(&validation),
            };
            self.ca.validation_result(self.now, validation.id, outcome);
        }
    }

    fn look_up(&mut self, validation: &Validation) -> ValidationOutcome {
        if let Some(looks) = self.looks {
            return looks(self, validation);
        }
        let nothing = |reason| ValidationOutcome::Failed { reason, detail: String::new() };
        let mut offers = self.published.values();
        match &validation.target {
            ValidationTarget::Http { path, .. } => offers
                .find(|offer| offer.http01_path() == *path)
                .map(|offer| ValidationOutcome::HttpBody(offer.http01_body().into()))
                .unwrap_or(nothing(FailureReason::Connection)),
            ValidationTarget::Dns { name } => {
                let at_name = offers.filter(|offer| offer.dns01_name() == *name);
                ValidationOutcome::TxtRecords(at_name.map(Offer::dns01_value).collect())
            }
            ValidationTarget::Tls { server_name, .. } => {
                let offer =
                    offers.find(|o| o.tls_alpn01_server_name().as_ref() == Some(server_name));
                let Some(offer) = offer.cloned() else { return nothing(FailureReason::Tls) };
                let key = PrivateKey::generate(KeyType::P256, &mut self.entropy).unwrap();
                let certificate = acmekit_core::challenge::tls_alpn01::build_certificate(
                    &offer.identifier,
                    offer.key_authorization.as_ref().unwrap(),
                    &key,
                    self.now,
                    &mut self.entropy,
                );
                ValidationOutcome::TlsCertificate(certificate.unwrap())
            }
            ValidationTarget::Plugin { .. } => (self.judges)(validation),
            other => panic!("an unknown target: {other:?}"),
        }
    }
}

/// Answers on their way, by the time they arrive.
#[derive(Default)]
struct Network {
    queue: BTreeMap<Timestamp, VecDeque<(usize, Delivery)>>,
}

impl Network {
    fn due(&mut self, now: Timestamp) -> Option<(usize, Delivery)> {
        let mut first = self.queue.first_entry()?;
        if *first.key() > now {
            return None;
        }
        let delivery = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        delivery
    }

    fn next_time(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|(time, _)| *time)
    }
}

pub fn identifiers(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// `n1.example.org`, `n2.example.org`, …
pub fn many_names(count: usize) -> Vec<String> {
    (1..=count).map(|n| format!("n{n}.example.org")).collect()
}
