//! The lives of a client: processes that run flows, die, and begin again from what was saved.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use acmekit_core::account::Account;
use acmekit_core::action::{Action, Input, Offer, RequestId, TransportFailure};
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::Error;
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{ChainPreference, Issue, Issued, NewOrder};
use acmekit_core::flow::{Checkpoint, Context, Flow};
use acmekit_core::jose::{
    AccountKey, ExternalAccountBinding, LocalSigner, MacAlgorithm, MacKey, encoding,
};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use acmekit_core::types::Identifier;
use acmekit_testing::fault::Delivery;
use acmekit_testing::{
    FailureReason, RequestKind, SeededEntropy, TestingCa, ValidationOutcome, ValidationTarget,
};

use crate::scenario::{Binding, MAC_KEY, Scenario};
use crate::watch::Watch;

const START: Timestamp = Timestamp::from_unix_seconds(1_795_305_600);
/// How long the client's HTTP library waits for an answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// No process may take longer: the policy's total time, and what a request may take at its end.
/// A clock that is set back may cost the time once more.
const LIFE: Duration = Duration::from_secs(1300);

/// All that is known after the last process has ended.
pub(crate) struct Life {
    pub(crate) ca: TestingCa,
    pub(crate) watch: Watch,
    pub(crate) requests: Vec<CertificateRequest>,
    /// How each order ended; absent where registering failed first.
    pub(crate) orders: Vec<Result<Box<Issued>, Error>>,
    pub(crate) registration: Result<(), Error>,
    /// Offers that nobody withdrew.
    pub(crate) left_published: usize,
    pub(crate) crashes: u64,
    /// Answers to newOrder that a dying process did not see any more.
    pub(crate) orders_lost_in_crashes: u64,
    /// The client's clock at the end.
    pub(crate) clock: Timestamp,
}

enum End {
    Finished,
    Died,
}

struct Client<'a> {
    scenario: &'a Scenario,
    ca: TestingCa,
    watch: Watch,
    now: Timestamp,
    /// How far the client's clock is off, in seconds.
    off: i64,
    entropy: SeededEntropy,
    key: PrivateKey,
    /// A web root: what is published outlives the process.
    published: BTreeMap<String, Offer>,
    queue: BTreeMap<Timestamp, VecDeque<(usize, String, RequestKind, Input)>>,
    events: u32,
    session: Session,
    lost_orders: u64,
    /// Tells what happens, for the replay of one seed.
    is_told: bool,
}

/// Runs a scenario to its end.
pub(crate) fn live(scenario: &Scenario, is_told: bool) -> Result<Life, String> {
    let mut entropy = SeededEntropy::new(scenario.seed);
    let key = PrivateKey::generate(KeyType::P256, &mut entropy).unwrap();
    let mut ca = TestingCa::new(scenario.config(), scenario.seed);
    ca.set_faults(scenario.plan.clone());
    let session = session(&ca, &key, None);
    let mut watch = Watch::default();
    watch.secrets = vec![encoding::encode(&MAC_KEY), pkcs8_text(&key)];
    let client = Client {
        scenario,
        ca,
        watch,
        now: START,
        off: 0,
        entropy,
        key,
        published: BTreeMap::new(),
        queue: BTreeMap::new(),
        events: 0,
        session,
        lost_orders: 0,
        is_told,
    };
    client.live()
}

fn session(ca: &TestingCa, key: &PrivateKey, account: Option<Account>) -> Session {
    let key = AccountKey::local(LocalSigner::new(key.clone()));
    let mut session = Session::new(ca.directory_url(), key, Policy::default()).unwrap();
    if let Some(account) = account {
        session.set_account(account).unwrap();
    }
    session
}

fn pkcs8_text(key: &PrivateKey) -> String {
    let pem = key.to_pkcs8_pem().unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    body.get(48..88).unwrap_or_default().to_owned()
}

impl Client<'_> {
    fn live(mut self) -> Result<Life, String> {
        let mut crashes: VecDeque<u32> = self.scenario.crashes.clone().into();
        let mut died = 0;

        let registration = Registration::new().contact("mailto:admin@example.org");
        let registration = match self.binding() {
            Some(binding) => registration.external_account(binding),
            None => registration,
        };
        let mut register = vec![Register::new(registration)];
        let registration = loop {
            let mut ends = vec![None];
            let mut saved = vec![String::new()];
            let life = crashes.pop_front();
            match self.run(&mut register, &mut ends, &mut saved, life)? {
                End::Finished => break ends.remove(0).unwrap(),
                End::Died => {
                    died += 1;
                    self.restart(None);
                    let binding = self.binding();
                    let resumed = match open(&saved[0]) {
                        Some(saved) => Register::resume(saved, &self.session, binding)
                            .map_err(|error| format!("the registration cannot resume: {error}"))?,
                        None => {
                            let registration =
                                Registration::new().contact("mailto:admin@example.org");
                            Register::new(match binding {
                                Some(binding) => registration.external_account(binding),
                                None => registration,
                            })
                        }
                    };
                    register = vec![resumed];
                }
            }
        };
        let account = match registration {
            Ok(account) => account,
            Err(error) => return Ok(self.end(Vec::new(), Vec::new(), Err(error), died)),
        };

        // Answers to requests of a flow that has ended are dropped.
        self.queue.clear();
        self.watch.forget_waits();
        let (mut flows, mut requests) = (Vec::new(), Vec::new());
        for names in &self.scenario.orders {
            let names: Vec<Identifier> = names.iter().map(|name| name.parse().unwrap()).collect();
            let key = PrivateKey::generate(KeyType::P256, &mut self.entropy).unwrap();
            self.watch.secrets.push(pkcs8_text(&key));
            let parameters = CertificateRequestParameters::new(names.iter().cloned());
            let request = CertificateRequest::build(&parameters, &key, &mut self.entropy).unwrap();
            requests.push(request.clone());
            flows.push(self.preferring(Issue::new(NewOrder::new(names), request)));
        }
        let mut ends: Vec<Option<Result<Issued, Error>>> = flows.iter().map(|_| None).collect();
        let mut saved = vec![String::new(); flows.len()];
        loop {
            let life = crashes.pop_front();
            match self.run(&mut flows, &mut ends, &mut saved, life)? {
                End::Finished => break,
                End::Died => {
                    died += 1;
                    self.restart(Some(account.clone()));
                    for (index, flow) in flows.iter_mut().enumerate() {
                        let Some(checkpoint) = open(&saved[index]) else {
                            let names = requests[index].identifiers().to_vec();
                            let request = requests[index].clone();
                            *flow = self.preferring(Issue::new(NewOrder::new(names), request));
                            continue;
                        };
                        *flow = Issue::resume(checkpoint, &self.session)
                            .map_err(|error| format!("order {index} cannot resume: {error}"))?;
                    }
                }
            }
        }
        let orders = ends.into_iter().map(|end| end.unwrap().map(Box::new)).collect();
        Ok(self.end(requests, orders, Ok(()), died))
    }

    fn end(
        self,
        requests: Vec<CertificateRequest>,
        orders: Vec<Result<Box<Issued>, Error>>,
        registration: Result<(), Error>,
        crashes: u64,
    ) -> Life {
        Life {
            clock: self.clock(),
            ca: self.ca,
            watch: self.watch,
            requests,
            orders,
            registration,
            left_published: self.published.len(),
            crashes,
            orders_lost_in_crashes: self.lost_orders,
        }
    }

    fn binding(&self) -> Option<ExternalAccountBinding> {
        if self.scenario.binding == Binding::None {
            return None;
        }
        let key = MacKey::from_bytes(&MAC_KEY).unwrap();
        Some(ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap())
    }

    fn preferring(&self, flow: Issue) -> Issue {
        if self.scenario.prefers_alternate {
            return flow.prefer_chain(ChainPreference::Shortest);
        }
        flow
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.is_told {
            println!("{} {}", self.now, what());
        }
    }

    /// A new process: nothing but what was saved is left.
    fn restart(&mut self, account: Option<Account>) {
        self.tell(|| "the process dies".to_owned());
        self.session = session(&self.ca, &self.key, account);
        let in_flight = self.queue.values().flatten();
        let lost = in_flight.filter(|(_, _, kind, _)| *kind == RequestKind::NewOrder).count();
        self.lost_orders += u64::try_from(lost).unwrap();
        self.queue.clear();
        self.watch.forget_waits();
    }

    /// The client's clock.
    fn clock(&self) -> Timestamp {
        let distance = Duration::from_secs(self.off.unsigned_abs());
        match self.off < 0 {
            true => self.now.saturating_sub(distance),
            false => self.now.saturating_add(distance),
        }
    }

    /// One process: runs the flows that have not ended until all have, or until it dies.
    fn run<F: Flow>(
        &mut self,
        flows: &mut [F],
        ends: &mut [Option<Result<F::Output, Error>>],
        saved: &mut [String],
        life: Option<u32>,
    ) -> Result<End, String> {
        let begun = self.now;
        let mut events = 0;
        while ends.iter().any(Option::is_none) {
            if life.is_some_and(|life| events >= life) {
                return Ok(End::Died);
            }
            events += 1;
            self.events += 1;
            for (at, seconds) in &self.scenario.jumps {
                if *at == self.events {
                    self.off += seconds;
                    self.tell(|| format!("the clock is set by {seconds} s"));
                    self.watch.forget_waits();
                }
            }
            if self.now.saturating_since(begun) > LIFE || events > 200_000 {
                return Err(format!("still running after {events} events"));
            }
            let mut wake = Timestamp::MAX;
            for (index, flow) in flows.iter_mut().enumerate() {
                if ends[index].is_none() {
                    match self.poll(flow, index, &mut saved[index]) {
                        Ok(until) => wake = wake.min(until),
                        Err(end) => {
                            let error = end.as_ref().as_ref().err().map(ToString::to_string);
                            self.tell(|| format!("#{index} ends: {error:?}"));
                            ends[index] = Some(*end);
                        }
                    }
                }
            }
            self.validate();
            match self.due() {
                Some((index, url, input)) => {
                    if let Input::Response { response, .. } = &input {
                        self.watch.answer(self.now, index, &url, response);
                    }
                    if ends[index].is_none() {
                        self.hand(&mut flows[index], input);
                        saved[index] = serde_json::to_string(&flows[index].checkpoint()).unwrap();
                    }
                }
                None => {
                    let next = self.queue.first_key_value().map_or(Timestamp::MAX, |(at, _)| *at);
                    let next = next.min(wake);
                    if next == Timestamp::MAX && ends.iter().any(Option::is_none) {
                        return Err("a flow waits for nothing".to_owned());
                    }
                    if next != Timestamp::MAX {
                        self.now = self.now.max(next);
                    }
                }
            }
        }
        Ok(End::Finished)
    }

    /// Polls a flow until it waits. `Err` is its end.
    #[allow(clippy::type_complexity)]
    fn poll<F: Flow>(
        &mut self,
        flow: &mut F,
        index: usize,
        saved: &mut String,
    ) -> Result<Timestamp, Box<Result<F::Output, Error>>> {
        loop {
            let now = self.clock();
            let cx = &mut Context { session: &mut self.session, now, entropy: &mut self.entropy };
            let action = flow.poll(cx).map_err(|error| Box::new(Err(error)))?;
            *saved = serde_json::to_string(&flow.checkpoint()).unwrap();
            self.watch.checkpoint(saved);
            match action {
                Action::Send(outgoing) => self.send(index, outgoing.id, outgoing.request),
                Action::Present(offers) => {
                    let mut ids = Vec::new();
                    for offer in offers {
                        if offer.kind == ChallengeType::Http01 {
                            ids.push(offer.id.clone());
                            self.published.insert(offer.id.as_str().to_owned(), offer);
                        }
                    }
                    self.hand(flow, Input::Published(ids));
                }
                Action::Withdraw(offers) => {
                    for offer in offers {
                        self.published.remove(offer.id.as_str());
                    }
                }
                Action::Wait { until, .. } | Action::Blocked { until } => {
                    return Ok(self.true_time(until));
                }
                Action::Done(output) => return Err(Box::new(Ok(output))),
                Action::Sign(_) => unreachable!("the keys are local"),
            }
        }
    }

    /// When the client's clock will show `at`.
    fn true_time(&self, at: Timestamp) -> Timestamp {
        self.now.saturating_add(at.saturating_since(self.clock()))
    }

    fn send(&mut self, index: usize, id: RequestId, request: http::Request<Vec<u8>>) {
        self.watch.request(self.now, index, &request);
        let url = request.uri().to_string();
        let kind = self.ca.kind_of(&request);
        let met = self.ca.faults_met().len();
        let arrival = self.now.saturating_add(self.scenario.latency);
        let unknown =
            |text: &str| Input::Failed { id, failure: TransportFailure::Unknown(text.to_owned()) };
        let (at, input) = match self.ca.exchange(self.now, request) {
            Delivery::Answered { response, after } => {
                (arrival.saturating_add(after), Input::Response { id, response })
            }
            Delivery::Truncated { .. } => (arrival, unknown("the body ended early")),
            Delivery::NotSent => {
                let failure = TransportFailure::NotSent("connection refused".to_owned());
                (arrival, Input::Failed { id, failure })
            }
            Delivery::Reset => (arrival, unknown("connection reset")),
            Delivery::Silence => (self.now.saturating_add(REQUEST_TIME), unknown("timed out")),
            other => panic!("an unknown delivery: {other:?}"),
        };
        if self.is_told {
            let fault = self.ca.faults_met().get(met).map(|met| met.fault.to_string());
            let answer = match &input {
                Input::Response { response, .. } => response.status().to_string(),
                other => format!("{other:?}"),
            };
            println!(
                "{} #{index} {kind} {url}: {answer} at {at} {}",
                self.now,
                fault.unwrap_or_default()
            );
        }
        self.queue.entry(at).or_default().push_back((index, url, kind, input));
    }

    fn due(&mut self) -> Option<(usize, String, Input)> {
        let mut first = self.queue.first_entry()?;
        if *first.key() > self.now {
            return None;
        }
        let delivery = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        delivery.map(|(index, url, _, input)| (index, url, input))
    }

    fn hand<F: Flow>(&mut self, flow: &mut F, input: Input) {
        let now = self.clock();
        let cx = &mut Context { session: &mut self.session, now, entropy: &mut self.entropy };
        flow.handle(cx, input).unwrap();
    }

    fn validate(&mut self) {
        for validation in self.ca.poll_validations() {
            let ValidationTarget::Http { path, .. } = &validation.target else { continue };
            let mut offers = self.published.values();
            let outcome = match offers.find(|offer| offer.http01_path() == *path) {
                Some(offer) => ValidationOutcome::HttpBody(offer.http01_body().into()),
                None => ValidationOutcome::Failed {
                    reason: FailureReason::Connection,
                    detail: "nothing there".to_owned(),
                },
            };
            self.ca.validation_result(self.now, validation.id, outcome);
        }
    }
}

fn open(saved: &str) -> Option<Checkpoint> {
    serde_json::from_str(saved).ok()
}
