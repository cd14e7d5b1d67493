//! The quickstart does what the README says.

mod support;

use std::process::Command;

#[test]
fn the_quickstart_prints_a_chain_that_openssl_accepts() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("a new directory");
    let mut quickstart = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    let ended = support::run(quickstart.arg("--out").arg(&directory));
    assert_eq!(ended.code, 0, "{ended:?}");

    let chain = directory.join("chain.pem");
    assert_eq!(ended.stdout, std::fs::read_to_string(&chain).unwrap());
    support::openssl_verify(&directory.join("root.pem"), &chain);

    // The command line that it shows works as it stands.
    let shown = ended.stderr.lines().find(|line| line.starts_with("openssl verify")).unwrap();
    let verified = support::run(Command::new("sh").args(["-c", shown]));
    assert!(verified.stdout.ends_with(": OK\n"), "{verified:?}");
    #[cfg(unix)]
    assert_eq!(support::mode(&directory.join("key.pem")), 0o600);
}

#[test]
fn the_quickstart_can_be_run_again_in_the_same_directory() {
    let place = tempfile::tempdir().unwrap();
    let run = || {
        let mut quickstart = Command::new(env!("CARGO_BIN_EXE_quickstart"));
        support::run(quickstart.arg("--out").arg(place.path()))
    };
    let (first, second) = (run(), run());
    assert_eq!((first.code, second.code), (0, 0), "{second:?}");
    assert_ne!(first.stdout, second.stdout);
    support::openssl_verify(&place.path().join("root.pem"), &place.path().join("chain.pem"));
}
