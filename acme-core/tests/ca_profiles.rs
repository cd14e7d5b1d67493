//! The profiles of the CAs: what they know, and what they check before anything is sent.

use std::collections::BTreeSet;
use std::time::Duration;

use acmekit_core::ca::{CaProfile, DryRun, RetryHint, RuleKind};
use acmekit_core::certificate::CertificateRequest;
use acmekit_core::error::Step;
use acmekit_core::jose::{JwsAlgorithm, MacAlgorithm};
use acmekit_core::problem::Problem;
use acmekit_core::types::Identifier;
use serde_json::json;

fn profile(id: &str) -> CaProfile {
    CaProfile::named(id).unwrap_or_else(|| panic!("no profile {id}"))
}

fn problem(kind: &str, detail: &str) -> Problem {
    let value = json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    Problem::from_value(&value).unwrap()
}

fn names(names: &[&str]) -> Vec<Identifier> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn mails(mails: &[&str]) -> Vec<String> {
    mails.iter().map(|mail| format!("mailto:{mail}")).collect()
}

#[test]
fn jprs_takes_one_to_six_contacts_each_once() {
    let jprs = profile("jprs");
    let check = |contacts: &[&str]| {
        jprs.check_registration(&mails(contacts), true, Some(MacAlgorithm::Hs256))
            .map_err(|fault| fault.code())
    };
    let seven = ["a@x.jp", "b@x.jp", "c@x.jp", "d@x.jp", "e@x.jp", "f@x.jp", "g@x.jp"];
    assert_eq!(check(&[]), Err("contacts-too-few"));
    assert_eq!(check(&seven[..1]), Ok(()));
    assert_eq!(check(&seven[..6]), Ok(()));
    assert_eq!(check(&seven), Err("contacts-too-many"));
    assert_eq!(check(&["a@x.jp", "A@X.JP"]), Err("contact-duplicate"));
    let mixed = ["MAILTO:a@x.jp".to_owned(), "a@x.jp".to_owned()];
    let fault = jprs.check_registration(&mixed, true, None).unwrap_err();
    assert_eq!(fault.code(), "contact-duplicate");
    for wrong in ["tel:+81312345678", "https://x.jp/", "mailto:nobody"] {
        let fault = jprs.check_registration(&[wrong.to_owned()], true, None).unwrap_err();
        assert_eq!(fault.code(), "contact-not-mailto", "{wrong}");
    }
    assert_eq!(profile("letsencrypt").check_registration(&[], false, None), Ok(()));
}

#[test]
fn a_missing_binding_and_another_mac_algorithm_are_found_before_they_are_sent() {
    let contact = mails(&["a@x.jp"]);
    let fault = profile("jprs").check_registration(&contact, false, None).unwrap_err();
    assert_eq!(fault.code(), "external-account-required");
    assert!(fault.to_string().contains("reseller"), "{fault}");
    let google = profile("google");
    assert_eq!(google.check_registration(&contact, true, Some(MacAlgorithm::Hs256)), Ok(()));
    let fault = google.check_registration(&contact, true, Some(MacAlgorithm::Hs512)).unwrap_err();
    assert_eq!(fault.code(), "external-account-algorithm");
    // The directory of SSL.com says that none is needed.
    let ssl_com = profile("sslcom-rsa");
    assert!(ssl_com.external_account.directory_is_wrong);
    assert!(ssl_com.check_registration(&contact, false, None).is_err());
}

#[test]
fn a_closed_ca_says_so() {
    let fault = profile("buypass").check_order(&names(&["example.org"])).unwrap_err();
    assert_eq!(fault.to_string(), "Buypass Go SSL issues nothing more since 2025-10-15");
}

#[test]
fn names_outside_the_domain_of_the_institution_are_refused_with_the_reason() {
    for (id, inside, outside) in [
        ("upki-saitama", "www.saitama-u.ac.jp", "www.uec.ac.jp"),
        ("upki-saitama", "a.b.saitama-u.ac.jp", "saitama-u.ac.jp"),
        ("upki-saitama", "www.saitama-u.ac.jp", "www.notsaitama-u.ac.jp"),
        ("upki-uec", "uec.ac.jp", "uec.ac.jp.example.com"),
        ("upki-uec", "www.uec.ac.jp", "192.0.2.1"),
    ] {
        let ca = profile(id);
        assert_eq!(ca.check_order(&names(&[inside])), Ok(()));
        let fault = ca.check_order(&names(&[inside, outside])).unwrap_err();
        assert_eq!(fault.code(), "name-outside-domain");
        let text = fault.to_string();
        assert!(text.contains(outside) && text.contains("own domain"), "{text}");
    }
}

#[test]
fn number_and_kind_of_names_are_checked() {
    let upki = profile("upki");
    let nine = names(&["a.jp", "b.jp", "c.jp", "d.jp", "e.jp", "f.jp", "g.jp", "h.jp", "i.jp"]);
    assert_eq!(upki.check_order(&nine[..8]), Ok(()));
    assert_eq!(upki.check_order(&nine).unwrap_err().code(), "too-many-names");
    assert_eq!(upki.check_order(&[]).unwrap_err().code(), "no-identifiers");
    let address = names(&["192.0.2.1"]);
    assert_eq!(profile("zerossl").check_order(&address).unwrap_err().code(), "address-not-issued");
    assert_eq!(profile("step-ca").check_order(&address), Ok(()));
    assert_eq!(profile("jprs").check_order(&names(&["*.example.jp"])), Ok(()));
}

#[test]
fn account_keys_are_checked_only_where_the_list_is_known() {
    use JwsAlgorithm::{EdDsa, Es256, Rs256};
    for (id, algorithm, taken) in [
        ("letsencrypt", Es256, true),
        ("letsencrypt", EdDsa, false),
        ("dogtag", Rs256, true),
        ("dogtag", JwsAlgorithm::Es384, false),
        ("step-ca", EdDsa, true),
        ("jprs", EdDsa, true),
    ] {
        assert_eq!(profile(id).check_account_key(algorithm).is_ok(), taken, "{id} {algorithm}");
    }
}

macro_rules! request {
    ($name:literal) => {
        CertificateRequest::from_pem(include_str!(concat!("vectors/ca/", $name, ".pem"))).unwrap()
    };
}

#[test]
fn the_subject_of_saitama_is_taken_only_in_its_exact_form() {
    let ca = profile("upki-saitama");
    let order = names(&["www.saitama-u.ac.jp", "www2.saitama-u.ac.jp"]);
    let check = |request| ca.check_request(&request, &order).map_err(|fault| fault.code());
    assert_eq!(check(request!("saitama")), Ok(()));
    assert_eq!(check(request!("saitama-reversed")), Err("subject-form"));
    assert_eq!(check(request!("saitama-spelling")), Err("subject-form"));
    assert_eq!(check(request!("saitama-joined")), Err("subject-form"));
    assert_eq!(check(request!("saitama-second-name")), Err("common-name-not-first"));
    assert_eq!(check(request!("saitama-ou")), Err("subject-attribute-forbidden"));
    assert_eq!(check(request!("no-subject")), Err("subject-missing"));
    assert_eq!(check(request!("no-common-name")), Err("common-name-missing"));
    let fault = ca.check_request(&request!("saitama-reversed"), &order).unwrap_err();
    let RuleKind::SubjectForm { expected, given, .. } = fault.kind() else { panic!("{fault}") };
    assert_eq!(
        expected,
        "CN=www.saitama-u.ac.jp,O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP"
    );
    assert_eq!(given, "C=JP,ST=Saitama,L=Saitama-shi,O=Saitama University,CN=www.saitama-u.ac.jp");
}

#[test]
fn the_subject_of_uec_is_taken_only_in_its_exact_form() {
    let ca = profile("upki-uec");
    let order = names(&["www.cc.uec.ac.jp"]);
    let check = |request| ca.check_request(&request, &order).map_err(|fault| fault.code());
    assert_eq!(check(request!("uec")), Ok(()));
    assert_eq!(check(request!("uec-capitals")), Err("subject-form"));
    assert_eq!(check(request!("uec-email")), Err("subject-attribute-forbidden"));
    let subject = ca.subject_for(&order[0]).unwrap().to_string();
    let form =
        "C=JP,ST=tokyo,L=chofu,O=The University of Electro-Communications,CN=www.cc.uec.ac.jp";
    assert_eq!(subject, form);
}

#[test]
fn upki_in_general_wants_the_common_name_first_and_no_ou_but_knows_no_form() {
    let ca = profile("upki");
    let order = names(&["www.saitama-u.ac.jp", "www2.saitama-u.ac.jp"]);
    let check = |request| ca.check_request(&request, &order).map_err(|fault| fault.code());
    assert_eq!(check(request!("saitama-reversed")), Ok(()));
    assert_eq!(check(request!("no-subject")), Ok(()));
    assert_eq!(check(request!("saitama-ou")), Err("subject-attribute-forbidden"));
    assert_eq!(check(request!("saitama-second-name")), Err("common-name-not-first"));
}

#[test]
fn upki_demands_rsa_2048_and_short_keys_are_refused_everywhere() {
    let order = names(&["www.saitama-u.ac.jp", "www2.saitama-u.ac.jp"]);
    let code = |id: &str, request: &CertificateRequest| {
        profile(id).check_request(request, &order).map_err(|fault| fault.code())
    };
    for id in ["upki", "upki-saitama"] {
        assert_eq!(code(id, &request!("saitama")), Ok(()));
        assert_eq!(code(id, &request!("saitama-rsa4096")), Err("certificate-key-not-taken"));
        assert_eq!(code(id, &request!("saitama-p256")), Err("certificate-key-not-taken"));
        assert_eq!(code(id, &request!("saitama-rsa1024")), Err("certificate-key-too-short"));
    }
    assert_eq!(code("jprs", &request!("saitama-rsa1024")), Err("certificate-key-too-short"));
    assert_eq!(code("jprs", &request!("saitama-p256")), Ok(()));
    assert_eq!(code("sslcom-ecc", &request!("saitama")), Err("certificate-key-not-taken"));
    let mut ecc = profile("upki");
    ecc.certificate_keys.allowed = None;
    assert_eq!(ecc.check_request(&request!("saitama-p256"), &order), Ok(()));
}

#[test]
fn every_profile_is_complete_unique_and_survives_json() {
    let mut ids = BTreeSet::new();
    for ca in CaProfile::all() {
        assert!(ids.insert(ca.id.clone()), "{} twice", ca.id);
        assert_eq!(ca.id, ca.id.to_lowercase());
        assert!(!ca.name.is_empty() && ca.version > 0 && ca.reviewed.len() == 7, "{}", ca.id);
        assert!(!ca.directories.is_empty(), "{}", ca.id);
        for directory in &ca.directories {
            assert!(directory.url.starts_with("https://"), "{}", directory.url);
            assert!(directory.is_template() || directory.matches(&directory.url));
        }
        let json = serde_json::to_string_pretty(&ca).unwrap();
        assert_eq!(serde_json::from_str::<CaProfile>(&json).unwrap(), ca);
        assert_eq!(CaProfile::named(&ca.id.to_uppercase()), Some(ca));
    }
    for id in [
        "jprs",
        "upki",
        "letsencrypt",
        "zerossl",
        "google",
        "sslcom-rsa",
        "sectigo",
        "digicert",
        "globalsign",
        "harica",
        "actalis",
        "step-ca",
        "vault",
        "openbao",
    ] {
        assert!(ids.contains(id), "{id}");
    }
}

#[test]
fn the_ca_is_recognised_by_its_directory() {
    for (url, id) in [
        ("https://acme.amecert.jprs.jp/DV/getDirectory", Some("jprs")),
        ("https://secomtrust-acme.com/acme/", Some("upki")),
        ("https://secomtrust-acme.com/acme", Some("upki")),
        ("https://acme-staging-v02.api.letsencrypt.org/directory", Some("letsencrypt-staging")),
        ("https://one.digicert.co.jp/mpki/api/v1/acme/v2/directory?action=renew", Some("digicert")),
        ("https://acme-v02.harica.gr/acme/5f0c/directory", Some("harica")),
        ("https://acm-acme-enroll.ap-northeast-1.api.aws/5f0c/directory", Some("aws")),
        ("https://ca.example/acme/acme/directory", None),
        ("https://acme.amecert.jprs.jp/DV/getDirector", None),
    ] {
        assert_eq!(CaProfile::for_directory(url).map(|ca| ca.id).as_deref(), id, "{url}");
    }
    for ca in CaProfile::all() {
        if let Some(url) = ca.directory_url().filter(|_| !ca.id.starts_with("upki-")) {
            assert_eq!(CaProfile::for_directory(url).unwrap().id, ca.id);
        }
    }
}

#[test]
fn what_an_operator_of_jprs_has_to_know_is_in_the_profile() {
    let jprs = profile("jprs");
    assert_eq!(jprs.external_account.lifetime, Some(Duration::from_secs(14 * 86_400)));
    assert_eq!(jprs.wait_before_deployment, Some(Duration::from_secs(600)));
    assert_eq!(jprs.dry_run, DryRun::Impossible);
    assert_eq!(jprs.caa_identities, ["jprs.jp"]);
    assert_eq!(profile("upki").caa_identities, ["secomtrust.net"]);
}

#[test]
fn a_profile_of_ones_own_may_leave_out_what_is_not_known_but_not_misspell_it() {
    let own: CaProfile = serde_json::from_str(
        r#"{
            "id": "campus", "name": "Campus CA",
            "directories": [{"url": "https://ca.campus.example/acme/directory"}],
            "contacts": {"min": 1},
            "errors": [{
                "kinds": ["urn:ietf:params:acme:error:unauthorized"], "phases": ["order"],
                "texts": ["team [%s] is over quota"], "meaning": "quota", "retry": {"later": 86400},
                "advice_english": "Ask for more.", "advice_japanese": "追加を依頼してください。"
            }]
        }"#,
    )
    .unwrap();
    assert_eq!(own.check_registration(&[], false, None).unwrap_err().code(), "contacts-too-few");
    let refused = problem("unauthorized", "Team a/b is over quota.");
    let explained = own.explain(Step::NewOrder, Some(403), &refused).unwrap();
    assert_eq!(explained.retry, RetryHint::Later(Duration::from_secs(86_400)));
    assert!(own.explain(Step::Finalize, Some(403), &refused).is_none());
    let misspelt = r#"{"id": "campus", "contacts": {"minimum": 1}}"#;
    assert!(serde_json::from_str::<CaProfile>(misspelt).is_err());
}
