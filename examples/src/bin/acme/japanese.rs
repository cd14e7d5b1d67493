//! The advice of this program itself in Japanese; the library has its own.

use crate::exit_code::ExitCode;

/// What to do about a failure that only this program knows, or knows better than the library.
pub(crate) fn advice(exit: ExitCode, code: &str) -> Option<&'static str> {
    if exit == ExitCode::NoAccount {
        return Some(
            "CA がアカウントを失った場合や、アカウントを無効化した場合は、DIR/account を別の場所へ\
             移してから再実行してください。",
        );
    }
    TABLE.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice)
}

const TABLE: &[(&str, &str)] = &[
    ("usage", "`acme --help` で使い方を確認してください。"),
    (
        "domain-malformed",
        "--domain の後に www.example.org のような名前を一つずつ指定してください。",
    ),
    ("domain-missing", "--domain で名前を一つ以上指定してください。"),
    ("wildcard-needs-dns-01", "--dns01-exec を使ってください。"),
    (
        "address-without-dns",
        "--http01-listen、--webroot、--tlsalpn01-listen のいずれかを使ってください。",
    ),
    ("eab-key-unreadable", "HMAC 鍵を書いた、読み取り可能なテキストファイルを指定してください。"),
    (
        "eab-key-missing",
        "--eab-hmac-key-file、--eab-hmac-key、環境変数 ACME_EAB_HMAC_KEY のいずれかで HMAC 鍵を\
         指定してください。",
    ),
    (
        "eab-key-malformed",
        "CA のアカウント画面から、キー ID と HMAC 鍵をもう一度コピーしてください。",
    ),
    (
        "eab-kid-malformed",
        "CA のアカウント画面から、キー ID と HMAC 鍵をもう一度コピーしてください。",
    ),
    ("eab-not-understood", "CA のアカウント画面から、認証情報全体をもう一度コピーしてください。"),
    ("eab-unreadable", "認証情報を引数または標準入力にテキストで渡してください。"),
    (
        "email-malformed",
        "--email の後に admin@example.org のようなアドレスを一つずつ指定してください。",
    ),
    ("subject-malformed", "--subject は C=JP,O=Example,CN=www.example.org の形で書いてください。"),
    (
        "root-unreadable",
        "--ca-root には、読み取り可能な PEM 形式の証明書ファイルを指定してください。",
    ),
    ("out-not-writable", "--out には、このユーザーが書き込めるディレクトリを指定してください。"),
    ("request-malformed", "名前またはサブジェクトを修正してください。"),
    ("runtime", "メモリまたはスレッドを空けてから再実行してください。"),
    ("ca-unknown", "`acme ca list` に表示される名前を指定してください。"),
    (
        "ca-without-directory",
        "CA または運用者から案内された URL を --directory で指定してください。",
    ),
    ("not-confirmed", "本当に実行する場合は --yes を付けてください。"),
    (
        "account-not-stored",
        "--out と、--directory または --ca に、`acme issue` のときと同じものを指定してください。",
    ),
    (
        "certificate-unreadable",
        "--cert で証明書を、または --out で chain.pem のあるディレクトリを指定してください。",
    ),
    (
        "certificate-key-unusable",
        "--key に証明書の秘密鍵 (PEM) を指定するか、--key を付けずに --out でアカウントのある\
         ディレクトリを指定してください。",
    ),
];
