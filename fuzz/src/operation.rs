//! The flows under test, and what must be true of their results.

use acmekit_core::account::Account;
use acmekit_core::certificate::Certificate;
use acmekit_core::crypto::SignatureCheck;
use acmekit_core::error::Step;
use acmekit_core::flow::account::Register;
use acmekit_core::flow::issue::{Issue, Issued};
use acmekit_core::flow::{Checkpoint, Flow, ResumeError};
use acmekit_core::session::Session;
use acmekit_core::time::Timestamp;

use crate::fixture::{self, Order};

/// A flow that can be saved, restored and judged.
pub trait Operation: Flow + Sized {
    /// Whether a restored flow gives the very checkpoint it was made from.
    const KEEPS_CHECKPOINT: bool;

    /// Continues from a checkpoint.
    fn restore(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError>;

    /// Takes the deadline away.
    fn endless(self) -> Self;

    /// Whether the driver's word about publications is outstanding.
    fn awaits_publication(&self) -> bool {
        false
    }

    /// Panics if the result is not what was asked for.
    fn judge(output: &Self::Output, order: &Order, session: &Session, now: Timestamp);
}

impl Operation for Issue {
    const KEEPS_CHECKPOINT: bool = true;

    fn restore(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        Self::resume(saved, session)
    }

    fn endless(self) -> Self {
        self.deadline(Timestamp::MAX)
    }

    fn awaits_publication(&self) -> bool {
        self.step() == Step::Publication
    }

    /// Written without the library's own verification on purpose.
    fn judge(issued: &Issued, order: &Order, session: &Session, now: Timestamp) {
        let certificates = issued.chain().certificates();
        let leaf = issued.chain().leaf();
        assert_eq!(leaf.public_key_der(), order.key.public_key_der(), "another key");
        for name in &order.names {
            assert!(leaf.identifiers().contains(name), "{name} is missing");
        }
        assert!(now <= leaf.not_after(), "expired");
        let latest = now.saturating_add(session.policy().clock_tolerance);
        assert!(leaf.not_before() <= latest, "not valid yet");
        for pair in certificates.windows(2) {
            let [issued, issuer]: &[Certificate; 2] = pair.try_into().unwrap();
            assert!(issued.check_signature(issuer) != SignatureCheck::Invalid, "bad signature");
        }
        assert!(certificates.len() <= session.policy().max_chain_certificates);
        assert!(issued.alternates().len() <= session.policy().max_alternates);
    }
}

impl Operation for Register {
    // A registration without a binding starts again from nothing.
    const KEEPS_CHECKPOINT: bool = false;

    fn restore(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        Self::resume(saved, session, Some(fixture::binding()))
    }

    fn endless(self) -> Self {
        self.deadline(Timestamp::MAX)
    }

    fn judge(account: &Account, _: &Order, session: &Session, _: Timestamp) {
        assert_eq!(session.account(), Some(account));
        assert_eq!(account.key_thumbprint, session.account_key().thumbprint());
        assert!(account.url.starts_with("https://") || account.url.starts_with("HTTPS://"));
    }
}
