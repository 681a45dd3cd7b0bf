//! The edge between API Gateway and [`crate::ingest`]: a request becomes a call, what became of it becomes an answer, and one
//! line in the log says so.

mod line;

use crate::clock::Clock;
use crate::ingest::{Outcome, Receipt, Receiver, Refusal};
use crate::key::EventId;
use crate::queue::Queue;
use crate::secrets::SecretReader;
use crate::source::{Call, Source};
use crate::store::EventStore;
use crate::telemetry::Lines;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Response, StatusCode, header};
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Body, LambdaEvent, Request, RequestExt};
use line::About;
use serde::Serialize;
use std::panic::AssertUnwindSafe;
use tracing::Instrument;

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
    lines: &Lines,
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
    // An error's span, so that it is there at any level of the log.
    let span = tracing::error_span!("request", webhook.source = S::NAME, correlation_id);
    let received = AssertUnwindSafe(receiver.receive(call).instrument(span))
        .catch_unwind()
        .await;
    let about = About {
        source: S::NAME,
        correlation_id: &correlation_id,
        body_bytes,
        began,
        ended: clock.now(),
    };
    match received.unwrap_or(Err(Refusal::Panicked)) {
        Ok(receipt) => {
            lines.write(&about.accepted(&receipt));
            accepted(&receipt)
        }
        Err(refusal) => {
            lines.write(&about.refused(&refusal));
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

#[cfg(test)]
mod tests;
