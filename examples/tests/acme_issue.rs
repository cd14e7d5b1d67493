//! `acme issue` obtains certificates from a CA on loopback, by every challenge it knows.

mod support;

use std::fs;
use std::path::Path;

use acmekit_testing::server::ServerOptions;
use acmekit_testing::{Config, ExternalAccount, ExternalAccountPolicy};
use support::{Fixture, mode, openssl, run};

const KEY: [u8; 32] = [0x5a; 32];
/// The same in base64url.
const KEY_TEXT: &str = "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo";

fn binding_required() -> Config {
    Config::default()
        .with_external_account_policy(ExternalAccountPolicy::Required)
        .with_external_account(ExternalAccount::new("kid-1", KEY).single_use())
}

fn describe(out: &Path) -> String {
    let chain = out.join("chain.pem");
    openssl([
        "x509".as_ref(),
        "-in".as_ref(),
        chain.as_os_str(),
        "-noout".as_ref(),
        "-text".as_ref(),
    ])
}

#[test]
fn a_certificate_by_http01_is_on_disk_and_openssl_accepts_it() {
    let fixture = Fixture::new(Config::default());
    let ended = run(fixture.acme_http01().args(["--domain", "example.org"]));
    ended.assert_success();
    assert!(ended.stdout.contains("certificate for "), "{ended:?}");
    assert!(ended.stdout.contains("waiting for the CA"), "no progress in {ended:?}");

    fixture.assert_openssl_verifies();
    let text = describe(&fixture.out());
    for name in ["DNS:www.example.org", "DNS:example.org"] {
        assert!(text.contains(name), "{text}");
    }
    // The key is the certificate's: openssl reads it and finds the same public half.
    let (chain, key) = (fixture.out().join("chain.pem"), fixture.out().join("key.pem"));
    let of = |arguments: [&str; 2], file: &Path| {
        openssl([arguments[0], "-in", file.to_str().unwrap(), "-noout", arguments[1]])
    };
    assert_eq!(
        of(["x509", "-pubkey"], &chain),
        openssl(["pkey", "-in", key.to_str().unwrap(), "-pubout"])
    );
    // 2N + 5, the directory and one nonce.
    assert_eq!(fixture.requests(), 2 * 2 + 5 + 2);
    fixture.assert_no_violations();
}

#[cfg(unix)]
#[test]
fn keys_and_directories_are_for_the_owner_only() {
    let fixture = Fixture::new(Config::default());
    run(&mut fixture.acme_http01()).assert_success();
    let files = fixture.files();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in &files {
        let expected = if file == "chain.pem" { 0o644 } else { 0o600 };
        assert_eq!(mode(&fixture.out().join(file)), expected, "{file}");
        for directory in Path::new(file).ancestors().skip(1) {
            assert_eq!(mode(&fixture.out().join(directory)), 0o700, "{directory:?}");
        }
    }
}

#[test]
fn a_second_call_uses_the_account_and_does_not_send_the_binding_again() {
    let fixture = Fixture::new(binding_required());
    let flags = ["--eab-kid", "kid-1", "--eab-hmac-key", KEY_TEXT];
    run(fixture.acme_http01().args(flags).args(["--email", "admin@example.org"])).assert_success();
    let chain = fixture.out().join("chain.pem");
    let (first, files) = (fs::read(&chain).unwrap(), fixture.files());
    let before = fixture.requests();

    run(fixture.acme_http01().args(flags)).assert_success();
    let second = fs::read(&chain).unwrap();
    assert_ne!(first, second);
    fixture.assert_openssl_verifies();
    // 2N + 5 are for a new account: this one is known.
    assert_eq!(fixture.requests() - before, 2 + 5 + 2 - 1);
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().new_account), 1);

    // The account is found without its key id, too; the binding was needed once.
    run(&mut fixture.acme_http01()).assert_success();
    assert_eq!(fixture.ca.with_ca(|ca| ca.requests().new_account), 1);
    assert_eq!(fixture.files(), files);
    fixture.assert_no_violations();
}

#[test]
fn the_binding_key_is_taken_from_a_file_or_the_environment() {
    let fixture = Fixture::new(binding_required());
    let file = fixture.path("hmac-key");
    fs::write(&file, format!("{KEY_TEXT}\n")).unwrap();
    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1", "--eab-hmac-key-file"]).arg(file);
    run(&mut command).assert_success();

    let fixture = Fixture::new(binding_required());
    let mut command = fixture.acme_http01();
    command.args(["--eab-kid", "kid-1", "--eab-alg", "hs512"]).env("ACME_EAB_HMAC_KEY", KEY_TEXT);
    run(&mut command).assert_success();
}

#[test]
fn a_certificate_by_http01_through_the_webroot_of_another_server() {
    let fixture = Fixture::new(Config::default());
    let webroot = tempfile::tempdir().unwrap();
    fs::write(webroot.path().join("index.html"), "unconcerned").unwrap();
    support::web::serve(&fixture.http01, webroot.path().to_owned());
    let mut command = fixture.acme();
    command.args(["--domain", "www.example.org", "--domain", "example.org", "--webroot"]);
    run(command.arg(webroot.path())).assert_success();
    fixture.assert_openssl_verifies();
    let text = describe(&fixture.out());
    for name in ["DNS:www.example.org", "DNS:example.org"] {
        assert!(text.contains(name), "{text}");
    }
    let proofs = webroot.path().join(".well-known/acme-challenge");
    let left: Vec<_> = fs::read_dir(proofs).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(webroot.path().join("index.html").exists());
    fixture.assert_no_violations();
}

#[test]
fn a_certificate_by_tls_alpn01() {
    let fixture = Fixture::new(Config::default());
    let mut command = fixture.acme();
    command.args(["--domain", "www.example.org", "--tlsalpn01-listen", &fixture.tls_alpn01]);
    run(&mut command).assert_success();
    fixture.assert_openssl_verifies();
}

#[cfg(unix)]
#[test]
fn a_wildcard_by_dns01_with_a_script() {
    let zone = tempfile::tempdir().unwrap();
    let records = zone.path().join("records");
    let script = support::script(
        &zone.path().join("update-zone"),
        &format!(
            "records='{}'\n\
             case \"$1\" in\n\
             present) echo \"$2 $3\" >> \"$records\" ;;\n\
             withdraw) grep -v -x -F -e \"$2 $3\" \"$records\" > \"$records.new\"\n\
                 mv \"$records.new\" \"$records\" ;;\n\
             esac",
            records.display()
        ),
    );
    let options = ServerOptions::default().with_dns_server(support::dns::serve(records.clone()));
    let fixture = Fixture::with_options(Config::default(), options);
    let mut command = fixture.acme();
    command.args(["--domain", "*.example.org", "--dns01-exec"]).arg(script);
    run(&mut command).assert_success();
    fixture.assert_openssl_verifies();
    assert!(describe(&fixture.out()).contains("DNS:*.example.org"));
    assert_eq!(fs::read_to_string(records).unwrap(), "", "a record was left");
}

#[test]
fn key_type_and_subject_are_as_asked_for() {
    let fixture = Fixture::new(Config::default().with_keep_subject(true));
    let subject = "C=JP,ST=Tokyo,L=Chofu,O=Example University,CN=www.example.org";
    let key_type = ["--key-type", "p384"];
    run(fixture.acme_http01().args(key_type).args(["--subject", subject])).assert_success();
    let text = describe(&fixture.out());
    assert!(text.contains("secp384r1"), "{text}");
    let order = "C = JP, ST = Tokyo, L = Chofu, O = Example University, CN = www.example.org";
    assert!(text.contains(order), "{text}");

    run(fixture.acme_http01().args(["--key-type", "rsa2048"])).assert_success();
    assert!(describe(&fixture.out()).contains("Public-Key: (2048 bit)"));
}

#[test]
fn the_preferred_chain_is_taken() {
    let fixture = Fixture::new(Config::default());
    let alternate = fixture.ca.with_ca(|ca| ca.alternate_root_pem()).unwrap();
    let root = fixture.path("alternate.pem");
    fs::write(&root, alternate).unwrap();
    let arguments = ["x509", "-noout", "-subject", "-nameopt", "multiline", "-in"];
    let subject = openssl(arguments.into_iter().chain([root.to_str().unwrap()]));
    let name = subject.lines().find_map(|line| line.trim().strip_prefix("commonName")).unwrap();
    let name = name.trim_start_matches([' ', '=']);

    run(fixture.acme_http01().args(["--preferred-chain", name])).assert_success();
    support::openssl_verify(&root, &fixture.out().join("chain.pem"));

    let ended = run(fixture.acme_http01().args(["--preferred-chain", "No Such Root"]));
    ended.assert_success();
    assert!(ended.stdout.contains("note: "), "{ended:?}");
    fixture.assert_openssl_verifies();
}

#[test]
fn the_profile_is_asked_for() {
    let fixture = Fixture::new(Config::default().with_profile("short", "six days"));
    run(fixture.acme_http01().args(["--profile", "short"])).assert_success();
}

#[test]
fn with_json_the_result_is_one_object() {
    let fixture = Fixture::new(Config::default());
    let ended = run(fixture.acme_http01().arg("--json"));
    ended.assert_success();
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(object["ok"], true);
    assert_eq!(object["names"], serde_json::json!(["www.example.org"]));
    assert_eq!(object["requests"]["total"], fixture.requests());
    assert_eq!(object["requests"]["by_kind"]["newNonce"], 1);
    assert_eq!(object["deviations"], serde_json::json!([]));
    for (member, file) in [("chain", "chain.pem"), ("key", "key.pem")] {
        let path = Path::new(object[member].as_str().unwrap());
        assert_eq!(path, fixture.out().join(file).canonicalize().unwrap());
    }
    assert!(object["not_after"].as_str().unwrap().ends_with('Z'), "{object}");
}
