//! External account bindings: how they are written, spent and refused (cases 38–42).

use acmekit_core::action::RequestKind;
use acmekit_core::error::{ErrorKind, Step};
use acmekit_core::flow::account::{Register, Registration};
use acmekit_core::jose::{ExternalAccountBinding, MacAlgorithm, MacKey};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};

use crate::world::{Fate, World};
use crate::{answer, part, problem, signed};

const SECRET: [u8; 48] = [0xfb; 48];

fn ca(secret: impl Into<Vec<u8>>) -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", secret))
}

fn with(key: MacKey) -> Registration {
    let binding = ExternalAccountBinding::new("kid-1", key, MacAlgorithm::Hs256).unwrap();
    Registration::new().external_account(binding)
}

#[test]
fn quirk_38_a_key_in_every_encoding_that_cas_hand_out_binds_the_account() {
    // 0xfb repeated has both of the letters that the alphabets differ in.
    let standard = "+/v7".repeat(16);
    for text in [standard.clone(), standard.replace('+', "-").replace('/', "_")] {
        let mut world = World::new(ca(SECRET), 38);
        let key = MacKey::parse(&text).unwrap();
        world.run(&mut Register::new(with(key))).unwrap();
        world.assert_no_violations();
    }
    for octets in [24, 32, 64, 200] {
        let mut world = World::new(ca(vec![5; octets]), 38);
        let key = MacKey::from_bytes(&vec![5; octets]).unwrap();
        world.run(&mut Register::new(with(key))).unwrap();
        world.assert_no_violations();
    }
}

#[test]
fn quirk_39_the_algorithm_is_the_one_asked_for_however_long_the_key_is() {
    for octets in [16, 32, 48, 64, 128] {
        let mut world = World::new(ca(vec![9; octets]), 39);
        let key = MacKey::from_bytes(&vec![9; octets]).unwrap();
        world.run(&mut Register::new(with(key))).unwrap();
        let body = signed(&world).next().unwrap();
        let inner = part(body, "payload")["externalAccountBinding"].to_string();
        assert_eq!(part(inner.as_bytes(), "protected")["alg"], "HS256");
    }
}

#[test]
fn quirk_40_a_binding_that_was_refused_is_not_sent_again() {
    for refusal in [
        problem(400, "malformed", "the external account key was used already"),
        problem(403, "unauthorized", "the external account key has expired"),
        answer(401, "<html>no"),
    ] {
        let mut world = World::new(ca([7; 32]), 40);
        world.script = Some(Box::new(move |kind, _, _| match kind {
            RequestKind::NewAccount => Fate::Answered(refusal.clone()),
            _ => Fate::Delivered,
        }));
        let key = MacKey::from_bytes(&[7; 32]).unwrap();
        let error = world.run(&mut Register::new(with(key))).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Register));
        assert_eq!(world.sent(RequestKind::NewAccount), 1, "it may be good for another try");
    }
}

#[test]
fn quirk_41_a_wrong_key_is_the_servers_refusal_in_whatever_form_it_comes() {
    for (status, kind) in
        [(400, "malformed"), (401, "unauthorized"), (403, "unauthorized"), (500, "serverInternal")]
    {
        let mut world = World::new(ca([7; 32]), 41);
        world.script = Some(Box::new(move |got, _, request| {
            let is_bound = got == RequestKind::NewAccount
                && part(request.body(), "payload").get("externalAccountBinding").is_some();
            match is_bound {
                true => Fate::Answered(problem(status, kind, "the MAC does not verify")),
                false => Fate::Delivered,
            }
        }));
        let key = MacKey::from_bytes(&[8; 32]).unwrap();
        let error = world.run(&mut Register::new(with(key))).unwrap_err();
        assert_eq!((error.kind(), error.step()), (ErrorKind::Problem, Step::Register));
        assert!(error.message().contains("the MAC does not verify"), "{error}");
        let bound = signed(&world)
            .filter(|body| part(body, "payload").get("externalAccountBinding").is_some())
            .count();
        // After a server error it is sent once more, when the server has said that it made none.
        assert_eq!(bound, if status == 500 { 2 } else { 1 });
    }
}
