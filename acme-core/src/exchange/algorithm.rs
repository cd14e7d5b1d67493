//! The algorithm names of signed requests: Ed25519 has two of them (RFC 8037 §3.1, RFC 9864).

use crate::error::Error;
use crate::jose::{AccountKey, JwsAlgorithm};
use crate::problem::{Problem, ProblemType};
use crate::session::Session;

/// What a request called its algorithm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UsedAlgorithm {
    name: Option<JwsAlgorithm>,
    /// Once for each request, so that a server that refuses both names ends it.
    renamed: bool,
}

impl UsedAlgorithm {
    /// The name for a request by this key that is signed now.
    pub(super) fn name(&mut self, session: &Session, key: &AccountKey) -> JwsAlgorithm {
        let name = session.algorithm_name(key.algorithm());
        self.name = Some(name);
        name
    }

    /// Whether the server refused no more than the name, so that the request is signed again under
    /// the other one (R-JWS-14); the session keeps that one.
    pub(super) fn is_renamed(&mut self, session: &mut Session, problem: Option<&Problem>) -> bool {
        let name = self.name.zip(problem).and_then(|(used, problem)| other_name(used, problem));
        match name {
            Some(name) if !self.renamed => {
                session.use_algorithm_name(name);
                self.renamed = true;
                true
            }
            _ => false,
        }
    }
}

/// The other name of the algorithm that a JWS inside the request used, if the server refused it for
/// that name.
pub(crate) fn accepted_name(used: JwsAlgorithm, error: &Error) -> Option<JwsAlgorithm> {
    other_name(used, error.problem()?)
}

fn other_name(used: JwsAlgorithm, problem: &Problem) -> Option<JwsAlgorithm> {
    match problem.kind {
        ProblemType::BadSignatureAlgorithm => used.accepted_name(&problem.algorithms),
        _ => None,
    }
}
