//! The one HTTP endpoint of all engines: what `ENDPOINT_URL` points to.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;

use crate::callers::Callers;
use crate::calls::Calls;
use crate::engine::{Engines, Service, failure};
use crate::faults::{Call, ErrorAnswer, Fault, Faults};
use crate::meter::Meter;
use crate::server::{Answer, Disconnect, Server};

/// Above what is sent here: of the services that speak JSON 16 MB, and an object that is the largest report there can be.
const LARGEST_REQUEST: usize = 200 * 1024 * 1024;

/// What a request passes on its way to an engine.
pub(crate) struct Endpoint {
    pub(crate) engines: Arc<Engines>,
    pub(crate) calls: Arc<Calls>,
    pub(crate) callers: Callers,
    pub(crate) faults: Option<Arc<dyn Faults>>,
    /// Reckons what calls of the database consume, if anybody wants to know.
    pub(crate) meter: Option<Arc<Meter>>,
}

impl Endpoint {
    /// Serves the engines on `listener`.
    pub(crate) fn serve(self, listener: TcpListener) -> Server {
        let endpoint = Arc::new(self);
        Server::start(listener, move |request, _peer| {
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (parts, body) = request.into_parts();
        let Ok(body) = axum::body::to_bytes(body, LARGEST_REQUEST).await else {
            return Ok(
                rejected("RequestEntityTooLarge", "the request is too large").map(Body::from),
            );
        };
        let request = Request::from_parts(parts, body);
        let response = self.dispatch(request).await?;
        Ok(response.map(Body::from))
    }

    async fn dispatch(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Disconnect> {
        let Some((service, operation)) = Service::of_request(&request) else {
            let message =
                "this endpoint has DynamoDB, SQS, S3, EventBridge and Secrets Manager only";
            return Ok(rejected("UnknownOperationException", message));
        };
        self.calls.count(service, &operation);
        let access_key = Callers::access_key(request.headers());
        let fault = self.fault(service, &operation, &request, access_key.as_deref());
        let fault = fault.await;
        let refuse = |answer: &ErrorAnswer| answer.to_response(service);
        let kill = self.callers.kill(access_key.as_deref());
        let work = self.metered(service, &operation, request);
        fault.befall(work, refuse, kill).await
    }

    async fn metered(
        &self,
        service: Service,
        operation: &str,
        request: Request<Bytes>,
    ) -> Response<Bytes> {
        let Some(meter) = self.meter.as_ref().filter(|_| service == Service::DynamoDb) else {
            return self.engines.handle(service, operation, request).await;
        };
        let request = request.map(Meter::asking);
        let response = self.engines.handle(service, operation, request).await;
        meter.note(operation, response.body());
        response
    }

    async fn fault(
        &self,
        service: Service,
        operation: &str,
        request: &Request<Bytes>,
        access_key: Option<&str>,
    ) -> Fault {
        let Some(faults) = &self.faults else {
            return Fault::None;
        };
        let call = Call {
            function: access_key.and_then(|it| self.callers.function(it)),
            service,
            operation: operation.to_owned(),
            body: request.body().clone(),
        };
        faults.before(&call).await
    }
}

fn rejected(kind: &str, message: &str) -> Response<Bytes> {
    failure(StatusCode::BAD_REQUEST, kind, message)
}
