//! S3: winterbaume's engine in this process.
//!
//! S3 speaks no JSON: an operation is told by method, path and query, errors are XML, and so this file names what the
//! endpoint counts and breaks. The engine has versions and conditions. It checks neither signatures nor permissions,
//! and carries out no lifecycle rules.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tokio::sync::Mutex;
use winterbaume_core::{FsVfs, MockRequest, MockService};
use winterbaume_s3::S3Service;

use super::{EngineError, into_http};
use crate::template::{ACCOUNT, BucketResource, REGION};

/// Where a data directory keeps them.
const DIRECTORY: &str = "objects";
/// The engine's answer to a bucket that a data directory kept.
const IS_THERE: &str = "BucketAlreadyOwnedByYou";

/// The engine.
pub(crate) struct Objects {
    engine: S3Service,
    /// Held while something is written: the engine looks at a condition and writes in two steps, and S3 in one.
    writing: Mutex<()>,
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Objects")
    }
}

impl Objects {
    /// With what `data_directory` kept, or in memory.
    pub(crate) async fn start(data_directory: Option<&Path>) -> Result<Self, EngineError> {
        winterbaume_core::set_default_account_id(ACCOUNT);
        let engine = match data_directory {
            Some(directory) => kept(&directory.join(DIRECTORY)).await?,
            None => S3Service::new(),
        };
        Ok(Self {
            engine,
            writing: Mutex::default(),
        })
    }

    /// Does one operation.
    pub(crate) async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        let _alone = match *request.method() {
            Method::GET | Method::HEAD => None,
            _ => Some(self.writing.lock().await),
        };
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |it| it.as_str());
        let answer = self.engine.handle(MockRequest {
            method: parts.method.to_string(),
            // The engine tells bucket and region by the address that was asked.
            uri: format!("https://s3.{REGION}.amazonaws.com{target}"),
            headers: parts.headers,
            body,
        });
        into_http(answer.await)
    }

    /// Makes a bucket, unless it is there.
    pub(crate) async fn create(&self, bucket: &BucketResource) -> Result<(), EngineError> {
        match self.put(&bucket.name, "", "CreateBucket").await {
            Err(EngineError::Refused { kind, .. }) if kind == IS_THERE => {}
            result => result?,
        }
        if !bucket.versioned {
            return Ok(());
        }
        let versioned =
            "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let target = format!("{}?versioning", bucket.name);
        self.put(&target, versioned, "PutBucketVersioning").await
    }

    async fn put(
        &self,
        target: &str,
        body: &'static str,
        operation: &str,
    ) -> Result<(), EngineError> {
        let refused = |kind: &str, message: &str| EngineError::Refused {
            operation: operation.to_owned(),
            kind: kind.to_owned(),
            message: message.to_owned(),
        };
        let request = Request::put(format!("/{target}")).body(Bytes::from_static(body.as_bytes()));
        let request = request.map_err(|error| refused("InvalidURI", &error.to_string()))?;
        let response = self.handle(request).await;
        if response.status().is_success() {
            return Ok(());
        }
        let answer = String::from_utf8_lossy(response.body());
        let code = within(&answer, "Code").unwrap_or("no further word");
        Err(refused(
            code,
            within(&answer, "Message").unwrap_or_default(),
        ))
    }
}

async fn kept(directory: &Path) -> Result<S3Service, EngineError> {
    let not_started = |reason: String| EngineError::Start {
        service: "S3",
        reason,
    };
    let files = FsVfs::new(directory).map_err(|error| not_started(error.to_string()))?;
    let engine = S3Service::recover_with_vfs(Arc::new(files)).await;
    engine.map_err(|error| not_started(error.to_string()))
}

/// What stands in an element of an XML answer that has it once.
fn within<'a>(xml: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    Some(rest.split_once('<')?.0)
}

/// What S3 calls the operation that a request asks for.
pub(super) fn operation<T>(request: &Request<T>) -> &'static str {
    let path = request.uri().path().trim_start_matches('/');
    let object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let query = request.uri().query().unwrap_or_default();
    let asks_for = |name: &str| {
        let mut fields = query.split('&');
        fields.any(|field| field.split('=').next() == Some(name))
    };
    let copies = request.headers().contains_key("x-amz-copy-source");
    match (request.method().as_str(), object) {
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("PUT", true) if copies => "CopyObject",
        ("PUT", true) => "PutObject",
        ("DELETE", true) => "DeleteObject",
        ("GET", false) if path.is_empty() => "ListBuckets",
        ("GET", false) if asks_for("versions") => "ListObjectVersions",
        ("GET", false) => "ListObjectsV2",
        ("HEAD", false) => "HeadBucket",
        ("PUT", false) => "CreateBucket",
        ("DELETE", false) => "DeleteBucket",
        _ => "Other",
    }
}

/// An error as S3 has it.
pub(crate) fn failure(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let (code, message) = (escaped(code), escaped(message));
    let xml = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/xml");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_told_by_method_path_and_query() {
        let cases = [
            ("GET", "/", "ListBuckets"),
            ("PUT", "/bucket", "CreateBucket"),
            ("PUT", "/bucket/a/b.pdf?x-id=PutObject", "PutObject"),
            ("GET", "/bucket/a/b.pdf?versionId=1", "GetObject"),
            ("HEAD", "/bucket/a", "HeadObject"),
            ("GET", "/bucket/?list-type=2", "ListObjectsV2"),
            ("GET", "/bucket?versions&prefix=a", "ListObjectVersions"),
            ("GET", "/bucket?prefix=versions", "ListObjectsV2"),
            ("POST", "/", "Other"),
        ];
        for (method, target, expected) in cases {
            let request = Request::builder().method(method).uri(target);
            assert_eq!(operation(&request.body(()).unwrap()), expected, "{target}");
        }
        let copy = Request::put("/bucket/b").header("x-amz-copy-source", "bucket/a");
        assert_eq!(operation(&copy.body(()).unwrap()), "CopyObject");
    }

    #[test]
    fn an_error_is_read_as_it_is_written() {
        let answer = failure(
            StatusCode::NOT_FOUND,
            "NoSuchBucket",
            "a < b has no <bucket>",
        );
        let text = std::str::from_utf8(answer.body()).unwrap();
        assert_eq!(within(text, "Code"), Some("NoSuchBucket"));
        assert!(text.contains("a &lt; b has no &lt;bucket>"), "{text}");
        assert_eq!(within(text, "Resource"), None);
    }
}
