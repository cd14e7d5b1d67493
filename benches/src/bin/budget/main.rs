//! Prints what a certificate costs with acmekit and with instant-acme, in one run: requests as the
//! server counts them, wall time, processor time and peak memory.
//!
//! ```text
//! cargo run --release -p acmekit-benches --bin budget
//! cargo run -p acmekit-benches --bin budget -- --short     for CI, under a minute
//! ```
//!
//! Every client runs every workload in a process of its own, against a server of its own, with an
//! account that exists already. The exit status is 1 if acmekit sends more requests than its budget
//! allows, in every round. Times and memory depend on the machine: they are printed, never judged.

#![allow(clippy::print_stdout, reason = "a program that prints")]
#![forbid(unsafe_code)]

mod child;
mod job;
mod listener;
mod run;
mod table;
mod target;
mod with_acmekit;
mod with_instant_acme;
mod workload;

// The launchers of the interop tests. They hand out more than is needed here.
#[path = "../../../../acme-http/tests/interop/mod.rs"]
mod interop;

use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use interop::LaunchError;
use target::Kind;

/// Whatever went wrong; it ends the program.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a certificate costs with acmekit and with instant-acme.
#[derive(Parser)]
struct Arguments {
    /// Fewer certificates and every workload once; finishes in under a minute without --release.
    #[arg(long)]
    short: bool,
    /// Only this server.
    #[arg(long, value_enum)]
    only: Option<Server>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Server {
    TestingCa,
    Pebble,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the job on standard input and prints its measurements.
    #[command(hide = true)]
    Child,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Child) => child::run().map(|()| true),
        None => compare(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether acmekit has kept to its budget everywhere.
fn compare(arguments: &Arguments) -> Result<bool, Failure> {
    table::print_introduction();
    let mut exceeded = 0;
    let mut left_out = Vec::new();
    for (server, kind) in [(Server::TestingCa, Kind::TestingCa), (Server::Pebble, Kind::Pebble)] {
        if arguments.only.is_some_and(|only| only != server) {
            continue;
        }
        match run::on_target(kind, arguments.short)? {
            Ok(measured) => exceeded += table::print(kind, &measured),
            Err(error @ (LaunchError::Missing { .. } | LaunchError::NotPermitted(_))) => {
                left_out.push(format!("{kind}: {error}"));
            }
            Err(error) => return Err(error.to_string().into()),
        }
    }
    println!();
    for reason in &left_out {
        println!("left out: {reason}");
        record_skip(reason)?;
    }
    println!("{exceeded} budgets exceeded, {} servers left out", left_out.len());
    Ok(exceeded == 0)
}

/// Lets the test command count what was left out.
fn record_skip(reason: &str) -> Result<(), Failure> {
    let Some(path) = std::env::var_os("ACMEKIT_SKIP_LOG") else {
        return Ok(());
    };
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "SKIPPED budget: {reason}")?)
}
