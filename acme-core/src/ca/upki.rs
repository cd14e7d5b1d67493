//! UPKI, the certificate service of NII for Japanese universities, run by SECOM: seed facts §1–§5,
//! §8–§12, CA profiles Q-U1 to Q-U8.

use core::time::Duration;

use super::CaProfile;
use super::explain::{KnownError, Phase, RetryHint as R};
use super::rules::{DirectoryUrl, Requirement};
use super::shared;
use crate::challenge::ChallengeType::{Dns01, Http01};
use crate::crypto::KeyType;
use crate::problem::ProblemType as P;

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn profiles() -> Vec<CaProfile> {
    vec![general(), saitama(), electro_communications()]
}

fn general() -> CaProfile {
    let mut upki = CaProfile::plain("upki", "UPKI (NII)");
    // Q-U1: confirmed by one independent user only; the slash belongs to it.
    upki.directories = vec![DirectoryUrl::new("https://secomtrust-acme.com/acme/")];
    // Seed facts §1. Whether a credential can be used again is contradictory, §15 and Q-U6.
    upki.external_account.required = Requirement::Required;
    upki.external_account.source = Some("the registration officer of the university".to_owned());
    upki.contacts.mailto_only = true;
    // Seed facts §4.
    upki.names.challenges = Some(vec![Http01, Dns01]);
    // Q-U2: one CN and other dNSNames, eight in total.
    upki.names.max = Some(8);
    // Seed facts §8, Q-U4. With an ECC profile in the application this has to be changed.
    upki.certificate_keys.allowed = Some(vec![KeyType::Rsa2048]);
    upki.certificate_keys.min_rsa_bits = Some(2048);
    upki.certificate_keys.reason =
        Some("the key must match the certificate profile chosen in the application".to_owned());
    // Seed facts §3: abolished on 2022-07-26.
    upki.subject.forbidden = vec!["OU".to_owned()];
    upki.subject.reason = Some("OU was abolished on 2022-07-26".to_owned());
    // Q-U2.
    upki.subject.common_name = Requirement::Required;
    upki.subject.common_name_first = true;
    // Seed facts §5.
    upki.caa_identities = vec!["secomtrust.net".to_owned()];
    // Q-U3.
    upki.certificate_days = Some(89);
    upki.errors = errors();
    upki.notes = vec![
        "One account (one EAB credential) per certificate: keep the account key.".to_owned(),
        "The names are those of the application; another name needs a new application.".to_owned(),
        "Install the whole chain as it was sent: some systems lack the root of 2024.".to_owned(),
        "Twenty failed validations block the account until the next day.".to_owned(),
        "Tell the centre when the server is retired or a key or credential has leaked.".to_owned(),
    ];
    upki
}

/// Seed facts §2, §3 (`000_ea6a29031e2aeb0e.txt`).
fn saitama() -> CaProfile {
    let mut upki = general();
    "upki-saitama".clone_into(&mut upki.id);
    "UPKI (Saitama University)".clone_into(&mut upki.name);
    upki.external_account.source =
        Some("the information technology centre of Saitama University".to_owned());
    upki.names.domains = vec![".saitama-u.ac.jp".to_owned()];
    upki.names.domains_reason =
        Some("Saitama University applies only for servers of its own domain".to_owned());
    upki.subject.presence = Requirement::Required;
    upki.subject.form =
        Some("CN={fqdn},O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP".to_owned());
    upki.subject.reason = Some("it is the form registered with NII; OU was abolished".to_owned());
    upki
}

/// Seed facts §2, §3 (`004_b1b7c0cf5d851e57.txt`), a page on the CSR variant of the service.
fn electro_communications() -> CaProfile {
    let mut upki = general();
    "upki-uec".clone_into(&mut upki.id);
    "UPKI (University of Electro-Communications)".clone_into(&mut upki.name);
    upki.names.domains = vec!["uec.ac.jp".to_owned()];
    upki.names.domains_reason =
        Some("the university applies only for servers of its own domain".to_owned());
    upki.subject.presence = Requirement::Required;
    // `tokyo` and `chofu` are in lower case on the page.
    upki.subject.form = Some(
        "C=JP,ST=tokyo,L=chofu,O=The University of Electro-Communications,CN={fqdn}".to_owned(),
    );
    upki.subject.forbidden.push("emailAddress".to_owned());
    upki.subject.reason =
        Some("it is the form registered with NII, without OU and e-mail address".to_owned());
    upki
}

/// UPKI's own texts are not published; type and phase tell the causes apart.
fn errors() -> Vec<KnownError> {
    vec![
        shared::several_places(KnownError::new("upki-mpic-338", R::NewOrder))
            .text("338")
            .text("MPIC")
            .text("multi-perspective")
            .text("multiple perspectives")
            .advice(
                "Error 338: fewer than four of the five places abroad saw what the CA saw first \
                 (MPIC). Let the web server or the name servers of the university answer foreign \
                 networks as well, compare all secondary name servers, then order again.",
                "エラー338は、海外を含む5拠点のうち4拠点以上で検証結果が一致しなかったこと(MPIC)\
                 を示します。学外・海外からのアクセス制限やセカンダリDNSの応答の差異がないか確認\
                 し、修正後に再実行してください。",
            ),
        shared::caa_lookup_failed(),
        KnownError::new("upki-caa-refused", R::FixInput).of(P::Caa).advice(
            "A CAA record of the domain or of a parent domain does not permit UPKI. Add `0 issue \
             \"secomtrust.net\"` there, or have the record removed, and order again.",
            "当該ドメインまたは上位ドメインのCAAレコードでUPKIによる発行が許可されていません。\
             「@ IN CAA 0 issue \"secomtrust.net\"」を追加し、DNSへの反映を待ってから再実行してく\
             ださい。",
        ),
        KnownError::new("upki-eab-missing", R::FixInput).of(P::ExternalAccountRequired).advice(
            "Give the key identifier and the HMAC key that the registration officer issued for \
             this server.",
            "アカウント登録にはEAB情報が必須です。登録担当者から当該サーバー用に発行された\
             Key IdentifierとHMAC鍵を指定してください。",
        ),
        shared::binding_texts(KnownError::new("upki-eab-refused", R::Human))
            .of(P::Malformed)
            .of(P::Unauthorized)
            .during(Phase::Account)
            .advice(
                "UPKI does not accept the EAB credential: it is mistyped, already used or \
                 suspended, which happens without notice when the FQDN has left the DNS. Check \
                 both, then ask the registration officer.",
                "EAB情報が受け付けられませんでした。入力誤り、使用済みのほか、\
                 FQDNがDNSから削除されたために予告なく停止された可能性があります。\
                 両者を確認のうえ、登録担当者に問い合わせてください。",
            ),
        KnownError::new("upki-eab-refused", R::Human)
            .of(P::Unauthorized)
            .during(Phase::Account)
            .advice(
                "UPKI does not let this key register: the EAB credential is mistyped, already used \
                 or suspended. Check it, then ask the registration officer.",
                "アカウントの登録が許可されませんでした。EAB情報の入力誤り、\
                 使用済みまたは停止が考えられます。内容を確認のうえ、登録担当者に問い合わせてくだ\
                 さい。",
            ),
        KnownError::new("upki-account-suspended", R::Human)
            .of(P::Unauthorized)
            .during(Phase::Order)
            .during(Phase::Finalization)
            .during(Phase::Download)
            .during(Phase::Revocation)
            .advice(
                "The ACME account is stopped. Check that the FQDN is still in the DNS, then ask \
                 the university's centre; do not keep trying.",
                "ACMEアカウントが停止されています。FQDNがDNSに登録されているか確認のうえ、\
                 再実行を繰り返さず、センターの担当窓口に問い合わせてください。",
            ),
        KnownError::new("upki-account-unknown", R::Human).of(P::AccountDoesNotExist).advice(
            "UPKI does not know this account. Use the account key of the registration; if it is \
             lost, ask the registration officer whether the EAB credential can be used again.",
            "該当するACMEアカウントが存在しません。登録時のアカウント鍵を使用しているか確認してく\
             ださい。失われている場合は、EAB情報を再利用できるか登録担当者に確認してください。",
        ),
        KnownError::new("upki-name-not-in-application", R::FixInput)
            .of(P::RejectedIdentifier)
            .advice(
                "The account may be used only for the names of its application, at most eight, the \
                 CN first. Order exactly these names; for other names a new application is needed.",
                "このアカウントで発行できるのは、申請時に登録した名前(CNを先頭に最大8件)のみで\
                 す。申請内容と同じ名前・順序で指定してください。名前を変更する場合は改めて申請が\
                 必要です。",
            ),
        KnownError::new("upki-csr-refused", R::FixInput).of(P::BadCsr).advice(
            "UPKI refuses the certificate request: the key must be of the kind chosen in the \
             application (RSA 2048 as a rule), the subject in the registered form without OU, and \
             the CN the first name.",
            "CSRが受け付けられませんでした。鍵の種類(通常はRSA 2048ビット)が申請時のプロファイル\
             と一致し、主体者DNが登録済みの形式(OUなし)で、CNが先頭の名前であることを確認してくだ\
             さい。",
        ),
        KnownError::new("upki-blocked-until-tomorrow", R::Later(DAY)).of(P::RateLimited).advice(
            "Too many validations failed, and the account is blocked until the next day. Find out \
             first why they failed, then try again tomorrow.",
            "検証の失敗が続いたため、アカウントが翌日まで制限されています。\
             失敗の原因を取り除いたうえで、翌日以降に再実行してください。",
        ),
        KnownError::new("upki-target-unreachable", R::NewOrder).of(P::Connection).advice(
            "The CA could not reach the server. It always begins at TCP port 80, a redirect to \
             https is allowed afterwards; open port 80 to the whole Internet or use dns-01.",
            "認証局から当該サーバーに接続できませんでした。http-01の最初の接続は必ずTCP 80番ポー\
             トです(その後のHTTPSへのリダイレクトは可)。80番ポートを学外全体に開放するか、\
             dns-01を使用してください。",
        ),
    ]
}
