//! The edge between API Gateway and [`crate::ingest`]: a request becomes a call, what became of it becomes an answer, and one
//! line in the log says so.

use crate::clock::Clock;
use crate::error::causes;
use crate::ingest::{Outcome, Receipt, Receiver, Refusal};
use crate::key::EventId;
use crate::queue::Queue;
use crate::secrets::SecretReader;
use crate::source::{Call, Source};
use crate::store::EventStore;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, LambdaEvent, Request, RequestExt};
use serde::Serialize;
use std::panic::AssertUnwindSafe;

/// When a vendor should try again after a fault of ours, in seconds.
const RETRY_AFTER_SECONDS: &str = "30";

/// The event without the address that was called, which nothing here reads: not the query, and of the path only the parts that
/// have a name in the route. `lambda_http` makes a URI of it and panics where it is none, so that a stranger's `?<` or a `Host`
/// with a space would count as a crash of the function.
#[must_use]
pub fn without_address(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        request.raw_path = None;
        request.raw_query_string = None;
        request.request_context.domain_name = None;
        request.request_context.stage = None;
        for name in ["host", "x-forwarded-proto"] {
            request.headers.remove(name);
        }
    }
    event
}

/// Answers one request. Never fails: a fault of ours, also a panic, is a 5xx.
pub async fn handle<S, R, E, Q>(
    receiver: &Receiver<S, R, E, Q>,
    clock: &Clock,
    request: Request,
) -> Response<Body>
where
    S: Source,
    R: SecretReader,
    E: EventStore,
    Q: Queue,
{
    let call = call(request, clock);
    let (began, body_bytes) = (call.received, call.body.len());
    let correlation_id = call.correlation_id.clone();
    let received = AssertUnwindSafe(receiver.receive(call))
        .catch_unwind()
        .await;
    let result = received.unwrap_or(Err(Refusal::Panicked));
    let line = Line {
        source: S::NAME,
        correlation_id: &correlation_id,
        body_bytes,
        duration_ms: clock.now().unix_ms() - began.unix_ms(),
    };
    match result {
        Ok(receipt) => {
            line.accepted(&receipt);
            accepted(&receipt)
        }
        Err(refusal) => {
            line.refused(&refusal);
            refused(&refusal)
        }
    }
}

fn call(request: Request, clock: &Clock) -> Call {
    let path = request.path_parameters();
    let path = path
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let correlation_id = correlation_id(&request);
    let (parts, body) = request.into_parts();
    Call {
        headers: parts.headers,
        path,
        body: bytes(body),
        received: clock.now(),
        correlation_id,
    }
}

fn correlation_id(request: &Request) -> String {
    let gateway = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    gateway
        .or_else(|| {
            request
                .lambda_context_ref()
                .map(|context| context.request_id.clone())
        })
        .unwrap_or_default()
}

fn bytes(body: Body) -> Bytes {
    match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    }
}

#[derive(Serialize)]
struct AcceptedBody<'a> {
    event: &'a EventId,
    outcome: Outcome,
}

fn accepted(receipt: &Receipt) -> Response<Body> {
    let body = AcceptedBody {
        event: &receipt.id,
        outcome: receipt.outcome,
    };
    answer(StatusCode::ACCEPTED, "application/json", &body)
}

/// What the caller is told. The operator reads the cause in the log.
#[must_use]
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Refusal::Secret(_)
        | Refusal::SecretTimedOut
        | Refusal::Store(_)
        | Refusal::StoreTimedOut => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let status = status(refusal);
    let mut response = problem(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static(RETRY_AFTER_SECONDS);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// RFC 9457, with a text that depends on nothing but the status.
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
}

fn problem(status: StatusCode) -> Response<Body> {
    let body = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
    };
    answer(status, "application/problem+json", &body)
}

fn answer(status: StatusCode, content_type: &'static str, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_string(body).expect("these bodies have string keys");
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// The one line about a request: what every such line says, and what is added. A macro, since a level is a constant.
macro_rules! line {
    ($level:ident, $line:expr, $status:expr, $text:literal, $($added:tt)+) => {
        tracing::$level!(
            webhook.source = $line.source,
            http.status = $status.as_u16(),
            http.body_bytes = $line.body_bytes,
            duration_ms = $line.duration_ms,
            correlation_id = $line.correlation_id,
            $($added)+,
            $text
        )
    };
}

/// What every line about a request says.
struct Line<'a> {
    source: &'static str,
    correlation_id: &'a str,
    body_bytes: usize,
    duration_ms: i64,
}

impl Line<'_> {
    fn accepted(&self, receipt: &Receipt) {
        let (id, kind) = (receipt.id.as_str(), receipt.kind.to_string());
        let (outcome, earlier) = (receipt.outcome.as_str(), receipt.earlier_deliveries);
        let (status, credential) = (StatusCode::ACCEPTED, receipt.vouched_by.as_str());
        if let Some(error) = &receipt.not_enqueued {
            line!(
                warn,
                self,
                status,
                "webhook accepted, not enqueued: the sweep will find it",
                webhook.outcome = outcome,
                event.id = id,
                event.kind = kind,
                event.earlier_deliveries = earlier,
                webhook.credential = credential,
                error = causes(error)
            );
        } else {
            line!(
                info,
                self,
                status,
                "webhook accepted",
                webhook.outcome = outcome,
                event.id = id,
                event.kind = kind,
                event.earlier_deliveries = earlier,
                webhook.credential = credential
            );
        }
    }

    /// A fault of ours is for a person to act on; a call that is not believed is not.
    fn refused(&self, refusal: &Refusal) {
        let status = status(refusal);
        if status.is_server_error() {
            line!(
                error,
                self,
                status,
                "webhook not accepted",
                webhook.outcome = "failed",
                error = causes(refusal)
            );
        } else {
            line!(
                info,
                self,
                status,
                "webhook refused",
                webhook.outcome = "refused",
                error = causes(refusal)
            );
        }
    }
}

#[cfg(test)]
mod tests;
