//! `acme eab parse` tells how a credential is understood; `acme issue` takes the same forms of key.
//! The secret is never shown.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use support::{Ended, Fixture, acme, run};

const KEY: [u8; 32] = [0xfb; 32];
/// The same in Base64, in base64url and in hexadecimal: all with letters that only the key has.
const BASE64: &str = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
const BASE64URL: &str = "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s";
const HEX: &str = "fbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfbfb";

#[track_caller]
fn assert_secret_is_kept(ended: &Ended) {
    for part in ["v7+/", "v7-_", "fbfbfb"] {
        assert!(!ended.stdout.contains(part) && !ended.stderr.contains(part), "{ended:?}");
    }
}

fn parse(arguments: &[&str]) -> Ended {
    let ended = run(acme().args(["eab", "parse"]).args(arguments));
    assert_secret_is_kept(&ended);
    ended
}

fn parse_input(arguments: &[&str], input: &str) -> Ended {
    let mut command: Command = acme();
    command.args(["eab", "parse"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let ended = child.wait_with_output().unwrap().into();
    assert_secret_is_kept(&ended);
    ended
}

#[test]
fn a_command_line_of_another_client_is_understood_whole_or_in_words() {
    let line = format!("certbot register --eab-kid kid-1 --eab-hmac-key '{BASE64}'");
    let options = ["--eab-kid", "kid-1", "--eab-hmac-key", BASE64];
    for ended in [parse(&[&line]), parse(&options), parse_input(&["-"], &line)] {
        ended.assert_success();
        for words in ["command line", "256 bits", "padding", "key id: kid-1\n"] {
            assert!(ended.stdout.contains(words), "{words} is missing in {ended:?}");
        }
    }
}

#[test]
fn json_on_standard_input_becomes_one_object() {
    let input = format!(r#"{{"eab_kid": "kid-1", "eab_hmac_key": "{BASE64URL}"}}"#);
    for arguments in [&["--json"][..], &["-", "--json"]] {
        let ended = parse_input(arguments, &input);
        ended.assert_success();
        let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(object["ok"], true);
        assert_eq!(object["key_id"], "kid-1");
        assert_eq!(object["source"], "JSON");
        assert_eq!(object["form"], "base64url");
        assert_eq!(object["key_bits"], 256);
        assert_eq!(object["warnings"], serde_json::json!([]));
    }
}

#[test]
fn the_form_of_the_key_can_be_told() {
    let ended = parse(&["--eab-key-form", "hex", HEX]);
    ended.assert_success();
    assert!(ended.stdout.contains("256 bits, read as hex as told"), "{ended:?}");
    let ended = parse(&[HEX]);
    ended.assert_success();
    assert!(ended.stdout.contains("warning: ") && ended.stdout.contains("say hex"), "{ended:?}");
}

#[test]
fn what_cannot_be_read_has_a_code_of_its_own_and_is_not_repeated() {
    let broken = format!("{BASE64URL}*");
    let long = BASE64URL.repeat(10_000);
    let cases = [
        parse(&[""]),
        parse(&[&broken]),
        parse(&[&format!("--eab-kid kid-1 --eab-hmac-key={broken}")]),
        parse(&["--eab-hmac-key", &broken]),
        parse(&[&format!("--{BASE64}")]),
        parse(&[&format!("-x{BASE64}"), "--nonsense", BASE64, "?"]),
        parse_input(&[], ""),
        parse_input(&[], &format!("{{\"hmac\": \"{BASE64URL}\"")),
        parse_input(&[], &long),
    ];
    for ended in cases {
        ended.assert_failure(13, "eab-not-understood", "");
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn an_identifier_that_may_be_the_secret_is_not_shown() {
    for identifier in ["1f0c1e5a-9c2b-4b7e-8d6f-0123456789ab", "AbCdEfGhIjKlMnOpQrStUw"] {
        let ended = parse(&[BASE64URL, identifier]);
        ended.assert_success();
        assert!(ended.stdout.contains("not shown"), "{ended:?}");
        let object = parse(&["--json", BASE64URL, identifier]).stdout;
        assert!(object.contains(r#""key_id":null"#), "{object}");
    }
    let ended = parse(&["AbCdEfGhIjKlMnOpQrStUw", BASE64URL]);
    assert!(ended.stdout.contains("key id: AbCdEfGhIjKlMnOpQrStUw\n"), "{ended:?}");
}

#[test]
fn issue_takes_every_form_of_the_key_and_tells_what_was_changed() {
    let doubled = "Ky92NysvdjcrL3Y3Ky92NysvdjcrL3Y3Ky92NysvdjcrL3Y3Ky92Nysvcz0=";
    let cases: &[(&str, &[&str], &str)] = &[
        (BASE64, &[], "note: padding"),
        (HEX, &["--eab-key-form", "hex"], "certificate for"),
        (doubled, &[], "note: the MAC key was encoded twice"),
        (&format!(" \"{BASE64URL}\"\n"), &[], "note: quotation marks"),
    ];
    for (key, more, words) in cases {
        let config = Config::default()
            .with_external_account_policy(ExternalAccountPolicy::Required)
            .with_external_account(ExternalAccount::new("kid-1", KEY));
        let fixture = Fixture::new(config);
        let mut command = fixture.acme_http01();
        command.args(["--eab-kid", "kid-1"]).args(*more).env("ACME_EAB_HMAC_KEY", key);
        let ended = run(&mut command);
        ended.assert_success();
        assert!(ended.stdout.contains(words), "{words} is missing in {ended:?}");
        assert_secret_is_kept(&ended);
    }
}
