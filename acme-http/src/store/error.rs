//! What can go wrong with files.

use core::fmt;
use std::io;
use std::path::Path;

use crate::text::one_line;

/// A file of the store could not be read or written, or holds something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    code: &'static str,
    message: String,
}

impl StoreError {
    pub(super) fn new(code: &'static str, message: impl AsRef<str>) -> Self {
        Self { code, message: one_line(message.as_ref()) }
    }

    pub(super) fn not_writable(path: &Path, error: &io::Error) -> Self {
        Self::new("store-not-writable", format!("cannot write to {}: {error}", path.display()))
    }

    pub(super) fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::new("store-io", format!("cannot {action} {}: {error}", path.display()))
    }

    pub(super) fn damaged(path: &Path, what: impl fmt::Display) -> Self {
        Self::new("store-damaged", format!("{} cannot be used: {what}", path.display()))
    }

    /// A short name for programs: `store-locked`, `store-not-writable`, `store-io`,
    /// `store-damaged`, `store-mismatch`, `key`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn advice(&self) -> &'static str {
        match self.code {
            "store-locked" => "Wait until the other process has ended, or use another directory.",
            "store-not-writable" => {
                "Use a directory that this user may write to, with room on disk."
            }
            "store-damaged" => "Restore the file from a backup, or move it away to start afresh.",
            _ => "Check the directory, its owner and the disk.",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for StoreError {}
