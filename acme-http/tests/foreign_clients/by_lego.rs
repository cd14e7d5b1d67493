//! What lego does at a plain CA.

use std::time::Duration;

use acmekit_testing::{Config, RefusalCause, RequestKind, RetryAfter};

use crate::interop::openssl::certification_request;
use crate::interop::or_skip;
use crate::judge::Judge;
use crate::lego::Lego;

const RECEIVED: &str = "Server responded with a certificate";
const NAME: &str = "www.example.org";

async fn start(config: Config) -> Option<(Judge, Lego)> {
    let judge = Judge::start(config).await;
    let lego = or_skip(Lego::new(&judge))?;
    Some((judge, lego))
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_issues_by_http_01_with_ecdsa_and_rsa_keys() {
    // Its account keys are of the same kinds: ES256, ES384, RS256.
    for (option, kind) in [("ec256", "P-256"), ("ec384", "P-384"), ("rsa2048", "RSA 2048")] {
        let Some((judge, lego)) = start(Config::default()).await else { return };
        lego.run(&["--http", "--key-type", option, "-d", NAME], &["run"]).assert_done(RECEIVED);
        let issued = lego.certificate(&judge, NAME);
        issued.assert_names(&[NAME]);
        issued.assert_key(kind);
        judge.assert_no_violation();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_issues_for_many_names_by_tls_alpn_01() {
    let Some((judge, lego)) = start(Config::default().with_shuffled_lists(true)).await else {
        return;
    };
    let names: Vec<_> = (0..5).map(|n| format!("host{n}.example.org")).collect();
    let options: Vec<_> = names.iter().flat_map(|name| ["-d", name.as_str()]).collect();
    lego.run(&[&["--tls"], &options[..]].concat(), &["run"]).assert_done(RECEIVED);
    lego.certificate(&judge, &names[0]).assert_names(&names);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_issues_for_a_name_and_its_wildcard_by_dns_01() {
    let Some((judge, lego)) = start(Config::default()).await else { return };
    let names = ["example.org", "*.example.org"];
    let options = ["--dns", "exec", "-d", names[0], "-d", names[1]];
    lego.run(&options, &["run"]).assert_done(RECEIVED);
    lego.certificate(&judge, "example.org").assert_names(&names);
    assert!(judge.dns().records().is_empty(), "the records are removed");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_issues_for_a_certification_request_of_its_user() {
    let Some((judge, lego)) = start(Config::default()).await else { return };
    let names = [NAME, "example.org"];
    let (request, key) = certification_request(&lego.path(""), &["CN=www.example.org"], &names);
    let request = request.to_str().unwrap();
    lego.run(&["--http", "--csr", request], &["run"]).assert_done(RECEIVED);
    let issued = judge.judged(&lego.path("data/certificates/www.example.org.crt"), &key);
    issued.assert_names(&names);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_renews_when_it_is_due_and_revokes_with_a_reason() {
    let Some((judge, lego)) = start(Config::default()).await else { return };
    let options = ["--http", "-d", NAME];
    lego.run(&options, &["run"]).assert_done(RECEIVED);
    let first = lego.certificate(&judge, NAME);
    let serial = first.serial();
    lego.run(&options, &["renew", "--no-random-sleep"]).assert_done("no renewal");
    assert_eq!(judge.requests().new_order, 1);
    lego.run(&options, &["renew", "--no-random-sleep", "--days", "91"]).assert_done(RECEIVED);
    let second = lego.certificate(&judge, NAME);
    second.assert_names(&[NAME]);
    assert_ne!(serial, second.serial());
    assert_eq!((judge.accounts(), judge.requests().new_order), (1, 2));

    let revoke = ["revoke", "--keep", "--reason", "4"];
    lego.run(&options, &revoke).assert_done("Certificate was revoked");
    assert_eq!(judge.revocation(&second), Some(Some(4)));
    lego.run(&options, &revoke).assert_refused("alreadyRevoked");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_needs_no_challenge_where_the_authorization_is_still_valid() {
    let config = Config::default().with_authorization_reuse(true);
    let Some((judge, lego)) = start(config).await else { return };
    for _ in 0..2 {
        lego.run(&["--http", "-d", NAME], &["run"]).assert_done(RECEIVED);
    }
    lego.certificate(&judge, NAME).assert_names(&[NAME]);
    assert_eq!((judge.requests().new_order, judge.requests().challenge), (2, 1));
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_takes_the_chain_that_its_user_prefers() {
    let Some((judge, lego)) = start(Config::default()).await else { return };
    let preferred = judge.alternate_root_name();
    let command = ["run", "--preferred-chain", &preferred];
    lego.run(&["--http", "-d", NAME], &command).assert_done(RECEIVED);
    let file = |ending| lego.path(&format!("data/certificates/{NAME}.{ending}"));
    judge.judged_by_alternate(&file("crt"), &file("key")).assert_names(&[NAME]);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_waits_for_a_slow_ca_that_refuses_a_nonce_of_each_kind() {
    let config = Config::default()
        .with_validation_delay(Duration::from_secs(2))
        .with_issuance_delay(Duration::from_secs(2));
    let Some((judge, lego)) = start(config).await else { return };
    judge.refuse_nonces();
    lego.run(&["--http", "-d", NAME], &["run"]).assert_done(RECEIVED);
    lego.certificate(&judge, NAME).assert_names(&[NAME]);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_sees_that_lego_overlooks_retry_after_on_an_order() {
    let config = Config::default()
        .with_validation_delay(Duration::from_millis(1500))
        .with_issuance_delay(Duration::from_secs(4))
        .with_retry_after(RetryAfter::HttpDate(2));
    let Some((judge, lego)) = start(config).await else { return };
    lego.run(&["--http", "-d", NAME], &["run"]).assert_done(RECEIVED);
    lego.certificate(&judge, NAME).assert_names(&[NAME]);
    // RFC 8555 §7.4, "processing": ask again "after the time given in the Retry-After header field
    // of the response, if any". lego asks twice a second; authorizations it asks every five.
    judge.assert_violations(&[("R-POL-03", RequestKind::Order)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_reports_what_the_ca_could_not_validate() {
    let Some((judge, lego)) = start(Config::default()).await else { return };
    // Nobody answers at the port that the CA tries.
    let elsewhere = ["--http", "--http.port", "127.0.0.1:0", "-d", NAME];
    lego.run(&elsewhere, &["run"]).assert_refused("error:connection");
    // RFC 8555 §7.5.2: an authorization is deactivated by "the static object {"status":
    // "deactivated"}"; lego sends it with `expires` and `identifier` as it has read them.
    judge.assert_violations(&[("R-AUZ-07", RequestKind::Authorization)]);
    judge.refuse_next(RequestKind::NewOrder, RefusalCause::FailureLimit);
    lego.run(&["--http", "-d", NAME], &["run"]).assert_refused("rateLimited");
    judge.assert_violations(&[("R-AUZ-07", RequestKind::Authorization)]);
}
