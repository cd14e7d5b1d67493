//! Advice for the codes of this library's own errors: code, English, Japanese.

pub(super) const TABLE: &[(&str, &str, &str)] = &[
    (
        "account-key-in-certificate",
        "Use a key for the certificate that is not the account key.",
        "証明書にはアカウント鍵とは別の鍵を使用してください。",
    ),
    (
        "account-not-deactivated",
        "The CA did not give the account up. Run again; if it stays, ask the CA.",
        "アカウントが無効化されませんでした。再実行しても変わらない場合は、\
         認証局に問い合わせてください。",
    ),
    (
        "account-not-valid",
        "The account has been deactivated or revoked. Register a new one, or ask the CA.",
        "アカウントが無効化または取り消されています。新しく登録するか、認証局に問い合わせてくださ\
         い。",
    ),
    (
        "authorization-final",
        "The authorization has failed or ended. Order again.",
        "認可(authorization)が失敗または終了しています。新しいオーダーを作成してください。",
    ),
    (
        "authorization-invalid",
        "Report this to the CA; its server sends an authorization that cannot be read.",
        "認可(authorization)の応答を解釈できません。認証局に連絡してください。",
    ),
    (
        "bad-date",
        "Ask for dates from 1970 to 9999, or for none.",
        "1970年から9999年までの日時を指定するか、日時の指定を省略してください。",
    ),
    (
        "bad-language",
        "Give language tags such as `ja, en`.",
        "「ja, en」のような言語タグを指定してください。",
    ),
    ("cancelled", "Run again when ready.", "準備ができたら再実行してください。"),
    (
        "dates-refused",
        "Order without notBefore and notAfter: this CA chooses the dates of the certificate itself.",
        "notBefore・notAfterを指定せずにオーダーしてください。この認証局では証明書の有効期間を\
         認証局が決定します。",
    ),
    (
        "certificate-expired",
        "Do not install this certificate: it has expired. Check the clock of this machine, then \
         report it to the CA.",
        "この証明書は有効期限が切れているため、導入しないでください。サーバーの時刻を確認し、\
         正しければ認証局に連絡してください。",
    ),
    (
        "certificate-key-revocation-unsupported",
        "This CA takes a revocation from the account that ordered the certificate only; revoke it \
         by that account, or ask the CA.",
        "この認証局は、証明書の鍵による失効要求を受け付けません。証明書を取得したアカウントで失効させる\
         か、認証局に問い合わせてください。",
    ),
    (
        "certificate-leaf-is-ca",
        "Do not install this certificate: it is one of a CA. Keep the evidence and report it to \
         the CA.",
        "認証局用の証明書が送られてきたため、導入しないでください。記録を保存し、\
         認証局に連絡してください。",
    ),
    (
        "certificate-name-missing",
        "Do not install this certificate: it lacks a name that was ordered. Keep the evidence \
         and report it to the CA.",
        "この証明書には要求した名前が含まれていないため、導入しないでください。記録を保存し、\
         認証局に連絡してください。",
    ),
    (
        "certificate-not-yet-valid",
        "Do not install this certificate yet: it is not valid now. Check the clock of this \
         machine.",
        "この証明書はまだ有効期間に入っていません。サーバーの時刻を確認してください。",
    ),
    (
        "certificate-wrong-key",
        "Do not install this certificate: it is for another key. Keep the evidence and report it \
         to the CA.",
        "この証明書は別の鍵に対するものであるため、導入しないでください。記録を保存し、\
         認証局に連絡してください。",
    ),
    (
        "chain-broken",
        "Do not install this certificate: its chain does not hold together. Keep the evidence \
         and report it to the CA.",
        "証明書チェーンが正しくつながっていないため、導入しないでください。記録を保存し、\
         認証局に連絡してください。",
    ),
    (
        "chain-invalid",
        "Do not install this certificate: the chain cannot be read. Keep the evidence and report \
         it to the CA.",
        "証明書チェーンを解釈できないため、導入しないでください。記録を保存し、\
         認証局に連絡してください。",
    ),
    (
        "deadline",
        "Allow more time, or run again: the work done so far at the CA is usually kept.",
        "制限時間内に完了しませんでした。制限時間を延ばすか、もう一度実行してください。\
         認証局側でのここまでの処理は通常引き継がれます。",
    ),
    (
        "directory-incomplete",
        "The directory lacks a URL that this operation needs. Check the directory URL; otherwise \
         the CA does not offer the operation.",
        "ディレクトリにこの操作に必要なURLがありません。ディレクトリURLを確認してください。\
         正しい場合、この認証局は当該操作に対応していません。",
    ),
    (
        "directory-invalid",
        "What the directory URL gives is no ACME directory. Check the URL with the CA's manual.",
        "ディレクトリURLの応答がACMEのディレクトリではありません。認証局のマニュアルでURLを確認し\
         てください。",
    ),
    (
        "eab-already-used",
        "This EAB credential has made an account already. Use that account and its key; if they \
         are lost, ask the CA for a new credential.",
        "このEAB情報は既にアカウントの登録に使用されています。そのアカウントと鍵を使用してくださ\
         い。失われている場合は、認証局に新しいEAB情報の発行を依頼してください。",
    ),
    (
        "eab-expired",
        "This EAB credential has expired. Ask the CA for a new one and register in time.",
        "このEAB情報は有効期限が切れています。認証局に新しいEAB情報の発行を依頼し、\
         期限内に登録してください。",
    ),
    (
        "eab-refused",
        "The CA does not accept the EAB credential. Compare key id and HMAC key with what the CA \
         gave out; if they are right, ask the CA whether it was used, expired or suspended.",
        "EAB情報が認証局に受け付けられませんでした。キー識別子とHMAC鍵を認証局からの通知と照合し\
         てください。正しい場合は、使用済み・期限切れ・停止でないか認証局に確認してください。",
    ),
    (
        "entropy-failed",
        "The source of randomness of this machine failed. Repair it before anything else.",
        "乱数源が利用できません。まずシステムの乱数源を復旧してください。",
    ),
    (
        "external-account-required",
        "Ask the CA for external account binding credentials (key id and HMAC key) and give both.",
        "認証局から外部アカウント連携(EAB)情報を取得し、キー識別子とHMAC鍵の両方を指定してくださ\
         い。",
    ),
    (
        "finalize-loop",
        "The CA accepts the request again and again without issuing. Order again later, and \
         report it to the CA.",
        "CSRの送信後も発行処理が進みません。時間をおいて再度オーダーし、\
         続く場合は認証局に連絡してください。",
    ),
    (
        "flow-finished",
        "This operation has ended; begin a new one.",
        "この処理は既に終了しています。新しい処理を開始してください。",
    ),
    (
        "foreign-authorization",
        "Report this to the CA; it asks for proof about a name that was not ordered.",
        "オーダーに含まれない名前の認可が要求されました。認証局に連絡してください。",
    ),
    (
        "foreign-host",
        "The server sends this client to another host. Permit that host only if the CA names it \
         as its own.",
        "サーバーが別のホストへの接続を指示しています。認証局が公表しているホストである場合に限\
         り、許可してください。",
    ),
    (
        "key-change-not-done",
        "The old key stays in use. Report this to the CA: it confirmed a change of keys that it has \
         not made.",
        "これまでの鍵が引き続き有効です。認証局は鍵の変更を確認しましたが、実際には変更されていません。\
         認証局に連絡してください。",
    ),
    (
        "key-change-unsupported",
        "This CA cannot change account keys. Register a new account with the new key instead.",
        "この認証局はアカウント鍵の変更に対応していません。新しい鍵で新しいアカウントを登録してく\
         ださい。",
    ),
    (
        "key-in-use",
        "The new key has an account of its own already. Use a fresh key.",
        "新しい鍵は既に別のアカウントで使用されています。未使用の鍵を生成してください。",
    ),
    (
        "key-used-elsewhere",
        "The key of a certificate or of another account is not to be an account key. Make a fresh \
         one.",
        "証明書または別のアカウントの鍵は、このアカウントの鍵として使用できません。\
         新しい鍵を生成してください。",
    ),
    (
        "location-missing",
        "Report this to the CA; its answer does not say where the new object is.",
        "サーバーの応答に作成された対象のURLがありません。認証局に連絡してください。",
    ),
    (
        "mac-failed",
        "The MAC of the external account binding could not be computed. Check the module or \
         service that holds the HMAC key.",
        "EABのMACを計算できませんでした。HMAC鍵を保持する装置またはサービスを確認してください。",
    ),
    (
        "no-account",
        "Register an account with this key first, or use the right key.",
        "先にこの鍵でアカウントを登録するか、正しい鍵を使用してください。",
    ),
    (
        "no-answer",
        "The CA did not answer in time. Check proxy and firewall, then run again; what was begun \
         is taken up.",
        "認証局から応答がありませんでした。プロキシとファイアウォールを確認し、\
         再実行してください。途中までの処理は引き継がれます。",
    ),
    (
        "no-identifiers",
        "Name at least one domain that the certificate is for.",
        "証明書に記載する名前(FQDN)を1つ以上指定してください。",
    ),
    (
        "no-usable-challenge",
        "Configure a challenge type that the CA offers for this name; wildcards need dns-01.",
        "認証局がこの名前に対して提示するチャレンジ方式を設定してください。\
         ワイルドカードにはdns-01が必要です。",
    ),
    (
        "nonce-missing",
        "Report this to the CA; its server gives no nonce, or a proxy removes the header.",
        "サーバーからnonceが得られません。プロキシがヘッダーを削除していないか確認し、\
         認証局に連絡してください。",
    ),
    (
        "nonce-repeated",
        "The same nonce came twice, so that a cache seems to stand between this machine and the CA. \
         Take it out of the way; otherwise report it to the CA.",
        "同じnonceが繰り返し返されました。途中に応答をキャッシュするプロキシがないか確認し、\
         ない場合は認証局に連絡してください。",
    ),
    (
        "not-implemented",
        "This CA does not offer the operation; do without it.",
        "この認証局は当該操作に対応していません。この操作を行わずに運用してください。",
    ),
    (
        "not-json",
        "The answer is not from an ACME server. Check the URL, and what a proxy or firewall puts \
         in between.",
        "ACMEサーバーの応答ではありません。URLのほか、途中のプロキシやファイアウォールが応答を差\
         し替えていないか確認してください。",
    ),
    (
        "not-published",
        "No challenge could be published. Check the web server, the directory or the DNS set-up \
         of this machine.",
        "チャレンジの応答を設置できませんでした。このサーバーのWebサーバー、\
         ディレクトリまたはDNSの設定を確認してください。",
    ),
    (
        "not-reached",
        "Check that this machine reaches the CA: name resolution, proxy, firewall, and the root \
         certificate the CA's own server is checked against.",
        "このサーバーから認証局に接続できるか確認してください(名前解決、プロキシ、\
         ファイアウォール、認証局サーバーの検証に用いるルート証明書)。",
    ),
    (
        "nothing-to-change",
        "Say what is to be changed in the account.",
        "アカウントの変更内容を指定してください。",
    ),
    (
        "order-failed",
        "The CA gave the order up. Read its message, remove the cause, and order again.",
        "オーダーが失敗しました。サーバーのメッセージを確認し、原因を取り除いてから再度オーダーし\
         てください。",
    ),
    (
        "order-changed",
        "Order again. If it happens again, report it to the CA with the evidence: its server changed \
         an order while it was open.",
        "もう一度オーダーしてください。再発する場合は、処理中のオーダーの内容が変更されたことを\
         記録とともに認証局に連絡してください。",
    ),
    (
        "order-identifiers",
        "Report this to the CA; the order it made is for other names.",
        "要求と異なる名前のオーダーが返されました。認証局に連絡してください。",
    ),
    (
        "order-invalid",
        "Report this to the CA; its server sends an order that cannot be read.",
        "オーダーの応答を解釈できません。認証局に連絡してください。",
    ),
    (
        "order-profile",
        "Report this to the CA; it chose another profile than the one ordered.",
        "要求と異なるプロファイルのオーダーが返されました。認証局に連絡してください。",
    ),
    (
        "order-status-unknown",
        "The order has a status that this program does not know. Look for a newer version, or \
         ask the CA.",
        "オーダーの状態が本プログラムの知らない値です。新しい版を確認するか、\
         認証局に問い合わせてください。",
    ),
    (
        "orders-unsupported",
        "This CA does not list orders; use your own records.",
        "この認証局はオーダーの一覧に対応していません。手元の記録を参照してください。",
    ),
    (
        "other-binding",
        "This account key was registered with another EAB credential. Use a fresh account key for \
         this one.",
        "このアカウント鍵は別のEAB情報で登録済みです。このEAB情報には新しいアカウント鍵を使用し\
         てください。",
    ),
    (
        "plain-http",
        "Use an https URL; plain http is for tests on loopback only.",
        "httpsのURLを使用してください。httpはループバックでの試験に限り使用できます。",
    ),
    (
        "preauthorization-unsupported",
        "This CA proves names only within an order; order right away.",
        "この認証局は事前認可に対応していません。直接オーダーを作成してください。",
    ),
    (
        "private-address",
        "The server sends this client to a private address. If that is intended, allow it in the \
         policy; otherwise report it to the CA.",
        "サーバーがプライベートアドレスへの接続を指示しています。意図したものであればポリシーで許\
         可し、そうでなければ認証局に連絡してください。",
    ),
    (
        "rate-limited",
        "The CA asks for fewer requests.",
        "認証局の発行数またはリクエスト数の制限に達しました。",
    ),
    (
        "redirect-refused",
        "The server redirects where it may not. Use the URL of the CA's manual, and look for a \
         proxy in between.",
        "許可されないリダイレクトが返されました。認証局のマニュアルにあるURLを使用し、\
         途中のプロキシの有無を確認してください。",
    ),
    (
        "refused",
        "Read the server's message, correct what it names, and run again.",
        "サーバーのメッセージを確認し、指摘された点を修正して再実行してください。",
    ),
    (
        "response-too-large",
        "The answer is larger than the policy allows. Check the URL; raise the limit only if the \
         CA really sends so much.",
        "応答が上限を超えています。URLを確認し、認証局の正当な応答である場合に限り上限を引き上げ\
         てください。",
    ),
    (
        "revocation-unsupported",
        "This CA offers no revocation by ACME; use its portal, or ask it.",
        "この認証局はACMEによる失効に対応していません。認証局の管理画面で手続きするか、\
         問い合わせてください。",
    ),
    (
        "same-key",
        "The new key is the old one; make a fresh key.",
        "新しい鍵が現在の鍵と同じです。別の鍵を生成してください。",
    ),
    (
        "server-error",
        "The CA's server has a fault. Run again later; if it lasts, look at the CA's status page.",
        "認証局のサーバーで障害が発生しています。続く場合は認証局の障害情報を確認してください。",
    ),
    (
        "signing-failed",
        "The key could not sign. Check the key, or the module or service that holds it.",
        "署名できませんでした。鍵、または鍵を保持する装置・サービスを確認してください。",
    ),
    (
        "terms-not-agreed",
        "Read the CA's terms of service and agree to them explicitly.",
        "認証局の利用規約を確認し、同意することを明示的に指定してください。",
    ),
    (
        "too-many-polls",
        "The CA takes very long. Run again later: the order is usually kept.",
        "認証局の処理に時間がかかっています。時間をおいて再実行してください。\
         オーダーは通常引き継がれます。",
    ),
    (
        "url-malformed",
        "Correct the URL; if it came from the server, report it to the CA.",
        "URLを修正してください。サーバーから送られたURLである場合は、認証局に連絡してください。",
    ),
    (
        "validation-failed",
        "Make sure that the CA can reach the challenge from the Internet: the DNS record or the \
         port, firewalls, redirects and CAA records.",
        "認証局がインターネットからチャレンジを確認できるようにしてください(DNSレコード、ポート、\
         ファイアウォール、リダイレクト、CAAレコード)。",
    ),
    (
        "wildcard-preauthorization",
        "Wildcards cannot be authorized beforehand; order the name right away.",
        "ワイルドカードは事前認可の対象になりません。直接オーダーを作成してください。",
    ),
    (
        "wrong-account-key",
        "The stored account belongs to another key. Use the key it was registered with.",
        "保存されているアカウントは別の鍵のものです。登録時のアカウント鍵を使用してください。",
    ),
    (
        "wrong-certificate-key",
        "The key does not belong to the certificate. Give the key of this certificate, or revoke \
         with the account key.",
        "指定された鍵は証明書の鍵と一致しません。この証明書の鍵を指定するか、\
         アカウント鍵で失効してください。",
    ),
    (
        "wrong-directory",
        "The stored account is at another CA or directory. Use the directory it was registered \
         at, or register here.",
        "保存されているアカウントは別のディレクトリのものです。登録時のディレクトリを使用するか、\
         新しく登録してください。",
    ),
];
