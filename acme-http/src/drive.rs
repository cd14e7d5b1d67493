//! The one loop that runs any flow: it sends, signs, publishes and waits as the flow asks.

use core::future::pending;
use core::pin::{Pin, pin};
use core::time::Duration;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use acmekit_core::action::{
    Action, ChallengeId, Input, Offer, Outgoing, RequestId, RequestKind, SignId, SignRequest,
    SigningKey, TransportFailure, WaitReason,
};
use acmekit_core::challenge::Answer;
use acmekit_core::flow::{Checkpoint, Context, Flow};
use acmekit_core::time::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet};

use crate::client::Shared;
use crate::clock;
use crate::entropy::SystemEntropy;
use crate::error::Error;
use crate::event::Event;
use crate::publish::Begun;
use crate::sync::lock;

/// Most polls while a flow is shut down after its future was dropped: more than any flow needs.
const CLOSING_POLLS: usize = 64;
/// How long an operation waits for a publication that was stopped. A solver that lets go of its
/// thread now and then stops at once; one that blocks it is not waited for.
const STOPPING_TIME: Duration = Duration::from_secs(10);

/// What the caller has to say while a flow runs.
pub(crate) struct Wishes<'a> {
    /// Resolves when the flow is to be cancelled.
    pub(crate) stop: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
    /// Takes the state of the flow whenever there is nothing to do but wait.
    pub(crate) save: Option<Save<'a>>,
}

/// Takes a state in.
pub(crate) type Save<'a> = Box<dyn FnMut(&Checkpoint) + Send + 'a>;

impl Default for Wishes<'_> {
    fn default() -> Self {
        Self { stop: Box::pin(pending()), save: None }
    }
}

/// Runs a flow to its end.
pub(crate) async fn run<F: Flow>(
    shared: &Arc<Shared>,
    flow: &mut F,
    wishes: Wishes<'_>,
) -> Result<F::Output, Error> {
    let runtime = Handle::try_current().map_err(|_| {
        Error::setup("no-runtime", "there is no tokio runtime here; call this from inside one")
    })?;
    let wake = shared.wake.subscribe();
    let run = Run {
        shared: Arc::clone(shared),
        flow,
        runtime,
        tasks: JoinSet::new(),
        purposes: HashMap::new(),
        groups: Vec::new(),
        withdrawals: Vec::new(),
        finished: false,
    };
    run.finish(wake, wishes).await
}

/// A flow under way. When it is dropped before the end, the flow is cancelled and what was published
/// is withdrawn by tasks of the runtime.
struct Run<'f, F: Flow> {
    shared: Arc<Shared>,
    flow: &'f mut F,
    runtime: Handle,
    tasks: JoinSet<Outcome>,
    /// What each task is for, so that one that panics is not waited for.
    purposes: HashMap<Id, Purpose>,
    groups: Vec<Group>,
    withdrawals: Vec<JoinHandle<()>>,
    finished: bool,
}

enum Purpose {
    Request(RequestId, RequestKind),
    Signature(SignId),
    Publication(ChallengeId),
}

enum Outcome {
    Answer(Result<http::Response<Vec<u8>>, TransportFailure>, Instant),
    Signature(Result<Vec<u8>, String>),
    Publication(Result<(ChallengeId, Answer), String>),
}

/// The challenges of one authorization, while its proof is being published or is in place.
struct Group {
    offers: Vec<Offer>,
    begun: Begun,
    publication: AbortHandle,
    /// Resolves when the publication has ended or its future is gone.
    ended: oneshot::Receiver<()>,
}

impl<F: Flow> Run<'_, F> {
    async fn finish(
        mut self,
        mut wake: watch::Receiver<()>,
        mut wishes: Wishes<'_>,
    ) -> Result<F::Output, Error> {
        loop {
            // Before the poll: an answer of another flow that comes after it must not be missed.
            wake.mark_unchanged();
            let result = match self.poll() {
                Ok(Action::Send(outgoing)) => {
                    self.send(outgoing);
                    continue;
                }
                Ok(Action::Sign(request)) => {
                    self.sign(request);
                    continue;
                }
                Ok(Action::Present(offers)) => {
                    self.present(offers);
                    continue;
                }
                Ok(Action::Withdraw(offers)) => {
                    self.withdraw(&offers);
                    continue;
                }
                Ok(Action::Wait { until, reason }) => {
                    self.shared.notify(&Event::Waiting { reason, until });
                    self.pause(until, Some((&mut wake, reason)), &mut wishes).await;
                    continue;
                }
                Ok(Action::Blocked { until }) => {
                    self.pause(until, None, &mut wishes).await;
                    continue;
                }
                Ok(Action::Done(output)) => Ok(output),
                Err(error) => Err(error.into()),
            };
            self.finished = true;
            for withdrawal in core::mem::take(&mut self.withdrawals) {
                withdrawal.await.ok();
            }
            return result;
        }
    }

    fn poll(&mut self) -> Result<Action<F::Output>, acmekit_core::error::Error> {
        let mut session = self.shared.session();
        let mut entropy = SystemEntropy;
        let now = clock::now();
        self.flow.poll(&mut Context { session: &mut session, now, entropy: &mut entropy })
    }

    fn handle(&mut self, input: Input) {
        let mut session = self.shared.session();
        let mut entropy = SystemEntropy;
        let now = clock::now();
        let mut context = Context { session: &mut session, now, entropy: &mut entropy };
        if let Err(misuse) = self.flow.handle(&mut context, input) {
            // A late answer to what the flow has given up; the flow goes on without it.
            tracing::debug!(%misuse, "an input was not wanted any more");
        }
        drop(session);
        self.shared.wake.send_replace(());
    }

    fn send(&mut self, outgoing: Outgoing) {
        let purpose = Purpose::Request(outgoing.id, outgoing.kind);
        self.shared.notify(&Event::Request { kind: outgoing.kind });
        let shared = Arc::clone(&self.shared);
        let sent = Instant::now();
        let task = async move { Outcome::Answer(shared.transport.send(outgoing).await, sent) };
        self.purposes.insert(self.tasks.spawn_on(task, &self.runtime).id(), purpose);
    }

    fn sign(&mut self, request: SignRequest) {
        let SignRequest { id, key, message, .. } = request;
        let signer = match key {
            SigningKey::Account(_) => self.shared.account_signer.clone(),
            SigningKey::Certificate(_) | SigningKey::Revocation(_) => {
                self.shared.certificate_signer.clone()
            }
            _ => None,
        };
        let task = async move {
            Outcome::Signature(match signer {
                Some(signer) => signer.sign(key, &message).await.map_err(|e| e.to_string()),
                None => Err("the client has no signer for this key".to_owned()),
            })
        };
        let purpose = Purpose::Signature(id);
        self.purposes.insert(self.tasks.spawn_on(task, &self.runtime).id(), purpose);
    }

    /// Publishes for each authorization by a task of its own.
    fn present(&mut self, offers: Vec<Offer>) {
        for offers in by_authorization(offers) {
            let Some(id) = offers.first().map(|offer| offer.id.clone()) else {
                continue;
            };
            let begun = Begun::default();
            let (ending, ended) = oneshot::channel::<()>();
            let task = {
                let (shared, offers) = (Arc::clone(&self.shared), offers.clone());
                let begun = Arc::clone(&begun);
                async move {
                    // Dropped with this future, whether it ends, panics or is aborted.
                    let _ending = ending;
                    Outcome::Publication(shared.publisher.publish(&offers, &begun).await)
                }
            };
            let publication = self.tasks.spawn_on(task, &self.runtime);
            self.purposes.insert(publication.id(), Purpose::Publication(id));
            self.groups.push(Group { offers, begun, publication, ended });
        }
    }

    /// Withdraws by tasks that outlive this future.
    fn withdraw(&mut self, offers: &[Offer]) {
        let concerns = |group: &Group| {
            group.offers.iter().any(|own| offers.iter().any(|gone| is_same(gone, own)))
        };
        let (withdrawn, kept) =
            core::mem::take(&mut self.groups).into_iter().partition::<Vec<_>, _>(concerns);
        self.groups = kept;
        // Published by an earlier process, before a resume.
        let foreign: Vec<Offer> = offers
            .iter()
            .filter(|offer| {
                !withdrawn.iter().any(|group| group.offers.iter().any(|own| is_same(own, offer)))
            })
            .cloned()
            .collect();
        let event = Event::Withdrawing { identifiers: withdrawn.len() + foreign.len() };
        self.shared.notify(&event);
        for group in withdrawn {
            self.withdraw_group(group);
        }
        if !foreign.is_empty() {
            let shared = Arc::clone(&self.shared);
            self.spawn_withdrawal(async move { shared.publisher.withdraw_from_all(foreign).await });
        }
    }

    fn withdraw_group(&mut self, group: Group) {
        let Group { begun, publication, mut ended, .. } = group;
        publication.abort();
        let shared = Arc::clone(&self.shared);
        let withdraw = async move {
            let begun = core::mem::take(&mut *lock(&begun));
            shared.publisher.withdraw(begun).await;
        };
        let late = Withdrawing::new(&self.shared);
        self.spawn_withdrawal(async move {
            // An error is the end of the publication, too: its sender is dropped, never used.
            if tokio::time::timeout(STOPPING_TIME, &mut ended).await.is_ok() {
                return withdraw.await;
            }
            tracing::warn!(
                "a solver blocks its thread and cannot be stopped; its proof is withdrawn when it \
                 returns, if the program still runs then"
            );
            tokio::spawn(async move {
                let _late = late;
                ended.await.ok();
                withdraw.await;
            });
        });
    }

    fn spawn_withdrawal(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let counted = Withdrawing::new(&self.shared);
        self.withdrawals.push(self.runtime.spawn(async move {
            let _counted = counted;
            work.await;
        }));
    }

    /// Waits for an outcome, for the wish to stop, for the time, and (if the flow waits) for what
    /// other flows hear.
    async fn pause(
        &mut self,
        until: Timestamp,
        wait: Option<(&mut watch::Receiver<()>, WaitReason)>,
        wishes: &mut Wishes<'_>,
    ) {
        if let Some(save) = &mut wishes.save {
            save(&self.flow.checkpoint());
        }
        let mut others = pin!(async {
            match wait {
                Some((wake, _)) => wake.changed().await.ok(),
                None => pending().await,
            }
        });
        let outcome = tokio::select! {
            Some(outcome) = self.tasks.join_next_with_id() => outcome,
            () = &mut wishes.stop => {
                wishes.stop = Box::pin(pending());
                self.handle(Input::Cancel);
                return;
            }
            _ = &mut others => return,
            () = clock::sleep_towards(until) => return,
        };
        self.take(outcome);
        while let Some(outcome) = self.tasks.try_join_next_with_id() {
            self.take(outcome);
        }
    }

    /// Hands the outcome of a task to the flow.
    fn take(&mut self, outcome: Result<(Id, Outcome), JoinError>) {
        let (id, outcome) = match outcome {
            Ok((id, outcome)) => (id, Some(outcome)),
            Err(error) if error.is_cancelled() => {
                self.purposes.remove(&error.id());
                return;
            }
            // A panic, in a solver or a signer: it must not leave the flow waiting.
            Err(error) => (error.id(), None),
        };
        let Some(purpose) = self.purposes.remove(&id) else {
            return;
        };
        let panicked = || "it panicked".to_owned();
        let input = match (purpose, outcome) {
            (Purpose::Request(id, kind), Some(Outcome::Answer(Ok(response), sent))) => {
                let (status, elapsed) = (response.status().as_u16(), sent.elapsed());
                let version = response.version();
                tracing::debug!(%kind, status, ?version, ?elapsed, "answer");
                self.shared.notify(&Event::Answer { kind, status, version, elapsed });
                Input::Response { id, response }
            }
            (Purpose::Request(id, kind), Some(Outcome::Answer(Err(failure), _))) => {
                tracing::debug!(%kind, ?failure, "no answer");
                self.shared.notify(&Event::NoAnswer { kind, failure: &failure });
                Input::Failed { id, failure }
            }
            (Purpose::Request(id, _), _) => {
                Input::Failed { id, failure: TransportFailure::Unknown(panicked()) }
            }
            (Purpose::Signature(id), Some(Outcome::Signature(Ok(bytes)))) => {
                Input::Signature { id, bytes }
            }
            (Purpose::Signature(id), Some(Outcome::Signature(Err(reason)))) => {
                Input::SignatureFailed { id, reason }
            }
            (Purpose::Signature(id), _) => Input::SignatureFailed { id, reason: panicked() },
            (Purpose::Publication(_), Some(Outcome::Publication(Ok((id, answer))))) => {
                let offers = self.groups.iter().flat_map(|group| &group.offers);
                if let Some(offer) = offers.into_iter().find(|offer| offer.id == id) {
                    let (identifier, challenge) = (&offer.identifier, &offer.kind);
                    tracing::debug!(%identifier, %challenge, "proof published");
                    self.shared.notify(&Event::Published { identifier, challenge });
                }
                Input::PublishedWith { id, answer }
            }
            (Purpose::Publication(id), Some(Outcome::Publication(Err(reason)))) => {
                Input::PublicationFailed { id, reason }
            }
            (Purpose::Publication(id), _) => Input::PublicationFailed { id, reason: panicked() },
        };
        self.handle(input);
    }
}

/// The offers of each authorization, of which one has to be published. Two authorizations of an
/// order can be for the same identifier, one of them for the wildcard, even where the server forgets
/// to say which.
fn by_authorization(offers: Vec<Offer>) -> Vec<Vec<Offer>> {
    let mut groups: Vec<Vec<Offer>> = Vec::new();
    for offer in offers {
        let same = |group: &&mut Vec<Offer>| {
            group.first().is_some_and(|first| first.authorization_url == offer.authorization_url)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(offer),
            None => groups.push(vec![offer]),
        }
    }
    groups
}

/// Whether two offers are for the same challenge. Its URL alone does not tell, should a server use
/// one for several authorizations.
fn is_same(a: &Offer, b: &Offer) -> bool {
    a.id == b.id && a.authorization_url == b.authorization_url && a.token == b.token
}

/// Counts a withdrawal while it is under way.
struct Withdrawing(Arc<Shared>);

impl Withdrawing {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.withdrawing.send_modify(|count| *count += 1);
        Self(Arc::clone(shared))
    }
}

impl Drop for Withdrawing {
    fn drop(&mut self) {
        self.0.withdrawing.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl<F: Flow> Drop for Run<'_, F> {
    fn drop(&mut self) {
        // Answers that will never come: the session counts what is in flight.
        for purpose in core::mem::take(&mut self.purposes).into_values() {
            if let Purpose::Request(id, _) = purpose {
                let failure = TransportFailure::Unknown("the operation was abandoned".to_owned());
                self.handle(Input::Failed { id, failure });
            }
        }
        if !self.finished {
            self.handle(Input::Cancel);
            for _ in 0..CLOSING_POLLS {
                match self.poll() {
                    Ok(Action::Withdraw(offers)) => self.withdraw(&offers),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }
        for group in core::mem::take(&mut self.groups) {
            self.withdraw_group(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::testing::offer;

    fn at(authorization_url: &str, kind: &str) -> Offer {
        let mut offer = offer(kind.into(), "example.org");
        authorization_url.clone_into(&mut offer.authorization_url);
        offer
    }

    #[test]
    fn two_authorizations_of_one_identifier_are_published_apart() {
        let offers = vec![at("/1", "http-01"), at("/1", "dns-01"), at("/2", "dns-01")];
        let groups = by_authorization(offers.clone());
        assert_eq!(groups, [offers[..2].to_vec(), offers[2..].to_vec()]);
    }

    #[test]
    fn a_challenge_url_used_twice_names_two_challenges() {
        assert!(is_same(&at("/1", "dns-01"), &at("/1", "dns-01")));
        assert!(!is_same(&at("/1", "dns-01"), &at("/2", "dns-01")));
    }
}
