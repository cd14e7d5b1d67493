//! No secret shows in what a program prints, logs or keeps: account and certificate keys, MAC keys,
//! key authorizations.

mod world;

use acmekit_core::action::{Action, Input};
use acmekit_core::crypto::{KeyType, PrivateKey};
use acmekit_core::flow::account::{ChangeKey, Register, Registration};
use acmekit_core::flow::{Context, Flow};
use acmekit_core::jose::{
    AccountKey, ExternalAccountBinding, LocalSigner, MacAlgorithm, MacKey, encoding,
};
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use world::World;

const MAC: [u8; 32] = *b"canary-canary-canary-canary-mac!";

/// The forms a secret could show in.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![encoding::encode(secret), hex.clone(), hex.to_uppercase()];
    forms.push(format!("{secret:?}").trim_matches(['[', ']']).to_owned());
    forms.extend(String::from_utf8(secret.to_vec()));
    forms
}

fn assert_silent(secrets: &[Vec<u8>], what: &str, shown: &str) {
    for secret in secrets {
        for form in forms(secret) {
            // A part of a secret is a secret, too.
            let part = form.get(..form.len().min(24)).unwrap_or(&form);
            assert!(!shown.contains(part), "{what} shows a secret: {shown}");
        }
    }
}

/// The private scalar of a P-256 key: the 32 octets after the version of the inner structure.
fn scalar(key: &PrivateKey) -> Vec<u8> {
    let der = key.to_pkcs8_der().unwrap();
    let at = der.windows(5).position(|w| w == [0x02, 0x01, 0x01, 0x04, 0x20]).unwrap();
    der[at + 5..at + 37].to_vec()
}

#[test]
fn keys_and_what_holds_them_show_nothing() {
    let mut world = World::new(Config::default(), 1);
    let key = PrivateKey::generate(KeyType::P256, &mut world.entropy).unwrap();
    let secrets = [scalar(&key), scalar(world.account_key.as_ref().unwrap()), MAC.to_vec()];
    let mac_key = MacKey::from_bytes(&MAC).unwrap();
    let binding =
        ExternalAccountBinding::new("kid-1", mac_key.clone(), MacAlgorithm::Hs256).unwrap();
    let registration = Registration::new().external_account(binding.clone());
    for (what, shown) in [
        ("PrivateKey", format!("{key:?}")),
        ("LocalSigner", format!("{:?}", LocalSigner::new(key.clone()))),
        ("AccountKey", format!("{:?}", AccountKey::from(key.clone()))),
        ("MacKey", format!("{mac_key:?}")),
        ("ExternalAccountBinding", format!("{binding:?} {:?}", binding.warnings())),
        ("Registration", format!("{registration:?}")),
        ("Session", format!("{:?}", world.session)),
        ("Register", serde_json::to_string(&Register::new(registration).checkpoint()).unwrap()),
        ("ChangeKey", serde_json::to_string(&ChangeKey::new(key.into()).checkpoint()).unwrap()),
    ] {
        assert_silent(&secrets, what, &shown);
    }
}

#[test]
fn a_refused_binding_leaves_nothing_in_the_error() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [1; 32]));
    let mut world = World::new(config, 2);
    let mac_key = MacKey::from_bytes(&MAC).unwrap();
    let binding = ExternalAccountBinding::new("kid-1", mac_key, MacAlgorithm::Hs256).unwrap();
    let mut flow = Register::new(Registration::new().external_account(binding));
    let error = world.run(&mut flow).unwrap_err();
    let secrets = [MAC.to_vec(), scalar(world.account_key.as_ref().unwrap())];
    let shown = format!("{error} {error:?} {} {:?}", error.advice(), error.evidence());
    assert_silent(&secrets, "Error", &shown);
    let saved = serde_json::to_string(&flow.checkpoint()).unwrap();
    assert_silent(&secrets, "Checkpoint", &saved);
}

#[test]
fn actions_inputs_and_checkpoints_of_an_order_show_no_proof() {
    let mut world = World::registered(Config::default(), 3);
    let mut flow = world.order(&["example.org"]);
    let mut proofs = Vec::new();
    let account_key = scalar(world.account_key.as_ref().unwrap());
    for _ in 0..6 {
        let action = {
            let cx = &mut Context {
                session: &mut world.session,
                now: world.now,
                entropy: &mut world.entropy,
            };
            flow.poll(cx).unwrap()
        };
        if let Action::Present(offers) = &action {
            proofs.extend(offers.iter().map(|o| o.http01_body().as_bytes().to_vec()));
        }
        let saved = serde_json::to_string(&flow.checkpoint()).unwrap();
        // The token alone is public; the key authorization is what must not show.
        for proof in &proofs {
            let proof = String::from_utf8(proof.clone()).unwrap();
            assert!(!saved.contains(&proof) && !format!("{action:?}").contains(&proof));
        }
        assert_silent(std::slice::from_ref(&account_key), "an action", &format!("{action:?}"));
        match action {
            Action::Send(outgoing) => {
                let response = world.ca.handle(world.now, outgoing.request);
                let input = Input::Response { id: outgoing.id, response };
                world.hand(&mut flow, input);
            }
            Action::Present(offers) => {
                let ids = offers.into_iter().take(1).map(|offer| offer.id).collect();
                world.hand(&mut flow, Input::Published(ids));
            }
            _ => break,
        }
    }
    assert!(!proofs.is_empty());
}
