//! Lists the orders of an account (RFC 8555 §7.1.2.1).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::find;
use crate::action::{Action, Input, RequestKind};
use crate::error::{Error, ErrorKind, Misuse, Step};
use crate::exchange::{KeyUse, Outcome, Repeat, Reply};
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
    /// Whether the end of the list was reached; `false` when a bound ended the reading, or the list
    /// led in a circle.
    pub is_complete: bool,
    /// The page after the last one that was read: [`ListOrders::from_page`] goes on there.
    pub next_page: Option<String>,
}

/// Asks for the orders of the session's key, page by page, within the bounds of
/// [`Policy::max_order_pages`](crate::policy::Policy::max_order_pages). Many servers keep no such
/// list (Let's Encrypt among them); that gives an error of kind `Unsupported`.
///
/// A page is asked for only when it is wanted, so a caller can read a long list piece by piece:
///
/// ```
/// use acmekit_core::flow::account::{ListOrders, OrderList};
///
/// fn next_piece(list: &OrderList) -> Option<ListOrders> {
///     list.next_page.as_ref().map(|page| ListOrders::from_page(page).pages(1))
/// }
/// # let first = ListOrders::new().pages(1);
/// ```
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
    asked: SavedListOrders,
    visited: Vec<String>,
    urls: Vec<String>,
}

/// What is asked for, in a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedListOrders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_pages: Option<usize>,
}

impl ListOrders {
    /// Begins; nothing is sent before the first poll.
    pub fn new() -> Self {
        Self { single: Single::new(Step::ListOrders, None), pages: Pages::default() }
    }

    /// Begins at a page that an earlier list named as its next one.
    pub fn from_page(url: impl Into<String>) -> Self {
        let mut flow = Self::new();
        flow.pages.asked.first_page = Some(url.into());
        flow
    }

    /// Reads no more than this number of pages, within the bounds of the policy.
    #[must_use]
    pub fn pages(mut self, max: usize) -> Self {
        self.pages.asked.max_pages = Some(max.max(1));
        self
    }

    /// Continues from a checkpoint: the list is read again.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        match saved.open(session)? {
            (binding, Saved::ListOrders(asked)) => {
                let single = Single::new(Step::ListOrders, binding);
                Ok(Self { single, pages: Pages { asked, ..Pages::default() } })
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
                return match self.asked.first_page.clone() {
                    Some(url) => Ok(self.page(cx.session, url)),
                    None => Ok(Next::Send(Box::new(find::request(cx.session, KeyUse::Jwk)?))),
                };
            }
            Event::Outcome(Outcome::Failed(error) | Outcome::Unknown(error)) => return Err(error),
            Event::Outcome(Outcome::Reply(reply)) => reply,
        };
        if self.visited.is_empty() {
            super::read_account(cx.session, step, &reply, &[], None)?;
            // Some servers answer this question with an empty body (quirk 25).
            let object = reply.object(step).unwrap_or_default();
            let Some(orders) = object.get("orders").and_then(Value::as_str) else {
                let text = "the server keeps no list of orders for accounts";
                return Err(Error::new(ErrorKind::Unsupported, step, "orders-unsupported", text));
            };
            let url = cx.session.resolve_url(step, orders, &reply.url)?;
            return Ok(self.page(cx.session, url));
        }
        let policy = cx.session.policy().clone();
        for order in listed(cx.session, &reply)?.iter().filter_map(Value::as_str) {
            if self.urls.len() >= policy.max_listed_orders {
                return Ok(self.finish(false, None));
            }
            self.urls.push(cx.session.resolve_url(step, order, &reply.url)?);
        }
        let Some(next) = header::links(&reply.headers, "next").into_iter().next() else {
            return Ok(self.finish(true, None));
        };
        let url = cx.session.resolve_url(step, &next, &reply.url)?;
        if self.visited.contains(&url) {
            cx.session.deviations.note("orders-loop", "the list of orders leads back to itself");
            return Ok(self.finish(false, None));
        }
        let wanted = self.asked.max_pages.unwrap_or(usize::MAX).min(policy.max_order_pages);
        if self.visited.len() >= wanted {
            return Ok(self.finish(false, Some(url)));
        }
        Ok(self.page(cx.session, url))
    }

    fn page(&mut self, session: &Session, url: String) -> Next<OrderList> {
        self.visited.push(url.clone());
        let (step, kind) = (Step::ListOrders, RequestKind::OrdersList);
        Next::Send(Box::new(request(session, step, kind, url, None, Repeat::Freely)))
    }

    fn finish(&mut self, is_complete: bool, next_page: Option<String>) -> Next<OrderList> {
        let urls = core::mem::take(&mut self.urls);
        Next::Finish(OrderList { urls, is_complete, next_page })
    }
}

/// The orders on a page. The object around them is missing at some servers (step-ca, Caddy).
fn listed(session: &mut Session, reply: &Reply) -> Result<Vec<Value>, Error> {
    if let Ok(Value::Array(orders)) = serde_json::from_slice(&reply.body) {
        let text = "the list of orders is an array, not an object with the member orders";
        session.deviations.note("orders-not-object", text);
        return Ok(orders);
    }
    match reply.object(Step::ListOrders)?.remove("orders") {
        Some(Value::Array(orders)) => Ok(orders),
        _ => Ok(Vec::new()),
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
        let saved = Saved::ListOrders(self.pages.asked.clone());
        Checkpoint::new(self.single.binding.as_ref(), saved)
    }
}
