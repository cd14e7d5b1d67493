//! Certificates, links, media types, times, problem documents and revocation (cases 71–84).

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::certificate::{
    CertificateChain, CertificateRequest, CertificateRequestParameters,
};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{ErrorKind, Retry, Step};
use acmekit_core::flow::directory::FetchDirectory;
use acmekit_core::flow::issue::{ChainPreference, Issue, NewOrder};
use acmekit_core::flow::revoke::Revoke;
use acmekit_core::jose::AccountKey;
use acmekit_testing::Config;
use http::Response;
use serde_json::json;

use crate::world::{Fate, World, identifiers};
use crate::{
    answer, answer_first, assert_noted, assert_nothing_noted, change_all, codes, edit_all, edited,
    payloads, problem, remove, with_header,
};

fn with_media_type(mut response: Response<Vec<u8>>, media_type: &str) -> Response<Vec<u8>> {
    response.headers_mut().remove("content-type");
    match media_type {
        "" => response,
        some => with_header(response, "content-type", some),
    }
}

#[test]
fn quirk_71_a_chain_is_recognised_by_its_form_under_any_media_type() {
    let ordinary = "application/pem-certificate-chain; charset=utf-8";
    for media_type in ["", "text/html", "application/pkix-cert", "application/json", ordinary] {
        let mut world = World::registered(Config::default(), 71);
        change_all(&mut world, RequestKind::Certificate, move |response| {
            with_media_type(response, media_type)
        });
        let issued = world.issue(&["example.org"]).unwrap();
        assert_eq!(issued.chain().certificates().len(), 2);
        assert_eq!(world.sent(RequestKind::Certificate), 1);
        if media_type == ordinary {
            assert_nothing_noted(&world);
        } else {
            assert_noted(&world, "media-type", "instead of application/pem-certificate-chain");
        }
    }
}

#[test]
fn quirk_71_json_is_recognised_by_its_form_under_any_media_type() {
    for media_type in ["", "text/plain", "application/jose+json", "APPLICATION/JSON; charset=UTF-8"]
    {
        let mut world = World::registered(Config::default(), 71);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::Certificate => Fate::Delivered,
            _ => Fate::Changed(Box::new(move |response| with_media_type(response, media_type))),
        }));
        world.issue(&["example.org"]).unwrap();
        let is_noted = codes(&world).contains(&"media-type");
        assert_eq!(is_noted, !media_type.starts_with("APPLICATION/JSON"), "{media_type}");
    }
}

#[test]
fn quirk_71_a_problem_document_keeps_its_detail_under_any_media_type() {
    for media_type in ["", "application/json", "text/html"] {
        let mut world = World::registered(Config::default(), 71);
        let refusal = problem(403, "rejectedIdentifier", "we do not serve this domain");
        let refusal = with_media_type(refusal, media_type);
        answer_first(&mut world, RequestKind::NewOrder, vec![refusal]);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!(error.code(), "rejectedIdentifier");
        assert!(error.message().contains("we do not serve this domain"));
        assert_noted(&world, "media-type", "instead of application/problem+json");
    }
}

/// Lays the same chain out otherwise.
type Layout = fn(String) -> String;

#[test]
fn quirk_72_every_layout_of_pem_is_read_and_only_text_between_is_noted() {
    let crlf = |pem: String| pem.replace('\n', "\r\n");
    let blank = |pem: String| pem.replace("-----BEGIN", "\n\n-----BEGIN");
    let bare = |pem: String| pem.trim_end().to_owned();
    let spaced = |pem: String| pem.replace('\n', "  \n");
    let text = |pem: String| pem.replace("-----BEGIN", "subject=CN = x\n-----BEGIN");
    let layouts: [(Layout, bool); 5] =
        [(crlf, false), (blank, false), (bare, false), (spaced, false), (text, true)];
    for (layout, is_noted) in layouts {
        let mut world = World::registered(Config::default(), 72);
        change_all(&mut world, RequestKind::Certificate, move |response| {
            response.map(|body| layout(String::from_utf8(body).unwrap()).into_bytes())
        });
        let issued = world.issue(&["example.org"]).unwrap();
        assert_eq!(issued.chain().certificates().len(), 2);
        assert_eq!(codes(&world).contains(&"chain-note"), is_noted);
        assert_eq!(codes(&world).len(), usize::from(is_noted));
    }
}

#[test]
fn quirk_73_a_certificate_that_comes_alone_is_taken_and_noted() {
    let mut world = World::registered(Config::default(), 73);
    change_all(&mut world, RequestKind::Certificate, |response| {
        let chain = CertificateChain::from_pem(response.body()).unwrap();
        let alone = CertificateChain::from_certificates(vec![chain.leaf().clone()]).unwrap();
        response.map(|_| alone.to_pem().into_bytes())
    });
    let issued = world.issue(&["example.org"]).unwrap();
    assert_eq!(issued.chain().certificates().len(), 1);
    assert_noted(&world, "chain-note", "alone");
    assert_eq!(world.sent(RequestKind::Certificate), 1);
}

fn alternates(response: &Response<Vec<u8>>) -> Vec<String> {
    let links = response.headers().get_all("link").iter().map(|v| v.to_str().unwrap());
    let mut urls: Vec<String> = links
        .filter(|link| link.contains("alternate"))
        .map(|link| link.split(['<', '>']).nth(1).unwrap().to_owned())
        .collect();
    urls.sort();
    urls
}

/// Writes links to these URLs.
type Form = fn(&[String]) -> Vec<String>;

#[test]
fn quirk_74_alternates_are_found_in_every_form_of_link() {
    let forms: [Form; 6] = [
        |urls| urls.iter().map(|url| format!("<{url}>;rel=alternate")).collect(),
        |urls| {
            urls.iter()
                .map(|url| format!("<{url}> ; title=\"a, b; c\" ; rel = \"alternate\""))
                .collect()
        },
        |urls| urls.iter().map(|url| format!("<{url}>; REL=\"Alternate\"")).collect(),
        |urls| urls.iter().map(|url| format!("<{url}>; rel=\"alternate up-to-date\"")).collect(),
        |urls| {
            vec![
                urls.iter()
                    .map(|url| format!("<{url}>;rel=\"alternate\""))
                    .collect::<Vec<_>>()
                    .join(","),
            ]
        },
        |urls| {
            vec![
                urls.iter()
                    .map(|url| format!("<{url}>; rel=alternate"))
                    .collect::<Vec<_>>()
                    .join(" , "),
            ]
        },
    ];
    for (index, form) in forms.into_iter().enumerate() {
        let mut world = World::registered(Config::default().with_alternate_roots(2), 74);
        change_all(&mut world, RequestKind::Certificate, move |mut response| {
            let urls = alternates(&response);
            response.headers_mut().remove("link");
            for link in form(&urls) {
                response.headers_mut().append("link", link.parse().unwrap());
            }
            response
        });
        let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::Shortest);
        let issued = world.run(&mut flow).unwrap();
        assert_eq!(issued.alternates().len(), 2, "form {index}");
        assert_eq!(issued.chain_choice().considered.len(), 3, "form {index}");
        assert_nothing_noted(&world);
    }
    // Without any, the default is what there is.
    let mut world = World::registered(Config::default(), 74);
    change_all(&mut world, RequestKind::Certificate, |mut response| {
        response.headers_mut().remove("link");
        response
    });
    let mut flow = world.order(&["example.org"]).prefer_chain(ChainPreference::Shortest);
    assert_eq!(world.run(&mut flow).unwrap().chain_choice().considered.len(), 1);
}

/// Issues while the first poll of the order is answered `pending` with this Retry-After, and gives
/// how long the client stayed away.
fn stayed_away(retry_after: &'static str) -> (World, Duration) {
    let mut world = World::registered(Config::default(), 75);
    world.script = Some(Box::new(move |kind, ordinal, _| match (kind, ordinal) {
        (RequestKind::Order, 1) => Fate::Changed(Box::new(move |response| {
            let response = edited(response, |order| order["status"] = json!("pending"));
            let response = with_header(response, "date", "Sun, 22 Nov 2026 00:00:00 GMT");
            with_header(response, "retry-after", retry_after)
        })),
        _ => Fate::Delivered,
    }));
    let mut flow = world.order(&["example.org"]);
    let start = world.now;
    let result = world.run(&mut flow);
    let took = world.now.saturating_since(start);
    assert_eq!(result.is_ok(), took < Duration::from_secs(500), "{retry_after}");
    (world, took)
}

#[test]
fn quirk_75_a_retry_after_while_pending_is_kept_in_every_form() {
    for (text, is_noted) in [
        ("3", false),
        ("Sun, 22 Nov 2026 00:00:03 GMT", false),
        ("Sunday, 22-Nov-26 00:00:03 GMT", false),
        ("Sun Nov 22 00:00:03 2026", false),
        ("Sun, 22 Nov 2026 00:00:03 UTC", true),
    ] {
        let (world, took) = stayed_away(text);
        assert!((3000..3500).contains(&took.as_millis()), "{text}: {took:?}");
        assert_eq!(codes(&world).contains(&"retry-after-odd"), is_noted, "{text}");
    }
}

#[test]
fn quirk_75_a_retry_after_that_means_nothing_is_not_waited_for() {
    for (text, is_noted) in [
        ("0", false),
        ("Sat, 21 Nov 2026 00:00:00 GMT", false),
        ("-5", true),
        ("soon", true),
        ("3.5", true),
        ("2026-11-22T00:00:03Z", true),
    ] {
        let (world, took) = stayed_away(text);
        assert!(took < Duration::from_secs(1), "{text}: {took:?}");
        assert_eq!(world.sent(RequestKind::Order), 2, "{text}: no hot loop");
        assert_eq!(codes(&world).contains(&"retry-after-odd"), is_noted, "{text}");
    }
}

#[test]
fn quirk_75_a_retry_after_beyond_the_deadline_ends_there_and_says_when_to_come_back() {
    for text in ["10800", "18446744073709551616", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let (world, took) = stayed_away(text);
        assert!(took <= Duration::from_secs(601), "{text}: {took:?}");
        assert_eq!(world.sent(RequestKind::Order), 1);
        assert!(world.published.is_empty());
    }
    // Hours on a 429 are not waited for at all.
    let mut world = World::registered(Config::default(), 75);
    let start = world.now;
    let limited = with_header(problem(429, "rateLimited", "later"), "retry-after", "10800");
    answer_first(&mut world, RequestKind::NewOrder, vec![limited]);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::RateLimited, "rate-limited"));
    let Retry::At(time) = error.retry() else { panic!("{:?}", error.retry()) };
    assert_eq!(time.saturating_since(start).as_secs(), 10_800);
    assert!(world.now.saturating_since(start) < Duration::from_secs(1));
}

#[test]
fn quirk_76_a_rate_limit_with_status_503_is_a_rate_limit() {
    let limited = || problem(503, "rateLimited", "busy");
    let mut world = World::registered(Config::default(), 76);
    let soon = with_header(limited(), "retry-after", "7");
    answer_first(&mut world, RequestKind::NewOrder, vec![soon]);
    world.issue(&["example.org"]).unwrap();
    assert!(world.log.contains(&"wait 7000 ms: Retry".to_owned()), "{:?}", world.log);
    assert_nothing_noted(&world);

    let mut world = World::registered(Config::default(), 76);
    answer_first(&mut world, RequestKind::NewOrder, vec![limited()]);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.kind(), error.step()), (ErrorKind::RateLimited, Step::NewOrder));
    assert!(matches!(error.retry(), Retry::At(_)));
    assert_eq!(world.sent(RequestKind::NewOrder), 1);
}

#[test]
fn quirk_77_problem_types_in_other_spellings_are_known() {
    for kind in [
        "urn:ietf:params:acme:error:RateLimited",
        "urn:acme:error:rateLimited",
        "URN:IETF:params:acme:error:ratelimited",
    ] {
        let mut world = World::registered(Config::default(), 77);
        let body = json!({"type": kind, "detail": "too many"});
        answer_first(&mut world, RequestKind::NewOrder, vec![answer(403, body.to_string())]);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{kind}");
        assert_noted(&world, "problem-type", "is spelled");
    }
}

#[test]
fn quirk_77_a_problem_without_a_type_and_a_page_are_shown_with_their_status() {
    for body in [json!({"detail": "no luck"}), json!({"type": "about:blank", "title": "no luck"})] {
        let mut world = World::registered(Config::default(), 77);
        answer_first(&mut world, RequestKind::NewOrder, vec![answer(403, body.to_string())]);
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "refused"));
        assert!(error.message().contains("no luck"), "{error}");
        assert_noted(&world, "problem-type", "has no type");
    }
    for (status, sent) in [(405, 1), (502, 4)] {
        let mut world = World::registered(Config::default(), 77);
        let page = move || answer(status, "<html><h1>Not\u{1b}[31m today</h1>");
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewOrder => Fate::Answered(page()),
            _ => Fate::Delivered,
        }));
        let error = world.issue(&["example.org"]).unwrap_err();
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
        assert!(error.message().contains("today</h1>"), "{error}");
        assert!(!error.message().contains('\u{1b}'));
        assert_noted(&world, "problem-missing", &status.to_string());
        assert_eq!(world.sent(RequestKind::NewOrder), sent);
    }
}

#[test]
fn quirk_81_the_url_of_renewal_information_is_kept_to_the_letter() {
    for url in ["https://ca.test/ari/", "https://ca.test/ari"] {
        let mut world = World::new(Config::default(), 81);
        edit_all(&mut world, RequestKind::Directory, move |v| v["renewalInfo"] = json!(url));
        let directory = world.run(&mut FetchDirectory::new()).unwrap();
        assert_eq!(directory.renewal_info.as_deref(), Some(url));
    }
}

#[test]
fn quirk_81_a_certificate_that_was_replaced_already_is_ordered_without_saying_so() {
    let mut world = World::registered(Config::default(), 81);
    let refusal = problem(409, "alreadyReplaced", "replaced by another order");
    answer_first(&mut world, RequestKind::NewOrder, vec![refusal]);
    let error = world.issue(&["example.org"]).unwrap_err();
    assert_eq!((error.code(), error.retry()), ("alreadyReplaced", &Retry::WithoutReplaces));
}

#[test]
fn quirk_82_a_revocation_may_be_answered_with_nothing_and_names_no_reason_zero() {
    for body in ["", "{}", "done"] {
        let mut world = World::registered(Config::default(), 82);
        let leaf = world.issue(&["example.org"]).unwrap().chain().leaf().clone();
        world.forget_traffic();
        change_all(&mut world, RequestKind::RevokeCertificate, move |response| {
            response.map(|_| body.as_bytes().to_vec())
        });
        assert!(!world.run(&mut Revoke::new(leaf)).unwrap().already);
        let payload = &payloads(&world)[0];
        assert_eq!(payload.as_object().unwrap().keys().collect::<Vec<_>>(), ["certificate"]);
        assert_eq!(world.sent_in_all(), 1);
    }
}

#[test]
fn quirk_82_already_revoked_is_done_in_every_status() {
    for status in [400, 403, 409] {
        let mut world = World::registered(Config::default(), 82);
        let leaf = world.issue(&["example.org"]).unwrap().chain().leaf().clone();
        world.forget_traffic();
        let refusal = problem(status, "alreadyRevoked", "it is");
        answer_first(&mut world, RequestKind::RevokeCertificate, vec![refusal]);
        assert!(world.run(&mut Revoke::new(leaf)).unwrap().already, "{status}");
        assert_eq!(world.sent(RequestKind::RevokeCertificate), 1);
    }
}

#[test]
fn quirk_82_a_server_that_takes_no_signature_by_the_certificate_key_says_so() {
    let mut world = World::registered(Config::default(), 82);
    let names = identifiers(&["example.org"]);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let parameters = CertificateRequestParameters::new(names.clone());
    let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
    let issued = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap();
    let leaf = issued.chain().leaf().clone();
    let refusal = problem(403, "unauthorized", "sign with the account key");
    answer_first(&mut world, RequestKind::RevokeCertificate, vec![refusal]);
    let mut by_key = Revoke::new(leaf.clone()).by_certificate_key(AccountKey::from(key));
    let error = world.run(&mut by_key).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Problem, "unauthorized"));
    assert_eq!(world.sent(RequestKind::RevokeCertificate), 1);
    assert!(!world.run(&mut Revoke::new(leaf)).unwrap().already, "the account's key is left");
}

#[test]
fn quirk_84_members_that_a_resource_no_longer_has_do_not_stop_an_order() {
    let mut world = World::registered(Config::default(), 84);
    world.script = Some(Box::new(|kind, _, _| match kind {
        RequestKind::Order | RequestKind::Finalize => Fate::Changed(Box::new(|response| {
            edited(response, |v| remove(v, &["expires", "identifiers", "authorizations"]))
        })),
        _ => Fate::Delivered,
    }));
    world.issue(&["example.org"]).unwrap();
    assert_noted(&world, "order-identifiers", "names no identifiers");
    world.assert_no_violations();
}
