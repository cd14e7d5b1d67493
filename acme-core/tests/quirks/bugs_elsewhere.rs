//! What went wrong in other clients, as `bug_t_…` for those in Rust and `bug_b_…` for the others,
//! by the numbers of the requirement data.

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::CertificateChain;
use acmekit_core::error::{Blame, ErrorKind};
use acmekit_core::flow::account::{ChangeKey, DeactivateAccount, Register, Registration};
use acmekit_core::flow::issue::{ChainPreference, Issue};
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::flow::{Flow, authorization::DeactivateAuthorization};
use acmekit_core::jose::AccountKey;
use acmekit_core::session::Session;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use serde_json::{Value, json};

use crate::world::{Fate, World};
use crate::{
    answer, answer_first, assert_noted, change_all, codes, edit_all, edited, payloads, problem,
    signed, with_header,
};

#[test]
fn bug_t_2_unknown_challenge_types_and_statuses_are_only_never_chosen() {
    let mut world = World::registered(Config::default(), 2);
    edit_all(&mut world, RequestKind::Authorization, |value| {
        let list = value["challenges"].as_array_mut().unwrap();
        list.insert(0, json!({"type": "device-attest-01", "url": "https://ca.test/1"}));
        let mut on_hold = list[1].clone();
        on_hold["status"] = json!("on-hold");
        on_hold["url"] = json!("https://ca.test/2");
        list.insert(0, on_hold);
    });
    world.issue(&["example.org"]).unwrap();
    assert!(!world.presented.contains(&"https://ca.test/2".to_owned()));
    assert!(!world.presented.contains(&"https://ca.test/1".to_owned()));
    world.assert_no_violations();
}

#[test]
fn bug_t_4_no_payload_has_a_null() {
    let mut world = World::new(Config::default(), 4);
    world.run(&mut Register::new(Registration::new())).unwrap();
    let issued = world.issue(&["example.org"]).unwrap();
    world.run(&mut Revoke::new(issued.chain().leaf().clone())).unwrap();
    let authorization = world
        .ca
        .log()
        .iter()
        .find(|entry| entry.kind == acmekit_testing::RequestKind::Authorization);
    let url = authorization.unwrap().url.clone();
    world.run(&mut DeactivateAuthorization::new(url)).unwrap();
    world.run(&mut DeactivateAccount::new()).unwrap();
    for payload in payloads(&world).iter().filter(|payload| !payload.is_null()) {
        let members = payload.as_object().unwrap();
        assert!(members.values().all(|value| !value.is_null()), "{payload}");
        assert_ne!(members.get("onlyReturnExisting"), Some(&json!(false)));
    }
}

#[test]
fn bug_t_5_null_counts_as_absent_everywhere() {
    let mut world = World::new(Config::default(), 5);
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            edited(response, |value| {
                let optional = [
                    "contact",
                    "orders",
                    "notBefore",
                    "notAfter",
                    "error",
                    "renewalInfo",
                    "newAuthz",
                    "profile",
                    "replaces",
                    "wildcard",
                    "validated",
                    "meta",
                ];
                let members = value.as_object_mut().unwrap();
                for name in optional {
                    members.insert(name.to_owned(), Value::Null);
                }
                let list = members.get_mut("challenges").and_then(Value::as_array_mut);
                for challenge in list.into_iter().flatten() {
                    challenge["error"] = Value::Null;
                    challenge["validated"] = Value::Null;
                }
            })
        }))
    }));
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(codes(&world), Vec::<&str>::new());
    world.assert_no_violations();
    // The same for the members of `meta`.
    let mut world = World::registered(Config::default(), 5);
    world.restart();
    edit_all(&mut world, RequestKind::Directory, |value| {
        value["meta"] = json!({
            "caaIdentities": null, "profiles": null, "website": null, "termsOfService": null,
            "externalAccountRequired": null,
        });
    });
    world.issue(&["example.org"]).unwrap();
    assert_eq!(codes(&world), Vec::<&str>::new());
}

#[test]
fn bug_t_5_an_order_without_a_list_of_authorizations_is_waited_for() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 5);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    edit_all(&mut world, RequestKind::NewOrder, |value| {
        value["status"] = json!("pending");
        value.as_object_mut().unwrap().remove("authorizations");
    });
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Authorization), 0);
    assert_noted(&world, "authorizations-missing", "");
    world.assert_no_violations();
}

#[test]
fn bug_t_6_a_problem_of_an_unknown_type_keeps_its_detail() {
    for kind in ["urn:ietf:params:acme:error:fromTheFuture", "https://ca.test/problems/quota"] {
        let mut world = World::registered(Config::default(), 6);
        let body = json!({"type": kind, "detail": "buy more", "subproblems": [{
            "type": kind, "detail": "for this one", "identifier": {"type": "dns", "value": "a.b"},
        }]});
        answer_first(&mut world, RequestKind::NewOrder, vec![answer(403, body.to_string())]);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "refused"));
        assert!(error.message().contains("buy more"), "{error}");
        assert!(error.message().contains("a.b") && error.message().contains("for this one"));
    }
}

#[test]
fn bug_t_7_a_refusal_in_any_form_keeps_its_status_and_the_beginning_of_its_body() {
    let kinds = [RequestKind::Directory, RequestKind::NewNonce, RequestKind::NewOrder];
    for kind in kinds {
        for (body, shown) in [("<html>Access denied</html>", "Access denied"), ("", "403")] {
            let mut world = World::registered(Config::default(), 7);
            world.restart();
            answer_first(&mut world, kind, vec![answer(403, body)]);
            let error = world.issue(&["example.org"]).unwrap_err();
            assert_eq!(error.status().map(|status| status.as_u16()), Some(403), "{kind}");
            assert!(error.message().contains(shown), "{kind}: {error}");
            assert_eq!(world.sent(kind), 1);
        }
    }
}

#[test]
fn bug_t_8_a_request_refused_for_its_nonce_is_signed_anew_for_every_kind_of_request() {
    for kind in [
        RequestKind::NewOrder,
        RequestKind::Authorization,
        RequestKind::Challenge,
        RequestKind::Order,
        RequestKind::Finalize,
        RequestKind::Certificate,
    ] {
        let mut world = World::registered(Config::default(), 8);
        let refusal = with_header(problem(400, "badNonce", "no"), "replay-nonce", "not-ours");
        answer_first(&mut world, kind, vec![refusal]);
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let bodies: Vec<_> = signed(&world).collect();
        let different: std::collections::BTreeSet<_> = bodies.iter().collect();
        assert_eq!(bodies.len(), different.len(), "{kind}: nothing goes out twice");
        world.assert_no_violations();
    }
}

#[test]
fn bug_t_12_polling_ends_at_every_status_that_is_an_end() {
    // Somebody else has finalized the order: it is processing, or valid, when it is read.
    let mut world = World::registered(Config::default(), 12);
    let mut flow = world.order(&["example.org"]);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Finalize => Fate::AnswerLost,
        RequestKind::Certificate => Fate::NotSent,
        _ => Fate::Delivered,
    }));
    world.run(&mut flow).unwrap_err();
    for status in ["processing", "valid"] {
        let checkpoint = flow.checkpoint();
        world.forget_traffic();
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Order, 1) => Fate::Changed(Box::new(move |response| {
                edited(response, |order| order["status"] = json!(status))
            })),
            _ => Fate::Delivered,
        }));
        let mut resumed = Issue::resume(checkpoint, &world.session).unwrap();
        world.run(&mut resumed).unwrap();
        assert_eq!(world.sent(RequestKind::Finalize), 0, "{status}");
        assert_eq!(world.sent(RequestKind::NewOrder), 0, "{status}");
    }
    // And an order that has failed is not waited for.
    let mut world = World::registered(Config::default(), 12);
    edit_all(&mut world, RequestKind::Order, |order| {
        order["status"] = json!("invalid");
        order["error"] = json!({"type": "urn:ietf:params:acme:error:caa", "detail": "no"});
    });
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.code(), "caa");
    assert_eq!(world.sent(RequestKind::Order), 1);
}

#[test]
fn bug_t_21_a_directory_url_without_a_path_is_asked_at_the_root() {
    let mut world = World::registered(Config::default().with_directory_path("/"), 21);
    let key = world.session.account_key().clone();
    let policy = world.session.policy().clone();
    world.session = Session::new("https://ca.test", key, policy).unwrap();
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.issue(&["example.org"]).unwrap();
    world.assert_no_violations();
}

#[test]
fn bug_t_24_a_stored_account_needs_no_binding_any_more() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use());
    let mut world = World::new(config, 24);
    let key = acmekit_core::jose::MacKey::from_bytes(&[7; 32]).unwrap();
    let algorithm = acmekit_core::jose::MacAlgorithm::Hs256;
    let binding = acmekit_core::jose::ExternalAccountBinding::new("kid-1", key, algorithm).unwrap();
    world.run(&mut Register::new(Registration::new().external_account(binding))).unwrap();
    world.restart();
    world.forget_traffic();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::NewAccount), 0);
    world.assert_no_violations();
}

#[test]
fn bug_b_5_a_url_without_tls_is_followed_from_no_field() {
    let plain = "http://ca.test/plain";
    for (kind, member) in [
        (RequestKind::Directory, "newNonce"),
        (RequestKind::Directory, "newOrder"),
        (RequestKind::NewOrder, "finalize"),
        (RequestKind::NewOrder, "authorizations"),
        (RequestKind::Authorization, "url"),
        (RequestKind::Finalize, "certificate"),
        (RequestKind::NewOrder, "location"),
    ] {
        let mut world = World::registered(Config::default(), 105);
        world.restart();
        change_all(&mut world, kind, move |response| match member {
            "location" => with_header(response, member, plain),
            _ => edited(response, |value| match member {
                "authorizations" => value[member] = json!([plain]),
                "url" => {
                    for challenge in value["challenges"].as_array_mut().unwrap() {
                        challenge["url"] = json!(plain);
                    }
                }
                _ => value[member] = json!(plain),
            }),
        });
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.code(), error.blame()), ("plain-http", Blame::Server), "{member}");
        assert_eq!(world.ca.requests().unknown, 0, "{member}: nothing was sent there");
        assert!(world.published.is_empty(), "{member}");
    }
    for member in ["keyChange", "revokeCert"] {
        let mut world = World::registered(Config::default(), 105);
        let issued = world.issue(&["example.org"]).unwrap();
        world.restart();
        edit_all(&mut world, RequestKind::Directory, move |value| value[member] = json!(plain));
        let key = acmekit_core::crypto::PrivateKey::generate(
            acmekit_core::crypto::KeyType::P256,
            &mut world.entropy,
        );
        let error = match member {
            "keyChange" => world.run(&mut ChangeKey::new(AccountKey::from(key.unwrap()))).err(),
            _ => world.run(&mut Revoke::new(issued.chain().leaf().clone())).err(),
        };
        assert_eq!(error.unwrap().code(), "plain-http", "{member}");
        assert_eq!(world.ca.requests().unknown, 0);
    }
}

#[test]
fn bug_b_6_links_to_other_sites_cost_the_alternate_and_not_the_certificate() {
    for target in ["http://ca.test/a", "https://evil.example/a", "https://127.0.0.1/a"] {
        let mut world = World::registered(Config::default(), 106);
        change_all(&mut world, RequestKind::Certificate, move |mut response| {
            response.headers_mut().remove("link");
            with_header(response, "link", &format!("<{target}>;rel=\"alternate\""))
        });
        let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::Shortest);
        let issued = world.run(&mut flow).unwrap();
        assert!(issued.alternates().is_empty());
        assert_noted(&world, "alternate-refused", "is not followed");
        assert_eq!(world.sent(RequestKind::Certificate), 1);
    }
}

#[test]
fn bug_b_6_issuer_links_without_end_are_followed_a_few_times_only() {
    let mut world = World::registered(Config::default(), 106);
    let intermediate = world.ca.intermediate_pem();
    let link = |n: usize| format!("<https://ca.test/up/{n}>;rel=\"up\"");
    world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Certificate, 1) => Fate::Changed(Box::new(move |response| {
            let chain = CertificateChain::from_pem(response.body()).unwrap();
            with_header(response.map(|_| chain.leaf().der().to_vec()), "link", &link(1))
        })),
        (RequestKind::Certificate, n) => {
            Fate::Answered(with_header(answer(200, intermediate.clone()), "link", &link(n)))
        }
        _ => Fate::Delivered,
    }));
    // A chain that names its issuer again and again is none.
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate);
    assert_eq!(
        world.sent(RequestKind::Certificate),
        world.session.policy().max_chain_certificates + 1
    );
}
