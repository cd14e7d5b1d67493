//! What every request looks like on the wire, and what is read out of an answer around its body.

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use acmekit_core::action::RequestKind;
use acmekit_core::error::{Blame, Error, ErrorKind, Retry, Step};
use acmekit_core::flow::account::{
    AccountChange, ChangeKey, DeactivateAccount, ListOrders, Register, Registration, UpdateAccount,
};
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::jose::encoding;
use acmekit_core::policy::{ForeignHosts, Policy};
use acmekit_core::session::Session;
use acmekit_testing::Config;
use http::{Method, Request, Response};
use serde_json::{Value, json};
use world::{Fate, World};

type Sent = Rc<RefCell<Vec<(RequestKind, Request<Vec<u8>>)>>>;

/// Keeps every request that is sent from now on.
fn record(world: &mut World) -> Sent {
    let sent = Sent::default();
    let keeper = sent.clone();
    world.script = Some(Box::new(move |kind, _, request| {
        keeper.borrow_mut().push((kind, request.clone()));
        Fate::Delivered
    }));
    sent
}

fn protected(request: &Request<Vec<u8>>) -> Value {
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let header = encoding::decode(body["protected"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&header).unwrap()
}

/// Every operation that an account goes through, from registration to its end.
fn whole_life(world: &mut World) {
    world.run(&mut Register::new(Registration::new().contact("mailto:a@example.org"))).unwrap();
    let change = AccountChange::new().contacts(["mailto:b@example.org".to_owned()]);
    world.run(&mut UpdateAccount::new(change)).unwrap();
    let issued = world.issue(&["example.org", "www.example.org"]).unwrap();
    world.run(&mut ListOrders::new()).unwrap();
    let leaf = issued.chain().leaf();
    world.run(&mut Revoke::new(leaf.clone())).unwrap();
    let new_key = {
        use acmekit_core::crypto::{KeyType, PrivateKey};
        use acmekit_core::jose::{AccountKey, LocalSigner};
        let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
        AccountKey::local(LocalSigner::new(key))
    };
    world.run(&mut ChangeKey::new(new_key)).unwrap();
    world.run(&mut DeactivateAccount::new()).unwrap();
}

#[test]
fn every_request_names_the_library_and_the_program_and_asks_for_its_languages() {
    let mut world = World::new(Config::default(), 1);
    world.session.set_user_agent("my-program/1.0 reqwest/0.13");
    world.session.set_accept_language("ja, en;q=0.5").unwrap();
    let sent = record(&mut world);
    whole_life(&mut world);
    let sent = sent.borrow();
    assert!(sent.iter().any(|(_, request)| request.method() == Method::GET));
    assert!(sent.iter().any(|(_, request)| request.method() == Method::HEAD));
    for (kind, request) in sent.iter() {
        let agent = request.headers()["user-agent"].to_str().unwrap();
        let program = agent.strip_prefix("my-program/1.0 reqwest/0.13 acmekit-core/");
        assert_eq!(program, Some(env!("CARGO_PKG_VERSION")), "{kind}");
        assert_eq!(request.headers()["accept-language"], "ja, en;q=0.5", "{kind}");
    }
    world.assert_no_violations();
}

#[test]
fn without_a_program_and_languages_the_library_still_names_itself() {
    let mut world = World::new(Config::default(), 2);
    let sent = record(&mut world);
    whole_life(&mut world);
    for (kind, request) in sent.borrow().iter() {
        let library = concat!("acmekit-core/", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.headers()["user-agent"], library, "{kind}");
        assert!(!request.headers().contains_key("accept-language"), "{kind}");
    }
}

#[test]
fn only_directory_and_nonces_are_fetched_without_a_signature() {
    let mut world = World::new(Config::default(), 3);
    let sent = record(&mut world);
    whole_life(&mut world);
    let mut kinds = std::collections::BTreeSet::new();
    for (kind, request) in sent.borrow().iter() {
        kinds.insert(*kind);
        let expected = match kind {
            RequestKind::Directory => Method::GET,
            RequestKind::NewNonce => Method::HEAD,
            _ => Method::POST,
        };
        assert_eq!(request.method(), expected, "{kind}");
        assert!(!request.headers().contains_key("replay-nonce"), "{kind}");
        match request.method() {
            &Method::POST => {
                let types: Vec<_> = request.headers().get_all("content-type").iter().collect();
                assert_eq!(types, ["application/jose+json"], "{kind}");
            }
            _ => {
                assert!(request.body().is_empty(), "{kind}");
                assert!(!request.headers().contains_key("content-type"), "{kind}");
            }
        }
    }
    assert_eq!(kinds.len(), 13, "every kind but newAuthz was sent: {kinds:?}");
    world.assert_no_violations();
}

#[test]
fn what_is_signed_and_where_it_goes_is_the_url_to_the_letter() {
    // Each member of the directory in a spelling that a URL library would change.
    let spell = |path: &str| format!("https://ca.test:443/A%2fb%2F{path}/?q=%41&x=./..");
    for kind in [RequestKind::NewAccount, RequestKind::NewOrder, RequestKind::NewNonce] {
        let mut world = World::registered(Config::default(), 4);
        world.restart();
        let member = kind.to_string();
        let url = spell(&member);
        let asked = Rc::new(RefCell::new(None));
        let (name, odd, keeper) = (member.clone(), url.clone(), asked.clone());
        world.script = Some(Box::new(move |got, _, request| {
            if got == RequestKind::Directory {
                let (name, odd) = (name.clone(), odd.clone());
                return Fate::Changed(Box::new(move |mut response| {
                    let mut value: Value = serde_json::from_slice(response.body()).unwrap();
                    value[&name] = json!(odd);
                    *response.body_mut() = value.to_string().into_bytes();
                    response
                }));
            }
            if got == kind {
                keeper.borrow_mut().get_or_insert(request.clone());
                return Fate::Answered(Response::builder().status(403).body(Vec::new()).unwrap());
            }
            Fate::Delivered
        }));
        let result = match kind {
            RequestKind::NewAccount => world.run(&mut Register::new(Registration::new())).map(drop),
            _ => world.issue(&["example.org"]).map(drop),
        };
        result.unwrap_err();
        let request = asked.borrow_mut().take().unwrap();
        assert_eq!(request.uri().to_string(), url);
        if kind != RequestKind::NewNonce {
            assert_eq!(protected(&request)["url"], json!(url), "{kind}");
        }
    }
}

#[test]
fn in_every_signed_request_the_url_is_the_one_it_is_sent_to() {
    let mut world = World::new(Config::default(), 5);
    let sent = record(&mut world);
    whole_life(&mut world);
    for (kind, request) in sent.borrow().iter().filter(|(_, r)| r.method() == Method::POST) {
        assert_eq!(protected(request)["url"], json!(request.uri().to_string()), "{kind}");
    }
    // R-URL-01 and R-URL-02 are among what the CA records; all its URLs are random.
    world.assert_no_violations();
}

/// Registers and orders while the `Location` and the links of all answers are changed.
fn with_headers(
    seed: u64,
    change: impl Fn(RequestKind, &mut http::HeaderMap) + Clone + 'static,
) -> (World, Sent, Result<(), Error>) {
    let mut world = World::new(Config::default(), seed);
    let sent = Sent::default();
    let keeper = sent.clone();
    world.script = Some(Box::new(move |kind, _, request| {
        keeper.borrow_mut().push((kind, request.clone()));
        let change = change.clone();
        Fate::Changed(Box::new(move |mut response| {
            change(kind, response.headers_mut());
            response
        }))
    }));
    let result = world
        .run(&mut Register::new(Registration::new()))
        .and_then(|_| {
            let mut flow = world.order(&["example.org"]);
            world.run(&mut flow)
        })
        .map(drop);
    (world, sent, result)
}

#[test]
fn a_relative_location_is_resolved_against_the_request() {
    let (world, _, result) = with_headers(6, |_, headers| {
        if let Some(location) = headers.get("location").cloned() {
            let path = location.to_str().unwrap().strip_prefix("https://ca.test").unwrap();
            headers.insert("location", path.parse().unwrap());
        }
    });
    result.unwrap();
    let account = world.session.account().unwrap();
    assert!(account.url.starts_with("https://ca.test/"), "{}", account.url);
    world.assert_no_violations();
}

#[test]
fn an_absolute_location_is_kept_to_the_letter() {
    let odd = "https://ca.test:443/acct/%2f%41/./1/?a=%7e";
    // A dot segment would be removed on the wire; without it everything stays as it is.
    for (location, kept) in [(odd, false), ("https://ca.test:443/acct/%2f%41//1/?a=%7e", true)] {
        let (world, sent, result) = with_headers(7, move |kind, headers| {
            if kind == RequestKind::NewAccount {
                headers.insert("location", location.parse().unwrap());
            }
        });
        assert!(result.is_err(), "the CA knows no such account");
        let account = world.session.account().map(|account| account.url.as_str());
        assert_eq!(account, kept.then_some(location));
        let sent = sent.borrow();
        let order = sent.iter().find(|(kind, _)| *kind == RequestKind::NewOrder);
        assert_eq!(
            order.map(|(_, request)| protected(request)["kid"].clone()),
            account.map(|url| json!(url))
        );
    }
}

#[test]
fn header_names_are_read_in_any_case_and_links_in_one_field_or_many() {
    for fold in [false, true] {
        let mut world = World::registered(Config::default().with_alternate_roots(2), 8);
        world.script = Some(Box::new(move |kind, _, _| {
            Fate::Changed(Box::new(move |mut response| {
                if kind == RequestKind::Certificate && fold {
                    let links: Vec<String> = response
                        .headers()
                        .get_all("link")
                        .iter()
                        .map(|value| value.to_str().unwrap().to_owned())
                        .collect();
                    let one = links.join(" , <https://ca.test/x>;title=\"a, b\";rel=up, ");
                    response.headers_mut().insert("link", one.parse().unwrap());
                }
                // As another HTTP stack would hand the names over.
                let mut rebuilt = Response::builder().status(response.status());
                for (name, value) in response.headers() {
                    let name = name.as_str().to_uppercase();
                    rebuilt = rebuilt.header(name, value);
                }
                rebuilt.body(response.into_body()).unwrap()
            }))
        }));
        assert_eq!(world.issue(&["example.org"]).unwrap().alternates().len(), 2, "folded: {fold}");
        world.assert_no_violations();
    }
}

/// What becomes of an order whose every newOrder is answered like this.
fn refused(response: Response<Vec<u8>>) -> Error {
    let mut world = World::registered(Config::default(), 9);
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder => Fate::Answered(response.clone()),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap_err()
}

fn typed(status: u16, content_type: &str, body: &str) -> Response<Vec<u8>> {
    let builder = Response::builder().status(status).header("content-type", content_type);
    builder.body(body.as_bytes().to_vec()).unwrap()
}

#[test]
fn a_problem_document_is_recognised_under_every_media_type() {
    let body = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": "no"});
    for content_type in [
        "application/problem+json",
        "Application/Problem+JSON; charset=iso-8859-1",
        "application/problem+json;q=\"x,y\"",
        "application/json",
        "text/html",
        "",
    ] {
        let error = refused(typed(403, content_type, &body.to_string()));
        assert_eq!(
            (error.code(), error.step()),
            ("unauthorized", Step::NewOrder),
            "{content_type}"
        );
        assert_eq!(error.problem().unwrap().detail.as_deref(), Some("no"));
    }
}

#[test]
fn an_error_that_is_no_problem_document_yields_status_and_a_bounded_excerpt() {
    let long = format!("<html><h1>502 Bad Gateway</h1>{}", "x".repeat(100_000));
    let error = refused(typed(502, "text/html", &long));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(502));
    assert_eq!((error.code(), error.blame()), ("server-error", Blame::Server));
    assert!(error.message().contains("<h1>502 Bad Gateway</h1>"), "{error}");
    assert!(error.message().len() < 400, "{}", error.message().len());
    assert!(error.problem().is_none());

    let error = refused(typed(500, "application/problem+json", ""));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(500));
    assert!(error.message().contains("500"), "{error}");

    for (content_type, body) in [
        ("application/problem+json", "{\"type\": \"urn:"),
        ("application/problem+json", "[1, 2]"),
        ("image/png", "\u{fffd}PNG\u{0}"),
    ] {
        let error = refused(typed(403, content_type, body));
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "refused"), "{body:?}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
        assert!(!error.to_string().chars().any(char::is_control));
    }
}

#[test]
fn an_answer_that_is_too_long_is_refused_however_well_formed_it_is() {
    for kind in [RequestKind::Directory, RequestKind::NewOrder, RequestKind::Certificate] {
        let mut world = World::registered(Config::default(), 13);
        world.restart();
        world.script = Some(Box::new(move |got, _, _| match got == kind {
            true => Fate::Changed(Box::new(|mut response| {
                response.body_mut().resize(600 * 1024, b' ');
                response
            })),
            false => Fate::Delivered,
        }));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Protocol, "response-too-large"));
        assert_eq!(world.sent(kind), 1, "{kind}: it is not asked for again");
    }
}

#[test]
fn an_unsupported_media_type_is_told_as_such() {
    let error = refused(typed(415, "text/plain", "use application/jose+json"));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(415));
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Problem, &Retry::FixInput));
    assert!(error.message().contains("use application/jose+json"), "{error}");
}

#[test]
fn text_of_the_server_is_utf8_whatever_charset_it_claims() {
    let detail = "アカウントが見つかりません – Ä";
    let body = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": detail});
    for charset in ["", "; charset=utf-8", "; charset=iso-8859-1", "; charset=shift_jis"] {
        let content_type = format!("application/problem+json{charset}");
        let error = refused(typed(403, &content_type, &body.to_string()));
        assert_eq!(error.problem().unwrap().detail.as_deref(), Some(detail), "{charset}");
        assert!(error.to_string().contains(detail), "{error}");
    }
}

#[test]
fn text_that_is_sent_is_utf8() {
    let mut world = World::new(Config::default(), 10);
    let sent = record(&mut world);
    let contact = "mailto:用户@example.org";
    // The CA may refuse the address; it is the request that counts.
    let _ = world.run(&mut Register::new(Registration::new().contact(contact)));
    let sent = sent.borrow();
    let (_, request) = sent.iter().find(|(kind, _)| *kind == RequestKind::NewAccount).unwrap();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let payload = encoding::decode(body["payload"].as_str().unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(payload["contact"], json!([contact]));
}

#[test]
fn a_plain_http_directory_is_refused_before_anything_is_sent() {
    let world = World::new(Config::default(), 11);
    let key = world.session.account_key().clone();
    for url in ["http://ca.test/directory", "HTTP://ca.test/", "http://127.0.0.1:1/"] {
        let error = Session::new(url, key.clone(), Policy::default()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "plain-http"), "{url}");
        assert_eq!(error.step(), Step::Preparation);
    }
    let mut policy = Policy::default();
    policy.allow_loopback_http = true;
    assert!(Session::new("http://127.0.0.1:1/", key.clone(), policy.clone()).is_ok());
    assert_eq!(Session::new("http://ca.test/", key, policy).unwrap_err().code(), "plain-http");
}

#[test]
fn which_other_hosts_the_server_may_name_is_the_policys_choice() {
    let listed = || ForeignHosts::Listed(vec!["API.ca-cdn.example".to_owned()]);
    for (hosts, url, code) in [
        (ForeignHosts::SameSite, "https://api.ca-cdn.example/o", "foreign-host"),
        (listed(), "https://api.ca-cdn.example/o", "refused"),
        (listed(), "https://other.ca-cdn.example/o", "foreign-host"),
        (ForeignHosts::Any, "https://anywhere.example/o", "refused"),
        // No choice of hosts takes https or the bar on private addresses away.
        (ForeignHosts::Any, "http://anywhere.example/o", "plain-http"),
        (ForeignHosts::Any, "https://10.0.0.1/o", "private-address"),
        (ForeignHosts::Any, "https://[fd00::1]/o", "private-address"),
        (ForeignHosts::Any, "https://169.254.169.254/o", "private-address"),
        (ForeignHosts::Any, "https://localhost/o", "private-address"),
    ] {
        let mut policy = Policy::default();
        policy.foreign_hosts = hosts.clone();
        let mut world = World::with_policy(Config::default(), 12, policy);
        world.run(&mut Register::new(Registration::new())).unwrap();
        world.restart();
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Directory => Fate::Changed(Box::new(move |mut response| {
                let mut value: Value = serde_json::from_slice(response.body()).unwrap();
                value["newOrder"] = json!(url);
                *response.body_mut() = value.to_string().into_bytes();
                response
            })),
            RequestKind::NewOrder => {
                Fate::Answered(Response::builder().status(403).body(Vec::new()).unwrap())
            }
            _ => Fate::Delivered,
        }));
        world.forget_traffic();
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!(error.code(), code, "{hosts:?} {url}");
        let asked = world.sent(RequestKind::NewOrder);
        assert_eq!(asked, usize::from(code == "refused"), "{hosts:?} {url}");
    }
}
