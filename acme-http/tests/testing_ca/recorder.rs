//! A solver that notes what it is asked to do, in front of another one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use acmekit::solver::{Solver, SolverError, SolverFuture};
use acmekit::{Answer, Offer};

/// Notes each call, then hands it on.
#[derive(Clone)]
pub(crate) struct Recorder {
    calls: Arc<Mutex<Vec<(&'static str, String)>>>,
    behind: Arc<dyn Solver>,
}

impl Recorder {
    pub(crate) fn before(behind: impl Solver) -> Self {
        Self { calls: Arc::default(), behind: Arc::new(behind) }
    }

    /// How often this was called.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(name, _)| *name == call).count()
    }

    /// Whether everything that was presented was withdrawn, once.
    pub(crate) fn is_paired(&self) -> bool {
        let calls = self.calls.lock().unwrap();
        let of = |call: &str| {
            let mut ids: Vec<_> =
                calls.iter().filter(|(name, _)| *name == call).map(|(_, id)| id.clone()).collect();
            ids.sort();
            ids
        };
        of("present") == of("withdraw")
    }

    fn note(&self, call: &'static str, offer: &Offer) {
        self.calls.lock().unwrap().push((call, offer.id.as_str().to_owned()));
    }
}

impl Solver for Recorder {
    fn supports(&self, offer: &Offer) -> bool {
        self.behind.supports(offer)
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        self.note("present", offer);
        self.behind.present(offer)
    }

    fn ready<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        self.behind.ready(offer)
    }

    fn answer<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a, Answer> {
        self.behind.answer(offer)
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        self.note("withdraw", offer);
        self.behind.withdraw(offer)
    }
}

/// Takes every http-01 challenge and then does this with it.
pub(crate) enum Odd {
    Fails,
    Hangs,
    Panics,
    WithdrawFails,
    /// Blocks its thread until this is set, or for 25 s so that a test that fails comes to an end.
    Blocks(Arc<AtomicBool>),
}

impl Solver for Odd {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == acmekit::ChallengeType::Http01
    }

    fn present<'a>(&'a self, _offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(async move {
            match self {
                Self::Fails => Err(SolverError::new("the printer is on fire")),
                Self::Hangs => core::future::pending().await,
                Self::Panics => panic!("a bug in a solver"),
                Self::WithdrawFails => Ok(()),
                Self::Blocks(released) => {
                    let begun = Instant::now();
                    while !released.load(Ordering::Relaxed) && begun.elapsed().as_secs() < 25 {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    Ok(())
                }
            }
        })
    }

    fn withdraw<'a>(&'a self, _offer: &'a Offer) -> SolverFuture<'a> {
        Box::pin(async move {
            match self {
                Self::WithdrawFails => Err(SolverError::new("it does not come off")),
                _ => Ok(()),
            }
        })
    }
}
