//! The client's answer to the server's mail (RFC 8823 §3.2).

use core::fmt;

use zeroize::Zeroizing;

use crate::challenge::token::KeyAuthorization;
use crate::jose::encoding;

/// A mail to send. Its body proves control of the mailbox and is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ReplyMail {
    from: String,
    to: String,
    subject: String,
    in_reply_to: String,
    body: Zeroizing<String>,
}

impl ReplyMail {
    pub(super) fn new(
        from: String,
        to: String,
        part1: &str,
        message_id: &str,
        proof: &KeyAuthorization,
    ) -> Self {
        let digest = encoding::encode(&proof.digest());
        let body =
            format!("-----BEGIN ACME RESPONSE-----\r\n{digest}\r\n-----END ACME RESPONSE-----\r\n");
        Self {
            from,
            to,
            subject: format!("Re: ACME: {part1}"),
            in_reply_to: message_id.to_owned(),
            body: Zeroizing::new(body),
        }
    }

    /// The field From, and the address to send it from: the mailbox under validation.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The field To, and the address to send it to: the Reply-To of the server's mail, or its
    /// From.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The field Subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The field In-Reply-To: the Message-ID of the server's mail, in angle brackets.
    pub fn in_reply_to(&self) -> &str {
        &self.in_reply_to
    }

    /// The body, `text/plain`: three lines, each ended by CR LF.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The whole mail in the form of RFC 5322, but for Date and Message-ID, which whoever submits
    /// it adds. Every line ends with CR LF.
    pub fn to_message(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "From: {}\r\nTo: {}\r\nSubject: {}\r\nIn-Reply-To: {}\r\nReferences: {}\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}",
            self.from,
            self.to,
            self.subject,
            self.in_reply_to,
            self.in_reply_to,
            self.body.as_str()
        ))
    }
}

impl fmt::Debug for ReplyMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyMail")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
