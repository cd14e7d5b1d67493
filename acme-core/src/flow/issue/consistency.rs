//! What the server says of an order, held against what was ordered and what it said before
//! (RFC 8555 §7.1.3, §7.1.6).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Issue;
use super::replacement::Replacement;
use crate::error::{Error, ErrorKind, Retry, Step};
use crate::problem::printable;
use crate::session::Session;
use crate::time::{Timestamp, parse_rfc3339};
use crate::types::identifier::Identifier;
use crate::types::{Order, OrderStatus};

/// What the server has said of the order so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    status: Option<OrderStatus>,
    has_identifiers: bool,
    authorizations: BTreeSet<String>,
}

impl Issue {
    /// Compares what came with what was ordered and with what came before.
    pub(super) fn compare(
        &mut self,
        session: &mut Session,
        order: &Order,
        step: Step,
        url: &str,
    ) -> Result<(), Error> {
        self.note_transition(session, &order.status);
        self.compare_identifiers(session, order, step, url)?;
        self.compare_authorizations(order, step, url)?;
        self.note_replaces(session, order);
        self.compare_profile(session, order, step)
    }

    /// A server that takes `replaces` shows it in the order (RFC 9773 §5).
    fn note_replaces(&self, session: &mut Session, order: &Order) {
        if let Replacement::Named(id) = &self.plan.replacement
            && order.replaces.as_deref() != Some(id.as_str())
        {
            let text = "the order does not show the certificate that it replaces";
            session.deviations.note("replaces-missing", text);
        }
    }

    /// An order moves forward only, though states may be skipped between two polls (R-ORD-06).
    fn note_transition(&mut self, session: &mut Session, status: &OrderStatus) {
        let before = self.plan.seen.status.replace(status.clone());
        if let Some(before) = before
            && let (Some(from), Some(to)) = (progress(&before), progress(status))
            && to < from
        {
            let text = format!("the order went back from {before} to {status}");
            session.deviations.note("order-moved-back", text);
        }
    }

    /// The identifiers of the order are compared as a set: their order is the server's (R-ORD-04).
    fn compare_identifiers(
        &mut self,
        session: &mut Session,
        order: &Order,
        step: Step,
        url: &str,
    ) -> Result<(), Error> {
        let wanted: BTreeSet<&Identifier> = self.plan.order.identifiers.iter().collect();
        let got: BTreeSet<&Identifier> = order.identifiers.iter().collect();
        if got.is_empty() {
            session.deviations.note("order-identifiers", "the order names no identifiers");
            return Ok(());
        }
        let were_right = core::mem::replace(&mut self.plan.seen.has_identifiers, true);
        if wanted == got {
            return Ok(());
        }
        let bare = |set: BTreeSet<&Identifier>| -> BTreeSet<Identifier> {
            set.into_iter().map(Identifier::without_wildcard).collect()
        };
        if bare(wanted) == bare(got) {
            let text = "the order names a wildcard without its `*.`";
            session.deviations.note("order-identifiers", text);
            return Ok(());
        }
        let list: Vec<_> = order.identifiers.iter().take(10).map(ToString::to_string).collect();
        let list = list.join(", ");
        if were_right {
            let text = format!("the order was for other names before; now it is for {list}");
            return Err(changed(step, url, text, order));
        }
        let text = format!("the order is for other names than were ordered: {list}");
        Err(Error::new(ErrorKind::Protocol, step, "order-identifiers", text).with_url(url))
    }

    /// The authorizations of an order stay the same while it is open (R-ORD-10). A final order
    /// lists those that were completed, which can be fewer; some servers leave the list out.
    fn compare_authorizations(
        &mut self,
        order: &Order,
        step: Step,
        url: &str,
    ) -> Result<(), Error> {
        let is_final = matches!(order.status, OrderStatus::Valid | OrderStatus::Invalid);
        if is_final || order.authorizations.is_empty() {
            return Ok(());
        }
        let now: BTreeSet<String> = order.authorizations.iter().cloned().collect();
        let before = &mut self.plan.seen.authorizations;
        if before.is_empty() {
            *before = now;
            return Ok(());
        }
        if *before == now {
            return Ok(());
        }
        let added = now.difference(before).count();
        let removed = before.difference(&now).count();
        let text = format!(
            "the list of authorizations of the order has changed: {added} are new, {removed} are \
             gone"
        );
        Err(changed(step, url, text, order))
    }

    /// A server that takes dates shows them in the order; others ignore them (RFC 8555 §7.4).
    pub(super) fn compare_dates(&self, session: &mut Session, order: &Map<String, Value>) {
        let wanted = &self.plan.order;
        for (name, asked) in [("notBefore", wanted.not_before), ("notAfter", wanted.not_after)] {
            let got = order.get(name).and_then(Value::as_str).and_then(parse_rfc3339);
            if asked.is_some_and(|a| got.map(Timestamp::unix_seconds) != Some(a.unix_seconds())) {
                let text = format!("the order ignores the {name} that was asked for");
                session.deviations.note("order-dates", text);
            }
        }
    }

    /// A server may choose a profile where none was asked for, never another one (R-PRF-04).
    fn compare_profile(
        &self,
        session: &mut Session,
        order: &Order,
        step: Step,
    ) -> Result<(), Error> {
        match (&self.plan.order.profile, &order.profile) {
            (Some(asked), Some(got)) if !asked.eq_ignore_ascii_case(got) => {
                let text = format!(
                    "the profile {asked:?} was ordered, and the server gives {:?}",
                    printable(got)
                );
                Err(Error::new(ErrorKind::Protocol, step, "order-profile", text))
            }
            (Some(asked), Some(got)) if asked != got => {
                let text = format!("the order spells the profile {asked:?} as {got:?}");
                session.deviations.note("order-profile", text);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// How far an order has come; none for states that are not of RFC 8555 §7.1.6.
const fn progress(status: &OrderStatus) -> Option<u8> {
    match status {
        OrderStatus::Pending => Some(0),
        OrderStatus::Ready => Some(1),
        OrderStatus::Processing => Some(2),
        OrderStatus::Valid | OrderStatus::Invalid => Some(3),
        OrderStatus::Other(_) => None,
    }
}

/// The lists of an order are immutable: one that changes makes the order void (RFC 8555 §7.1.3).
fn changed(step: Step, url: &str, text: String, order: &Order) -> Error {
    let identifiers: Vec<String> = order.identifiers.iter().map(ToString::to_string).collect();
    let evidence = format!(
        "status: {}\nidentifiers: {}\nauthorizations:\n{}",
        order.status,
        identifiers.join(", "),
        order.authorizations.join("\n")
    );
    Error::new(ErrorKind::Protocol, step, "order-changed", text)
        .with_retry(Retry::NewOrder)
        .with_url(url)
        .with_evidence(printable_lines(&evidence))
}

/// What a server sent, fit for a terminal but with its lines kept.
fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}
