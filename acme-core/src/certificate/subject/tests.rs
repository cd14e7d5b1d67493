//! Subject names: order, escapes, lengths, and what is said about mistakes.

use super::*;

fn message(text: &str) -> String {
    Subject::parse(text).unwrap_err().to_string()
}

/// DER built by hand, as the reference for the order of bytes.
fn name(attributes: &[(u8, u8, &str)]) -> Vec<u8> {
    let tlv = |tag: u8, content: &[u8]| {
        let mut out = vec![tag];
        if content.len() > 127 {
            out.push(0x81);
        }
        out.push(u8::try_from(content.len()).unwrap());
        out.extend_from_slice(content);
        out
    };
    let mut list = Vec::new();
    for (arc, tag, value) in attributes {
        let mut pair = vec![0x06, 0x03, 0x55, 0x04, *arc];
        pair.extend(tlv(*tag, value.as_bytes()));
        list.extend(tlv(0x31, &tlv(0x30, &pair)));
    }
    tlv(0x30, &list)
}

#[test]
fn the_saitama_subject_is_encoded_common_name_first() {
    let text = "CN=www.saitama-u.ac.jp,O=Saitama University,L=Saitama-shi,ST=Saitama,C=JP";
    let expected = name(&[
        (3, 0x0c, "www.saitama-u.ac.jp"),
        (10, 0x0c, "Saitama University"),
        (7, 0x0c, "Saitama-shi"),
        (8, 0x0c, "Saitama"),
        (6, 0x13, "JP"),
    ]);
    assert_eq!(Subject::parse(text).unwrap().to_name().unwrap().to_der().unwrap(), expected);
}

#[test]
fn the_uec_subject_is_encoded_country_first() {
    let text = "C=JP, ST=tokyo, L=chofu, O=The University of Electro-Communications, \
                CN=www.uec.ac.jp";
    let expected = name(&[
        (6, 0x13, "JP"),
        (8, 0x0c, "tokyo"),
        (7, 0x0c, "chofu"),
        (10, 0x0c, "The University of Electro-Communications"),
        (3, 0x0c, "www.uec.ac.jp"),
    ]);
    assert_eq!(Subject::parse(text).unwrap().to_name().unwrap().to_der().unwrap(), expected);
}

#[test]
fn escapes_of_rfc_4514_are_undone() {
    for (written, value) in [
        (r"O=A\, B", "A, B"),
        (r"O=A\+B", "A+B"),
        (r"O=A\\B", r"A\B"),
        (r#"O=\"A\""#, "\"A\""),
        (r"O=\2C\2b", ",+"),
        (r"O=\E6\9D\B1\E4\BA\AC", "東京"),
        ("O=東京大学", "東京大学"),
        (r"O=\ A \ ", " A  "),
        ("O=  A B  ", "A B"),
        ("O=a=b", "a=b"),
        (r"O=\#A", "#A"),
        ("o=lower", "lower"),
        ("organizationName=long", "long"),
    ] {
        let subject = Subject::parse(written).unwrap();
        assert_eq!(subject.attributes().next().unwrap().1, value, "{written}");
        assert_eq!(Subject::parse(&subject.to_string()).unwrap(), subject, "{written}");
    }
}

#[test]
fn what_is_shown_reads_back_as_the_same_subject() {
    for value in [" ", "  ", " a", "a ", "#", "##", "\u{3000}a\u{3000}", "\\", ",+\"<>;=", "a=b"] {
        let subject = Subject::new([(SubjectAttribute::Organization, value)]).unwrap();
        assert_eq!(Subject::parse(&subject.to_string()).unwrap(), subject, "{value:?}");
        let json = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject);
    }
}

#[test]
fn mistakes_are_named() {
    assert!(message("").contains("empty"));
    assert!(message("/C=JP/O=A").contains("commas"));
    assert!(message("C=JP,O").contains("no `=`"));
    assert!(message("C=JP,").contains("no `=`"));
    assert!(message("O=A, Inc.").contains("`\\,`"));
    assert!(message("X=1").contains("known are C, ST, L"));
    assert!(message("2.5.4.10=A").contains("not a known attribute"));
    assert!(message("C=jp").contains("upper-case"));
    assert!(message("C=JPN").contains("upper-case"));
    assert!(message("O=").contains("no value"));
    assert!(message("C=JP,C=JP").contains("twice"));
    assert!(message("O=A+OU=B").contains("`+`"));
    assert!(message("O=#0c0141").contains("hexadecimal form"));
    assert!(message(r"O=A\00").contains("control"));
    assert!(message(r"O=A\0A").contains("control"));
    assert!(message(r"O=\FF").contains("UTF-8"));
    assert!(message(r"O=A\").contains("followed"));
    assert!(message(r"O=A\zz").contains("followed"));
    assert!(message("O=<A").contains("must be written"));
    assert!(message("serialNumber=１").contains("letters"));
    assert!(message("emailAddress=ä@example.org").contains("letters"));
}

#[test]
fn lengths_are_counted_in_characters() {
    for (kind, max) in [("CN", 64), ("O", 64), ("OU", 64), ("L", 128), ("ST", 128)] {
        assert!(Subject::parse(&format!("{kind}={}", "あ".repeat(max))).is_ok());
        let long = message(&format!("{kind}={}", "あ".repeat(max + 1)));
        assert!(long.contains(&format!("{kind} is longer than {max}")), "{long}");
    }
}

#[test]
fn a_saved_subject_that_was_tampered_with_is_refused() {
    assert!(serde_json::from_str::<Subject>(r#""C=JP,X=1""#).is_err());
}
