//! Texts that nobody pastes in good faith.

use super::*;

fn each_way(text: &str) -> [Result<ImportedBinding, ImportError>; 4] {
    [
        ImportedBinding::parse(text),
        ImportedBinding::parse_as(text, MacKeyForm::DoubledBase64),
        ImportedBinding::parse_key(text, None),
        ImportedBinding::parse_key(text, Some(MacKeyForm::Raw)),
    ]
}

#[test]
fn a_huge_text_is_refused_at_once() {
    for text in ["A".repeat(1 << 20), "\u{1f980}".repeat(1 << 18), "{".repeat(1 << 20)] {
        for outcome in each_way(&text) {
            assert_eq!(
                outcome.unwrap_err(),
                ImportError::TooLong { octets: 1 << 20, limit: MAX_IMPORT_LEN }
            );
        }
    }
}

#[test]
fn the_longest_texts_end_quickly() {
    for unit in [
        "A",
        "-",
        "--",
        "=",
        ":",
        "|",
        "\t",
        "  ",
        "\\",
        "\"",
        "'",
        "[",
        "{",
        "{\"a\":",
        "0x",
        "0x0",
        "eab",
        "eab:",
        "eab=",
        "kid ",
        "kid: ",
        "kid=",
        "key\n",
        "hmac:\n",
        "--eab-kid ",
        "a,",
        "a  b  ",
        "(",
        ")",
        "<",
        "$",
        "-----BEGIN ",
        "\u{ff08}",
        "\u{1f980}",
        "\u{200b}",
        "é",
        "kid,key\n",
        "eab-kid=A eab-key=B ",
        "Key  Value\n",
    ] {
        let text = unit.repeat(MAX_IMPORT_LEN / unit.len());
        // What comes of it does not matter here.
        let _ = each_way(&text);
    }
}

#[test]
fn deep_json_is_refused() {
    let text = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
    assert!(matches!(fails(&text), ImportError::Json { .. }));
}

#[test]
fn no_mixture_of_pieces_makes_it_panic() {
    const PIECES: [&str; 40] = [
        "eab",
        "kid",
        "hmac",
        "key",
        "id",
        "alg",
        "HS256",
        "=",
        ":",
        ",",
        ";",
        "|",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\"",
        "'",
        "`",
        "\\",
        "--",
        "-e",
        "/",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "#",
        "$x",
        "0x",
        "hex:",
        "AAAA",
        "ab",
        "-----BEGIN",
        "\u{ff1d}",
        "\u{feff}",
        "鍵識別子",
    ];
    for round in 0..64 {
        for chunk in octets(round, 640).chunks(16) {
            let text: String =
                chunk.iter().map(|octet| PIECES[usize::from(*octet) % PIECES.len()]).collect();
            let _ = each_way(&text);
        }
    }
}

#[test]
fn no_cut_of_a_good_text_makes_it_panic() {
    let key = base64url(&octets(1, 64));
    for text in [
        format!("certbot register --eab-kid “kid-1” --eab-hmac-key '{key}'"),
        format!("{{\"kid\":\"キー\",\"hmac\":\"{key}\"}}"),
        format!("鍵識別子（KID）：kid-1\nHMAC キー：{key}"),
        format!("| Key ID | HMAC key |\n|---|---|\n| kid-1 | {key} |"),
    ] {
        let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for at in cuts {
            let (head, tail) = text.split_at(at);
            let _ = (each_way(head), each_way(tail));
        }
    }
}
