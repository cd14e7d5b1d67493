//! Directories that lack or misname things, and URLs in odd forms (cases 1–13).

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::CertificateChain;
use acmekit_core::error::{Blame, ErrorKind, Step};
use acmekit_core::flow::account::{ChangeKey, FindAccount, Register, Registration};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::issue::ChainPreference;
use acmekit_core::flow::preauthorize::Preauthorize;
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use serde_json::{Value, json};

use crate::world::{Fate, World};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, codes, edit_all, edited,
    part, problem, remove, signed, with_header,
};

#[test]
fn quirk_1_a_binding_that_the_directory_does_not_ask_for_is_sent_and_a_missing_one_explained() {
    let config = || {
        Config::default()
            .with_external_account_policy(ExternalAccountPolicy::Required)
            .with_external_account(ExternalAccount::new("kid-1", [7; 32]))
    };
    let undeclared = |value: &mut Value| value["meta"]["externalAccountRequired"] = json!(false);
    let mut world = World::new(config(), 1);
    edit_all(&mut world, RequestKind::Directory, undeclared);
    let key = MacKey::from_bytes(&[7; 32]).unwrap();
    let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
    let registration = Registration::new().external_account(binding);
    world.run(&mut Register::new(registration)).unwrap();
    assert_nothing_noted(&world);

    let mut world = World::new(config(), 1);
    edit_all(&mut world, RequestKind::Directory, undeclared);
    let error = world.run(&mut Register::new(Registration::new())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "externalAccountRequired"));
    assert!(error.advice().contains("external account binding"), "{}", error.advice());
    assert_eq!(world.sent(RequestKind::NewAccount), 1);
    assert_noted(&world, "external-account-undeclared", "demands an external account binding");
}

#[test]
fn quirk_2_a_directory_without_meta_is_taken() {
    for missing in [json!(null), json!({})] {
        let mut world = World::registered(Config::default(), 2);
        world.restart();
        edit_all(&mut world, RequestKind::Directory, move |value| match &missing {
            Value::Null => remove(value, &["meta"]),
            empty => value["meta"] = empty.clone(),
        });
        world.issue(&["example.org"]).unwrap();
        assert_nothing_noted(&world);
    }
}

#[test]
fn quirk_3_home_is_read_as_the_web_site() {
    let mut world = World::new(Config::default(), 3);
    edit_all(&mut world, RequestKind::Directory, |value| {
        value["meta"] = json!({"home": "https://ca.test/home"});
    });
    let directory = world.run(&mut FetchDirectory::new()).unwrap();
    assert_eq!(directory.website.as_deref(), Some("https://ca.test/home"));
    assert_noted(&world, "odd-member", "home");
}

#[test]
fn quirk_4_an_error_with_status_200_is_no_directory_and_is_shown() {
    let mut world = World::new(Config::default(), 4);
    let body = json!({"type": "urn:ietf:params:acme:error:serverInternal", "detail": "be back"});
    answer_first(&mut world, RequestKind::Directory, vec![answer(200, body.to_string())]);
    let error = world.run(&mut FetchDirectory::new()).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Protocol, Step::Directory));
    assert_eq!((error.code(), error.blame()), ("directory-invalid", Blame::Server));
    assert!(error.message().contains("be back"), "{error}");
    assert_eq!(world.log, ["directory"], "nothing follows");
}

#[test]
fn quirk_5_resources_that_the_directory_lacks_are_missed_only_when_they_are_needed() {
    let mut world = World::registered(Config::default(), 5);
    world.restart();
    edit_all(&mut world, RequestKind::Directory, |value| {
        remove(value, &["newAuthz", "keyChange", "revokeCert"]);
    });
    let leaf = world.issue(&["example.org"]).unwrap().chain().leaf().clone();
    assert_noted(&world, "odd-member", "keyChange of the directory is missing");
    assert_noted(&world, "odd-member", "revokeCert of the directory is missing");
    world.forget_traffic();
    let key = acmekit_core::crypto::PrivateKey::generate(
        acmekit_core::crypto::KeyType::P256,
        &mut world.entropy,
    );
    let error = world.run(&mut ChangeKey::new(key.unwrap().into())).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "key-change-unsupported"));
    let error = world.run(&mut Revoke::new(leaf)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, "revocation-unsupported"));
    let mut ahead = Preauthorize::new("example.org".parse().unwrap());
    assert_eq!(world.run(&mut ahead).unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(world.sent_in_all(), 0, "what is not offered is not asked for");
}

#[test]
fn quirk_6_any_path_is_a_directory_and_a_wrong_one_is_refused_at_the_directory() {
    for path in ["/v2/DV90", "/v2/OV", "/sslcom-dv-ecc", "/"] {
        let mut world = World::registered(Config::default().with_directory_path(path), 6);
        world.issue(&["example.org"]).unwrap();
        world.assert_no_violations();
    }
    let mut world = World::new(Config::default(), 6);
    answer_first(&mut world, RequestKind::Directory, vec![answer(403, "<h1>Forbidden</h1>")]);
    let error = world.run(&mut FetchDirectory::new()).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Directory));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(403));
    assert_eq!(error.url(), Some(world.session.directory_url()));
    assert_eq!(world.sent_in_all(), 1, "a refusal is not repeated");
}

#[test]
fn quirk_7_urls_with_the_host_behind_a_proxy_are_not_followed_but_another_port_is() {
    for (url, code) in [
        ("http://ca.test/order", "plain-http"),
        ("https://step-ca.internal:9000/order", "foreign-host"),
        ("https://10.0.0.7/order", "private-address"),
    ] {
        let mut world = World::registered(Config::default(), 7);
        world.restart();
        edit_all(&mut world, RequestKind::Directory, move |value| value["newOrder"] = json!(url));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.code(), error.blame()), (code, Blame::Server));
        assert_eq!(world.sent(RequestKind::NewOrder), 0);
    }
    let mut world = World::registered(Config::default(), 7);
    world.restart();
    let order = "https://ca.test:8443/order";
    edit_all(&mut world, RequestKind::Directory, move |value| value["newOrder"] = json!(order));
    world.issue(&["example.org"]).unwrap_err();
    assert_eq!(world.sent(RequestKind::NewOrder), 1);
    let body = signed(&world).next().unwrap();
    assert_eq!(part(body, "protected")["url"], order, "the JWS names what was asked");
}

#[test]
fn quirk_7_an_issuer_link_with_a_doubled_path_does_not_undo_the_issue() {
    let mut world = World::registered(Config::default(), 8);
    change_all(&mut world, RequestKind::Certificate, |response| {
        let Ok(chain) = CertificateChain::from_pem(response.body()) else { return response };
        let alone = CertificateChain::from_certificates(vec![chain.leaf().clone()]).unwrap();
        let response = with_header(response, "link", "</acme/acme/issuer>;rel=\"up\"");
        response.map(|_| alone.to_pem().into_bytes())
    });
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().certificates().len(), 1);
    assert_eq!(world.sent(RequestKind::Certificate), 2);
    assert_noted(&world, "chain-incomplete", "");
    // Where the whole chain is in the body, the link is not needed and not followed.
    let mut world = World::registered(Config::default(), 8);
    change_all(&mut world, RequestKind::Certificate, |response| {
        with_header(response, "link", "</acme/acme/issuer>;rel=\"up\"")
    });
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().certificates().len(), 2);
    assert_eq!(world.sent(RequestKind::Certificate), 1);
}

/// The path of an absolute URL.
fn path_of(url: &str) -> String {
    url.strip_prefix("https://ca.test").unwrap_or(url).to_owned()
}

fn with_relative_headers(mut response: http::Response<Vec<u8>>) -> http::Response<Vec<u8>> {
    for name in ["location", "link"] {
        let values: Vec<_> = response.headers().get_all(name).iter().cloned().collect();
        response.headers_mut().remove(name);
        for value in values {
            let relative = value.to_str().unwrap().replace("https://ca.test", "");
            response.headers_mut().append(name, relative.parse().unwrap());
        }
    }
    response
}

#[test]
fn quirk_8_relative_locations_and_links_are_resolved_against_the_request() {
    let mut world = World::new(Config::default().with_alternate_roots(2), 9);
    world.script = Some(Box::new(|_, _, _| Fate::Changed(Box::new(with_relative_headers))));
    let account = world.run(&mut Register::new(Registration::new())).unwrap();
    assert!(account.url.starts_with("https://ca.test/"), "{}", account.url);
    let found = world.run(&mut FindAccount::new()).unwrap();
    assert_eq!(found.url, account.url);
    let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::Shortest);
    let issued = world.run(&mut flow).unwrap();
    assert_eq!(issued.chain_choice().considered.len(), 3);
    assert!(issued.order_url().starts_with("https://ca.test/"));
    // RFC 9110 §10.2.2 and RFC 8288 §3.1 allow both, so nobody is blamed.
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn quirk_8_relative_urls_in_an_order_are_resolved_too() {
    let mut world = World::registered(Config::default(), 10);
    let relative = |value: &mut Value| {
        for name in ["finalize", "certificate"] {
            if let Some(url) = value[name].as_str().map(path_of) {
                value[name] = json!(url);
            }
        }
        let urls: Vec<_> = value["authorizations"].as_array().cloned().unwrap_or_default();
        value["authorizations"] = urls.iter().map(|u| path_of(u.as_str().unwrap())).collect();
    };
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder | RequestKind::Order | RequestKind::Finalize => {
            Fate::Changed(Box::new(move |response| edited(response, relative)))
        }
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "odd-member", "finalize of the order is no absolute URL");
    assert_noted(&world, "odd-member", "authorizations of the order is no absolute URL");
    world.assert_no_violations();
}

#[test]
fn quirk_9_a_location_with_a_query_string_is_used_to_the_letter() {
    let url = "https://ca.test/acme/order?id=7&token=%2Fa";
    let mut world = World::registered(Config::default(), 11);
    world.script = Some(Box::new(move |kind, _, _| match kind {
        RequestKind::NewOrder => {
            Fate::Changed(Box::new(move |response| with_header(response, "location", url)))
        }
        RequestKind::Order => Fate::Answered(problem(403, "unauthorized", "seen")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.url(), Some(url));
    let asked = signed(&world).filter(|body| part(body, "protected")["url"] == url).count();
    assert_eq!(asked, 1);
}

#[test]
fn quirk_10_what_another_replica_does_not_know_yet_is_asked_for_again() {
    for kind in [RequestKind::Authorization, RequestKind::Order] {
        let mut world = World::registered(Config::default(), 12);
        let missing = || problem(404, "malformed", "no such resource");
        answer_first(&mut world, kind, vec![missing(), missing()]);
        world.issue(&["example.org"]).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_noted(&world, "resource-late", &kind.to_string());
        assert!(world.sent(kind) <= 4, "{kind}");
        world.assert_no_violations();
    }
}

#[test]
fn quirk_10_a_resource_that_never_appears_ends_the_order_after_a_few_pauses() {
    let mut world = World::registered(Config::default(), 13);
    let start = world.now;
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order => Fate::Answered(problem(404, "malformed", "no such order")),
        _ => Fate::Delivered,
    }));
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(world.sent(RequestKind::Order), 5);
    assert!(world.now.saturating_since(start).as_secs() >= 2, "each pause is longer");
    assert!(world.published.is_empty());
}

#[test]
fn quirk_10_a_nonce_that_another_replica_gave_is_exchanged_for_its_own() {
    let mut world = World::registered(Config::default().with_bad_nonce_percent(30), 14);
    world.issue(&["example.org"]).unwrap();
    assert!(world.sent_in_all() > 8, "some were refused");
    world.assert_no_violations();
}

#[test]
fn quirk_11_every_request_has_a_user_agent_and_the_caller_can_name_the_program() {
    for (product, passes) in [(None, false), (Some("trusted-client/3"), true)] {
        let mut world = World::registered(Config::default(), 15);
        world.restart();
        if let Some(product) = product {
            world.session.set_user_agent(product);
        }
        world.script = Some(Box::new(|kind, _, request| {
            let agent = request.headers()["user-agent"].to_str().unwrap();
            assert!(agent.contains("acmekit-core/"), "{kind}: {agent}");
            if agent.starts_with("trusted-client/") {
                Fate::Delivered
            } else {
                Fate::Answered(answer(403, "<h1>Your client is blocked</h1>"))
            }
        }));
        match world.issue(&["example.org"]) {
            Ok(_) => assert!(passes),
            Err(error) => {
                assert!(!passes);
                assert!(error.message().contains("Your client is blocked"), "{error}");
                assert_eq!(world.sent_in_all(), 1);
            }
        }
    }
}

#[test]
fn quirk_12_escaped_slashes_in_json_are_slashes() {
    let mut world = World::registered(Config::default(), 16);
    world.restart();
    world.script = Some(Box::new(|_, _, _| {
        Fate::Changed(Box::new(|response| {
            response.map(|body| match serde_json::from_slice::<Value>(&body) {
                Ok(_) => String::from_utf8(body).unwrap().replace('/', "\\/").into_bytes(),
                Err(_) => body,
            })
        }))
    }));
    world.issue(&["example.org"]).unwrap();
    assert_nothing_noted(&world);
    world.assert_no_violations();
}

#[test]
fn the_ordinary_case_is_noted_as_nothing() {
    let mut world = World::registered(Config::default(), 17);
    world.restart();
    world.issue(&["example.org", "www.example.org"]).unwrap();
    assert_eq!(codes(&world), Vec::<&str>::new());
}
