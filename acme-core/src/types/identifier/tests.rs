//! The form of names on the wire, on samples and on random ones.

use super::*;

fn reason(text: &str) -> String {
    Identifier::dns(text).unwrap_err().to_string()
}

#[test]
fn names_are_brought_into_the_form_of_the_wire() {
    for (given, wire) in [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("*.Example.org", "*.example.org"),
        ("_acme.example.org", "_acme.example.org"),
        ("localhost", "localhost"),
    ] {
        assert_eq!(Identifier::dns(given).unwrap().value(), wire);
    }
}

#[test]
fn what_cannot_be_ordered_is_refused_with_the_rule() {
    assert!(reason("").contains("empty"));
    assert!(reason("a..b").contains("empty label"));
    assert!(reason("*.*.example.org").contains("left-most"));
    assert!(reason("a*.example.org").contains("left-most"));
    assert!(reason("-a.example.org").contains("hyphen"));
    assert!(reason("exa mple.org").contains("letters"));
    assert!(reason("exam\u{0}ple.org").contains("letters"));
    assert!(reason(&"a".repeat(64)).contains("63"));
    assert!(reason(&["abcdefg"; 40].join(".")).contains("253"));
    assert!(reason("1.2.3").contains("number"));
    assert!(reason("1.2.0.192.in-addr.arpa").contains("reverse"));
}

#[test]
fn addresses_take_their_canonical_text() {
    let parsed: Identifier = "2001:DB8:0:0:0:0:0:1".parse().unwrap();
    assert_eq!(parsed.kind(), "ip");
    assert_eq!(parsed.value(), "2001:db8::1");
    assert!("[::1]".parse::<Identifier>().is_err());
    assert!("192.0.2.1/24".parse::<Identifier>().is_err());
}

#[test]
fn what_a_server_sends_never_fails() {
    for (json, shown) in [
        (r#"{"type":"dns","value":"EXAMPLE.org."}"#, "example.org"),
        (r#"{"type":"ip","value":"[2001:DB8::1]"}"#, "2001:db8::1"),
        (r#"{"type":"email","value":"a@example.org"}"#, "email:a@example.org"),
        (r#"{"type":"dns","value":"../\u001b[31m"}"#, "dns:../\u{fffd}[31m"),
    ] {
        assert_eq!(serde_json::from_str::<Identifier>(json).unwrap().to_string(), shown);
    }
}

#[cfg(feature = "idn")]
#[test]
fn international_names_become_a_labels() {
    assert_eq!(Identifier::dns("bücher.example").unwrap().value(), "xn--bcher-kva.example");
    assert_eq!(Identifier::dns("*.日本.example").unwrap().value(), "*.xn--wgv71a.example");
}

/// A small generator of repeatable noise (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn text(&mut self, letters: &[char], most: usize) -> String {
        let length = self.next(most + 1);
        (0..length).map(|_| letters[self.next(letters.len())]).collect()
    }
}

#[test]
fn whatever_is_taken_is_in_the_form_of_the_wire_and_stays_so() {
    let letters: Vec<char> = "aZ0-._*: é\u{0}日xn--".chars().collect();
    let mut noise = Noise(0x5eed);
    let mut taken = 0;
    for _ in 0..40_000 {
        let text = noise.text(&letters, 12);
        let Ok(name) = Identifier::dns(&text) else { continue };
        taken += 1;
        let value = name.value();
        let base = value.strip_prefix("*.").unwrap_or(&value);
        assert!(!base.contains('*'), "{text:?}: a wildcard stands alone and left-most");
        assert!(!value.ends_with('.') && value.is_ascii(), "{text:?} became {value:?}");
        assert!(!value.chars().any(|c| c.is_ascii_uppercase() || c.is_control()), "{value:?}");
        assert!(base.split('.').all(|label| (1..=63).contains(&label.len())), "{value:?}");
        assert_eq!(Identifier::dns(&value).unwrap(), name, "reading it again changes nothing");
        assert_eq!(Identifier::dns(&value.to_ascii_uppercase()).unwrap(), name);
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<Identifier>(&json).unwrap(), name);
    }
    assert!(taken > 500, "{taken} names were taken, too few to show anything");
}

#[test]
fn an_identifier_of_a_server_is_read_whatever_stands_in_it() {
    let letters: Vec<char> = "aA1.-*:[]/\\\"\u{7}\u{202e}日".chars().collect();
    let mut noise = Noise(0xacce);
    for _ in 0..5_000 {
        let kind = ["dns", "ip", "DNS", "x"][noise.next(4)];
        let value = noise.text(&letters, 20);
        let json = serde_json::json!({"type": kind, "value": value});
        let read: Identifier = serde_json::from_value(json).unwrap();
        assert!(!read.to_string().chars().any(char::is_control), "{read:?}");
        let again = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Identifier>(again).unwrap(), read);
    }
}

#[test]
fn types_that_are_defined_elsewhere_come_back_as_they_were() {
    for json in [
        r#"{"type":"email","value":"Alexey@Example.COM"}"#,
        r#"{"type":"TNAuthList","value":"F83n2a...avn27DN3=="}"#,
        r#"{"type":"permanent-identifier","value":"Serial 0 1"}"#,
        r#"{"type":"hardware-module","value":""}"#,
        r#"{"type":"bundleEID","value":"dtn://Node./"}"#,
        r#"{"type":"DNS","value":"Example.org."}"#,
    ] {
        let identifier: Identifier = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&identifier).unwrap(), json);
        assert_eq!(identifier.without_wildcard(), identifier);
        assert!(identifier.as_dns().is_none() && identifier.as_ip().is_none());
    }
}
