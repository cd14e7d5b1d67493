//! The client: one account at one CA, through which operations run.

use core::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use acmekit_core::account::Account;
use acmekit_core::certificate::CertificateRequest;
use acmekit_core::crypto::PrivateKey;
use acmekit_core::deviation::Deviation;
use acmekit_core::flow::account::{
    AccountChange, ChangeKey, DeactivateAccount, FetchAccount, FindAccount, ListOrders, OrderList,
    Register, Registration, UpdateAccount,
};
use acmekit_core::flow::authorization::DeactivateAuthorization;
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::issue::{Issue, Issued, NewOrder};
use acmekit_core::flow::preauthorize::{Preauthorize, Preauthorized};
use acmekit_core::flow::revoke::{Revoke, Revoked};
use acmekit_core::flow::{Checkpoint, Flow};
use acmekit_core::jose::Jwk;
use acmekit_core::session::{KeyOwner, Session};
use acmekit_core::time::Timestamp;
use acmekit_core::types::{Directory, Identifier};
use tokio::sync::watch;

use crate::builder::ClientBuilder;
use crate::clock;
use crate::counts::RequestCounts;
use crate::drive::{self, Wishes};
use crate::error::Error;
use crate::event::{Event, Observer};
use crate::publish::Publisher;
use crate::signer::ExternalSigner;
use crate::sync::lock;
use crate::transport::Transport;

/// An account key at one CA, with everything to run operations: connections, solvers, limits.
///
/// Clones share all of it and cost nothing. Operations may run side by side, on one client or its
/// clones; they share connections and nonces, which saves requests.
///
/// Dropping the future of an operation cancels it: what was published for the CA is withdrawn by
/// tasks of the tokio runtime. If the runtime ends at the same time, as when `main` returns, those
/// tasks end with it; [`Client::settle`] waits for them.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

/// What the clones of a client share.
pub(crate) struct Shared {
    pub(crate) session: Mutex<Session>,
    pub(crate) transport: Transport,
    pub(crate) publisher: Publisher,
    pub(crate) account_signer: Option<Arc<dyn ExternalSigner>>,
    pub(crate) certificate_signer: Option<Arc<dyn ExternalSigner>>,
    pub(crate) observer: Option<Box<Observer>>,
    /// Changes with every input that a flow has taken: it may have brought a nonce or the directory
    /// that another flow waits for.
    pub(crate) wake: watch::Sender<()>,
    /// How many withdrawals are under way.
    pub(crate) withdrawing: watch::Sender<usize>,
}

impl Shared {
    pub(crate) fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }

    pub(crate) fn notify(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}

impl Client {
    /// Begins to set up a client for the CA whose directory is at this URL.
    pub fn builder(directory_url: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(directory_url.into())
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// The directory: read once, then remembered.
    ///
    /// # Errors
    /// The directory cannot be read, or what is there is none.
    pub async fn directory(&self) -> Result<Directory, Error> {
        let known = self.0.session().directory().cloned();
        match known {
            Some(directory) => Ok(directory),
            None => self.run(&mut FetchDirectory::new()).await,
        }
    }

    /// Registers the account key, or finds the account it has already. The client goes on with that
    /// account; store the record and give it to [`ClientBuilder::account`] next time.
    ///
    /// # Errors
    /// [`ErrorKind::Problem`](crate::ErrorKind::Problem) if the CA refuses: the terms are not agreed
    /// to, or the external account binding is missing, wrong or used up.
    pub async fn register(&self, registration: Registration) -> Result<Account, Error> {
        self.run(&mut Register::new(registration)).await
    }

    /// Finds the account of the key; never makes one.
    ///
    /// # Errors
    /// [`ErrorKind::NoAccount`](crate::ErrorKind::NoAccount) if the CA knows none.
    pub async fn find_account(&self) -> Result<Account, Error> {
        self.run(&mut FindAccount::new()).await
    }

    /// Reads the account at its URL as the CA has it now.
    ///
    /// # Errors
    /// [`ErrorKind::NoAccount`](crate::ErrorKind::NoAccount) if it is no longer valid, or the client
    /// has none yet.
    pub async fn fetch_account(&self) -> Result<Account, Error> {
        self.run(&mut FetchAccount::new()).await
    }

    /// The account, once it is registered, found or set.
    pub fn account(&self) -> Option<Account> {
        self.0.session().account().cloned()
    }

    /// Changes the contacts of the account, or agrees to new terms.
    ///
    /// # Errors
    /// The CA refuses, or the change is wrong or empty, which is found before anything is sent.
    pub async fn update_account(&self, change: AccountChange) -> Result<Account, Error> {
        self.run(&mut UpdateAccount::new(change)).await
    }

    /// Gives the account a new key. Save the new key first and keep the old one until this returns:
    /// the client goes over to the new key only when the CA has confirmed. An answer that gets lost
    /// is resolved by asking the CA with the new key, then with the old one. With files,
    /// [`change_account_key_in`](Self::change_account_key_in) does all that.
    ///
    /// # Errors
    /// The new key belongs to another account, or the CA does not offer the change.
    pub async fn change_account_key(&self, new_key: PrivateKey) -> Result<Account, Error> {
        self.run(&mut ChangeKey::new(new_key.into())).await
    }

    /// Tells the client of a public key that has another use, of a certificate or of another
    /// account, so that it becomes no account key here (RFC 8555 §11.1); see
    /// [`Session::note_key`].
    pub fn note_key(&self, key: &Jwk, owner: KeyOwner) {
        self.0.session().note_key(key, owner);
    }

    /// Gives the account up for good: its key can make no new account at this CA.
    ///
    /// # Errors
    /// The CA refuses.
    pub async fn deactivate_account(&self) -> Result<(), Error> {
        self.run(&mut DeactivateAccount::new()).await
    }

    /// Lists the orders of the account, where the CA keeps such a list.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if it keeps none.
    pub async fn list_orders(&self) -> Result<OrderList, Error> {
        self.run(&mut ListOrders::new()).await
    }

    /// Proves control of a name ahead of any order, where the CA offers that.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if it does not.
    pub async fn preauthorize(&self, identifier: Identifier) -> Result<Preauthorized, Error> {
        self.run(&mut Preauthorize::new(identifier)).await
    }

    /// Gives an authorization up, so that the next order for its name is validated anew.
    ///
    /// # Errors
    /// The CA refuses.
    pub async fn deactivate_authorization(&self, url: &str) -> Result<(), Error> {
        self.run(&mut DeactivateAuthorization::new(url)).await
    }

    /// Revokes a certificate, by the account or (if the flow says so) by the certificate's own key.
    /// [`Revoke::affected`] tells which names lose their certificate.
    ///
    /// # Errors
    /// The CA refuses. A certificate that is revoked already counts as done.
    pub async fn revoke(&self, mut revocation: Revoke) -> Result<Revoked, Error> {
        self.run(&mut revocation).await
    }

    /// Obtains a certificate for a request that was made elsewhere. See
    /// [`obtain`](Client::obtain) for making key and request as well.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind); [`Error::advice`] tells what to do.
    pub async fn issue(
        &self,
        order: NewOrder,
        request: CertificateRequest,
    ) -> Result<Issued, Error> {
        self.issue_with(Issue::new(order, request)).await
    }

    /// Obtains a certificate with a flow that was set up by hand: a chain preference, a deadline, an
    /// external key, a resumed checkpoint.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind); [`Error::advice`] tells what to do.
    pub async fn issue_with(&self, mut flow: Issue) -> Result<Issued, Error> {
        self.run(&mut flow).await
    }

    /// Runs any flow to its end.
    ///
    /// # Errors
    /// The flow's own.
    pub async fn run<F: Flow>(&self, flow: &mut F) -> Result<F::Output, Error> {
        drive::run(&self.0, flow, Wishes::default()).await
    }

    /// Runs a flow until it ends or `stop` resolves. In the latter case the flow is cancelled, and
    /// what was published is withdrawn before this returns.
    ///
    /// # Errors
    /// The flow's own; [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) when stopped.
    pub async fn run_until<F: Flow>(
        &self,
        flow: &mut F,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<F::Output, Error> {
        drive::run(&self.0, flow, Wishes { stop: Box::pin(stop), save: None }).await
    }

    /// Waits until the withdrawals of operations that were dropped are done. For the end of a
    /// program that was interrupted:
    ///
    /// ```no_run
    /// # async fn example(client: acmekit::Client, wanted: acmekit::Wanted, interrupted: impl Future) {
    /// tokio::select! {
    ///     result = client.obtain(wanted) => println!("{result:?}"),
    ///     _ = interrupted => {}
    /// }
    /// client.settle().await;
    /// # }
    /// ```
    pub async fn settle(&self) {
        // It fails only if the sender is gone, and that is in this client.
        self.0.withdrawing.subscribe().wait_for(|count| *count == 0).await.ok();
    }

    /// Runs a flow, cancelled at `deadline` if it has not ended before. Prefer a flow's own deadline
    /// where it has one: its error tells what was being waited for and when to come back.
    ///
    /// # Errors
    /// The flow's own; [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) when time is up.
    pub async fn run_with_deadline<F: Flow>(
        &self,
        flow: &mut F,
        deadline: Timestamp,
    ) -> Result<F::Output, Error> {
        self.run_until(flow, clock::sleep_until(deadline)).await
    }

    /// Runs a flow and hands its state to `save` whenever there is nothing to do but wait, so that
    /// another process can go on from there if this one ends without warning. `save` runs in the
    /// task that drives the flow and should be quick; it can compare with what it saved last.
    ///
    /// ```no_run
    /// # async fn example(client: &acmekit::Client, mut flow: acmekit::Issue) -> Result<(), acmekit::Error> {
    /// let issued = client
    ///     .run_saving(&mut flow, |state| {
    ///         let json = serde_json::to_string(state).expect("a checkpoint is plain data");
    ///         // … write it to a file
    /// #       drop(json);
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The flow's own.
    pub async fn run_saving<F: Flow>(
        &self,
        flow: &mut F,
        save: impl FnMut(&Checkpoint) + Send,
    ) -> Result<F::Output, Error> {
        let wishes = Wishes { save: Some(Box::new(save)), ..Wishes::default() };
        drive::run(&self.0, flow, wishes).await
    }

    /// Requests sent so far, by purpose.
    pub fn request_counts(&self) -> RequestCounts {
        self.0.transport.counts()
    }

    /// What the CA did against the rules and was forgiven; material for a bug report.
    pub fn deviations(&self) -> Vec<Deviation> {
        self.0.session().deviations().to_vec()
    }

    /// Looks at the session that all operations share; needed to resume a flow. They stand still
    /// meanwhile, so `look` must be quick, and must not call this client.
    ///
    /// ```no_run
    /// # fn example(client: &acmekit::Client, saved: acmekit::core::flow::Checkpoint) {
    /// let flow = client.with_session(|session| acmekit::Issue::resume(saved, session));
    /// # }
    /// ```
    pub fn with_session<T>(&self, look: impl FnOnce(&Session) -> T) -> T {
        look(&self.0.session())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&*self.0.session()).finish()
    }
}
