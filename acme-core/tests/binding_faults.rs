//! What is wrong with an external account binding: missing, refused, already used and expired are
//! told apart as far as the server tells them apart.

mod world;

use std::time::Duration;

use acmekit_core::action::RequestKind;
use acmekit_core::advice::{Language, advice_for_code};
use acmekit_core::ca::CaProfile;
use acmekit_core::error::{BindingFault, Error};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_core::session::Session;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use http::Response;
use serde_json::json;
use world::{Fate, World};

fn registration(key_id: &str, secret: [u8; 32]) -> Registration {
    let key = MacKey::from_bytes(&secret).unwrap();
    let binding = ExternalAccountBinding::new(key_id, key, MacAlgorithm::Hs256).unwrap();
    Registration::new().external_account(binding)
}

fn ca() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [7; 32]).single_use())
        .with_external_account_lifetime(Duration::from_secs(3600))
}

/// A client with another key at the same CA.
fn start_over(world: &mut World) {
    let key = acmekit_core::crypto::PrivateKey::generate(Default::default(), &mut world.entropy);
    let policy = world.session.policy().clone();
    world.session = Session::new(world.ca.directory_url(), key.unwrap().into(), policy).unwrap();
}

/// What a registration is told when newAccount is refused like this.
fn refused(profile: Option<&str>, status: u16, kind: &str, detail: &str) -> Error {
    let mut world = World::new(Config::default(), 1);
    world.session.set_profile(profile.and_then(CaProfile::named));
    let body = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    world.script = Some(Box::new(move |got, _, _| match got {
        RequestKind::NewAccount => {
            let body = body.to_string().into_bytes();
            Fate::Answered(Response::builder().status(status).body(body).unwrap())
        }
        _ => Fate::Delivered,
    }));
    let registration = registration("kid-1", [7; 32]).agree_to_terms(true);
    world.run(&mut Register::new(registration.contact("mailto:a@example.org"))).unwrap_err()
}

#[test]
fn the_testing_ca_has_a_case_of_each() {
    let mut world = World::new(ca(), 2);
    let fault = |world: &mut World, registration| {
        start_over(world);
        world.run(&mut Register::new(registration)).map_err(|error| error.binding_fault())
    };
    assert_eq!(fault(&mut world, Registration::new()), Err(Some(BindingFault::Missing)));
    let wrong = registration("kid-1", [8; 32]);
    assert_eq!(fault(&mut world, wrong), Err(Some(BindingFault::Refused)));
    let unknown = registration("kid-9", [7; 32]);
    assert_eq!(fault(&mut world, unknown), Err(Some(BindingFault::Refused)));
    fault(&mut world, registration("kid-1", [7; 32])).unwrap();
    let used = registration("kid-1", [7; 32]);
    assert_eq!(fault(&mut world, used), Err(Some(BindingFault::AlreadyUsed)));

    world.ca.add_external_account(ExternalAccount::new("kid-2", [7; 32]));
    world.now = world.now.saturating_add(Duration::from_secs(3601));
    let late = registration("kid-2", [7; 32]);
    assert_eq!(fault(&mut world, late), Err(Some(BindingFault::Expired)));
}

#[test]
fn the_words_of_real_servers_are_understood() {
    use BindingFault::{AlreadyUsed, Expired, Missing, Refused};
    for (profile, status, kind, detail, fault) in [
        (None, 400, "externalAccountRequired", "x", Some(Missing)),
        (
            None,
            401,
            "unauthorized",
            "external account binding key with id 'kid-1' was already bound to account 'a'",
            Some(AlreadyUsed),
        ),
        (None, 400, "malformed", "The EAB credential has expired", Some(Expired)),
        (None, 403, "unauthorized", "Unknown external account binding key.", Some(Refused)),
        (None, 400, "malformed", "External Account Binding JWS verification failed", Some(Refused)),
        (None, 400, "malformed", "HMAC does not match", Some(Refused)),
        (
            None,
            400,
            "malformed",
            "The account is not awaiting external account binding",
            Some(AlreadyUsed),
        ),
        (Some("jprs"), 400, "malformed", "Unable to create account", Some(Refused)),
        // Something else is wrong.
        (None, 400, "malformed", "Unable to create account", None),
        (None, 400, "malformed", "the eabolition of contacts", None),
        (None, 400, "invalidContact", "EAB", None),
        (None, 429, "rateLimited", "too many external account bindings", None),
    ] {
        let error = refused(profile, status, kind, detail);
        assert_eq!(error.binding_fault(), fault, "{kind}: {detail}: {error:?}");
    }
}

#[test]
fn each_fault_has_its_advice_unless_the_ca_is_known_better() {
    let error = refused(None, 400, "malformed", "The EAB credential has expired");
    for language in Language::ALL {
        let advice = advice_for_code("eab-expired", language).unwrap();
        assert_eq!(error.advice_in(language), advice);
    }
    let error = refused(Some("jprs"), 400, "malformed", "Unable to create account");
    assert!(error.advice().contains("JPRS"), "{}", error.advice());
}

#[test]
fn no_error_about_a_binding_has_the_secret_in_it() {
    let mut world = World::new(ca(), 3);
    let error = world.run(&mut Register::new(registration("kid-1", [0x5a; 32]))).unwrap_err();
    let shown = format!("{error} {error:?} {}", error.advice());
    for secret in ["WlpaWl", "5a5a5a", "90, 90"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
