//! Answers http-01 for both clients alike.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// More than any validation request has.
const MAX_HEAD: usize = 8 * 1024;
const FOLDER: &str = "/.well-known/acme-challenge/";

/// The proofs that are published at the moment, and which ones the server has fetched.
#[derive(Clone, Default)]
pub(crate) struct Proofs(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Challenge URL and key authorization, by token.
    published: HashMap<String, (String, String)>,
    fetched: Vec<(String, i64)>,
}

impl Proofs {
    /// Binds the port that the server looks at, and answers there as long as the runtime runs.
    pub(crate) async fn listen(address: SocketAddr) -> io::Result<Self> {
        let proofs = Self::default();
        let listener = TcpListener::bind(address).await?;
        let served = proofs.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proofs = served.clone();
                tokio::spawn(async move { proofs.serve(stream).await.ok() });
            }
        });
        Ok(proofs)
    }

    pub(crate) fn publish(&self, token: &str, key_authorization: &str, challenge_url: &str) {
        let entry = (challenge_url.to_owned(), key_authorization.to_owned());
        self.state().published.insert(token.to_owned(), entry);
    }

    pub(crate) fn withdraw(&self, token: &str) {
        self.state().published.remove(token);
    }

    /// For each challenge URL, when its proof was fetched, in Unix milliseconds.
    pub(crate) fn fetched(&self) -> Vec<(String, i64)> {
        self.state().fetched.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let head = String::from_utf8_lossy(&head);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let answer = match path.strip_prefix(FOLDER).and_then(|token| self.fetch(token)) {
            Some(body) => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
                 Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            ),
            None => {
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()
            }
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    fn fetch(&self, token: &str) -> Option<String> {
        let mut state = self.state();
        let (url, body) = state.published.get(token).cloned()?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        state.fetched.push((url, i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
        Some(body)
    }
}
