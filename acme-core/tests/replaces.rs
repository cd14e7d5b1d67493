//! A renewal names the certificate it replaces (RFC 8555 §7.4.2, RFC 9773 §5), where it may.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::Certificate;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{ErrorKind, Retry};
use acmekit_core::flow::Flow;
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::flow::issue::{Issue, LeftOut, NewOrder, Predecessor, Replacement};
use acmekit_core::jose::encoding;
use acmekit_core::session::Session;
use acmekit_testing::{Config, RefusalCause, RequestKind as CaRequest};
use http::Response;
use serde_json::{Value, json};
use world::{Fate, World, identifiers};

fn offering(seed: u64) -> World {
    World::registered(Config::default().with_renewal_information(true), seed)
}

/// An order for these names that replaces a certificate.
fn renewal(world: &mut World, names: &[&str], old: impl Into<Predecessor>) -> Issue {
    let names = identifiers(names);
    let request = world.certificate_request(&names);
    Issue::new(NewOrder::new(names).replaces(old), request)
}

fn leaf(world: &mut World, names: &[&str]) -> Certificate {
    let leaf = world.issue(names).unwrap().chain().leaf().clone();
    world.forget_traffic();
    leaf
}

/// The payloads of all newOrder requests.
fn orders(world: &World) -> Vec<Value> {
    let decoded = world.bytes.iter().filter_map(|body| {
        let jws: Value = serde_json::from_slice(body).ok()?;
        let payload = encoding::decode(jws["payload"].as_str()?).ok()?;
        serde_json::from_slice::<Value>(&payload).ok()
    });
    decoded.filter(|payload| payload.get("identifiers").is_some()).collect()
}

#[test]
fn a_renewal_names_its_predecessor_where_the_directory_has_renewal_information() {
    let mut world = offering(1);
    let old = leaf(&mut world, &["example.org"]);
    let id = old.certificate_id().unwrap();
    let mut flow = renewal(&mut world, &["example.org", "www.example.org"], &old);
    let issued = world.run(&mut flow).unwrap();
    assert_eq!(issued.replacement(), &Replacement::Named(id.clone()));
    let sent = orders(&world);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["replaces"], json!(id.as_str()));
    assert!(world.session.deviations().is_empty(), "{:?}", world.session.deviations());
    world.assert_no_violations();
}

#[test]
fn an_order_that_replaces_nothing_has_no_such_member() {
    let mut world = offering(2);
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.replacement(), &Replacement::NotAsked);
    assert!(orders(&world)[0].get("replaces").is_none());
}

#[test]
fn a_predecessor_is_left_out_where_it_may_not_be_named() {
    // No renewal information in the directory.
    let mut world = World::registered(Config::default(), 3);
    let old = leaf(&mut world, &["example.org"]);
    let mut flow = renewal(&mut world, &["example.org"], &old);
    let issued = world.run(&mut flow).unwrap();
    assert_eq!(issued.replacement(), &Replacement::LeftOut(LeftOut::NoRenewalInformation));
    assert!(orders(&world)[0].get("replaces").is_none());
    world.assert_no_violations();

    let mut world = offering(4);
    let old = leaf(&mut world, &["example.org"]);
    let own = world.session.account().unwrap().url.clone();
    let elsewhere = Predecessor::of(&old).account("https://ca.test/account/of/somebody/else");
    // The certificate of another CA's server that names no key of its authority.
    let nameless = certificate_without_authority_key(&mut world);
    for (names, old, reason) in [
        (&["example.org"], elsewhere, LeftOut::OtherAccount),
        (&["b.example.org"], Predecessor::of(&old).account(&own), LeftOut::NoSharedName),
        (&["example.org"], nameless, LeftOut::NoCertificateId),
    ] {
        world.forget_traffic();
        let mut flow = renewal(&mut world, names, old);
        let issued = world.run(&mut flow).unwrap();
        assert_eq!(issued.replacement(), &Replacement::LeftOut(reason));
        assert!(issued.replacement().to_string().contains("not named"));
        assert!(orders(&world)[0].get("replaces").is_none(), "{reason}");
    }
    world.forget_traffic();
    let mut flow = renewal(&mut world, &["example.org"], Predecessor::of(&old).account(&own));
    assert!(matches!(world.run(&mut flow).unwrap().replacement(), Replacement::Named(_)));
    world.assert_no_violations();
}

/// A self-signed certificate for `example.org` without an authority key identifier.
fn certificate_without_authority_key(world: &mut World) -> Predecessor {
    use acmekit_core::challenge::tls_alpn01;
    use acmekit_core::challenge::token::{KeyAuthorization, Token};
    let token: Token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA".parse().unwrap();
    let thumbprint = world.session.account_key().thumbprint();
    let proof = KeyAuthorization::new(&token, &thumbprint);
    let key = world.account_key.clone().unwrap();
    let name = identifiers(&["example.org"]).remove(0);
    let der =
        tls_alpn01::build_certificate(&name, &proof, &key, world.now, &mut world.entropy).unwrap();
    let certificate = Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.certificate_id(), None);
    Predecessor::of(&certificate)
}

#[test]
fn a_certificate_that_is_replaced_already_costs_one_more_order_and_is_reported() {
    let mut world = offering(5);
    let old = leaf(&mut world, &["example.org"]);
    let mut flow = renewal(&mut world, &["example.org"], &old);
    world.run(&mut flow).unwrap();
    world.forget_traffic();
    let mut flow = renewal(&mut world, &["example.org"], &old);
    let issued = world.run(&mut flow).unwrap();
    let Replacement::Refused(text) = issued.replacement() else {
        panic!("{:?}", issued.replacement())
    };
    assert!(text.contains("already"), "{text}");
    let sent = orders(&world);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].get("replaces").is_some() && sent[1].get("replaces").is_none());
    assert!(world.session.deviations().iter().any(|d| d.code == "replaces-refused"));
    world.assert_no_violations();
}

fn problem(status: u16, kind: &str, detail: &str) -> Response<Vec<u8>> {
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

/// Orders a renewal while the first newOrder is answered by this.
fn refused(seed: u64, response: Response<Vec<u8>>) -> (World, Result<Replacement, String>) {
    let mut world = offering(seed);
    let old = leaf(&mut world, &["example.org"]);
    let mut response = Some(response);
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder if response.is_some() => Fate::Answered(response.take().unwrap()),
        _ => Fate::Delivered,
    }));
    let mut flow = renewal(&mut world, &["example.org"], &old);
    let result = world.run(&mut flow);
    let result = result.map(|i| i.replacement().clone()).map_err(|e| e.code().to_owned());
    (world, result)
}

#[test]
fn every_way_of_refusing_the_predecessor_is_understood() {
    for (status, kind, detail) in [
        (409, "alreadyReplaced", "x"),
        (409, "conflict", "cannot indicate an order replaces a certificate twice"),
        (404, "malformed", "unknown issuer"),
        (403, "unauthorized", "the account did not request the certificate being replaced"),
        (400, "malformed", "while parsing ARI CertID an error occurred"),
        (401, "unauthorized", "replaces field does not identify a certificate"),
    ] {
        let (world, result) = refused(6, problem(status, kind, detail));
        assert!(matches!(result, Ok(Replacement::Refused(_))), "{status} {detail}: {result:?}");
        assert_eq!(world.sent(RequestKind::NewOrder), 2, "{detail}");
    }
}

#[test]
fn other_refusals_are_not_taken_for_one_of_the_predecessor() {
    for (status, kind, detail) in [
        (403, "rejectedIdentifier", "example.org is not for sale"),
        (400, "malformed", "the JWS is broken"),
        (403, "unauthorized", "the account is suspended"),
    ] {
        let (world, result) = refused(7, problem(status, kind, detail));
        assert_eq!(result, Err(kind.to_owned()));
        assert_eq!(world.sent(RequestKind::NewOrder), 1, "{detail}");
    }
}

#[test]
fn the_order_is_tried_without_the_predecessor_once_only() {
    let mut world = offering(8);
    let old = leaf(&mut world, &["example.org"]);
    for _ in 0..2 {
        world.ca.refuse_next(CaRequest::NewOrder, RefusalCause::AlreadyReplaced);
    }
    let mut flow = renewal(&mut world, &["example.org"], &old);
    let error = world.run(&mut flow).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "alreadyReplaced"));
    assert_eq!(error.retry(), &Retry::WithoutReplaces);
    assert_eq!(world.sent(RequestKind::NewOrder), 2);
}

#[test]
fn a_refused_predecessor_stays_left_out_after_a_restart() {
    let mut world = offering(9);
    let old = leaf(&mut world, &["example.org"]);
    // The process ends when the predecessor was refused and the second order is on its way.
    world.ca.refuse_next(CaRequest::NewOrder, RefusalCause::AlreadyReplaced);
    world.script = Some(Box::new(|kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::NewOrder, 2..) => Fate::NotSent,
        _ => Fate::Delivered,
    }));
    let mut flow = renewal(&mut world, &["example.org"], &old);
    world.run(&mut flow).unwrap_err();
    let saved = serde_json::to_string(&flow.checkpoint()).unwrap();
    world.restart();
    world.forget_traffic();
    world.script = None;
    let saved = serde_json::from_str(&saved).unwrap();
    let mut flow = Issue::resume(saved, &world.session).unwrap();
    let issued = world.run(&mut flow).unwrap();
    assert!(matches!(issued.replacement(), Replacement::Refused(_)));
    assert_eq!(orders(&world).len(), 1);
    assert!(orders(&world)[0].get("replaces").is_none());
}

#[test]
fn the_wish_to_replace_survives_a_restart() {
    let mut world = offering(10);
    let old = leaf(&mut world, &["example.org"]);
    let flow = renewal(&mut world, &["example.org"], &old);
    let saved = serde_json::to_string(&flow.checkpoint()).unwrap();
    let saved = serde_json::from_str(&saved).unwrap();
    world.restart();
    let mut flow = Issue::resume(saved, &world.session).unwrap();
    let issued = world.run(&mut flow).unwrap();
    assert_eq!(issued.replacement(), &Replacement::Named(old.certificate_id().unwrap()));
}

#[test]
fn an_order_that_does_not_show_what_it_replaces_is_noted() {
    let mut world = offering(11);
    let old = leaf(&mut world, &["example.org"]);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::NewOrder => Fate::Changed(Box::new(|mut response| {
            let mut order: Value = serde_json::from_slice(response.body()).unwrap();
            order.as_object_mut().unwrap().remove("replaces");
            *response.body_mut() = order.to_string().into_bytes();
            response
        })),
        _ => Fate::Delivered,
    }));
    let mut flow = renewal(&mut world, &["example.org"], &old);
    world.run(&mut flow).unwrap();
    assert!(world.session.deviations().iter().any(|d| d.code == "replaces-missing"));
}

#[test]
fn another_account_does_not_name_the_certificate_of_the_first() {
    let mut world = offering(12);
    let old = leaf(&mut world, &["example.org"]);
    let former = world.session.account().unwrap().url.clone();
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let (url, policy) = (world.ca.directory_url(), world.session.policy().clone());
    world.session = Session::new(url, key.into(), policy).unwrap();
    world.run(&mut Register::new(Registration::new())).unwrap();
    let mut flow = renewal(&mut world, &["example.org"], Predecessor::of(&old).account(&former));
    let issued = world.run(&mut flow).unwrap();
    assert_eq!(issued.replacement(), &Replacement::LeftOut(LeftOut::OtherAccount));
    world.assert_no_violations();
}
