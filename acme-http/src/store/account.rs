//! Accounts and their keys.

use std::fs;
use std::io;
use std::path::PathBuf;

use acmekit_core::account::Account;
use acmekit_core::crypto::{KeyType, PrivateKey};
use sha2::{Digest, Sha256};

use super::files::{self, PRIVATE};
use super::{FileStore, StoreError};
use crate::entropy::SystemEntropy;

/// Most letters of the host in the name of a folder.
const MAX_HOST: usize = 60;

/// Which account: the directory it is at, and the key id of its external account binding if it has
/// one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    directory_url: String,
    external_account_key_id: Option<String>,
}

impl AccountId {
    /// The account at a directory that was made without external account binding.
    pub fn new(directory_url: impl Into<String>) -> Self {
        Self { directory_url: directory_url.into(), external_account_key_id: None }
    }

    /// The account that was made with this external account binding.
    #[must_use]
    pub fn with_external_account(mut self, key_id: impl Into<String>) -> Self {
        self.external_account_key_id = Some(key_id.into());
        self
    }

    /// The name of its folder.
    fn folder(&self) -> String {
        let uri = self.directory_url.parse::<http::Uri>().unwrap_or_default();
        let host: String =
            uri.host()
                .unwrap_or("unknown")
                .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '.' { c.to_ascii_lowercase() } else { '-' }
                })
                .take(MAX_HOST)
                .collect();
        let mut digest = Sha256::new();
        digest.update(self.directory_url.as_bytes());
        if let Some(key_id) = &self.external_account_key_id {
            // No URL has a NUL in it, so no URL can look like another one with a key id.
            digest.update([0]);
            digest.update(key_id.as_bytes());
        }
        let digest: String =
            digest.finalize().iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        format!("{host}-{digest}")
    }
}

impl From<&Account> for AccountId {
    fn from(account: &Account) -> Self {
        Self {
            directory_url: account.directory_url.clone(),
            external_account_key_id: account.external_account_key_id.clone(),
        }
    }
}

impl FileStore {
    pub(super) fn account_file(&self, id: &AccountId, name: &str) -> PathBuf {
        self.accounts().join(id.folder()).join(name)
    }

    fn accounts(&self) -> PathBuf {
        self.directory().join("account")
    }

    /// Reads an account key.
    ///
    /// # Errors
    /// [`StoreError`] if the file is there but cannot be read as a private key.
    pub fn load_account_key(&self, id: &AccountId) -> Result<Option<PrivateKey>, StoreError> {
        self.complete_key_change(id)?;
        let path = self.account_file(id, "key.pem");
        let Some(pem) = files::read_private(&path)? else {
            return Ok(None);
        };
        PrivateKey::from_pem(&pem).map(Some).map_err(|error| StoreError::damaged(&path, error))
    }

    /// Writes an account key. Save it before it is registered: an account whose key is lost is lost,
    /// and its external account binding with it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_account_key(&self, id: &AccountId, key: &PrivateKey) -> Result<(), StoreError> {
        let path = self.account_file(id, "key.pem");
        let pem = key.to_pkcs8_pem().map_err(|error| StoreError::damaged(&path, error))?;
        self.write_account_file(id, "key.pem", pem.as_bytes())
    }

    /// Reads an account key, or makes one and saves it.
    ///
    /// # Errors
    /// [`StoreError`] if the file cannot be read as a private key, or cannot be written, or the key
    /// cannot be generated (code `key`).
    pub fn account_key(&self, id: &AccountId, key_type: KeyType) -> Result<PrivateKey, StoreError> {
        if let Some(key) = self.load_account_key(id)? {
            return Ok(key);
        }
        let key = PrivateKey::generate(key_type, &mut SystemEntropy)
            .map_err(|error| StoreError::new("key", error.to_string()))?;
        self.save_account_key(id, &key)?;
        Ok(key)
    }

    /// Reads an account record.
    ///
    /// # Errors
    /// [`StoreError`] if the file is there but cannot be read as one.
    pub fn load_account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let path = self.account_file(id, "account.json");
        let Some(json) = files::read(&path)? else {
            return Ok(None);
        };
        serde_json::from_str(&json).map(Some).map_err(|error| StoreError::damaged(&path, error))
    }

    /// Writes an account record, in the place that belongs to its directory and key id.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_account(&self, account: &Account) -> Result<(), StoreError> {
        let id = AccountId::from(account);
        let json = serde_json::to_vec_pretty(account)
            .map_err(|error| StoreError::damaged(&self.account_file(&id, "account.json"), error))?;
        self.write_account_file(&id, "account.json", &json)
    }

    /// The accounts on record at a directory, in the order of their names. Records that cannot be
    /// read are left out with a warning.
    ///
    /// # Errors
    /// [`StoreError`] if the directory cannot be read.
    pub fn accounts_at(&self, directory_url: &str) -> Result<Vec<Account>, StoreError> {
        let path = self.accounts();
        let error = |error: io::Error| StoreError::io("read", &path, &error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(error(e)),
        };
        let mut folders = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(error)?;
        folders.sort();
        let mut accounts = Vec::new();
        for folder in folders {
            let path = folder.join("account.json");
            match files::read(&path) {
                Ok(Some(json)) => match serde_json::from_str::<Account>(&json) {
                    Ok(account) if account.directory_url == directory_url => accounts.push(account),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "an account record is damaged");
                    }
                },
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "an account record cannot be read"),
            }
        }
        Ok(accounts)
    }

    pub(super) fn write_account_file(
        &self,
        id: &AccountId,
        name: &str,
        contents: &[u8],
    ) -> Result<(), StoreError> {
        let path = self.account_file(id, name);
        if let Some(folder) = path.parent() {
            files::make_directory(folder).map_err(|e| StoreError::not_writable(folder, &e))?;
        }
        files::write(&path, contents, PRIVATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    const URL: &str = "https://ca.example/directory";

    fn account(directory_url: &str, key_id: Option<&str>) -> Account {
        let mut value = serde_json::json!({
            "directory_url": directory_url,
            "url": "https://ca.example/account/1",
            "key_thumbprint": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            "status": "valid",
        });
        if let Some(key_id) = key_id {
            value["external_account_key_id"] = key_id.into();
        }
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn accounts_of_several_directories_and_key_ids_live_side_by_side() {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        let ids = [
            AccountId::new(URL),
            AccountId::new(URL).with_external_account("kid-1"),
            AccountId::new(URL).with_external_account("kid-2"),
            AccountId::new("https://other.example/directory"),
        ];
        let mut keys = Vec::new();
        for id in &ids {
            assert!(store.load_account_key(id).unwrap().is_none());
            let key = PrivateKey::generate(Default::default(), &mut SystemEntropy).unwrap();
            store.save_account_key(id, &key).unwrap();
            let record = account(&id.directory_url, id.external_account_key_id.as_deref());
            store.save_account(&record).unwrap();
            keys.push(key);
        }
        for (id, key) in ids.iter().zip(&keys) {
            let stored = store.load_account_key(id).unwrap().unwrap();
            assert_eq!(stored.public_key_der(), key.public_key_der());
            assert_eq!(AccountId::from(&store.load_account(id).unwrap().unwrap()), *id);
        }
        assert_eq!(store.accounts_at(URL).unwrap().len(), 3);
        assert_eq!(store.accounts_at("https://none.example/").unwrap(), []);
    }

    #[test]
    fn each_account_gets_a_key_of_its_own() {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        let ids = [
            AccountId::new(URL),
            AccountId::new(URL).with_external_account("kid-1"),
            AccountId::new(URL).with_external_account("kid-2"),
            AccountId::new("https://other.example/directory").with_external_account("kid-1"),
        ];
        let thumbprint = |id| {
            let key = store.account_key(id, KeyType::P256).unwrap();
            key.jwk().thumbprint()
        };
        let made: Vec<String> = ids.iter().map(thumbprint).collect();
        assert_eq!(made.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
        assert_eq!(ids.iter().map(thumbprint).collect::<Vec<_>>(), made, "each stays the same");
    }

    #[test]
    fn a_folder_is_named_after_the_host_and_leads_nowhere_else() {
        let folder = |url: &str| AccountId::new(url).folder();
        assert!(folder(URL).starts_with("ca.example-"));
        assert!(
            folder("https://[::1]:14000/dir").starts_with("1"),
            "{}",
            folder("https://[::1]:14000/dir")
        );
        for url in ["", "..", "../../x", "https://../", "not a url", "https://a%2f..%2fb/"] {
            let name = folder(url);
            assert!(!name.contains(['/', '\\', '%']) && !name.starts_with('.'), "{name}");
        }
        let long = format!("https://{}.example/", ["abcdefghi"; 20].join("."));
        assert!(folder(&long).len() <= MAX_HOST + 17);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_replaced() {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        let id = AccountId::new(URL);
        store.save_account(&account(URL, None)).unwrap();
        for name in ["key.pem", "account.json"] {
            fs::write(store.account_file(&id, name), "garbage").unwrap();
        }
        let error = store.load_account_key(&id).unwrap_err();
        assert_eq!(error.code(), "store-damaged");
        assert!(error.to_string().contains("key.pem"), "{error}");
        assert!(!error.to_string().contains("garbage"), "{error}");
        assert_eq!(store.load_account(&id).unwrap_err().code(), "store-damaged");
        assert_eq!(store.accounts_at(URL).unwrap(), []);
    }
}
