//! Changing the account key with files: the new key is saved before the CA hears of it.

use acmekit_core::account::Account;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::Step;
use acmekit_core::flow::account::ChangeKey;

use crate::client::Client;
use crate::entropy::SystemEntropy;
use crate::error::{Error, ErrorKind};
use crate::store::{AccountId, FileStore, StoreError};

impl Client {
    /// Gives the account a new key of this type, kept in `store`: the new key is saved beside the
    /// old one first, and takes its place when the CA has confirmed. A change that was interrupted
    /// is finished with the key it was begun with, after asking the CA which key holds.
    ///
    /// # Errors
    /// The CA refuses (the old key stays in use, the new one is removed), or a file cannot be
    /// written. After a failure of the network both keys are kept; call it again.
    pub async fn change_account_key_in(
        &self,
        store: &FileStore,
        id: &AccountId,
        key_type: KeyType,
    ) -> Result<Account, Error> {
        let interrupted = on_disk(store, id, |store, id| store.load_next_account_key(id)).await?;
        let mut flow = match interrupted {
            Some(key) => ChangeKey::new(key.into()).after_interruption(),
            None => {
                let key = generate(key_type).await?;
                let saved = key.clone();
                on_disk(store, id, move |store, id| store.save_next_account_key(id, &saved))
                    .await?;
                ChangeKey::new(key.into())
            }
        };
        match self.run(&mut flow).await {
            Ok(account) => {
                let record = account.clone();
                on_disk(store, id, move |store, id| store.adopt_next_account_key(id, &record))
                    .await?;
                Ok(account)
            }
            Err(error) => {
                if is_refusal(&error) {
                    on_disk(store, id, |store, id| store.discard_next_account_key(id)).await?;
                }
                Err(error)
            }
        }
    }
}

/// Whether the CA has certainly not taken the new key: it has refused the change itself. A refused
/// lookup, or one that leads to another URL, proves nothing, and a key that was taken must not be
/// lost.
fn is_refusal(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unsupported | ErrorKind::Input => true,
        ErrorKind::Problem => error.core().is_some_and(|core| {
            core.step() == Step::ChangeKey && core.status().is_some_and(|s| s.is_client_error())
        }),
        _ => false,
    }
}

/// RSA takes seconds, so keys are made on a thread for blocking work.
async fn generate(key_type: KeyType) -> Result<PrivateKey, Error> {
    tokio::task::spawn_blocking(move || PrivateKey::generate(key_type, &mut SystemEntropy))
        .await
        .map_err(|error| Error::setup("key", format!("the key could not be generated: {error}")))?
        .map_err(Error::from)
}

/// Works with files on a thread for blocking work.
async fn on_disk<T: Send + 'static>(
    store: &FileStore,
    id: &AccountId,
    work: impl FnOnce(&FileStore, &AccountId) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Error> {
    let (store, id) = (store.clone(), id.clone());
    tokio::task::spawn_blocking(move || work(&store, &id).map_err(Error::from))
        .await
        .map_err(|error| Error::setup("store", format!("a file operation was lost: {error}")))?
}
