//! The credentials of external account binding as they fare: creation, use, suspension.

use acmekit_core::time::Timestamp;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::config::ExternalAccount;
use crate::problem::Problem;

/// A credential that the CA has handed out.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) account: ExternalAccount,
    /// Absent as long as the clock has not begun.
    created: Option<Timestamp>,
    pub(crate) is_used: bool,
    is_suspended: bool,
}

impl Credential {
    pub(crate) fn new(account: ExternalAccount, now: Option<Timestamp>) -> Self {
        let created = account.created.or(now);
        Self { account, created, is_used: false, is_suspended: false }
    }

    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.created.get_or_insert(now);
    }
}

fn refuse(detail: impl Into<String>) -> Result<(), Problem> {
    Err(Problem::new(RefusalCause::Binding, detail))
}

impl TestingCa {
    /// Adds a credential for external account binding, or replaces the one of the same key
    /// identifier by an unused one.
    pub fn add_external_account(&mut self, account: ExternalAccount) {
        let now = self.has_begun().then_some(self.now);
        self.credentials.insert(account.key_id.clone(), Credential::new(account, now));
    }

    /// Suspends a credential: it registers no account, and the accounts it has registered are
    /// refused with 401 `unauthorized`. Returns whether there is such a credential.
    pub fn suspend_external_account(&mut self, key_id: &str) -> bool {
        self.set_suspended(key_id, true)
    }

    /// Ends the suspension of a credential. Returns whether there is such a credential.
    pub fn resume_external_account(&mut self, key_id: &str) -> bool {
        self.set_suspended(key_id, false)
    }

    fn set_suspended(&mut self, key_id: &str, is_suspended: bool) -> bool {
        let credential = self.credentials.get_mut(key_id);
        credential.map(|credential| credential.is_suspended = is_suspended).is_some()
    }

    pub(crate) fn is_suspended(&self, key_id: &str) -> bool {
        self.credentials.get(key_id).is_some_and(|credential| credential.is_suspended)
    }

    /// Whether a credential whose MAC verifies may register an account now.
    pub(crate) fn check_usable(&self, credential: &Credential) -> Result<(), Problem> {
        let is_single_use = credential.account.is_single_use || !self.config.external_account_reuse;
        if credential.is_suspended {
            return refuse("the key identifier of the binding is suspended");
        }
        if is_single_use && credential.is_used {
            return refuse("the key identifier of the binding has been used already");
        }
        if let (Some(lifetime), Some(created)) =
            (self.config.external_account_lifetime, credential.created)
        {
            let end = created.saturating_add(lifetime);
            if end <= self.now {
                return refuse(format!("the credential of the binding expired at {end}"));
            }
        }
        Ok(())
    }
}
