//! Accounts without a binding: made, found, changed, given up.

use acmekit::{AccountChange, ChallengeType, ErrorKind, KeyType, Registration};

use super::expected::NOT_LISTED;
use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::{new_key, registration};

pub(crate) async fn all(kind: Kind) {
    let Some(mut site) = Site::start(kind, Setup::Open).await else {
        return;
    };
    registration_and_lookup(&mut site).await;
    keys(&mut site).await;
    changes(&mut site).await;
}

async fn registration_and_lookup(site: &mut Site) {
    site.run("read the directory", async |site| {
        let directory = site.client(&new_key(KeyType::P256)).directory().await?;
        assert!(directory.new_nonce.is_some() && directory.new_account.is_some());
        assert!(directory.new_order.is_some() && directory.revoke_certificate.is_some());
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("register", async |site| {
        let client = site.client(&new_key(KeyType::P256));
        let account = client.register(registration()).await?;
        assert!(account.url.starts_with("https://localhost:"), "{}", account.url);
        assert_eq!(client.account(), Some(account));
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("register again: the account that exists", async |site| {
        let key = new_key(KeyType::P256);
        let first = site.client(&key).register(registration()).await?;
        let second = site.client(&key).register(registration()).await?;
        assert_eq!(second.url, first.url);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("find the account by its key", async |site| {
        let key = new_key(KeyType::P256);
        let registered = site.client(&key).register(registration()).await?;
        let found = site.client(&key).find_account().await?;
        assert_eq!(found.url, registered.url);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("find no account for an unknown key", async |site| {
        let key = new_key(KeyType::P256);
        for _ in 0..2 {
            // The second time shows that asking has made none.
            let error = site.client(&key).find_account().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NoAccount, "{error}");
        }
        Ok(Outcome::WORKS)
    })
    .await;
}

async fn keys(site: &mut Site) {
    let keys = [
        ("account key ES256", KeyType::P256),
        ("account key ES384", KeyType::P384),
        ("account key RS256", KeyType::Rsa2048),
        ("account key EdDSA", KeyType::Ed25519),
    ];
    for (flow, kind) in keys {
        site.run(flow, async |site| {
            let client = site.solving_with(&new_key(kind), &ChallengeType::Http01);
            client.register(registration()).await?;
            site.obtain(&client, &["account-key.example.org"]).await?;
            Ok(Outcome::WORKS)
        })
        .await;
    }
}

async fn changes(site: &mut Site) {
    site.run("change the contacts", async |site| {
        let key = new_key(KeyType::P256);
        let client = site.client(&key);
        client.register(registration()).await?;
        let contacts = ["mailto:new@example.org", "mailto:other@example.org"];
        let change = AccountChange::new().contacts(contacts.map(str::to_owned));
        client.update_account(change).await?;
        let found = site.client(&key).find_account().await?;
        assert_eq!(found.contacts, contacts);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("change the account key", async |site| {
        let (old, new) = (new_key(KeyType::P256), new_key(KeyType::P384));
        let client = site.client(&old);
        let account = client.register(registration()).await?;
        let changed = client.change_account_key(new.clone()).await?;
        assert_eq!(changed.url, account.url);
        // The client goes on with the new key, another client finds the account by it.
        let change = AccountChange::new().contacts(["mailto:new@example.org".to_owned()]);
        client.update_account(change).await?;
        assert_eq!(site.client(&new).find_account().await?.url, account.url);
        let error = site.client(&old).find_account().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoAccount, "{error}");
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("change to a key of another account: refused", async |site| {
        let (one, other) = (new_key(KeyType::P256), new_key(KeyType::P256));
        site.client(&other).register(registration()).await?;
        let client = site.client(&one);
        let account = client.register(registration()).await?;
        let error = client.change_account_key(other).await.unwrap_err();
        if error.kind() == ErrorKind::Unsupported {
            return Err(error);
        }
        assert_eq!(error.kind(), ErrorKind::Problem, "{error}");
        assert_eq!(client.find_account().await?.url, account.url, "the old key stays in use");
        Ok(Outcome::Works(format!("`{}`", error.code())))
    })
    .await;
    site.run("list the orders", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let mut made = Vec::new();
        for name in ["one.list.example.org", "two.list.example.org"] {
            made.push(site.obtain(&client, &[name]).await?.issued.order_url().to_owned());
        }
        let mut listed = client.list_orders().await?.urls;
        if listed.is_empty() {
            return Ok(Outcome::NotOffered(NOT_LISTED.to_owned()));
        }
        listed.sort();
        made.sort();
        assert_eq!(listed, made);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("deactivate the account", async |site| {
        let key = new_key(KeyType::P256);
        let client = site.client(&key);
        client.register(registration()).await?;
        client.deactivate_account().await?;
        assert!(client.account().is_none());
        // Neither found nor made again.
        let found = site.client(&key).find_account().await.unwrap_err();
        let again = site.client(&key).register(Registration::new().agree_to_terms(true)).await;
        let again = again.unwrap_err();
        for error in [&found, &again] {
            let kinds = [ErrorKind::Problem, ErrorKind::NoAccount];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
        Ok(Outcome::Works(format!("then `{}`", again.code())))
    })
    .await;
}
