//! Reading and writing single files: whole or not at all, with the right mode from the start.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::StoreError;

/// Longest file that is read: a hundred times the largest key or chain.
const MAX_LEN: u64 = 1024 * 1024;

/// For files with a secret in them, and for what is nobody else's business.
pub(super) const PRIVATE: u32 = 0o600;
/// For files that servers of other users read.
pub(super) const PUBLIC: u32 = 0o644;

/// Makes a directory and its parents; what is made is for this user only.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Finds out whether files can be made in a directory, and leaves none.
pub(super) fn check_writable(directory: &Path) -> io::Result<()> {
    tempfile::tempfile_in(directory).map(drop)
}

/// Writes a file under a temporary name, syncs it, and renames it over `path`.
pub(super) fn write(path: &Path, contents: &[u8], mode: u32) -> Result<(), StoreError> {
    replace(path, contents, mode).map_err(|error| StoreError::not_writable(path, &error))
}

fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    // Made with the mode 0600, whatever the umask; removed again if a step fails.
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(contents)?;
    set_mode(file.as_file(), mode)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_directory(directory)
}

/// Renames a file, and makes that last.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to)
        .and_then(|()| sync_directory(to.parent().unwrap_or(Path::new("."))))
        .map_err(|error| StoreError::io("write", to, &error))
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path, &error))
        }
        _ => Ok(()),
    }
}

/// Reads a text, if the file is there.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", path, &error)),
    };
    let length = file.metadata().map_or(0, |meta| meta.len());
    if length > MAX_LEN {
        return Err(StoreError::damaged(path, "it is far too long"));
    }
    // With room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    match file.take(MAX_LEN).read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(StoreError::io("read", path, &error)),
    }
}

/// Reads a text with a secret in it. A file that others may read is closed to them, with a warning.
pub(super) fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, StoreError> {
    tighten(path);
    read(path)
}

#[cfg(unix)]
fn tighten(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(file) = File::open(path) else { return };
    let Ok(mode) = file.metadata().map(|meta| meta.permissions().mode()) else {
        return;
    };
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "a private key was open to other users; its mode is now 0600");
        if let Err(error) = set_mode(&file, PRIVATE) {
            tracing::warn!(%path, %error, "the mode of a private key could not be changed");
        }
    }
}

#[cfg(not(unix))]
fn tighten(_path: &Path) {}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Makes renames in a directory last; some file systems cannot and need not.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory)?.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
