//! A new account key on its way into use: beside the old one until the CA has confirmed it.
//!
//! The account record names the key it belongs to by its thumbprint, so it is what decides: it is
//! written first, and the new key takes the old one's place after it. If the machine stops between
//! the two, the next look at the key completes the change.

use acmekit_core::account::Account;
use acmekit_core::crypto::PrivateKey;

use super::{AccountId, FileStore, StoreError, files};

const NEXT_KEY: &str = "key.pem.next";

impl FileStore {
    /// Writes the key that the account is to change to, beside the one in use.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_next_account_key(
        &self,
        id: &AccountId,
        key: &PrivateKey,
    ) -> Result<(), StoreError> {
        let path = self.account_file(id, NEXT_KEY);
        let pem = key.to_pkcs8_pem().map_err(|error| StoreError::damaged(&path, error))?;
        self.write_account_file(id, NEXT_KEY, pem.as_bytes())
    }

    /// Reads the key of a change that has not ended: the CA knows this key or still the one in use.
    ///
    /// # Errors
    /// [`StoreError`] if the file is there but cannot be read as a private key.
    pub fn load_next_account_key(&self, id: &AccountId) -> Result<Option<PrivateKey>, StoreError> {
        self.complete_key_change(id)?;
        self.read_next(id)
    }

    /// Takes the next key into use, with the record of the account as the CA has confirmed it.
    ///
    /// # Errors
    /// [`StoreError`] if a file cannot be written.
    pub fn adopt_next_account_key(
        &self,
        id: &AccountId,
        account: &Account,
    ) -> Result<(), StoreError> {
        self.save_account(account)?;
        self.complete_key_change(id)
    }

    /// Removes the key of a change that the CA has refused.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be removed.
    pub fn discard_next_account_key(&self, id: &AccountId) -> Result<(), StoreError> {
        files::remove(&self.account_file(id, NEXT_KEY))
    }

    pub(super) fn complete_key_change(&self, id: &AccountId) -> Result<(), StoreError> {
        // Without a change under way, a damaged record is not the business of who wants the key.
        let Some(next) = self.read_next(id)? else { return Ok(()) };
        let Some(account) = self.load_account(id)? else { return Ok(()) };
        if next.jwk().thumbprint() != account.key_thumbprint {
            return Ok(());
        }
        files::rename(&self.account_file(id, NEXT_KEY), &self.account_file(id, "key.pem"))
    }

    fn read_next(&self, id: &AccountId) -> Result<Option<PrivateKey>, StoreError> {
        let path = self.account_file(id, NEXT_KEY);
        let Some(pem) = files::read_private(&path)? else { return Ok(None) };
        PrivateKey::from_pem(&pem).map(Some).map_err(|error| StoreError::damaged(&path, error))
    }
}

#[cfg(test)]
mod tests {
    use acmekit_core::crypto::KeyType;

    use super::*;
    use crate::SystemEntropy;

    const DIRECTORY: &str = "https://ca.example/directory";

    fn account_of(key: &PrivateKey) -> Account {
        let json = serde_json::json!({
            "directory_url": DIRECTORY,
            "url": "https://ca.example/account/1",
            "key_thumbprint": key.jwk().thumbprint(),
            "status": "valid",
        });
        serde_json::from_value(json).unwrap()
    }

    fn new_key() -> PrivateKey {
        PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap()
    }

    #[test]
    fn the_next_key_waits_beside_the_old_one_until_it_is_adopted() {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        let id = AccountId::new(DIRECTORY);
        let (old, next) = (new_key(), new_key());
        store.save_account_key(&id, &old).unwrap();
        store.save_account(&account_of(&old)).unwrap();
        store.save_next_account_key(&id, &next).unwrap();
        let used = |store: &FileStore| store.load_account_key(&id).unwrap().unwrap();
        assert_eq!(used(&store).public_key_der(), old.public_key_der());
        assert!(store.load_next_account_key(&id).unwrap().is_some());
        store.adopt_next_account_key(&id, &account_of(&next)).unwrap();
        assert_eq!(used(&store).public_key_der(), next.public_key_der());
        assert!(store.load_next_account_key(&id).unwrap().is_none());
    }

    #[test]
    fn a_change_that_stopped_half_way_is_completed_by_the_next_look() {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        let id = AccountId::new(DIRECTORY);
        let (old, next) = (new_key(), new_key());
        store.save_account_key(&id, &old).unwrap();
        store.save_next_account_key(&id, &next).unwrap();
        // The record of the new key was written; then the machine stopped.
        store.save_account(&account_of(&next)).unwrap();
        let used = store.load_account_key(&id).unwrap().unwrap();
        assert_eq!(used.public_key_der(), next.public_key_der());
    }
}
