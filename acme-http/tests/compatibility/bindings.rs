//! Accounts with an external account binding, RFC 8555 §7.3.4.

use acmekit::{ErrorKind, KeyType, MacAlgorithm, RequestKind};

use super::expected::NO_BINDINGS;
use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::{MAC_KEY, binding_with, new_key, registration};

/// A key that belongs to no account.
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Beside what works at step-ca.
const KEYS_PUT_IN: &str =
    "with keys that the test puts into its database; the open version has no command for it";

pub(crate) async fn all(kind: Kind) {
    let Some(mut site) = Site::start(kind, Setup::Bound).await else {
        return;
    };
    let algorithms = [
        ("bind with HS256", MacAlgorithm::Hs256),
        ("bind with HS384", MacAlgorithm::Hs384),
        ("bind with HS512", MacAlgorithm::Hs512),
    ];
    for (flow, algorithm) in algorithms {
        site.run(flow, async |site| {
            let client = site.client(&new_key(KeyType::P256));
            if !client.directory().await?.external_account_required {
                return Ok(not_asked_for());
            }
            let binding = site.server.binding(algorithm);
            let key_id = binding.key_id().to_owned();
            let account = client.register(registration().external_account(binding)).await?;
            assert_eq!(account.external_account_key_id, Some(key_id));
            Ok(Outcome::Works(match site.server.kind {
                Kind::StepCa => KEYS_PUT_IN.to_owned(),
                _ => String::new(),
            }))
        })
        .await;
    }
    site.run("find the bound account without the binding", async |site| {
        let key = new_key(KeyType::P256);
        let client = site.client(&key);
        if !client.directory().await?.external_account_required {
            return Ok(not_asked_for());
        }
        let binding = site.server.binding(MacAlgorithm::Hs256);
        let account = client.register(registration().external_account(binding)).await?;
        assert_eq!(site.client(&key).find_account().await?.url, account.url);
        Ok(Outcome::WORKS)
    })
    .await;
    a_second_time(&mut site).await;
    refusals(&mut site).await;
}

/// A credential may be good for one account or for many; both are right.
async fn a_second_time(site: &mut Site) {
    site.run("the same binding for a second account", async |site| {
        let client = site.client(&new_key(KeyType::P256));
        if !client.directory().await?.external_account_required {
            return Ok(not_asked_for());
        }
        let binding = site.server.binding(MacAlgorithm::Hs256);
        let account = client.register(registration().external_account(binding.clone())).await?;
        let second = site.client(&new_key(KeyType::P256));
        match second.register(registration().external_account(binding)).await {
            Ok(other) => {
                assert_ne!(other.url, account.url);
                Ok(Outcome::Works("good for many accounts".to_owned()))
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Problem, "{error}");
                assert!(second.account().is_none());
                Ok(Outcome::Works(format!("good for one account, then `{}`", error.code())))
            }
        }
    })
    .await;
}

async fn refusals(site: &mut Site) {
    site.run("no binding: refused before it is sent", async |site| {
        let client = site.client(&new_key(KeyType::P256));
        if !client.directory().await?.external_account_required {
            return Ok(not_asked_for());
        }
        let error = client.register(registration()).await.unwrap_err();
        let found = (error.kind(), error.code());
        assert_eq!(found, (ErrorKind::Input, "external-account-required"), "{error}");
        assert_eq!(client.request_counts().of(RequestKind::NewAccount), 0);
        Ok(Outcome::WORKS)
    })
    .await;
    let id = site.server.key_id();
    let wrong = [
        ("wrong MAC key: refused", id.as_str(), OTHER_KEY),
        ("unknown key id: refused", "kid-2", MAC_KEY),
    ];
    for (flow, id, mac_key) in wrong {
        site.run(flow, async |site| {
            let key = new_key(KeyType::P256);
            let client = site.client(&key);
            if !client.directory().await?.external_account_required {
                return Ok(not_asked_for());
            }
            let binding = binding_with(id, mac_key, MacAlgorithm::Hs256);
            let refused = client.register(registration().external_account(binding)).await;
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Problem, "{error}");
            let said = format!("{error} {error:?} {}", error.advice());
            assert!(!said.contains(mac_key), "the key is in the error");
            assert!(client.account().is_none());
            let found = site.client(&key).find_account().await.unwrap_err();
            assert_eq!(found.kind(), ErrorKind::NoAccount, "{found}");
            Ok(Outcome::Works(format!("`{}`", error.code())))
        })
        .await;
    }
}

fn not_asked_for() -> Outcome {
    Outcome::NotOffered(NO_BINDINGS.to_owned())
}
