//! Serving the CA: connections, requests, and the validations that requests set off.

use core::convert::Infallible;
use core::time::Duration;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::{ServerOptions, system_time, validate};
use crate::TestingCa;
use crate::routing::MAX_BODY;

/// A handshake, or the headers or the body of a request, must not take longer.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Shared {
    pub(super) ca: Arc<Mutex<TestingCa>>,
    pub(super) options: ServerOptions,
}

impl Shared {
    pub(super) fn with_ca<T>(&self, work: impl FnOnce(&mut TestingCa) -> T) -> T {
        work(&mut self.ca.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                // Out of file descriptors, say: a pause lets others be freed.
                Err(_) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let mut builder = Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            builder.http2().timer(TokioTimer::new());
            let Some(stream) = accept(stream, &acceptor).await else {
                return;
            };
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
            // What goes wrong on a connection is the client's to see.
            let _ = watcher.watch(connection).await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(Duration::from_secs(1), graceful.shutdown()).await;
}

async fn accept(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    stream.set_nodelay(true).ok()?;
    tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await.ok()?.ok()
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    // One octet more than the CA takes, so that it can say itself what is wrong.
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BODY + 1).collect()).await;
    let body = match body {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(refuse(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Ok(Err(_)) => return Ok(refuse(StatusCode::BAD_REQUEST)),
        Err(_) => return Ok(refuse(StatusCode::REQUEST_TIMEOUT)),
    };
    // Even a sleep of nothing lasts until the timer's next millisecond.
    if !shared.options.latency.is_zero() {
        tokio::time::sleep(shared.options.latency).await;
    }
    let (response, wanted) = shared.with_ca(|ca| {
        let response = ca.handle(system_time(), Request::from_parts(parts, body));
        (response, ca.poll_validations())
    });
    for validation in wanted {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let outcome = validate::look(&shared.options, &validation).await;
            shared.with_ca(|ca| ca.validation_result(system_time(), validation.id, outcome));
        });
    }
    Ok(response.map(|body| Full::new(Bytes::from(body))))
}

fn refuse(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
