//! Whole issuances against random faults, crashes and clocks that jump, from seeds.
//!
//! Each seed makes a scenario: names, orders side by side, a binding or none, a plan of faults,
//! moments at which the process dies and others at which its clock is set. What must always hold is
//! checked while it runs (`watch.rs`) and at its end (`verdict.rs`).
//!
//! ```text
//! ACMEKIT_SEEDS=4711 cargo test -p acmekit-core --test simulation -- --nocapture     replays one
//! ACMEKIT_SEEDS=0..1000000 cargo test --release -p acmekit-core --test simulation    runs many
//! ```

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the harness reads its seeds, runs on all cores and prints totals"
)]

mod process;
mod scenario;
mod verdict;
mod watch;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use scenario::Scenario;
use verdict::Verdict;

/// What runs when nothing else is asked for.
const SEEDS: Range<u64> = 0..2_500;

fn wanted() -> Range<u64> {
    let Ok(text) = std::env::var("ACMEKIT_SEEDS") else { return SEEDS };
    let number = |text: &str| text.parse::<u64>().expect("ACMEKIT_SEEDS is a seed or FROM..TO");
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

/// Runs one seed. The error is what does not hold.
fn run(seed: u64, is_told: bool) -> Result<Verdict, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let scenario = Scenario::new(seed);
        process::live(&scenario, is_told).and_then(|life| verdict::judge(&scenario, &life))
    }));
    match outcome {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(format!("panicked: {}", text.unwrap_or_default()))
        }
    }
}

#[test]
fn whatever_fails_the_client_succeeds_or_stops_cleanly() {
    let seeds = wanted();
    let is_replay = seeds.end == seeds.start + 1;
    if is_replay {
        println!("{:#?}", Scenario::new(seeds.start));
    }
    let next = AtomicU64::new(seeds.start);
    let totals = Mutex::new(BTreeMap::<&'static str, u64>::new());
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match run(seed, is_replay) {
                        Ok(verdict) => {
                            let mut totals = totals.lock().unwrap();
                            for (what, count) in verdict.counts() {
                                *totals.entry(what).or_default() += count;
                            }
                        }
                        Err(what) => failures.lock().unwrap().push((seed, what)),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    println!("{} seeds, {} failed", seeds.end - seeds.start, failures.len());
    for (what, count) in totals.into_inner().unwrap() {
        println!("{count:>9} {what}");
    }
    for (seed, what) in failures.iter().take(20) {
        println!("seed {seed}: {what}");
        println!(
            "  ACMEKIT_SEEDS={seed} cargo test -p acmekit-core --test simulation -- --nocapture"
        );
    }
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
}
