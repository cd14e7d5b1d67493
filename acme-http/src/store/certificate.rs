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
        self.complete_swap()
    }

    /// Finishes a change of chain and key from wherever it stands.
    pub(super) fn complete_swap(&self) -> Result<(), StoreError> {
        let pending_chain = self.directory().join(PENDING_CHAIN);
        let chain = match self.read_chain(PENDING_CHAIN) {
            Ok(Some(chain)) => chain,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::warn!(%error, "a chain that was left over is discarded");
                return files::remove(&pending_chain);
            }
        };
        let belongs = |key: &PrivateKey| key.public_key_der() == chain.leaf().public_key_der();
        if self.read_key(PENDING_KEY).ok().flatten().as_ref().is_some_and(belongs) {
            files::rename(&self.directory().join(PENDING_KEY), &self.key_path())?;
        } else if !self.read_key(KEY).ok().flatten().as_ref().is_some_and(belongs) {
            tracing::warn!("a chain that was left over belongs to no key here and is discarded");
            return files::remove(&pending_chain);
        }
        files::rename(&pending_chain, &self.chain_path())
    }

    fn read_chain(&self, name: &str) -> Result<Option<CertificateChain>, StoreError> {
        let path = self.directory().join(name);
        let Some(pem) = files::read(&path)? else {
            return Ok(None);
        };
        CertificateChain::from_pem(pem.as_bytes())
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
            &offer.key_authorization,
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
