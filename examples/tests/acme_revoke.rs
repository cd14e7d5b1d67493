//! `acme revoke` takes certificates back, by the account or by the certificate's key.

mod support;

use std::fs;

use acmekit_testing::Config;
use support::{Fixture, openssl, run};

/// A CA that has issued a certificate for two names.
fn with_certificate() -> Fixture {
    let fixture = Fixture::new(Config::default());
    run(fixture.acme_http01().args(["--domain", "example.org"])).assert_success();
    fixture
}

/// The serial number of the certificate in `--out`, in hexadecimal as openssl writes it.
fn serial(fixture: &Fixture) -> String {
    let chain = fixture.out().join("chain.pem");
    let said = openssl(["x509", "-noout", "-serial", "-in", chain.to_str().unwrap()]);
    said.trim().strip_prefix("serial=").unwrap().to_owned()
}

/// The same number in decimal, by long multiplication.
fn decimal(hexadecimal: &str) -> String {
    let mut digits = vec![0];
    for mut carry in hexadecimal.chars().map(|digit| digit.to_digit(16).unwrap()) {
        for digit in &mut digits {
            carry += *digit * 16;
            *digit = carry % 10;
            carry /= 10;
        }
        digits.extend([carry % 10, carry / 10]);
    }
    let text: String = digits.iter().rev().map(u32::to_string).collect();
    text.trim_start_matches('0').to_owned()
}

/// The reason of the revocation of the certificate in `--out`, if it is revoked.
fn revoked(fixture: &Fixture) -> Option<Option<u8>> {
    let digits = serial(fixture);
    let serial: Vec<u8> = (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    fixture.ca.with_ca(|ca| ca.revoked(&serial)).map(|revocation| revocation.reason)
}

#[test]
fn by_the_account_after_listing_the_names_and_twice_is_success() {
    let fixture = with_certificate();
    assert_eq!(revoked(&fixture), None);
    let mut command = fixture.acme_with_account(&["revoke", "--reason", "superseded"]);
    let ended = run(&mut command);
    ended.assert_success();
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.contains("www.example.org, example.org"), "{ended:?}");
    assert!(!ended.stdout.contains("note: "), "{ended:?}");
    assert_eq!(revoked(&fixture), Some(Some(4)));

    let ended = run(&mut command);
    ended.assert_success();
    assert!(ended.stdout.contains("note: it had been revoked before\n"), "{ended:?}");
    let ended = run(command.arg("--json"));
    ended.assert_success();
    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(object["already"], true);
    assert_eq!(object["names"], serde_json::json!(["www.example.org", "example.org"]));
    fixture.assert_no_violations();
}

#[test]
fn the_serial_number_is_told_in_hexadecimal_and_in_decimal() {
    let fixture = with_certificate();
    let hexadecimal = serial(&fixture);
    let decimal = decimal(&hexadecimal);
    let ended = run(&mut fixture.acme_with_account(&["revoke"]));
    ended.assert_success();
    let first = ended.stdout.lines().next().unwrap();
    let serials = format!("{} (decimal {decimal})", hexadecimal.to_lowercase());
    assert!(first.contains(&serials), "{serials} is missing in {ended:?}");
    let ended = run(fixture.acme_with_account(&["revoke"]).arg("--json"));
    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(object["serial"], hexadecimal.to_lowercase());
    assert_eq!(object["serial_decimal"], decimal);
}

#[test]
fn the_reason_is_sent_by_its_number_and_unspecified_is_not_sent() {
    let fixture = with_certificate();
    for (reason, expected) in [
        ("unspecified", None),
        ("keyCompromise", Some(1)),
        ("affiliation-changed", Some(3)),
        ("superseded", Some(4)),
        ("cessationofoperation", Some(5)),
        ("certificateHold", Some(6)),
        ("9", Some(9)),
    ] {
        run(&mut fixture.acme_http01()).assert_success();
        run(&mut fixture.acme_with_account(&["revoke", "--reason", reason])).assert_success();
        assert_eq!(revoked(&fixture), Some(expected), "{reason}");
    }
    fixture.assert_no_violations();
}

#[test]
fn by_the_key_of_the_certificate_without_an_account() {
    let fixture = with_certificate();
    let mut command = fixture.acme_without_account(&["revoke"]);
    command.arg("--cert").arg(fixture.out().join("chain.pem"));
    command.arg("--key").arg(fixture.out().join("key.pem"));
    run(&mut command).assert_success();
    assert_eq!(revoked(&fixture), Some(None));
    fixture.assert_no_violations();
}

#[test]
fn a_certificate_of_another_ca_is_refused() {
    let (fixture, other) = (with_certificate(), with_certificate());
    let mut command = fixture.acme_with_account(&["revoke"]);
    let ended = run(command.arg("--cert").arg(other.out().join("chain.pem")));
    assert_eq!((ended.code, ended.stderr.lines().count()), (30, 1), "{ended:?}");
}

#[test]
fn wrong_input_sends_nothing() {
    let fixture = with_certificate();
    let other = fixture.path("other.pem");
    let key = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"];
    openssl(key.into_iter().chain([other.to_str().unwrap()]));
    let text = fixture.path("text");
    fs::write(&text, "no certificate").unwrap();
    let chain = fixture.out().join("chain.pem");
    let missing = fixture.path("missing");
    let [chain, other, text, missing] =
        [&chain, &other, &text, &missing].map(|path| path.to_str().unwrap());
    let before = fixture.requests();

    let mistakes: &[(&[&str], i32, &str, &str)] = &[
        (&["--cert", text, "--key", other], 22, "certificate-unreadable", "--cert"),
        (&["--cert", missing, "--key", other], 22, "certificate-unreadable", "missing"),
        (&["--out", missing], 22, "certificate-unreadable", "missing"),
        (&["--cert", chain, "--out", missing], 24, "account-not-stored", "missing"),
        (&["--cert", chain, "--key", other], 22, "certificate-key-unusable", "not the key"),
        (&["--cert", chain, "--key", text], 22, "certificate-key-unusable", "text"),
        (&["--cert", chain], 2, "usage", "--out"),
        (&[], 2, "usage", "--out"),
        (&["--cert", chain, "--key", other, "--reason", "because"], 2, "usage", "superseded"),
    ];
    for (arguments, exit, code, words) in mistakes {
        let mut command = fixture.acme_without_account(&["revoke"]);
        run(command.args(*arguments)).assert_failure(*exit, code, words);
    }
    assert_eq!(fixture.requests(), before, "the CA was asked");
    assert_eq!(revoked(&fixture), None);
    assert!(!fs::exists(missing).unwrap());
}
