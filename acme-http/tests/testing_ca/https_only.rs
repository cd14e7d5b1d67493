//! http-01 begins on port 80 without TLS, so a host that serves only HTTPS needs a redirect there
//! (RFC 8555 §8.3).

use acmekit::Wanted;
use acmekit::solver::http01::Http01Listener;
use acmekit_testing::Config;
use acmekit_testing::server::ServerOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::setup::{assert_no_violation, client_for, registered, start};

/// Sends every request on to the same path at another port.
async fn redirect_to(port: u16, status: &'static str) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let answer = format!(
                "HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{port}{path}\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    own
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_from_port_80_leads_to_the_proof() {
    for status in
        ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let listener = Http01Listener::bind("127.0.0.1:0").await.unwrap();
        let port = redirect_to(listener.local_addr().port(), status).await;
        let server = start(Config::default(), ServerOptions::default().with_http01_port(port));
        let client = registered(client_for(&server).solver(listener)).await;
        client.obtain(Wanted::names(["www.example.org"]).unwrap()).await.unwrap();
        assert_no_violation(&server);
    }
}
