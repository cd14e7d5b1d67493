//! The printed comparison.

use crate::job::Library;
use crate::run::{Measured, Round};
use crate::target::Kind;

pub(crate) fn print_introduction() {
    let build = if cfg!(debug_assertions) { "without optimisation" } else { "optimised" };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "acmekit {} beside instant-acme {}; built {build}; {processors} processors",
        env!("CARGO_PKG_VERSION"),
        instant_acme_version(),
    );
    println!(
        "P-256 keys, http-01, account registered before, TLS and connection set-up included;\n\
         requests as the server counts them; medians of all rounds"
    );
}

/// The version that was built in.
fn instant_acme_version() -> &'static str {
    let lock = include_str!("../../../../Cargo.lock");
    let (_, entry) = lock.split_once("name = \"instant-acme\"").unwrap_or_default();
    entry.split('"').nth(1).unwrap_or("(unknown)")
}

/// Prints the table of one server; returns how often acmekit went over its budget.
pub(crate) fn print(kind: Kind, measured: &[Measured]) -> usize {
    println!("\n{kind}\n");
    println!(
        "{:<40} {:<12} {:>8} {:>7} {:>10} {:>10} {:>10}",
        "workload", "client", "requests", "each", "wall", "processor", "memory"
    );
    let mut exceeded = 0;
    for pair in measured.chunks(2) {
        let mut rows = Vec::new();
        for (index, measured) in pair.iter().enumerate() {
            let row = Row::of(measured);
            let workload = if index == 0 { measured.workload.to_string() } else { String::new() };
            row.print(&workload, measured);
            rows.push(row);
        }
        if let [ours, theirs] = rows.as_slice() {
            print_ratios(ours, theirs);
        }
    }
    println!();
    for measured in measured {
        let (workload, name) = (measured.workload, measured.library.name());
        let requests = match measured.requests() {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        print!("{name}, {workload}: {requests} requests in {} round(s)", measured.rounds.len());
        if measured.library == Library::Acmekit {
            let verdict = if measured.keeps_budget() { "kept" } else { "EXCEEDED" };
            exceeded += usize::from(!measured.keeps_budget());
            print!(", budget {}: {verdict}", workload.budget());
        }
        println!();
        if let Some(round) = measured.rounds.iter().max_by_key(|round| round.requests()) {
            let counts: Vec<_> =
                round.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            println!("    {}", counts.join(", "));
            print_waiting(round);
        }
    }
    exceeded
}

struct Row {
    requests: u64,
    wall_micros: u64,
    processor_micros: Option<u64>,
    memory_kib: Option<u64>,
}

impl Row {
    fn of(measured: &Measured) -> Self {
        let rounds = &measured.rounds;
        let of = |value: fn(&Round) -> Option<u64>| median(rounds.iter().filter_map(value));
        Self {
            requests: of(|round| Some(round.requests())).unwrap_or(0),
            wall_micros: of(|round| Some(round.report.wall_micros)).unwrap_or(0),
            processor_micros: of(|round| round.report.processor_micros),
            memory_kib: of(|round| round.report.peak_memory_kib),
        }
    }

    fn print(&self, workload: &str, measured: &Measured) {
        let absent = || "-".to_owned();
        println!(
            "{workload:<40} {:<12} {:>8} {:>7.2} {:>10} {:>10} {:>10}",
            measured.library.name(),
            self.requests,
            self.requests as f64 / measured.workload.certificates as f64,
            millis(self.wall_micros),
            self.processor_micros.map_or_else(absent, millis),
            self.memory_kib.map_or_else(absent, |kib| format!("{:.1} MiB", kib as f64 / 1024.0)),
        );
    }
}

fn print_ratios(ours: &Row, theirs: &Row) {
    let ratio = |ours: Option<u64>, theirs: Option<u64>| match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours > 0 => format!("{:.2} x", theirs as f64 / ours as f64),
        _ => "-".to_owned(),
    };
    println!(
        "{:<40} {:<12} {:>8} {:>7} {:>10} {:>10} {:>10}",
        "",
        "ratio",
        ratio(Some(ours.requests), Some(theirs.requests)),
        "",
        ratio(Some(ours.wall_micros), Some(theirs.wall_micros)),
        ratio(ours.processor_micros, theirs.processor_micros),
        ratio(ours.memory_kib, theirs.memory_kib),
    );
}

fn print_waiting(round: &Round) {
    let waiting = &round.waiting;
    let (Some(longest), [.., _, _]) = (waiting.fetched_after.last(), &*waiting.fetched_after)
    else {
        return;
    };
    let at = |part: usize| {
        let index = waiting.fetched_after.len() * part / 100;
        waiting.fetched_after.get(index).unwrap_or(longest)
    };
    let polls: Vec<_> = waiting
        .polls
        .iter()
        .map(|(polls, orders)| format!("{orders} order(s) polled {polls} time(s)"))
        .collect();
    println!(
        "    {}; proof fetched {} ms after the answer to the challenge (half), {} ms (90 %), \
         {longest} ms (all)",
        polls.join(", "),
        at(50),
        at(90),
    );
}

fn millis(micros: u64) -> String {
    format!("{:.1} ms", micros as f64 / 1000.0)
}

fn median(values: impl Iterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
