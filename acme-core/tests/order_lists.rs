//! The list of an account's orders: page by page, bounded, without circles (RFC 8555 §7.1.2.1).

mod world;

use acmekit_core::action::RequestKind;
use acmekit_core::flow::Flow;
use acmekit_core::flow::account::ListOrders;
use acmekit_core::policy::Policy;
use acmekit_testing::Config;
use http::Response;
use serde_json::json;
use world::{Fate, World};

fn page(orders: &[&str], next: Option<&str>) -> Fate {
    let body = json!({ "orders": orders }).to_string();
    let next = next.map(|next| format!("<{next}>;rel=\"next\""));
    Fate::Changed(Box::new(move |original| {
        let mut response = Response::new(body.clone().into_bytes());
        let nonce = original.headers().get("replay-nonce").cloned().unwrap();
        response.headers_mut().insert("replay-nonce", nonce);
        if let Some(next) = &next {
            response.headers_mut().insert("link", next.parse().unwrap());
        }
        response
    }))
}

#[test]
fn a_list_of_orders_that_leads_back_to_itself_ends() {
    let mut world = World::registered(Config::default(), 30);
    world.script = Some(Box::new(|kind, ordinal, _| match kind {
        RequestKind::OrdersList => {
            let next = ["https://ca.test/o?p=1", "https://ca.test/o?p=2"][ordinal % 2];
            page(&["https://ca.test/order/1"], Some(next))
        }
        _ => Fate::Delivered,
    }));
    let listed = world.run(&mut ListOrders::new()).unwrap();
    assert!(!listed.is_complete);
    assert!(world.session.deviations().iter().any(|found| found.code == "orders-loop"));
    assert_eq!(world.sent(RequestKind::OrdersList), 3);
}

#[test]
fn pages_are_read_only_as_they_are_wanted() {
    let mut world = World::registered(Config::default().with_orders_page(2), 31);
    let mut made = Vec::new();
    for n in 0..5 {
        let mut flow = world.order(&[&format!("n{n}.example.org")]);
        made.push(world.run(&mut flow).unwrap().order_url().to_owned());
    }
    let first = world.run(&mut ListOrders::new().pages(1)).unwrap();
    assert_eq!((first.urls.len(), first.is_complete), (2, false));
    assert_eq!(world.sent(RequestKind::OrdersList), 1);
    let mut listed = first.urls;
    let mut next = first.next_page;
    while let Some(page) = next {
        let mut flow = ListOrders::from_page(page).pages(1);
        let saved = serde_json::to_value(flow.checkpoint()).unwrap();
        let saved = serde_json::from_value(saved).unwrap();
        flow = ListOrders::resume(saved, &world.session).unwrap();
        let list = world.run(&mut flow).unwrap();
        assert_eq!(list.is_complete, list.next_page.is_none());
        listed.extend(list.urls);
        next = list.next_page;
    }
    assert_eq!(world.sent(RequestKind::OrdersList), 3);
    listed.sort();
    made.sort();
    assert_eq!(listed, made);
    world.assert_no_violations();
}

#[test]
fn no_list_of_orders_is_longer_than_the_policy_allows() {
    let policy = Policy::default();
    let most = policy.max_listed_orders;
    let mut world = World::registered(Config::default(), 32);
    let urls: Vec<String> = (0..=most).map(|n| format!("https://ca.test/o/{n}")).collect();
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::OrdersList => page(&urls.iter().map(String::as_str).collect::<Vec<_>>(), None),
        _ => Fate::Delivered,
    }));
    let listed = world.run(&mut ListOrders::new()).unwrap();
    assert_eq!((listed.urls.len(), listed.is_complete), (most, false));
}

#[test]
fn a_list_of_orders_saved_by_an_earlier_release_is_still_read() {
    let mut world = World::registered(Config::default(), 33);
    let saved = json!({"version": 1, "state": {"flow": "list-orders"}});
    let saved = serde_json::from_value(saved).unwrap();
    let mut flow = ListOrders::resume(saved, &world.session).unwrap();
    assert!(world.run(&mut flow).unwrap().is_complete);
}
