//! Lambda's Runtime API, as one process sees it: ask for the next invocation, answer it, ask again.
//!
//! Each process has a port of its own, so that who asked is known, and there is never more than one invocation
//! to speak of.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::json;
use tokio::sync::{Mutex, mpsc};

use super::invocation::{Answer, InvokeError, Report};
use crate::server::{self, Server};

/// The most that Lambda takes as an answer, and gives as an event.
const LARGEST_PAYLOAD: usize = 6 * 1024 * 1024;

/// What the process is given.
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) deadline_ms: i64,
    pub(super) payload: Bytes,
}

/// What the process says.
pub(super) enum Signal {
    /// It waits for an invocation.
    Ready,
    /// It could not start.
    StartFailed(InvokeError),
    /// It is done with this invocation.
    Answered(String, Answer),
}

/// The serving side of one process's API.
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    pub(super) invocations: mpsc::Sender<Invocation>,
    pub(super) signals: mpsc::Receiver<Signal>,
    _server: Server,
}

struct Shared {
    function_arn: String,
    invocations: Mutex<mpsc::Receiver<Invocation>>,
    signals: mpsc::Sender<Signal>,
}

impl RuntimeApi {
    pub(super) async fn start(function_arn: String) -> std::io::Result<Self> {
        let (listener, address) = server::bind(0).await?;
        let (invocations, inbox) = mpsc::channel(1);
        let (outbox, signals) = mpsc::channel(8);
        let invocations_inbox = Mutex::new(inbox);
        let shared = Arc::new(Shared {
            function_arn,
            invocations: invocations_inbox,
            signals: outbox,
        });
        let server = Server::start(listener, move |request, _peer| {
            let shared = Arc::clone(&shared);
            async move { Ok(shared.handle(request).await) }
        });
        Ok(Self {
            address,
            invocations,
            signals,
            _server: server,
        })
    }
}

impl Shared {
    async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let steps: Vec<&str> = path
            .trim_start_matches("/2018-06-01/runtime/")
            .split('/')
            .collect();
        match (request.method(), steps.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, request).await,
            (&Method::POST, ["invocation", id, "error"]) => self.error(id, request).await,
            (&Method::POST, ["init", "error"]) => self.start_failed(request).await,
            _ => refused(StatusCode::NOT_FOUND, "NotFound"),
        }
    }

    async fn next(&self) -> Response<Body> {
        // A process that asks twice at once waits in line here.
        let mut invocations = self.invocations.lock().await;
        self.tell(Signal::Ready).await;
        match invocations.recv().await {
            Some(invocation) => self.event(invocation),
            None => refused(StatusCode::GONE, "Shutdown"),
        }
    }

    fn event(&self, invocation: Invocation) -> Response<Body> {
        let trace_id = format!(
            "Root=1-{:08x}-{}",
            invocation.deadline_ms / 1000,
            invocation
                .request_id
                .replace('-', "")
                .get(..24)
                .unwrap_or_default(),
        );
        let mut response = Response::new(Body::from(invocation.payload));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let values = [
            ("lambda-runtime-aws-request-id", invocation.request_id),
            (
                "lambda-runtime-deadline-ms",
                invocation.deadline_ms.to_string(),
            ),
            (
                "lambda-runtime-invoked-function-arn",
                self.function_arn.clone(),
            ),
            ("lambda-runtime-trace-id", trace_id),
        ];
        for (name, value) in values {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }

    async fn response(&self, id: &str, request: Request<Body>) -> Response<Body> {
        let body = axum::body::to_bytes(request.into_body(), LARGEST_PAYLOAD).await;
        let answer = body.map_err(|_| InvokeError::TooLarge);
        let too_large = answer.is_err();
        self.tell(Signal::Answered(id.to_owned(), answer)).await;
        if too_large {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge");
        }
        accepted()
    }

    async fn error(&self, id: &str, request: Request<Body>) -> Response<Body> {
        let error = report(request).await;
        self.tell(Signal::Answered(id.to_owned(), Err(error))).await;
        accepted()
    }

    async fn start_failed(&self, request: Request<Body>) -> Response<Body> {
        let error = report(request).await;
        self.tell(Signal::StartFailed(error)).await;
        accepted()
    }

    /// Nobody listens any more once the environment is being ended.
    async fn tell(&self, signal: Signal) {
        let _ = self.signals.send(signal).await;
    }
}

async fn report(request: Request<Body>) -> InvokeError {
    let body = axum::body::to_bytes(request.into_body(), LARGEST_PAYLOAD)
        .await
        .unwrap_or_default();
    serde_json::from_slice::<Report>(&body)
        .unwrap_or_default()
        .into()
}

fn accepted() -> Response<Body> {
    json_response(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

fn refused(status: StatusCode, kind: &str) -> Response<Body> {
    json_response(status, &json!({ "errorType": kind, "errorMessage": kind }))
}

fn json_response(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
