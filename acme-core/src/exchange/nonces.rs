//! From answers to the session's pool of nonces, and back to the request that one belongs to.

use http::HeaderMap;

use super::oddities;
use crate::action::Input;
use crate::flow::Context;
use crate::header;
use crate::nonce::Banked;
use crate::session::Session;
use crate::time::Timestamp;

/// Takes the nonce out of an answer that nobody waits for any more.
pub(crate) fn take_late(cx: &mut Context<'_>, input: &Input) {
    if let Input::Response { response, .. } = input {
        let now = cx.now;
        bank_nonce(cx.session, now, response.headers());
    }
}

/// Puts the nonce of an answer into the pool; tells whether it was a fresh one.
pub(super) fn bank_nonce(session: &mut Session, now: Timestamp, headers: &HeaderMap) -> bool {
    oddities::note_headers(session, now, headers);
    let Some(nonce) = header::replay_nonce(headers) else { return false };
    let is_fresh = session.nonces.bank(nonce, now) == Banked::Fresh;
    if !is_fresh {
        let text = "a nonce came twice; a cache may stand between client and server";
        session.deviations.note("nonce-repeated", text);
    }
    is_fresh
}

/// The nonce that came with a `badNonce`, out of the pool again for the request it refused.
pub(super) fn take_back(session: &mut Session, headers: &HeaderMap) -> Option<String> {
    session.nonces.take_this(&header::replay_nonce(headers)?)
}
