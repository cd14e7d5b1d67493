//! CAs by name, and advice in the language of the user.

mod support;

use acmekit_testing::{Config, ExternalAccount, RequestKind};
use support::{Ended, Fixture, acme, openssl, run};

fn is_japanese(ended: &Ended) -> bool {
    ended.stderr.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c))
}

#[test]
fn the_list_has_the_names_that_ca_takes_and_show_tells_everything_about_one() {
    let ended = run(acme().args(["ca", "list"]));
    ended.assert_success();
    for name in ["jprs ", "upki ", "upki-saitama ", "letsencrypt-staging ", "step-ca "] {
        assert!(ended.stdout.lines().any(|line| line.starts_with(name)), "{name} is missing");
    }
    let ended = run(acme().args(["ca", "show", "jprs"]));
    ended.assert_success();
    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(object["id"], "jprs");
    run(acme().args(["ca", "show", "jrps"])).assert_failure(21, "ca-unknown", "like it: jprs");
}

#[test]
fn an_unknown_ca_is_told_with_the_names_that_resemble_it() {
    let fixture = Fixture::new(Config::default());
    for (name, near) in [("letsencrypt-stagin", "letsencrypt-staging"), ("saitama", "upki-saitama")]
    {
        let ended = run(fixture.acme_http01().args(["--ca", name]));
        ended.assert_failure(21, "ca-unknown", near);
    }
    assert_eq!(fixture.requests(), 0);
}

#[test]
fn a_ca_with_a_directory_for_each_customer_needs_the_url_as_well() {
    let fixture = Fixture::new(Config::default());
    let mut command = acme();
    command.args(["issue", "--ca", "step-ca", "--domain", "www.example.org", "--out"]);
    let ended = run(command.arg(fixture.out()));
    ended.assert_failure(21, "ca-without-directory", "--directory");
    run(fixture.acme_http01().args(["--ca", "step-ca"])).assert_success();

    let mut command = acme();
    command.args(["issue", "--domain", "www.example.org", "--out"]);
    run(command.arg(fixture.out())).assert_failure(2, "usage", "--directory");
}

#[test]
fn the_rules_of_the_ca_are_checked_before_anything_is_sent() {
    let fixture = Fixture::new(Config::default());
    let ended = run(fixture.acme_http01().args(["--ca", "upki-saitama"]));
    ended.assert_failure(29, "name-outside-domain", "www.example.org");
    assert_eq!(fixture.requests(), 0);
    assert!(!fixture.out().exists());

    let ended = run(fixture.acme_http01().args(["--ca", "upki-saitama", "--lang", "ja"]));
    ended.assert_failure(29, "name-outside-domain", "");
    assert!(is_japanese(&ended), "{ended:?}");
}

#[test]
fn what_the_ca_prescribes_is_filled_in() {
    let fixture = Fixture::new(Config::default().with_keep_subject(true));
    let mut command = fixture.acme();
    command.args(["--ca", "upki-saitama", "--domain", "www.saitama-u.ac.jp"]);
    command.args(["--http01-listen", &fixture.http01, "--email", "admin@saitama-u.ac.jp"]);
    // This CA wants a binding, which the one for tests takes as it comes.
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key", "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpa"]);
    let ended = run(&mut command);
    ended.assert_success();
    assert!(ended.stdout.contains("note: UPKI"), "{ended:?}");
    let chain = fixture.out().join("chain.pem");
    let text = openssl(["x509", "-noout", "-text", "-in", chain.to_str().unwrap()]);
    for words in ["O = Saitama University", "Public-Key: (2048 bit)"] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
}

#[test]
fn the_advice_is_in_the_language_of_the_option_or_else_of_the_environment() {
    let fixture = Fixture::new(Config::default().with_terms_of_service("https://ca.example/terms"));
    let no_domain = || fixture.acme();
    let refused_by_the_library = || {
        let mut command = fixture.acme();
        command.args(["--domain", "www.example.org", "--directory", "ftp://ca.example/"]);
        command
    };
    let usage = || {
        let mut command = fixture.acme();
        command.arg("--nonsense");
        command
    };
    assert!(is_japanese(&run(no_domain().args(["--lang", "ja"]))));
    assert!(is_japanese(&run(usage().args(["--lang", "ja"]))));
    assert!(is_japanese(&run(usage().arg("--lang=ja"))));
    assert!(is_japanese(&run(no_domain().env("LANG", "ja_JP.UTF-8"))));
    assert!(is_japanese(&run(no_domain().env("LANG", "C").env("LC_MESSAGES", "ja_JP.UTF-8"))));
    assert!(!is_japanese(&run(no_domain().env("LANG", "ja_JP.UTF-8").env("LC_ALL", "C"))));
    assert!(!is_japanese(&run(no_domain().env("LANG", "ja_JP.UTF-8").args(["--lang", "en"]))));
    assert!(!is_japanese(&run(no_domain().env("LANG", "de_DE.UTF-8"))));
    // The second --directory is a mistake in the command line.
    assert!(is_japanese(&run(refused_by_the_library().args(["--lang", "ja"]))));

    let json = run(no_domain().args(["--lang", "ja", "--json"]));
    assert!(is_japanese(&json) && json.stderr.starts_with('{'), "{json:?}");
    run(no_domain().args(["--lang", "tlh"])).assert_failure(2, "usage", "en or ja");
}

#[test]
fn the_ca_is_asked_to_speak_the_same_language_in_every_request() {
    for (words, variable, expected) in [
        (&["--lang", "ja"][..], "C", "ja, en;q=0.5"),
        (&[], "ja_JP.UTF-8", "ja, en;q=0.5"),
        (&["--lang", "en"], "ja_JP.UTF-8", "en"),
        (&[], "C", "en"),
    ] {
        let fixture = Fixture::new(Config::default());
        run(fixture.acme_http01().args(words).env("LANG", variable)).assert_success();
        run(fixture.acme_with_account(&["account", "show"]).args(words).env("LANG", variable))
            .assert_success();
        run(fixture.acme_with_account(&["revoke"]).args(words).env("LANG", variable))
            .assert_success();
        fixture.ca.with_ca(|ca| {
            let log = ca.log();
            assert!(log.iter().any(|entry| entry.kind == RequestKind::RevokeCertificate));
            let odd = log.iter().find(|e| e.accept_language.as_deref() != Some(expected));
            assert_eq!(odd, None, "{words:?} {variable}");
        });
    }
}

#[test]
fn the_advice_for_a_refusal_of_the_ca_is_in_japanese_too() {
    let fixture = Fixture::new(Config::default());
    run(&mut fixture.acme_http01()).assert_success();
    let fixture = fixture.with_memory_of_the_ca_lost();
    for words in [&["account", "show"][..], &["account", "rollover"], &["revoke"]] {
        let ended = run(fixture.acme_with_account(words).args(["--lang", "ja"]));
        assert!(ended.code >= 30 && is_japanese(&ended), "{ended:?}");
    }
}

#[test]
fn what_the_ca_means_by_a_refusal_is_told() {
    let credential = ExternalAccount::new("kid-1", [0x11; 32]);
    let fixture = Fixture::new(Config::jprs().with_external_account(credential));
    let mut command = fixture.acme_http01();
    command.args(["--ca", "jprs", "--email", "admin@example.org", "--agree-tos"]);
    // Not the key of the credential.
    let key = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key", key]);
    let english = run(&mut command);
    assert_eq!((english.code, english.stderr.lines().count()), (30, 1), "{english:?}");
    let ended = run(command.args(["--json", "--lang", "ja"]));
    let object: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(object["meaning"], "jprs-eab-refused", "{object}");
    assert!(is_japanese(&ended), "{ended:?}");
    assert!(!ended.stderr.contains(key) && !english.stderr.contains(key));
}
