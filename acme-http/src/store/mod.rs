//! Keys, accounts and certificates in a directory.
//!
//! ```text
//! DIR/chain.pem              the certificate and its intermediates (0644)
//! DIR/key.pem                its private key, PKCS#8 (0600)
//! DIR/key.pem.pending        the key of a certificate that is being ordered (0600)
//! DIR/chain.pem.pending      only while the two above take the place of the pair before them
//! DIR/account/NAME/key.pem       an account key (0600)
//! DIR/account/NAME/key.pem.next  only while the account changes its key (0600)
//! DIR/account/NAME/account.json  the account record: URLs, contacts, no secret (0600)
//! DIR/.lock                  locked while a process works in DIR; empty
//! ```
//!
//! `NAME` is the host of the CA and 16 hexadecimal digits of SHA-256 over the directory URL and the
//! key id of the external account binding, so accounts at several CAs, or several accounts at one,
//! live side by side. Directories made here have the mode 0700. DIR should belong to the user who
//! runs the program, and no other user should be able to write to it: [`FileStore::open`] logs a
//! warning otherwise. Links and pipes in the place of a file are refused, never followed.
//!
//! Every file is written under a temporary name, synced and renamed, so it is there whole or not at
//! all. Key and chain are two files and cannot change in one instant: the new chain is first put
//! beside the old one, then both are renamed. If the machine stops between the two,
//! [`FileStore::open`] completes the change.

mod account;
mod certificate;
mod error;
mod files;
mod lock;
mod rollover;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use account::AccountId;
pub use certificate::StoredCertificate;
pub use error::StoreError;
use lock::Lock;

/// A directory for one certificate and the accounts used for it. Cheap to clone; the directory
/// stays locked until the last clone is dropped.
///
/// The methods block for as long as the disk takes.
///
/// ```
/// use acmekit::store::{AccountId, FileStore};
/// use acmekit::KeyType;
///
/// # let place = tempfile::tempdir().unwrap();
/// # let directory = place.path().join("www.example.org");
/// let store = FileStore::open(&directory)?;
/// let id = AccountId::new("https://ca.example/directory");
/// // Made and saved the first time, read from then on.
/// let key = store.account_key(&id, KeyType::P256)?;
/// # assert_eq!(store.load_account_key(&id)?.unwrap().public_key_der(), key.public_key_der());
/// # Ok::<(), acmekit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    _lock: Lock,
}

impl FileStore {
    /// Opens a directory, which is made if it is missing (0700), and locks it for this process.
    /// Makes sure that files can be written, and completes a change that was interrupted.
    ///
    /// # Errors
    /// [`StoreError`] with the code `store-locked` if another process works in the directory,
    /// `store-not-writable` if it cannot be made or written to, `store-damaged` if something other
    /// than a regular file stands in the place of one, `store-io` if reading fails.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, StoreError> {
        let directory = directory.as_ref();
        files::make_directory(directory).map_err(|e| StoreError::not_writable(directory, &e))?;
        let directory = directory
            .canonicalize()
            .map_err(|e| StoreError::io("find the directory", directory, &e))?;
        files::warn_if_others_may_write(&directory);
        let lock = Lock::acquire(&directory)?;
        files::check_writable(&directory).map_err(|e| StoreError::not_writable(&directory, &e))?;
        let store = Self(Arc::new(Inner { directory, _lock: lock }));
        store.complete_swap()?;
        Ok(store)
    }

    /// The directory, as an absolute path.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }
}
