//! A vendor's API: notes what it is asked and answers what it was told to. Under `/pdf/` it has a report of any name.

use crate::platform::bind;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// A call as it came in.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    /// With the query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Clone)]
struct Told {
    status: u16,
    header: Option<(&'static str, &'static str)>,
    body: String,
}

type Answers = dyn Fn(&Asked) -> Option<(u16, Value)> + Send + Sync;

#[derive(Default)]
pub struct Vendor {
    answers: Mutex<Option<Box<Answers>>>,
    told: Mutex<VecDeque<Told>>,
    /// The same for what is under `/pdf/`.
    told_to_serve: Mutex<VecDeque<Told>>,
    asked: Mutex<Vec<Asked>>,
    fetched: Mutex<Vec<Asked>>,
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
}

/// The report that is at this path.
pub fn pdf(path: &str) -> Vec<u8> {
    format!("%PDF-1.4\n% the report at {path}\n%%EOF\n").into_bytes()
}

/// A vendor that runs; it ends with the test.
pub struct RunningVendor {
    pub vendor: Arc<Vendor>,
    pub url: String,
    task: JoinHandle<()>,
}

impl Drop for RunningVendor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Vendor {
    pub async fn start() -> RunningVendor {
        let (listener, url) = bind().await;
        let vendor = Arc::new(Self::default());
        let app = Router::new().fallback(answer);
        let app = app.with_state(Arc::clone(&vendor));
        let server = async move { axum::serve(listener, app).await.unwrap() };
        RunningVendor {
            vendor,
            url,
            task: tokio::spawn(server),
        }
    }

    /// What it answers next; nothing else is expected of it.
    pub fn will_answer(&self, status: u16, body: &(impl ToString + ?Sized)) {
        self.tell(status, None, body.to_string());
    }

    pub fn will_answer_with(
        &self,
        status: u16,
        header: (&'static str, &'static str),
        body: &(impl ToString + ?Sized),
    ) {
        self.tell(status, Some(header), body.to_string());
    }

    fn tell(&self, status: u16, header: Option<(&'static str, &'static str)>, body: String) {
        let told = Told {
            status,
            header,
            body,
        };
        self.told.lock().unwrap().push_back(told);
    }

    /// What it answers from now on, by what it is asked; what it was told to answer next comes before.
    pub fn answers(&self, by: impl Fn(&Asked) -> Option<(u16, Value)> + Send + Sync + 'static) {
        *self.answers.lock().unwrap() = Some(Box::new(by));
    }

    /// What it answers next under `/pdf/`, in place of a report.
    pub fn will_serve(&self, status: u16, body: impl ToString) {
        let told = Told {
            status,
            header: None,
            body: body.to_string(),
        };
        self.told_to_serve.lock().unwrap().push_back(told);
    }

    /// Happens after the next call came in and before it is answered.
    pub fn meanwhile(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::pin(act));
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What was fetched from under `/pdf/`.
    pub fn fetched(&self) -> Vec<Asked> {
        self.fetched.lock().unwrap().clone()
    }

    /// The only call that it got.
    pub fn only_asked(&self) -> Asked {
        let [asked] = self.asked().try_into().unwrap();
        asked
    }
}

async fn answer(
    State(vendor): State<Arc<Vendor>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked {
        method,
        path: uri.to_string(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let is_pdf = uri.path().starts_with("/pdf/");
    let (calls, told) = if is_pdf {
        (&vendor.fetched, &vendor.told_to_serve)
    } else {
        (&vendor.asked, &vendor.told)
    };
    calls.lock().unwrap().push(asked.clone());
    let meanwhile = vendor.meanwhile.lock().unwrap().take();
    if let Some(act) = meanwhile {
        act.await;
    }
    let told = told.lock().unwrap().pop_front();
    if is_pdf && told.is_none() {
        return pdf(uri.path()).into_response();
    }
    let by_what_is_asked = || {
        let answers = vendor.answers.lock().unwrap();
        let (status, body) = answers.as_ref()?(&asked)?;
        let body = body.to_string();
        Some(Told {
            status,
            header: None,
            body,
        })
    };
    let Some(told) = told.or_else(by_what_is_asked) else {
        return StatusCode::NOT_IMPLEMENTED.into_response();
    };
    let status = StatusCode::from_u16(told.status).unwrap();
    let mut response = (status, told.body).into_response();
    if let Some((name, value)) = told.header {
        let name = HeaderName::from_static(name);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
