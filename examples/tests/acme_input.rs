//! Bad input of `acme issue`: one line, an exit code of its own, nothing sent, nothing written.

mod support;

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use acmekit_testing::Config;
use support::{Fixture, free_port, run};

const KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// Runs `acme` and expects it to fail without a request and without a file.
#[track_caller]
fn refused(fixture: &Fixture, command: &mut Command, exit: i32, code: &str, words: &str) {
    let ended = run(command);
    ended.assert_failure(exit, code, words);
    assert_eq!(ended.stdout, "");
    assert_eq!(fixture.requests(), 0, "the CA was asked");
    assert!(!fixture.out().exists(), "files were left: {:?}", fixture.files());
}

#[test]
fn without_a_domain() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme();
    command.args(["--http01-listen", &fixture.http01]);
    refused(&fixture, &mut command, 10, "domain-missing", "--domain");
}

#[test]
fn with_a_domain_that_is_no_name() {
    let fixture = Fixture::new(Config::default());
    for name in ["", "a..example", "exa mple.org", "a.example/x", "*.*.example.org"] {
        let mut command = fixture.acme();
        command.args(["--http01-listen", &fixture.http01, "--domain", name]);
        refused(&fixture, &mut command, 10, "domain-malformed", "");
    }
}

#[test]
fn with_a_wildcard_and_a_challenge_that_cannot_prove_it() {
    let fixture = Fixture::new(Config::default());
    let webroot = fixture.path("");
    for challenge in [
        ["--http01-listen", &fixture.http01],
        ["--tlsalpn01-listen", &fixture.tls_alpn01],
        ["--webroot", webroot.to_str().unwrap()],
    ] {
        let mut command = fixture.acme();
        command.args(challenge).args(["--domain", "*.example.org"]);
        refused(&fixture, &mut command, 11, "wildcard-needs-dns-01", "--dns01-exec");
    }
}

#[test]
fn with_an_address_and_a_challenge_that_cannot_prove_it() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme();
    command.args(["--dns01-exec", "true", "--domain", "127.0.0.1"]);
    refused(&fixture, &mut command, 11, "address-without-dns", "127.0.0.1");
}

#[test]
fn with_a_root_that_cannot_be_read() {
    let fixture = Fixture::new(Config::default());
    let empty = fixture.path("empty.pem");
    fs::write(&empty, "not a certificate").unwrap();
    let broken = fixture.path("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n").unwrap();
    for root in [fixture.path("missing.pem"), fixture.path(""), empty, broken] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acme"));
        command.args(["issue", "--directory", fixture.ca.directory_url(), "--ca-root"]);
        command.arg(root).arg("--out").arg(fixture.out());
        command.args(["--domain", "www.example.org", "--http01-listen", &fixture.http01]);
        refused(&fixture, &mut command, 12, "root-unreadable", "--ca-root");
    }
}

#[test]
fn with_a_malformed_external_account_key_which_is_never_shown() {
    let fixture = Fixture::new(Config::default());
    for key in ["", "secret*secret", "sec ret*", "secre", "sec-ret/"] {
        let mut command = fixture.acme_http01();
        command.args(["--eab-kid", "kid-1", "--eab-hmac-key", key]);
        refused(&fixture, &mut command, 13, "eab-key-malformed", "");
        assert!(!run(&mut command).stderr.contains("sec"), "the key is shown");
    }
}

#[test]
fn with_an_external_account_key_that_a_space_has_torn_which_is_never_shown() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key", "c2Vj", "cmV0"]);
    refused(&fixture, &mut command, 2, "usage", "belongs to no option");
    let ended = run(&mut command);
    assert!(!ended.stderr.contains("cmV0") && !ended.stderr.contains("c2Vj"), "{ended:?}");
}

#[test]
fn with_half_of_an_external_account_binding() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1"]);
    refused(&fixture, &mut command, 13, "eab-key-missing", "--eab-hmac-key-file");

    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", " ", "--eab-hmac-key", KEY]);
    refused(&fixture, &mut command, 13, "eab-kid-malformed", "key id");

    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key-file"]).arg(fixture.path("missing"));
    refused(&fixture, &mut command, 13, "eab-key-unreadable", "missing");

    let mut command = fixture.acme_http01();
    command.args(["--eab-hmac-key", KEY]);
    refused(&fixture, &mut command, 2, "usage", "--eab-kid");
}

#[test]
fn with_a_directory_that_is_not_https() {
    let fixture = Fixture::new(Config::default());
    for (url, code) in [
        ("http://127.0.0.1:1/directory", "plain-http"),
        ("http://ca.example/directory", "plain-http"),
        ("ca.example/directory", "url-malformed"),
        ("ftp://ca.example/", "url-malformed"),
        ("", "url-malformed"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acme"));
        command.args(["issue", "--directory", url, "--domain", "www.example.org"]);
        command.args(["--http01-listen", &fixture.http01, "--out"]).arg(fixture.out());
        refused(&fixture, &mut command, 14, code, "");
        if url.contains("ca.example") {
            // Only a loopback address may be http, whatever is allowed.
            refused(&fixture, command.arg("--allow-http"), 14, code, "");
        }
    }
}

#[test]
fn with_a_port_in_use() {
    let fixture = Fixture::new(Config::default());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for option in ["--http01-listen", "--tlsalpn01-listen"] {
        let mut command = fixture.acme();
        command.args(["--domain", "www.example.org", option, &address]);
        refused(&fixture, &mut command, 15, "address-in-use", &address);
    }
}

#[test]
fn with_an_output_directory_that_cannot_be_written_to() {
    let fixture = Fixture::new(Config::default());
    let file = fixture.path("file");
    fs::write(&file, "kept").unwrap();
    for out in [file.clone(), file.join("below"), "/proc/acme".into()] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_acme"));
        command.args(["issue", "--directory", fixture.ca.directory_url()]);
        command.args(["--domain", "www.example.org", "--http01-listen", &fixture.http01]);
        command.arg("--out").arg(out);
        refused(&fixture, &mut command, 16, "out-not-writable", "--out");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "kept");
}

#[test]
fn with_a_malformed_subject_or_one_for_another_name() {
    let fixture = Fixture::new(Config::default());
    for subject in ["", "C=Japan", "nonsense", "C=JP,CN=other.example"] {
        let mut command = fixture.acme_http01();
        command.args(["--subject", subject]);
        refused(&fixture, &mut command, 17, "subject-malformed", "--subject");
    }
}

#[test]
fn with_a_malformed_contact() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme_http01();
    command.args(["--email", "a@example.org,b@example.org"]);
    refused(&fixture, &mut command, 18, "email-malformed", "--email");
}

#[test]
fn with_a_challenge_set_up_that_is_not_there() {
    let fixture = Fixture::new(Config::default());
    for (option, code) in [("--webroot", "webroot"), ("--dns01-exec", "program")] {
        let mut command = fixture.acme();
        command.args(["--domain", "www.example.org", option]).arg(fixture.path("missing"));
        refused(&fixture, &mut command, 19, code, "missing");
    }
}

#[test]
fn with_a_command_line_that_cannot_be_understood() {
    let fixture = Fixture::new(Config::default());
    let without_challenge = || {
        let mut command = fixture.acme();
        command.args(["--domain", "www.example.org"]);
        command
    };
    let port = free_port().to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["--http01-listen", &fixture.http01, "--webroot", "."], "cannot be used with"),
        (&["--http01-listen", &port], "--http01-listen"),
        (&["--http01-listen", &fixture.http01, "--key-type", "rsa1024"], "rsa1024"),
        (&["--http01-listen", &fixture.http01, "--deadline", "0"], "--deadline"),
        (&["--http01-listen", &fixture.http01, "--nonsense"], "--nonsense"),
    ];
    for (arguments, words) in cases {
        refused(&fixture, without_challenge().args(*arguments), 2, "usage", words);
    }
    refused(&fixture, &mut Command::new(env!("CARGO_BIN_EXE_acme")), 2, "usage", "subcommand");
}

#[test]
fn and_with_json_the_line_is_one_object() {
    let fixture = Fixture::new(Config::default());
    let mut no_domain = fixture.acme();
    no_domain.args(["--http01-listen", &fixture.http01, "--json"]);
    let mut usage = fixture.acme();
    usage.args(["--json", "--nonsense"]);
    for (mut command, exit, code) in [(no_domain, 10, "domain-missing"), (usage, 2, "usage")] {
        let ended = run(&mut command);
        assert_eq!((ended.code, ended.stdout.as_str()), (exit, ""));
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        let object: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
        assert_eq!(object["ok"], false);
        assert_eq!(object["exit"], exit);
        assert_eq!(object["code"], code);
        assert_eq!(object["kind"], "input");
        assert_eq!(object["retry"]["when"], "input-is-corrected");
        assert!(object["message"].is_string() && object["advice"].is_string(), "{object}");
    }
}
