//! Tells from an error of the HTTP client whether the server may have seen the request.

use core::error::Error as StdError;

use acmekit_core::action::TransportFailure;

use crate::text::{one_line, with_sources};

/// A request without an answer.
pub(crate) fn classify(error: reqwest::Error) -> TransportFailure {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        return TransportFailure::NotSent(format!("no connection: {}", cause(&error)));
    }
    if is_refused_unprocessed(&error) {
        return TransportFailure::NotSent(
            "the server closed the HTTP/2 connection before it processed the request".into(),
        );
    }
    if error.is_timeout() {
        return TransportFailure::Unknown("the server did not answer in time".into());
    }
    TransportFailure::Unknown(format!("the connection broke: {}", cause(&error)))
}

/// An answer that breaks off.
pub(crate) fn broken(error: reqwest::Error) -> TransportFailure {
    let error = error.without_url();
    if error.is_timeout() {
        return TransportFailure::Unknown("the answer of the server did not end in time".into());
    }
    TransportFailure::Unknown(format!("the answer of the server broke off: {}", cause(&error)))
}

/// Whether the server promised not to have processed the request (RFC 9113 §8.7).
fn is_refused_unprocessed(error: &(dyn StdError + 'static)) -> bool {
    chain(error).filter_map(|error| error.downcast_ref::<h2::Error>()).any(|error| {
        error.is_remote()
            && (error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR)
                || error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// The cause, without the layers that only say that a request failed.
fn cause(error: &(dyn StdError + 'static)) -> String {
    if let Some(tls) = chain(error).find_map(|error| error.downcast_ref::<rustls::Error>()) {
        return one_line(&explain_tls(tls));
    }
    // `error sending request`, then `client error (Connect)`: the reason stands below them.
    match error.source().and_then(StdError::source) {
        Some(below) => with_sources(below),
        None => with_sources(error),
    }
}

/// An error and the errors behind it, at most sixteen.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    core::iter::from_fn(move || {
        let error = next?;
        next = below(error);
        Some(error)
    })
    .take(16)
}

/// The next error behind an error. What an `io::Error` wraps is not its `source()`.
fn below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn explain_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(C::UnknownIssuer) => {
            "the certificate of the server is signed by no root that this machine trusts".into()
        }
        rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => {
            "the certificate of the server has expired, or the clock of this machine is wrong"
                .into()
        }
        rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "the certificate of the server is not valid yet, or the clock of this machine is wrong"
                .into()
        }
        rustls::Error::InvalidCertificate(
            C::NotValidForName | C::NotValidForNameContext { .. },
        ) => "the certificate of the server is for another name".into(),
        rustls::Error::InvalidCertificate(other) => {
            format!("the certificate of the server cannot be used: {other}")
        }
        other => format!("the TLS handshake failed: {other}"),
    }
}
