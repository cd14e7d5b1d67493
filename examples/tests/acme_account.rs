//! `acme account` shows and changes the account that `acme issue` has made.

mod support;

use std::fs;

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use serde_json::Value;
use support::{Ended, Fixture, run};

const KEY: [u8; 32] = [0x5a; 32];
const KEY_TEXT: &str = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";

/// A CA at which `acme issue` has made an account with one contact.
fn with_account(config: Config) -> Fixture {
    let fixture = Fixture::new(config);
    run(fixture.acme_http01().args(["--email", "admin@example.org"])).assert_success();
    fixture
}

fn json(ended: &Ended) -> Value {
    ended.assert_success();
    serde_json::from_str(&ended.stdout).expect("one object")
}

#[test]
fn show_asks_the_ca() {
    let config = Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", KEY).single_use());
    let fixture = Fixture::new(config);
    let mut issue = fixture.acme_http01();
    issue.args(["--email", "admin@example.org", "--eab-kid", "kid-1", "--eab-hmac-key", KEY_TEXT]);
    run(&mut issue).assert_success();
    let before = fixture.requests();

    let ended = run(&mut fixture.acme_with_account(&["account", "show"]));
    ended.assert_success();
    let url = fixture.ca.directory_url().rsplit_once('/').unwrap().0.to_owned();
    for words in [
        format!("account: {url}/").as_str(),
        "status: valid\n",
        "contacts: mailto:admin@example.org\n",
        "key thumbprint: ",
        "external account key id: kid-1\n",
    ] {
        assert!(ended.stdout.contains(words), "{words} is missing in {ended:?}");
    }
    assert!(fixture.requests() > before, "the CA was not asked");

    let object = json(&run(fixture.acme_with_account(&["account", "show"]).arg("--json")));
    assert_eq!(object["ok"], true);
    assert_eq!(object["status"], "valid");
    assert_eq!(object["contacts"], serde_json::json!(["mailto:admin@example.org"]));
    assert_eq!(object["external_account_key_id"], "kid-1");
    assert_eq!(object["key_thumbprint"].as_str().unwrap().len(), 43);
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().account), 0);
    fixture.assert_no_violations();
}

#[test]
fn the_account_of_another_key_id_is_not_taken() {
    let fixture = with_account(Config::default());
    let before = fixture.requests();
    let mut command = fixture.acme_with_account(&["account", "show"]);
    run(command.args(["--eab-kid", "kid-2"])).assert_failure(24, "account-not-stored", "--out");
    assert_eq!(fixture.requests(), before);
}

#[test]
fn show_tells_when_the_ca_has_lost_the_account() {
    let fixture = with_account(Config::default()).with_memory_of_the_ca_lost();
    let ended = run(&mut fixture.acme_with_account(&["account", "show"]));
    ended.assert_failure(40, "accountDoesNotExist", "move DIR/account away");
}

#[test]
fn update_replaces_or_removes_the_contacts() {
    let fixture = with_account(Config::default());
    let update = |arguments: &[&str]| {
        let mut command = fixture.acme_with_account(&["account", "update", "--json"]);
        json(&run(command.args(arguments)))["contacts"].clone()
    };
    let two = ["--email", "a@example.org", "--email", "b@example.org"];
    let expected = serde_json::json!(["mailto:a@example.org", "mailto:b@example.org"]);
    assert_eq!(update(&two), expected);
    let show = || json(&run(fixture.acme_with_account(&["account", "show"]).arg("--json")));
    assert_eq!(show()["contacts"], expected);
    assert_eq!(update(&["--no-email"]), serde_json::json!([]));
    assert_eq!(show()["contacts"], serde_json::json!([]));
    fixture.assert_no_violations();
}

#[test]
fn rollover_gives_a_new_key_with_which_the_next_certificate_is_obtained() {
    let fixture = with_account(Config::default());
    let show = || json(&run(fixture.acme_with_account(&["account", "show"]).arg("--json")));
    let old = show();
    for key_type in ["p384", "p256"] {
        let mut command = fixture.acme_with_account(&["account", "rollover"]);
        run(command.args(["--key-type", key_type])).assert_success();
    }
    let new = show();
    assert_eq!(old["account"], new["account"]);
    assert_ne!(old["key_thumbprint"], new["key_thumbprint"]);
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().key_change), 2);
    run(&mut fixture.acme_http01()).assert_success();
    assert_eq!(fixture.files().len(), 5, "{:?}", fixture.files());
    fixture.assert_no_violations();
}

#[test]
fn deactivate_needs_yes_and_is_for_good() {
    let fixture = with_account(Config::default());
    let before = fixture.requests();
    let ended = run(&mut fixture.acme_with_account(&["account", "deactivate"]));
    ended.assert_failure(23, "not-confirmed", "--yes");
    assert_eq!(fixture.requests(), before, "the CA was asked");

    let mut command = fixture.acme_with_account(&["account", "deactivate"]);
    let ended = run(command.arg("--yes"));
    ended.assert_success();
    assert!(ended.stdout.contains("status: deactivated\n"), "{ended:?}");
    let before = fixture.requests();
    for mut command in [fixture.acme_with_account(&["account", "show"]), fixture.acme_http01()] {
        run(&mut command).assert_failure(40, "account-not-valid", "move DIR/account away");
    }
    assert_eq!(fixture.requests(), before, "the CA was asked in vain");

    fs::rename(fixture.out().join("account"), fixture.path("old")).unwrap();
    run(&mut fixture.acme_http01()).assert_success();
}

#[test]
fn wrong_input_sends_and_writes_nothing() {
    let fixture = Fixture::new(Config::default());
    let mistakes: &[(&[&str], i32, &str)] = &[
        (&["account", "show"], 24, "account-not-stored"),
        (&["account", "rollover"], 24, "account-not-stored"),
        (&["account", "update", "--agree-tos"], 24, "account-not-stored"),
        (&["account", "deactivate", "--yes"], 24, "account-not-stored"),
        (&["account", "update", "--email", "nobody"], 18, "email-malformed"),
        (&["account", "update"], 2, "usage"),
        (&["account", "update", "--no-email", "--email", "a@example.org"], 2, "usage"),
        (&["account", "rollover", "--key-type", "rsa512"], 2, "usage"),
        (&["account", "show", "--ca", "jrps"], 21, "ca-unknown"),
        (&["account"], 2, "usage"),
    ];
    for (words, exit, code) in mistakes {
        run(&mut fixture.acme_with_account(words)).assert_failure(*exit, code, "");
    }
    assert_eq!(fixture.requests(), 0, "the CA was asked");
    assert!(!fixture.out().exists(), "files were left: {:?}", fixture.files());
}

#[test]
fn the_rules_of_a_named_ca_are_checked_first() {
    let fixture = with_account(Config::default());
    let before = fixture.requests();
    let record = fixture.files();
    let mut command = fixture.acme_with_account(&["account", "update", "--ca", "jprs"]);
    let ended = run(command.arg("--no-email"));
    ended.assert_failure(29, "contacts-too-few", "JPRS");
    assert_eq!((fixture.requests(), fixture.files()), (before, record));
    assert!(fs::exists(fixture.out().join("chain.pem")).unwrap());
}
