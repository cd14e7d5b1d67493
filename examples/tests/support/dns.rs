//! A name server that answers TXT questions from a file of lines `NAME VALUE`.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::thread;

/// Starts it on loopback; it ends with the test program.
pub(crate) fn serve(records: PathBuf) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let address = socket.local_addr().expect("it has an address");
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length], &records) {
                socket.send_to(&answer, client).ok();
            }
        }
    });
    address
}

/// Builds the answer to a query with one question (RFC 1035 §4).
fn answer(query: &[u8], records: &PathBuf) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let mut labels = Vec::new();
    let mut at = HEADER;
    while let Some(length) = query.get(at).copied().map(usize::from).filter(|n| *n != 0) {
        labels.push(std::str::from_utf8(query.get(at + 1..at + 1 + length)?).ok()?);
        at += 1 + length;
    }
    let question = query.get(HEADER..at + 5)?;
    let name = labels.join(".");
    let text = fs::read_to_string(records).unwrap_or_default();
    let values: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(known, _)| known.eq_ignore_ascii_case(&name))
        .map(|(_, value)| value)
        .collect();

    let mut answer = query.get(..2)?.to_vec();
    // An authoritative answer without error; one question, and so many records.
    answer.extend([0x84, 0x00, 0, 1, 0, u8::try_from(values.len()).ok()?, 0, 0, 0, 0]);
    answer.extend(question);
    for value in values {
        let length = u8::try_from(value.len()).ok()?;
        // The name of the question, TXT, IN, TTL 0, length, one string.
        answer.extend([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 0, 0, length + 1, length]);
        answer.extend(value.as_bytes());
    }
    Some(answer)
}
