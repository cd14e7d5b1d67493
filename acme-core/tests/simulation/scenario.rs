//! What a seed decides.

use std::time::Duration;

use acmekit_core::entropy::Entropy;
use acmekit_testing::fault::{FaultPlan, Severity};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy, RetryAfter, SeededEntropy};

/// The secret of the external account; it must not be seen anywhere.
pub(crate) const MAC_KEY: [u8; 32] = *b"simulated external account key !";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    None,
    Reusable,
    SingleUse,
}

#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) severity: Severity,
    pub(crate) binding: Binding,
    /// The names of each order.
    pub(crate) orders: Vec<Vec<String>>,
    pub(crate) prefers_alternate: bool,
    /// After how many events the process dies; counted anew in each life.
    pub(crate) crashes: Vec<u32>,
    /// After how many events in all the client's clock is set to be off by so many seconds.
    pub(crate) jumps: Vec<(u32, i64)>,
    pub(crate) latency: Duration,
    pub(crate) plan: FaultPlan,
    config: Config,
}

impl Scenario {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let severity = if dice.below(2) == 0 { Severity::Passing } else { Severity::Hostile };
        let binding = [Binding::None, Binding::Reusable, Binding::SingleUse][dice.below(3)];
        let orders = (0..=dice.below(3).min(dice.below(3)))
            .map(|order| {
                let names = if dice.below(150) == 0 { 100 } else { 1 + dice.below(4) };
                (0..names).map(|name| format!("n{name}.o{order}.example.org")).collect()
            })
            .collect();
        let crashes = if dice.below(2) == 0 { 0 } else { 1 + dice.below(3) };
        let jumps = if dice.below(4) == 0 { 1 + dice.below(2) } else { 0 };
        let mut config = Config::default()
            .with_authorization_reuse(dice.below(2) == 0)
            .with_order_reuse(dice.below(4) == 0)
            .with_shuffled_lists(dice.below(2) == 0)
            .with_alternate_roots(dice.below(3))
            .with_bad_nonce_percent([0, 0, 5][dice.below(3)])
            .with_nonce_on_errors(dice.below(4) != 0)
            .with_validation_delay(Duration::from_millis([0, 40, 900, 7000][dice.below(4)]));
        match dice.below(4) {
            0 => config = config.with_issuance_delay(Duration::from_millis(250)),
            1 => config = config.with_issuance_delay(Duration::from_secs(9)),
            _ => {}
        }
        match dice.below(4) {
            0 => config = config.with_retry_after(RetryAfter::Seconds(3)),
            1 => config = config.with_retry_after(RetryAfter::HttpDate(4)),
            _ => {}
        }
        if binding != Binding::None {
            let account = ExternalAccount::new("kid-1", MAC_KEY);
            let account = match binding {
                Binding::SingleUse => account.single_use(),
                _ => account,
            };
            config = config
                .with_external_account_policy(ExternalAccountPolicy::Required)
                .with_external_account(account);
        }
        Self {
            seed,
            severity,
            binding,
            orders,
            prefers_alternate: dice.below(4) == 0,
            crashes: (0..crashes).map(|_| u32::try_from(dice.below(60)).unwrap()).collect(),
            jumps: (0..jumps)
                .map(|_| {
                    let at = u32::try_from(dice.below(60)).unwrap();
                    let by = [-86_400, -3600, -20, 20, 3600, 86_400 * 400][dice.below(6)];
                    (at, by)
                })
                .collect(),
            latency: Duration::from_millis([1, 20, 300][dice.below(3)]),
            plan: FaultPlan::random(seed, severity),
            config,
        }
    }

    pub(crate) fn config(&self) -> Config {
        self.config.clone()
    }
}

struct Dice(SeededEntropy);

impl Dice {
    fn new(seed: u64) -> Self {
        // Another stream than the client's and the CA's, which are named by the seed itself.
        Self(SeededEntropy::new(seed ^ 0x5ce7_a210_0000_0000))
    }

    fn below(&mut self, bound: usize) -> usize {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes).unwrap();
        usize::try_from(u32::from_be_bytes(bytes)).unwrap() % bound
    }
}
