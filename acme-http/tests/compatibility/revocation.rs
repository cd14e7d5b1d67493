//! Revocation by everyone who may, and by one who may not (RFC 8555 §7.6).

use acmekit::{ChallengeType, ErrorKind, KeyType, RevocationReason, Revoke};

use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::new_key;

pub(crate) async fn all(kind: Kind) {
    let Some(mut site) = Site::start(kind, Setup::Open).await else {
        return;
    };
    let http01 = ChallengeType::Http01;
    site.run("by the account key", async |site| {
        let client = site.registered(&http01).await?;
        let obtained = site.obtain(&client, &["account.example.org"]).await?;
        let leaf = obtained.chain().leaf().clone();
        let revocation = Revoke::new(leaf).reason(RevocationReason::Superseded);
        assert!(!client.revoke(revocation).await?.already);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("by the certificate key", async |site| {
        let client = site.registered(&http01).await?;
        let obtained = site.obtain(&client, &["certificate.example.org"]).await?;
        let leaf = obtained.chain().leaf().clone();
        let revocation = Revoke::new(leaf).by_certificate_key(obtained.key.into());
        // A client without an account.
        let stranger = site.client(&new_key(KeyType::P256));
        assert!(!stranger.revoke(revocation).await?.already);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("twice: already revoked", async |site| {
        let client = site.registered(&http01).await?;
        let obtained = site.obtain(&client, &["twice.example.org"]).await?;
        let leaf = obtained.chain().leaf();
        assert!(!client.revoke(Revoke::new(leaf.clone())).await?.already);
        assert!(client.revoke(Revoke::new(leaf.clone())).await?.already);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("by another account with authorizations", async |site| {
        let (client, other) = (site.registered(&http01).await?, site.registered(&http01).await?);
        let name = ["moved.example.org"];
        let obtained = site.obtain(&client, &name).await?;
        site.obtain(&other, &name).await?;
        assert!(!other.revoke(Revoke::new(obtained.chain().leaf().clone())).await?.already);
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("by another account without: refused", async |site| {
        let (client, other) = (site.registered(&http01).await?, site.registered(&http01).await?);
        let obtained = site.obtain(&client, &["kept.example.org"]).await?;
        let leaf = obtained.chain().leaf();
        let error = match other.revoke(Revoke::new(leaf.clone())).await {
            Ok(_) => return Ok(Outcome::Refused("the server lets anybody revoke".to_owned())),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Problem, "{error}");
        assert!(!client.revoke(Revoke::new(leaf.clone())).await?.already, "it was not revoked");
        Ok(Outcome::Works(format!("`{}`", error.code())))
    })
    .await;
}
