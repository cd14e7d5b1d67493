//! One TXT query over UDP (RFC 1035) to the server that the options name.

use core::net::SocketAddr;
use core::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;

use super::validate::Failure;
use crate::validation::FailureReason;

/// A lost datagram is asked for again after this long.
const PATIENCE: Duration = Duration::from_secs(2);
const TRIES: u16 = 3;

pub(super) async fn text_records(
    server: Option<SocketAddr>,
    name: &str,
) -> Result<Vec<String>, Failure> {
    let failed = |detail: String| (FailureReason::Dns, detail);
    let server = server.ok_or_else(|| failed("no DNS server is configured".to_owned()))?;
    let owner = Name::from_ascii(format!("{name}."))
        .map_err(|error| failed(format!("{name:?} is not a name: {error}")))?;
    let local: SocketAddr = match server {
        SocketAddr::V4(_) => (core::net::Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (core::net::Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let io = |error: std::io::Error| failed(format!("no answer from {server}: {error}"));
    let socket = UdpSocket::bind(local).await.map_err(io)?;
    // Only datagrams of this peer arrive from here on.
    socket.connect(server).await.map_err(io)?;
    for id in 1..=TRIES {
        let mut query = Message::new(id, MessageType::Query, OpCode::Query);
        query.metadata.recursion_desired = true;
        query.add_query(Query::query(owner.clone(), RecordType::TXT));
        let query = query.to_vec().map_err(|error| failed(error.to_string()))?;
        socket.send(&query).await.map_err(io)?;
        let mut buffer = vec![0; 65_535];
        let Ok(received) = tokio::time::timeout(PATIENCE, socket.recv(&mut buffer)).await else {
            continue;
        };
        let length = received.map_err(io)?;
        let answer = Message::from_vec(buffer.get(..length).unwrap_or_default())
            .map_err(|error| failed(format!("the answer of {server} is malformed: {error}")))?;
        if answer.metadata.id != id {
            continue;
        }
        if answer.metadata.response_code != ResponseCode::NoError {
            let code = answer.metadata.response_code;
            return Err(failed(format!("{server} answered {code} for {name}")));
        }
        return Ok(answer.answers.iter().filter_map(text).collect());
    }
    Err(failed(format!("{server} did not answer")))
}

/// The strings of a TXT record, joined (RFC 8555 §8.4 expects one, resolvers may split it).
fn text(record: &hickory_proto::rr::Record) -> Option<String> {
    match &record.data {
        RData::TXT(text) => {
            let joined: Vec<u8> =
                text.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
            String::from_utf8(joined).ok()
        }
        _ => None,
    }
}
