//! email-reply-00: an answer to the server's mail (RFC 8823).
//!
//! The identifier is of the type `email`. The server sends a mail whose subject carries the first
//! part of the token; the second one stands in the challenge. Whoever reads the mailbox answers
//! with the digest of both, then the challenge is answered with `{}`:
//!
//! 1. [`EmailChallenge::read`] reads the members of the challenge.
//! 2. Each mail that arrives goes to [`EmailChallenge::answer`], which ignores what is not the
//!    server's mail and gives the reply for what is, once.
//! 3. The [`ReplyMail`] is sent, and then the challenge is triggered.
//!
//! Receiving, verifying DKIM or S/MIME, and sending are for the caller. The reply has to be signed
//! by DKIM on its way (RFC 8823 §3.2). The key authorization of an
//! [`Offer`](crate::action::Offer) covers only the second part of the token and proves nothing here.

mod address;
mod reply;

use core::fmt;

use serde_json::Value;

use super::token::{KeyAuthorization, Token};
use crate::types::JsonObject;
use address::{is_same, mailboxes, only_mailbox};

pub use reply::ReplyMail;

/// The longest first part of a token that is accepted, in letters.
pub const MAX_TOKEN_PART: usize = 128;

/// A mail that has arrived.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedMail<'a> {
    /// Its header fields: names in any case, and values, which may be folded as they came; encoded
    /// words (RFC 2047) decoded. Of a mail in S/MIME, the fields inside of what is signed.
    pub header_fields: &'a [(&'a str, &'a str)],
    /// Who has been verified to have sent it.
    pub authentication: MailAuthentication<'a>,
}

/// Who has been verified to have sent a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailAuthentication<'a> {
    /// A DKIM signature holds (RFC 6376) and covers the fields From, Sender, Reply-To, To, Cc,
    /// Subject, Date, In-Reply-To, References, Message-ID, Auto-Submitted, Content-Type and
    /// Content-Transfer-Encoding, as RFC 8823 §3.1 has it.
    Dkim {
        /// The signing domain, `d=`.
        domain: &'a str,
    },
    /// A signature of S/MIME holds (RFC 8551), by a certificate that is trusted.
    SMime {
        /// The mail address in the signer's certificate.
        signer: &'a str,
    },
    /// Neither holds.
    Failed,
}

/// What the server says in the challenge, and whether it has been answered.
///
/// ```
/// use acmekit_core::challenge::email_reply00::{
///     EmailChallenge, MailAuthentication, ReceivedMail,
/// };
///
/// let members = serde_json::from_str(
///     r#"{"type": "email-reply-00", "url": "https://ca.example/chall/7",
///         "from": "acme@ca.example", "token": "DGyRejmCefe7v4NfDGDKfA"}"#,
/// )?;
/// let mut challenge = EmailChallenge::read(&members)?;
/// let mail = ReceivedMail {
///     header_fields: &[
///         ("From", "ACME <acme@ca.example>"),
///         ("To", "alexey@example.com"),
///         ("Subject", "ACME: LgYemJLy3F1LDkiJrdIGbEzyFJyOyf6vBdyZ1TG3sME="),
///         ("Message-ID", "<A2299BB.FF7788@ca.example>"),
///         ("Auto-Submitted", "auto-generated; type=acme"),
///     ],
///     authentication: MailAuthentication::Dkim { domain: "ca.example" },
/// };
/// let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
/// let reply = challenge.answer("alexey@example.com", &mail, thumbprint)?;
/// assert_eq!(reply.to(), "acme@ca.example");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailChallenge {
    from: String,
    token: Token,
    is_answered: bool,
}

impl EmailChallenge {
    /// Reads the members of a challenge object.
    ///
    /// # Errors
    /// [`EmailChallengeError`] if `from` is no mail address or `token` no token.
    pub fn read(members: &JsonObject) -> Result<Self, EmailChallengeError> {
        let text = |name| members.get(name).and_then(Value::as_str);
        let from = text("from").and_then(only_mailbox).ok_or(EmailChallengeError::From)?;
        let token = text("token").and_then(|token| Token::new(token).ok());
        let token = token.ok_or(EmailChallengeError::Token)?;
        Ok(Self { from, token, is_answered: false })
    }

    /// The address that the server's mail comes from.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The second part of the token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Whether [`answer`](Self::answer) has given a reply.
    pub const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Notes that a reply was sent by an earlier run of the program.
    pub fn mark_answered(&mut self) {
        self.is_answered = true;
    }

    /// The reply to the server's mail, for the mailbox `address` and the thumbprint of the account
    /// key. A mail is answered once; all others are to be left alone, without an answer.
    ///
    /// # Errors
    /// [`MailRefusal`] tells why the mail is not answered.
    pub fn answer(
        &mut self,
        address: &str,
        mail: &ReceivedMail<'_>,
        thumbprint: &str,
    ) -> Result<ReplyMail, MailRefusal> {
        let address = only_mailbox(address).ok_or(MailRefusal::OtherRecipient)?;
        let subject = mail.only("Subject")?.ok_or(MailRefusal::Field("Subject"))?;
        let subject = subject.trim();
        if subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:")) {
            return Err(MailRefusal::Reply);
        }
        let part1 = subject.strip_prefix("ACME:").ok_or(MailRefusal::OtherSubject)?;
        let from = mail.only("From")?.and_then(|field| only_mailbox(&field));
        let from = from.ok_or(MailRefusal::Field("From"))?;
        if !is_same(&from, &self.from) {
            return Err(MailRefusal::OtherSender);
        }
        let to = mail.only("To")?.ok_or(MailRefusal::Field("To"))?;
        if !mailboxes(&to).iter().flatten().any(|mailbox| is_same(mailbox, &address)) {
            return Err(MailRefusal::OtherRecipient);
        }
        let automatic = mail.only("Auto-Submitted")?.unwrap_or_default();
        let keyword = automatic.split(';').next().unwrap_or_default().trim();
        if !keyword.eq_ignore_ascii_case("auto-generated") {
            return Err(MailRefusal::NotAutoSubmitted);
        }
        if !mail.authentication.is_of(&from) {
            return Err(MailRefusal::NotAuthenticated);
        }
        let part1 = read_part(part1).ok_or(MailRefusal::Token)?;
        let message_id = mail.only("Message-ID")?.filter(|id| is_message_id(id.trim()));
        let message_id = message_id.ok_or(MailRefusal::Field("Message-ID"))?;
        let reply_to = match mail.only("Reply-To")? {
            Some(field) => only_mailbox(&field).ok_or(MailRefusal::Field("Reply-To"))?,
            None => from,
        };
        if self.is_answered {
            return Err(MailRefusal::AlreadyAnswered);
        }
        self.is_answered = true;
        // The padding of the first part stays inside (RFC 8823 §3).
        let token = format!("{part1}{}", self.token);
        let proof = KeyAuthorization::join(&token, thumbprint);
        Ok(ReplyMail::new(address, reply_to, &part1, message_id.trim(), &proof))
    }
}

impl ReceivedMail<'_> {
    /// The unfolded value of a field; an error if it is there more than once.
    fn only(&self, name: &'static str) -> Result<Option<String>, MailRefusal> {
        let is_it = |field: &&(&str, &str)| field.0.eq_ignore_ascii_case(name);
        let mut found = self.header_fields.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(MailRefusal::Field(name)),
            (found, _) => Ok(found.map(|(_, value)| value.replace(['\r', '\n'], ""))),
        }
    }
}

impl MailAuthentication<'_> {
    /// Whether the sender is the one of this address: the signer is, or the signing domain is the
    /// address's or one above it.
    fn is_of(&self, address: &str) -> bool {
        match self {
            Self::Dkim { domain } => {
                let signing = domain.trim_end_matches('.').to_ascii_lowercase();
                let sender = address.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
                let is_below =
                    sender.strip_suffix(&signing).is_some_and(|rest| rest.ends_with('.'));
                sender == signing || (signing.contains('.') && is_below)
            }
            Self::SMime { signer } => {
                only_mailbox(signer).is_some_and(|signer| is_same(&signer, address))
            }
            Self::Failed => false,
        }
    }
}

/// The first part of the token: what folding put between its letters is removed, padding stays.
fn read_part(text: &str) -> Option<String> {
    let part: String = text.chars().filter(|c| !matches!(c, ' ' | '\t')).collect();
    let letters = part.trim_end_matches('=');
    let is_alphabet =
        letters.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let is_short = part.len() <= MAX_TOKEN_PART && part.len() - letters.len() <= 2;
    (is_alphabet && is_short && !letters.is_empty()).then_some(part)
}

/// `<…@…>` without anything that could begin another line or field.
fn is_message_id(text: &str) -> bool {
    text.len() <= 900
        && text.bytes().all(|b| b.is_ascii_graphic())
        && text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix('>'))
            .is_some_and(|inner| !inner.is_empty() && !inner.contains(['<', '>']))
}

/// The challenge cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmailChallengeError {
    /// `from` is missing or no mail address.
    From,
    /// `token` is missing or no token.
    Token,
}

impl fmt::Display for EmailChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::From => "the email-reply-00 challenge does not say where its mail comes from",
            Self::Token => "the email-reply-00 challenge has no usable token",
        })
    }
}

impl core::error::Error for EmailChallengeError {}

/// Why a mail is not answered (RFC 8823 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailRefusal {
    /// The subject does not begin with `ACME:`.
    OtherSubject,
    /// The subject begins with `Re:`.
    Reply,
    /// It comes from another address than the challenge names.
    OtherSender,
    /// It is not for this mailbox.
    OtherRecipient,
    /// It does not say `Auto-Submitted: auto-generated`.
    NotAutoSubmitted,
    /// Neither DKIM nor S/MIME shows that the sender has sent it.
    NotAuthenticated,
    /// The subject carries no token.
    Token,
    /// This header field is missing, there twice, or cannot be read.
    Field(&'static str),
    /// The challenge has been answered before.
    AlreadyAnswered,
}

impl fmt::Display for MailRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mail is not answered: ")?;
        match self {
            Self::OtherSubject => f.write_str("its subject does not begin with ACME:"),
            Self::Reply => f.write_str("it is itself a reply"),
            Self::OtherSender => {
                f.write_str("it comes from another address than the challenge names")
            }
            Self::OtherRecipient => f.write_str("it is not for this mailbox"),
            Self::NotAutoSubmitted => f.write_str("it does not say Auto-Submitted: auto-generated"),
            Self::NotAuthenticated => {
                f.write_str("neither DKIM nor S/MIME shows that its sender has sent it")
            }
            Self::Token => f.write_str("its subject carries no token"),
            Self::Field(name) => {
                write!(f, "its field {name} is missing, there twice, or cannot be read")
            }
            Self::AlreadyAnswered => f.write_str("the challenge has been answered before"),
        }
    }
}

impl core::error::Error for MailRefusal {}

#[cfg(test)]
mod tests;
