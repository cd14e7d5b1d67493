//! What certbot and lego do at the CAs of the Japanese registry and universities, as this testing
//! CA plays them: external account binding, contacts, subjects, error texts.

use std::time::{Duration, SystemTime};

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy, RefusalCause, RequestKind};

use crate::certbot::Certbot;
use crate::interop::openssl::certification_request;
use crate::interop::or_skip;
use crate::judge::Judge;
use crate::lego::Lego;

const KEY_ID: &str = "kid-1";
const SECRET: [u8; 32] = *b"a MAC key of a CA has 32 octets.";
/// The same in base64url.
const MAC_KEY: &str = "YSBNQUMga2V5IG9mIGEgQ0EgaGFzIDMyIG9jdGV0cy4";
const WRONG_MAC_KEY: &str = "YSBNQUMga2V5IG9mIGEgQ0EgaGFzIDMyIG9jdGV0cy8";
const NAMES: [&str; 2] = ["www.example.jp", "example.jp"];
const CONTACT: [&str; 3] = ["--agree-tos", "--email", "admin@example.jp"];
const BINDING: [&str; 4] = ["--eab-kid", KEY_ID, "--eab-hmac-key", MAC_KEY];
const LEGO_BINDING: [&str; 5] = ["--eab", "--kid", KEY_ID, "--hmac", MAC_KEY];

fn jprs() -> Config {
    Config::jprs().with_external_account(ExternalAccount::new(KEY_ID, SECRET))
}

/// The manual's commands, in its order.
#[tokio::test(flavor = "multi_thread")]
async fn certbot_lives_through_a_jprs_certificate_by_the_manual() {
    let judge = Judge::start(jprs()).await;
    let Some(certbot) = or_skip(Certbot::new(&judge)) else { return };
    let register = [&["register"], &CONTACT[..], &BINDING].concat();
    certbot.run(&register).assert_done("Account registered");
    let wanted = ["--standalone", "--key-type", "rsa", "-d", NAMES[0], "-d", NAMES[1]];
    certbot.certonly(&wanted).assert_done("Successfully received certificate");
    let first = certbot.certificate(&judge, NAMES[0]);
    first.assert_names(&NAMES);
    first.assert_key("RSA 2048");
    first.assert_expires_in(90 * 86_400);
    let renew = ["renew", "--no-random-sleep-on-renew"];
    certbot.run(&renew).assert_done("not yet due for renewal");
    let forced = [&renew, &["--force-renewal"][..]].concat();
    certbot.run(&forced).assert_done("all renewals succeeded");
    let second = certbot.certificate(&judge, NAMES[0]);
    second.assert_names(&NAMES);
    let certificate = certbot.live(NAMES[0], "cert.pem");
    let revoke = ["revoke", "--cert-path", &certificate, "--no-delete-after-revoke"];
    certbot.run(&revoke).assert_done("successfully revoked");
    assert_eq!(judge.revocation(&second), Some(Some(0)));
    certbot.run(&revoke).assert_refused("has already been revoked: [");
    assert_eq!(judge.accounts(), 1, "the credential is needed once");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_gets_a_jprs_wildcard_certificate_by_dns_01() {
    let judge = Judge::start(jprs()).await;
    let Some(certbot) = or_skip(Certbot::new(&judge)) else { return };
    let register = [&["register"], &CONTACT[..], &BINDING].concat();
    certbot.run(&register).assert_done("Account registered");
    let names = ["*.example.jp", "example.jp"];
    certbot.certonly_by_dns(&names).assert_done("Successfully received certificate");
    certbot.certificate(&judge, "example.jp").assert_names(&names);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_reports_why_jprs_takes_no_account() {
    let judge = Judge::start(jprs()).await;
    let Some(certbot) = or_skip(Certbot::new(&judge)) else { return };
    let register = |words: &[&[&str]]| certbot.run(&[&["register"], &words.concat()[..]].concat());
    // It reads in the directory that a binding is needed and asks for one itself.
    register(&[&CONTACT]).assert_refused("requires external account binding");
    assert_eq!(judge.requests().new_account, 0);
    let wrong = ["--eab-kid", KEY_ID, "--eab-hmac-key", WRONG_MAC_KEY];
    register(&[&CONTACT, &wrong]).assert_refused("Unable to create account");
    assert!(judge.reason().contains("the MAC of the external account binding"));
    let unknown = ["--eab-kid", "kid-2", "--eab-hmac-key", MAC_KEY];
    register(&[&CONTACT, &unknown]).assert_refused("Unable to create account");
    assert!(judge.reason().contains("the key identifier of the binding is unknown"));
    let many: Vec<_> = (1..=7).map(|number| format!("{number}@example.jp")).collect();
    let many = ["--agree-tos", "--email", &many.join(",")];
    register(&[&many, &BINDING]).assert_refused("The contact information is invalid:");
    judge.assert_no_violation();
    register(&[&CONTACT, &BINDING]).assert_done("Account registered");
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_report_that_the_credential_is_older_than_14_days_or_lacking() {
    let now = SystemTime::now();
    let old = now - Duration::from_secs(14 * 86_400 + 60);
    let credential = ExternalAccount::new(KEY_ID, SECRET).created_at(old.into());
    let judge = Judge::start(Config::jprs().with_external_account(credential)).await;
    let (Some(certbot), Some(lego)) = (or_skip(Certbot::new(&judge)), or_skip(Lego::new(&judge)))
    else {
        return;
    };
    let register = [&["register"], &CONTACT[..], &BINDING].concat();
    certbot.run(&register).assert_refused("Unable to create account");
    assert!(judge.reason().contains("expired at"), "{}", judge.reason());
    let run = [&["--http", "-d", NAMES[0]], &LEGO_BINDING[..]].concat();
    lego.run(&run, &["run"]).assert_refused("Unable to create account");
    assert!(judge.reason().contains("expired at"), "{}", judge.reason());
    judge.assert_no_violation();

    // A directory that does not tell leaves it to the answer of newAccount.
    let silent = jprs().with_external_account_policy(ExternalAccountPolicy::Disabled);
    let judge = Judge::start(silent).await;
    let (certbot, lego) = (Certbot::new(&judge).unwrap(), Lego::new(&judge).unwrap());
    let needed = "must include a value for the externalAccountBinding field";
    judge.refuse_next(RequestKind::NewAccount, RefusalCause::BindingMissing);
    certbot.run(&[&["register"], &CONTACT[..]].concat()).assert_refused(needed);
    judge.refuse_next(RequestKind::NewAccount, RefusalCause::BindingMissing);
    lego.run(&["--http", "-d", NAMES[0]], &["run"]).assert_refused(needed);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_lives_through_a_jprs_certificate() {
    let judge = Judge::start(jprs()).await;
    let Some(lego) = or_skip(Lego::new(&judge)) else { return };
    let options = ["--http", "--key-type", "rsa2048", "-d", NAMES[0], "-d", NAMES[1]];
    lego.run(&options, &["run"]).assert_refused("requires External Account Binding");
    let wrong = ["--eab", "--kid", KEY_ID, "--hmac", WRONG_MAC_KEY];
    lego.run(&[&options, &wrong[..]].concat(), &["run"]).assert_refused("Unable to create account");
    judge.assert_no_violation();
    let bound = [&options, &LEGO_BINDING[..]].concat();
    lego.run(&bound, &["run"]).assert_done("Server responded with a certificate");
    let first = lego.certificate(&judge, NAMES[0]);
    first.assert_subject(&format!("CN={}", NAMES[0]));
    first.assert_names(&NAMES);
    first.assert_key("RSA 2048");
    first.assert_expires_in(90 * 86_400);
    let renew = ["renew", "--no-random-sleep", "--days", "91"];
    // It asks for the credential again wherever the directory says that accounts need one.
    lego.run(&bound, &renew).assert_done("Server responded with a certificate");
    let second = lego.certificate(&judge, NAMES[0]);
    second.assert_names(&NAMES);
    assert_eq!(judge.accounts(), 1, "the credential is used once");
    let revoke = ["revoke", "--keep", "--reason", "1"];
    lego.run(&bound, &revoke).assert_done("Certificate was revoked");
    assert_eq!(judge.revocation(&second), Some(Some(1)));
    lego.run(&bound, &revoke).assert_refused("has already been revoked: [");
    judge.assert_no_violation();
}

// --- UPKI ----------------------------------------------------------------------------------------

const UNIVERSITY_NAMES: [&str; 2] = ["www.ics.saitama-u.ac.jp", "ics.saitama-u.ac.jp"];
const SUBJECT: [&str; 5] =
    ["CN=www.ics.saitama-u.ac.jp", "O=Saitama University", "L=Saitama-shi", "ST=Saitama", "C=JP"];

fn upki(config: Config) -> Config {
    let credential = ExternalAccount::new(KEY_ID, SECRET).for_names(UNIVERSITY_NAMES);
    config.with_external_account(credential)
}

#[tokio::test(flavor = "multi_thread")]
async fn certbot_hands_upki_a_certification_request_with_the_prescribed_subject() {
    let judge = Judge::start(upki(Config::upki_saitama())).await;
    let Some(certbot) = or_skip(Certbot::new(&judge)) else { return };
    let register = [&["register"], &CONTACT[..], &BINDING].concat();
    certbot.run(&register).assert_done("Account registered");
    let (request, key) = certification_request(&certbot.path(""), &SUBJECT, &UNIVERSITY_NAMES);
    let issued = judge.judged(&certbot.certonly_by_request(&request), &key);
    issued.assert_names(&UNIVERSITY_NAMES);
    issued.assert_subject(&SUBJECT.join(", "));
    issued.assert_expires_in(89 * 86_400);
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn lego_hands_upki_a_certification_request_with_the_prescribed_subject() {
    let judge = Judge::start(upki(Config::upki_saitama())).await;
    let Some(lego) = or_skip(Lego::new(&judge)) else { return };
    let (request, key) = certification_request(&lego.path(""), &SUBJECT, &UNIVERSITY_NAMES);
    let options = ["--http", "--csr", request.to_str().unwrap()];
    let run = |options: &[&str]| lego.run(&[options, &LEGO_BINDING[..]].concat(), &["run"]);
    run(&options).assert_done("Server responded with a certificate");
    let chain = lego.path(&format!("data/certificates/{}.crt", UNIVERSITY_NAMES[0]));
    let issued = judge.judged(&chain, &key);
    issued.assert_names(&UNIVERSITY_NAMES);
    issued.assert_subject(&SUBJECT.join(", "));
    judge.assert_no_violation();

    // An OU, as before July 2022, and the order of another university.
    let mut with_unit = SUBJECT.to_vec();
    with_unit.insert(1, "OU=Information");
    let reversed: Vec<_> = SUBJECT.into_iter().rev().collect();
    for (subject, reason) in [(with_unit, "OU"), (reversed, "subject")] {
        certification_request(&lego.path(""), &subject, &UNIVERSITY_NAMES);
        run(&options).assert_refused("badCSR");
        assert!(judge.reason().contains(reason), "{}", judge.reason());
    }
    judge.assert_no_violation();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_issue_at_upki_without_a_subject_and_only_for_the_names_of_the_application() {
    let judge = Judge::start(upki(Config::upki())).await;
    let (Some(certbot), Some(lego)) = (or_skip(Certbot::new(&judge)), or_skip(Lego::new(&judge)))
    else {
        return;
    };
    let register = [&["register"], &CONTACT[..], &BINDING].concat();
    certbot.run(&register).assert_done("Account registered");
    let key = ["--standalone", "--key-type", "rsa"];
    let names = UNIVERSITY_NAMES.join(",");
    let wanted = [&key, &["-d", &names][..]].concat();
    certbot.certonly(&wanted).assert_done("Successfully received certificate");
    certbot.certificate(&judge, UNIVERSITY_NAMES[0]).assert_names(&UNIVERSITY_NAMES);
    let other = [&key, &["-d", "mail.ics.saitama-u.ac.jp"][..]].concat();
    certbot.certonly(&other).assert_refused("is not among the names of the application");

    // The server is replaced, and another client registers with the same credential.
    let names: Vec<_> = UNIVERSITY_NAMES.iter().flat_map(|name| ["-d", name]).collect();
    let options = [&["--http", "--key-type", "rsa2048"], &names[..], &LEGO_BINDING].concat();
    lego.run(&options, &["run"]).assert_done("Server responded with a certificate");
    lego.certificate(&judge, UNIVERSITY_NAMES[0]).assert_names(&UNIVERSITY_NAMES);
    judge.assert_no_violation();
}
