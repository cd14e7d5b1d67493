//! Sends one request over reqwest and brings the whole answer back, or says why there is none.

pub(crate) mod failure;
pub(crate) mod tls;

use core::time::Duration;

use acmekit_core::action::{Outgoing, TransportFailure};
use reqwest::redirect;

use crate::counts::{Counter, RequestCounts};
use crate::error::Error;
use crate::text::with_sources;

/// Time for one request, from the look-up of the name to the last byte of the answer, unless the
/// caller sets another. Some CAs answer `finalize` only when the certificate is made.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// Time for making a connection, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an unused connection is kept: less than the 60 s after which common load balancers drop
/// it without a word, so that a request is not lost in that moment.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Unused connections kept, for servers that speak only HTTP/1.1.
const POOL_MAX_IDLE: usize = 32;
/// Most header lines of an answer over HTTP/1.1.
const MAX_HEADERS: usize = 128;
/// Longest header section of an answer over HTTP/2, in bytes.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// How the HTTP client is to be set up.
#[derive(Default)]
pub(crate) struct HttpOptions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) proxy: Option<String>,
    pub(crate) roots: Vec<rustls::pki_types::CertificateDer<'static>>,
}

impl HttpOptions {
    /// Whether nothing differs from the defaults.
    pub(crate) fn is_default(&self) -> bool {
        self.timeout.is_none() && self.proxy.is_none() && self.roots.is_empty()
    }

    /// Builds the HTTP client for a directory.
    pub(crate) fn build(self, directory_url: &str) -> Result<reqwest::Client, Error> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(self.roots)?)
            // The core decides about redirects: a JWS names the URL it is for.
            .redirect(redirect::Policy::none())
            // A JWS carries a single-use nonce, so nothing is ever sent twice.
            .retry(reqwest::retry::never())
            .referer(false)
            .timeout(self.timeout.unwrap_or(DEFAULT_TIMEOUT))
            .connect_timeout(CONNECT_TIMEOUT.min(self.timeout.unwrap_or(CONNECT_TIMEOUT)))
            .tcp_nodelay(true)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_MAX_IDLE)
            .http1_max_headers(MAX_HEADERS)
            .http2_max_header_list_size(MAX_HEADER_LIST);
        if let Some(proxy) = self.proxy {
            // The reason of the URL parser repeats what was given, and there may be a password in it.
            let proxy = reqwest::Proxy::all(&proxy).map_err(|_| {
                Error::setup(
                    "proxy",
                    "the address of the proxy is not a URL; write it like \
                     `http://proxy.example:3128`",
                )
            })?;
            builder = builder.proxy(proxy);
        } else if is_loopback(directory_url) {
            // A proxy from the environment would look for the test server on its own machine.
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| {
            Error::setup(
                "http-client",
                format!("the HTTP client cannot be set up: {}", with_sources(&error)),
            )
        })
    }
}

/// Whether a URL points to this machine.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<core::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The way to the server, shared by all flows of a client.
pub(crate) struct Transport {
    client: reqwest::Client,
    counter: Counter,
}

impl Transport {
    pub(crate) fn new(client: reqwest::Client) -> Self {
        Self { client, counter: Counter::default() }
    }

    pub(crate) fn counts(&self) -> RequestCounts {
        self.counter.snapshot()
    }

    /// Sends a request once and reads its answer to the end.
    pub(crate) async fn send(
        &self,
        outgoing: Outgoing,
    ) -> Result<http::Response<Vec<u8>>, TransportFailure> {
        self.counter.add(outgoing.kind);
        self.exchange(outgoing.request, outgoing.max_response_len).await
    }

    async fn exchange(
        &self,
        request: http::Request<Vec<u8>>,
        max_len: usize,
    ) -> Result<http::Response<Vec<u8>>, TransportFailure> {
        let request = reqwest::Request::try_from(request)
            .map_err(|error| TransportFailure::NotSent(with_sources(&error.without_url())))?;
        let url = request.url().clone();
        let mut response = self.client.execute(request).await.map_err(failure::classify)?;
        if *response.url() != url {
            return Err(TransportFailure::Unknown(
                "the HTTP client followed a redirect; the one that was handed in must be set up not \
                 to (`redirect::Policy::none()`)"
                    .into(),
            ));
        }
        let announced = response.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced > max_len {
            return Err(TransportFailure::ResponseTooLarge);
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = response.chunk().await.map_err(failure::broken)? {
            if chunk.len() > max_len - body.len() {
                return Err(TransportFailure::ResponseTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(body);
        *answer.status_mut() = response.status();
        *answer.version_mut() = response.version();
        *answer.headers_mut() = core::mem::take(response.headers_mut());
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn only_this_machine_counts_as_loopback() {
        for url in [
            "https://127.0.0.1:14000/dir",
            "http://[::1]/",
            "https://LocalHost/dir",
            "https://127.9.9.9/",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://example.org/",
            "https://127.0.0.1.example.org/",
            "https://192.0.2.1/",
            "",
            "//",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_proxy_that_is_no_url_is_refused_at_set_up() {
        let options = HttpOptions { proxy: Some("::".into()), ..HttpOptions::default() };
        assert_eq!(options.build("https://example.org/").unwrap_err().code(), "proxy");
    }

    #[test]
    fn what_is_wrong_with_a_proxy_is_told_without_its_password() {
        for proxy in
            ["http://user:S3CRET@[bad", "user:S3CRET@@:::", "http://user:S3CRET@host:99999"]
        {
            let options = HttpOptions { proxy: Some(proxy.into()), ..HttpOptions::default() };
            let error = options.build("https://example.org/").unwrap_err();
            assert_eq!(error.code(), "proxy");
            assert!(!format!("{error} {error:?}").contains("S3CRET"), "{error:?}");
        }
    }

    /// A server that reads one request and answers it with these bytes, then waits.
    async fn server(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut requests = 0;
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4096];
                if stream.read(&mut buffer).await.unwrap() == 0 {
                    return requests;
                }
                requests += 1;
                stream.write_all(answer).await.unwrap();
                if !answer.is_empty() && !answer.ends_with(b"...") {
                    continue;
                }
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
        });
        (url, task)
    }

    async fn exchange(
        url: &str,
        max_len: usize,
    ) -> Result<http::Response<Vec<u8>>, TransportFailure> {
        let timeout = Some(Duration::from_millis(500));
        let client = HttpOptions { timeout, ..HttpOptions::default() }.build(url).unwrap();
        let request = http::Request::post(url).body(b"{}".to_vec()).unwrap();
        Transport::new(client).exchange(request, max_len).await
    }

    #[tokio::test]
    async fn an_answer_comes_back_whole_with_status_and_headers() {
        let (url, _server) =
            server(b"HTTP/1.1 201 Created\r\nReplay-Nonce: n\r\nContent-Length: 5\r\n\r\nhello")
                .await;
        let answer = exchange(&url, 5).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (201, &b"hello"[..]));
        assert_eq!(answer.headers()["replay-nonce"], "n");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_cut_off_whether_it_was_announced_or_not() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx..."[..],
            &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n..."[..],
        ] {
            let (url, _server) = server(answer).await;
            assert_eq!(exchange(&url, 5).await.unwrap_err(), TransportFailure::ResponseTooLarge);
        }
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_not_followed() {
        let (url, _server) = server(
            b"HTTP/1.1 302 Found\r\nLocation: https://other.example/\r\nContent-Length: 0\r\n\r\n",
        )
        .await;
        assert_eq!(exchange(&url, 5).await.unwrap().status().as_u16(), 302);
    }

    #[tokio::test]
    async fn a_client_from_elsewhere_that_follows_a_redirect_is_found_out() {
        let (other, _other) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            let head =
                format!("HTTP/1.1 302 Found\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
        });
        let tls = tls::client_config(Vec::new()).unwrap();
        let follows =
            reqwest::Client::builder().no_proxy().tls_backend_preconfigured(tls).build().unwrap();
        let request = http::Request::post(url).body(b"{}".to_vec()).unwrap();
        let result = Transport::new(follows).exchange(request, 5).await;
        let Err(TransportFailure::Unknown(text)) = result else { panic!("{result:?}") };
        assert!(text.contains("followed a redirect"), "{text}");
    }

    #[tokio::test]
    async fn a_compressed_body_is_left_alone() {
        let (url, _server) = server(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
        )
        .await;
        assert_eq!(exchange(&url, 5).await.unwrap().body(), b"\x1f\x8b");
    }

    #[tokio::test]
    async fn a_refused_connection_means_that_nothing_was_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let Err(TransportFailure::NotSent(text)) = exchange(&url, 5).await else {
            panic!("it was sent");
        };
        assert!(text.starts_with("no connection: ") && text.contains("refused"), "{text}");
    }

    #[tokio::test]
    async fn silence_and_a_broken_answer_leave_it_open_what_the_server_saw() {
        for (answer, said) in [
            (&b""[..], "did not answer in time"),
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx..."[..], "did not end in time"),
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"[..], "broke off"),
            (&b"nonsense\r\n\r\n"[..], "connection broke"),
        ] {
            let (url, server) = server(answer).await;
            let Err(TransportFailure::Unknown(text)) = exchange(&url, 100).await else {
                panic!("{said}");
            };
            assert!(text.contains(said), "{text}");
            server.abort();
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_means_that_nothing_was_sent() {
        let (url, _server) = server(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
        let result = exchange(&url.replace("http:", "https:"), 5).await;
        let Err(TransportFailure::NotSent(text)) = result else { panic!("{result:?}") };
        assert!(text.contains("TLS handshake failed"), "{text}");
    }

    #[tokio::test]
    async fn an_endless_header_section_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
            while stream.write_all(b"X-Padding: aaaaaaaaaaaaaaaaaaaaaaaa\r\n").await.is_ok() {}
        });
        let result = exchange(&url, 5).await;
        assert!(matches!(result, Err(TransportFailure::Unknown(_))), "{result:?}");
    }
}
