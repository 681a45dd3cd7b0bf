//! The bucket of the reports, as an operator reads it.

use crate::deployment::Deployment;
use anyhow::{Context, bail};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use shared::store::KeptReport;
use std::error::Error;
use std::time::Duration;

/// The bucket.
pub struct Bucket<'a> {
    client: &'a Client,
    name: &'a str,
}

impl<'a> Bucket<'a> {
    /// That of a deployment.
    pub fn of(deployment: &'a Deployment) -> anyhow::Result<Self> {
        Ok(Self {
            client: &deployment.s3,
            name: deployment.output("BucketName")?,
        })
    }

    /// The bytes of a report, if they are those that were fetched.
    pub async fn read(&self, report: &KeptReport) -> anyhow::Result<Bytes> {
        let get = self.client.get_object().bucket(self.name);
        let answer = get.key(&report.s3_key).send().await;
        let answer = answer.map_err(|error| gone(error, report))?;
        let bytes = answer.body.collect().await;
        let bytes = bytes.context("the report could not be read to its end: try again")?;
        let bytes = bytes.into_bytes();
        if hex::encode(Sha256::digest(&bytes)) != report.sha256 {
            bail!(
                "{} does not have the SHA-256 of what was fetched: look at its versions in the bucket {}",
                report.s3_key,
                self.name
            );
        }
        Ok(bytes)
    }

    /// An address by which anybody can read a report that is there, for so long.
    pub async fn link(&self, report: &KeptReport, expires: Duration) -> anyhow::Result<String> {
        // A signature says nothing of whether there is something to be read.
        let head = self.client.head_object().bucket(self.name);
        let there = head.key(&report.s3_key).send().await;
        there.map_err(|error| gone(error, report))?;
        let get = self.client.get_object().bucket(self.name);
        let config = PresigningConfig::expires_in(expires)?;
        let signed = get.key(&report.s3_key).presigned(config).await?;
        Ok(signed.uri().to_owned())
    }
}

/// S3 says it with or without a code, since a HEAD has no body.
fn gone<E>(error: SdkError<E>, report: &KeptReport) -> anyhow::Error
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|it| it.status().as_u16());
    let no_bucket = error.code() == Some("NoSuchBucket");
    let text = match status {
        Some(404) if !no_bucket => {
            format!(
                "{} is not in the bucket any more: it has expired, or was deleted",
                report.s3_key
            )
        }
        Some(403) => "the credentials do not allow to read the bucket of the reports".to_owned(),
        _ => "the bucket of the reports cannot be read".to_owned(),
    };
    anyhow::Error::new(error).context(text)
}
