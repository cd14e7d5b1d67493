//! One process at a time in one directory.

use std::fs::File;
use std::io;
use std::path::Path;

use super::StoreError;
use super::files::OpenError;

/// Held while a process works in a directory; the system lets go of it when the process ends,
/// however it ends. (`File::try_lock` of the standard library is younger than our oldest compiler.)
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn acquire(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(".lock");
        match lock(&path) {
            Ok(file) => Ok(Self { _file: file }),
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(StoreError::new(
                    "store-locked",
                    format!("another process is working in {}", directory.display()),
                ))
            }
            Err(error) => Err(error.report(&path, StoreError::not_writable)),
        }
    }
}

#[cfg(unix)]
fn lock(path: &Path) -> Result<File, OpenError> {
    use rustix::fs::{FlockOperation, OFlags, flock};

    let file = super::files::open_regular(path, OFlags::WRONLY | OFlags::CREATE)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|error| OpenError::Io(error.into()))?;
    Ok(file)
}

#[cfg(not(unix))]
fn writable() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(false).write(true);
    options
}

#[cfg(windows)]
fn lock(path: &Path) -> Result<File, OpenError> {
    use std::os::windows::fs::OpenOptionsExt;

    /// `ERROR_SHARING_VIOLATION`: another process has the file open.
    const SHARING_VIOLATION: i32 = 32;
    writable().share_mode(0).open(path).map_err(|error| {
        OpenError::Io(match error.raw_os_error() {
            Some(SHARING_VIOLATION) => io::ErrorKind::WouldBlock.into(),
            _ => error,
        })
    })
}

#[cfg(not(any(unix, windows)))]
fn lock(path: &Path) -> Result<File, OpenError> {
    writable().open(path).map_err(OpenError::Io)
}
