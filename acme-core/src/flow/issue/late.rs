//! Resources that one of several replicas of a server does not know yet (quirk 10).

use http::StatusCode;

use super::{Issue, Tag};
use crate::action::RequestKind;
use crate::backoff::retry_delay;
use crate::error::{Error, Step};
use crate::flow::Context;

/// Most times that something the server has just made is asked for again after a 404.
const MAX_LATE: u32 = 4;

impl Issue {
    /// Asks again after a pause if the server does not find what it has just made. Gives the error
    /// back if that has lasted too long, or if it is another one.
    pub(super) fn ask_later(
        &mut self,
        cx: &mut Context<'_>,
        tag: Tag,
        kind: RequestKind,
        step: Step,
        error: Error,
    ) -> Result<(), Error> {
        let url = error.url().map(str::to_owned);
        let (Some(url), Some(StatusCode::NOT_FOUND)) = (url, error.status()) else {
            return Err(error);
        };
        if self.plan.late >= MAX_LATE {
            return Err(error);
        }
        let text = format!("what the server had made was not there at first: {kind}");
        cx.session.deviations.note("resource-late", text);
        let pause = retry_delay(self.plan.late, step, cx.entropy)?;
        self.plan.late += 1;
        self.exchanges.hold(&url, cx.now.saturating_add(pause));
        self.request(cx.session, tag, step, kind, &url, Vec::new())
    }
}
