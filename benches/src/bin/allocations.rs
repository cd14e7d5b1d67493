//! Counts what one whole issuance allocates in the core, in memory, on a virtual clock, without the
//! certificate authority's share. The same on every machine, for one compiler and one lock file.
//!
//! ```text
//! cargo run --release -p acmekit-benches --bin allocations
//! ```

#![allow(clippy::print_stdout, reason = "a program that prints")]
#![forbid(unsafe_code)]

use std::alloc::System;
use std::error::Error;
use std::ops::AddAssign;

use acmekit_core::action::{Action, Input, Offer};
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::challenge::ChallengeType;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::flow::{Context, Flow};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;
use acmekit_core::types::Identifier;
use acmekit_testing::{
    Config, FailureReason, SeededEntropy, TestingCa, ValidationOutcome, ValidationTarget,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// 2026-11-22T00:00:00Z.
const START: Timestamp = Timestamp::from_unix_seconds(1_795_305_600);
const SEED: u64 = 1;

/// What the allocator was asked for.
#[derive(Clone, Copy, Default)]
struct Share {
    allocations: usize,
    bytes: usize,
}

impl Share {
    /// A block that grows counts as one more allocation, by what it grows.
    fn so_far() -> Self {
        let stats = ALLOCATOR.stats();
        Self { allocations: stats.allocations + stats.reallocations, bytes: stats.bytes_allocated }
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, more: Self) {
        self.allocations += more.allocations;
        self.bytes += more.bytes;
    }
}

/// A client, its server and its clock.
struct World {
    ca: TestingCa,
    session: Session,
    entropy: SeededEntropy,
    now: Timestamp,
    published: Vec<Offer>,
    requests: usize,
    /// What the core has allocated.
    core: Share,
}

impl World {
    fn new() -> Result<Self, Box<dyn Error>> {
        let ca = TestingCa::new(Config::default(), SEED);
        let mut entropy = SeededEntropy::new(SEED);
        let key = PrivateKey::generate(KeyType::P256, &mut entropy)?;
        let session = Session::new(ca.directory_url(), key.into(), Policy::default())?;
        let published = Vec::new();
        let (requests, core) = (0, Share::default());
        Ok(Self { ca, session, entropy, now: START, published, requests, core })
    }

    /// Runs the core's part of the work and adds up what it allocates.
    fn counted<T>(&mut self, work: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut context =
            Context { session: &mut self.session, now: self.now, entropy: &mut self.entropy };
        let before = Share::so_far();
        let result = work(&mut context);
        let after = Share::so_far();
        self.core += Share {
            allocations: after.allocations - before.allocations,
            bytes: after.bytes - before.bytes,
        };
        result
    }

    fn run<F: Flow>(&mut self, flow: &mut F) -> Result<F::Output, Box<dyn Error>> {
        loop {
            let input = match self.counted(|context| flow.poll(context))? {
                Action::Send(outgoing) => {
                    self.requests += 1;
                    let response = self.ca.handle(self.now, outgoing.request);
                    self.validate();
                    Input::Response { id: outgoing.id, response }
                }
                Action::Present(mut offers) => {
                    offers.retain(|offer| offer.kind == ChallengeType::Http01);
                    let ids = offers.iter().map(|offer| offer.id.clone()).collect();
                    self.published = offers;
                    Input::Published(ids)
                }
                Action::Withdraw(_) => {
                    self.published.clear();
                    continue;
                }
                Action::Wait { until, .. } | Action::Blocked { until } => {
                    self.now = self.now.max(until);
                    continue;
                }
                Action::Sign(_) => return Err("the key is in this process".into()),
                Action::Done(output) => return Ok(output),
            };
            self.counted(|context| flow.handle(context, input))?;
        }
    }

    fn validate(&mut self) {
        for validation in self.ca.poll_validations() {
            let proof = match &validation.target {
                ValidationTarget::Http { path, .. } => {
                    self.published.iter().find(|offer| offer.http01_path() == *path)
                }
                _ => None,
            };
            let outcome = match proof {
                Some(offer) => ValidationOutcome::HttpBody(offer.http01_body().into()),
                None => ValidationOutcome::Failed {
                    reason: FailureReason::Connection,
                    detail: "nothing is published".to_owned(),
                },
            };
            self.ca.validation_result(self.now, validation.id, outcome);
        }
    }
}

/// Issues one certificate with an account that exists, and returns requests and allocations.
fn issuance(names: usize) -> Result<(usize, Share), Box<dyn Error>> {
    let mut world = World::new()?;
    world.run(&mut Register::new(Registration::new()))?;
    let account = world.session.account().cloned().ok_or("no account was registered")?;
    // As in a new process: directory and nonce are fetched again.
    let key = world.session.account_key().clone();
    let mut session = Session::new(world.ca.directory_url(), key, Policy::default())?;
    session.set_account(account)?;
    world.session = session;
    (world.requests, world.core) = (0, Share::default());

    let identifiers = (1..=names)
        .map(|name| format!("n{name}.example.org").parse::<Identifier>())
        .collect::<Result<Vec<_>, _>>()?;
    let mut flow = world.counted(|context| -> Result<_, Box<dyn Error>> {
        let key = PrivateKey::generate(KeyType::P256, context.entropy)?;
        let parameters = CertificateRequestParameters::new(identifiers.clone());
        let request = CertificateRequest::build(&parameters, &key, context.entropy)?;
        Ok(Issue::new(NewOrder::new(identifiers), request))
    })?;
    world.run(&mut flow)?;
    let violations = world.ca.violations();
    if violations.is_empty() {
        Ok((world.requests, world.core))
    } else {
        Err(format!("the protocol was violated: {violations:?}").into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:>5} {:>9} {:>12} {:>12} {:>12} {:>12}",
        "names", "requests", "allocations", "a request", "KiB", "a request"
    );
    for names in [1, 50] {
        let (requests, Share { allocations, bytes }) = issuance(names)?;
        let kib = bytes as f64 / 1024.0;
        println!(
            "{names:>5} {requests:>9} {allocations:>12} {:>12} {kib:>12.1} {:>12.1}",
            allocations / requests,
            kib / requests as f64,
        );
    }
    Ok(())
}
