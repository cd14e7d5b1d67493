//! An order in a checkpoint, and how it continues from there.

use serde::{Deserialize, Serialize};

use super::plan::CertificateRequestSource;
use super::replacement::Replacement;
use super::{ChainPreference, Issue, NewOrder};
use crate::action::{ChallengeId, Offer, OfferAccount};
use crate::certificate::CertificateRequest;
use crate::challenge::ChallengeType;
use crate::challenge::token::Token;
use crate::flow::checkpoint::{Checkpoint, ResumeError, Saved};
use crate::session::Session;
use crate::types::{Identifier, JsonObject};

/// A presented challenge in a checkpoint; the key authorization is made again from the token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::flow) struct SavedOffer {
    pub(in crate::flow) challenge_url: String,
    pub(in crate::flow) authorization_url: String,
    pub(in crate::flow) identifier: Identifier,
    pub(super) wildcard: bool,
    #[serde(rename = "type")]
    pub(super) kind: ChallengeType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<Token>,
    /// What only challenges of this kind have.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub(super) members: JsonObject,
}

impl SavedOffer {
    pub(in crate::flow) fn offer(&self, session: &Session) -> Offer {
        let account = OfferAccount::of(session);
        let mut offer = Offer {
            id: ChallengeId(self.challenge_url.clone()),
            authorization_url: self.authorization_url.clone(),
            identifier: self.identifier.clone(),
            wildcard: self.wildcard,
            kind: self.kind.clone(),
            key_authorization: self.token.as_ref().map(|token| account.key_authorization(token)),
            token: self.token.clone(),
            members: self.members.clone(),
            account,
        };
        offer.name_members();
        offer
    }
}

/// The flow in a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedIssue {
    order: NewOrder,
    request: CertificateRequestSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preference: Option<ChainPreference>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_url: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    presented: Vec<SavedOffer>,
    /// What became of `replaces`, so that a refused one is not tried again.
    #[serde(default, skip_serializing_if = "is_default")]
    replacement: Replacement,
}

fn is_default(replacement: &Replacement) -> bool {
    *replacement == Replacement::default()
}

impl Issue {
    /// Continues from a checkpoint. An order that is known is read again, and everything follows
    /// from its status; an order whose making was under way is made anew, since nobody knows its
    /// URL; one that has failed or expired meanwhile is, too. What had been presented is presented
    /// again if it is still needed, and withdrawn in the end. The deadline starts afresh.
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume(saved: Checkpoint, session: &Session) -> Result<Self, ResumeError> {
        let (binding, Saved::Issue(saved)) = saved.open(session)? else {
            return Err(ResumeError::OtherFlow);
        };
        let mut flow = Self::begin(saved.order, saved.request);
        flow.binding = binding;
        flow.plan.preference = saved.preference;
        flow.plan.resumed = saved.order_url.is_some();
        flow.plan.order_url = saved.order_url;
        flow.plan.presented = saved.presented;
        flow.plan.replacement = saved.replacement;
        Ok(flow)
    }

    /// Continues from a checkpoint with another certificate request, for the same names. A request
    /// that the CA refuses (`badCSR`) leaves the order ready, validations and all (RFC 8555 §7.4):
    /// correct it and finalize the same order.
    ///
    /// ```
    /// use acmekit_core::certificate::CertificateRequest;
    /// use acmekit_core::flow::{Flow, ResumeError, issue::Issue};
    /// # use acmekit_core::{error::Error, session::Session};
    /// fn correct(
    ///     failed: &Issue,
    ///     error: &Error,
    ///     session: &Session,
    ///     corrected: CertificateRequest,
    /// ) -> Result<Option<Issue>, ResumeError> {
    ///     if error.code() != "badCSR" {
    ///         return Ok(None);
    ///     }
    ///     Issue::resume_with_request(failed.checkpoint(), session, corrected).map(Some)
    /// }
    /// ```
    ///
    /// # Errors
    /// The checkpoint is of another flow or session.
    pub fn resume_with_request(
        saved: Checkpoint,
        session: &Session,
        request: CertificateRequest,
    ) -> Result<Self, ResumeError> {
        let mut flow = Self::resume(saved, session)?;
        flow.plan.request = CertificateRequestSource::Ready(request);
        Ok(flow)
    }

    /// The state that a checkpoint keeps.
    pub(super) fn save(&self) -> Checkpoint {
        let plan = &self.plan;
        Checkpoint::new(
            self.binding.as_ref(),
            Saved::Issue(SavedIssue {
                order: plan.order.clone(),
                request: plan.request.clone(),
                preference: plan.preference.clone(),
                order_url: plan.order_url.clone(),
                presented: plan.presented.clone(),
                replacement: plan.replacement.clone(),
            }),
        )
    }
}
