//! Publishing and withdrawing proofs through the solvers of a client.
//!
//! Orders that run side by side can be handed the same challenge, because CAs share authorizations
//! between the orders of an account. So the users of a proof are counted: the first one publishes,
//! the last one withdraws what was published.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use acmekit_core::action::{ChallengeId, Offer};
use acmekit_core::challenge::{Answer, ChallengeType, Token};
use acmekit_core::types::identifier::Identifier;

use crate::solver::Solver;
use crate::sync::lock;

/// Longest a solver may take to remove one proof; after that the operation goes on without it.
const WITHDRAW_TIME: Duration = Duration::from_secs(180);

/// The solvers of a client, and what they have published.
pub(crate) struct Publisher {
    solvers: Vec<Arc<dyn Solver>>,
    proofs: Mutex<HashMap<ProofId, SharedProof>>,
}

type SharedProof = Arc<tokio::sync::Mutex<Proof>>;

/// Names one proof. A challenge URL alone does not: a server may use one for several identifiers, or
/// come with another token at it later.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ProofId {
    solver: usize,
    challenge: ChallengeId,
    identifier: Identifier,
    kind: ChallengeType,
    token: Option<Token>,
}

impl ProofId {
    fn new(solver: usize, offer: &Offer) -> Self {
        Self {
            solver,
            challenge: offer.id.clone(),
            identifier: offer.identifier.clone(),
            kind: offer.kind.clone(),
            token: offer.token.clone(),
        }
    }
}

/// One proof at one solver. Locked while the solver works on it, so that one order's withdrawal
/// and another's publication of the same proof do not cross.
#[derive(Default)]
struct Proof {
    users: usize,
    /// What the solver was asked to publish. The offer of the last user may differ from it: the
    /// account key, and with it the key authorization, may have changed in between.
    presented: Option<Offer>,
    is_published: bool,
}

/// What was begun for one identifier: by which solver, and for which challenge.
pub(crate) type Begun = Arc<Mutex<Vec<(usize, Offer)>>>;

impl Publisher {
    pub(crate) fn new(solvers: Vec<Arc<dyn Solver>>) -> Self {
        Self { solvers, proofs: Mutex::default() }
    }

    fn proof(&self, id: &ProofId) -> SharedProof {
        Arc::clone(lock(&self.proofs).entry(id.clone()).or_default())
    }

    /// Takes a proof off the table, unless somebody uses it or is about to.
    fn forget(&self, id: &ProofId, proof: SharedProof) {
        let mut proofs = lock(&self.proofs);
        let is_unused = proof.try_lock().is_ok_and(|proof| proof.users == 0);
        // This one and the table's own. Others can be taken only from the table, which is locked.
        if is_unused && Arc::strong_count(&proof) == 2 {
            proofs.remove(id);
        }
        drop(proof);
    }

    /// Publishes one of the challenges of one identifier, by the first solver that can, and says
    /// what it is answered with. What is begun is noted before it begins, so that it can be withdrawn even when this future is dropped.
    pub(crate) async fn publish(
        &self,
        offers: &[Offer],
        begun: &Begun,
    ) -> Result<(ChallengeId, Answer), String> {
        let mut failures: Vec<String> = Vec::new();
        for (index, solver) in self.solvers.iter().enumerate() {
            let Some(offer) = offers.iter().find(|offer| solver.supports(offer)) else {
                continue;
            };
            match self.publish_by(index, solver.as_ref(), offer, begun).await {
                Ok(answer) => return Ok((offer.id.clone(), answer)),
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
    ) -> Result<Answer, String> {
        let proof = self.proof(&ProofId::new(index, offer));
        let mut proof = proof.lock().await;
        proof.users += 1;
        lock(begun).push((index, offer.clone()));
        if !proof.is_published {
            proof.presented = Some(offer.clone());
            solver.present(offer).await.map_err(|error| error.to_string())?;
            proof.is_published = true;
        }
        drop(proof);
        solver.ready(offer).await.map_err(|error| error.to_string())?;
        let answer = solver.answer(offer).await.map_err(|error| error.to_string())?;
        if !answer.is_empty() && !offer.kind.takes_answer() {
            return Err(format!("a challenge {} takes no members in its answer", offer.kind));
        }
        Ok(answer)
    }

    /// Withdraws what was begun for one identifier. Failures are logged: the operation has its own
    /// result, which they must not replace.
    pub(crate) async fn withdraw(&self, begun: Vec<(usize, Offer)>) {
        for (index, offer) in begun {
            let id = ProofId::new(index, &offer);
            let shared = self.proof(&id);
            let mut proof = shared.lock().await;
            proof.users = proof.users.saturating_sub(1);
            if proof.users == 0 {
                proof.is_published = false;
                let presented = proof.presented.take().unwrap_or(offer);
                self.withdraw_by(index, &presented).await;
            }
            drop(proof);
            self.forget(&id, shared);
        }
    }

    /// Withdraws offers that an earlier process may have published, from every solver that could
    /// have done it. What another operation of this process uses stays, until that one withdraws it.
    pub(crate) async fn withdraw_from_all(&self, offers: Vec<Offer>) {
        for (index, solver) in self.solvers.iter().enumerate() {
            for offer in offers.iter().filter(|offer| solver.supports(offer)) {
                let id = ProofId::new(index, offer);
                let shared = self.proof(&id);
                let proof = shared.lock().await;
                if proof.users == 0 {
                    self.withdraw_by(index, offer).await;
                }
                drop(proof);
                self.forget(&id, shared);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::SolverFuture;
    use crate::solver::testing::offer;
    use acmekit_core::challenge::KeyAuthorization;

    /// What is published at the moment.
    #[derive(Clone, Default)]
    struct Zone(Arc<Mutex<Vec<Offer>>>);

    impl Solver for Zone {
        fn supports(&self, _offer: &Offer) -> bool {
            true
        }

        fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
            lock(&self.0).push(offer.clone());
            Box::pin(core::future::ready(Ok(())))
        }

        fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
            lock(&self.0).retain(|published| published != offer);
            Box::pin(core::future::ready(Ok(())))
        }
    }

    impl Zone {
        fn len(&self) -> usize {
            lock(&self.0).len()
        }
    }

    fn publisher() -> (Publisher, Zone) {
        let zone = Zone::default();
        (Publisher::new(vec![Arc::new(zone.clone())]), zone)
    }

    async fn publish(publisher: &Publisher, offer: &Offer) -> Vec<(usize, Offer)> {
        let begun = Begun::default();
        publisher.publish(core::slice::from_ref(offer), &begun).await.unwrap();
        core::mem::take(&mut *lock(&begun))
    }

    fn with_token(token: &str) -> Offer {
        let mut offer = offer(ChallengeType::Dns01, "example.org");
        let token = Token::new(token).unwrap();
        offer.key_authorization = Some(KeyAuthorization::new(&token, "thumbprint"));
        offer.token = Some(token);
        offer
    }

    #[tokio::test]
    async fn one_challenge_url_with_several_identifiers_or_tokens_leaves_nothing_behind() {
        let (publisher, zone) = publisher();
        let tokens =
            ["evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", "DGyRejmCefe7v4NfDGDKfA00000000"];
        let mut offers = tokens.map(with_token).to_vec();
        let mut other = with_token(tokens[0]);
        other.identifier = "www.example.org".parse().unwrap();
        offers.push(other);
        let mut begun = Vec::new();
        for offer in &offers {
            begun.push(publish(&publisher, offer).await);
        }
        assert_eq!(zone.len(), 3, "each is published");
        for begun in begun {
            publisher.withdraw(begun).await;
        }
        assert_eq!(zone.len(), 0, "each is withdrawn");
        assert!(lock(&publisher.proofs).is_empty());
    }

    #[tokio::test]
    async fn what_was_presented_is_withdrawn_even_if_the_last_user_has_another_account_key() {
        let (publisher, zone) = publisher();
        let first = offer(ChallengeType::Dns01, "example.org");
        let mut second = first.clone();
        let token = second.token.as_ref().unwrap();
        second.key_authorization = Some(KeyAuthorization::new(token, "another-thumbprint"));
        let users = [publish(&publisher, &first).await, publish(&publisher, &second).await];
        for begun in users {
            publisher.withdraw(begun).await;
        }
        assert_eq!(zone.len(), 0);
    }

    #[tokio::test]
    async fn what_an_earlier_process_published_stays_while_an_operation_of_this_one_uses_it() {
        let (publisher, zone) = publisher();
        let offer = offer(ChallengeType::Dns01, "example.org");
        let begun = publish(&publisher, &offer).await;
        publisher.withdraw_from_all(vec![offer.clone()]).await;
        assert_eq!(zone.len(), 1, "it is in use");
        publisher.withdraw(begun).await;
        assert_eq!(zone.len(), 0);
        lock(&zone.0).push(offer.clone());
        publisher.withdraw_from_all(vec![offer]).await;
        assert_eq!(zone.len(), 0, "what nobody uses is withdrawn");
        assert!(lock(&publisher.proofs).is_empty());
    }
}
