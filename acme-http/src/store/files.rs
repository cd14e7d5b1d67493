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
    if u64::try_from(contents.len()).map_or(true, |length| length > MAX_LEN) {
        let limit = "it would be longer than a megabyte, which is not read back";
        return Err(StoreError::new(
            "store-not-writable",
            format!("cannot write to {}: {limit}", path.display()),
        ));
    }
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

/// Why a file cannot be opened.
pub(super) enum OpenError {
    /// Something else stands in its place: a link, a pipe, a directory.
    NotRegular,
    /// The system refuses.
    Io(io::Error),
}

impl OpenError {
    /// What to say about it.
    pub(super) fn report(
        self,
        path: &Path,
        io: impl FnOnce(&Path, &io::Error) -> StoreError,
    ) -> StoreError {
        match self {
            Self::NotRegular => StoreError::damaged(
                path,
                "it is not a regular file (perhaps a symbolic link or a pipe that another user put \
                 there)",
            ),
            Self::Io(error) => io(path, &error),
        }
    }
}

/// Opens a regular file to read it; `None` if there is none. Links are not followed, and nothing
/// else that may stand in its place is waited for.
fn open(path: &Path) -> Result<Option<File>, OpenError> {
    #[cfg(unix)]
    let opened = open_regular(path, rustix::fs::OFlags::RDONLY);
    #[cfg(not(unix))]
    let opened = match File::open(path) {
        Ok(file) if file.metadata().is_ok_and(|meta| meta.is_file()) => Ok(file),
        Ok(_) => Err(OpenError::NotRegular),
        Err(error) => Err(OpenError::Io(error)),
    };
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file, which is made for this user only if `flags` ask for it. In a directory that
/// others can write to, a link would lead to a file of their choice, and a pipe would block.
#[cfg(unix)]
pub(super) fn open_regular(path: &Path, flags: rustix::fs::OFlags) -> Result<File, OpenError> {
    use rustix::fs::{Mode, OFlags};
    let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    match rustix::fs::open(path, flags | careful, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => {
            let file = File::from(descriptor);
            match file.metadata() {
                Ok(meta) if meta.is_file() => Ok(file),
                Ok(_) => Err(OpenError::NotRegular),
                Err(error) => Err(OpenError::Io(error)),
            }
        }
        // Each system has its own error for a link that is not followed.
        Err(error) => match fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_file() => Err(OpenError::NotRegular),
            _ => Err(OpenError::Io(error.into())),
        },
    }
}

/// Warns if others can put files into a directory or take files away: then they decide what is
/// read from it.
pub(super) fn warn_if_others_may_write(directory: &Path) {
    if others_may_write(directory) {
        tracing::warn!(
            directory = %directory.display(),
            "other users can write to the directory of keys and certificates; take that right away \
             from them (chmod go-w)"
        );
    }
}

#[cfg(unix)]
fn others_may_write(directory: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(directory).is_ok_and(|meta| meta.permissions().mode() & 0o022 != 0)
}

#[cfg(not(unix))]
fn others_may_write(_directory: &Path) -> bool {
    false
}

/// Reads a text, if the file is there.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, StoreError> {
    read_after(path, |_| ())
}

fn read_after(
    path: &Path,
    prepare: impl FnOnce(&File),
) -> Result<Option<Zeroizing<String>>, StoreError> {
    let unreadable = |path: &Path, error: &io::Error| StoreError::io("read", path, error);
    let Some(file) = open(path).map_err(|error| error.report(path, unreadable))? else {
        return Ok(None);
    };
    prepare(&file);
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
    read_after(path, |file| tighten(file, path))
}

#[cfg(unix)]
fn tighten(file: &File, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(mode) = file.metadata().map(|meta| meta.permissions().mode()) else {
        return;
    };
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "a private key was open to other users; its mode is now 0600");
        if let Err(error) = set_mode(file, PRIVATE) {
            tracing::warn!(%path, %error, "the mode of a private key could not be changed");
        }
    }
}

#[cfg(not(unix))]
fn tighten(_file: &File, _path: &Path) {}

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

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_that_group_or_others_can_write_to_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        for (mode, open) in [(0o700, false), (0o755, false), (0o770, true), (0o1777, true)] {
            fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(others_may_write(place.path()), open, "{mode:o}");
        }
    }
}
