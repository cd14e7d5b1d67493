//! What certbot does at a plain CA.

use std::time::Duration;

use acmekit_testing::{Config, RefusalCause, RequestKind, RetryAfter};

use crate::certbot::Certbot;
use crate::interop::openssl::certification_request;
use crate::interop::or_skip;
use crate::judge::Judge;

const RECEIVED: &str = "Successfully received certificate";
const NAME: &str = "www.example.org";

async fn start(config: Config) -> Option<(Judge, Certbot)> {
    let judge = Judge::start(config).await;
    let certbot = or_skip(Certbot::new(&judge))?;
    Some((judge, certbot))
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_issues_by_http_01_with_ecdsa_and_rsa_keys() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    for (words, kind) in [
        (&["--key-type", "ecdsa"][..], "P-256"),
        (&["--key-type", "ecdsa", "--elliptic-curve", "secp384r1"], "P-384"),
        (&["--key-type", "rsa", "--rsa-key-size", "2048"], "RSA 2048"),
    ] {
        let name = kind.to_lowercase().replace(' ', "-") + ".example.org";
        certbot.certonly(&[&["--standalone", "-d", &name], words].concat()).assert_done(RECEIVED);
        let issued = certbot.certificate(&judge, &name);
        issued.assert_names(&[name]);
        issued.assert_key(kind);
    }
    assert_eq!(judge.accounts(), 1, "the account is kept");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_issues_for_many_names_and_for_more_of_them() {
    let Some((judge, certbot)) = start(Config::default().with_shuffled_lists(true)).await else {
        return;
    };
    let names: Vec<_> = (0..12).map(|n| format!("host{n}.example.org")).collect();
    let few = names[..10].join(",");
    certbot.certonly(&["--standalone", "-d", &few]).assert_done(RECEIVED);
    certbot.certificate(&judge, &names[0]).assert_names(&names[..10]);
    let more = ["--standalone", "--cert-name", &names[0], "--expand", "-d", &names.join(",")];
    certbot.certonly(&more).assert_done(RECEIVED);
    certbot.certificate(&judge, &names[0]).assert_names(&names);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_issues_for_a_name_and_its_wildcard_by_dns_01() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    let names = ["example.org", "*.example.org"];
    certbot.certonly_by_dns(&names).assert_done(RECEIVED);
    certbot.certificate(&judge, "example.org").assert_names(&names);
    assert_eq!(judge.dns().most_records_at_once(), 2, "both values stand at one name");
    assert!(judge.dns().records().is_empty(), "the records are removed");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_issues_for_a_certification_request_of_its_user() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    let names = [NAME, "example.org"];
    let (request, key) = certification_request(&certbot.path(""), &["CN=www.example.org"], &names);
    let chain = certbot.certonly_by_request(&request);
    let issued = judge.judged(&chain, &key);
    issued.assert_names(&names);
    issued.assert_key("RSA 2048");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_renews_when_it_is_due_or_told_to() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    certbot.certonly(&["--standalone", "-d", NAME]).assert_done(RECEIVED);
    let first = certbot.certificate(&judge, NAME).serial();
    certbot.run(&["renew", "--no-random-sleep-on-renew"]).assert_done("not yet due for renewal");
    assert_eq!(judge.requests().new_order, 1);
    let forced = ["renew", "--no-random-sleep-on-renew", "--force-renewal"];
    certbot.run(&forced).assert_done("all renewals succeeded");
    let second = certbot.certificate(&judge, NAME);
    second.assert_names(&[NAME]);
    assert_ne!(first, second.serial());
    assert_eq!((judge.accounts(), judge.requests().new_order), (1, 2));
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_needs_no_challenge_where_the_authorization_is_still_valid() {
    let config = Config::default().with_authorization_reuse(true);
    let Some((judge, certbot)) = start(config).await else { return };
    certbot.certonly(&["--standalone", "-d", NAME]).assert_done(RECEIVED);
    let again = ["--standalone", "--force-renewal", "-d", NAME];
    certbot.certonly(&again).assert_done(RECEIVED);
    certbot.certificate(&judge, NAME).assert_names(&[NAME]);
    assert_eq!((judge.requests().new_order, judge.requests().challenge), (2, 1));
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_revokes_with_a_reason_by_account_and_by_certificate_key() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    let revoke = |name: &str, words: &[&str]| {
        let certificate = certbot.live(name, "cert.pem");
        let all = ["revoke", "--no-delete-after-revoke", "--cert-path", &certificate];
        certbot.run(&[&all, words].concat())
    };
    let done = "Congratulations! You have successfully revoked the certificate";
    let key = certbot.live("b.example.org", "privkey.pem");
    for (name, words, reason) in [
        ("a.example.org", &["--reason", "superseded"][..], 4),
        ("b.example.org", &["--reason", "keycompromise", "--key-path", &key], 1),
        ("c.example.org", &[], 0),
    ] {
        certbot.certonly(&["--standalone", "-d", name]).assert_done(RECEIVED);
        let issued = certbot.certificate(&judge, name);
        assert_eq!(judge.revocation(&issued), None);
        revoke(name, words).assert_done(done);
        assert_eq!(judge.revocation(&issued), Some(Some(reason)), "{name}");
    }
    revoke("a.example.org", &[]).assert_refused("alreadyRevoked");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_updates_shows_and_gives_up_its_account() {
    let config = Config::default()
        .with_terms_of_service("https://ca.test/terms")
        .with_agreement_required(true);
    let Some((judge, certbot)) = start(config).await else { return };
    let account = ["--email", "first@example.org", "--agree-tos"];
    certbot.run(&[&["register"], &account[..]].concat()).assert_done("Account registered");
    let two = "second@example.org,third@example.org";
    certbot.run(&["update_account", "--email", two, "--no-eff-email"]).assert_done("was updated");
    let shown = certbot.run(&["show_account"]);
    shown.assert_done("second@example.org");
    shown.assert_done("third@example.org");
    certbot.run(&["unregister"]).assert_done("Account deactivated");
    assert_eq!(judge.accounts(), 1);
    judge.assert_no_violation();
    // It forgets the account, and the key with it: the next order needs a new one.
    certbot.certonly(&["--standalone", "-d", NAME]).assert_done(RECEIVED);
    assert_eq!(judge.accounts(), 2);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_takes_the_chain_that_its_user_prefers() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    let preferred = judge.alternate_root_name();
    let words = ["--standalone", "--preferred-chain", &preferred, "-d", NAME];
    certbot.certonly(&words).assert_done(RECEIVED);
    let file = |file| certbot.live(NAME, file);
    let issued =
        judge.judged_by_alternate(file("fullchain.pem").as_ref(), file("privkey.pem").as_ref());
    issued.assert_names(&[NAME]);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_waits_for_a_slow_ca_that_refuses_a_nonce_of_each_kind() {
    let config = Config::default()
        .with_validation_delay(Duration::from_secs(2))
        .with_issuance_delay(Duration::from_secs(2));
    let Some((judge, certbot)) = start(config).await else { return };
    judge.refuse_nonces();
    certbot.certonly(&["--standalone", "-d", NAME]).assert_done(RECEIVED);
    certbot.certificate(&judge, NAME).assert_names(&[NAME]);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ca_sees_that_certbot_overlooks_retry_after_on_an_order() {
    let config = Config::default()
        .with_validation_delay(Duration::from_millis(1500))
        .with_issuance_delay(Duration::from_secs(4))
        .with_retry_after(RetryAfter::HttpDate(2));
    let Some((judge, certbot)) = start(config).await else { return };
    certbot.certonly(&["--standalone", "-d", NAME]).assert_done(RECEIVED);
    certbot.certificate(&judge, NAME).assert_names(&[NAME]);
    // RFC 8555 §7.4, "processing": ask again "after the time given in the Retry-After header field
    // of the response, if any". certbot asks every second; authorizations it asks in time (§7.5.1).
    judge.assert_violations(&[("R-POL-03", RequestKind::Order)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_reports_what_the_ca_could_not_validate() {
    let Some((judge, certbot)) = start(Config::default()).await else { return };
    // Nobody answers at the port that the CA tries.
    let elsewhere = ["--standalone", "--http-01-port", "0", "-d", NAME];
    certbot.certonly(&elsewhere).assert_refused("Type:   connection");
    judge.assert_no_violation();
    judge.refuse_next(RequestKind::NewOrder, RefusalCause::FailureLimit);
    certbot.certonly(&["--standalone", "-d", NAME]).assert_refused("rateLimited");
    judge.assert_no_violation();
}
