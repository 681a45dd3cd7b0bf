//! Where a stand-in is served.

use std::io;

use axum::Router;
use tokio::sync::oneshot;

use crate::server;

/// A router on a free port, until this is dropped.
#[derive(Debug)]
pub(super) struct Host {
    base_url: String,
    /// Dropped with this, which is the signal: it ends the connections that clients keep open, too.
    _stop: oneshot::Sender<()>,
}

impl Host {
    pub(super) async fn start(router: Router) -> io::Result<Self> {
        let (listener, address) = server::bind(0).await?;
        let (stop, stopped) = oneshot::channel();
        let serve = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        tokio::spawn(async { serve.await });
        Ok(Self {
            base_url: format!("http://{address}"),
            _stop: stop,
        })
    }

    /// Without a slash at the end.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }
}
