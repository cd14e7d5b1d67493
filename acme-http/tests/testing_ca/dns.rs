//! A DNS server whose zone is a folder: each file is a TXT record, `NAME=VALUE`. Programs change it
//! by making and removing files.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{RData, Record};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Does what the protocol of `Dns01Exec` asks, in the folder `zone` beside it.
pub(crate) const HOOK: &str = r#"
case "$1" in
    present) : > "zone/$2=$3" ;;
    withdraw) rm -f "zone/$2=$3" ;;
    *) echo "unknown action $1" >&2; exit 2 ;;
esac"#;

pub(crate) struct DnsFolder {
    folder: tempfile::TempDir,
    address: SocketAddr,
    most: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl DnsFolder {
    /// Serves an empty zone, with a program that runs this in a shell.
    pub(crate) async fn start(hook: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("zone")).unwrap();
        write_program(folder.path().join("hook"), hook);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let most = Arc::<AtomicUsize>::default();
        let (zone, seen) = (folder.path().join("zone"), Arc::clone(&most));
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let (answer, records) = answer(&query, &zone);
                seen.fetch_max(records, Ordering::Relaxed);
                socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
            }
        });
        Self { folder, address, most, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("hook")
    }

    pub(crate) fn records(&self) -> Vec<String> {
        names(&self.folder.path().join("zone"))
    }

    /// The longest answer that was given.
    pub(crate) fn most_records_at_once(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for DnsFolder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn names(zone: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(zone).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn answer(query: &Message, zone: &std::path::Path) -> (Message, usize) {
    let mut answer = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    answer.metadata.response_code = ResponseCode::NoError;
    let mut records = 0;
    if let Some(question) = query.queries.first() {
        answer.add_query(question.clone());
        let asked = question.name().to_ascii().to_ascii_lowercase();
        for file in names(zone) {
            let Some((name, value)) = file.split_once('=') else { continue };
            if format!("{name}.") == asked {
                let text = RData::TXT(TXT::new(vec![value.to_owned()]));
                answer.add_answer(Record::from_rdata(question.name().clone(), 1, text));
                records += 1;
            }
        }
    }
    (answer, records)
}

/// Written by another process: a file that this one has open for writing while a test beside it
/// forks cannot be run.
fn write_program(path: PathBuf, hook: &str) {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "cat > \"$1\" && chmod 700 \"$1\"", "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!("#!/bin/sh\ncd '{}' || exit 99\n{hook}\n", path.parent().unwrap().display());
    writer.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
}
