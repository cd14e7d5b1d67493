//! Listening sockets of the solvers: bound with clear errors, served until the solver is dropped.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::Poll;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::SolverError;
use crate::sync::lock;
use crate::text::one_line;

/// Connections served at once; a CA opens a handful per name, from several places.
const MAX_CONNECTIONS: usize = 256;
/// Time one connection may take.
const CONNECTION_TIME: Duration = Duration::from_secs(20);
/// Pause after a failed accept, so that running out of file descriptors is no busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Binds a listening socket. `[::]` takes IPv4 connections as well, whatever the system's default.
pub(super) fn bind(address: &str) -> Result<TcpListener, SolverError> {
    use socket2::{Domain, Protocol, Socket, Type};
    let address: SocketAddr = address.trim().parse().map_err(|_| {
        let given = one_line(address);
        let hint = "write an IP address and a port, such as `[::]:80` or `127.0.0.1:5002`";
        SolverError::with_code("address", format!("cannot listen on `{given}`: {hint}"))
    })?;
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(SolverError::with_code("address", "listening needs a running tokio runtime"));
    }
    let open = || -> io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // On Unix: connections of an earlier run in TIME_WAIT do not block the port. On Windows the
        // same option would let two programs share it.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(1024)?;
        TcpListener::from_std(socket.into())
    };
    open().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => SolverError::with_code(
            "address-in-use",
            format!("cannot listen on {address}: the port is in use by another program"),
        ),
        io::ErrorKind::PermissionDenied => SolverError::with_code(
            "address",
            format!(
                "cannot listen on {address}: permission denied (ports below 1024 need a privilege)"
            ),
        ),
        _ => SolverError::with_code("address", format!("cannot listen on {address}: {error}")),
    })
}

/// A running accept loop. Dropping it frees the port at once, and ends the connections.
#[derive(Debug)]
pub(super) struct Server {
    address: SocketAddr,
    listener: Arc<Mutex<Option<TcpListener>>>,
    task: JoinHandle<()>,
}

/// The next connection; `None` when the server was dropped. The socket stays with the server, since
/// a task that is aborted lets go of what it owns only when the runtime comes round to it.
async fn accept(listener: &Mutex<Option<TcpListener>>) -> Option<io::Result<TcpStream>> {
    poll_fn(|context| match &*lock(listener) {
        Some(listener) => listener.poll_accept(context).map_ok(|(stream, _)| stream).map(Some),
        None => Poll::Ready(None),
    })
    .await
}

impl Server {
    /// Serves each connection of `listener` by `serve`, a bounded number at once for a bounded time.
    pub(super) fn start<F, S>(listener: TcpListener, serve: S) -> Result<Self, SolverError>
    where
        S: Fn(TcpStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().map_err(|error| {
            SolverError::with_code(
                "address",
                format!("the listening socket is gone: {}", one_line(&error.to_string())),
            )
        })?;
        let listener = Arc::new(Mutex::new(Some(listener)));
        let shared = Arc::clone(&listener);
        let task = tokio::spawn(async move {
            let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                    return;
                };
                match accept(&shared).await {
                    None => return,
                    Some(Ok(stream)) => {
                        // Answers are small and awaited.
                        stream.set_nodelay(true).ok();
                        let connection = serve(stream);
                        connections.spawn(async move {
                            let _slot = slot;
                            tokio::time::timeout(CONNECTION_TIME, connection).await.ok();
                        });
                        while connections.try_join_next().is_some() {}
                    }
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a connection to the solver was not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        });
        Ok(Self { address, listener, task })
    }

    /// Where it listens: the port that the system chose, if port 0 was asked for.
    pub(super) fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.listener).take();
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use core::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let first = bind("127.0.0.1:0").unwrap();
        let address = first.local_addr().unwrap();
        let error = bind(&address.to_string()).unwrap_err();
        assert_eq!(error.code(), "address-in-use");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }

    #[tokio::test]
    async fn an_unspecified_ipv6_address_takes_ipv4_too() {
        let Ok(listener) = bind("[::]:0") else {
            // A machine without IPv6.
            return;
        };
        let port = listener.local_addr().unwrap().port();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_server_frees_its_port_at_once() {
        let listener = bind("127.0.0.1:0").unwrap();
        let server = Server::start(listener, |_stream| pending()).unwrap();
        let address = server.local_addr();
        let _connection = TcpStream::connect(address).await.unwrap();
        drop(server);
        bind(&address.to_string()).unwrap();
    }
}
