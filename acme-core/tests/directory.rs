//! The directory: for how long it is used, what makes a client look again, and where it is found.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Retry};
use acmekit_core::flow::account::{ChangeKey, Register, Registration};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::jose::{AccountKey, ExternalAccountBinding, LocalSigner, MacAlgorithm, MacKey};
use acmekit_core::session::Session;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use http::{Method, Response};
use serde_json::{Value, json};
use world::{Fate, World};

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

fn answer(status: u16, body: &Value) -> Response<Vec<u8>> {
    Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()
}

fn pass(world: &mut World, time: Duration) {
    world.now = world.now.saturating_add(time);
}

/// The CA's directory with these members replaced.
fn with(members: Value) -> Fate {
    Fate::Changed(Box::new(move |mut response| {
        let mut object: Value = serde_json::from_slice(response.body()).unwrap();
        for (name, value) in members.as_object().unwrap() {
            object[name] = value.clone();
        }
        *response.body_mut() = object.to_string().into_bytes();
        response
    }))
}

/// Every directory that is read carries this Cache-Control.
fn cached_by(world: &mut World, cache_control: &'static str) {
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Directory => Fate::Changed(Box::new(move |mut response| {
            response.headers_mut().insert("cache-control", cache_control.parse().unwrap());
            response
        })),
        _ => Fate::Delivered,
    }));
}

#[test]
fn the_directory_is_fetched_by_an_unsigned_get_of_the_very_url() {
    let mut world = World::new(Config::default(), 1);
    let url = world.ca.directory_url();
    world.script = Some(Box::new(move |kind, _, request| {
        if kind == RequestKind::Directory {
            assert_eq!((request.method(), request.uri().to_string()), (&Method::GET, url.clone()));
            assert!(request.body().is_empty());
            assert!(!request.headers().contains_key("content-type"));
        }
        Fate::Delivered
    }));
    world.run(&mut FetchDirectory::new()).unwrap();
    assert_eq!(world.sent_in_all(), 1, "no nonce and no account is needed for it");
}

#[test]
fn a_directory_names_only_what_the_operation_needs() {
    let mut world = World::registered(Config::default(), 2);
    let full = world.session.directory().unwrap().clone();
    world.restart();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Directory => Fate::Answered(answer(
            200,
            &json!({"newNonce": full.new_nonce, "newOrder": full.new_order, "x7FqLm2": "?"}),
        )),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    let key = world.account_key.clone().unwrap();
    let error = world.run(&mut ChangeKey::new(AccountKey::local(LocalSigner::new(key))));
    assert!(error.is_err());
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "directory-incomplete"));
    let name = "example.org".parse().unwrap();
    let error = world.run(&mut Preauthorize::new(name)).unwrap_err();
    assert_eq!(error.code(), "preauthorization-unsupported");
    // What it lacks is noted, what it has besides is not.
    let deviations = world.session.deviations();
    assert_eq!(deviations.len(), 3, "{deviations:?}");
    assert!(deviations.iter().all(|d| d.text.ends_with("of the directory is missing")));
}

#[test]
fn one_copy_serves_many_operations_but_not_for_ever() {
    let mut world = World::registered(Config::default(), 3);
    for name in ["a.example.org", "b.example.org"] {
        world.issue(&[name]).unwrap();
        pass(&mut world, 6 * 60 * MINUTE);
    }
    assert_eq!(world.sent(RequestKind::Directory), 0);
    pass(&mut world, DAY);
    world.issue(&["c.example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Directory), 1);
    world.assert_no_violations();
}

#[test]
fn what_the_server_says_of_caching_is_honoured_within_limits() {
    for (cache_control, used_for, read_again_after) in [
        ("max-age=3600", 59 * MINUTE, 61 * MINUTE),
        ("max-age=31536000", DAY - MINUTE, DAY + MINUTE),
        ("no-store", 4 * MINUTE, 6 * MINUTE),
        ("public, max-age=0, no-cache", 4 * MINUTE, 6 * MINUTE),
    ] {
        for (time, fetches) in [(used_for, 1), (read_again_after, 2)] {
            let mut world = World::new(Config::default(), 4);
            cached_by(&mut world, cache_control);
            world.run(&mut FetchDirectory::new()).unwrap();
            pass(&mut world, time);
            world.run(&mut FetchDirectory::new()).unwrap();
            assert_eq!(world.sent(RequestKind::Directory), fetches, "{cache_control} {time:?}");
        }
    }
}

#[test]
fn an_operation_under_way_does_not_read_the_directory_again() {
    let config = Config::default().with_validation_delay(8 * MINUTE);
    let mut world = World::registered(config, 5);
    cached_by(&mut world, "no-store");
    pass(&mut world, 2 * DAY);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Directory), 1, "at the beginning");
}

#[test]
fn an_old_copy_serves_while_the_directory_cannot_be_read() {
    for refusal in [
        answer(503, &json!({})),
        answer(200, &json!({"maintenance": true})),
        answer(403, &json!({"type": "urn:ietf:params:acme:error:unauthorized"})),
    ] {
        let mut world = World::registered(Config::default(), 6);
        pass(&mut world, 2 * DAY);
        let status = refusal.status();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Directory => Fate::Answered(refusal.clone()),
            _ => Fate::Delivered,
        }));
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{status}: {error}"));
        let noted = world.session.deviations();
        assert!(noted.iter().any(|d| d.code == "directory-stale"), "{status}: {noted:?}");
        let tries = world.sent(RequestKind::Directory);
        world.issue(&["b.example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Directory), tries, "it is not tried for each order");
    }
}

/// A CA that has moved newOrder since the client read the directory: the old URL answers this.
fn moved(seed: u64, status: u16, body: Value) -> World {
    let mut world = World::new(Config::default(), seed);
    let old = "https://ca.test/old-order";
    world.script = Some(Box::new(move |kind, ordinal, request| match kind {
        RequestKind::Directory if ordinal == 1 => with(json!({"newOrder": old})),
        _ if request.uri() == old => {
            let body = body.clone();
            let builder = Response::builder().status(status);
            Fate::Answered(builder.body(body.to_string().into_bytes()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    world.run(&mut Register::new(Registration::new())).unwrap();
    world
}

#[test]
fn a_resource_that_has_moved_is_found_by_reading_the_directory_again() {
    let malformed = json!({"type": "urn:ietf:params:acme:error:malformed", "detail": "no page"});
    for (status, body) in [(404, json!("gone")), (404, malformed), (405, json!({}))] {
        let mut world = moved(7, status, body);
        pass(&mut world, 10 * MINUTE);
        world.issue(&["example.org"]).unwrap();
        assert_eq!(world.sent(RequestKind::Directory), 2);
        assert_eq!(world.sent(RequestKind::NewOrder), 2);
        world.assert_no_violations();
    }
}

#[test]
fn orders_side_by_side_find_a_moved_resource_together() {
    let mut world = moved(8, 404, json!({}));
    pass(&mut world, 10 * MINUTE);
    let mut flows: Vec<_> = (0..4).map(|n| world.order(&[&format!("n{n}.example.org")])).collect();
    for result in world.run_all(&mut flows) {
        result.unwrap();
    }
    assert_eq!(world.sent(RequestKind::Directory), 2, "one of them reads the directory");
}

#[test]
fn a_missing_resource_is_looked_for_once_and_not_when_the_directory_was_read_just_now() {
    let gone = |world: &mut World| {
        world.script = Some(Box::new(|kind, _, _| match kind {
            RequestKind::NewOrder => Fate::Answered(answer(404, &json!({"detail": "nothing"}))),
            _ => Fate::Delivered,
        }));
        world.forget_traffic();
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.code(), error.status().unwrap().as_u16()), ("refused", 404));
        (world.sent(RequestKind::Directory), world.sent(RequestKind::NewOrder))
    };
    let mut world = World::registered(Config::default(), 9);
    pass(&mut world, 10 * MINUTE);
    assert_eq!(gone(&mut world), (1, 1), "the URL is the same: it is not asked again");
    assert_eq!(gone(&mut world), (0, 1), "the directory was read just now");
    pass(&mut world, 10 * MINUTE);
    assert_eq!(gone(&mut world), (1, 1));
}

#[test]
fn a_refusal_with_another_meaning_is_no_reason_to_look_again() {
    for (status, kind) in [(404, "accountDoesNotExist"), (403, "malformed"), (400, "malformed")] {
        let mut world = World::registered(Config::default(), 10);
        pass(&mut world, 10 * MINUTE);
        let urn = format!("urn:ietf:params:acme:error:{kind}");
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewOrder => Fate::Answered(answer(status, &json!({"type": urn}))),
            _ => Fate::Delivered,
        }));
        assert_eq!(world.issue(&["example.org"]).unwrap_err().code(), kind);
        assert_eq!(world.sent(RequestKind::Directory), 0);
    }
}

#[test]
fn a_moved_new_nonce_is_found_too() {
    let mut world = World::registered(Config::default(), 11);
    let real = world.session.directory().unwrap().new_nonce.clone();
    world.restart();
    world.script = Some(Box::new(move |kind, ordinal, request| match kind {
        RequestKind::Directory if ordinal == 1 => {
            with(json!({"newNonce": "https://ca.test/old-nonce"}))
        }
        RequestKind::NewNonce if Some(request.uri().to_string()) != real => {
            Fate::Answered(answer(405, &json!({})))
        }
        _ => Fate::Delivered,
    }));
    world.run(&mut FetchDirectory::new()).unwrap();
    pass(&mut world, 10 * MINUTE);
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Directory), 2);
    assert_eq!(world.sent(RequestKind::NewNonce), 3, "HEAD and GET at the old place, then HEAD");
}

#[test]
fn a_binding_is_not_sent_to_a_url_that_it_does_not_name() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use());
    let mut world = World::new(config, 12);
    let old = "https://ca.test/old-account";
    world.script = Some(Box::new(move |kind, ordinal, request| match kind {
        RequestKind::Directory if ordinal == 1 => with(json!({"newAccount": old})),
        _ if request.uri() == old => Fate::Answered(answer(404, &json!({}))),
        _ => Fate::Delivered,
    }));
    world.run(&mut FetchDirectory::new()).unwrap();
    pass(&mut world, 10 * MINUTE);
    let registration = || {
        let key = MacKey::from_bytes(&[7; 32]).unwrap();
        let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
        Registration::new().external_account(binding)
    };
    let error = world.run(&mut Register::new(registration())).unwrap_err();
    assert_eq!(error.retry(), &Retry::Now, "{error}");
    world.run(&mut Register::new(registration())).unwrap();
    world.assert_no_violations();
}

/// A client that was given another URL of the CA for that of the directory.
fn misdirected(seed: u64, url: &str) -> World {
    let mut world = World::new(Config::default(), seed);
    let key = world.session.account_key().clone();
    world.session = Session::new(url, key, world.session.policy().clone()).unwrap();
    world
}

#[test]
fn the_directory_is_found_by_the_link_of_any_other_resource() {
    let mut world = World::new(Config::default(), 13);
    let directory = world.run(&mut FetchDirectory::new()).unwrap();
    for url in [directory.new_order.clone().unwrap(), "https://ca.test/nothing/here".to_owned()] {
        let mut world = misdirected(13, &url);
        assert_eq!(world.run(&mut FetchDirectory::new()).unwrap(), directory);
        assert_eq!(world.sent(RequestKind::Directory), 2, "there, and where its link leads");
        world.run(&mut Register::new(Registration::new())).unwrap();
    }
    // A page that is no directory but answers well.
    let mut world = misdirected(13, "https://ca.test/");
    world.script = Some(Box::new(|_, ordinal, _| match ordinal {
        1 => {
            let builder = Response::builder().header("link", "</directory>; rel=index");
            Fate::Answered(builder.body(b"<html>welcome</html>".to_vec()).unwrap())
        }
        _ => Fate::Delivered,
    }));
    assert_eq!(world.run(&mut FetchDirectory::new()).unwrap(), directory);
}

#[test]
fn a_link_to_the_directory_leads_neither_away_nor_in_circles() {
    for (link, code) in [
        ("<https://evil.example/directory>;rel=index", "foreign-host"),
        ("<http://ca.test/directory>;rel=index", "plain-http"),
        ("<https://ca.test/nowhere>;rel=index", "refused"),
        ("<https://ca.test/a>;rel=index", "refused"),
    ] {
        let mut world = misdirected(14, "https://ca.test/a");
        world.script = Some(Box::new(move |_, _, _| {
            let builder = Response::builder().status(404).header("link", link);
            Fate::Answered(builder.body(Vec::new()).unwrap())
        }));
        assert_eq!(world.run(&mut FetchDirectory::new()).unwrap_err().code(), code, "{link}");
        assert!(world.sent_in_all() <= 4);
    }
}
