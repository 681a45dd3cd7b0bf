//! The HTTP API in front: requests become events of payload format 2.0, a function's answers become HTTP.
//!
//! ```text
//! request ─▶ host ─▶ route ─▶ throttle ─▶ body (10 MB) ─▶ event ─▶ function ─▶ response
//!             400     404        429         413                    500, 503
//! ```

mod answer;
mod body;
mod event;
mod routes;
mod throttle;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::json;
use tokio::net::TcpListener;

pub use event::{SourceIp, event};
pub use routes::{MatchedRoute, RouteError, Routes};

use crate::function::{Function, InvokeError};
use crate::server::Server;
use crate::template::Throttle;
use crate::{clock, random};
use throttle::Throttles;

/// The most that Lambda takes as an event.
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// How long an HTTP API waits for its integration, at most.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// The answers that are the gateway's own and no function's: status and message.
#[must_use]
pub fn own_answers() -> [(StatusCode, &'static str); 6] {
    Refusal::ALL.map(Refusal::parts)
}

/// The HTTP API.
pub(crate) struct Gateway {
    routes: Routes<Arc<Function>>,
    throttles: Option<Throttles>,
}

/// The gateway's own answers, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    BadRequest,
    NotFound,
    TooLarge,
    TooMany,
    FunctionFailed,
    TimedOut,
}

impl Gateway {
    pub(crate) fn new(routes: Routes<Arc<Function>>, throttle: Option<Throttle>) -> Self {
        Self {
            routes,
            throttles: throttle.map(Throttles::new),
        }
    }

    /// Serves the API on `listener`.
    pub(crate) fn serve(self, listener: TcpListener) -> Server {
        let gateway = Arc::new(self);
        Server::start(listener, move |request, peer| {
            let gateway = Arc::clone(&gateway);
            async move { Ok(gateway.answer(request, peer).await) }
        })
    }

    async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let request_id = STANDARD.encode(random::bytes::<11>());
        let outcome = self.integrate(request, peer, &request_id).await;
        let mut response = outcome.unwrap_or_else(Refusal::response);
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    async fn integrate(
        &self,
        request: Request<Body>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let (mut parts, body) = request.into_parts();
        event::host(&parts).ok_or(Refusal::BadRequest)?;
        let found = self.routes.find(&parts.method, parts.uri.path());
        let (function, route) = found.ok_or(Refusal::NotFound)?;
        if self
            .throttles
            .as_ref()
            .is_some_and(|throttles| !throttles.allow(&route.key))
        {
            return Err(Refusal::TooMany);
        }
        let body = body::read(body).await.ok_or(Refusal::TooLarge)?;
        parts.extensions.insert(SourceIp(peer.ip()));
        let event = event(&route, &parts, &body, clock::now(), request_id);
        let payload = Bytes::from(event.to_string());
        if payload.len() > LARGEST_EVENT {
            return Err(Refusal::TooLarge);
        }
        let answer = invoke(function, payload).await?;
        answer::to_http(&answer).map_err(|error| {
            let function = &function.resource().logical_id;
            tracing::warn!(%function, %error, "the function's answer is malformed");
            Refusal::FunctionFailed
        })
    }
}

async fn invoke(function: &Arc<Function>, payload: Bytes) -> Result<Bytes, Refusal> {
    let answer = tokio::time::timeout(INTEGRATION_LIMIT, function.invoke(payload)).await;
    let error = match answer {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(error)) => error,
        Err(_) => InvokeError::TimedOut(INTEGRATION_LIMIT),
    };
    let function = &function.resource().logical_id;
    tracing::warn!(%function, %error, "the function gave no answer");
    Err(Refusal::from(&error))
}

impl From<&InvokeError> for Refusal {
    fn from(error: &InvokeError) -> Self {
        match error {
            InvokeError::TimedOut(_) => Self::TimedOut,
            InvokeError::Failed { .. }
            | InvokeError::Exited(_)
            | InvokeError::NotStarted(_)
            | InvokeError::Stopped
            | InvokeError::Unknown(_)
            | InvokeError::TooLarge => Self::FunctionFailed,
        }
    }
}

impl Refusal {
    const ALL: [Self; 6] = [
        Self::BadRequest,
        Self::NotFound,
        Self::TooLarge,
        Self::TooMany,
        Self::FunctionFailed,
        Self::TimedOut,
    ];

    fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
            Self::FunctionFailed => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::TimedOut => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        }
    }

    fn response(self) -> Response<Body> {
        let (status, message) = self.parts();
        let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
        *response.status_mut() = status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_a_function_without_an_answer() {
        let failed = InvokeError::Failed {
            kind: "k".into(),
            message: "m".into(),
        };
        let cases = [
            (failed, 500),
            (InvokeError::Exited("exit status 1".into()), 500),
            (InvokeError::NotStarted("no such file".into()), 500),
            (InvokeError::Stopped, 500),
            (InvokeError::TooLarge, 500),
            (InvokeError::TimedOut(Duration::from_secs(10)), 503),
        ];
        for (error, status) in cases {
            assert_eq!(Refusal::from(&error).parts().0.as_u16(), status, "{error}");
        }
    }
}
