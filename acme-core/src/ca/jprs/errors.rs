//! The error table of JPRS, all 29 rows (seed facts §13).

use core::time::Duration;

use crate::ca::explain::{KnownError, Phase, RetryHint as R};
use crate::problem::ProblemType as P;

/// Every type but `malformed` has one cause, so that its text may change.
fn row(kind: P, status: u16, text: &'static str, meaning: &'static str, retry: R) -> KnownError {
    let has_one_cause = kind != P::Malformed;
    let known = KnownError::new(meaning, retry).of(kind).status(status).text(text);
    if has_one_cause { known.whatever_text() } else { known }
}

/// In the order of the manual, except that of two rows with one text the narrower comes first.
pub(super) fn table() -> Vec<KnownError> {
    let mut rows = account_and_request();
    rows.extend(malformed());
    rows.extend(order_and_certificate());
    rows
}

fn account_and_request() -> Vec<KnownError> {
    vec![
        row(
            P::AccountDoesNotExist,
            400,
            "The request specified an account that does not exist",
            "jprs-account-unknown",
            R::Human,
        )
        .advice(
            "JPRS does not know this account. Use the account key and account URL of the \
             registration; if they are lost, ask the reseller for a new EAB credential and \
             register again.",
            "JPRSに該当するACMEアカウントが存在しません。登録時のアカウント鍵とアカウントURLを使\
             用しているか確認してください。失われている場合は、指定事業者にEAB情報の再発行を依頼\
             し、改めて登録してください。",
        ),
        row(
            P::BadNonce,
            400,
            "The client sent an unacceptable anti-replay nonce",
            "jprs-bad-nonce",
            R::Now,
        )
        .advice(
            "The one-time value of the request was used up or too old. Run again; if it keeps \
             happening, look for a proxy that repeats requests.",
            "リクエストの使い捨て値(nonce)が使用済みまたは期限切れでした。\
             もう一度実行してください。繰り返し発生する場合は、途中のプロキシがリクエストを再送し\
             ていないか確認してください。",
        ),
        row(
            P::BadPublicKey,
            400,
            "The JWS was signed by a public key the server does not support",
            "jprs-account-key-unsupported",
            R::FixInput,
        )
        .advice(
            "JPRS does not take this account key. Register with a P-256 key (ES256) or an RSA key \
             of 2048 bits or more.",
            "このアカウント鍵はJPRSでは使用できません。P-256(ES256)または2048ビット以上のRSAの鍵\
             で登録してください。",
        ),
        row(
            P::BadSignatureAlgorithm,
            400,
            "The JWS was signed with an algorithm the server does not support: [%s]",
            "jprs-account-algorithm-unsupported",
            R::FixInput,
        )
        .advice(
            "JPRS does not take the signature algorithm of this account key. Use another kind of \
             account key: P-256 (ES256) or RSA (RS256).",
            "アカウント鍵の署名アルゴリズムがJPRSで対応していません。P-256(ES256)またはRSA(RS256)\
             のアカウント鍵を使用してください。",
        ),
        row(
            P::ExternalAccountRequired,
            400,
            "The request must include a value for the externalAccountBinding field",
            "jprs-eab-missing",
            R::FixInput,
        )
        .advice(
            "Give the EAB key identifier and the EAB HMAC key that the reseller sent; JPRS \
             registers no account without them.",
            "アカウント登録にはEAB情報が必須です。指定事業者から通知されたEABのキー識別子とHMAC鍵\
             の両方を指定してください。",
        ),
        row(
            P::InvalidContact,
            400,
            "A contact URL for an account was invalid: [%s]",
            "jprs-contact-invalid",
            R::FixInput,
        )
        .advice(
            "JPRS cannot read a contact. Write plain e-mail addresses, such as admin@example.jp.",
            "連絡先の書式に誤りがあります。admin@example.jp のような通常のメールアドレスを指定し\
             てください。",
        ),
        row(
            P::UnsupportedContact,
            400,
            "A contact URL for an account used an unsupported protocol scheme: [%s]",
            "jprs-contact-scheme",
            R::FixInput,
        )
        .advice(
            "JPRS takes only e-mail addresses as contacts. Remove the others, such as telephone \
             numbers.",
            "連絡先に使用できるのはメールアドレスのみです。電話番号など他の形式の連絡先を削除して\
             ください。",
        ),
        row(
            P::Unauthorized,
            401,
            "The client lacks sufficient authorization",
            "jprs-account-not-valid",
            R::Human,
        )
        .during(Phase::Account)
        .during(Phase::Order)
        .during(Phase::Authorization)
        .during(Phase::Finalization)
        .during(Phase::Download)
        .during(Phase::Revocation)
        .advice(
            "The ACME account at JPRS is no longer valid. Ask the reseller about its status; do \
             not keep trying.",
            "JPRSのACMEアカウントが有効な状態ではありません。再実行を繰り返さず、\
             指定事業者にアカウントの状態を確認してください。",
        ),
    ]
}

/// The twelve causes of `malformed`.
fn malformed() -> Vec<KnownError> {
    const EXPIRED: &str = "Validity period of application has been expired";
    const STATUS: &str = "Unable to accept order";
    let row = |status, text, meaning, retry| row(P::Malformed, status, text, meaning, retry);
    vec![
        row(400, "The request information is invalid", "jprs-request-invalid", R::FixInput).advice(
            "JPRS misses a field of the request or cannot read one. Check names, contacts and \
             options; if they are right, report it to the makers of this program.",
            "リクエストに不足または書式の誤った項目があります。FQDN、連絡先、\
             オプションの指定を確認してください。誤りが見つからない場合は、\
             本プログラムの開発元に連絡してください。",
        ),
        row(400, "Unable to create account", "jprs-eab-refused", R::Human).advice(
            "JPRS does not accept the EAB credential: it is mistyped, already used, or older than \
             14 days. Compare it with the reseller's notice; if it is right, ask the reseller for \
             a new one.",
            "EAB情報が受け付けられませんでした。入力誤り、使用済み、または発行から14日の有効期間\
             の超過が考えられます。指定事業者からの通知と照合し、誤りがなければ再発行を依頼してく\
             ださい。",
        ),
        row(400, "The contact information is invalid:", "jprs-contact-count", R::FixInput).advice(
            "JPRS wants one to six contact e-mail addresses, none of them twice. Correct the list.",
            "連絡先メールアドレスは1件以上6件以下で、重複なく指定する必要があります。\
             指定内容を修正してください。",
        ),
        row(400, "Please agree to the term of service.", "jprs-terms-not-agreed", R::FixInput)
            .advice(
                "Read the terms of service of JPRS and agree to them explicitly when registering.",
                "JPRSの利用規約を確認のうえ、アカウント登録時に同意することを明示的に指定してくだ\
                 さい。",
            ),
        row(400, "The FQDN is invalid: [%s]", "jprs-name-not-issuable", R::FixInput).advice(
            "JPRS does not issue for this name. Check its spelling, and whether the name is \
             registered for this account with the reseller.",
            "このFQDNには証明書を発行できません。綴りを確認し、指定事業者を通じて当該アカウントに\
             登録されたFQDNであるか確認してください。",
        ),
        row(400, EXPIRED, "jprs-authorization-expired", R::NewOrder)
            .during(Phase::Authorization)
            .advice(
                "The time for proving control of the name has run out. Order again and answer the \
                 challenge at once.",
                "認可(authorization)の有効期間が過ぎています。新しいオーダーを作成し、\
                 速やかにチャレンジに応答してください。",
            ),
        row(400, STATUS, "jprs-authorization-status", R::NewOrder)
            .during(Phase::Authorization)
            .advice(
                "This authorization has been decided already, or has failed, and takes no further \
                 answer. Order again.",
                "この認可(authorization)は既に確定または失敗しており、応答を受け付けられない状態\
                 です。新しいオーダーを作成してください。",
            ),
        row(400, EXPIRED, "jprs-order-expired", R::NewOrder).advice(
            "The order is too old. Order again; finish a new order without long pauses.",
            "オーダーの有効期間が過ぎています。新しいオーダーを作成し、間を置かずに手続きを完了し\
             てください。",
        ),
        row(400, STATUS, "jprs-order-status", R::NewOrder).advice(
            "The order is in a state that does not allow this step: it is finished or has failed. \
             Order again.",
            "オーダーがこの操作を受け付けられない状態(完了または失敗)です。\
             新しいオーダーを作成してください。",
        ),
        row(400, "The certificate does not exist: [%s]", "jprs-certificate-unknown", R::FixInput)
            .advice(
                "JPRS has not issued the certificate that is to be revoked. Check that the right \
                 file is given and that it was issued by JPRS.",
                "失効対象の証明書がJPRSに存在しません。指定した証明書ファイルと、\
                 JPRSが発行した証明書であることを確認してください。",
            ),
        row(405, "The HTTP method is invalid: [%s]", "jprs-method-not-allowed", R::Never).advice(
            "JPRS refused the HTTP method. Check that no proxy changes requests, then report it to \
             the makers of this program; trying again does not help.",
            "HTTPメソッドが許可されていません。プロキシがリクエストを書き換えていないか確認し、\
             本プログラムの開発元に連絡してください。再実行しても解消しません。",
        ),
        row(415, "The content-type is invalid: [%s]", "jprs-content-type", R::Never).advice(
            "JPRS refused the Content-Type. Check that no proxy or web application firewall changes \
             headers, then report it to the makers of this program.",
            "Content-Typeが許可されていません。プロキシやWAFがヘッダーを書き換えていないか確認\
             し、本プログラムの開発元に連絡してください。",
        ),
    ]
}

fn order_and_certificate() -> Vec<KnownError> {
    vec![
        row(
            P::AlreadyRevoked,
            400,
            "The request specified a certificate to be revoked that has already been revoked: [%s]",
            "jprs-already-revoked",
            R::Never,
        )
        .advice(
            "The certificate is revoked already; nothing is left to do.",
            "この証明書は既に失効しています。追加の作業は不要です。",
        ),
        row(P::BadCsr, 400, "The CSR is unacceptable", "jprs-csr-refused", R::FixInput).advice(
            "JPRS refuses the certificate request. Use an RSA key of 2048 bits or more and make \
             the request name exactly the names of the order.",
            "CSRが受け付けられませんでした。2048ビット以上のRSA鍵を使用しているか、\
             CSRのFQDNがオーダーと一致しているか確認してください。",
        ),
        row(
            P::BadRevocationReason,
            400,
            "The revocation reason provided is not allowed by the server: [%s]",
            "jprs-revocation-reason",
            R::FixInput,
        )
        .advice(
            "JPRS does not take this reason. Revoke with another reason code, or without one.",
            "この失効理由コードは使用できません。別の理由コードを指定するか、\
             理由を省略してください。",
        ),
        row(
            P::Caa,
            403,
            "CAA records forbid the CA from issuing a certificate",
            "jprs-caa-refused",
            R::FixInput,
        )
        .advice(
            "A CAA record of the domain or of a parent domain does not permit JPRS. Add `0 issue \
             \"jprs.jp\"` there, wait until the old record has left the caches, and order again.",
            "当該ドメインまたは上位ドメインのCAAレコードでJPRSによる発行が許可されていません。\
             「0 issue \"jprs.jp\"」を追加し、DNSへの反映を待ってから再実行してください。",
        ),
        row(
            P::Connection,
            400,
            "The server could not connect to validation target : [%s]",
            "jprs-target-unreachable",
            R::NewOrder,
        )
        .advice(
            "JPRS could not reach the server to be validated. Open TCP port 80 to the Internet, \
             check the A and AAAA records, then order again; otherwise use dns-01.",
            "JPRSから検証対象のサーバーに接続できませんでした。インターネットからTCP 80番ポートに\
             接続できることとA/AAAAレコードを確認し、再実行してください。\
             80番ポートを開放できない場合はdns-01を使用してください。",
        ),
        row(
            P::OrderNotReady,
            403,
            "The request attempted to finalize an order that is not ready to be finalized",
            "jprs-order-not-ready",
            R::Later(Duration::from_secs(10)),
        )
        .advice(
            "The validation is not finished yet. Wait a little and finalize again.",
            "検証がまだ完了していません。しばらく待ってから再実行してください。",
        ),
        row(
            P::RejectedIdentifier,
            400,
            "The server will not issue certificates for the identifier",
            "jprs-name-rejected",
            R::OtherCa,
        )
        .advice(
            "JPRS refuses to issue for this name. Ask the reseller for the reason; trying again \
             does not help.",
            "この名前に対する発行は拒否されました。再実行では解消しないため、\
             指定事業者に理由を確認してください。",
        ),
        row(
            P::ServerInternal,
            500,
            "The server experienced an internal error",
            "jprs-internal-error",
            R::Later(Duration::from_secs(300)),
        )
        .advice(
            "JPRS has an internal fault. Try again in a few minutes; if it lasts, look at the \
             maintenance notices of JPRS and ask the reseller.",
            "JPRS側で内部エラーが発生しています。数分後に再実行してください。\
             続く場合はJPRSの障害・メンテナンス情報を確認し、指定事業者に問い合わせてください。",
        ),
        row(
            P::UnsupportedIdentifier,
            400,
            "An identifier is of an unsupported type",
            "jprs-identifier-type",
            R::OtherCa,
        )
        .advice(
            "JPRS does not issue for this kind of identifier. Order a DNS name, not an IP address.",
            "この種類の識別子には対応していません。IPアドレスなどではなく、\
             FQDNを指定してください。",
        ),
    ]
}
