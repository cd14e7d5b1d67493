//! http-01 by a small web server of our own.

use core::convert::Infallible;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use acmekit_core::action::Offer;
use acmekit_core::challenge::{ChallengeType, KeyAuthorization};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::solver::http01::holders::Holders;
use crate::solver::listen::{Server, bind};
use crate::solver::{Solver, SolverError, SolverFuture};
use crate::sync::lock;

/// Time for the head of a request.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Longest head of a request, in bytes; the least that hyper takes.
const MAX_HEAD: usize = 8192;

/// What is published now.
#[derive(Debug, Default)]
struct Proofs {
    /// By the path of their URL.
    bodies: HashMap<String, KeyAuthorization>,
    holders: Holders,
}

type Table = Arc<Mutex<Proofs>>;

/// Answers http-01 validation on a port of its own, which the CA must reach as port 80.
///
/// Only `GET` and `HEAD` of the paths of current challenges are answered, for any `Host`;
/// everything else is 404 or 405. It stops when it is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), acmekit::Error> {
/// // `[::]` takes IPv4 connections as well.
/// let listener = acmekit::solver::http01::Http01Listener::bind("[::]:80").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Http01Listener {
    table: Table,
    server: Server,
}

impl Http01Listener {
    /// Listens on an address such as `[::]:80` or `127.0.0.1:5002`; port 0 takes any free one.
    ///
    /// # Errors
    /// [`SolverError`] with the code `address-in-use` if another program listens there, `address`
    /// if the text is no address and port, the address is not of this machine, or the port needs a
    /// privilege.
    #[expect(clippy::unused_async, reason = "it needs the runtime, and says so by being async")]
    pub async fn bind(address: impl AsRef<str>) -> Result<Self, SolverError> {
        let table = Table::default();
        let served = Arc::clone(&table);
        let server = Server::start(bind(address.as_ref())?, move |stream| {
            let table = Arc::clone(&served);
            async move {
                let service = service_fn(move |request| {
                    let answer = answer(&table, &request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEADER_TIME)
                    .max_buf_size(MAX_HEAD)
                    .serve_connection(TokioIo::new(stream), service)
                    .await
                    .ok();
            }
        })?;
        Ok(Self { table, server })
    }

    /// Where it listens: the port that the system chose, if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }
}

fn answer(table: &Table, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let body = lock(table).bodies.get(path).cloned();
    tracing::debug!(method = %request.method(), known = body.is_some(), "http-01 request");
    let mut response = Response::new(Full::default());
    // The CA asks once per connection; keeping it open only ties up a slot.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    match (body, request.method()) {
        (None, _) => *response.status_mut() = StatusCode::NOT_FOUND,
        (Some(body), &Method::GET | &Method::HEAD) => {
            // RFC 8555 §8.3 prescribes the bytes and leaves the type open.
            let octets = HeaderValue::from_static("application/octet-stream");
            response.headers_mut().insert(CONTENT_TYPE, octets);
            // hyper sends the length alone in answer to HEAD.
            *response.body_mut() = Full::from(body.as_str().to_owned());
        }
        (Some(_), _) => {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
    }
    response
}

impl Solver for Http01Listener {
    fn supports(&self, offer: &Offer) -> bool {
        offer.kind == ChallengeType::Http01
    }

    fn present<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let result = match &offer.key_authorization {
            Some(proof) => {
                let mut table = lock(&self.table);
                table.bodies.insert(offer.http01_path(), proof.clone());
                table.holders.add(offer);
                Ok(())
            }
            None => Err(SolverError::new("this challenge has no token to serve a proof for")),
        };
        Box::pin(core::future::ready(result))
    }

    fn withdraw<'a>(&'a self, offer: &'a Offer) -> SolverFuture<'a> {
        let mut table = lock(&self.table);
        if table.holders.remove(offer) {
            table.bodies.remove(&offer.http01_path());
        }
        Box::pin(core::future::ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::solver::testing::offer;

    async fn exchange(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_published_proof_is_served_until_it_is_withdrawn() {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        let get = format!("GET {} HTTP/1.1\r\nHost: any.example\r\n\r\n", offer.http01_path());
        assert!(exchange(listener.local_addr(), &get).await.starts_with("HTTP/1.1 404"));

        listener.present(&offer).await.unwrap();
        let answer = exchange(listener.local_addr(), &get).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("content-type: application/octet-stream\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{}", offer.http01_body())), "{answer}");

        listener.withdraw(&offer).await.unwrap();
        assert!(exchange(listener.local_addr(), &get).await.starts_with("HTTP/1.1 404"));
    }

    #[tokio::test]
    async fn a_proof_that_two_identifiers_share_is_served_until_both_are_withdrawn() {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let [first, second] =
            ["example.org", "www.example.org"].map(|name| offer(ChallengeType::Http01, name));
        assert_eq!(first.http01_path(), second.http01_path());
        let get = format!("GET {} HTTP/1.1\r\nHost: any.example\r\n\r\n", first.http01_path());
        for offer in [&first, &second] {
            listener.present(offer).await.unwrap();
        }
        for (offer, status) in [(&first, "200"), (&first, "200"), (&second, "404")] {
            listener.withdraw(offer).await.unwrap();
            let answer = exchange(listener.local_addr(), &get).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_its_own_is_neither_answered_nor_reflected() {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        listener.present(&offer).await.unwrap();
        for token in ["somebody-elses-token-000", "%2e%2e%2fetc", "", "<script>"] {
            let get = format!(
                "GET /.well-known/acme-challenge/{token} HTTP/1.1\r\nHost: any.example\r\n\r\n"
            );
            let answer = exchange(listener.local_addr(), &get).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(token.is_empty() || !answer.contains(token), "{answer}");
        }
    }

    #[tokio::test]
    async fn head_is_answered_without_a_body_and_other_methods_are_refused() {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let offer = offer(ChallengeType::Http01, "example.org");
        listener.present(&offer).await.unwrap();
        let path = offer.http01_path();
        let head = exchange(
            listener.local_addr(),
            &format!("HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        )
        .await;
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        let post = exchange(
            listener.local_addr(),
            &format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
        )
        .await;
        assert!(post.starts_with("HTTP/1.1 405") && !post.contains(offer.http01_body()), "{post}");
    }

    #[tokio::test]
    async fn an_oversized_or_malformed_head_closes_the_connection() {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n", "a".repeat(MAX_HEAD));
        let answer = exchange(listener.local_addr(), &long).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        let answer = exchange(listener.local_addr(), "\u{1}\u{2}\r\n\r\n").await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused() {
        for text in ["", "80", "localhost", "example.org:80", "127.0.0.1:99999"] {
            assert_eq!(Http01Listener::bind(text).await.unwrap_err().code(), "address", "{text}");
        }
    }
}
