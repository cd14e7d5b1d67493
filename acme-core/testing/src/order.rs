//! Orders (RFC 8555 §7.4): what a client may ask for, and how an order moves on.

use std::collections::BTreeSet;

use acmekit_core::time::Timestamp;
use acmekit_core::types::identifier::Identifier;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::authorization::AuthorizationState;
use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::names;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::rfc3339;
use crate::routing::{Resource, Signed};

#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) path: String,
    pub(crate) finalize_path: String,
    pub(crate) account: usize,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    profile: Option<String>,
    /// The certificate whose place the new one takes.
    pub(crate) replaces: Option<usize>,
    authorizations: Vec<usize>,
    expires: Timestamp,
    pub(crate) state: OrderState,
    /// A client that asks before this moment ignores Retry-After.
    pub(crate) not_before_poll: Option<Timestamp>,
}

/// The state diagram of §7.1.6; whether an open order is pending or ready follows from its
/// authorizations.
#[derive(Debug)]
pub(crate) enum OrderState {
    Open,
    Processing { until: Timestamp, certificate: usize },
    Valid { certificate: usize },
    Invalid(Problem),
}

impl Order {
    /// When the certificate of a processing order is ready.
    pub(crate) const fn due(&self) -> Option<Timestamp> {
        match self.state {
            OrderState::Processing { until, .. } => Some(until),
            _ => None,
        }
    }
}

/// What a newOrder payload asks for.
struct Wanted {
    identifiers: Vec<Identifier>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    profile: Option<String>,
}

impl TestingCa {
    pub(crate) fn order_at(&self, index: usize) -> Result<&Order, Problem> {
        self.orders.get(index).ok_or_else(|| Problem::internal("the order is gone"))
    }

    pub(crate) fn order_mut(&mut self, index: usize) -> Result<&mut Order, Problem> {
        self.orders.get_mut(index).ok_or_else(|| Problem::internal("the order is gone"))
    }

    pub(crate) fn new_order(&mut self, signed: &Signed) -> Result<Reply, Problem> {
        let account = signed.account()?;
        self.check_failures(account)?;
        let payload = signed.object("R-ORD-01")?;
        let allowed = ["identifiers", "notBefore", "notAfter", "profile", "replaces"];
        self.note_odd_members(&payload, &allowed, "R-ORD-01");
        let wanted = self.wanted(account, &payload)?;
        let replaces = self.replaced(account, &payload, &wanted.identifiers)?;
        if self.config.order_reuse
            && let Some(index) = self.unfinished_order(account, &wanted)
        {
            return self.order_reply(index, StatusCode::CREATED);
        }
        let authorizations = self.authorizations_for(account, &wanted.identifiers, &payload);
        let index = self.orders.len();
        let path = self.publish(Resource::Order(index));
        let finalize_path = self.publish(Resource::Finalize(index));
        self.orders.push(Order {
            path,
            finalize_path,
            account,
            identifiers: wanted.identifiers,
            not_before: wanted.not_before,
            not_after: wanted.not_after,
            profile: wanted.profile,
            replaces,
            authorizations,
            expires: self.now.saturating_add(self.config.order_lifetime),
            state: OrderState::Open,
            not_before_poll: None,
        });
        self.order_reply(index, StatusCode::CREATED)
    }

    pub(crate) fn order(&mut self, signed: &Signed, index: usize) -> Result<Reply, Problem> {
        self.check_order_owner(signed, index)?;
        signed.expect_post_as_get()?;
        let not_before_poll = self.order_at(index)?.not_before_poll;
        self.note_early_poll(not_before_poll);
        self.order_reply(index, StatusCode::OK)
    }

    pub(crate) fn check_order_owner(&self, signed: &Signed, index: usize) -> Result<(), Problem> {
        if self.order_at(index)?.account == signed.account()? {
            return Ok(());
        }
        Err(Problem::forbidden("this order belongs to another account"))
    }

    /// §8.2, RFC 9110 §10.2.3: the client was told when to come back.
    pub(crate) fn note_early_poll(&mut self, earliest: Option<Timestamp>) {
        if let Some(earliest) = earliest
            && self.now < earliest
        {
            let early = earliest.saturating_since(self.now);
            self.note("R-POL-03", format!("asked {} ms before Retry-After", early.as_millis()));
        }
    }

    fn wanted(&mut self, account: usize, payload: &Map<String, Value>) -> Result<Wanted, Problem> {
        let malformed = |detail: &str| Problem::malformed(detail).breach("R-ORD-01");
        let list = payload
            .get("identifiers")
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty())
            .ok_or_else(|| malformed("`identifiers` must be a list of at least one identifier"))?;
        let most = self.config.max_identifiers;
        if list.len() > most {
            return Err(Problem::malformed(format!("more than {most} identifiers")));
        }
        let mut identifiers = Vec::new();
        let mut refused = Vec::new();
        for entry in list {
            match self.acceptable(account, entry) {
                Err(problem) if problem.cause == RefusalCause::Request => return Err(problem),
                Err(problem) => refused.push((entry.clone(), problem)),
                Ok(identifier) if identifiers.contains(&identifier) => {
                    self.note("R-ORD-03", format!("{identifier} is ordered twice"));
                }
                Ok(identifier) => identifiers.push(identifier),
            }
        }
        if let Some(problem) = names::refusal(refused) {
            return Err(problem);
        }
        self.check_whole_name_set(account, &identifiers)?;
        let (not_before, not_after) =
            (self.date(payload, "notBefore")?, self.date(payload, "notAfter")?);
        if let (Some(not_before), Some(not_after)) = (not_before, not_after)
            && not_after <= not_before
        {
            return Err(malformed("notAfter must be later than notBefore"));
        }
        if not_after.is_some_and(|not_after| not_after <= self.now) {
            return Err(malformed("notAfter is in the past"));
        }
        let profile = self.profile(payload)?;
        Ok(Wanted { identifiers, not_before, not_after, profile })
    }

    fn date(&self, payload: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Problem> {
        let text = match payload.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value.as_str().unwrap_or_default(),
        };
        if !self.config.requested_dates {
            return Err(Problem::malformed(format!("this CA does not take `{name}`")));
        }
        match rfc3339::parse(text) {
            Some(time) => Ok(Some(time)),
            None => {
                let detail = format!("`{name}` is not an RFC 3339 date with a zone");
                Err(Problem::malformed(detail).breach("R-ORD-01"))
            }
        }
    }

    fn profile(&self, payload: &Map<String, Value>) -> Result<Option<String>, Problem> {
        let name = match payload.get("profile") {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value.as_str().unwrap_or_default(),
        };
        // Without profiles the member means nothing to the CA, and it is not echoed.
        if self.config.profiles.is_empty() {
            return Ok(None);
        }
        if self.config.profiles.contains_key(name) {
            return Ok(Some(name.to_owned()));
        }
        let detail = format!("there is no profile {name:?}");
        Err(Problem::new(RefusalCause::CertificateProfile, detail).value(name).breach("R-PRF-02"))
    }

    fn unfinished_order(&self, account: usize, wanted: &Wanted) -> Option<usize> {
        let set = |list: &[Identifier]| list.iter().cloned().collect::<BTreeSet<_>>();
        self.orders.iter().position(|order| {
            order.account == account
                && matches!(order.state, OrderState::Open)
                && set(&order.identifiers) == set(&wanted.identifiers)
                && order.profile == wanted.profile
                && (order.not_before, order.not_after) == (wanted.not_before, wanted.not_after)
        })
    }

    pub(crate) fn is_ready(&self, order: &Order) -> bool {
        matches!(order.state, OrderState::Open)
            && order.authorizations.iter().all(|index| {
                self.authorizations
                    .get(*index)
                    .is_some_and(|authorization| authorization.state == AuthorizationState::Valid)
            })
    }

    /// Moves orders on: certificates that are ready, failed authorizations, expiry.
    pub(crate) fn settle_orders(&mut self) {
        let now = self.now;
        for index in 0..self.orders.len() {
            let Some(order) = self.orders.get(index) else {
                continue;
            };
            let next = match &order.state {
                OrderState::Processing { until, certificate } if *until <= now => {
                    Some(OrderState::Valid { certificate: *certificate })
                }
                OrderState::Open => self.failure(order).map(OrderState::Invalid),
                _ => None,
            };
            if let (Some(next), Some(order)) = (next, self.orders.get_mut(index)) {
                order.state = next;
            }
        }
    }

    fn failure(&self, order: &Order) -> Option<Problem> {
        if order.expires <= self.now {
            return Some(Problem::new(RefusalCause::OrderExpired, "the order has expired"));
        }
        for index in &order.authorizations {
            let authorization = self.authorizations.get(*index)?;
            match authorization.state {
                AuthorizationState::Pending | AuthorizationState::Valid => {}
                AuthorizationState::Invalid => {
                    let inner = authorization.error();
                    let identifier = authorization.identifier.clone();
                    let mut problem = inner.clone();
                    problem.detail =
                        format!("the authorization for {identifier} failed: {}", inner.detail);
                    problem.subproblems = vec![(identifier, inner)];
                    return Some(problem);
                }
                AuthorizationState::Deactivated | AuthorizationState::Expired => {
                    let name = &authorization.identifier;
                    let detail = format!("the authorization for {name} is no longer usable");
                    return Some(Problem::forbidden(detail));
                }
            }
        }
        None
    }

    pub(crate) fn order_reply(
        &mut self,
        index: usize,
        status: StatusCode,
    ) -> Result<Reply, Problem> {
        let order = self.order_at(index)?;
        let is_waiting = match order.state {
            OrderState::Processing { .. } => true,
            OrderState::Open => order.authorizations.iter().any(|index| {
                self.trials.iter().any(|trial| trial.authorization == *index && !trial.is_over)
            }),
            _ => false,
        };
        let mut identifiers = order.identifiers.clone();
        let mut authorizations: Vec<_> = order
            .authorizations
            .iter()
            .filter_map(|index| self.authorizations.get(*index))
            .map(|authorization| self.url(&authorization.path))
            .collect();
        let mut body = json!({
            "status": self.order_status(order),
            "expires": order.expires.to_string(),
            "finalize": self.url(&order.finalize_path),
        });
        let mut optional = Map::new();
        for (name, date) in [("notBefore", order.not_before), ("notAfter", order.not_after)] {
            if let Some(date) = date {
                optional.insert(name.to_owned(), json!(date.to_string()));
            }
        }
        if let Some(profile) = &order.profile {
            optional.insert("profile".to_owned(), json!(profile));
        }
        if let Some(id) = self.shown_replaces(order.replaces) {
            optional.insert("replaces".to_owned(), json!(id));
        }
        match &order.state {
            OrderState::Valid { certificate } => {
                let path = self.issued_at(*certificate)?.path.clone();
                optional.insert("certificate".to_owned(), json!(self.url(&path)));
            }
            OrderState::Invalid(problem) => {
                optional.insert("error".to_owned(), self.config.worded(problem).to_json());
            }
            OrderState::Open | OrderState::Processing { .. } => {}
        }
        let location = self.url(&order.path);
        if self.config.shuffle {
            self.entropy.shuffle(&mut identifiers);
            self.entropy.shuffle(&mut authorizations);
        }
        optional.insert("identifiers".to_owned(), json!(identifiers));
        optional.insert("authorizations".to_owned(), json!(authorizations));
        if let Some(members) = body.as_object_mut() {
            members.append(&mut optional);
        }
        let mut reply = Reply::json(status, &body).header("location", location);
        let told = if is_waiting { self.retry_after() } else { None };
        if let Some((value, _)) = &told {
            reply = reply.header("retry-after", value.clone());
        }
        self.order_mut(index)?.not_before_poll = told.map(|(_, earliest)| earliest);
        Ok(reply)
    }

    fn order_status(&self, order: &Order) -> &'static str {
        match order.state {
            OrderState::Open if self.is_ready(order) => "ready",
            OrderState::Open => "pending",
            OrderState::Processing { .. } => "processing",
            OrderState::Valid { .. } => "valid",
            OrderState::Invalid(_) => "invalid",
        }
    }
}
