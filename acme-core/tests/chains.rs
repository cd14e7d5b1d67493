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
