//! S3, with one bucket, which takes what is not there.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The bucket of the reports.
pub const BUCKET: &str = "the-reports";

/// An object as it was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub content_type: String,
    pub bytes: Bytes,
}

#[derive(Default)]
pub struct Bucket {
    /// By their keys, as they are written in addresses.
    objects: Mutex<BTreeMap<String, Object>>,
    /// How often an upload was tried, those that were refused among them.
    uploads: Mutex<usize>,
    /// The keys that were written, in order.
    stored: Mutex<Vec<String>>,
    is_missing: Mutex<bool>,
}

impl Bucket {
    pub fn objects(&self) -> BTreeMap<String, Object> {
        self.objects.lock().unwrap().clone()
    }

    /// How often something was written under this key.
    pub fn stored(&self, key: &str) -> usize {
        let stored = self.stored.lock().unwrap();
        stored.iter().filter(|it| *it == key).count()
    }

    /// Takes an object away, as a person may.
    pub fn delete(&self, key: &str) {
        self.objects.lock().unwrap().remove(key);
    }

    pub fn uploads(&self) -> usize {
        *self.uploads.lock().unwrap()
    }

    pub fn take_away(&self) {
        *self.is_missing.lock().unwrap() = true;
    }

    pub fn bring_back(&self) {
        *self.is_missing.lock().unwrap() = false;
    }

    pub fn put(&self, uri: &Uri, headers: &HeaderMap, bytes: Bytes) -> Response {
        *self.uploads.lock().unwrap() += 1;
        let key = uri.path().strip_prefix(&format!("/{BUCKET}/")).unwrap();
        if *self.is_missing.lock().unwrap() {
            return failure(StatusCode::NOT_FOUND, "NoSuchBucket");
        }
        // S3 refuses what does not have the hash that is said, and so does this.
        let sha256 = STANDARD.encode(Sha256::digest(&bytes));
        assert_eq!(headers["x-amz-checksum-sha256"], sha256);
        let unless = headers.get("if-none-match");
        assert!(unless.is_none_or(|unless| unless == "*"));
        let mut objects = self.objects.lock().unwrap();
        if unless.is_some() && objects.contains_key(key) {
            return failure(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let object = Object {
            content_type: headers["content-type"].to_str().unwrap().to_owned(),
            bytes,
        };
        objects.insert(key.to_owned(), object);
        self.stored.lock().unwrap().push(key.to_owned());
        StatusCode::OK.into_response()
    }
}

fn failure(status: StatusCode, code: &str) -> Response {
    let body = format!("<Error><Code>{code}</Code><Message>on purpose</Message></Error>");
    (status, body).into_response()
}
