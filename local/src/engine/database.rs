//! `DynamoDB`: dynoxide on a private port, to which requests are passed as they are.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response, StatusCode, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{EngineError, failure};
use crate::server;

/// AWS promises expired items to be gone within days; here nobody has that long.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// A sweep reads the whole table: of a large one, it is at most this part of the time that goes into it.
const SWEEP_SHARE: u32 = 20;

/// The largest answer: `DynamoDB` itself stops at 1 MB for a page, 16 MB for a batch.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// The running engine.
#[derive(Debug)]
pub(crate) struct Database {
    address: SocketAddr,
    client: Client<HttpConnector, Body>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    sweeper: JoinHandle<()>,
}

impl Database {
    /// Opens the tables in `data_directory`, or empty ones in memory.
    pub(crate) async fn start(data_directory: Option<&Path>) -> Result<Self, EngineError> {
        let database = open(data_directory).map_err(|error| not_started(&error))?;
        let (listener, address) = server::bind(0).await.map_err(|error| not_started(&error))?;
        let (stop, stopped) = oneshot::channel::<()>();
        let served = database.clone();
        let server = tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            if let Err(error) =
                dynoxide::server::serve_with_shutdown(listener, served, shutdown).await
            {
                tracing::error!(%error, "the database engine ended");
            }
        });
        let sweeper = tokio::spawn(sweep(database));
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let running = Mutex::new(Some(Running {
            stop,
            server,
            sweeper,
        }));
        Ok(Self {
            address,
            client,
            running,
        })
    }

    /// Passes a request on, with all its headers, and the answer back.
    pub(crate) async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.forward(request).await.unwrap_or_else(|error| {
            failure(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                &error,
            )
        })
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, String> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.uri()?;
        parts.headers.remove(header::HOST);
        parts.headers.remove(header::CONTENT_LENGTH);
        parts.headers.remove(header::TRANSFER_ENCODING);
        parts.headers.remove(header::CONNECTION);
        let request = Request::from_parts(parts, Body::from(body));
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LARGEST_ANSWER).await;
        Ok(Response::from_parts(
            parts,
            body.map_err(|error| error.to_string())?,
        ))
    }

    fn uri(&self) -> Result<Uri, String> {
        let authority = Authority::try_from(self.address.to_string());
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(authority.map_err(|error| error.to_string())?)
            .path_and_query(PathAndQuery::from_static("/"))
            .build()
            .map_err(|error| error.to_string())
    }

    /// Ends the engine and closes its file.
    pub(crate) async fn stop(&self) {
        let running = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(Running {
            stop,
            mut server,
            sweeper,
        }) = running
        else {
            return;
        };
        sweeper.abort();
        let _ = stop.send(());
        // Idle connections of our own client end with the server; none carries a request any more.
        if tokio::time::timeout(Duration::from_secs(2), &mut server)
            .await
            .is_err()
        {
            server.abort();
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(running) = running {
            running.server.abort();
            running.sweeper.abort();
        }
    }
}

fn open(data_directory: Option<&Path>) -> Result<dynoxide::Database, String> {
    let Some(directory) = data_directory else {
        return dynoxide::Database::memory().map_err(|error| error.to_string());
    };
    let path = directory.join("tables.sqlite");
    let path = path
        .to_str()
        .ok_or("the data directory's name is not UTF-8")?;
    dynoxide::Database::new(path).map_err(|error| error.to_string())
}

fn not_started(reason: &dyn std::fmt::Display) -> EngineError {
    EngineError::Start {
        service: "DynamoDB",
        reason: reason.to_string(),
    }
}

/// The engine deletes expired items only when it is asked to.
async fn sweep(database: dynoxide::Database) {
    let mut took = Duration::ZERO;
    loop {
        tokio::time::sleep(SWEEP_INTERVAL.max(took * SWEEP_SHARE)).await;
        let (database, began) = (database.clone(), Instant::now());
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "expired items were not swept");
        }
        took = began.elapsed();
    }
}
