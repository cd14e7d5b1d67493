//! What a server does against the rules and is forgiven: the certificate comes all the same, and
//! the breach is noted for a bug report.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::CertificateChain;
use acmekit_core::flow::issue::{ChainPreference, Issued};
use acmekit_testing::Config;
use http::Response;
use serde_json::{Map, Value, json};
use world::{Fate, World};

type Object = Map<String, Value>;

/// Changes the JSON object of an answer.
fn changed(change: impl Fn(&mut Object) + 'static) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(response.body()) {
            change(&mut object);
            *response.body_mut() = Value::Object(object).to_string().into_bytes();
        }
        response
    }))
}

fn with_body(change: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        let body = core::mem::take(response.body_mut());
        *response.body_mut() = change(body);
        response
    }))
}

/// The texts that were noted under a code.
fn noted(world: &World, code: &str) -> Vec<String> {
    let found = world.session.deviations().iter().filter(|deviation| deviation.code == code);
    found.map(|deviation| deviation.text.clone()).collect()
}

#[test]
fn an_answer_to_finalize_that_is_no_order_is_made_up_for_by_a_poll() {
    for body in ["", "{", "[]", "ok"] {
        let mut world = World::registered(Config::default(), 1);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Finalize => with_body(move |_| body.into()),
            _ => Fate::Delivered,
        }));
        world.issue(&["example.org"]).unwrap();
        assert_eq!(noted(&world, "finalize-empty").len(), 1, "{body:?}");
        assert_eq!(world.sent(RequestKind::Finalize), 1);
        world.assert_no_violations();
    }
}

#[test]
fn a_certificate_that_is_not_there_at_first_is_asked_for_again_a_little_later() {
    let mut world = World::registered(Config::default(), 2);
    let start = world.now;
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Certificate, 1 | 2) => {
            Fate::Answered(Response::builder().status(404).body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(noted(&world, "certificate-late").len(), 1);
    assert_eq!(world.sent(RequestKind::Certificate), 3);
    assert!(world.now.saturating_since(start) >= Duration::from_millis(1500));

    let mut world = World::registered(Config::default(), 2);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Certificate => {
            Fate::Answered(Response::builder().status(404).body(Vec::new()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap_err();
    assert_eq!(world.sent(RequestKind::Certificate), 4, "not for ever");
}

#[test]
fn a_pending_order_without_authorizations_is_waited_for() {
    // As with names that the CA has validated by other means.
    let config = Config::default().with_authorization_reuse(true);
    let mut world = World::registered(config, 3);
    world.issue(&["example.org"]).unwrap();
    world.forget_traffic();
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => changed(|order| {
            order.insert("status".into(), json!("pending"));
            order.insert("authorizations".into(), json!([]));
        }),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(noted(&world, "authorizations-missing").len(), 1);
    assert_eq!(world.sent(RequestKind::Authorization), 0);
    assert!(world.presented.len() == world.withdrawn.len());
}

#[test]
fn a_valid_order_that_names_no_certificate_yet_is_polled_until_it_does() {
    let mut world = World::registered(Config::default(), 4);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Finalize, _) | (RequestKind::Order, 2 | 3) => changed(|order| {
            if order["status"] == "valid" {
                order.remove("certificate");
            }
        }),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_eq!(noted(&world, "certificate-missing").len(), 1);
    assert!(world.sent(RequestKind::Order) >= 4);
}

fn with_alternates(seed: u64) -> World {
    World::registered(Config::default().with_alternate_roots(2), seed)
}

fn issue_shortest(world: &mut World) -> Issued {
    let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::Shortest);
    world.run(&mut flow).unwrap()
}

#[test]
fn a_broken_alternate_costs_nothing() {
    for broken in ["", "<html>", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"] {
        let mut world = with_alternates(5);
        world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
            (RequestKind::Certificate, 2..) => with_body(move |_| broken.into()),
            _ => Fate::Delivered,
        }));
        let issued = issue_shortest(&mut world);
        assert_eq!(issued.chain_choice().taken, 0);
        assert_eq!(issued.chain_choice().considered.len(), 1);
        assert!(!noted(&world, "alternate-invalid").is_empty(), "{broken:?}");
    }
}

#[test]
fn an_alternate_of_another_certificate_is_not_taken() {
    let mut stranger = World::registered(Config::default(), 77);
    let other = stranger.issue(&["example.org"]).unwrap().chain().to_pem();
    let mut world = with_alternates(6);
    world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Certificate, 2..) => {
            let other = other.clone();
            with_body(move |_| other.clone().into_bytes())
        }
        _ => Fate::Delivered,
    }));
    let issued = issue_shortest(&mut world);
    assert_eq!(issued.chain_choice().considered.len(), 1);
    let texts = noted(&world, "alternate-invalid");
    assert!(texts.iter().all(|text| text.contains("another key")), "{texts:?}");
}

#[test]
fn an_alternate_that_leads_off_the_site_is_left_out() {
    let mut world = with_alternates(7);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Certificate => Fate::Changed(Box::new(|mut response| {
            let link = "<https://evil.example/chain>;rel=\"alternate\"".parse().unwrap();
            response.headers_mut().append("link", link);
            response
        })),
        _ => Fate::Delivered,
    }));
    let issued = issue_shortest(&mut world);
    assert!(issued.alternates().iter().all(|url| url.starts_with("https://ca.test/")));
    assert_eq!(issued.alternates().len(), 2);
    assert!(!noted(&world, "alternate-refused").is_empty());
    assert_eq!(world.ca.requests().unknown, 0);
}

/// Issues while the chain is changed on its way.
fn with_chain(seed: u64, change: impl Fn(&CertificateChain) -> String + Clone + 'static) -> World {
    let mut world = World::registered(Config::default(), seed);
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Certificate => {
            let change = change.clone();
            with_body(move |body| change(&CertificateChain::from_pem(&body).unwrap()).into_bytes())
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    world
}

#[test]
fn text_between_the_certificates_is_dropped_and_noted() {
    let world = with_chain(8, |chain| format!("subject=/CN=example.org\n{}", chain.to_pem()));
    assert!(noted(&world, "chain-note").iter().any(|text| text.contains("dropped")));
}

#[test]
fn a_leaf_without_its_authority_is_given_and_noted() {
    let world = with_chain(9, |chain| {
        let leaf = vec![chain.leaf().clone()];
        CertificateChain::from_certificates(leaf).unwrap().to_pem()
    });
    let texts = noted(&world, "chain-note");
    assert!(texts.iter().any(|text| text.contains("alone")), "{texts:?}");
}

#[test]
fn a_chain_in_crlf_with_blank_lines_is_no_breach_worth_a_note() {
    let world = with_chain(10, |chain| format!("{}\n\n", chain.to_pem()).replace('\n', "\r\n"));
    assert!(world.session.deviations().is_empty(), "{:?}", world.session.deviations());
}
