//! An account's later life: new contacts, a new key, the list of orders, the end.

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::ErrorKind;
use acmekit_core::flow::account::{
    AccountChange, ChangeKey, DeactivateAccount, FindAccount, ListOrders, Register, Registration,
    UpdateAccount,
};
use acmekit_core::flow::authorization::DeactivateAuthorization;
use acmekit_core::jose::AccountKey;
use acmekit_testing::Config;
use world::{Fate, World};

fn new_key(world: &mut World) -> AccountKey {
    PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap().into()
}

fn answered(status: u16, body: &str) -> Fate {
    Fate::Answered(http::Response::builder().status(status).body(body.into()).unwrap())
}

/// Makes another account at the same CA, and hands out its key.
fn other_account(world: &mut World) -> AccountKey {
    let key = new_key(world);
    let url = world.ca.directory_url();
    let policy = world.session.policy().clone();
    let other = acmekit_core::session::Session::new(url, key.clone(), policy).unwrap();
    let first = std::mem::replace(&mut world.session, other);
    world.run(&mut Register::new(Registration::new())).unwrap();
    world.session = first;
    key
}

/// Loses the first answer to a kind of request.
fn lose_first(world: &mut World, kind: RequestKind) {
    world.forget_traffic();
    world.script = Some(Box::new(move |got, ordinal, _| {
        if got == kind && ordinal == 1 { Fate::AnswerLost } else { Fate::Delivered }
    }));
}

#[test]
fn contacts_are_replaced_and_removed() {
    let mut world = World::registered(Config::default(), 1);
    let change = AccountChange::new().contacts(["mailto:new@example.org".to_owned()]);
    let account = world.run(&mut UpdateAccount::new(change)).unwrap();
    assert_eq!(account.contacts, ["mailto:new@example.org"]);
    assert_eq!(world.session.account(), Some(&account));
    let account = world.run(&mut UpdateAccount::new(AccountChange::new().contacts([]))).unwrap();
    assert!(account.contacts.is_empty());
    world.assert_no_violations();
}

#[test]
fn a_change_that_changes_nothing_or_is_wrong_is_not_sent() {
    let mut world = World::registered(Config::default(), 2);
    let error = world.run(&mut UpdateAccount::new(AccountChange::new())).unwrap_err();
    assert_eq!(error.code(), "nothing-to-change");
    let change = AccountChange::new().contacts(["nobody".to_owned()]);
    let error = world.run(&mut UpdateAccount::new(change)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "invalidContact"));
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn the_account_goes_on_with_its_new_key() {
    let mut world = World::registered(Config::default(), 3);
    let before = world.session.account().cloned().unwrap();
    let key = new_key(&mut world);
    let account = world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(account.url, before.url);
    assert_eq!(account.key_thumbprint, key.thumbprint());
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
    world.issue(&["example.org"]).unwrap();
    world.assert_no_violations();
}

#[test]
fn the_present_key_and_a_key_of_another_account_are_refused() {
    let mut world = World::registered(Config::default(), 4);
    let present = world.session.account_key().clone();
    let error = world.run(&mut ChangeKey::new(present)).unwrap_err();
    assert_eq!(error.code(), "same-key");
    let taken = other_account(&mut world);
    let error = world.run(&mut ChangeKey::new(taken)).unwrap_err();
    assert_eq!(error.code(), "key-in-use");
    assert_ne!(world.session.account_key().thumbprint(), "");
    world.issue(&["example.org"]).unwrap();
}

#[test]
fn a_lost_answer_to_a_key_change_is_resolved_by_asking_with_the_new_key() {
    let mut world = World::registered(Config::default(), 5);
    lose_first(&mut world, RequestKind::KeyChange);
    let key = new_key(&mut world);
    world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(world.sent(RequestKind::KeyChange), 1);
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
    world.assert_no_violations();
}

#[test]
fn a_key_change_that_never_arrived_is_sent_again_after_asking_with_both_keys() {
    let mut world = World::registered(Config::default(), 6);
    world.forget_traffic();
    world.script = Some(Box::new(|kind, ordinal, _| {
        if kind == RequestKind::KeyChange && ordinal == 1 {
            answered(502, "<html>")
        } else {
            Fate::Delivered
        }
    }));
    let key = new_key(&mut world);
    world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(world.sent(RequestKind::KeyChange), 2);
    assert_eq!(world.sent(RequestKind::NewAccount), 2, "the new key, then the old one");
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
    world.assert_no_violations();
}

#[test]
fn a_key_change_is_resumed_with_the_same_new_key_only() {
    let mut world = World::registered(Config::default(), 7);
    let key = new_key(&mut world);
    let mut flow = ChangeKey::new(key.clone());
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::KeyChange => Fate::AnswerLost,
        _ => Fate::NotSent,
    }));
    world.run(&mut flow).unwrap_err();
    world.script = None;
    let saved = acmekit_core::flow::Flow::checkpoint(&flow);
    let other = new_key(&mut world);
    assert!(ChangeKey::resume(saved.clone(), &world.session, other).is_err());
    let mut resumed = ChangeKey::resume(saved, &world.session, key.clone()).unwrap();
    world.run(&mut resumed).unwrap();
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
}

#[test]
fn an_interrupted_key_change_is_finished_whether_it_had_arrived_or_not() {
    for arrived in [true, false] {
        let mut world = World::registered(Config::default(), 15);
        let key = new_key(&mut world);
        world.script = Some(Box::new(move |kind, _, _| match (kind, arrived) {
            (RequestKind::KeyChange, true) => Fate::AnswerLost,
            _ => Fate::NotSent,
        }));
        world.run(&mut ChangeKey::new(key.clone())).unwrap_err();
        world.script = None;
        world.forget_traffic();
        world.run(&mut ChangeKey::new(key.clone()).after_interruption()).unwrap();
        assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
        assert_eq!(world.sent(RequestKind::KeyChange), usize::from(!arrived));
        world.assert_no_violations();
    }
}

/// Answers keyChange with 200 and an empty body, after the CA has done with it what it did.
fn bare_confirmation(kind: RequestKind, _: usize, _: &http::Request<Vec<u8>>) -> Fate {
    match kind {
        RequestKind::KeyChange => Fate::Changed(Box::new(|mut response| {
            *response.status_mut() = http::StatusCode::OK;
            response.body_mut().clear();
            response
        })),
        _ => Fate::Delivered,
    }
}

#[test]
fn a_confirmation_that_shows_no_account_is_looked_into() {
    let mut world = World::registered(Config::default(), 16);
    world.forget_traffic();
    world.script = Some(Box::new(bare_confirmation));
    let key = new_key(&mut world);
    world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
    assert_eq!(world.sent(RequestKind::NewAccount), 1, "it asks by the new key");
    world.assert_no_violations();
}

#[test]
fn an_object_that_is_no_account_confirms_nothing() {
    for body in ["{}", r#"{"type":"urn:ietf:params:acme:error:conflict","status":409}"#] {
        let mut world = World::registered(Config::default(), 18);
        let old = world.session.account_key().thumbprint();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::KeyChange => answered(200, body),
            _ => Fate::Delivered,
        }));
        let key = new_key(&mut world);
        let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
        assert_eq!(error.code(), "key-change-not-done", "{body}");
        assert_eq!(world.session.account_key().thumbprint(), old);
    }
}

#[test]
fn a_conflict_with_the_account_itself_is_success() {
    let mut world = World::registered(Config::default(), 19);
    let account = world.session.account().unwrap().url.clone();
    world.script = Some(Box::new(move |kind, _, _| {
        let account = account.clone();
        match kind {
            // The first of two sendings has arrived late; this is the answer to the second.
            RequestKind::KeyChange => Fate::Changed(Box::new(move |_| {
                let mut response = http::Response::new(Vec::new());
                *response.status_mut() = http::StatusCode::CONFLICT;
                response.headers_mut().insert("location", account.parse().unwrap());
                response
            })),
            _ => Fate::Delivered,
        }
    }));
    let key = new_key(&mut world);
    world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
}

#[test]
fn a_refusal_that_looks_like_a_confirmation_leaves_the_old_key_in_use() {
    let mut world = World::registered(Config::default(), 17);
    let old = world.session.account_key().thumbprint();
    let taken = other_account(&mut world);
    world.script = Some(Box::new(bare_confirmation));
    let error = world.run(&mut ChangeKey::new(taken)).unwrap_err();
    assert_eq!(error.code(), "key-in-use");
    assert_eq!(world.session.account_key().thumbprint(), old);
    assert!(world.session.deviations().iter().any(|d| d.code == "key-change-not-done"));

    // And where the server does not know the new key at all.
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::KeyChange => answered(200, ""),
        _ => Fate::Delivered,
    }));
    let key = new_key(&mut world);
    let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, "key-change-not-done"));
    assert_eq!(world.session.account_key().thumbprint(), old);
}

#[test]
fn a_confirmation_counts_when_it_cannot_be_looked_into() {
    let mut world = World::registered(Config::default(), 18);
    world.script = Some(Box::new(|kind, ordinal, request| match kind {
        RequestKind::NewAccount => answered(403, ""),
        _ => bare_confirmation(kind, ordinal, request),
    }));
    let key = new_key(&mut world);
    world.run(&mut ChangeKey::new(key.clone())).unwrap();
    assert_eq!(world.session.account_key().thumbprint(), key.thumbprint());
}

#[test]
fn a_server_without_key_change_says_so_clearly() {
    let mut world = World::registered(Config::default(), 8);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::KeyChange => answered(501, ""),
        _ => Fate::Delivered,
    }));
    let key = new_key(&mut world);
    let error = world.run(&mut ChangeKey::new(key)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "not-implemented"));
    assert_eq!(world.sent(RequestKind::KeyChange), 1, "it is not repeated");
}

#[test]
fn a_deactivated_account_is_gone() {
    for lost in [false, true] {
        let mut world = World::registered(Config::default(), 9);
        if lost {
            lose_first(&mut world, RequestKind::Account);
        }
        world.run(&mut DeactivateAccount::new()).unwrap();
        assert!(world.session.account().is_none());
        let error = world.run(&mut FindAccount::new()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Problem | ErrorKind::NoAccount), "{error}");
    }
}

#[test]
fn a_refused_deactivation_is_an_error() {
    let mut world = World::registered(Config::default(), 10);
    let body = r#"{"type":"urn:ietf:params:acme:error:unauthorized","detail":"no"}"#;
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::Account => answered(403, body),
        _ => Fate::Delivered,
    }));
    let error = world.run(&mut DeactivateAccount::new()).unwrap_err();
    assert_eq!(error.code(), "unauthorized");
    assert!(world.session.account().is_some());
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Account => answered(200, r#"{"status":"valid"}"#),
        _ => Fate::Delivered,
    }));
    let error = world.run(&mut DeactivateAccount::new()).unwrap_err();
    assert_eq!(error.code(), "account-not-deactivated");
}

#[test]
fn orders_are_listed_over_all_pages() {
    let mut world = World::registered(Config::default().with_orders_page(3), 11);
    let mut made = Vec::new();
    for n in 0..8 {
        let mut flow = world.order(&[&format!("n{n}.example.org")]);
        made.push(world.run(&mut flow).unwrap().order_url().to_owned());
    }
    let mut listed = world.run(&mut ListOrders::new()).unwrap();
    assert!(listed.is_complete);
    listed.urls.sort();
    made.sort();
    assert_eq!(listed.urls, made);
    world.assert_no_violations();
}

#[test]
fn a_list_of_orders_that_is_a_bare_array_is_read() {
    let mut world = World::registered(Config::default(), 19);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::OrdersList => answered(200, r#"["https://ca.test/order/1"]"#),
        _ => Fate::Delivered,
    }));
    let listed = world.run(&mut ListOrders::new()).unwrap();
    assert_eq!(listed.urls, ["https://ca.test/order/1"]);
    assert!(world.session.deviations().iter().any(|d| d.code == "orders-not-object"));
}

#[test]
fn a_list_of_orders_without_end_ends() {
    let mut world = World::registered(Config::default(), 12);
    world.script = Some(Box::new(|kind, ordinal, _| match kind {
        RequestKind::OrdersList => {
            let next = format!("<https://ca.test/orders?page={ordinal}>;rel=\"next\"");
            let body = r#"{"orders":["https://ca.test/order/1"]}"#.into();
            let response = http::Response::builder().header("link", next).body(body).unwrap();
            Fate::Changed(Box::new(move |original| {
                let mut response = response.clone();
                let nonce = original.headers().get("replay-nonce").cloned().unwrap();
                response.headers_mut().insert("replay-nonce", nonce);
                response
            }))
        }
        _ => Fate::Delivered,
    }));
    let listed = world.run(&mut ListOrders::new()).unwrap();
    assert!(!listed.is_complete);
    assert_eq!(world.sent(RequestKind::OrdersList), 100);
}

#[test]
fn a_server_without_a_list_of_orders_says_so() {
    let mut world = World::registered(Config::default(), 13);
    let url = world.session.account().unwrap().url.clone();
    world.script = Some(Box::new(move |kind, _, _| {
        let url = url.clone();
        match kind {
            RequestKind::NewAccount => Fate::Answered(
                http::Response::builder().header("location", url).body(b"{}".to_vec()).unwrap(),
            ),
            _ => Fate::Delivered,
        }
    }));
    let error = world.run(&mut ListOrders::new()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "orders-unsupported"));
}

#[test]
fn a_given_up_authorization_is_not_reused() {
    let mut world = World::registered(Config::default().with_authorization_reuse(true), 14);
    world.issue(&["example.org"]).unwrap();
    let entry = world
        .ca
        .log()
        .iter()
        .rfind(|entry| entry.kind == acmekit_testing::RequestKind::Authorization);
    let url = entry.unwrap().url.clone();
    world.run(&mut DeactivateAuthorization::new(url)).unwrap();
    world.forget_traffic();
    world.issue(&["example.org"]).unwrap();
    assert_eq!(world.sent(RequestKind::Challenge), 1, "the name is validated anew");
    world.assert_no_violations();
}
