//! The names by which clients and CAs call the parts of a credential.

use zeroize::Zeroizing;

/// A part of a credential, as a name tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    KeyId,
    MacKey,
    Algorithm,
    /// Key identifier and key in one value, as Caddy, mod_md and uacme take them.
    Pair,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) field: Field,
    /// The name may also mean other things, as `key` and `id` do.
    pub(super) is_weak: bool,
}

const fn strong(field: Field) -> Option<Label> {
    Some(Label { field, is_weak: false })
}

const fn weak(field: Field) -> Option<Label> {
    Some(Label { field, is_weak: true })
}

/// No name is longer; whatever is, may be a part of the secret.
const MAX_NAME_LEN: usize = 80;

/// Ways to say "external account binding", after which any name is clear.
const BINDING: [&str; 4] = ["externalaccountbinding", "externalaccount", "extacct", "eab"];

/// Says what a name stands for. Case, punctuation, remarks in parentheses and whatever stands
/// before "eab" do not matter, so that `--eab-kid`, `LEGO_EAB_KID`, `eabKid` and `EAB KID (key
/// identifier)` are the same.
pub(super) fn recognise(name: &str) -> Option<Label> {
    if name.len() > MAX_NAME_LEN {
        return None;
    }
    let mut letters = Zeroizing::new(String::with_capacity(MAX_NAME_LEN));
    let mut depth = 0_usize;
    for character in name.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && character.is_alphanumeric() => {
                letters.push(character.to_ascii_lowercase());
            }
            _ => {}
        }
    }
    let in_binding = BINDING
        .iter()
        .filter_map(|words| letters.rfind(words).and_then(|at| letters.get(at + words.len()..)))
        .min_by_key(|rest| rest.len());
    match in_binding {
        Some("") => strong(Field::Pair),
        Some(rest) => alone(rest).map(|label| Label { is_weak: false, ..label }),
        None => alone(&letters).or_else(|| letters.strip_prefix("acme").and_then(alone)),
    }
}

fn alone(name: &str) -> Option<Label> {
    match name {
        "kid" | "keyid" | "keyidentifier" | "hmackid" | "hmackeyid" | "hmackeyidentifier"
        | "mackid" | "mackeyid" | "mackeyidentifier" | "accountacmekey" | "鍵識別子" | "鍵id"
        | "キー識別子" | "キーid" | "mac鍵識別子" | "macキー識別子" => {
            strong(Field::KeyId)
        }
        "hmac" | "hmackey" | "hmacsecret" | "hmacencoded" | "hmac64" | "hmackeyvalue"
        | "hmackeysecret" | "hmackeyencoded" | "mackey" | "b64mackey" | "b64urlmackey"
        | "mackeybase64" | "macsecret" | "hmacキー" | "hmac鍵" | "macキー" | "mac鍵" => {
            strong(Field::MacKey)
        }
        "hmacalg" | "hmacalgorithm" | "macalg" | "macalgorithm" | "keyalg" | "keyalgorithm" => {
            strong(Field::Algorithm)
        }
        "id" | "identifier" => weak(Field::KeyId),
        "key" | "secret" | "mac" | "k" => weak(Field::MacKey),
        "alg" | "algorithm" => weak(Field::Algorithm),
        _ => None,
    }
}
