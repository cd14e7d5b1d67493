//! `acme`: obtains certificates from ACME certificate authorities, on top of acmekit.

mod arguments;
mod exit_code;
mod failure;
mod interrupt;
mod issue;
mod output;
mod preparation;
mod progress;
mod solver;

use std::process::ExitCode as ProcessExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, wants_json};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ProcessExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if !error.use_stderr() => {
            // `--help` and `--version`.
            return match error.print() {
                Ok(()) => ProcessExitCode::SUCCESS,
                Err(_) => ProcessExitCode::FAILURE,
            };
        }
        Err(error) => {
            let output = if wants_json(std::env::args_os()) { Output::Json } else { Output::Plain };
            return fail(&output, &usage(&error));
        }
    };
    let Command::Issue(arguments) = arguments.command;
    let output = Output::new(arguments.json);
    match issue::run(&arguments, &output) {
        Ok(()) => ProcessExitCode::SUCCESS,
        Err(failure) => fail(&output, &failure),
    }
}

fn fail(output: &Output, failure: &Failure) -> ProcessExitCode {
    output.failure(failure);
    ProcessExitCode::from(failure.exit as u8)
}

/// What clap says in its first paragraph, on one line.
fn usage(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    Failure::input(ExitCode::Usage, "usage", line, "See `acme issue --help`.")
}
