//! The flow driven by hand gives a certificate, and its source stays short.

mod support;

use std::process::Command;

#[test]
fn a_flow_driven_by_another_http_client_gives_a_chain() {
    let ended = support::run(&mut Command::new(env!("CARGO_BIN_EXE_manual_driver")));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.stdout.matches("-----BEGIN CERTIFICATE-----").count(), 2, "{ended:?}");

    let place = tempfile::tempdir().unwrap();
    let chain = place.path().join("chain.pem");
    std::fs::write(&chain, &ended.stdout).unwrap();
    let path = chain.to_str().unwrap();
    let names = support::openssl(["x509", "-in", path, "-noout", "-ext", "subjectAltName"]);
    assert!(names.contains("DNS:www.example.org"), "{names}");
}

#[test]
fn the_driver_is_shorter_than_100_lines() {
    let lines = include_str!("../src/bin/manual_driver.rs").lines().count();
    assert!(lines < 100, "{lines} lines");
}
