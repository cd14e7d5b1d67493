//! Advice for the rules of CA profiles that input can break: code, English, Japanese.

pub(super) const TABLE: &[(&str, &str, &str)] = &[
    (
        "account-key-not-taken",
        "Use an account key of a kind that this CA takes.",
        "この認証局で使用できる種類のアカウント鍵を使用してください。",
    ),
    (
        "address-not-issued",
        "Order a DNS name; this CA does not issue for IP addresses.",
        "この認証局はIPアドレスに証明書を発行しません。FQDNを指定してください。",
    ),
    (
        "ca-closed",
        "This CA issues nothing more. Choose another one.",
        "この認証局は発行を終了しています。別の認証局を利用してください。",
    ),
    (
        "certificate-key-not-taken",
        "Make the certificate key of the kind that this CA, or the application there, asks for.",
        "認証局の指定または申請時のプロファイルに合った種類の鍵を生成してください。",
    ),
    (
        "certificate-key-too-short",
        "Make a longer RSA key, of 2048 bits or more.",
        "2048ビット以上のRSA鍵を生成してください。",
    ),
    (
        "common-name-missing",
        "Put the first name of the order into the subject as CN.",
        "主体者DNに、先頭の名前と同じCNを指定してください。",
    ),
    (
        "common-name-not-first",
        "Order the name that is the CN first, or make the first name the CN.",
        "CNと同じ名前をオーダーの先頭に指定してください。",
    ),
    (
        "contact-duplicate",
        "Give each contact e-mail address only once; upper and lower case count as the same.",
        "連絡先メールアドレスが重複しています(大文字と小文字は区別されません)。\
         重複を取り除いてください。",
    ),
    (
        "contact-not-mailto",
        "Give only e-mail addresses as contacts.",
        "連絡先にはメールアドレスのみを指定してください。",
    ),
    (
        "contacts-too-few",
        "Give a contact e-mail address; the CA uses it for urgent notices.",
        "連絡先メールアドレスを指定してください。認証局からの緊急連絡に使用されます。",
    ),
    (
        "contacts-too-many",
        "Give fewer contact e-mail addresses.",
        "連絡先メールアドレスの数を上限以下に減らしてください。",
    ),
    (
        "external-account-algorithm",
        "Use the MAC algorithm that this CA takes, HS256 as a rule.",
        "この認証局が対応しているMACアルゴリズム(通常はHS256)を指定してください。",
    ),
    (
        "name-outside-domain",
        "Order only names of the institution's own domain; for others use another CA.",
        "所属機関のドメインに属する名前のみを指定してください。それ以外の名前には別の認証局を利用\
         してください。",
    ),
    ("request-unreadable", "Make the certificate request anew.", "CSRを作成し直してください。"),
    (
        "subject-attribute-forbidden",
        "Leave this attribute out of the subject.",
        "主体者DNから当該属性(OUなど)を削除してください。",
    ),
    (
        "subject-form",
        "Write the subject exactly as the institution has registered it, in the same order.",
        "主体者DNを、所属機関で定められた値と順序のとおりに指定してください。",
    ),
    (
        "subject-missing",
        "Give the subject that the institution has registered.",
        "所属機関で定められた主体者DNを指定してください。",
    ),
    (
        "too-many-names",
        "Spread the names over several certificates.",
        "名前を複数の証明書に分けてください。",
    ),
    (
        "wildcard-not-issued",
        "Name the hosts one by one; this CA issues no wildcards.",
        "この認証局はワイルドカード証明書を発行しません。ホスト名を個別に指定してください。",
    ),
];
