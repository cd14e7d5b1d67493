//! `acme`: obtains certificates from ACME certificate authorities, on top of acmekit.

mod account;
mod arguments;
mod ca;
mod eab;
mod exit_code;
mod failure;
mod interrupt;
mod issue;
mod japanese;
mod output;
mod preparation;
mod progress;
mod revoke;
mod server;
mod solver;

use std::process::ExitCode as ProcessExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::{Arguments, Command, environment_language, wanted_language, wants_json};
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
            let language = wanted_language(std::env::args_os());
            let language = language.unwrap_or_else(environment_language);
            let output = Output::without_progress(wants_json(std::env::args_os()), language);
            return fail(&output, &usage(&error));
        }
    };
    let language = arguments.lang.unwrap_or_else(environment_language);
    let output = Output::new(arguments.json, language);
    let result = match &arguments.command {
        Command::Issue(arguments) => issue::run(arguments, &output),
        Command::Account(command) => account::run(command, &output),
        Command::Revoke(arguments) => revoke::run(arguments, &output),
        Command::Eab(command) => eab::run(command, &output),
        Command::Ca(command) => ca::run(command, &output),
    };
    match result {
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
    let advice = "See `acme --help`.";
    if let (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
        && !word.starts_with('-')
    {
        // It may be a part of a secret that was torn by a space.
        let message = "a word is there that belongs to no option";
        return Failure::input(ExitCode::Usage, "usage", message, advice);
    }
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    Failure::input(ExitCode::Usage, "usage", line, advice)
}
