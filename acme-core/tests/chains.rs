//! Which chain is taken, and chains that come in odd forms.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{Certificate, CertificateChain};
use acmekit_core::flow::issue::{ChainPreference, Issued};
use acmekit_testing::Config;
use world::{Fate, World};

fn issued_with(world: &mut World, preference: ChainPreference) -> Issued {
    let mut flow = world.order(&["example.org"]).prefer_chain(preference);
    world.run(&mut flow).unwrap()
}

fn certificate(pem: &str) -> Certificate {
    CertificateChain::from_pem(pem.as_bytes()).unwrap().leaf().clone()
}

#[test]
fn a_root_is_preferred_by_its_very_certificate() {
    let mut world = World::registered(Config::default().with_alternate_roots(2), 1);
    let default_root = certificate(&world.ca.root_pem());
    let alternate_root = certificate(&world.ca.alternate_root_pem().unwrap());
    let issued = issued_with(&mut world, ChainPreference::root(&default_root));
    assert!(issued.is_preferred_chain());
    assert_eq!(issued.chain_choice().considered.len(), 1, "the default was the wanted one");
    let issued = issued_with(&mut world, ChainPreference::root(&alternate_root));
    assert!(issued.is_preferred_chain());
    assert!(issued.chain_choice().taken > 0);
    let shown = issued.chain_choice().to_string();
    assert!(shown.contains("the given root") && shown.contains("certificates up to"), "{shown}");
    // A stranger's root is met by none, which is said and costs nothing.
    let stranger = certificate(&World::new(Config::default(), 99).ca.root_pem());
    let issued = issued_with(&mut world, ChainPreference::root(&stranger));
    assert!(!issued.is_preferred_chain());
    assert!(issued.chain_choice().to_string().contains("so the CA's default"));
    world.assert_no_violations();
}

#[test]
fn chains_are_compared_by_length_and_by_the_life_of_their_authorities() {
    let mut world = World::registered(Config::default().with_alternate_roots(2), 2);
    for preference in [ChainPreference::Shortest, ChainPreference::LatestExpiry] {
        let issued = issued_with(&mut world, preference.clone());
        assert!(issued.is_preferred_chain());
        let choice = issued.chain_choice();
        assert_eq!(choice.considered.len(), 3, "all chains were looked at");
        let taken = choice.considered[choice.taken].1;
        if preference == ChainPreference::Shortest {
            assert!(choice.considered.iter().all(|(_, length)| *length >= taken));
        }
    }
    world.assert_no_violations();
}

#[test]
fn no_preference_takes_the_default_and_looks_at_nothing_else() {
    let mut world = World::registered(Config::default().with_alternate_roots(2), 3);
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Certificate), 1);
    assert_eq!(issued.alternates().len(), 2);
    assert!(issued.chain_choice().to_string().starts_with("the CA's default chain"));
}

/// A CA that gives one certificate at a time, in DER, with a link to the next.
fn piecemeal(world: &mut World, loops: bool) {
    let intermediate = world.ca.intermediate_pem();
    world.script = Some(Box::new(move |kind, _, request| {
        if kind != RequestKind::Certificate {
            return Fate::Delivered;
        }
        if request.uri().path() == "/up" {
            let der = certificate(&intermediate).der().to_vec();
            let mut response = http::Response::new(der);
            if loops {
                response.headers_mut().insert("link", "</up>;rel=\"up\"".parse().unwrap());
            }
            return Fate::Answered(response);
        }
        Fate::Changed(Box::new(|response| {
            let chain = CertificateChain::from_pem(response.body()).unwrap();
            http::Response::builder()
                .header("link", "<https://ca.test/up>;rel=\"up\"")
                .header("content-type", "application/pkix-cert")
                .body(chain.leaf().der().to_vec())
                .unwrap()
        }))
    }));
}

#[test]
fn a_chain_that_comes_piece_by_piece_is_put_together() {
    let mut world = World::registered(Config::default(), 4);
    piecemeal(&mut world, false);
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().certificates().len(), 2);
    let codes: Vec<_> = world.session.deviations().iter().map(|d| d.code).collect();
    assert!(codes.contains(&"chain-in-der") && codes.contains(&"chain-by-links"), "{codes:?}");
}

#[test]
fn links_that_lead_in_a_circle_end_in_a_clear_error() {
    let mut world = World::registered(Config::default(), 5);
    piecemeal(&mut world, true);
    let result = world.issue(&["example.org"]);
    assert!(world.sent(RequestKind::Certificate) < 20);
    // The circle gives the intermediate twice, which is no chain.
    assert_eq!(result.unwrap_err().code(), "chain-broken");
}

#[test]
fn the_certificate_is_asked_for_in_pem_by_post_as_get() {
    let mut world = World::registered(Config::default().with_alternate_roots(1), 6);
    let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let kept = asked.clone();
    world.script = Some(Box::new(move |kind, _, request| {
        if kind == RequestKind::Certificate {
            let accept = request.headers().get("accept").cloned();
            kept.borrow_mut().push((request.method().clone(), accept, request.body().clone()));
        }
        Fate::Delivered
    }));
    issued_with(&mut world, ChainPreference::Shortest);
    assert_eq!(asked.borrow().len(), 2, "the default and the alternate");
    for (method, accept, body) in asked.borrow().iter() {
        assert_eq!(method, http::Method::POST);
        assert_eq!(accept.as_ref().unwrap(), "application/pem-certificate-chain");
        let jws: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(jws["payload"], "");
    }
    world.assert_no_violations();
}

#[test]
fn a_chain_is_preferred_by_the_fingerprint_of_an_authority_in_it() {
    let mut world = World::registered(Config::default().with_alternate_roots(1), 7);
    let alternate_root = certificate(&world.ca.alternate_root_pem().unwrap());
    let other = issued_with(&mut world, ChainPreference::root(&alternate_root));
    let wanted = other.chain().certificates().last().unwrap().fingerprint_sha256();
    let issued = issued_with(&mut world, ChainPreference::root_fingerprint(wanted));
    assert!(issued.is_preferred_chain());
    assert_eq!(issued.chain_choice().taken, 1);
    let none = issued_with(&mut world, ChainPreference::root_fingerprint([0; 32]));
    assert!(!none.is_preferred_chain());
    assert_eq!(none.chain_choice().taken, 0);
}

#[test]
fn a_whole_chain_is_not_made_longer_by_a_link() {
    let mut world = World::registered(Config::default(), 8);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Certificate => Fate::Changed(Box::new(|mut response| {
            let link = "<https://ca.test/up>;rel=\"up\"".parse().unwrap();
            response.headers_mut().append("link", link);
            response
        })),
        _ => Fate::Delivered,
    }));
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().certificates().len(), 2);
    assert_eq!(world.sent(RequestKind::Certificate), 1);
    world.assert_no_violations();
}

#[test]
fn what_is_given_out_is_strict_pem_whatever_came() {
    let mut world = World::registered(Config::default(), 9);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Certificate => Fate::Changed(Box::new(|mut response| {
            let pem = String::from_utf8(response.body().clone()).unwrap();
            let odd = pem.replace("-----BEGIN", "\n-----BEGIN").replace('\n', "\r\n");
            *response.body_mut() = odd.into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    let pem = world.issue(&["example.org"]).unwrap().chain().to_pem();
    assert!(!pem.contains('\r') && !pem.contains("\n\n") && pem.ends_with("-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert_eq!(pem.lines().filter(|line| line.starts_with("-----BEGIN")).count(), 2);
}

#[test]
fn a_certificate_without_a_subject_is_read() {
    let mut world = World::registered(Config::default(), 10);
    let issued = world.issue(&["example.org"]).unwrap();
    let leaf = issued.chain().leaf();
    assert_eq!(leaf.subject(), "");
    let again = Certificate::from_der(leaf.der()).unwrap();
    assert_eq!(again.identifiers(), world::identifiers(&["example.org"]));
}
