//! What one certificate takes: the order, the certificate request, and what is known so far.

use serde::{Deserialize, Serialize};

use super::consistency::Seen;
use super::replacement::Replacement;
use super::saved::SavedOffer;
use super::{ChainPreference, Exchanges, Issue, NewOrder, State};
use crate::action::SignId;
use crate::certificate::{CertificateRequest, UnsignedCertificateRequest};
use crate::error::{Error, ErrorKind, Step};
use crate::flow::Deadline;
use crate::jose::Jwk;
use crate::problem::printable;
use crate::session::{KeyOwner, Session};
use crate::time::Timestamp;

/// What is wanted and what is known so far: all that outlives a state.
pub(super) struct Plan {
    pub(super) order: NewOrder,
    pub(super) request: CertificateRequestSource,
    pub(super) preference: Option<ChainPreference>,
    pub(super) order_url: Option<String>,
    pub(super) finalize_url: Option<String>,
    /// Presented and not withdrawn yet.
    pub(super) presented: Vec<SavedOffer>,
    /// Authorizations that were pending when they were read.
    pub(super) open_authorizations: Vec<String>,
    /// Names the signature of the certificate request that is outstanding.
    pub(super) signing: Option<SignId>,
    /// The order URL comes from a checkpoint and was not read yet.
    pub(super) resumed: bool,
    /// What the server has said of the order.
    pub(super) seen: Seen,
    /// Whether the server was told what the order replaces.
    pub(super) replacement: Replacement,
    /// How often the order was polled in all.
    pub(super) polls: u32,
    /// How often the certificate request was sent.
    pub(super) finalize_sends: u32,
    /// When the order may be polled, as an answer about it has said.
    pub(super) order_held: Option<Timestamp>,
    /// How often something that had just been made was not found.
    pub(super) late: u32,
}

/// The certificate request, ready or still to be signed elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CertificateRequestSource {
    Ready(CertificateRequest),
    Unsigned(UnsignedCertificateRequest),
}

impl Issue {
    /// Begins an order with a certificate request that is signed already. Nothing is sent before
    /// the first poll, which refuses a request whose names are not those of the order.
    pub fn new(order: NewOrder, request: CertificateRequest) -> Self {
        Self::begin(order, CertificateRequestSource::Ready(request))
    }

    /// Begins an order with a certificate key that is held elsewhere: the request is signed by
    /// [`Action::Sign`](crate::action::Action::Sign) once the order is ready.
    pub fn with_external_key(order: NewOrder, request: UnsignedCertificateRequest) -> Self {
        Self::begin(order, CertificateRequestSource::Unsigned(request))
    }

    pub(super) fn begin(order: NewOrder, request: CertificateRequestSource) -> Self {
        Self {
            plan: Plan {
                order,
                request,
                preference: None,
                order_url: None,
                finalize_url: None,
                presented: Vec::new(),
                open_authorizations: Vec::new(),
                signing: None,
                resumed: false,
                seen: Seen::default(),
                replacement: Replacement::default(),
                polls: 0,
                finalize_sends: 0,
                order_held: None,
                late: 0,
            },
            deadline: Deadline::default(),
            binding: None,
            state: State::Start,
            exchanges: Exchanges::default(),
        }
    }

    /// Chooses among the chains the CA offers; without it the CA's default is taken.
    #[must_use]
    pub fn prefer_chain(mut self, preference: ChainPreference) -> Self {
        self.plan.preference = Some(preference);
        self
    }

    /// Goes on with the order at this URL, which the account made before, instead of making one: it
    /// must be for the same names. If it has failed or expired, or the server has forgotten it, a
    /// new one is made.
    #[must_use]
    pub fn continue_order(mut self, order_url: impl Into<String>) -> Self {
        self.plan.order_url = Some(order_url.into());
        self.plan.resumed = true;
        self
    }

    /// Gives up at this time; without it, [`Policy::total_time`](crate::policy::Policy::total_time)
    /// after the first poll.
    #[must_use]
    pub fn deadline(mut self, deadline: Timestamp) -> Self {
        self.deadline.ask(deadline);
        self
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
        if thumbprint.is_ok_and(|thumbprint| session.is_account_key(&thumbprint)) {
            let text = "the certificate key is an account key; they must differ (RFC 8555 §11.1)";
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
