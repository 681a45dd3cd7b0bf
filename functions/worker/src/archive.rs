//! The archive: where reports are kept, in S3.
//!
//! An object is named after its attempt and its bytes, and only written where there is none, or where it would expire too soon: the same
//! bytes are kept once, changed ones are another object, and a worker that dies between here and the table leaves nothing that
//! the next one does not find.

use crate::download::pdf::Pdf;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::{ByteStream, ByteStreamError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::key::ItemKey;
use std::time::Duration;

/// What every kept report is.
pub const CONTENT_TYPE: &str = "application/pdf";
const FOLDER: &str = "reports";
const CONNECT: Duration = Duration::from_secs(2);
/// For one upload, all tries together. The largest report takes a few seconds.
const WHOLE: Duration = Duration::from_secs(25);
const TRY: Duration = Duration::from_secs(15);

/// Where reports are kept.
#[derive(Clone, Debug)]
pub struct Archive {
    client: Client,
    bucket: String,
}

/// What became of a report that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    Now,
    /// The same bytes were there.
    Before,
}

/// A report could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file that was fetched cannot be read.
    #[error("the report's file cannot be read")]
    File(#[source] ByteStreamError),
    /// The bucket is missing, or the worker may not write to it: a person has to act.
    #[error("the bucket of the reports does not let them in ({code})")]
    Closed {
        /// S3's word for it.
        code: String,
    },
    /// S3 failed.
    #[error("the report could not be kept")]
    Unavailable(#[source] Box<SdkError<PutObjectError>>),
}

impl ArchiveError {
    /// Whether a person has to act before it can succeed.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        match self {
            Self::Closed { .. } => true,
            Self::File(_) | Self::Unavailable(_) => false,
        }
    }
}

impl Archive {
    /// The bucket of this name.
    #[must_use]
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }

    /// Keeps a report under this key, unless it is there. S3 checks that what arrives has the hash that was taken here.
    pub async fn keep(&self, key: &str, pdf: &Pdf) -> Result<Kept, ArchiveError> {
        self.put(key, pdf, Some("*")).await
    }

    /// Keeps a report under this key, also if it is there, so that its time begins anew.
    pub async fn renew(&self, key: &str, pdf: &Pdf) -> Result<Kept, ArchiveError> {
        self.put(key, pdf, None).await
    }

    async fn put(&self, key: &str, pdf: &Pdf, unless: Option<&str>) -> Result<Kept, ArchiveError> {
        let body = ByteStream::read_from().path(pdf.path()).build().await;
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(CONTENT_TYPE)
            .checksum_sha256(STANDARD.encode(pdf.sha256))
            .set_if_none_match(unless.map(str::to_owned))
            .body(body.map_err(ArchiveError::File)?);
        match put.send().await {
            Ok(_) => Ok(Kept::Now),
            Err(error) if error.code() == Some("PreconditionFailed") => Ok(Kept::Before),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: SdkError<PutObjectError>) -> ArchiveError {
    match error.code() {
        Some(code @ ("NoSuchBucket" | "AccessDenied" | "PermanentRedirect")) => {
            ArchiveError::Closed {
                code: code.to_owned(),
            }
        }
        _ => ArchiveError::Unavailable(Box::new(error)),
    }
}

/// Where a report of the attempt that this item is of is kept, by the SHA-256 of its bytes in hex.
#[must_use]
pub fn object_key(item: &ItemKey, sha256: &str) -> Option<String> {
    Some(format!("{}{sha256}.pdf", folder(item)?))
}

/// Where all reports of the attempt are kept that this item is of, and none of another: what their keys begin with.
#[must_use]
pub fn folder(item: &ItemKey) -> Option<String> {
    let (source, attempt) = item.encoded_attempt()?;
    // A path of dots alone would be another path to whoever shortens it.
    let attempt = if attempt.bytes().all(|byte| byte == b'.') {
        attempt.replace('.', "%2E")
    } else {
        attempt.to_owned()
    };
    Some(format!("{FOLDER}/{source}/{attempt}/"))
}

/// S3, as the worker uses it.
#[must_use]
pub fn s3(config: &aws_config::SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_timeout(WHOLE)
        .operation_attempt_timeout(TRY)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(2);
    let builder = builder(config)
        .timeout_config(timeouts)
        .retry_config(retries);
    Client::from_conf(builder.build())
}

/// The settings of any client of S3. An engine on one's own machine has no host for each bucket, and keeps what a checksum at the
/// end of a body is framed in.
#[must_use]
pub fn builder(config: &aws_config::SdkConfig) -> Builder {
    let builder = Builder::from(config);
    if config.endpoint_url().is_none() {
        return builder;
    }
    builder
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(attempt: &str) -> String {
        let item = ItemKey::of_attempt("imocha", attempt, "report#1");
        object_key(&item, "ab").unwrap()
    }

    #[test]
    fn an_object_is_named_after_its_attempt_and_its_bytes() {
        assert_eq!(object("3314697"), "reports/imocha/3314697/ab.pdf");
        assert_eq!(object("66.ab"), "reports/imocha/66.ab/ab.pdf");
    }

    #[test]
    fn no_attempts_id_leads_into_anothers_folder() {
        assert_eq!(object("../7"), "reports/imocha/..%2F7/ab.pdf");
        assert_eq!(object(".."), "reports/imocha/%2E%2E/ab.pdf");
        assert_eq!(object("."), "reports/imocha/%2E/ab.pdf");
        let odd = ["7", "7/", "../7", "..", ".", "7 ", "7%2F"];
        let keys: std::collections::BTreeSet<String> = odd.map(object).into();
        assert_eq!(keys.len(), odd.len());
        assert!(keys.iter().all(|key| key.matches('/').count() == 3));
        assert!(object(&"9".repeat(5000)).len() < 150);
    }

    #[test]
    fn what_is_of_no_attempt_has_no_reports() {
        let item = ItemKey {
            pk: "imocha#unplaced#2026-01-15#0".into(),
            sk: "event#1".into(),
        };
        assert_eq!(object_key(&item, "ab"), None);
    }
}
