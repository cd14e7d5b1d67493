//! Finalization (RFC 8555 §7.4): from a CSR to a certificate.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding};
use http::StatusCode;
use serde_json::Value;

use crate::ca::TestingCa;
use crate::cause::RefusalCause;
use crate::certificate::Issued;
use crate::csr::Request;
use crate::issue::LeafRequest;
use crate::order::OrderState;
use crate::problem::Problem;
use crate::reply::Reply;
use crate::routing::{Resource, Signed};

impl TestingCa {
    pub(crate) fn finalize(&mut self, signed: &Signed, index: usize) -> Result<Reply, Problem> {
        self.check_order_owner(signed, index)?;
        let order = self.order_at(index)?;
        if !self.is_ready(order) {
            let (cause, why) = match &order.state {
                OrderState::Open => (RefusalCause::OrderPending, "an authorization is not valid"),
                OrderState::Invalid(problem) if problem.cause == RefusalCause::OrderExpired => {
                    (RefusalCause::FinalizeExpired, "it has expired")
                }
                OrderState::Invalid(_) => (RefusalCause::FinalizeClosed, "it is invalid"),
                OrderState::Processing { .. } | OrderState::Valid { .. } => {
                    (RefusalCause::FinalizeClosed, "it has been finalized")
                }
            };
            let detail = format!("the order is not ready to be finalized: {why}");
            return Err(Problem::new(cause, detail).breach("R-ORD-07"));
        }
        let first = order.identifiers.first().map(ToString::to_string).unwrap_or_default();
        let ordered: BTreeSet<_> = order.identifiers.iter().cloned().collect();
        let payload = signed.object("R-FIN-01")?;
        self.note_odd_members(&payload, &["csr"], "R-FIN-01");
        let der = payload
            .get("csr")
            .and_then(Value::as_str)
            .and_then(|text| Base64UrlUnpadded::decode_vec(text).ok())
            .ok_or_else(|| {
                Problem::bad_csr("`csr` must be base64url of DER, without padding")
                    .breach("R-FIN-01")
            })?;
        let request = Request::parse(&der)?;
        request.check_names(&ordered)?;
        if self.account_by_key(&request.public_key).is_some() {
            let detail = "the key of the CSR is the key of an account (RFC 8555 §11.1)";
            return Err(Problem::bad_csr(detail).breach("R-FIN-03"));
        }
        request.check_key(self.config.certificate_keys.as_deref())?;
        request.check_subject(&self.config.subject_rule, &first)?;
        for identifier in &ordered {
            self.check_caa(identifier)?;
        }
        let certificate = self.issue(index, &request)?;
        let until = self.config.issuance_delay.map(|delay| self.now.saturating_add(delay));
        self.order_mut(index)?.state = match until {
            None => OrderState::Valid { certificate },
            Some(until) => OrderState::Processing { until, certificate },
        };
        self.order_reply(index, StatusCode::OK)
    }

    fn issue(&mut self, index: usize, request: &Request) -> Result<usize, Problem> {
        let lifetime = self.config.certificate_lifetime;
        let order = self.order_at(index)?;
        let not_before = order.not_before.unwrap_or(self.now);
        // RFC 5280 §4.1.2.5: notAfter is still part of the validity.
        let latest =
            not_before.saturating_add(lifetime).saturating_sub(core::time::Duration::from_secs(1));
        let not_after = order.not_after.map_or(latest, |wanted| wanted.min(latest));
        let (account, identifiers) = (order.account, order.identifiers.clone());
        let leaf = LeafRequest {
            public_key: request.public_key.to_spki()?,
            subject: request.kept_subject(self.config.keep_subject),
            identifiers: &identifiers,
            not_before,
            not_after,
        };
        let leaf = self
            .authority()?
            .issue(leaf)
            .map_err(|error| Problem::internal(format!("the certificate was not made: {error}")))?;
        let certificate = self.certificates.len();
        let chains = self.authority()?.chain_count();
        let paths: Vec<_> = (0..chains)
            .map(|chain| self.publish(Resource::Certificate { certificate, chain }))
            .collect();
        let public_key = request.public_key.clone();
        self.certificates.push(Issued::new(leaf, account, identifiers, public_key, paths));
        self.publish_renewal_info(certificate);
        Ok(certificate)
    }
}
