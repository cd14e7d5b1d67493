//! A flow that meets a plausible server, but for one answer, which the fuzzer writes.

use acmekit_core::action::RequestKind;

use crate::client::{Client, Rest};
use crate::fixture::{self, KeyPlace};
use crate::operation::Operation;
use crate::server::{Answer, Body, DIRECTORY_URL, Server};

/// Which answer is the fuzzer's: the kind of request, and which of that kind.
const STAGES: &[(RequestKind, usize)] = &[
    (RequestKind::Directory, 0),
    (RequestKind::NewAccount, 0),
    (RequestKind::NewOrder, 0),
    (RequestKind::Authorization, 0),
    (RequestKind::Authorization, 1),
    (RequestKind::Challenge, 0),
    (RequestKind::Order, 0),
    (RequestKind::Finalize, 0),
    (RequestKind::Order, 1),
    (RequestKind::Certificate, 0),
    (RequestKind::NewNonce, 0),
];

const STATUSES: &[u16] = &[200, 201, 400, 403, 404, 405, 429, 500, 503, 301];

/// The part of the answer that the fuzzer writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The body.
    Body,
    /// Headers, one `Name: value` on each line.
    Headers,
}

/// Reads two bytes that choose the stage and the status; the rest is the answer.
pub fn run(data: &[u8], part: Part) {
    let [stage, status, rest @ ..] = data else { return };
    let (kind, ordinal) = STAGES[usize::from(*stage) % STAGES.len()];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let order = &fixture::orders()[1];
    if kind == RequestKind::NewAccount {
        let session = fixture::session(DIRECTORY_URL, KeyPlace::Cheap, Default::default());
        let client = Client::new(fixture::register(status % 2 == 0), session, order);
        drive(client, kind, ordinal, status, rest, part);
    } else {
        let session = fixture::registered_session(KeyPlace::Cheap, Default::default());
        let client = Client::new(order.flow(false), session, order);
        drive(client, kind, ordinal, status, rest, part);
    }
}

fn drive<F: Operation>(
    mut client: Client<F>,
    kind: RequestKind,
    ordinal: usize,
    status: u16,
    written: &[u8],
    part: Part,
) {
    // Without a deadline, a flow that waits for nothing is caught instead of timing out.
    client.flow = client.flow.endless();
    client.is_endless = true;
    let mut server = Server::default();
    let mut seen = 0;
    let order = client.order;
    for _ in 0..6000 {
        let Rest::Until(until) = client.poll() else { return };
        if client.flow.awaits_publication() {
            client.publish_all();
        } else if let Some(sent) = client.in_flight.first() {
            let mut answer = server.answer(sent.kind, &sent.url, order);
            if sent.kind == kind {
                if seen == ordinal {
                    write(&mut answer, status, written, part);
                }
                seen += 1;
            }
            client.answer(0, answer.into_response());
        } else {
            client.now = client.now.max(until);
        }
    }
    panic!("the flow does not end");
}

fn write(answer: &mut Answer, status: u16, written: &[u8], part: Part) {
    answer.status = status;
    if part == Part::Body {
        answer.body = Body::Bytes(written.to_vec());
        return;
    }
    for line in written.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        answer.headers.retain(|(known, _)| *known != name || name == "link");
        answer.headers.push((name, line[colon + 1..].trim_ascii().to_vec()));
    }
}
