//! Nonces that are missing, repeated, stale or refused in odd ways (cases 14–22).

use std::collections::BTreeSet;
use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Step};
use acmekit_testing::Config;
use http::Response;
use serde_json::json;

use crate::world::{Fate, World};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, codes, in_place_of,
    nonces, problem, with_header,
};

fn without_nonce(mut response: Response<Vec<u8>>) -> Response<Vec<u8>> {
    response.headers_mut().remove("replay-nonce");
    response
}

#[test]
fn quirk_14_an_error_without_a_nonce_costs_one_request_for_another() {
    let mut world = World::registered(Config::default(), 1);
    let mut busy = problem(503, "serverInternal", "busy");
    busy.headers_mut().insert("retry-after", "1".parse().unwrap());
    answer_first(&mut world, RequestKind::NewOrder, vec![busy]);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
    // RFC 8555 §6.5: an error should carry one, but need not.
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn quirk_14_a_bad_nonce_answer_without_a_nonce_is_retried_all_the_same() {
    let mut world = World::registered(Config::default(), 2);
    answer_first(&mut world, RequestKind::NewOrder, vec![problem(400, "badNonce", "stale")]);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewOrder), 2);
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
    assert_noted(&world, "nonce-missing", "badNonce");
    world.assert_no_violations();
}

#[test]
fn quirk_15_a_success_without_a_nonce_costs_one_request_for_another() {
    let mut world = World::registered(Config::default(), 3);
    change_all(&mut world, RequestKind::Finalize, without_nonce);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
    assert_noted(&world, "nonce-missing", "finalize");
    world.assert_no_violations();
}

#[test]
fn quirk_16_a_refused_nonce_is_recognised_in_every_form() {
    let typed = |status, kind: &str| answer(status, json!({"type": kind}).to_string());
    let told =
        |kind: &str, text: &str| answer(400, json!({"type": kind, "detail": text}).to_string());
    let malformed = "urn:ietf:params:acme:error:malformed";
    for refusal in [
        typed(403, "urn:ietf:params:acme:error:badNonce"),
        typed(400, "urn:acme:error:badNonce"),
        typed(401, "badNonce"),
        typed(400, "urn:example:error:BADNONCE"),
        told(malformed, "JWS has an invalid anti-replay nonce"),
        told("about:blank", "JWS has invalid anti-replay nonce abc"),
        told("urn:ietf:params:acme:error:unauthorized", "The Replay Nonce is not recognized"),
        answer(400, "JWS has an invalid anti-replay nonce"),
    ] {
        let shown = format!("{refusal:?}");
        for kind in [RequestKind::NewOrder, RequestKind::Challenge, RequestKind::Finalize] {
            let mut world = World::registered(Config::default(), 4);
            let refusal = refusal.clone();
            world.script = Some(Box::new(move |got, ordinal, _| match ordinal {
                1 if got == kind => Fate::Answered(with_header(
                    refusal.clone(),
                    "replay-nonce",
                    "a-nonce-that-nobody-will-accept",
                )),
                _ => Fate::Delivered,
            }));
            world.issue(&["example.org"]).unwrap_or_else(|e| panic!("{shown}: {e}"));
            // The nonce that came with the refusal is the one that is tried next.
            assert_eq!(world.sent(kind), 3, "{kind} {shown}");
            // A name in another spelling is noted as that.
            let codes = codes(&world);
            let is_noted = codes.contains(&"bad-nonce-form") || codes.contains(&"problem-type");
            assert!(is_noted, "{codes:?} {shown}");
        }
    }
}

#[test]
fn quirk_16_a_refused_nonce_as_a_page_with_status_500_is_outlasted() {
    for kind in [
        RequestKind::NewOrder,
        RequestKind::Authorization,
        RequestKind::Challenge,
        RequestKind::Finalize,
        RequestKind::Certificate,
    ] {
        let mut world = World::registered(Config::default(), 5);
        let page = "<html><body>java.lang.Exception: invalid nonce</body></html>";
        answer_first(&mut world, kind, vec![answer(500, page)]);
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_noted(&world, "problem-missing", "500");
        assert_eq!(world.ca.certificates().len(), 1);
        world.assert_no_violations();
    }
}

#[test]
fn quirk_17_any_success_of_new_nonce_will_do_and_get_where_head_is_refused() {
    for status in [200, 204, 205] {
        let mut world = World::registered(Config::default(), 6);
        world.restart();
        change_all(&mut world, RequestKind::NewNonce, move |mut response| {
            *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
            response
        });
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::NewNonce), 1);
    }
    let mut world = World::registered(Config::default(), 6);
    world.restart();
    world.script = Some(Box::new(|kind, ordinal, request| match (kind, ordinal) {
        (RequestKind::NewNonce, 1) => {
            assert_eq!(request.method(), http::Method::HEAD);
            Fate::Answered(answer(405, ""))
        }
        (RequestKind::NewNonce, _) => {
            assert_eq!(request.method(), http::Method::GET);
            Fate::Delivered
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 2);
    assert_noted(&world, "nonce-by-get", "HEAD");
    world.assert_no_violations();
}

#[test]
fn quirk_18_of_several_nonces_the_first_is_used() {
    for joined in [true, false] {
        let mut world = World::registered(Config::default(), 7);
        world.restart();
        world.script = Some(Box::new(move |_, _, _| {
            Fate::Changed(Box::new(move |mut response| {
                let Some(nonce) = response.headers().get("replay-nonce").cloned() else {
                    return response;
                };
                if joined {
                    let both = format!("{}, stranger", nonce.to_str().unwrap());
                    return with_header(response, "replay-nonce", &both);
                }
                response.headers_mut().append("replay-nonce", "stranger".parse().unwrap());
                response
            }))
        }));
        world.issue(&["example.org"]).unwrap();
        assert_noted(&world, "nonce-several", "");
        assert_eq!(world.sent(RequestKind::NewNonce), 1);
        world.assert_no_violations();
    }
}

#[test]
fn quirk_19_a_nonce_that_has_grown_old_is_not_used_and_one_that_expired_unseen_is_replaced() {
    let mut world = World::registered(Config::default(), 8);
    world.now = world.now.saturating_add(Duration::from_secs(2 * 3600));
    world.ca.expire_nonces();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
    assert_eq!(world.sent(RequestKind::NewOrder), 1, "the old nonce was thrown away");

    let mut world = World::registered(Config::default(), 8);
    world.now = world.now.saturating_add(Duration::from_secs(600));
    world.ca.expire_nonces();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewOrder), 2, "refused, then with the nonce of the refusal");
    assert_eq!(world.sent(RequestKind::NewNonce), 0);
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn quirk_20_a_nonce_that_is_no_base64url_is_never_sent_back() {
    for odd in ["abc+/=", "a b", "\"quoted\"", "(hello)"] {
        let mut world = World::registered(Config::default(), 9);
        change_all(&mut world, RequestKind::NewOrder, move |response| {
            with_header(response, "replay-nonce", odd)
        });
        world.issue(&["example.org"]).unwrap();
        assert!(!nonces(&world).contains(&odd.to_owned()));
        assert_eq!(world.sent(RequestKind::NewNonce), 1);
        assert_noted(&world, "nonce-malformed", "base64url");
        world.assert_no_violations();
    }
    // Where there is no other, the flow ends at once and says why.
    let mut world = World::registered(Config::default(), 9);
    world.restart();
    change_all(&mut world, RequestKind::NewNonce, |r| with_header(r, "replay-nonce", "a=="));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Protocol, Step::Nonce));
    assert_eq!(error.code(), "nonce-missing");
    assert_eq!(world.sent(RequestKind::NewNonce), 1);
}

#[test]
fn quirk_21_the_nonce_of_the_directorys_answer_is_used() {
    let mut world = World::registered(Config::default(), 10);
    world.restart();
    // The CA gives it out on newNonce; here it comes with the directory already.
    let mut first = true;
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Directory if std::mem::take(&mut first) => {
            Fate::Changed(Box::new(|r| with_header(r, "replay-nonce", "from-the-directory")))
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(nonces(&world)[0], "from-the-directory");
    assert_eq!(world.sent(RequestKind::NewNonce), 0, "its refusal brought another one");
}

#[test]
fn quirk_22_a_nonce_is_spent_whatever_came_of_its_request() {
    for refusal in [answer(500, ""), answer(503, ""), problem(409, "conflict", "busy")] {
        let mut world = World::registered(Config::default(), 11);
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::NewOrder | RequestKind::Challenge | RequestKind::Finalize, 1) => {
                let refusal = refusal.clone();
                Fate::Changed(Box::new(move |original| in_place_of(&original, refusal.clone())))
            }
            _ => Fate::Delivered,
        }));
        // A conflict ends the order; the others are outlasted.
        let _ = world.issue(&["example.org"]);
        world.script = None;
        world.issue(&["www.example.org"]).unwrap();
        let sent = nonces(&world);
        let different: BTreeSet<_> = sent.iter().collect();
        assert_eq!(different.len(), sent.len(), "no nonce goes out twice");
    }
}
