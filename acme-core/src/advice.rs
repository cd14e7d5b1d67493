//! What the person who operates the server should do about an error.

use crate::error::{Error, ErrorKind, Retry};

/// One plain sentence in English.
pub(crate) fn advice(error: &Error) -> String {
    if let Some(text) = by_code(error.code()) {
        return text.to_owned();
    }
    match error.retry() {
        Retry::At(time) => return format!("Try again at {time}, not earlier."),
        Retry::ActAt(url) => {
            return format!("Visit {} first, then try again.", crate::problem::printable(url));
        }
        Retry::OtherCa => {
            return "This CA does not issue for these names; ask it why, or use another CA.".into();
        }
        _ => {}
    }
    match error.kind() {
        ErrorKind::Transport => {
            "Check that this machine reaches the CA: name resolution, proxy, firewall, and the root \
             certificate the CA's own server is checked against."
        }
        ErrorKind::Deadline => {
            "Allow more time, or run again: the work done so far at the CA is usually kept."
        }
        ErrorKind::Validation => {
            "Make sure that the CA can reach the challenge from the Internet: the DNS record or the \
             port, firewalls, redirects and CAA records."
        }
        ErrorKind::Publication => "Check the challenge set-up of this machine.",
        ErrorKind::Certificate => {
            "Do not install this certificate; keep the evidence and report it to the CA."
        }
        ErrorKind::Protocol => "Report this to the CA; its server breaks the protocol.",
        ErrorKind::Unsupported => "Use an operation or a challenge type that this CA offers.",
        ErrorKind::NoAccount => "Register an account with this key first, or use the right key.",
        ErrorKind::Crypto | ErrorKind::Input => "Correct the input and run again.",
        ErrorKind::Cancelled => "Run again when ready.",
        _ => "Read the server's message, correct what it names, and run again.",
    }
    .to_owned()
}

fn by_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "external-account-required" | "externalAccountRequired" => {
            "Ask the CA for external account binding credentials (key id and HMAC key) and give both."
        }
        "terms-not-agreed" => "Read the CA's terms of service and agree to them explicitly.",
        "badCSR" => {
            "The CA refuses the certificate request: check key type and size, names and subject."
        }
        "badSignatureAlgorithm" | "badPublicKey" => {
            "Use another type of account key; P-256 (ES256) is taken by every CA."
        }
        "caa" => {
            "A CAA record of the domain or a parent forbids this CA, or could not be looked up; \
             permit the CA there."
        }
        "invalidContact" | "unsupportedContact" => "Correct the e-mail address of the account.",
        "invalidProfile" => "Name a profile that the directory of the CA lists.",
        "plain-http" => "Use an https URL; plain http is for tests on loopback only.",
        "no-usable-challenge" => {
            "Configure a challenge type that the CA offers for this name; wildcards need dns-01."
        }
        _ => return None,
    })
}
