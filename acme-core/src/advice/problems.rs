//! Advice for the problem types of RFC 8555 and its extensions: code, English, Japanese.

pub(super) const TABLE: &[(&str, &str, &str)] = &[
    (
        "accountDoesNotExist",
        "The CA does not know this account. Use the account key it was registered with, or \
         register again.",
        "認証局に該当するアカウントが存在しません。登録時のアカウント鍵を使用するか、\
         改めて登録してください。",
    ),
    (
        "alreadyReplaced",
        "Another order has replaced the certificate already. Order again without naming it.",
        "置き換え対象の証明書は既に別のオーダーで更新されています。置き換え対象を指定せずに再度\
         オーダーしてください。",
    ),
    (
        "alreadyRevoked",
        "The certificate is revoked already; nothing is left to do.",
        "この証明書は既に失効しています。追加の作業は不要です。",
    ),
    (
        "autoRenewalCanceled",
        "The automatic renewal was cancelled. Place a new order.",
        "自動更新は取り消されています。新しいオーダーを作成してください。",
    ),
    (
        "autoRenewalCancellationInvalid",
        "The automatic renewal cannot be cancelled in its present state. Look at the order's \
         status.",
        "現在の状態では自動更新を取り消せません。オーダーの状態を確認してください。",
    ),
    (
        "autoRenewalExpired",
        "The automatic renewal has ended. Place a new order.",
        "自動更新の期間が終了しています。新しいオーダーを作成してください。",
    ),
    (
        "autoRenewalRevocationNotSupported",
        "Certificates of automatic renewal are not revoked; cancel the renewal instead.",
        "自動更新の証明書は失効できません。代わりに自動更新を取り消してください。",
    ),
    (
        "badAttestationStatement",
        "The CA refuses the attestation of the device. Check the device and its attestation \
         certificate.",
        "機器の証明情報(アテステーション)が受け付けられませんでした。機器とその証明書を確認してく\
         ださい。",
    ),
    (
        "badCSR",
        "The CA refuses the certificate request: check key type and size, names and subject.",
        "CSRが受け付けられませんでした。鍵の種類と長さ、名前、主体者DNを確認してください。",
    ),
    (
        "badNonce",
        "The CA keeps refusing the one-time values of requests. Run again; look for a proxy that \
         repeats or caches requests.",
        "リクエストの使い捨て値(nonce)が繰り返し拒否されています。再実行しても解消しない場合は、\
         プロキシによる再送やキャッシュがないか確認してください。",
    ),
    (
        "badPublicKey",
        "Use another type of account key; P-256 (ES256) is taken by every CA.",
        "別の種類のアカウント鍵を使用してください。P-256(ES256)はすべての認証局で使用できます。",
    ),
    (
        "badRevocationReason",
        "The CA does not take this reason. Revoke with another reason code, or without one.",
        "この失効理由コードは使用できません。別の理由コードを指定するか、\
         理由を省略してください。",
    ),
    (
        "badSignatureAlgorithm",
        "Use another type of account key; P-256 (ES256) is taken by every CA.",
        "別の種類のアカウント鍵を使用してください。P-256(ES256)はすべての認証局で使用できます。",
    ),
    (
        "caa",
        "A CAA record of the domain or a parent forbids this CA, or could not be looked up; \
         permit the CA there.",
        "当該ドメインまたは上位ドメインのCAAレコードでこの認証局が許可されていないか、\
         CAAレコードを取得できませんでした。CAAレコードで許可してください。",
    ),
    (
        "compound",
        "Several names have problems of their own; read the message for each of them.",
        "複数の名前にそれぞれ問題があります。名前ごとのメッセージを確認してください。",
    ),
    (
        "conflict",
        "The object changed meanwhile. Run again in a moment.",
        "対象の状態が途中で変化しました。しばらく待ってから再実行してください。",
    ),
    (
        "connection",
        "The CA could not connect to the server. Open port 80 (http-01) or 443 (tls-alpn-01) to \
         the Internet and check the A and AAAA records.",
        "認証局から当該サーバーに接続できませんでした。80番(http-01)または443番(tls-alpn-01)ポー\
         トをインターネットに開放し、A/AAAAレコードを確認してください。",
    ),
    (
        "dns",
        "A DNS query of the CA failed. Check that the record is published on all name servers, \
         and that they answer without errors.",
        "認証局からのDNS問い合わせに失敗しました。すべてのネームサーバーにレコードが反映され、\
         正常に応答するか確認してください。",
    ),
    (
        "externalAccountRequired",
        "Ask the CA for external account binding credentials (key id and HMAC key) and give both.",
        "認証局から外部アカウント連携(EAB)情報を取得し、キー識別子とHMAC鍵の両方を指定してくださ\
         い。",
    ),
    (
        "incorrectResponse",
        "The CA got another answer than the one published. Look for another web server, a \
         redirect, or an old DNS record at the name.",
        "認証局が取得した応答が設定した内容と異なります。別のWebサーバーの応答、リダイレクト、\
         古いDNSレコードが残っていないか確認してください。",
    ),
    (
        "invalidContact",
        "Correct the e-mail address of the account.",
        "アカウントのメールアドレスを修正してください。",
    ),
    (
        "invalidProfile",
        "Name a profile that the directory of the CA lists.",
        "認証局のディレクトリに掲載されているプロファイル名を指定してください。",
    ),
    (
        "malformed",
        "The CA cannot accept the request as it stands. Read its message, correct what it names, \
         and run again.",
        "リクエストの内容が受け付けられませんでした。サーバーのメッセージを確認し、\
         指摘された点を修正して再実行してください。",
    ),
    (
        "onionCAARequired",
        "The CA wants the CAA records of the .onion name in the order, which this program does \
         not send. Use another CA.",
        ".onion名のCAAレコードをオーダーに含める必要がありますが、本プログラムは対応していませ\
         ん。別の認証局を利用してください。",
    ),
    (
        "orderNotReady",
        "The validation is not finished. Wait a little and run again.",
        "検証がまだ完了していません。しばらく待ってから再実行してください。",
    ),
    (
        "rateLimited",
        "The CA asks for fewer requests; run again later, and look for a job that orders too \
         often.",
        "認証局の発行数またはリクエスト数の制限に達しました。過剰に発行を繰り返す処理がないか確認\
         し、時間をおいて再実行してください。",
    ),
    (
        "rejectedIdentifier",
        "The CA refuses to issue for this name. Check its spelling, ask the CA why, or use \
         another CA.",
        "この名前に対する発行は拒否されました。綴りを確認し、認証局に理由を確認するか、\
         別の認証局を利用してください。",
    ),
    (
        "serverInternal",
        "The CA has an internal fault. Run again later; if it lasts, look at the CA's status \
         page.",
        "認証局側で内部エラーが発生しています。時間をおいて再実行してください。\
         続く場合は認証局の障害情報を確認してください。",
    ),
    (
        "tls",
        "The CA could not complete a TLS handshake with the server. Check port 443 and what \
         answers there.",
        "認証局と当該サーバーとのTLS接続が確立できませんでした。443番ポートで応答しているサーバー\
         の設定を確認してください。",
    ),
    (
        "unauthorized",
        "The CA does not allow this: the proof of control was not found, or the account may not \
         do it. Check the challenge and the account.",
        "認証局が許可しませんでした。チャレンジの応答が確認できないか、アカウントに権限がありませ\
         ん。チャレンジの設定とアカウントの状態を確認してください。",
    ),
    (
        "unknownDelegation",
        "The CA knows no such delegation. Check the delegation URL of the account.",
        "指定された委任が認証局に存在しません。アカウントの委任URLを確認してください。",
    ),
    (
        "unsupportedContact",
        "Correct the e-mail address of the account.",
        "アカウントの連絡先には、対応している形式(メールアドレス)を指定してください。",
    ),
    (
        "unsupportedIdentifier",
        "The CA does not issue for this kind of name, such as IP addresses. Order a DNS name or \
         use another CA.",
        "この種類の識別子(IPアドレスなど)には対応していません。FQDNを指定するか、\
         別の認証局を利用してください。",
    ),
    (
        "userActionRequired",
        "The CA wants a person to act, for example to agree to new terms of service.",
        "利用規約の改定への同意など、担当者による手続きが必要です。",
    ),
];
