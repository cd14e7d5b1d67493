//! The order itself: making it, reading it, and what its status leads to (RFC 8555 §7.4).

use std::collections::BTreeSet;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CertificateRequestSource, Issue, Plan, State, Tag};
use crate::action::RequestKind;
use crate::error::{Error, ErrorKind, Retry, Step};
use crate::exchange::{Outcome, Reply};
use crate::flow::Context;
use crate::jose::Jwk;
use crate::problem::printable;
use crate::session::{KeyOwner, Session};
use crate::time::Timestamp;
use crate::types::identifier::Identifier;
use crate::types::{Order, OrderStatus};

/// What is ordered.
///
/// ```
/// use acmekit_core::flow::issue::NewOrder;
/// let order = NewOrder::new(["example.org".parse()?, "www.example.org".parse()?]);
/// # Ok::<(), acmekit_core::types::IdentifierError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    identifiers: Vec<Identifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ancestors: Vec<Identifier>,
}

impl NewOrder {
    /// Orders a certificate for these names and addresses; one named twice counts once.
    pub fn new(identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        let mut seen = BTreeSet::new();
        let identifiers =
            identifiers.into_iter().filter(|identifier| seen.insert(identifier.clone())).collect();
        Self {
            identifiers,
            not_before: None,
            not_after: None,
            profile: None,
            ancestors: Vec::new(),
        }
    }

    /// Asks for a certificate that begins at this time; many CAs refuse that.
    #[must_use]
    pub fn not_before(mut self, time: Timestamp) -> Self {
        self.not_before = Some(time);
        self
    }

    /// Asks for a certificate that ends at this time; many CAs refuse that.
    #[must_use]
    pub fn not_after(mut self, time: Timestamp) -> Self {
        self.not_after = Some(time);
        self
    }

    /// Asks for a profile that the directory names (draft-ietf-acme-profiles).
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// The names and addresses.
    pub fn identifiers(&self) -> &[Identifier] {
        &self.identifiers
    }

    fn payload(&self) -> Value {
        let mut payload = Map::new();
        payload.insert("identifiers".into(), self.wire_identifiers());
        if let Some(time) = self.not_before {
            payload.insert("notBefore".into(), time.to_string().into());
        }
        if let Some(time) = self.not_after {
            payload.insert("notAfter".into(), time.to_string().into());
        }
        if let Some(profile) = &self.profile {
            payload.insert("profile".into(), profile.clone().into());
        }
        Value::Object(payload)
    }
}

impl Plan {
    /// What can be found wrong before anything is sent (R-FIN-03, R-FIN-04).
    pub(super) fn check(&self, session: &Session) -> Result<(), Error> {
        let error =
            |code, text: String| Err(Error::new(ErrorKind::Input, Step::Preparation, code, text));
        if self.order.identifiers.is_empty() {
            return error("no-identifiers", "the order names nothing to certify".to_owned());
        }
        for time in [self.order.not_before, self.order.not_after].into_iter().flatten() {
            if !time.is_rfc3339() {
                let text = format!("{time} cannot be asked for; use a date from 1970 to 9999");
                return error("bad-date", text);
            }
        }
        if let CertificateRequestSource::Ready(request) = &self.request
            && let Err(fault) = request.check_names(&self.order.identifiers)
        {
            return error("badCSR", fault.to_string());
        }
        let public_key = self.certificate_public_key();
        session.check_rule(Step::Preparation, |profile| {
            profile.check_order(&self.order.identifiers)?;
            match &self.request {
                CertificateRequestSource::Ready(request) => {
                    profile.check_request(request, &self.order.identifiers)
                }
                CertificateRequestSource::Unsigned(_) => profile.check_certificate_key(&public_key),
            }
        })?;
        let thumbprint = Jwk::from_public_key_der(&public_key).map(|jwk| jwk.thumbprint());
        if thumbprint.is_ok_and(|t| t == session.account_key().thumbprint()) {
            let text = "the certificate key is the account key; they must differ (RFC 8555 §11.1)";
            return error("account-key-in-certificate", text.to_owned());
        }
        let Some(directory) = session.directory() else { return Ok(()) };
        match &self.order.profile {
            Some(wanted) if !directory.profiles.iter().any(|(name, _)| name == wanted) => {
                let names = directory.profiles.iter().map(|(name, _)| printable(name));
                let names: Vec<_> = names.collect();
                let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let text = format!("the CA offers no profile {wanted:?}; it offers: {offered}");
                error("invalidProfile", text)
            }
            _ => Ok(()),
        }
    }

    /// Tells the session of the certificate key, which is to be no account's key.
    pub(super) fn note_certificate_key(&self, session: &mut Session) {
        if let Ok(key) = Jwk::from_public_key_der(&self.certificate_public_key()) {
            session.note_key(&key, KeyOwner::Certificate);
        }
    }

    /// The public key the certificate is to carry, as SubjectPublicKeyInfo.
    pub(super) fn certificate_public_key(&self) -> Vec<u8> {
        match &self.request {
            CertificateRequestSource::Ready(request) => request.public_key_der().to_vec(),
            CertificateRequestSource::Unsigned(request) => request.public_key_der(),
        }
    }
}

impl Issue {
    pub(super) fn make_order(&mut self, session: &Session) -> Result<(), Error> {
        let url = session.directory().and_then(|directory| directory.new_order.clone());
        let url = url.ok_or_else(|| {
            let text = "the directory names no newOrder";
            Error::new(ErrorKind::Unsupported, Step::NewOrder, "directory-incomplete", text)
        })?;
        let payload = self.plan.order.payload().to_string().into_bytes();
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
            Outcome::Failed(error) | Outcome::Unknown(error) => return Err(error),
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
            Outcome::Reply(reply) => self.take_order(cx, now, &reply, step),
            // An order that a checkpoint knows and the server has forgotten is made anew.
            Outcome::Failed(error)
                if matches!(self.state, State::Ordering)
                    && error.status().is_some_and(|s| s == StatusCode::NOT_FOUND) =>
            {
                self.plan.order_url = None;
                self.make_order(cx.session)
            }
            Outcome::Failed(error) | Outcome::Unknown(error) => Err(error),
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
        self.compare_identifiers(cx.session, &order, step, &reply.url)?;
        self.compare_profile(&order, step)?;
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
                let text = "the order was pending again after it was ready";
                cx.session.deviations.note("order-status", text);
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

    /// The identifiers of the order are compared as a set: their order is the server's (R-ORD-04).
    fn compare_identifiers(
        &self,
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
        let text = format!("the order is for other names than were ordered: {}", list.join(", "));
        Err(Error::new(ErrorKind::Protocol, step, "order-identifiers", text).with_url(url))
    }

    /// A server may choose a profile where none was asked for, never another one (R-PRF-04).
    fn compare_profile(&self, order: &Order, step: Step) -> Result<(), Error> {
        match (&self.plan.order.profile, &order.profile) {
            (Some(asked), Some(got)) if !asked.eq_ignore_ascii_case(got) => {
                let text = format!(
                    "the profile {asked:?} was ordered, and the server gives {:?}",
                    printable(got)
                );
                Err(Error::new(ErrorKind::Protocol, step, "order-profile", text))
            }
            _ => Ok(()),
        }
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
