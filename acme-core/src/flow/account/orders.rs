//! Lists the orders of an account (RFC 8555 §7.1.2.1).

use serde_json::Value;

use super::find;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{KeyUse, Outcome, Repeat};
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::flow::single::{Event, Next, Single, request};
use crate::flow::{Context, Flow};
use crate::header;
use crate::session::Session;

/// The orders that a server lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrderList {
    /// Their URLs, in the server's order.
    pub urls: Vec<String>,
    /// Whether that is all; `false` when the policy's bounds ended the reading.
    pub is_complete: bool,
}

/// Asks for the orders of the session's key, page by page, within the bounds of
/// [`Policy::max_order_pages`](crate::policy::Policy::max_order_pages). Many servers keep no such
/// list (Let's Encrypt among them); that gives an error of kind `Unsupported`.
///
/// ```text
/// directory ── newAccount {"onlyReturnExisting": true} ── orders ── orders, next page ── … ── Done
/// ```
pub struct ListOrders {
    single: Single,
    pages: Pages,
}

#[derive(Default)]
struct Pages {
    visited: Vec<String>,
    urls: Vec<String>,
}

impl ListOrders {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self { single: Single::new(Step::ListOrders, None), pages: Pages::default() }
    }

    /// Continues from a checkpoint: the list is read again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::ListOrders) => {
                let single = Single::new(Step::ListOrders, binding);
                Ok(Self { single, pages: Pages::default() })
            }
            _ => Err(ResumeError::OtherFlow),
        }
    }
}

impl Default for ListOrders {
    fn default() -> Self {
        Self::new()
    }
}

impl Pages {
    fn next(&mut self, cx: &mut Context<'_>, event: Event) -> Result<Next<OrderList>, Error> {
        let step = Step::ListOrders;
        let reply = match event {
            // The account object names the list, and asking by key is what every server answers:
            // reading the account URL is refused by some (quirk 28).
            Event::Start | Event::Signed(_) => {
                return Ok(Next::Send(Box::new(find::request(cx.session, KeyUse::Jwk)?)));
            }
            Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => return Err(error),
            Event::Outcome(Outcome::Reply(reply)) => reply,
        };
        let object = reply.object(step)?;
        if self.visited.is_empty() {
            super::read_account(cx.session, step, &reply, &[], None)?;
            let Some(orders) = object.get("orders").and_then(Value::as_str) else {
                let text = "the server keeps no list of orders for accounts";
                return Err(Error::new(ErrorKind::Unsupported, step, "orders-unsupported", text));
            };
            let url = cx.session.resolve_url(step, orders, &reply.url)?;
            return Ok(self.page(cx.session, url));
        }
        let policy = cx.session.policy().clone();
        let listed = object.get("orders").and_then(Value::as_array).map(Vec::as_slice);
        for order in listed.unwrap_or_default().iter().filter_map(Value::as_str) {
            if self.urls.len() >= policy.max_listed_orders {
                return Ok(self.finish(false));
            }
            self.urls.push(cx.session.resolve_url(step, order, &reply.url)?);
        }
        let Some(next) = header::links(&reply.headers, "next").into_iter().next() else {
            return Ok(self.finish(true));
        };
        let url = cx.session.resolve_url(step, &next, &reply.url)?;
        if self.visited.contains(&url) {
            cx.session.deviations.note("orders-loop", "the list of orders leads back to itself");
            return Ok(self.finish(false));
        }
        if self.visited.len() >= policy.max_order_pages {
            return Ok(self.finish(false));
        }
        Ok(self.page(cx.session, url))
    }

    fn page(&mut self, session: &Session, url: String) -> Next<OrderList> {
        self.visited.push(url.clone());
        let (step, kind) = (Step::ListOrders, RequestKind::OrdersList);
        Next::Send(Box::new(request(session, step, kind, url, None, Repeat::Freely)))
    }

    fn finish(&mut self, is_complete: bool) -> Next<OrderList> {
        Next::Finish(OrderList { urls: core::mem::take(&mut self.urls), is_complete })
    }
}

impl Flow for ListOrders {
    type Output = OrderList;

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Action<OrderList>, Error> {
        let Self { single, pages } = self;
        single.poll(cx, |cx, event| pages.next(cx, event))
    }

    fn handle(&mut self, cx: &mut Context<'_>, input: Input) -> Result<(), Misuse> {
        self.single.handle(cx, input)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(self.single.binding.as_ref(), Saved::ListOrders)
    }
}
