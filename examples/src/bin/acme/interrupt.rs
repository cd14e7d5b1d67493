//! Ctrl-C and SIGTERM: the first one withdraws what was published, a second one ends at once.

use std::sync::Arc;

use tokio::sync::watch;

use crate::exit_code::ExitCode;

/// Whether the user wants to stop.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<watch::Sender<bool>>);

impl Interrupt {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Waits for signals as long as the program runs.
    pub(crate) async fn listen(self) {
        signal().await;
        self.0.send_replace(true);
        signal().await;
        std::process::exit(i32::from(ExitCode::Cancelled as u8));
    }

    /// Resolves when the user wants to stop.
    pub(crate) async fn wait(self) {
        // The sender is in `self`, so waiting cannot fail.
        self.0.subscribe().wait_for(|stop| *stop).await.ok();
    }
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            () = ctrl_c() => {}
        },
        Err(_) => ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn signal() {
    ctrl_c().await;
}

async fn ctrl_c() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the system ends the program by itself.
        std::future::pending().await
    }
}
