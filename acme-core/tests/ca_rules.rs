//! A session that knows its CA: rules are checked before anything is sent, refusals are explained.

mod world;

use acmekit_core::advice::Language;
use acmekit_core::ca::CaProfile;
use acmekit_core::certificate::{CertificateRequest, CertificateRequestParameters};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::error::{ErrorKind, Retry};
use acmekit_core::flow::account::{AccountChange, Register, Registration, UpdateAccount};
use acmekit_core::flow::issue::{Issue, NewOrder};
use acmekit_core::jose::{AccountKey, ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_core::policy::Policy;
use acmekit_core::session::Session;
use acmekit_testing::Config;
use world::{Fate, World, identifiers};

fn going_by(profile: &str, seed: u64) -> World {
    let mut world = World::registered(Config::default(), seed);
    world.session.set_profile(CaProfile::named(profile));
    assert!(world.session.profile().is_some());
    world
}

#[test]
fn a_session_knows_the_ca_by_its_directory() {
    let key = |seed| {
        let mut entropy = acmekit_testing::SeededEntropy::new(seed);
        AccountKey::from(PrivateKey::generate(KeyType::P256, &mut entropy).unwrap())
    };
    let url = "https://acme.amecert.jprs.jp/DV/getDirectory";
    let session = Session::new(url, key(1), Policy::default()).unwrap();
    assert_eq!(session.profile().map(|profile| profile.id.as_str()), Some("jprs"));
    let session = Session::new("https://ca.test/dir", key(1), Policy::default()).unwrap();
    assert!(session.profile().is_none());
}

#[test]
fn contacts_that_jprs_would_refuse_are_not_sent() {
    let binding = || {
        let key = MacKey::from_bytes(&[7; 32]).unwrap();
        ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap()
    };
    for (contacts, code) in [
        (vec![], "contacts-too-few"),
        (vec!["mailto:a@example.org", "mailto:A@example.org"], "contact-duplicate"),
        (
            vec![
                "mailto:a@x.jp",
                "mailto:b@x.jp",
                "mailto:c@x.jp",
                "mailto:d@x.jp",
                "mailto:e@x.jp",
                "mailto:f@x.jp",
                "mailto:g@x.jp",
            ],
            "contacts-too-many",
        ),
    ] {
        let mut world = going_by("jprs", 1);
        let mut registration = Registration::new().agree_to_terms(true).external_account(binding());
        for contact in &contacts {
            registration = registration.contact(*contact);
        }
        let error = world.run(&mut Register::new(registration)).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Input, code));
        let change = AccountChange::new().contacts(contacts.iter().map(|c| (*c).to_owned()));
        let error = world.run(&mut UpdateAccount::new(change)).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(world.sent_in_all(), 0);
    }
}

#[test]
fn a_missing_binding_is_found_even_where_the_directory_does_not_say_so() {
    let mut world = going_by("sslcom-rsa", 2);
    let registration = Registration::new().contact("mailto:a@example.org");
    let error = world.run(&mut Register::new(registration)).unwrap_err();
    assert_eq!(error.code(), "external-account-required");
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn a_name_outside_the_institution_and_a_wrong_subject_are_not_ordered() {
    let mut world = going_by("upki-saitama", 3);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    for (name, codes) in [
        ("www.example.org", &["name-outside-domain"][..]),
        // An elliptic key without the prescribed subject: either rule may speak first.
        ("www.saitama-u.ac.jp", &["subject-missing", "certificate-key-not-taken"]),
    ] {
        let names = identifiers(&[name]);
        let parameters = CertificateRequestParameters::new(names.clone());
        let request = CertificateRequest::build(&parameters, &key, &mut world.entropy).unwrap();
        let error = world.run(&mut Issue::new(NewOrder::new(names), request)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(codes.contains(&error.code()), "{error}");
    }
    assert_eq!(world.sent_in_all(), 0);
}

#[test]
fn two_malformed_of_jprs_mean_different_things_and_are_explained_in_both_languages() {
    let mut advice = Vec::new();
    for (text, meaning) in [
        ("Unable to create account", "jprs-eab-refused"),
        ("Please agree to the term of service.", ""),
    ] {
        let mut world = World::new(Config::default(), 4);
        world.session.set_profile(CaProfile::named("jprs"));
        let body = serde_json::json!({
            "type": "urn:ietf:params:acme:error:malformed", "detail": text, "status": 400,
        });
        world.script = Some(Box::new(move |kind, _, _| match kind {
            acmekit_core::action::RequestKind::NewAccount => Fate::Answered(
                http::Response::builder().status(400).body(body.to_string().into()).unwrap(),
            ),
            _ => Fate::Delivered,
        }));
        let key = MacKey::from_bytes(&[7; 32]).unwrap();
        let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
        let registration = Registration::new()
            .contact("mailto:a@example.org")
            .agree_to_terms(true)
            .external_account(binding);
        let error = world.run(&mut Register::new(registration)).unwrap_err();
        assert_eq!(error.code(), "malformed");
        assert!(error.meaning().is_some());
        if !meaning.is_empty() {
            assert_eq!(error.meaning(), Some(meaning));
            assert_eq!(error.retry(), &Retry::FixInput);
        }
        advice.push((error.advice_in(Language::English), error.advice_in(Language::Japanese)));
    }
    assert_ne!(advice[0].0, advice[1].0);
    assert!(advice.iter().all(|(_, japanese)| japanese.contains('。')), "{advice:?}");
}

#[test]
fn an_order_is_not_polled_more_often_than_the_ca_wants() {
    let mut profile = CaProfile::default();
    profile.polling.min_gap = Some(std::time::Duration::from_secs(5));
    let delay = std::time::Duration::from_secs(12);
    let mut world = World::registered(Config::default().with_validation_delay(delay), 5);
    world.session.set_profile(Some(profile));
    world.issue(&["example.org"]).unwrap();
    let log = world.ca.log();
    let polls = log.iter().filter(|entry| entry.kind == acmekit_testing::RequestKind::Order);
    let times: Vec<_> = polls.map(|entry| entry.at).collect();
    assert!(times.len() >= 3, "{times:?}");
    let gaps = times.windows(2).map(|pair| pair[1].saturating_since(pair[0]));
    assert!(gaps.clone().all(|gap| gap >= std::time::Duration::from_secs(5)), "{times:?}");
    world.assert_no_violations();
}

#[test]
fn a_host_that_the_profile_lists_may_be_followed() {
    let mut profile = CaProfile::default();
    profile.foreign_hosts = vec!["issuing.example".to_owned()];
    for (profile, code) in [(None, "foreign-host"), (Some(profile), "not-reached")] {
        let mut world = World::registered(Config::default(), 6);
        world.session.set_profile(profile);
        world.script = Some(Box::new(|kind, _, request| match kind {
            _ if request.uri().host() == Some("issuing.example") => Fate::NotSent,
            acmekit_core::action::RequestKind::Finalize => {
                Fate::Changed(Box::new(|mut response| {
                    let text = String::from_utf8(response.body().clone()).unwrap();
                    let moved = text.replace("https://ca.test", "https://issuing.example");
                    *response.body_mut() = moved.into_bytes();
                    response
                }))
            }
            _ => Fate::Delivered,
        }));
        assert_eq!(world.issue(&["example.org"]).unwrap_err().code(), code);
    }
}
