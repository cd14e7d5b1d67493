//! Resources that are not where the directory said: it is read again, once, and the request goes
//! to where it says then (R-DIR-06).

use super::plumbing::is_missing;
use super::{Exchanges, Live, Outcome};
use crate::action::RequestKind;
use crate::error::{Error, Retry};
use crate::flow::Context;
use crate::session::Session;

/// Whether the URL of a request was missing.
#[derive(Default)]
pub(super) enum Moved {
    #[default]
    No,
    /// It was, with this refusal; the directory is being read again.
    LookedFor(Error),
    /// It was, and the request went to another URL.
    Found,
}

impl Moved {
    pub(super) fn is_looked_for(&self) -> bool {
        matches!(self, Self::LookedFor(_))
    }
}

impl<T> Live<T> {
    /// Whether a refusal means that the directory has, or had, an old URL.
    pub(super) fn may_have_moved(&self, session: &Session, refusal: &Error) -> bool {
        matches!(self.moved, Moved::No)
            && self.url_in_directory(session).is_some()
            && refusal.status().is_some_and(|status| is_missing(status, refusal.problem()))
    }

    /// Where the directory has what the request is for.
    pub(super) fn url_in_directory<'a>(&self, session: &'a Session) -> Option<&'a str> {
        session.directory().and_then(|directory| directory.url_for(self.request.kind))
    }

    /// Turns a request that is looked for to its new place; the error ends it.
    fn look_again(&mut self, session: &Session) -> Result<(), Error> {
        if !self.moved.is_looked_for() {
            return Ok(());
        }
        let Moved::LookedFor(refusal) = std::mem::replace(&mut self.moved, Moved::Found) else {
            return Ok(());
        };
        match self.url_in_directory(session) {
            Some(url) if url != self.request.url => {
                session.check_url(self.request.step, url)?;
                // The directory is the right one now; the flow has only to begin again.
                if self.is_bound_to_url() {
                    return Err(refusal.with_retry(Retry::Now));
                }
                self.request.url = url.to_owned();
                Ok(())
            }
            _ => Err(refusal),
        }
    }

    /// Whether a JWS inside the payload names the URL: it cannot be sent to another one.
    fn is_bound_to_url(&self) -> bool {
        let binding = b"\"externalAccountBinding\"";
        match self.request.kind {
            RequestKind::KeyChange => true,
            RequestKind::NewAccount => {
                self.request.payload.windows(binding.len()).any(|window| window == binding)
            }
            _ => false,
        }
    }
}

impl<T: Clone> Exchanges<T> {
    /// The directory is here: sends what was missing to its new place. Tells whether something has
    /// come to its end, so that the flow has to look at it.
    pub(super) fn look_again(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.outcomes.len();
        let mut index = 0;
        while let Some(live) = self.live.get_mut(index) {
            match live.look_again(cx.session) {
                Ok(()) => index += 1,
                Err(error) => self.finish(index, Outcome::Failed(error)),
            }
        }
        self.outcomes.len() > before
    }
}
