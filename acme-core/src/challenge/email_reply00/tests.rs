//! Which mails are answered, and the answer line by line.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;
use crate::challenge::token::tests::THUMBPRINTS;
use crate::jose::encoding;

/// The sample of RFC 8823 §3.
const PART1: &str = "LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME=";
const PART2: &str = "DGyRejmCefe7v4NfDGDKfA";
const SERVER: &str = "acme-challenge+2i211oi1204310@ca.example";
const MAILBOX: &str = "alexey@example.com";

type Field = (&'static str, &'static str);

const MAIL: [Field; 6] = [
    ("Auto-Submitted", "auto-generated; type=acme"),
    ("Date", "Sat, 5 Dec 2020 10:08:55 +0100"),
    ("Message-ID", "<A2299BB.FF7788@ca.example>"),
    ("From", SERVER),
    ("To", MAILBOX),
    ("Subject", "ACME: LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME="),
];
const SIGNED: MailAuthentication<'static> = MailAuthentication::Dkim { domain: "ca.example" };

fn challenge() -> EmailChallenge {
    let members = json!({ "type": "email-reply-00", "from": SERVER, "token": PART2 });
    EmailChallenge::read(members.as_object().unwrap()).unwrap()
}

/// The mail with one field replaced, or added if it has none of that name.
fn with(name: &'static str, value: &'static str) -> Vec<Field> {
    let mut fields = without(name);
    fields.push((name, value));
    fields
}

fn without(name: &str) -> Vec<Field> {
    MAIL.into_iter().filter(|field| field.0 != name).collect()
}

fn answer(
    fields: &[Field],
    authentication: MailAuthentication<'_>,
) -> Result<ReplyMail, MailRefusal> {
    let mail = ReceivedMail { header_fields: fields, authentication };
    challenge().answer(MAILBOX, &mail, THUMBPRINTS[0])
}

fn refused(fields: &[Field]) -> Option<MailRefusal> {
    answer(fields, SIGNED).err()
}

#[test]
fn the_answer_is_the_digest_of_both_parts_with_the_padding_inside() {
    let reply = answer(&MAIL, SIGNED).unwrap();
    let proof = format!("{PART1}{PART2}.{}", THUMBPRINTS[0]);
    assert!(proof.contains("sME=DGy"));
    let digest = encoding::encode(&Sha256::digest(proof.as_bytes()));
    assert_eq!(
        reply.body(),
        format!("-----BEGIN ACME RESPONSE-----\r\n{digest}\r\n-----END ACME RESPONSE-----\r\n")
    );
    // Computed apart from this library.
    assert_eq!(digest, "ZEzZgc9aJoD_n58jPgRZT72bYhm3xgODx3XMbYEeaBo");
}

#[test]
fn the_reply_goes_back_the_way_it_came() {
    let reply = answer(&MAIL, SIGNED).unwrap();
    assert_eq!((reply.from(), reply.to()), (MAILBOX, SERVER));
    assert_eq!(reply.in_reply_to(), "<A2299BB.FF7788@ca.example>");
    assert_eq!(reply.subject(), format!("Re: ACME: {PART1}"));
    let other = answer(&with("Reply-To", "Answers <answers@ca.example>"), SIGNED).unwrap();
    assert_eq!(other.to(), "answers@ca.example");
}

#[test]
fn every_line_of_the_reply_ends_with_cr_lf() {
    let message = answer(&MAIL, SIGNED).unwrap().to_message();
    let bare = message.replace("\r\n", "");
    assert!(!bare.contains(['\r', '\n']), "{message:?}");
    assert!(message.ends_with("-----END ACME RESPONSE-----\r\n"));
    let (header, body) = message.split_once("\r\n\r\n").unwrap();
    assert_eq!(body.lines().count(), 3);
    for field in [
        "From: alexey@example.com",
        "To: acme-challenge+2i211oi1204310@ca.example",
        "In-Reply-To: <A2299BB.FF7788@ca.example>",
        "Content-Type: text/plain; charset=us-ascii",
    ] {
        assert!(header.lines().any(|line| line == field), "{header}");
    }
}

#[test]
fn a_folded_subject_is_read_without_what_the_folding_put_in() {
    for subject in [
        "ACME: LgYemJLy3F1LDkiJrdIGbEzy\r\n FJyOyf6vBdyZ1TG3sME=",
        "ACME:\r\n\tLgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME=",
        "ACME:LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME=  ",
    ] {
        let reply = answer(&with("Subject", subject), SIGNED).unwrap();
        assert_eq!(reply, answer(&MAIL, SIGNED).unwrap(), "{subject:?}");
    }
}

#[test]
fn mail_that_is_not_expected_is_ignored() {
    use MailRefusal::{OtherRecipient, OtherSender, OtherSubject, Reply, Token};
    for (name, value, expected) in [
        ("Subject", "Hello", OtherSubject),
        ("Subject", "Fwd: ACME: LgYemJLy3F1LDkiJrdIGbEzy", OtherSubject),
        ("Subject", "Re: ACME: LgYemJLy3F1LDkiJrdIGbEzy", Reply),
        ("Subject", "RE: Re: ACME: LgYemJLy3F1LDkiJrdIGbEzy", Reply),
        ("Subject", "ACME:", Token),
        ("Subject", "ACME: ==", Token),
        ("Subject", "ACME: a=b", Token),
        ("Subject", "ACME: LgYem+/y", Token),
        ("Subject", "ACME: LgYem===", Token),
        ("From", "acme@evil.example", OtherSender),
        ("From", "acme-challenge+2i211oi1204310@ca.example.org", OtherSender),
        ("To", "other@example.com", OtherRecipient),
    ] {
        assert_eq!(refused(&with(name, value)), Some(expected), "{name}: {value}");
    }
}

#[test]
fn mail_that_no_machine_sent_is_ignored() {
    assert_eq!(refused(&without("Auto-Submitted")), Some(MailRefusal::NotAutoSubmitted));
    for value in ["no", "auto-replied", "auto-notified", ""] {
        let fields = with("Auto-Submitted", value);
        assert_eq!(refused(&fields), Some(MailRefusal::NotAutoSubmitted), "{value}");
    }
    assert_eq!(refused(&with("Auto-Submitted", "Auto-Generated")), None);
}

#[test]
fn mail_is_answered_only_if_dkim_or_s_mime_shows_its_sender() {
    use MailAuthentication::{Dkim, Failed, SMime};
    for (authentication, expected) in [
        (Dkim { domain: "ca.example" }, true),
        (Dkim { domain: "CA.Example." }, true),
        (Dkim { domain: "evil.example" }, false),
        (Dkim { domain: "a.example" }, false),
        (Dkim { domain: "mail.ca.example" }, false),
        (Dkim { domain: "example" }, false),
        (Dkim { domain: "" }, false),
        (SMime { signer: SERVER }, true),
        (SMime { signer: "other@ca.example" }, false),
        (Failed, false),
    ] {
        let answered = answer(&MAIL, authentication);
        assert_eq!(answered.is_ok(), expected, "{authentication:?}");
        if !expected {
            assert_eq!(answered, Err(MailRefusal::NotAuthenticated));
        }
    }
    let below = Dkim { domain: "ca.example" };
    let mut challenge = challenge();
    challenge.from = "acme@mail.ca.example".to_owned();
    let fields = with("From", "acme@mail.ca.example");
    let mail = ReceivedMail { header_fields: &fields, authentication: below };
    assert!(challenge.answer(MAILBOX, &mail, THUMBPRINTS[0]).is_ok());
}

#[test]
fn fields_that_are_missing_double_or_forged_are_no_ground_for_an_answer() {
    for name in ["Subject", "From", "To", "Message-ID"] {
        assert_eq!(refused(&without(name)), Some(MailRefusal::Field(name)));
        let mut twice = MAIL.to_vec();
        twice.push((name, "x"));
        assert_eq!(refused(&twice), Some(MailRefusal::Field(name)));
    }
    for (name, value) in [
        ("Message-ID", "no-brackets@ca.example"),
        ("Message-ID", "<a@ca.example>\r\nBcc: <evil@x.example>"),
        ("Message-ID", "<a b@ca.example>"),
        ("Reply-To", "one@ca.example, two@ca.example"),
        ("Reply-To", ""),
        ("From", "evil@x.example, acme-challenge+2i211oi1204310@ca.example"),
    ] {
        assert_eq!(refused(&with(name, value)), Some(MailRefusal::Field(name)), "{value:?}");
    }
}

#[test]
fn a_challenge_is_answered_once() {
    let mail = ReceivedMail { header_fields: &MAIL, authentication: SIGNED };
    let mut challenge = challenge();
    let other = with("Subject", "Hello");
    let other = ReceivedMail { header_fields: &other, authentication: SIGNED };
    assert!(challenge.answer(MAILBOX, &other, THUMBPRINTS[0]).is_err());
    assert!(!challenge.is_answered(), "a mail that is ignored is no answer");
    assert!(challenge.answer(MAILBOX, &mail, THUMBPRINTS[0]).is_ok());
    assert!(challenge.is_answered());
    let again = challenge.answer(MAILBOX, &mail, THUMBPRINTS[0]);
    assert_eq!(again, Err(MailRefusal::AlreadyAnswered));

    let mut resumed = self::challenge();
    resumed.mark_answered();
    let again = resumed.answer(MAILBOX, &mail, THUMBPRINTS[0]);
    assert_eq!(again, Err(MailRefusal::AlreadyAnswered));
}

#[test]
fn a_challenge_without_sender_or_token_is_refused() {
    let read = |members: Value| EmailChallenge::read(members.as_object().unwrap());
    for members in [json!({ "token": PART2 }), json!({ "from": "x", "token": PART2 })] {
        assert_eq!(read(members), Err(EmailChallengeError::From));
    }
    for members in [json!({ "from": SERVER }), json!({ "from": SERVER, "token": "a=" })] {
        assert_eq!(read(members), Err(EmailChallengeError::Token));
    }
}

#[test]
fn debug_output_does_not_show_the_proof() {
    let reply = answer(&MAIL, SIGNED).unwrap();
    let shown = format!("{reply:?}");
    assert!(!shown.contains("BEGIN") && !shown.contains(PART1), "{shown}");
}
