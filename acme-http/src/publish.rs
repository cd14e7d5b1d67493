//! Publishing and withdrawing proofs through the solvers of a client.
//!
//! Orders that run side by side can be handed the same challenge, because CAs share authorizations
//! between the orders of an account. So proofs are counted by challenge: the first user publishes,
//! the last one withdraws.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use acmekit_core::action::{ChallengeId, Offer};

use crate::solver::Solver;
use crate::sync::lock;

/// Longest a solver may take to remove one proof; after that the operation goes on without it.
const WITHDRAW_TIME: Duration = Duration::from_secs(180);

/// The solvers of a client, and what they have published.
pub(crate) struct Publisher {
    solvers: Vec<Arc<dyn Solver>>,
    proofs: Mutex<HashMap<(usize, ChallengeId), SharedProof>>,
}

type SharedProof = Arc<tokio::sync::Mutex<Proof>>;

/// One challenge at one solver. Locked while the solver works on it, so that one order's withdrawal
/// and another's publication of the same proof do not cross.
#[derive(Default)]
struct Proof {
    users: usize,
    is_published: bool,
}

/// What was begun for one identifier: by which solver, and for which challenge.
pub(crate) type Begun = Arc<Mutex<Vec<(usize, Offer)>>>;

impl Publisher {
    pub(crate) fn new(solvers: Vec<Arc<dyn Solver>>) -> Self {
        Self { solvers, proofs: Mutex::default() }
    }

    fn proof(&self, solver: usize, id: &ChallengeId) -> SharedProof {
        let mut proofs = lock(&self.proofs);
        Arc::clone(proofs.entry((solver, id.clone())).or_default())
    }

    /// Publishes one of the challenges of one identifier, by the first solver that can. What is
    /// begun is noted before it begins, so that it can be withdrawn even when this future is dropped.
    pub(crate) async fn publish(
        &self,
        offers: &[Offer],
        begun: &Begun,
    ) -> Result<ChallengeId, String> {
        let mut failures: Vec<String> = Vec::new();
        for (index, solver) in self.solvers.iter().enumerate() {
            let Some(offer) = offers.iter().find(|offer| solver.supports(offer)) else {
                continue;
            };
            match self.publish_by(index, solver.as_ref(), offer, begun).await {
                Ok(()) => return Ok(offer.id.clone()),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            let mut offered: Vec<_> = offers.iter().map(|offer| offer.kind.to_string()).collect();
            offered.dedup();
            return Err(format!("no solver is set up for {}", offered.join(" or ")));
        }
        Err(failures.join("; "))
    }

    async fn publish_by(
        &self,
        index: usize,
        solver: &dyn Solver,
        offer: &Offer,
        begun: &Begun,
    ) -> Result<(), String> {
        let proof = self.proof(index, &offer.id);
        let mut proof = proof.lock().await;
        proof.users += 1;
        lock(begun).push((index, offer.clone()));
        if !proof.is_published {
            solver.present(offer).await.map_err(|error| error.to_string())?;
            proof.is_published = true;
        }
        drop(proof);
        solver.ready(offer).await.map_err(|error| error.to_string())
    }

    /// Withdraws what was begun for one identifier. Failures are logged: the operation has its own
    /// result, which they must not replace.
    pub(crate) async fn withdraw(&self, begun: Vec<(usize, Offer)>) {
        for (index, offer) in begun {
            let key = (index, offer.id.clone());
            let shared = self.proof(index, &offer.id);
            let mut proof = shared.lock().await;
            proof.users = proof.users.saturating_sub(1);
            if proof.users > 0 {
                continue;
            }
            proof.is_published = false;
            self.withdraw_by(index, &offer).await;
            drop(proof);
            let mut proofs = lock(&self.proofs);
            // This one and the table's own: nobody waits for it.
            if Arc::strong_count(&shared) == 2 {
                proofs.remove(&key);
            }
        }
    }

    /// Withdraws offers that an earlier process may have published, from every solver that could
    /// have done it.
    pub(crate) async fn withdraw_from_all(&self, offers: Vec<Offer>) {
        for (index, solver) in self.solvers.iter().enumerate() {
            let supported = offers.iter().filter(|offer| solver.supports(offer));
            self.withdraw(supported.map(|offer| (index, offer.clone())).collect()).await;
        }
    }

    async fn withdraw_by(&self, index: usize, offer: &Offer) {
        let Some(solver) = self.solvers.get(index) else {
            return;
        };
        let (identifier, challenge) = (&offer.identifier, &offer.kind);
        match tokio::time::timeout(WITHDRAW_TIME, solver.withdraw(offer)).await {
            Ok(Ok(())) => tracing::debug!(%identifier, %challenge, "proof withdrawn"),
            Ok(Err(error)) => {
                tracing::warn!(%identifier, %challenge, %error, "a proof could not be withdrawn");
            }
            Err(_) => tracing::warn!(%identifier, %challenge, "withdrawing a proof took too long"),
        }
    }
}
