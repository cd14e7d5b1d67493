//! Turns the events of the library into one phrase per step.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use acmekit::{Event, RequestKind};
use acmekit_core::action::{TransportFailure, WaitReason};

use crate::output::Output;

/// Shows each phrase as it comes up; with 50 names it still is one line per step.
pub(crate) fn observer(output: Output) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
    let seen = Mutex::new(BTreeSet::new());
    move |event| {
        let Some(phrase) = phrase(event) else { return };
        let is_new = seen.lock().unwrap_or_else(PoisonError::into_inner).insert(phrase.clone());
        if is_new || output.is_terminal() {
            output.progress(&phrase);
        }
    }
}

fn phrase(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Request { kind, .. } => match kind {
            RequestKind::Directory => "reading the directory".into(),
            RequestKind::NewAccount => "registering the account".into(),
            RequestKind::NewOrder => "ordering the certificate".into(),
            RequestKind::Challenge => "asking the CA to validate".into(),
            RequestKind::Finalize => "sending the certificate request".into(),
            RequestKind::Certificate => "downloading the certificate".into(),
            _ => return None,
        },
        Event::NoAnswer { kind, failure, .. } => {
            format!("no answer to {kind}: {}", reason(failure))
        }
        Event::Published { identifier, challenge, .. } => {
            format!("{challenge} is in place for {identifier}")
        }
        Event::Withdrawing { .. } => "withdrawing what was published".into(),
        Event::Waiting { reason, .. } => match reason {
            WaitReason::Validation => "waiting for the CA to validate".into(),
            WaitReason::Issuance => "waiting for the CA to issue".into(),
            WaitReason::Retry => "waiting to try again".into(),
            _ => return None,
        },
        _ => return None,
    })
}

fn reason(failure: &TransportFailure) -> &str {
    match failure {
        TransportFailure::NotSent(reason) | TransportFailure::Unknown(reason) => reason,
        TransportFailure::ResponseTooLarge => "the answer is too long",
        _ => "no reason is known",
    }
}
