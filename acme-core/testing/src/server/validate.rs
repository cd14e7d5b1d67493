//! Looking at what a client has put up, over real sockets (RFC 8555 §8.3, RFC 8737 §3).

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{HOST, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{ServerOptions, dns, tls};
use crate::validation::{FailureReason, Validation, ValidationOutcome, ValidationTarget};

/// A whole validation must not take longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// As public CAs do.
const MAX_REDIRECTS: usize = 10;
/// A key authorization has 87 octets; what is longer than this cannot be one.
const MAX_BODY: usize = 1024;

pub(super) type Failure = (FailureReason, String);

/// Looks where the validation points.
pub(super) async fn look(options: &ServerOptions, validation: &Validation) -> ValidationOutcome {
    let name = validation.identifier.value();
    let looked = async {
        match &validation.target {
            ValidationTarget::Http { host, path } => {
                fetch(options, host, path).await.map(ValidationOutcome::HttpBody)
            }
            ValidationTarget::Dns { name } => {
                dns::text_records(options.dns_server, name).await.map(ValidationOutcome::TxtRecords)
            }
            ValidationTarget::Tls { server_name, alpn } => {
                let address = SocketAddr::new(options.address(&name), options.tls_alpn01_port);
                shown_certificate(address, server_name, alpn)
                    .await
                    .map(ValidationOutcome::TlsCertificate)
            }
            ValidationTarget::Plugin { name, .. } => match options.plugin_judge {
                Some(judge) => Ok(judge(validation)),
                None => Err((
                    FailureReason::Unauthorized,
                    format!("the server has no judge for {name}"),
                )),
            },
        }
    };
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err((reason, detail))) => ValidationOutcome::Failed { reason, detail },
        Err(_) => ValidationOutcome::Failed {
            reason: FailureReason::Connection,
            detail: format!("looking took longer than {} s", PATIENCE.as_secs()),
        },
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(address).await;
    stream.map_err(|error| {
        (FailureReason::Connection, format!("no connection to {address}: {error}"))
    })
}

/// GETs the key authorization. A redirect must stay on loopback or lead to a mapped name.
async fn fetch(options: &ServerOptions, host: &str, path: &str) -> Result<Vec<u8>, Failure> {
    let wrong = |detail: String| (FailureReason::Unauthorized, detail);
    let mut url = format!("http://{host}{path}");
    for _ in 0..=MAX_REDIRECTS {
        let uri: Uri = url.parse().map_err(|_| wrong(format!("{url:?} is not a URL")))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong(format!("{url:?} is neither http nor https"))),
        };
        let default = if is_tls { options.tls_alpn01_port } else { options.http01_port };
        let address = SocketAddr::new(options.address(&host), uri.port_u16().unwrap_or(default));
        let stream = connect(address).await?;
        let response = if is_tls {
            let failed = |error: io::Error| (FailureReason::Tls, error.to_string());
            let name = ServerName::try_from(host.clone())
                .map_err(|error| (FailureReason::Tls, error.to_string()))?;
            let connector = tls::connector(&[]).map_err(failed)?;
            get(connector.connect(name, stream).await.map_err(failed)?, &uri).await?
        } else {
            get(stream, &uri).await?
        };
        match response {
            Answer::Body(body) => return Ok(body),
            Answer::Redirect(location) => url = resolve(&uri, &location),
        }
    }
    Err(wrong(format!("more than {MAX_REDIRECTS} redirects")))
}

enum Answer {
    Body(Vec<u8>),
    Redirect(String),
}

async fn get<S>(stream: S, uri: &Uri) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| (FailureReason::Connection, error.to_string());
    let wrong = |detail: String| (FailureReason::Unauthorized, detail);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends when the sender is dropped; its error is the one the request reports.
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("acmekit-testing/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| wrong(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    let answer = match response.status() {
        StatusCode::OK => {
            let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
            let body = body.map_err(|error| wrong(format!("the body cannot be read: {error}")))?;
            Ok(Answer::Body(body.to_bytes().to_vec()))
        }
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let location = location.ok_or_else(|| wrong("a redirect without Location".to_owned()));
            location.map(|location| Answer::Redirect(location.to_owned()))
        }
        status => Err(wrong(format!("{uri} answered {status}"))),
    };
    connection.abort();
    answer
}

fn resolve(base: &Uri, location: &str) -> String {
    if location.starts_with('/') && !location.starts_with("//") {
        let authority = base.authority().map_or("", |authority| authority.as_str());
        return format!("{}://{authority}{location}", base.scheme_str().unwrap_or("http"));
    }
    location.to_owned()
}

/// RFC 8737 §3: offers only `acme-tls/1`, and wants it chosen.
async fn shown_certificate(
    address: SocketAddr,
    server_name: &str,
    alpn: &[u8],
) -> Result<Vec<u8>, Failure> {
    let failed = |detail: String| (FailureReason::Tls, detail);
    let stream = connect(address).await?;
    let connector = tls::connector(&[alpn]).map_err(|error| failed(error.to_string()))?;
    let name =
        ServerName::try_from(server_name.to_owned()).map_err(|error| failed(error.to_string()))?;
    let stream = connector
        .connect(name, stream)
        .await
        .map_err(|error| failed(format!("the handshake with {address} failed: {error}")))?;
    let (_, session) = stream.get_ref();
    if session.alpn_protocol() != Some(alpn) {
        return Err(failed(format!("{address} did not choose the protocol acme-tls/1")));
    }
    let certificate = session.peer_certificates().and_then(|list| list.first());
    let certificate = certificate.ok_or_else(|| failed("no certificate was shown".to_owned()))?;
    Ok(certificate.to_vec())
}
