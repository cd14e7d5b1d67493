//! Renewal information and orders that replace a certificate (RFC 9773).

use core::time::Duration;
use std::collections::BTreeSet;

use acmekit_core::certificate::{Certificate, CertificateId};
use acmekit_core::types::identifier::Identifier;
use der::Encode;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::certificate::Issued;
use crate::order::OrderState;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::Resource;

/// How often a client is told to look again.
const LOOK_AGAIN: &str = "21600";

impl Issued {
    fn certificate_id(&self) -> Option<CertificateId> {
        let der = self.certificate().to_der().ok()?;
        Certificate::from_der(&der).ok()?.certificate_id()
    }
}

impl TestingCa {
    /// Gives a new certificate its renewal information, if the CA offers any.
    pub(crate) fn publish_renewal_info(&mut self, certificate: usize) {
        let id = self.certificates.get(certificate).and_then(Issued::certificate_id);
        if let (Some(path), Some(id)) = (&self.paths.renewal_info, id) {
            self.resources.insert(format!("{path}/{id}"), Resource::RenewalInfo(certificate));
        }
    }

    /// The last third of the lifetime is the time to renew (RFC 9773 §4.2).
    pub(crate) fn renewal_info(&self, certificate: usize) -> Result<Reply, Problem> {
        let unreadable = || Problem::internal("the certificate cannot be read");
        let der = self.issued_at(certificate)?.certificate().to_der().map_err(|_| unreadable())?;
        let certificate = Certificate::from_der(&der).map_err(|_| unreadable())?;
        let lifetime = certificate.not_after().saturating_since(certificate.not_before());
        let start = certificate.not_after().saturating_sub(lifetime / 3);
        let end = start.saturating_add((lifetime / 6).max(Duration::from_secs(1)));
        let window = json!({"start": start.to_string(), "end": end.to_string()});
        let reply = Reply::json(StatusCode::OK, &json!({"suggestedWindow": window}));
        Ok(reply.header("retry-after", LOOK_AGAIN.to_owned()))
    }

    /// The certificate that a newOrder payload says it replaces (RFC 9773 §5): known here, of the
    /// same account, with a name in common, and not replaced already.
    pub(crate) fn replaced(
        &self,
        account: usize,
        payload: &Map<String, Value>,
        identifiers: &[Identifier],
    ) -> Result<Option<usize>, Problem> {
        let id = match payload.get("replaces") {
            None => return Ok(None),
            Some(value) => value.as_str().unwrap_or_default(),
        };
        if self.paths.renewal_info.is_none() {
            let detail = "`replaces` is for CAs with renewal information";
            return Err(Problem::malformed(detail).breach("R-ORD-12"));
        }
        let matches = |issued: &Issued| issued.certificate_id().is_some_and(|i| i.as_str() == id);
        let index = self.certificates.iter().position(matches).ok_or_else(|| {
            let detail = "the `replaces` field does not identify a certificate of this CA";
            Problem::new(RefusalCause::CertificateUnknown, detail).value(id)
        })?;
        let issued = self.issued_at(index)?;
        if issued.account() != account {
            let detail = "the certificate that the order replaces belongs to another account";
            return Err(Problem::forbidden(detail).breach("R-ORD-12"));
        }
        let old: BTreeSet<_> = issued.identifiers().iter().collect();
        if !identifiers.iter().any(|identifier| old.contains(identifier)) {
            let detail = "the order shares no name with the certificate that it replaces";
            return Err(Problem::malformed(detail).breach("R-ORD-12"));
        }
        let is_taken = self.orders.iter().any(|order| {
            order.replaces == Some(index) && !matches!(order.state, OrderState::Invalid(_))
        });
        if is_taken {
            let detail = "another order has replaced the certificate already";
            return Err(Problem::new(RefusalCause::AlreadyReplaced, detail).value(id));
        }
        Ok(Some(index))
    }

    /// The text of `replaces` that an order shows.
    pub(crate) fn shown_replaces(&self, certificate: Option<usize>) -> Option<String> {
        let id = self.certificates.get(certificate?)?.certificate_id()?;
        Some(id.as_str().to_owned())
    }
}
