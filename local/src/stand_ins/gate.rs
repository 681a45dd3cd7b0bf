//! A gate before a stand-in, where a test breaks what the worker calls a vendor for: calls of its API and its links alike.
//!
//! Nothing in a call to a vendor tells which process makes it, so that a kill ends all of the worker's.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::callers::Callers;
use crate::faults::{ErrorAnswer, Faults, VendorCall};
use crate::server::{self, Answer, Server};

/// The only function that calls vendors.
const WORKER: &str = "WorkerFunction";
/// Far above what a stand-in is sent or answers.
const LARGEST: usize = 16 * 1024 * 1024;

/// A gate that is served on a free port, until it is dropped.
#[derive(Debug)]
pub struct Gate {
    base_url: String,
    _server: Server,
}

struct Keeper {
    vendor: &'static str,
    /// Where the stand-in is, without a slash at the end.
    stand_in: String,
    client: Client<HttpConnector, Body>,
    faults: Arc<dyn Faults>,
    callers: Callers,
}

impl Gate {
    /// Before the stand-in of this vendor, which is served at `stand_in`.
    pub async fn before(
        vendor: &'static str,
        stand_in: &str,
        faults: Arc<dyn Faults>,
        callers: Callers,
    ) -> io::Result<Self> {
        let (listener, address) = server::bind(0).await?;
        let keeper = Arc::new(Keeper {
            vendor,
            stand_in: stand_in.to_owned(),
            client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()),
            faults,
            callers,
        });
        let server = Server::start(listener, move |request, _peer| {
            let keeper = Arc::clone(&keeper);
            async move { keeper.answer(request).await }
        });
        Ok(Self {
            base_url: format!("http://{address}"),
            _server: server,
        })
    }

    /// Where it is served, without a slash at the end. The stand-in's own links lead here as well, since it makes them of the
    /// host that it is called by.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Keeper {
    async fn answer(&self, request: Request<Body>) -> Answer {
        let call = VendorCall {
            vendor: self.vendor,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
        };
        let fault = self.faults.before_vendor(&call).await;
        let kill = self.callers.kill_all_of(WORKER);
        let answer = fault.befall(self.pass(request), refusal, kill).await?;
        Ok(answer.map(Body::from))
    }

    async fn pass(&self, request: Request<Body>) -> Response<Bytes> {
        self.forward(request).await.unwrap_or_else(|message| {
            refusal(&ErrorAnswer {
                status: StatusCode::BAD_GATEWAY,
                kind: "Gate".to_owned(),
                message,
            })
        })
    }

    /// The host stays as it was called.
    async fn forward(&self, mut request: Request<Body>) -> Result<Response<Bytes>, String> {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", |it| it.as_str());
        let uri = format!("{}{path}", self.stand_in).parse::<Uri>();
        *request.uri_mut() = uri.map_err(|error| error.to_string())?;
        request.headers_mut().remove(header::CONNECTION);
        let answer = self.client.request(request).await;
        let (mut parts, body) = answer.map_err(|error| error.to_string())?.into_parts();
        let body = axum::body::to_bytes(Body::new(body), LARGEST).await;
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok(Response::from_parts(
            parts,
            body.map_err(|error| error.to_string())?,
        ))
    }
}

fn refusal(answer: &ErrorAnswer) -> Response<Bytes> {
    let body = json!({ "error": answer.message }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = answer.status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Call, Fault};
    use crate::stand_ins::Testlify;
    use futures_util::future::BoxFuture;
    use std::future::ready;

    /// Breaks by path.
    struct ByPath;

    impl Faults for ByPath {
        fn before<'a>(&'a self, _call: &'a Call) -> BoxFuture<'a, Fault> {
            Box::pin(ready(Fault::None))
        }

        fn before_vendor<'a>(&'a self, call: &'a VendorCall) -> BoxFuture<'a, Fault> {
            let fault = match call.path.as_str() {
                "/reports/refused.pdf" => Fault::Answer(ErrorAnswer::internal("on purpose")),
                "/reports/lost.pdf" => Fault::DisconnectAfter,
                _ => Fault::None,
            };
            Box::pin(ready(fault))
        }
    }

    #[tokio::test]
    async fn what_is_not_broken_is_passed_on_and_back() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let testlify = Testlify::start().await.unwrap();
        let (faults, callers) = (Arc::new(ByPath), Callers::default());
        let gate = Gate::before("testlify", testlify.base_url(), faults, callers);
        let gate = gate.await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let get = |base_url: &str, name: &str| client.get(format!("{base_url}/reports/{name}.pdf"));
        let through = get(gate.base_url(), "1").send().await.unwrap();
        let straight = get(testlify.base_url(), "1").send().await.unwrap();
        assert_eq!(through.headers()["content-type"], "application/pdf");
        let (through, straight) = (through.bytes().await, straight.bytes().await);
        assert_eq!(through.unwrap(), straight.unwrap());
        let refused = get(gate.base_url(), "refused").send().await.unwrap();
        assert_eq!(refused.status(), 500);
        assert!(get(gate.base_url(), "lost").send().await.is_err());
    }
}
