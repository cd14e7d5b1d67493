//! One process at a time in one directory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::StoreError;

/// Held while a process works in a directory; the system lets go of it when the process ends,
/// however it ends. (`File::try_lock` of the standard library is younger than our oldest compiler.)
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(".lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        match lock(&mut options, &path) {
            Ok(file) => Ok(Self { _file: file }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(StoreError::new(
                "store-locked",
                format!("another process is working in {}", directory.display()),
            )),
            Err(error) => Err(StoreError::not_writable(&path, &error)),
        }
    }
}

#[cfg(unix)]
fn lock(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::{FlockOperation, flock};

    let file = options.mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

#[cfg(windows)]
fn lock(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `ERROR_SHARING_VIOLATION`: another process has the file open.
    const SHARING_VIOLATION: i32 = 32;
    options.share_mode(0).open(path).map_err(|error| match error.raw_os_error() {
        Some(SHARING_VIOLATION) => io::ErrorKind::WouldBlock.into(),
        _ => error,
    })
}

#[cfg(not(any(unix, windows)))]
fn lock(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}
