//! Headers as servers write them, well and badly.

use super::*;
use http::HeaderValue;

const NOW: Timestamp = Timestamp::from_unix_seconds(784_111_777);

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(*name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn delay(value: &str) -> Option<u64> {
    retry_after(&headers(&[("retry-after", value)]), NOW)
        .map(|at| at.saturating_since(NOW).as_secs())
}

#[test]
fn retry_after_is_read_in_every_form() {
    assert_eq!(delay("120"), Some(120));
    assert_eq!(delay(" 0 "), Some(0));
    assert_eq!(delay("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
    assert_eq!(delay("Sun, 06 Nov 1994 08:50:37 UTC"), Some(60));
    assert_eq!(delay("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
    assert_eq!(delay("Sun Nov  6 08:50:37 1994"), Some(60));
    assert_eq!(delay("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
}

#[test]
fn what_is_no_retry_after_is_absent_and_what_is_absurd_is_clamped() {
    for text in ["", "-5", "soon", "1.5", "12 s"] {
        assert_eq!(delay(text), None, "{text}");
    }
    assert_eq!(delay("99999999999999999999999"), Some(365 * 86_400));
    assert_eq!(delay("18446744073709551615"), Some(365 * 86_400));
}

#[test]
fn a_date_counts_from_the_responses_own_clock() {
    let skewed = headers(&[
        ("date", "Sun, 06 Nov 1994 10:00:00 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 10:00:07 GMT"),
    ]);
    assert_eq!(retry_after(&skewed, NOW), Some(NOW.saturating_add(Duration::from_secs(7))));
}

#[test]
fn how_long_a_response_may_be_kept_is_read_from_its_headers() {
    let age = |pairs: &[(&'static str, &str)]| {
        cache_lifetime(&headers(pairs)).map(|lifetime| lifetime.as_secs())
    };
    assert_eq!(age(&[]), None);
    assert_eq!(age(&[("cache-control", "public")]), None);
    assert_eq!(age(&[("cache-control", "public, MAX-AGE=60")]), Some(60));
    assert_eq!(age(&[("cache-control", "max-age=60"), ("age", "45")]), Some(15));
    assert_eq!(age(&[("cache-control", "max-age=60"), ("age", "90")]), Some(0));
    assert_eq!(age(&[("cache-control", "max-age=60"), ("cache-control", "no-store")]), Some(0));
    assert_eq!(age(&[("cache-control", "max-age=60,No-Cache")]), Some(0));
    assert_eq!(age(&[("cache-control", "max-age=soon")]), Some(0));
    assert_eq!(age(&[("cache-control", "s-maxage=5")]), None, "that is for shared caches");
    let date = ("date", "Sun, 06 Nov 1994 10:00:00 GMT");
    assert_eq!(age(&[date, ("expires", "Sun, 06 Nov 1994 10:01:00 GMT")]), Some(60));
    assert_eq!(age(&[date, ("expires", "0")]), Some(0));
}

#[test]
fn nonces_outside_the_alphabet_are_ignored() {
    let nonce = |text| replay_nonce(&headers(&[("replay-nonce", text)]));
    assert_eq!(nonce("abc-_9").as_deref(), Some("abc-_9"));
    assert_eq!(nonce("abc, def").as_deref(), Some("abc"));
    for text in ["", "a=b", "a b", "a/b", "a+b"] {
        assert_eq!(nonce(text), None, "{text}");
    }
}

#[test]
fn links_are_found_however_they_are_written() {
    let map = headers(&[
        (
            "link",
            r#"<https://a/1>;rel="alternate", <https://a/2> ; title="x, <y>; rel=up" ; rel=alternate"#,
        ),
        ("link", r#"<https://a/3>; REL="index Alternate""#),
        ("link", "<https://a/4>; rel=up,<https://a/5>;rel"),
        ("link", "garbage"),
        ("link", r#"<https://a/6>; rel="alter\nate"#),
    ]);
    assert_eq!(
        links(&map, "alternate"),
        ["https://a/1", "https://a/2", "https://a/3", "https://a/6"]
    );
    assert_eq!(links(&map, "up"), ["https://a/4"]);
}

/// A small generator of numbers, so that a failing case can be named by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % sides
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.roll(choices.len())]
    }

    fn casing(&mut self, text: &str) -> String {
        let mut upper = || self.roll(2) == 0;
        text.chars().map(|c| if upper() { c.to_ascii_uppercase() } else { c }).collect()
    }
}

#[test]
fn links_are_read_in_any_casing_quoting_spacing_and_folding() {
    for seed in 0..2000 {
        let mut dice = Dice(seed);
        let mut map = HeaderMap::new();
        let mut expected = Vec::new();
        for _ in 0..dice.roll(4) {
            let mut field = String::new();
            for n in 0..1 + dice.roll(4) {
                if n > 0 {
                    field += dice.pick(&[",", ", ", " , ", ",,"]);
                }
                let target = format!("https://a/{seed}/{}?x=1;y=,", dice.roll(1000));
                let relation =
                    dice.pick(&["alternate", "up", "index", "alternates", "x-alternate"]);
                let space = dice.pick(&["", " "]);
                field += &format!("<{target}>");
                let before = dice.roll(3);
                for _ in 0..before {
                    let decoy = dice.pick(&[
                        "title=\"a, <https://evil/>; rel=alternate\"",
                        "title=\"quote \\\" then , more\"",
                        "hreflang=en",
                        "crossorigin",
                    ]);
                    field += &format!("{space};{space}{decoy}");
                }
                let name = dice.casing("rel");
                let relation_text = dice.casing(relation);
                field += &match dice.roll(3) {
                    0 => format!(";{space}{name}={relation_text}"),
                    1 => format!(";{space}{name}=\"{relation_text}\""),
                    _ => format!(";{space}{name} = \"next {relation_text} prev\""),
                };
                if relation == "alternate" {
                    expected.push(target);
                }
            }
            map.append("link", HeaderValue::from_str(&field).unwrap());
        }
        assert_eq!(links(&map, "alternate"), expected, "seed {seed}: {map:?}");
    }
}

#[test]
fn no_text_of_a_link_field_panics_or_gives_more_links_than_it_has_brackets() {
    let pieces =
        ["<", ">", ";", ",", "\"", "\\", "=", " ", "rel", "alternate", "https://a/", "\t", "é"];
    for seed in 0..5000 {
        let mut dice = Dice(seed);
        let text: String = (0..dice.roll(30)).map(|_| dice.pick(&pieces)).collect();
        let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) else { continue };
        let mut map = HeaderMap::new();
        map.append("link", value);
        assert!(links(&map, "alternate").len() <= text.matches('<').count(), "{text:?}");
    }
}

#[test]
fn a_retry_after_is_never_in_the_past_nor_more_than_a_year_ahead() {
    let pieces = [
        "0",
        "7",
        "59",
        "-",
        "+",
        " ",
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Mon, 01 Jan 9999 00:00:00 GMT",
        "Sun Nov  6 08:50:37 1994",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "GMT",
        "e9",
        ".5",
        "99999999999",
    ];
    let longest = NOW.saturating_add(MAX_RETRY_AFTER);
    for seed in 0..5000 {
        let mut dice = Dice(seed);
        let text: String = (0..1 + dice.roll(3)).map(|_| dice.pick(&pieces)).collect();
        let mut map = headers(&[("retry-after", &text)]);
        if dice.roll(2) == 0 {
            let date =
                ["Sun, 06 Nov 1994 09:00:00 GMT", "garbage", "Thu, 01 Jan 1970 00:00:00 GMT"];
            map.insert("date", dice.pick(&date).parse().unwrap());
        }
        if let Some(at) = retry_after(&map, NOW) {
            assert!(at >= NOW && at <= longest, "{text:?} {at}");
        }
        let number = text.trim();
        if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) {
            let at = NOW.saturating_add(Duration::from_secs(number.parse().unwrap_or(u64::MAX)));
            assert_eq!(retry_after(&map, NOW), Some(at.min(longest)), "{text:?}");
        }
    }
}

#[test]
fn a_nonce_is_taken_exactly_if_each_letter_is_of_the_alphabet() {
    for byte in 0x20..=0xff_u8 {
        let value = [b"ab".as_slice(), &[byte], b"cd"].concat();
        let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
        let mut map = HeaderMap::new();
        map.insert("replay-nonce", value);
        let legal = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        // Some servers repeat the header in one field; the first of several is taken.
        let expected = legal || byte == b',';
        assert_eq!(replay_nonce(&map).is_some(), expected, "{byte:#x}");
    }
    for (len, legal) in [(1, true), (MAX_NONCE_LEN, true), (MAX_NONCE_LEN + 1, false)] {
        let map = headers(&[("replay-nonce", &"n".repeat(len))]);
        assert_eq!(replay_nonce(&map).is_some(), legal, "{len}");
    }
}
