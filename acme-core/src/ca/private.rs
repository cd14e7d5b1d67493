//! Server software for CAs of one's own: step-ca, Vault, OpenBao and others (CA profiles §2, §4).

use super::CaProfile;
use super::explain::{KnownError, Phase, RetryHint as R};
use super::rules::{CredentialReuse, DirectoryUrl, Requirement, Support};
use super::shared;
use crate::challenge::ChallengeType::{
    DeviceAttest01, Dns01, DnsAccount01, DnsPersist01, Http01, TlsAlpn01,
};
use crate::jose::JwsAlgorithm::{EdDsa, Es256, Es384, Es512, Rs256};
use crate::problem::ProblemType as P;

pub(super) fn profiles() -> Vec<CaProfile> {
    vec![
        step_ca(),
        vault(),
        openbao(),
        caddy(),
        dogtag(),
        ejbca(),
        acme2certifier(),
        boulder(),
        pebble(),
    ]
}

/// Q-P1, quirks 5, 34, 36, 50.
fn step_ca() -> CaProfile {
    let mut ca = CaProfile::plain("step-ca", "step-ca");
    ca.directories = vec![DirectoryUrl::new("https://{host}/acme/{provisioner}/directory")];
    ca.external_account.required = Requirement::Optional;
    ca.external_account.reuse = CredentialReuse::SingleUse;
    ca.external_account.source = Some("the administrator of the step-ca provisioner".to_owned());
    ca.account_algorithms = Some(vec![Es256, Es384, Es512, Rs256, EdDsa]);
    ca.names.challenges = Some(vec![Dns01, Http01, TlsAlpn01, DeviceAttest01]);
    ca.names.addresses = Support::Yes;
    // A target that cannot be reached leaves the challenge pending with an error, for ever.
    ca.polling.read_authorizations = true;
    ca.operations.renewal_information = Support::No;
    ca.operations.profiles = Support::No;
    // It advertises keyChange and answers 501.
    ca.operations.key_change = Support::No;
    ca.operations.validity_dates = Support::Yes;
    ca.errors = vec![
        KnownError::new("eab-already-bound", R::Human)
            .of(P::Unauthorized)
            .during(Phase::Account)
            .text("already bound")
            .advice(
                "This EAB credential has made an account already. Use that account and its key, \
                 or ask the administrator of the provisioner for a new credential.",
                "このEAB情報は既に別のアカウントの登録に使用されています。\
                 そのアカウントと鍵を使用するか、プロビジョナーの管理者に新しいEAB情報の発行を依\
                 頼してください。",
            ),
        // Quirk 41: a wrong MAC is an internal error there.
        shared::binding_texts(KnownError::new("eab-refused", R::FixInput))
            .of(P::Unauthorized)
            .of(P::ServerInternal)
            .of(P::Malformed)
            .during(Phase::Account)
            .advice(
                "The server could not verify the EAB credential. Compare key id and HMAC key with \
                 what the provisioner's administrator gave out.",
                "EAB情報を検証できませんでした。キー識別子とHMAC鍵を、プロビジョナーの管理者から\
                 通知された内容と照合してください。",
            ),
        // Quirk 51.
        KnownError::new("changed-meanwhile", R::Now)
            .of(P::ServerInternal)
            .text("changed since last read")
            .advice(
                "Two requests changed the same object at once. Run again.",
                "複数のリクエストが同じ対象を同時に更新しました。もう一度実行してください。",
            ),
    ];
    ca.notes = vec!["Its TLS certificate is usually its own: give the CA's root.".to_owned()];
    ca
}

/// The directories of Vault and OpenBao, below the mount of the engine.
fn mounted() -> Vec<DirectoryUrl> {
    vec![
        DirectoryUrl::new("https://{host}/v1/{mount}/acme/directory"),
        DirectoryUrl::new("https://{host}/v1/{mount}/issuer/{issuer}/acme/directory")
            .product("one issuer"),
        DirectoryUrl::new("https://{host}/v1/{mount}/roles/{role}/acme/directory")
            .product("one role"),
        DirectoryUrl::new("https://{host}/v1/{mount}/issuer/{issuer}/roles/{role}/acme/directory")
            .product("one issuer and role"),
    ]
}

/// A binding from another directory of the same server (Q-P2, Q-P3).
fn binding_of_other_directory() -> KnownError {
    KnownError::new("eab-not-verified", R::FixInput)
        .of(P::Unauthorized)
        .of(P::Malformed)
        .of(P::ServerInternal)
        .during(Phase::Account)
        .text("failed to verify eab")
        .advice(
            "The EAB credential is spent, mistyped, or was made for another directory of this \
             server. Make a new one for exactly this directory.",
            "EAB情報が使用済み、入力誤り、または同じサーバーの別のディレクトリ用に発行されたもの\
             です。使用するディレクトリ用に新しいEAB情報を発行してください。",
        )
}

/// Q-P3.
fn vault() -> CaProfile {
    let mut ca = CaProfile::plain("vault", "HashiCorp Vault");
    ca.directories = mounted();
    ca.external_account.required = Requirement::Optional;
    ca.external_account.reuse = CredentialReuse::SingleUse;
    ca.external_account.source = Some("the `new-eab` path of the very same directory".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01]);
    ca.operations.profiles = Support::No;
    ca.operations.validity_dates = Support::No;
    ca.errors = vec![binding_of_other_directory()];
    ca.notes = vec!["Certificates last 90 days at most, whatever the role says.".to_owned()];
    ca
}

/// Q-P2.
fn openbao() -> CaProfile {
    let mut ca = CaProfile::plain("openbao", "OpenBao");
    ca.directories = mounted();
    ca.external_account.required = Requirement::Optional;
    ca.external_account.source = Some("the `new-eab` path of the very same directory".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01]);
    ca.names.addresses = Support::Yes;
    ca.operations.profiles = Support::No;
    // Rejected as malformed.
    ca.operations.validity_dates = Support::No;
    ca.errors = vec![
        binding_of_other_directory(),
        KnownError::new("account-cleaned-up", R::FixInput)
            .of(P::Unauthorized)
            .text("account in status: revoked")
            .text("account in status")
            .advice(
                "The server has retired this account, as it does with idle ones. Register again, \
                 with a new EAB credential where one is needed.",
                "長期間使用されていないなどの理由で、サーバー側でアカウントが無効化されています。\
                 改めて登録してください(必要な場合は新しいEAB情報を用意してください)。",
            ),
    ];
    ca.notes = vec!["Certificates last 90 days at most, whatever the role says.".to_owned()];
    ca
}

fn caddy() -> CaProfile {
    let mut ca = CaProfile::plain("caddy", "Caddy (acme_server)");
    ca.directories = vec![DirectoryUrl::new("https://{host}/acme/{ca}/directory")];
    ca.external_account.required = Requirement::None;
    ca.operations.renewal_information = Support::No;
    ca.operations.profiles = Support::No;
    ca.operations.validity_dates = Support::Yes;
    ca.notes = vec!["Certificates last 12 hours unless set otherwise.".to_owned()];
    ca
}

/// Q-P4, quirk 35.
fn dogtag() -> CaProfile {
    let mut ca = CaProfile::plain("dogtag", "FreeIPA / Dogtag");
    ca.directories = vec![DirectoryUrl::new("https://{host}/acme/directory")];
    ca.account_algorithms = Some(vec![Rs256, Es256]);
    ca.names.challenges = Some(vec![Dns01, Http01]);
    ca.names.addresses = Support::No;
    ca.operations.renewal_information = Support::No;
    ca.operations.profiles = Support::No;
    ca.operations.key_change = Support::No;
    ca.errors = vec![
        KnownError::new("account-algorithm", R::FixInput)
            .text("try again with RS256")
            .of(P::BadSignatureAlgorithm)
            .of(P::Malformed)
            .of(P::ServerInternal)
            .advice(
                "This server takes account keys for RS256 and ES256 (P-256) only. Use one of them.",
                "このサーバーで使用できるアカウント鍵は、RS256(RSA)またはES256(P-256)のみです。\
                 いずれかの鍵を使用してください。",
            ),
    ];
    ca
}

/// Q-P5.
fn ejbca() -> CaProfile {
    let mut ca = CaProfile::plain("ejbca", "EJBCA");
    ca.directories = vec![
        DirectoryUrl::new("https://{host}/ejbca/acme/{alias}/directory").product("one alias"),
        DirectoryUrl::new("https://{host}/ejbca/acme/directory").product("default alias"),
    ];
    ca.external_account.required = Requirement::Optional;
    ca.external_account.source = Some("the administrator of the EJBCA alias".to_owned());
    ca.names.addresses = Support::Yes;
    // In recent versions.
    ca.operations.renewal_information = Support::Depends;
    ca.notes = vec!["An account belongs to one alias.".to_owned()];
    ca
}

fn acme2certifier() -> CaProfile {
    let mut ca = CaProfile::plain("acme2certifier", "acme2certifier");
    ca.directories = vec![DirectoryUrl::new("https://{host}/directory")];
    ca.external_account.required = Requirement::Optional;
    ca.names.addresses = Support::Yes;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::Yes;
    ca.notes = vec!["The CA behind it may take long to issue.".to_owned()];
    ca
}

fn boulder() -> CaProfile {
    let mut ca = CaProfile::plain("boulder", "Boulder");
    ca.directories = vec![DirectoryUrl::new("https://{host}/directory")];
    ca.external_account.required = Requirement::None;
    ca.contacts.mailto_only = true;
    ca.account_algorithms = Some(vec![Rs256, Es256, Es384, Es512]);
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01]);
    ca.names.addresses = Support::Depends;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::Yes;
    ca.operations.validity_dates = Support::No;
    ca.operations.order_list = Support::No;
    ca.operations.challenge_retry = Support::No;
    ca.errors = shared::public_errors();
    ca
}

/// Q-T1, Q-T2: the test server of Let's Encrypt.
fn pebble() -> CaProfile {
    let mut ca = CaProfile::plain("pebble", "Pebble");
    ca.directories = vec![DirectoryUrl::new("https://localhost:14000/dir")];
    ca.external_account.required = Requirement::Optional;
    ca.external_account.source = Some("Pebble's own configuration file".to_owned());
    ca.contacts.max = Some(2);
    ca.account_algorithms = Some(vec![Rs256, Es256, Es384, Es512]);
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01, DnsAccount01, DnsPersist01]);
    ca.names.wildcards = Support::Yes;
    ca.names.addresses = Support::Yes;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::Yes;
    ca.operations.validity_dates = Support::Yes;
    ca.notes = vec![
        "Refuses some good nonces on purpose, and gives a random profile when none is asked for."
            .to_owned(),
    ];
    ca
}
