//! Accounts with an external account binding, RFC 8555 §7.3.4.

use acmekit::{ErrorKind, KeyType, MacAlgorithm, RequestKind};

use super::expected::NO_BINDINGS;
use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::{KEY_ID, MAC_KEY, binding_with, new_key, registration};

/// A key that belongs to no account.
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

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
            let account = client.register(registration().external_account(binding)).await?;
            assert_eq!(account.external_account_key_id.as_deref(), Some(KEY_ID));
            Ok(Outcome::WORKS)
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
    refusals(&mut site).await;
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
    let wrong = [
        ("wrong MAC key: refused", KEY_ID, OTHER_KEY),
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
