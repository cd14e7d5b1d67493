//! Why the CA refuses: one cause for each case that a CA may have a text of its own for.

/// Why a request, a validation or an order was refused.
///
/// Each cause has a standard problem type and HTTP status (RFC 8555 §6.7), which
/// [`Config::with_error_text`](crate::Config::with_error_text) replaces. Where the text of a CA can
/// show a value, the cause says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefusalCause {
    /// The request or its JWS is not in the form it must have.
    Request,
    /// The CA has handed out no such URL.
    UnknownUrl,
    /// The HTTP method is not allowed. Value: the method.
    Method,
    /// The Accept header excludes the only form there is.
    MediaType,
    /// The body is too long.
    BodyTooLong,
    /// The Content-Type is wrong. Value: what was sent.
    ContentType,
    /// The nonce is missing, used, unknown or expired.
    Nonce,
    /// The JWS algorithm is not taken. Value: the algorithm.
    SignatureAlgorithm,
    /// The CA does not take the account key.
    PublicKey,
    /// The signed URL is not the URL of the request.
    UrlMismatch,
    /// There is no such account.
    AccountUnknown,
    /// The account is deactivated or suspended.
    AccountInactive,
    /// The resource belongs to somebody else.
    Forbidden,
    /// keyChange names a key that another account has.
    KeyInUse,
    /// A contact is not written as it must be. Value: the contact.
    ContactForm,
    /// A contact is no mailto URL. Value: the contact.
    ContactScheme,
    /// There are too few or too many contacts, or one stands twice.
    Contacts,
    /// The terms of service are not agreed to.
    Agreement,
    /// newAccount has no external account binding.
    BindingMissing,
    /// The MAC algorithm of a binding is not taken. Value: the algorithm.
    BindingAlgorithm,
    /// The credential is unknown, wrong, expired, used up or suspended.
    Binding,
    /// A name is not one that can be issued. Value: the name.
    NameForm,
    /// The CA does not issue for the name, or not to this account. Value: the name.
    NameRefused,
    /// The CA does not take identifiers of this type. Value: the type.
    NameType,
    /// Several identifiers are refused for reasons of different types.
    Compound,
    /// There is no such certificate profile. Value: the profile.
    CertificateProfile,
    /// The certificate that an order replaces has been replaced already (RFC 9773). Value: its
    /// identifier.
    AlreadyReplaced,
    /// Too many validations of the account have failed today.
    FailureLimit,
    /// A finalize request comes before the authorizations are valid.
    OrderPending,
    /// A finalize request comes after the order has expired.
    FinalizeExpired,
    /// A finalize request comes when the order is in progress, done or invalid.
    FinalizeClosed,
    /// The order is invalid since it has expired.
    OrderExpired,
    /// The authorization has expired and cannot be worked on.
    AuthorizationExpired,
    /// The authorization is final and cannot be worked on.
    AuthorizationClosed,
    /// Validation could not reach the server. Value: the name.
    Connection,
    /// A DNS query of validation failed. Value: the name.
    Dns,
    /// The TLS handshake of validation failed. Value: the name.
    Tls,
    /// The validated server answered with an error. Value: the name.
    ServerAnswer,
    /// What validation found is not the answer to the challenge. Value: the name.
    Response,
    /// CAA records permit others to issue. Value: the name.
    Caa,
    /// A CAA lookup got no usable answer. Value: the name.
    CaaLookup,
    /// Too few remote perspectives agree (MPIC); `dns` for dns-01. Value: how many agree.
    Perspectives,
    /// The certification request is refused.
    Csr,
    /// The CA has not issued the certificate to revoke. Value: its serial number in hexadecimal.
    CertificateUnknown,
    /// The certificate is revoked already. Value: its serial number in hexadecimal.
    AlreadyRevoked,
    /// The reason for a revocation is not taken. Value: the reason.
    RevocationReason,
    /// The CA has failed.
    Internal,
}

impl RefusalCause {
    /// The last part of the problem type, and the HTTP status, without a text of the CA's own.
    pub const fn standard(self) -> (&'static str, u16) {
        match self {
            Self::Request => ("malformed", 400),
            Self::UnknownUrl => ("malformed", 404),
            Self::Method => ("malformed", 405),
            Self::MediaType => ("malformed", 406),
            Self::BodyTooLong => ("malformed", 413),
            Self::ContentType => ("malformed", 415),
            Self::Nonce => ("badNonce", 400),
            Self::SignatureAlgorithm => ("badSignatureAlgorithm", 400),
            Self::PublicKey => ("badPublicKey", 400),
            Self::UrlMismatch => ("unauthorized", 401),
            Self::AccountUnknown => ("accountDoesNotExist", 400),
            Self::AccountInactive => ("unauthorized", 401),
            Self::Forbidden => ("unauthorized", 403),
            Self::KeyInUse => ("malformed", 409),
            Self::ContactForm => ("invalidContact", 400),
            Self::ContactScheme => ("unsupportedContact", 400),
            Self::Contacts => ("invalidContact", 400),
            Self::Agreement => ("userActionRequired", 403),
            Self::BindingMissing => ("externalAccountRequired", 403),
            Self::BindingAlgorithm => ("badSignatureAlgorithm", 400),
            Self::Binding => ("unauthorized", 403),
            Self::NameForm => ("rejectedIdentifier", 400),
            Self::NameRefused => ("rejectedIdentifier", 400),
            Self::NameType => ("unsupportedIdentifier", 400),
            Self::Compound => ("compound", 400),
            Self::CertificateProfile => ("invalidProfile", 400),
            Self::AlreadyReplaced => ("alreadyReplaced", 409),
            Self::FailureLimit => ("rateLimited", 429),
            Self::OrderPending => ("orderNotReady", 403),
            Self::FinalizeExpired => ("orderNotReady", 403),
            Self::FinalizeClosed => ("orderNotReady", 403),
            Self::OrderExpired => ("malformed", 400),
            Self::AuthorizationExpired => ("malformed", 400),
            Self::AuthorizationClosed => ("malformed", 400),
            Self::Connection => ("connection", 403),
            Self::Dns => ("dns", 403),
            Self::Tls => ("tls", 403),
            Self::ServerAnswer => ("unauthorized", 403),
            Self::Response => ("incorrectResponse", 403),
            Self::Caa => ("caa", 403),
            Self::CaaLookup => ("dns", 403),
            Self::Perspectives => ("connection", 403),
            Self::Csr => ("badCSR", 400),
            Self::CertificateUnknown => ("malformed", 404),
            Self::AlreadyRevoked => ("alreadyRevoked", 400),
            Self::RevocationReason => ("badRevocationReason", 400),
            Self::Internal => ("serverInternal", 500),
        }
    }
}
