//! What `acme issue` does when the CA, the network or the user says no.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use support::{Fixture, free_port, run};

const KEY_TEXT: &str = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";

fn binding_required() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", [0x11; 32]))
}

/// No file that could be taken for a certificate or its key.
#[track_caller]
fn assert_no_certificate(fixture: &Fixture) {
    let files = fixture.files();
    let odd = files.iter().find(|file| *file != ".lock" && !file.starts_with("account/"));
    assert_eq!(odd, None, "{files:?}");
}

#[test]
fn a_refused_external_account_binding_is_one_line_without_the_key() {
    let fixture = Fixture::new(binding_required());
    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key", KEY_TEXT]);
    let ended = run(&mut command);
    ended.assert_failure(30, "unauthorized", "registering the account");
    assert!(!ended.stderr.contains(KEY_TEXT) && !ended.stdout.contains(KEY_TEXT), "{ended:?}");
    assert_no_certificate(&fixture);
}

#[test]
fn a_missing_external_account_binding_has_the_code_of_that_input() {
    let fixture = Fixture::new(binding_required());
    let ended = run(&mut fixture.acme_http01());
    ended.assert_failure(13, "external-account-required", "external account");
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().new_account), 0, "it was sent in vain");
    assert_no_certificate(&fixture);
}

#[test]
fn terms_of_service_must_be_agreed_to() {
    let terms = "https://ca.example/terms";
    let config = Config::default().with_terms_of_service(terms).with_agreement_required(true);
    let fixture = Fixture::new(config);
    run(&mut fixture.acme_http01()).assert_failure(20, "terms-not-agreed", terms);
    assert_no_certificate(&fixture);
    run(fixture.acme_http01().arg("--agree-tos")).assert_success();
}

#[test]
fn a_validation_that_fails_leaves_the_certificate_before_it_untouched() {
    let fixture = Fixture::new(Config::default());
    run(&mut fixture.acme_http01()).assert_success();
    let (chain, key) = (fixture.out().join("chain.pem"), fixture.out().join("key.pem"));
    let before = (fs::read(&chain).unwrap(), fs::read(&key).unwrap(), fixture.files());

    let mut command = fixture.acme();
    // Not where the CA looks.
    let elsewhere = format!("127.0.0.1:{}", free_port());
    command.args(["--domain", "www.example.org", "--http01-listen", &elsewhere]);
    let ended = run(&mut command);
    ended.assert_failure(35, "connection", "www.example.org");
    let after = (fs::read(&chain).unwrap(), fs::read(&key).unwrap(), fixture.files());
    assert_eq!(before, after);
}

#[test]
fn an_account_that_the_ca_has_lost_is_not_silently_made_again() {
    let fixture = Fixture::new(Config::default());
    run(&mut fixture.acme_http01()).assert_success();
    let files = fixture.files();

    let fixture = fixture.with_memory_of_the_ca_lost();
    let ended = run(&mut fixture.acme_http01());
    ended.assert_failure(40, "accountDoesNotExist", "move DIR/account away");
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().new_account), 0);
    assert_eq!(fixture.files(), files);
}

#[test]
fn the_deadline_is_kept() {
    let fixture = Fixture::new(Config::default().with_validation_delay(Duration::from_secs(60)));
    let begin = Instant::now();
    let ended = run(fixture.acme_http01().args(["--deadline", "1"]));
    ended.assert_failure(34, "deadline", "waiting for validation");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_no_certificate(&fixture);

    let ended = run(fixture.acme_http01().args(["--deadline", "1", "--json"]));
    let object: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (34, ""));
    assert_eq!(object["kind"], "deadline");
    assert_eq!(object["step"], "waiting for validation");
    assert_eq!(object["retry"]["when"], "at");
    assert!(object["retry"]["time"].as_str().unwrap().ends_with('Z'), "{object}");
}

#[test]
fn a_server_that_cannot_be_reached_or_trusted_is_a_network_failure() {
    let fixture = Fixture::new(Config::default());
    let nobody = format!("https://127.0.0.1:{}/directory", free_port());
    for directory in [nobody.as_str(), fixture.ca.directory_url()] {
        // Without `--ca-root`.
        let mut command = Command::new(env!("CARGO_BIN_EXE_acme"));
        command.args(["issue", "--directory", directory, "--domain", "www.example.org"]);
        command.args(["--http01-listen", &fixture.http01, "--deadline", "20", "--out"]);
        let ended = run(command.arg(fixture.out()));
        assert_eq!((ended.code, ended.stderr.lines().count()), (33, 1), "{ended:?}");
    }
    assert_eq!(fixture.requests(), 0);
    assert_no_certificate(&fixture);
}

#[test]
fn a_profile_that_the_ca_does_not_have_is_named() {
    let fixture = Fixture::new(Config::default().with_profile("short", "six days"));
    let ended = run(fixture.acme_http01().args(["--profile", "long"]));
    assert!(ended.code != 0 && ended.stderr.contains("long"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert_no_certificate(&fixture);
}

#[cfg(unix)]
#[test]
fn a_program_for_dns01_that_fails_is_told_to_withdraw_and_its_last_words_are_shown() {
    let fixture = Fixture::new(Config::default());
    let log = fixture.path("log");
    let script = support::script(
        &fixture.path("update-zone"),
        &format!("echo \"$1 $2\" >> '{}'\necho 'the zone is frozen' >&2\nexit 3", log.display()),
    );
    let mut command = fixture.acme();
    command.args(["--domain", "*.example.org", "--dns01-exec"]).arg(script);
    let ended = run(&mut command);
    assert_eq!((ended.code, ended.stderr.lines().count()), (36, 1), "{ended:?}");
    assert!(ended.stderr.contains("the zone is frozen"), "{ended:?}");
    let log = fs::read_to_string(log).unwrap();
    let expected = "present _acme-challenge.example.org\nwithdraw _acme-challenge.example.org\n";
    assert_eq!(log, expected);
    assert_no_certificate(&fixture);
}

#[cfg(unix)]
#[test]
fn ctrl_c_withdraws_the_challenge() {
    for signal in ["-INT", "-TERM"] {
        let config = Config::default().with_validation_delay(Duration::from_secs(60));
        let fixture = Fixture::new(config);
        let webroot = tempfile::tempdir().unwrap();
        let mut command = fixture.acme();
        command.args(["--domain", "www.example.org", "--webroot"]).arg(webroot.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let proofs = webroot.path().join(".well-known/acme-challenge");
        let published = || fs::read_dir(&proofs).map_or(0, Iterator::count);
        let begin = Instant::now();
        // In place, and the CA asked to look.
        while published() == 0 || fixture.ca.with_ca(|ca| ca.requests().challenge) == 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "nothing was published");
            thread::sleep(Duration::from_millis(20));
        }
        let kill = format!("kill {signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let ended: support::Ended = child.wait_with_output().unwrap().into();
        ended.assert_failure(130, "cancelled", "");
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
        assert_eq!(published(), 0);
        assert_no_certificate(&fixture);
    }
}

#[test]
fn two_calls_at_once_do_not_share_a_directory() {
    let fixture = Fixture::new(Config::default().with_validation_delay(Duration::from_secs(4)));
    let mut first = fixture.acme_http01();
    let first = first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while fixture.ca.with_ca(|ca| ca.requests().new_order) == 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the first call does not get on");
        thread::sleep(Duration::from_millis(20));
    }
    let mut second = fixture.acme();
    let elsewhere = format!("127.0.0.1:{}", free_port());
    second.args(["--domain", "www.example.org", "--http01-listen", &elsewhere]);
    run(&mut second).assert_failure(41, "store-locked", "another process");
    let first: support::Ended = first.wait_with_output().unwrap().into();
    first.assert_success();
}
