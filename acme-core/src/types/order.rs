//! An order: the request for one certificate and how far it has come (RFC 8555 §7.1.3).

use serde_json::{Map, Value};

use super::fields::Fields;
use super::identifier::Identifier;
use crate::deviation::Deviations;
use crate::problem::Problem;
use crate::time::Timestamp;

super::status! {
    /// The state of an order (RFC 8555 §7.1.6).
    OrderStatus {
        /// Authorizations are missing.
        Pending = "pending",
        /// The certificate request can be sent.
        Ready = "ready",
        /// The certificate is being made.
        Processing = "processing",
        /// The certificate can be downloaded.
        Valid = "valid",
        /// The order has failed.
        Invalid = "invalid",
    }
}

/// One order as the server sent it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Order {
    /// How far it has come.
    pub status: OrderStatus,
    /// When it ends, if the server says so.
    pub expires: Option<Timestamp>,
    /// What it is for.
    pub identifiers: Vec<Identifier>,
    /// The URLs of its authorizations.
    pub authorizations: Vec<String>,
    /// Where the certificate request goes; some servers leave it out on later reads.
    pub finalize: Option<String>,
    /// Where the certificate is, once the order is valid.
    pub certificate: Option<String>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// The profile the certificate is issued under, if the server names it.
    pub profile: Option<String>,
    /// The identifier of the certificate that it replaces (RFC 9773 §5), if any.
    pub replaces: Option<String>,
}

impl Order {
    /// Reads an order; the error names what it lacks.
    pub(crate) fn read(
        object: &Map<String, Value>,
        max_authorizations: usize,
        deviations: &mut Deviations,
    ) -> Result<Self, &'static str> {
        let mut fields = Fields::new(object, "order", deviations);
        let status = fields.text("status").ok_or("it has no status")?.into();
        if matches!(status, OrderStatus::Pending | OrderStatus::Valid) {
            fields.expect("expires");
        }
        fields.expect("finalize");
        let identifiers = fields.list("identifiers").unwrap_or_default();
        let authorizations = fields.urls("authorizations");
        if authorizations.len() > max_authorizations || identifiers.len() > max_authorizations {
            return Err("it has more authorizations than the policy allows");
        }
        Ok(Self {
            status,
            expires: fields.time("expires"),
            identifiers: identifiers
                .iter()
                .filter_map(|value| fields.identifier("identifiers", value))
                .collect(),
            authorizations,
            finalize: fields.url("finalize"),
            certificate: fields.url("certificate"),
            error: fields.problem(),
            profile: fields.text("profile"),
            replaces: fields.text("replaces"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_order_may_lack_nearly_everything() {
        let value = json!({"status": "pending", "error": {}, "expires": "soon"});
        let mut deviations = Deviations::default();
        let order = Order::read(value.as_object().unwrap(), 10, &mut deviations).unwrap();
        assert_eq!(order.status, OrderStatus::Pending);
        assert!(order.error.is_none() && order.expires.is_none());
        assert_eq!(deviations.as_slice().len(), 3, "the date, the empty error, no finalize");
    }

    #[test]
    fn an_unknown_status_is_kept() {
        let value = json!({"status": "waiting"});
        let order = Order::read(value.as_object().unwrap(), 1, &mut Deviations::default());
        assert_eq!(order.unwrap().status, OrderStatus::Other("waiting".into()));
    }

    #[test]
    fn every_status_is_written_as_it_was_read() {
        for (text, status) in [
            ("pending", OrderStatus::Pending),
            ("ready", OrderStatus::Ready),
            ("processing", OrderStatus::Processing),
            ("valid", OrderStatus::Valid),
            ("invalid", OrderStatus::Invalid),
        ] {
            assert_eq!(OrderStatus::from(text.to_owned()), status);
            assert_eq!(String::from(status), text);
        }
        for odd in ["", "Pending", "valid ", "ünknown", "\u{0}", "deactivated"] {
            let status = OrderStatus::from(odd.to_owned());
            assert_eq!(status, OrderStatus::Other(odd.to_owned()));
            assert_eq!(String::from(status), odd);
        }
    }

    #[test]
    fn a_flood_of_authorizations_is_refused() {
        let value = json!({"status": "pending", "authorizations": vec!["https://a/1"; 11]});
        assert!(Order::read(value.as_object().unwrap(), 10, &mut Deviations::default()).is_err());
    }
}
