//! A host of reports that has trouble, by what is asked for, and says what it was asked.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::stream;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Longer than a piece of a report is waited for.
const STALLS: Duration = Duration::from_secs(30);
/// More than a report may have in the tests.
pub const TOO_LARGE: usize = 1024 * 1024 + 1;

/// A host on this machine, until it is dropped.
pub struct Host {
    url: String,
    known: Arc<Known>,
    task: JoinHandle<()>,
}

/// What it knows.
struct Known {
    /// How often each path was asked for.
    asked: Mutex<BTreeMap<String, usize>>,
    /// Who waits in the middle of `held`.
    held: Semaphore,
    let_go: Semaphore,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Host {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let known = Arc::new(Known {
            asked: Mutex::default(),
            held: Semaphore::new(0),
            let_go: Semaphore::new(0),
        });
        let router = Router::new()
            .route("/{trouble}/{name}", get(answer))
            .with_state(Arc::clone(&known));
        let server = async move { axum::serve(listener, router).await.unwrap() };
        Self {
            url,
            known,
            task: tokio::spawn(server),
        }
    }

    /// Where a report of this name is, with this trouble.
    pub fn link(&self, trouble: &str, name: &str) -> String {
        format!("{}/{trouble}/{name}", self.url)
    }

    /// A link that redirects there.
    pub fn redirecting(&self, name: &str, to: &str) -> String {
        let query = escaped(to);
        format!("{}/away/{name}?to={query}", self.url)
    }

    /// How often this was asked for.
    pub fn asked(&self, trouble: &str, name: &str) -> usize {
        let asked = self.known.asked.lock().unwrap();
        asked
            .get(&format!("{trouble}/{name}"))
            .copied()
            .unwrap_or(0)
    }

    /// Waits until somebody has half of a `held` report.
    pub async fn held(&self) {
        self.known.held.acquire().await.unwrap().forget();
    }

    /// Lets him have the rest.
    pub fn let_go(&self) {
        self.known.let_go.add_permits(1);
    }
}

/// As a value of a query.
fn escaped(text: &str) -> String {
    let bytes = text.bytes().map(|byte| format!("%{byte:02X}"));
    bytes.collect()
}

/// The bytes of a report of this name.
pub fn pdf(name: &str) -> Vec<u8> {
    format!("%PDF-1.4\n% {name}\n%%EOF\n").into_bytes()
}

async fn answer(
    State(known): State<Arc<Known>>,
    Path((trouble, name)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let first = {
        let mut asked = known.asked.lock().unwrap();
        let asked = asked.entry(format!("{trouble}/{name}")).or_default();
        *asked += 1;
        *asked == 1
    };
    match trouble.as_str() {
        "away" => Redirect::temporary(&query["to"]).into_response(),
        "gone" => StatusCode::GONE.into_response(),
        "page" => ([(header::CONTENT_TYPE, "text/html")], "<html>sign in").into_response(),
        "large" => [pdf(&name), vec![b' '; TOO_LARGE]].concat().into_response(),
        "endless" => endless(&name),
        "busy" if first => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        "cut" if first => halves(&name, async { Err(io::Error::other("cut off")) }),
        "slow" if first => halves(&name, async {
            tokio::time::sleep(STALLS).await;
            Err(io::Error::other("too late"))
        }),
        "held" if first => {
            let rest = Bytes::from(second_half(&name));
            halves(&name, async move {
                known.held.add_permits(1);
                known.let_go.acquire().await.unwrap().forget();
                Ok(rest)
            })
        }
        _ => pdf(&name).into_response(),
    }
}

fn second_half(name: &str) -> Vec<u8> {
    let pdf = pdf(name);
    pdf[pdf.len() / 2..].to_vec()
}

/// The first half at once, and then what comes of the other. The length is said.
fn halves(name: &str, rest: impl Future<Output = io::Result<Bytes>> + Send + 'static) -> Response {
    let pdf = pdf(name);
    let first = Bytes::copy_from_slice(&pdf[..pdf.len() / 2]);
    let pieces = stream::once(async { Ok(first) });
    let body = Body::from_stream(futures_util::StreamExt::chain(pieces, stream::once(rest)));
    ([(header::CONTENT_LENGTH, pdf.len())], body).into_response()
}

/// It never ends, and does not say how long it is.
fn endless(name: &str) -> Response {
    let first = Bytes::from(pdf(name));
    let more = Bytes::from(vec![b' '; 65_536]);
    let pieces = std::iter::once(first).chain(std::iter::repeat(more));
    Body::from_stream(stream::iter(pieces.map(Ok::<_, io::Error>))).into_response()
}
