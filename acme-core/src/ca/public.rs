//! CAs that anyone can use: Let's Encrypt, ZeroSSL, Google, SSL.com, Actalis, Buypass (CA profiles
//! §1, §3, §4).

use core::time::Duration;

use super::CaProfile;
use super::explain::{KnownError, Phase, RetryHint as R};
use super::rules::{CredentialReuse, DirectoryUrl, DryRun, Requirement, Support};
use super::shared;
use crate::challenge::ChallengeType::{Dns01, DnsPersist01, Http01, TlsAlpn01};
use crate::crypto::KeyType;
use crate::jose::{JwsAlgorithm, MacAlgorithm};
use crate::problem::ProblemType as P;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn profiles() -> Vec<CaProfile> {
    vec![
        lets_encrypt(),
        lets_encrypt_staging(),
        zerossl(),
        google(),
        google_staging(),
        google_sxg(),
        ssl_com("sslcom-rsa", "SSL.com (RSA)", "https://acme.ssl.com/sslcom-dv-rsa"),
        ssl_com("sslcom-ecc", "SSL.com (ECC)", "https://acme.ssl.com/sslcom-dv-ecc"),
        actalis(),
        buypass(),
    ]
}

const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";
const GOOGLE_STAGING: &str = "https://dv.acme-v02.test-api.pki.goog/directory";

/// CA profiles §3.
fn lets_encrypt() -> CaProfile {
    let mut ca = CaProfile::plain("letsencrypt", "Let's Encrypt");
    ca.directories = vec![DirectoryUrl::new("https://acme-v02.api.letsencrypt.org/directory")];
    ca.external_account.required = Requirement::None;
    ca.contacts.mailto_only = true;
    // §2 Boulder, §3 Keys. P-521 is on the list of the server software, not on that of the CA.
    ca.account_algorithms =
        Some(vec![JwsAlgorithm::Es256, JwsAlgorithm::Es384, JwsAlgorithm::Rs256]);
    ca.certificate_keys.allowed = Some(vec![
        KeyType::P256,
        KeyType::P384,
        KeyType::Rsa2048,
        KeyType::Rsa3072,
        KeyType::Rsa4096,
    ]);
    ca.certificate_keys.min_rsa_bits = Some(2048);
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01]);
    ca.names.wildcards = Support::Yes;
    // Only with the profile `shortlived`.
    ca.names.addresses = Support::Depends;
    // The profile `classic`; `tlsserver` and `shortlived` take 25.
    ca.names.max = Some(100);
    ca.operations.account_refresh = Support::Yes;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::Yes;
    ca.operations.validity_dates = Support::No;
    ca.operations.order_list = Support::No;
    ca.operations.challenge_retry = Support::No;
    ca.dry_run = DryRun::At(LETS_ENCRYPT_STAGING.to_owned());
    ca.certificate_days = Some(90);
    ca.errors =
        vec![KnownError::new("name-paused", R::Human).of(P::RateLimited).text("paused").advice(
            "The name is paused after very many failures. Follow the link in the message to \
             resume it, once the cause is removed; waiting does not help.",
            "検証の失敗が多数続いたため、この名前の発行が一時停止されています。\
             原因を取り除いたうえで、メッセージ中のリンクから再開の手続きをしてください。\
             待機しても解除されません。",
        )];
    ca.errors.extend(shared::public_errors());
    ca.notes = vec![
        "Renewals that name the certificate they replace are exempt from all rate limits."
            .to_owned(),
        "Contacts are not kept, and no expiry mails are sent.".to_owned(),
    ];
    ca
}

fn lets_encrypt_staging() -> CaProfile {
    let mut ca = lets_encrypt();
    "letsencrypt-staging".clone_into(&mut ca.id);
    "Let's Encrypt (staging)".clone_into(&mut ca.name);
    ca.directories = vec![DirectoryUrl::new(LETS_ENCRYPT_STAGING)];
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01, DnsPersist01]);
    ca.notes = vec!["For tests: nobody trusts its certificates.".to_owned()];
    ca
}

/// The answer of ZeroSSL and Sectigo to a binding for an account that has one (Q-Z2, quirk 23).
pub(super) fn not_awaiting_binding() -> KnownError {
    KnownError::new("eab-already-bound", R::Human)
        .of(P::Malformed)
        .of(P::Unauthorized)
        .text("not awaiting external account binding")
        .advice(
            "The account of this key, or this EAB credential, is bound already. Use the stored \
             account and its key; if they are lost, get a new EAB credential.",
            "このアカウント鍵またはEAB情報は既に使用済みです。保存済みのアカウントとその鍵を使用\
             してください。失われている場合は、新しいEAB情報を取得してください。",
        )
}

/// The server of ZeroSSL and Sectigo on a renewal it cannot place (Q-Z4).
pub(super) fn replaces_not_found() -> KnownError {
    KnownError::new("replaces-not-known", R::NewOrder)
        .of(P::Unauthorized)
        .of(P::Malformed)
        .during(Phase::Order)
        .text("replaces field does not identify a certificate")
        .advice(
            "The CA does not know the certificate that the order says it replaces. Order again \
             without naming it.",
            "オーダーで置き換え対象として指定した証明書を認証局が認識できません。\
             置き換え対象を指定せずに再度オーダーしてください。",
        )
}

fn zerossl() -> CaProfile {
    let mut ca = CaProfile::plain("zerossl", "ZeroSSL");
    ca.directories = vec![DirectoryUrl::new("https://acme.zerossl.com/v2/DV90")];
    ca.external_account.required = Requirement::Required;
    // Q-Z2 says single-use, quirk 40 reusable since 2022.
    ca.external_account.reuse = CredentialReuse::Unknown;
    ca.external_account.source =
        Some("the developer page of the ZeroSSL account, or its EAB service by e-mail".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01]);
    ca.names.wildcards = Support::Yes;
    ca.names.addresses = Support::No;
    // Q-Z3: Retry-After is short, orders were seen processing for three days. The gap is this
    // library's choice.
    ca.polling.min_gap = Some(Duration::from_secs(15));
    ca.polling.max_processing = Some(DAY * 3);
    ca.operations.key_change = Support::No;
    ca.operations.profiles = Support::No;
    ca.operations.validity_dates = Support::No;
    ca.operations.challenge_retry = Support::Yes;
    ca.dry_run = DryRun::Impossible;
    ca.certificate_days = Some(90);
    ca.errors = vec![not_awaiting_binding(), replaces_not_found()];
    ca.errors.extend(shared::public_errors());
    ca
}

fn google() -> CaProfile {
    let mut ca = CaProfile::plain("google", "Google Trust Services");
    ca.directories = vec![DirectoryUrl::new("https://dv.acme-v02.api.pki.goog/directory")];
    // Q-G1.
    ca.external_account.required = Requirement::Required;
    ca.external_account.algorithm = Some(MacAlgorithm::Hs256);
    ca.external_account.reuse = CredentialReuse::SingleUse;
    ca.external_account.lifetime = Some(DAY * 7);
    ca.external_account.source = Some("the Google Cloud project (Public CA)".to_owned());
    // Quirk 29: without a contact the registration fails and still uses up the credential.
    ca.contacts.min = Some(1);
    ca.names.challenges = Some(vec![Http01, Dns01, TlsAlpn01]);
    ca.names.wildcards = Support::Yes;
    ca.names.addresses = Support::Depends;
    // Q-G3.
    ca.operations.account_refresh = Support::No;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::No;
    // Q-G4: 1 to 90 days.
    ca.operations.validity_dates = Support::Yes;
    ca.dry_run = DryRun::At(GOOGLE_STAGING.to_owned());
    ca.certificate_days = Some(90);
    ca.errors = vec![
        KnownError::new("google-eab-spent", R::Human)
            .of(P::Unauthorized)
            .of(P::Malformed)
            .during(Phase::Account)
            .text("Unknown external account binding")
            .advice(
                "Google does not know this EAB key: it was used before, even by a failed attempt, \
                 or is older than 7 days, or belongs to the other environment. Create a new one in \
                 the Google Cloud project.",
                "このEAB鍵は認識されませんでした。使用済み(登録に失敗した場合を含む)、\
                 発行から7日の経過、または本番用とテスト用の取り違えが考えられます。\
                 Google Cloudで新しいEAB鍵を作成してください。",
            ),
        KnownError::new("google-eab-mac-wrong", R::FixInput)
            .of(P::Unauthorized)
            .of(P::Malformed)
            .during(Phase::Account)
            .text("External Account Binding JWS verification failed")
            .advice(
                "The EAB HMAC key does not belong to the key id. Copy both again from the output \
                 of Google Cloud; its command line encodes the key twice.",
                "EABのHMAC鍵がキー識別子と一致しません。Google Cloudの出力から両方を写し直してく\
                 ださい(gcloudコマンドは鍵を二重にBase64符号化して出力します)。",
            ),
        // Q-G2.
        KnownError::new("google-csr-refused", R::FixInput).of(P::BadCsr).advice(
            "Google refuses the certificate request; it takes none that asks for client \
             authentication. Use a request without extended key usage.",
            "CSRが受け付けられませんでした。クライアント認証(clientAuth)を要求するCSRは拒否されま\
             す。拡張鍵用途を指定しないCSRを使用してください。",
        ),
    ];
    ca.errors.extend(shared::public_errors());
    ca
}

fn google_staging() -> CaProfile {
    let mut ca = google();
    "google-staging".clone_into(&mut ca.id);
    "Google Trust Services (staging)".clone_into(&mut ca.name);
    ca.directories = vec![DirectoryUrl::new(GOOGLE_STAGING)];
    ca.external_account.source =
        Some("the Google Cloud project, as a credential for the staging environment".to_owned());
    ca.operations.renewal_information = Support::Unknown;
    ca.operations.validity_dates = Support::Unknown;
    ca.certificate_days = None;
    ca.notes = vec!["For tests: nobody trusts its certificates.".to_owned()];
    ca
}

fn google_sxg() -> CaProfile {
    let mut ca = google();
    "google-sxg".clone_into(&mut ca.id);
    "Google Trust Services (signed exchanges)".clone_into(&mut ca.name);
    ca.directories = vec![DirectoryUrl::new("https://dv-sxg.acme-v02.api.pki.goog/directory")];
    ca.names.challenges = None;
    ca.names.wildcards = Support::Unknown;
    ca.names.addresses = Support::Unknown;
    ca.operations.renewal_information = Support::Unknown;
    ca.operations.validity_dates = Support::Unknown;
    ca.dry_run = DryRun::Unknown;
    ca.certificate_days = None;
    ca
}

/// Q-S1 to Q-S5.
fn ssl_com(id: &str, name: &str, directory: &str) -> CaProfile {
    let mut ca = CaProfile::plain(id, name);
    ca.directories = vec![DirectoryUrl::new(directory)];
    ca.external_account.required = Requirement::Required;
    ca.external_account.directory_is_wrong = true;
    ca.external_account.source = Some("the SSL.com account (API and ACME credentials)".to_owned());
    // Q-S2: found out only at finalization.
    ca.contacts.min = Some(1);
    ca.names.challenges = Some(vec![Http01, Dns01]);
    ca.names.wildcards = Support::Depends;
    ca.names.addresses = Support::No;
    // Q-S5: the directory decides. Every size that this library makes; the CA's list is not known.
    ca.certificate_keys.allowed = Some(match id {
        "sslcom-ecc" => vec![KeyType::P256, KeyType::P384],
        _ => vec![KeyType::Rsa2048, KeyType::Rsa3072, KeyType::Rsa4096],
    });
    ca.certificate_keys.reason = Some("the directory decides between RSA and ECC".to_owned());
    ca.operations.account_refresh = Support::No;
    ca.operations.key_change = Support::No;
    ca.operations.renewal_information = Support::No;
    ca.operations.profiles = Support::No;
    ca.operations.validity_dates = Support::No;
    ca.operations.challenge_retry = Support::Yes;
    // 90 days are free; an account that holds funds is charged for a year.
    ca.certificate_days = Some(90);
    ca.errors = vec![
        KnownError::new("sslcom-csr-refused", R::FixInput).of(P::BadCsr).advice(
            "SSL.com refuses the certificate request, which is also its answer to an account \
             without e-mail address: register with one, and use a key of the kind that the \
             directory is for.",
            "CSRが受け付けられませんでした。SSL.comでは、メールアドレスのないアカウントの場合にも\
             このエラーになります。メールアドレスを付けて登録し、ディレクトリに対応する種類の鍵\
             (RSAまたはECC)を使用してください。",
        ),
        KnownError::new("challenge-repeated", R::NewOrder)
            .of(P::Malformed)
            .during(Phase::Authorization)
            .text("Challenge is not pending")
            .advice(
                "The challenge has been answered before. Wait for its result, or order again.",
                "このチャレンジには既に応答済みです。結果を待つか、新しいオーダーを作成してくださ\
                 い。",
            ),
        KnownError::new("gateway-refused", R::Never).text("Missing Authentication Token").advice(
            "The gateway of SSL.com does not serve this operation. Account queries and key \
                 changes do not work there; leave them out.",
            "SSL.comのゲートウェイがこの操作に対応していません。アカウントの照会や鍵の変更は利用\
             できないため、省略してください。",
        ),
    ];
    ca.errors.extend(shared::public_errors());
    ca.notes = vec![
        "If the account holds funds, a paid certificate for a year is issued and charged."
            .to_owned(),
    ];
    ca
}

/// Q-A1 to Q-A3.
fn actalis() -> CaProfile {
    let mut ca = CaProfile::plain("actalis", "Actalis");
    ca.directories = vec![DirectoryUrl::new("https://acme-api.actalis.com/acme/directory")];
    ca.external_account.required = Requirement::Required;
    ca.external_account.source = Some("the Actalis customer area".to_owned());
    ca.names.challenges = Some(vec![Http01, Dns01]);
    ca.names.wildcards = Support::Depends;
    ca.names.addresses = Support::Depends;
    ca.polling.read_authorizations = true;
    ca.operations.key_change = Support::Yes;
    ca.operations.order_list = Support::Yes;
    ca.operations.revocation_by_certificate_key = Support::No;
    ca.operations.renewal_information = Support::Yes;
    ca.operations.profiles = Support::No;
    ca.operations.validity_dates = Support::No;
    ca.operations.challenge_retry = Support::No;
    ca.certificate_days = Some(90);
    ca.errors = vec![
        KnownError::new("actalis-revoke-by-account", R::FixInput)
            .of(P::AccountDoesNotExist)
            .during(Phase::Revocation)
            .advice(
                "Actalis takes revocations only from the account that ordered the certificate; \
                 the certificate key alone does not do.",
                "Actalisでは、証明書を発行したアカウントの鍵でのみ失効できます。\
                 証明書の鍵では失効できません。",
            ),
    ];
    ca.errors.extend(shared::public_errors());
    ca.notes =
        vec!["The free plan covers one name and its `www` variant, without wildcards.".to_owned()];
    ca
}

/// Closed; kept so that old configurations get a clear answer.
fn buypass() -> CaProfile {
    let mut ca = CaProfile::plain("buypass", "Buypass Go SSL");
    ca.closed_since = Some("2025-10-15".to_owned());
    ca.directories = vec![
        DirectoryUrl::new("https://api.buypass.com/acme/directory"),
        DirectoryUrl::new("https://api.test4.buypass.no/acme/directory").product("test"),
    ];
    ca
}
