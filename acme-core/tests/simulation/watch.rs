//! What is checked at every request and every answer.

use std::collections::{BTreeMap, BTreeSet};

use acmekit_core::jose::encoding;
use acmekit_core::time::Timestamp;
use serde_json::Value;

/// A wait of seconds that the server has asked for may be cut to the second.
const GRAIN_MILLIS: u64 = 1000;

/// An observer between the client and the network.
#[derive(Default)]
pub(crate) struct Watch {
    nonces: BTreeSet<String>,
    /// When a flow may ask a URL again, by true time.
    held: BTreeMap<(usize, String), Timestamp>,
    /// Texts that must never be seen.
    pub(crate) secrets: Vec<String>,
    /// A binding was sent and its fate is not known.
    pub(crate) binding_in_doubt: bool,
    pub(crate) broken: Vec<String>,
    pub(crate) requests: u64,
    pub(crate) polls: u64,
}

impl Watch {
    pub(crate) fn request(
        &mut self,
        now: Timestamp,
        flow: usize,
        request: &http::Request<Vec<u8>>,
    ) {
        self.requests += 1;
        let url = request.uri().to_string();
        if let Some(until) = self.held.get(&(flow, url.clone())) {
            let early = until.saturating_since(now).as_millis();
            if early > u128::from(GRAIN_MILLIS) {
                self.broken.push(format!("{url} was asked {early} ms before its time"));
            }
        }
        let Ok(jws) = serde_json::from_slice::<Value>(request.body()) else { return };
        let part = |name: &str| {
            let text = jws.get(name).and_then(Value::as_str).unwrap_or_default();
            let octets = encoding::decode(text).unwrap_or_default();
            (octets.is_empty(), serde_json::from_slice::<Value>(&octets).unwrap_or_default())
        };
        let ((_, header), (is_post_as_get, payload)) = (part("protected"), part("payload"));
        self.polls += u64::from(is_post_as_get);
        let nonce = header.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !self.nonces.insert(nonce.to_owned()) {
            self.broken.push(format!("the nonce {nonce:?} was sent twice"));
        }
        if payload.get("externalAccountBinding").is_some() {
            if self.binding_in_doubt {
                self.broken.push("a binding was sent again blindly".to_owned());
            }
            self.binding_in_doubt = true;
        }
        let clear = format!("{header}{payload}");
        self.look_for_secrets(&clear, "a request");
    }

    /// An answer arrives whole.
    pub(crate) fn answer(
        &mut self,
        now: Timestamp,
        flow: usize,
        url: &str,
        response: &http::Response<Vec<u8>>,
    ) {
        // Whatever is said about an account settles what became of a binding.
        self.binding_in_doubt = false;
        let header = |name: &str| {
            let value = response.headers().get_all(name).iter().next()?.to_str().ok()?;
            Some(value.to_owned())
        };
        let waits =
            matches!(response.status().as_u16(), 429 | 503) || response.status().is_success();
        let seconds = header("retry-after").and_then(|text| text.parse::<u32>().ok());
        if let Some(seconds) = seconds.filter(|_| waits) {
            let until = now.saturating_add(std::time::Duration::from_secs(seconds.into()));
            self.held.insert((flow, url.to_owned()), until);
        } else {
            self.held.remove(&(flow, url.to_owned()));
        }
    }

    pub(crate) fn checkpoint(&mut self, text: &str) {
        self.look_for_secrets(text, "a checkpoint");
    }

    /// A new process knows nothing of what it was told to wait for, and a clock that was set
    /// changes what a time means.
    pub(crate) fn forget_waits(&mut self) {
        self.held.clear();
    }

    fn look_for_secrets(&mut self, text: &str, place: &str) {
        if self.secrets.iter().any(|secret| text.contains(secret.as_str())) {
            self.broken.push(format!("a secret is in {place}"));
        }
    }
}
