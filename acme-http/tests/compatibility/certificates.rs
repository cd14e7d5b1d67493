//! Certificates by every challenge and in every shape.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use acmekit::core::certificate::CertificateRequestParameters;
use acmekit::core::time::Timestamp;
use acmekit::{
    CertificateRequest, ChallengeType, ErrorKind, Identifier, KeyType, NewOrder, Obtained,
    RequestKind, Subject, SystemEntropy, Wanted,
};

use super::expected::{IGNORED, LEFT_OUT, NO_ALTERNATE};
use super::record::Outcome;
use super::server::{Kind, Setup};
use super::site::Site;
use crate::interop::clients::{assert_issued_under, new_key};
use crate::interop::openssl::common_name;

pub(crate) async fn all(kind: Kind) {
    let Some(mut site) = Site::start(kind, Setup::Open).await else {
        return;
    };
    by_each_challenge(&mut site).await;
    in_each_shape(&mut site).await;
    with_wishes(&mut site).await;
}

async fn by_each_challenge(site: &mut Site) {
    let address = site.server.challenge_address().to_string();
    let (http01, dns01, tls_alpn01) =
        (ChallengeType::Http01, ChallengeType::Dns01, ChallengeType::TlsAlpn01);
    let flows = [
        ("http-01", &http01, vec!["http.example.org"]),
        ("dns-01", &dns01, vec!["dns.example.org"]),
        ("tls-alpn-01", &tls_alpn01, vec!["tls.example.org"]),
        ("a wildcard and its base name", &dns01, vec!["*.wild.example.org", "wild.example.org"]),
        ("an IP address by http-01", &http01, vec![&address]),
        ("an IP address by tls-alpn-01", &tls_alpn01, vec![&address]),
    ];
    for (flow, challenge, names) in flows {
        site.run(flow, async |site| {
            let client = site.registered(challenge).await?;
            site.obtain(&client, &names).await?;
            Ok(Outcome::WORKS)
        })
        .await;
    }
}

async fn in_each_shape(site: &mut Site) {
    site.run("ten names", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let names: Vec<_> = (0..10).map(|n| format!("host{n}.example.org")).collect();
        site.obtain(&client, &names).await?;
        Ok(Outcome::WORKS)
    })
    .await;
    let keys = [
        ("P-384 certificate key", KeyType::P384, "P-384"),
        ("RSA certificate key", KeyType::Rsa2048, "RSA 2048"),
    ];
    for (flow, kind, name) in keys {
        site.run(flow, async |site| {
            let client = site.registered(&ChallengeType::Http01).await?;
            let names = ["key.example.org"];
            let obtained = client.obtain(Wanted::names(names)?.key_type(kind)).await?;
            site.judge(&obtained, &names, name);
            Ok(Outcome::WORKS)
        })
        .await;
    }
    site.run("a name that was validated before", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let names = ["again.example.org"];
        site.obtain(&client, &names).await?;
        let before = client.request_counts().of(RequestKind::Challenge);
        site.obtain(&client, &names).await?;
        let more = client.request_counts().of(RequestKind::Challenge) - before;
        Ok(Outcome::Works(match more {
            0 => "without a challenge".to_owned(),
            _ => "validated again".to_owned(),
        }))
    })
    .await;
}

async fn with_wishes(site: &mut Site) {
    site.run("choose an alternate chain", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let names = ["chain.example.org"];
        let Some(root) = site.server.issuing_root(1) else {
            let obtained = site.obtain(&client, &names).await?;
            assert!(obtained.issued.alternates().is_empty());
            return Ok(Outcome::NotOffered(NO_ALTERNATE.to_owned()));
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.pem");
        std::fs::write(&file, &root).unwrap();
        let wanted = Wanted::names(names)?.preferred_chain(common_name(&file));
        let obtained = client.obtain(wanted).await?;
        assert_issued_under(&root, &obtained, &names, "P-256");
        Ok(Outcome::WORKS)
    })
    .await;
    site.run("must-staple", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let names = ["staple.example.org"];
        let identifiers = names.map(|name| name.parse::<Identifier>().unwrap());
        let mut parameters = CertificateRequestParameters::new(identifiers.clone());
        parameters.must_staple = true;
        let key = new_key(KeyType::P256);
        let request = CertificateRequest::build(&parameters, &key, &mut SystemEntropy).unwrap();
        let issued = client.issue(NewOrder::new(identifiers), request).await?;
        let text = issued.chain().to_pem();
        let root = site.server.issuing_root(0).unwrap();
        let judged =
            crate::interop::openssl::Judged::texts(&text, &key.to_pkcs8_pem().unwrap(), &root);
        judged.assert_verifies();
        Ok(match judged.has_tls_feature() {
            true => Outcome::WORKS,
            false => Outcome::NotOffered(IGNORED.to_owned()),
        })
    })
    .await;
    let subjects = [
        ("subject with a common name", "CN=subject.example.org"),
        ("subject with an organization", "CN=subject.example.org,O=Example,C=JP"),
    ];
    for (flow, subject) in subjects {
        site.run(flow, async |site| {
            let client = site.registered(&ChallengeType::Http01).await?;
            let names = ["subject.example.org"];
            let wanted = Wanted::names(names)?.subject(Subject::parse(subject).unwrap());
            let obtained = client.obtain(wanted).await?;
            let found = site.judge(&obtained, &names, "P-256").subject();
            let is_kept = subject.split(',').all(|part| found.split(',').any(|it| it == part));
            Ok(if is_kept { Outcome::WORKS } else { Outcome::NotOffered(LEFT_OUT.to_owned()) })
        })
        .await;
    }
    site.run("notAfter", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let names = ["short.example.org"];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let wished = now + Duration::from_secs(6 * 3600);
        let end = Timestamp::from_unix_seconds(wished.as_secs().try_into().unwrap());
        let identifiers = names.map(|name| name.parse::<Identifier>().unwrap());
        let order = NewOrder::new(identifiers).not_after(end);
        let obtained = client.obtain(Wanted::order(order)).await?;
        Ok(match expires_in_six_hours(site, &obtained, &names) {
            true => Outcome::WORKS,
            false => Outcome::NotOffered(IGNORED.to_owned()),
        })
    })
    .await;
    site.run("a profile", async |site| {
        let client = site.registered(&ChallengeType::Http01).await?;
        let profiles = client.directory().await?.profiles;
        let names = ["profile.example.org"];
        let Some((offered, _)) = profiles.first() else {
            let wanted = Wanted::names(names)?.profile("default");
            let error = client.obtain(wanted).await.unwrap_err();
            assert_eq!((error.kind(), error.code()), (ErrorKind::Input, "invalidProfile"));
            return Ok(Outcome::NotOffered(format!("`{}`", error.code())));
        };
        let obtained = client.obtain(Wanted::names(names)?.profile(offered)).await?;
        site.judge(&obtained, &names, "P-256");
        Ok(Outcome::WORKS)
    })
    .await;
}

fn expires_in_six_hours(site: &Site, obtained: &Obtained, names: &[&str]) -> bool {
    site.judge(obtained, names, "P-256").expires_in(6 * 3600)
}
