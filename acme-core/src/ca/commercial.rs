//! CAs with contracts: Sectigo, DigiCert, GlobalSign, HARICA, AWS and smaller ones (CA profiles §1,
//! §4).

use super::CaProfile;
use super::explain::{KnownError, Phase, RetryHint as R};
use super::rules::{CredentialReuse, DirectoryUrl, Requirement, Support};
use super::{public, shared};
use crate::challenge::ChallengeType::{Dns01, Http01, Other};
use crate::problem::ProblemType as P;

pub(super) fn profiles() -> Vec<CaProfile> {
    vec![
        sectigo(),
        sectigo_enterprise(),
        sectigo_incommon(),
        digicert(),
        globalsign(),
        harica(),
        aws(),
        listed("freessl", "FreeSSL", "https://acmepro.freessl.cn/v2/DV"),
        listed("litessl", "LiteSSL", "https://acme.litessl.com/acme/v2/directory"),
        listed("peeringhub", "PeeringHub", "https://stica.peeringhub.io/acme"),
        listed(
            "martini",
            "Martini Security",
            "https://wfe.prod.martinisecurity.com/v2/acme/directory",
        ),
        nhn(),
    ]
}

/// A CA of which only the directory is known.
fn listed(id: &str, name: &str, directory: &str) -> CaProfile {
    let mut ca = CaProfile::plain(id, name);
    ca.directories = vec![DirectoryUrl::new(directory)];
    ca
}

/// Q-X1 to Q-X5.
fn sectigo() -> CaProfile {
    let mut ca = CaProfile::plain("sectigo", "Sectigo");
    ca.directories = vec![
        DirectoryUrl::new("https://acme.sectigo.com/v2/DV").product("DV"),
        DirectoryUrl::new("https://acme.sectigo.com/v2/OV").product("OV"),
        DirectoryUrl::new("https://acme.sectigo.com/v2/EV").product("EV"),
    ];
    ca.external_account.required = Requirement::Required;
    // Q-X1: several accounts share one credential.
    ca.external_account.reuse = CredentialReuse::Reusable;
    ca.external_account.source =
        Some("the ACME endpoint's account in Sectigo Certificate Manager".to_owned());
    ca.names.challenges = Some(vec![
        Http01,
        Dns01,
        Other("sectigo-dns-01".to_owned()),
        Other("sectigo-email-01".to_owned()),
    ]);
    ca.names.wildcards = Support::Yes;
    // Q-X3: a failed challenge stays processing for long.
    ca.polling.read_authorizations = true;
    ca.errors = vec![
        public::not_awaiting_binding(),
        public::replaces_not_found(),
        // Q-X4.
        KnownError::new("sectigo-foreign-object", R::FixInput)
            .of(P::Unauthorized)
            .status(401)
            .during(Phase::Order)
            .during(Phase::Authorization)
            .during(Phase::Finalization)
            .during(Phase::Download)
            .advice(
                "The order or authorization belongs to another account. Use the account key that \
                 created it, or order again.",
                "対象のオーダーまたは認可は別のアカウントのものです。作成時のアカウント鍵を使用す\
                 るか、新しいオーダーを作成してください。",
            ),
    ];
    ca.errors.extend(shared::public_errors());
    ca.notes = vec![
        "A domain that is validated beforehand may need no challenge, or again a dns-01."
            .to_owned(),
    ];
    ca
}

fn sectigo_enterprise() -> CaProfile {
    let mut ca = sectigo();
    "sectigo-enterprise".clone_into(&mut ca.id);
    "Sectigo (enterprise)".clone_into(&mut ca.name);
    ca.directories = vec![DirectoryUrl::new("https://acme.enterprise.sectigo.com/")];
    ca.certificate_days = Some(90);
    ca
}

fn sectigo_incommon() -> CaProfile {
    let mut ca = sectigo();
    "sectigo-incommon".clone_into(&mut ca.id);
    "Sectigo (InCommon)".clone_into(&mut ca.name);
    ca.directories = vec![
        DirectoryUrl::new("https://acme.sectigo.com/v2/InCommonRSAOV").product("OV, RSA"),
        DirectoryUrl::new("https://acme.sectigo.com/v2/InCommonECCOV").product("OV, ECC"),
    ];
    ca
}

/// Q-D1 to Q-D5.
fn digicert() -> CaProfile {
    let mut ca = CaProfile::plain("digicert", "DigiCert");
    ca.directories = [
        ("one.digicert.com", "worldwide"),
        ("one.digicert.co.jp", "Japan"),
        ("one.us.digicert.com", "United States"),
        ("one.nl.digicert.com", "Netherlands"),
        ("one.ch.digicert.com", "Switzerland"),
        ("demo.one.digicert.com", "demonstration"),
    ]
    .map(|(host, region)| {
        DirectoryUrl::new(format!("https://{host}/mpki/api/v1/acme/v2/directory")).product(region)
    })
    .into();
    ca.external_account.required = Requirement::Required;
    // Q-D1: the key id selects account and certificate profile; one serves many clients.
    ca.external_account.reuse = CredentialReuse::Reusable;
    ca.external_account.source =
        Some("CertCentral or Trust Lifecycle Manager, per certificate profile".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01]);
    ca.names.wildcards = Support::Yes;
    // Q-D5 is about DV only; the product is not known here.
    ca.names.addresses = Support::Depends;
    ca.operations.account_refresh = Support::No;
    ca.operations.profiles = Support::No;
    ca.errors = shared::public_errors();
    ca.notes = vec![
        "Query parameters of the directory URL steer renewal and reissue; keep them.".to_owned(),
        "Credentials made before 2024-01-30 do no live validation.".to_owned(),
        "Manuals show a key of 85 letters, which no base64 can have: copy the whole key."
            .to_owned(),
    ];
    ca
}

/// Q-GS1, Q-GS2.
fn globalsign() -> CaProfile {
    let mut ca = CaProfile::plain("globalsign", "GlobalSign Atlas");
    ca.directories = vec![DirectoryUrl::new("https://emea.acme.atlas.globalsign.com/directory")];
    ca.external_account.required = Requirement::Required;
    ca.external_account.source = Some("the Atlas portal".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01]);
    // By DNS or e-mail validation.
    ca.names.wildcards = Support::Yes;
    ca.certificate_days = Some(90);
    ca.errors = shared::public_errors();
    ca.notes = vec![
        "A parent domain validated by DNS or e-mail covers the names below it; http-01 only the \
         exact name."
            .to_owned(),
    ];
    ca
}

/// Q-H1 to Q-H6.
fn harica() -> CaProfile {
    let mut ca = CaProfile::plain("harica", "HARICA");
    ca.directories = vec![DirectoryUrl::new("https://acme-v02.harica.gr/acme/{uuid}/directory")];
    ca.external_account.required = Requirement::Required;
    ca.external_account.source =
        Some("the ACME account page of HARICA CertManager, with the directory URL".to_owned());
    ca.errors = vec![
        // Q-H3.
        KnownError::new("key-id-missing", R::FixInput)
            .of(P::Malformed)
            .text("No Key ID in JWS header")
            .advice(
                "The request did not name the account. Register or find the account at this very \
                 directory URL first, then order again.",
                "リクエストにアカウントの識別子が含まれていません。先に同じディレクトリURLでアカ\
                 ウントの登録または照会を行ってから、再度オーダーしてください。",
            ),
    ];
    ca.errors.extend(shared::public_errors());
    ca.notes = vec![
        "The directory URL is per account.".to_owned(),
        "Accounts that are validated beforehand show no challenges.".to_owned(),
        "With several names the first run may fail although the certificate was issued; run again."
            .to_owned(),
    ];
    ca
}

/// Q-AW1.
fn aws() -> CaProfile {
    let mut ca = CaProfile::plain("aws", "AWS Certificate Manager");
    ca.directories =
        vec![DirectoryUrl::new("https://acm-acme-enroll.{region}.api.aws/{uuid}/directory")];
    ca.external_account.required = Requirement::Required;
    ca.external_account.source = Some("the ACME endpoint in AWS Certificate Manager".to_owned());
    // Validations are configured beforehand; no challenge is shown.
    ca.names.challenges = Some(Vec::new());
    ca.errors = shared::public_errors();
    ca.notes = vec![
        "Revoking an EAB credential does not stop accounts made with it.".to_owned(),
        "The endpoint has its own list of key algorithms.".to_owned(),
    ];
    ca
}

fn nhn() -> CaProfile {
    let mut ca = CaProfile::plain("nhn", "NHN Cloud Private CA");
    ca.directories = vec![DirectoryUrl::new(
        "https://kr1-pca.api.nhncloudservice.com/acme/v2.0/cert/{certId}/directory",
    )];
    ca.external_account.required = Requirement::Required;
    ca
}
