//! A third party's kind of challenge, from a solver of its own to the certificate, with no fork.

use acmekit::solver::{Solver, SolverError, SolverFuture};
use acmekit::{Answer, ChallengeType, ErrorKind, Offer, Wanted};
use acmekit_testing::server::{Server, ServerOptions};
use acmekit_testing::{
    Config, FailureReason, PluginChallenge, Validation, ValidationOutcome, ValidationTarget,
};
use serde_json::json;

use crate::recorder::Recorder;
use crate::setup::{assert_no_violation, client_for, registered, start};

/// Answers a question that the challenge asks.
struct Riddles {
    kind: &'static str,
}

impl Solver for Riddles {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind.as_str() == self.kind
    }

    fn present<'a>(&'a self, _offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(Ok(())))
    }

    fn answer<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a, Answer> {
        let answer = json!({
            "sum": offer.members().get("terms").and_then(|terms| terms.as_array()).map(|terms| {
                terms.iter().filter_map(serde_json::Value::as_u64).sum::<u64>()
            }),
            "key": offer.account_key_thumbprint(),
        });
        let answer = Answer::new(answer.as_object().unwrap());
        Box::pin(core::future::ready(answer.map_err(|e| SolverError::new(e.to_string()))))
    }

    fn withdraw<'a>(&'a self, _offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(core::future::ready(Ok(())))
    }
}

fn judge(validation: &Validation) -> ValidationOutcome {
    if let ValidationTarget::Plugin { answer, account_key_thumbprint, .. } = &validation.target
        && json!(answer) == json!({ "sum": 42, "key": account_key_thumbprint })
    {
        return ValidationOutcome::Proven;
    }
    let detail = "that is not the sum".to_owned();
    ValidationOutcome::Failed { reason: FailureReason::Unauthorized, detail }
}

fn start_with_riddle(terms: &[u64]) -> Server {
    let riddle = PluginChallenge::new("x-test-01").without_token().with_member("terms", terms);
    let config = Config::default().with_plugin_challenge(riddle);
    start(config, ServerOptions::default().with_plugin_judge(judge))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_solver_made_elsewhere_meets_a_kind_of_challenge_made_elsewhere() {
    let server = start_with_riddle(&[40, 2]);
    let solver = Recorder::before(Riddles { kind: "x-test-01" });
    let client = registered(client_for(&server).solver(solver.clone())).await;
    client.obtain(Wanted::names(["a.example.org", "*.example.org"]).unwrap()).await.unwrap();
    assert_eq!(solver.count("present"), 2);
    assert!(solver.is_paired());
    assert_no_violation(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ca_says_to_a_wrong_answer_is_told() {
    let server = start_with_riddle(&[40, 1]);
    let solver = Recorder::before(Riddles { kind: "x-test-01" });
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let error = client.obtain(Wanted::names(["a.example.org"]).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation);
    assert!(error.to_string().contains("that is not the sum"), "{error}");
    assert!(solver.is_paired());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_solver_that_adds_members_to_a_standard_answer_is_told_and_nothing_is_sent() {
    let server = start(Config::default(), ServerOptions::default());
    let solver = Recorder::before(Riddles { kind: ChallengeType::Http01.as_str() });
    let client = registered(client_for(&server).solver(solver.clone())).await;
    let error = client.obtain(Wanted::names(["a.example.org"]).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Publication);
    assert!(error.to_string().contains("http-01 takes no members"), "{error}");
    assert!(solver.is_paired());
    server.with_ca(|ca| assert_eq!(ca.requests().challenge, 0));
}
