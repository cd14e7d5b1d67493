//! The order itself: making it, reading it, and what its status leads to (RFC 8555 §7.4).

use http::StatusCode;

use super::consistency::Seen;
use super::replacement::{Replacement, is_about_replaces};
use super::{Issue, State, Tag};
use crate::action::RequestKind;
use crate::error::{Error, ErrorKind, Retry, Step};
use crate::exchange::{Outcome, Reply};
use crate::flow::Context;
use crate::session::Session;
use crate::time::Timestamp;
use crate::types::{Order, OrderStatus};

impl Issue {
    pub(super) fn make_order(&mut self, session: &Session) -> Result<(), Error> {
        let url = session.directory().and_then(|directory| directory.new_order.clone());
        let url = url.ok_or_else(|| {
            let text = "the directory names no newOrder";
            Error::new(ErrorKind::Unsupported, Step::NewOrder, "directory-incomplete", text)
        })?;
        self.plan.seen = Seen::default();
        self.plan.replacement = self.plan.order.replacement(&self.plan.replacement, session);
        let replaces = match &self.plan.replacement {
            Replacement::Named(id) => Some(id),
            _ => None,
        };
        let payload = self.plan.order.payload(replaces).to_string().into_bytes();
        let kind = RequestKind::NewOrder;
        self.request(session, Tag::NewOrder, Step::NewOrder, kind, &url, payload)
    }

    pub(super) fn take_new_order(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            // Once more without naming the predecessor, which is a courtesy (RFC 9773 §5).
            Outcome::Failed(error)
                if matches!(self.plan.replacement, Replacement::Named(_))
                    && is_about_replaces(&error) =>
            {
                let text = format!("the server refused `replaces`: {}", error.message());
                cx.session.deviations.note("replaces-refused", text);
                self.plan.replacement = Replacement::Refused(error.message().to_owned());
                return self.make_order(cx.session);
            }
            Outcome::Failed(error) => return Err(self.plan.order.explain_refusal(error)),
            Outcome::Unknown(error) => return Err(error),
        };
        if reply.status != StatusCode::CREATED {
            let text = format!("newOrder was answered {} instead of 201", reply.status);
            cx.session.deviations.note("order-status", text);
        }
        let url = reply.location(Step::NewOrder, cx.session)?.ok_or_else(|| {
            let text = "the server names no order URL (header Location)";
            Error::new(ErrorKind::Protocol, Step::NewOrder, "location-missing", text)
                .with_url(&reply.url)
        })?;
        self.plan.order_url = Some(url);
        self.take_order(cx, now, &reply, Step::NewOrder)
    }

    pub(super) fn take_order_reply(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let step = self.step();
        match outcome {
            Outcome::Reply(reply) => {
                self.plan.order_held = reply.retry_after;
                self.take_order(cx, now, &reply, step)
            }
            // An order that a checkpoint knows and the server has forgotten is made anew.
            Outcome::Failed(error)
                if matches!(self.state, State::Ordering)
                    && error.status().is_some_and(|s| s == StatusCode::NOT_FOUND) =>
            {
                self.plan.order_url = None;
                self.make_order(cx.session)
            }
            Outcome::Failed(error) => {
                self.ask_later(cx, Tag::Order, RequestKind::Order, step, error)
            }
            Outcome::Unknown(error) => Err(error),
        }
    }

    /// Reads an order and goes where its status leads.
    pub(super) fn take_order(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        reply: &Reply,
        step: Step,
    ) -> Result<(), Error> {
        let object = reply.object(step)?;
        let max = cx.session.policy().max_authorizations;
        let order = Order::read(&object, max, &mut cx.session.deviations).map_err(|lack| {
            let text = format!("the order cannot be used: {lack}");
            Error::new(ErrorKind::Protocol, step, "order-invalid", text).with_url(&reply.url)
        })?;
        self.compare(cx.session, &order, step, &reply.url)?;
        self.compare_dates(cx.session, &object);
        if let Some(finalize) = &order.finalize {
            self.plan.finalize_url = Some(cx.session.resolve_url(step, finalize, &reply.url)?);
        }
        if core::mem::take(&mut self.plan.resumed) {
            let has_expired =
                order.expires.is_some_and(|expires| expires <= cx.session.clock_time(now))
                    && order.status != OrderStatus::Valid;
            if has_expired || order.status == OrderStatus::Invalid {
                self.plan.order_url = None;
                self.plan.finalize_url = None;
                return self.make_order(cx.session);
            }
        }
        match &order.status {
            OrderStatus::Pending => self.order_pending(cx, now, &order, reply),
            OrderStatus::Ready => self.order_ready(cx, now, reply.retry_after),
            OrderStatus::Processing => self.order_processing(cx, now, reply.retry_after),
            OrderStatus::Valid => self.order_valid(cx, now, &order, reply),
            OrderStatus::Invalid => self.order_invalid(cx, &order, &reply.url),
            OrderStatus::Other(status) => {
                let text = format!("the order has the unknown status {status:?}");
                cx.session.deviations.note("order-status-unknown", &text);
                match &self.state {
                    State::Validating(_) => self.order_pending(cx, now, &order, reply),
                    State::Issuing(_) | State::Finalizing(_) => {
                        self.order_processing(cx, now, reply.retry_after)
                    }
                    _ => Err(Error::new(ErrorKind::Protocol, step, "order-status-unknown", text)
                        .with_url(&reply.url)),
                }
            }
        }
    }

    fn order_pending(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        order: &Order,
        reply: &Reply,
    ) -> Result<(), Error> {
        match &mut self.state {
            State::Ordering => self.authorize(cx, now, order, reply),
            State::Validating(_) => self.still_pending(cx, now, reply.retry_after),
            // Not ready after all: some servers take a moment after the last validation.
            State::Finalizing(_) | State::Issuing(_) => {
                self.begin_validation(cx, now, Vec::new(), reply.retry_after, false)
            }
            // Late news of a poll that was overtaken.
            _ => Ok(()),
        }
    }

    fn order_valid(
        &mut self,
        cx: &mut Context<'_>,
        now: Timestamp,
        order: &Order,
        reply: &Reply,
    ) -> Result<(), Error> {
        match &order.certificate {
            Some(certificate) => {
                let url = cx.session.resolve_url(Step::Download, certificate, &reply.url)?;
                self.begin_download(url);
                Ok(())
            }
            None => {
                let text = "the order is valid but names no certificate yet";
                cx.session.deviations.note("certificate-missing", text);
                self.order_processing(cx, now, reply.retry_after)
            }
        }
    }

    /// Fails with the order's own reason, or looks for one in the authorizations.
    fn order_invalid(
        &mut self,
        cx: &mut Context<'_>,
        order: &Order,
        url: &str,
    ) -> Result<(), Error> {
        if let Some(problem) = &order.error {
            let validating = matches!(self.state, State::Validating(_));
            let kind = if validating { ErrorKind::Validation } else { ErrorKind::Problem };
            let text = format!("the order has failed: {problem}");
            let code = known_code(problem, "order-failed");
            return Err(Error::new(kind, self.step(), code, text)
                .with_problem(problem.clone())
                .with_retry(Retry::NewOrder)
                .with_url(url));
        }
        self.diagnose(cx, order, url)
    }
}

/// The stable code for a problem inside an order or an authorization.
pub(super) fn known_code(
    problem: &crate::problem::Problem,
    otherwise: &'static str,
) -> &'static str {
    crate::problem::ProblemType::KNOWN
        .iter()
        .find(|kind| **kind == problem.kind)
        .map_or(otherwise, |kind| kind.name())
}
