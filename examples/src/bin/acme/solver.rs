//! The one solver that the command line asks for.

use acmekit::ClientBuilder;
use acmekit::solver::SolverError;
use acmekit::solver::dns01::Dns01Exec;
use acmekit::solver::http01::{Http01Listener, Http01Webroot};
use acmekit::solver::tls_alpn01::TlsAlpn01Listener;

use crate::arguments::IssueArguments;
use crate::exit_code::ExitCode;
use crate::failure::Failure;

/// Sets the solver up, which for a listener takes the port, and hands it to the client.
pub(crate) async fn add(
    builder: ClientBuilder,
    arguments: &IssueArguments,
) -> Result<ClientBuilder, Failure> {
    let listen = |error| failure(ExitCode::Listen, error);
    let setup = |error| failure(ExitCode::ChallengeSetup, error);
    if let Some(address) = arguments.http01_listen {
        let solver = Http01Listener::bind(address.to_string()).await;
        return solver.map(|solver| builder.solver(solver)).map_err(listen);
    }
    if let Some(address) = arguments.tlsalpn01_listen {
        let solver = TlsAlpn01Listener::bind(address.to_string()).await;
        return solver.map(|solver| builder.solver(solver)).map_err(listen);
    }
    if let Some(directory) = &arguments.webroot {
        let solver = Http01Webroot::new(directory);
        return solver.map(|solver| builder.solver(solver)).map_err(setup);
    }
    if let Some(program) = &arguments.dns01_exec {
        let solver = Dns01Exec::new(program);
        return solver.map(|solver| builder.solver(solver)).map_err(setup);
    }
    Ok(builder)
}

fn failure(exit: ExitCode, error: SolverError) -> Failure {
    let advice = match exit {
        ExitCode::Listen => "Choose an address and a port that are free and permitted.",
        _ => "Name a directory or a program that exists and that this user may use.",
    };
    Failure::input(exit, error.code(), error, advice)
}
