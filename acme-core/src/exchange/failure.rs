//! The errors of a round trip that are not a refusal by the server.

use http::StatusCode;

use crate::account::Account;
use crate::action::TransportFailure;
use crate::error::{Error, ErrorKind, Retry, Step};
use crate::problem::printable;
use crate::session::Session;
use crate::time::Timestamp;

/// The account that a request is to be made for; one that has ended is asked nothing more
/// (R-ACC-08).
pub(crate) fn usable_account(session: &Session, step: Step) -> Result<&Account, Error> {
    let Some(account) = session.account() else {
        let text = "the session has no account: register, find or set one first";
        return Err(Error::new(ErrorKind::NoAccount, step, "no-account", text));
    };
    match account.status.is_final() {
        true => Err(ended_account(step, account)),
        false => Ok(account),
    }
}

/// The error for an account that was deactivated or revoked.
pub(crate) fn ended_account(step: Step, account: &Account) -> Error {
    let text = format!("the account is {}; use another account key", account.status);
    Error::new(ErrorKind::NoAccount, step, "account-not-valid", text).with_url(&account.url)
}

pub(super) fn too_large(step: Step) -> Error {
    let text = "the answer is larger than the policy allows";
    Error::new(ErrorKind::Protocol, step, "response-too-large", text)
}

pub(super) fn redirected(step: Step, status: StatusCode) -> Error {
    let text = format!("the server answered {status}, but a signed request is not redirected");
    Error::new(ErrorKind::Protocol, step, "redirect-refused", text)
}

pub(super) fn transport_error(step: Step, url: &str, failure: &TransportFailure) -> Error {
    let error = match failure {
        TransportFailure::NotSent(text) => {
            let text = format!("the server could not be reached: {}", printable(text));
            Error::new(ErrorKind::Transport, step, "not-reached", text)
        }
        TransportFailure::Unknown(text) => {
            let text = format!("no answer came: {}", printable(text));
            Error::new(ErrorKind::Transport, step, "no-answer", text)
        }
        TransportFailure::ResponseTooLarge => too_large(step),
    };
    error.with_url(url)
}

/// The error for a flow whose deadline has passed.
pub(crate) fn deadline_error(step: Step, waiting_for: &str, come_back: Timestamp) -> Error {
    let text = format!("the deadline passed while {waiting_for}");
    Error::new(ErrorKind::Deadline, step, "deadline", text).with_retry(Retry::At(come_back))
}
