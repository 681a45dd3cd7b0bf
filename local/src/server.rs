//! A small HTTP/1.1 server: one handler, one port of 127.0.0.1, and an end.
//!
//! It is `hyper` itself and not `axum::serve` because a fault may have to hang up without any answer, which only
//! a handler that is allowed to fail can do, and because a stopped server must leave no connection behind.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How long requests under way may take once the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The handler's wish to end the connection without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disconnect {
    /// As a process that ends does it: the peer reads an end.
    #[error("the connection was closed on purpose")]
    Close,
    /// As a machine does it that does not know the connection: what the peer reads is an error.
    #[error("the connection was reset on purpose")]
    Reset,
}

/// What a handler answers.
pub(crate) type Answer = Result<Response<Body>, Disconnect>;

/// A running server; dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct Server {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Binds a port of the loopback interface; 0 takes a free one.
pub(crate) async fn bind(port: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Server {
    /// Serves `listener` until [`Server::stop`].
    pub(crate) fn start<H, F>(listener: TcpListener, handler: H) -> Self
    where
        H: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, handler, stopped));
        Self { stop, task }
    }

    /// Takes no further request, waits a while for those under way, and ends.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<H, F>(listener: TcpListener, handler: H, mut stopped: watch::Receiver<bool>)
where
    H: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    // Aborting this task drops the set, and with it every connection.
    let mut connections = JoinSet::new();
    let watcher = stopped.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(converse(stream, peer, handler.clone(), watcher.clone()));
                }
                // Out of file descriptors, most likely: give some time to be freed.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            () = told_to(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Resolves once the server is told to stop, or is gone.
async fn told_to(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn converse<H, F>(
    stream: TcpStream,
    peer: SocketAddr,
    handler: H,
    mut stopped: watch::Receiver<bool>,
) where
    H: Fn(Request<Body>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    // Answers are small and awaited: waiting to fill a packet would only add 40 ms.
    let _ = stream.set_nodelay(true);
    // Out of file descriptors, most likely: the peer comes again.
    let Ok((stream, twin)) = twin(stream) else {
        return;
    };
    let service =
        service_fn(|request: Request<hyper::body::Incoming>| handler(request.map(Body::new), peer));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return end(twin, ended),
        () = told_to(&mut stopped) => connection.as_mut().graceful_shutdown(),
    }
    end(twin, connection.await);
}

/// The same socket once more, for what is still to be said of it when `hyper` has it.
fn twin(stream: TcpStream) -> io::Result<(TcpStream, std::net::TcpStream)> {
    let stream = stream.into_std()?;
    let twin = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, twin))
}

/// Ends a connection as its handler wants it. An error is the peer's hang-up or that wish: in both cases there is nobody to tell.
fn end(twin: std::net::TcpStream, ended: hyper::Result<()>) {
    let error = ended.err();
    let wish = error.as_ref().and_then(Error::source);
    if wish.and_then(<dyn Error>::downcast_ref) == Some(&Disconnect::Reset) {
        // Whoever closes a socket that does not linger resets its connection.
        let _ = TcpStream::from_std(twin).and_then(|twin| twin.set_zero_linger());
    }
}
