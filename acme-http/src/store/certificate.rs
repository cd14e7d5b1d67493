//! The certificate and its key, which change together.

use std::path::PathBuf;

use acmekit_core::certificate::CertificateChain;
use acmekit_core::crypto::PrivateKey;

use super::files::{self, PRIVATE, PUBLIC};
use super::{FileStore, StoreError};

const CHAIN: &str = "chain.pem";
const KEY: &str = "key.pem";
const PENDING_CHAIN: &str = "chain.pem.pending";
const PENDING_KEY: &str = "key.pem.pending";

/// A certificate chain and the private key of its leaf.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredCertificate {
    /// The certificate and its intermediates.
    pub chain: CertificateChain,
    /// The key of the leaf.
    pub key: PrivateKey,
}

impl FileStore {
    /// Where the chain is, or will be.
    pub fn chain_path(&self) -> PathBuf {
        self.directory().join(CHAIN)
    }

    /// Where the key of the certificate is, or will be.
    pub fn key_path(&self) -> PathBuf {
        self.directory().join(KEY)
    }

    /// Reads the certificate and its key; `None` if either is missing.
    ///
    /// # Errors
    /// [`StoreError`] with the code `store-damaged` if a file is there but not what it should be,
    /// `store-mismatch` if they do not belong together.
    pub fn load_certificate(&self) -> Result<Option<StoredCertificate>, StoreError> {
        let (Some(chain), Some(key)) = (self.read_chain(CHAIN)?, self.read_key(KEY)?) else {
            return Ok(None);
        };
        if chain.leaf().public_key_der() != key.public_key_der() {
            return Err(mismatch("chain.pem and key.pem do not belong together"));
        }
        Ok(Some(StoredCertificate { chain, key }))
    }

    /// Saves the key of a certificate that is about to be ordered, so that a certificate can never
    /// come for a key that is lost. The certificate in use is not touched.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn save_pending_key(&self, key: &PrivateKey) -> Result<(), StoreError> {
        let path = self.directory().join(PENDING_KEY);
        let pem = key.to_pkcs8_pem().map_err(|error| StoreError::damaged(&path, error))?;
        files::write(&path, pem.as_bytes(), PRIVATE)
    }

    /// Reads the key that was saved for a certificate that has not come yet.
    ///
    /// # Errors
    /// [`StoreError`] if the file is there but cannot be read as a private key.
    pub fn load_pending_key(&self) -> Result<Option<PrivateKey>, StoreError> {
        self.read_key(PENDING_KEY)
    }

    /// Removes the key that was saved for a certificate that will not come.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be removed.
    pub fn discard_pending_key(&self) -> Result<(), StoreError> {
        files::remove(&self.directory().join(PENDING_KEY))
    }

    /// Puts a new chain and the pending key in the place of the chain and key before them.
    ///
    /// # Errors
    /// [`StoreError`] with the code `store-mismatch` if the chain is not for the pending key (or,
    /// when there is none, for the key in use); otherwise if a file cannot be written, in which case
    /// the old pair stays or the next [`FileStore::open`] completes the change.
    pub fn install(&self, chain: &CertificateChain) -> Result<(), StoreError> {
        let key = match self.load_pending_key()? {
            Some(key) => Some(key),
            None => self.read_key(KEY)?,
        };
        if key.is_none_or(|key| key.public_key_der() != chain.leaf().public_key_der()) {
            return Err(mismatch("the new chain is not for the key that was saved for it"));
        }
        // From here on `complete_swap` can finish what is left.
        let pending = self.directory().join(PENDING_CHAIN);
        files::write(&pending, chain.to_pem().as_bytes(), PUBLIC)?;
        self.swap(chain)
    }

    /// Finishes a change of chain and key that was interrupted, from wherever it stands. Only here,
    /// where nobody waits for the certificate, is a chain discarded that cannot be used.
    pub(super) fn complete_swap(&self) -> Result<(), StoreError> {
        let left_over = match self.read_chain(PENDING_CHAIN) {
            Ok(Some(chain)) => self.swap(&chain),
            Ok(None) => return Ok(()),
            Err(error) => Err(error),
        };
        match left_over {
            Err(error) if matches!(error.code(), "store-damaged" | "store-mismatch") => {
                tracing::warn!(%error, "a chain that was left over is discarded");
                files::remove(&self.directory().join(PENDING_CHAIN))
            }
            // What fails now may succeed later: the chain stays.
            other => other,
        }
    }

    /// Puts the pending chain, whose contents are given, and its key in their places.
    fn swap(&self, chain: &CertificateChain) -> Result<(), StoreError> {
        if self.is_key_of(PENDING_KEY, chain)? {
            files::rename(&self.directory().join(PENDING_KEY), &self.key_path())?;
        } else if !self.is_key_of(KEY, chain)? {
            return Err(mismatch("the new chain belongs to no key in this directory"));
        }
        files::rename(&self.directory().join(PENDING_CHAIN), &self.chain_path())
    }

    /// Whether a file holds the key of a chain; a file that holds no key does not.
    fn is_key_of(&self, name: &str, chain: &CertificateChain) -> Result<bool, StoreError> {
        match self.read_key(name) {
            Ok(key) => {
                Ok(key.is_some_and(|key| key.public_key_der() == chain.leaf().public_key_der()))
            }
            Err(error) if error.code() == "store-damaged" => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read_chain(&self, name: &str) -> Result<Option<CertificateChain>, StoreError> {
        let path = self.directory().join(name);
        let Some(pem) = files::read(&path)? else {
            return Ok(None);
        };
        // No limit on their number: the chain was within the limits of the policy when it came.
        CertificateChain::from_pem_with_limit(pem.as_bytes(), usize::MAX)
            .map(Some)
            .map_err(|error| StoreError::damaged(&path, error))
    }

    fn read_key(&self, name: &str) -> Result<Option<PrivateKey>, StoreError> {
        let path = self.directory().join(name);
        let Some(pem) = files::read_private(&path)? else {
            return Ok(None);
        };
        PrivateKey::from_pem(&pem).map(Some).map_err(|error| StoreError::damaged(&path, error))
    }
}

fn mismatch(text: &str) -> StoreError {
    StoreError::new("store-mismatch", text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use acmekit_core::certificate::Certificate;
    use acmekit_core::challenge::tls_alpn01::build_certificate;
    use acmekit_core::crypto::KeyType;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::solver::testing::offer;

    fn new_key() -> PrivateKey {
        PrivateKey::generate(KeyType::P256, &mut SystemEntropy).unwrap()
    }

    /// Some chain for a key; what is in it does not matter to the store.
    fn chain_for(key: &PrivateKey) -> CertificateChain {
        let offer = offer("tls-alpn-01".into(), "example.org");
        let der = build_certificate(
            &offer.identifier,
            offer.key_authorization.as_ref().unwrap(),
            key,
            crate::clock::now(),
            &mut SystemEntropy,
        )
        .unwrap();
        CertificateChain::from_certificates(vec![Certificate::from_der(&der).unwrap()]).unwrap()
    }

    fn open() -> (tempfile::TempDir, FileStore) {
        let place = tempfile::tempdir().unwrap();
        let store = FileStore::open(place.path()).unwrap();
        (place, store)
    }

    fn install(store: &FileStore) -> CertificateChain {
        let key = new_key();
        let chain = chain_for(&key);
        store.save_pending_key(&key).unwrap();
        store.install(&chain).unwrap();
        chain
    }

    #[test]
    fn a_certificate_and_its_key_come_in_together_and_leave_nothing_else_behind() {
        let (place, store) = open();
        assert!(store.load_certificate().unwrap().is_none());
        let first = install(&store);
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, first);
        let second = install(&store);
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, second);
        let mut names: Vec<_> =
            fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".lock", "chain.pem", "key.pem"]);
    }

    #[test]
    fn a_long_chain_is_installed_like_any_other() {
        let (_place, store) = open();
        let key = new_key();
        let certificate = chain_for(&key).leaf().clone();
        let chain = CertificateChain::from_certificates(vec![certificate; 50]).unwrap();
        store.save_pending_key(&key).unwrap();
        store.install(&chain).unwrap();
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain);
        assert!(store.load_pending_key().unwrap().is_none());
    }

    #[test]
    fn a_chain_that_cannot_be_put_in_place_is_an_error_and_is_kept_for_the_next_open() {
        let (place, store) = open();
        let key = new_key();
        let chain = chain_for(&key);
        store.save_pending_key(&key).unwrap();
        fs::create_dir_all(store.chain_path().join("in the way")).unwrap();
        store.install(&chain).unwrap_err();
        assert!(place.path().join(PENDING_CHAIN).exists());
        fs::remove_dir_all(store.chain_path()).unwrap();
        drop(store);
        let store = FileStore::open(place.path()).unwrap();
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain);
    }

    #[test]
    fn a_chain_too_long_to_be_read_back_is_refused_and_its_key_kept() {
        let (_place, store) = open();
        let key = new_key();
        let certificate = chain_for(&key).leaf().clone();
        let chain = CertificateChain::from_certificates(vec![certificate; 5000]).unwrap();
        store.save_pending_key(&key).unwrap();
        assert_eq!(store.install(&chain).unwrap_err().code(), "store-not-writable");
        assert!(store.load_pending_key().unwrap().is_some());
    }

    #[test]
    fn a_pending_key_leaves_the_pair_in_use_alone() {
        let (_place, store) = open();
        let chain = install(&store);
        store.save_pending_key(&new_key()).unwrap();
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain);
        store.discard_pending_key().unwrap();
        assert!(store.load_pending_key().unwrap().is_none());
        store.discard_pending_key().expect("nothing to discard is no error");
    }

    #[test]
    fn a_chain_for_another_key_is_refused_and_changes_nothing() {
        let (_place, store) = open();
        let chain = install(&store);
        store.save_pending_key(&new_key()).unwrap();
        let error = store.install(&chain_for(&new_key())).unwrap_err();
        assert_eq!(error.code(), "store-mismatch");
        assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain);
    }

    #[test]
    fn a_change_that_was_interrupted_is_completed_by_the_next_open() {
        // The machine stops after none or one of the steps that follow the writing of the new chain.
        for steps in 0..=1 {
            let (place, store) = open();
            install(&store);
            let key = new_key();
            let chain = chain_for(&key);
            store.save_pending_key(&key).unwrap();
            fs::write(place.path().join(PENDING_CHAIN), chain.to_pem()).unwrap();
            if steps == 1 {
                fs::rename(place.path().join(PENDING_KEY), place.path().join(KEY)).unwrap();
                assert_eq!(store.load_certificate().unwrap_err().code(), "store-mismatch");
            }
            drop(store);
            let store = FileStore::open(place.path()).unwrap();
            assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain, "{steps}");
            assert!(!place.path().join(PENDING_CHAIN).exists());
        }
    }

    #[test]
    fn a_chain_left_over_without_its_key_is_discarded() {
        for contents in [chain_for(&new_key()).to_pem(), "garbage".to_owned()] {
            let (place, store) = open();
            let chain = install(&store);
            fs::write(place.path().join(PENDING_CHAIN), contents).unwrap();
            drop(store);
            let store = FileStore::open(place.path()).unwrap();
            assert_eq!(store.load_certificate().unwrap().unwrap().chain, chain);
            assert!(!place.path().join(PENDING_CHAIN).exists());
        }
    }
}
