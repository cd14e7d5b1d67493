//! What every request on the wire must be.

use std::collections::BTreeMap;

use acmekit_core::action::{Outgoing, RequestKind};
use acmekit_core::jose::encoding;
use http::{HeaderMap, Method};
use serde_json::Value;

/// Keeps account of nonces and of the single-use external account binding.
#[derive(Default)]
pub struct Wire {
    /// How often each nonce was handed out and used.
    nonces: BTreeMap<String, (u32, u32)>,
    /// A request with a binding has left, and nobody knows what came of it.
    binding_in_doubt: bool,
}

/// What is to be remembered of a request while it is in flight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark {
    /// It carries an external account binding.
    pub bound: bool,
    /// It asks for an account by its key.
    pub asks: bool,
}

impl Wire {
    /// Remembers the nonce of an answer.
    pub fn served(&mut self, headers: &HeaderMap) {
        let text = headers.get("replay-nonce").and_then(|value| value.to_str().ok());
        if let Some(nonce) = text.map(|text| text.split(',').next().unwrap_or(text).trim()) {
            self.nonces.entry(nonce.to_owned()).or_default().0 += 1;
        }
    }

    /// Checks a request that leaves.
    pub fn sent(&mut self, outgoing: &Outgoing, host_suffix: &str) -> Mark {
        let request = &outgoing.request;
        let (scheme, host) = (request.uri().scheme_str(), request.uri().host().unwrap_or(""));
        assert_eq!(scheme, Some("https"), "{:?}", request.uri());
        let host = host.to_ascii_lowercase();
        assert!(host.ends_with(host_suffix), "sent to {host:?}");
        assert!(request.headers().contains_key("user-agent"));
        if matches!(outgoing.kind, RequestKind::Directory | RequestKind::NewNonce) {
            assert!(request.body().is_empty());
            return Mark::default();
        }
        assert_eq!(request.method(), Method::POST);
        assert_eq!(request.headers()["content-type"], "application/jose+json");
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let part = |name: &str| encoding::decode(body[name].as_str().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&part("protected")).unwrap();
        let url: http::Uri = header["url"].as_str().unwrap().parse().unwrap();
        assert_eq!(url, *request.uri(), "the signed URL is not the one it goes to");
        assert!(header.get("kid").is_some() != header.get("jwk").is_some());
        self.spend(header["nonce"].as_str().unwrap());
        let payload = part("payload");
        if outgoing.kind != RequestKind::NewAccount {
            return Mark::default();
        }
        let payload: Value = serde_json::from_slice(&payload).unwrap();
        let bound = payload.get("externalAccountBinding").is_some();
        let asks = payload.get("onlyReturnExisting").is_some();
        assert!(!(bound && asks));
        assert!(!(bound && self.binding_in_doubt), "a binding is sent again blindly");
        self.binding_in_doubt |= bound;
        Mark { bound, asks }
    }

    /// A request with a binding may be sent again once the server has said what came of the last:
    /// by an answer to it, or by knowing no account of the key.
    pub fn answered(&mut self, mark: Mark, status: http::StatusCode) {
        let refused = status.is_client_error() || status.as_u16() == 503;
        if (mark.bound || mark.asks) && refused {
            self.binding_in_doubt = false;
        }
    }

    /// A request that certainly has not left.
    pub fn not_sent(&mut self, mark: Mark) {
        if mark.bound {
            self.binding_in_doubt = false;
        }
    }

    fn spend(&mut self, nonce: &str) {
        let (served, used) = self.nonces.entry(nonce.to_owned()).or_default();
        *used += 1;
        assert!(used <= served, "the nonce {nonce:?} is used twice");
    }

    /// Whether a text holds any nonce.
    pub fn leaks_into(&self, text: &str) -> bool {
        self.nonces.keys().any(|nonce| nonce.len() >= 8 && text.contains(nonce.as_str()))
    }
}
