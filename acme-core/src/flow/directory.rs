//! Reads the directory (RFC 8555 §7.1.1), for its terms of service and its other metadata.

use crate::action::{Action, Input};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Next, Single};
use crate::flow::{Context, Flow};
use crate::session::Session;
use crate::types::Directory;

/// Fetches the directory. Other flows do so themselves; this one is for a look at it first.
pub struct FetchDirectory(Single);

impl FetchDirectory {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self(Single::new(Step::Directory, None))
    }

    /// Continues from a checkpoint: the directory is read again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::FetchDirectory) => Ok(Self(Single::new(Step::Directory, binding))),
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Default for FetchDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl Flow for FetchDirectory {
    type Output = Directory;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<Directory>, Error> {
        self.0.poll(cx, |cx, _| {
            let directory = cx.session.directory().cloned().ok_or_else(|| {
                let text = "the directory was not read";
                Error::new(ErrorKind::Protocol, Step::Directory, "directory-invalid", text)
            })?;
            Ok(Next::Finish(directory))
        })
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.0.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.0.binding.as_ref(), Saved::FetchDirectory)
    }
}
