//! The reports of an attempt in the bucket: every version of every object, and what stands for one that was deleted.

use crate::deployment::Deployment;
use anyhow::Context;
use aws_sdk_s3::Client;
use shared::key::ItemKey;
use worker::archive;

/// The bucket.
pub struct Objects<'a> {
    client: &'a Client,
    bucket: &'a str,
}

/// A version of an object.
struct Version {
    key: String,
    id: String,
}

impl<'a> Objects<'a> {
    /// Those of a deployment.
    pub fn of(deployment: &'a Deployment) -> anyhow::Result<Self> {
        Ok(Self {
            client: &deployment.s3,
            bucket: deployment.output("BucketName")?,
        })
    }

    /// How many versions there are of an attempt's reports.
    pub async fn count(&self, pk: &str) -> anyhow::Result<usize> {
        let Some(folder) = folder(pk) else {
            return Ok(0);
        };
        let (mut count, mut after) = (0, None);
        loop {
            let (versions, next) = self.versions(&folder, after.clone()).await?;
            count += versions.len();
            // A page that leads to itself would be counted for ever.
            if next.is_none() || next == after {
                return Ok(count);
            }
            after = next;
        }
    }

    /// Deletes them, each for ever. Tells how many there were.
    pub async fn erase(&self, pk: &str) -> anyhow::Result<usize> {
        let Some(folder) = folder(pk) else {
            return Ok(0);
        };
        let mut erased = 0;
        loop {
            // From the start each time: what was listed is gone.
            let (versions, _) = self.versions(&folder, None).await?;
            if versions.is_empty() {
                return Ok(erased);
            }
            for version in versions {
                self.delete(&version).await?;
                erased += 1;
            }
        }
    }

    async fn delete(&self, version: &Version) -> anyhow::Result<()> {
        let delete = self.client.delete_object().bucket(self.bucket);
        let delete = delete.key(&version.key).version_id(&version.id);
        delete.send().await.with_context(|| {
            format!("a version of {} cannot be deleted: s3:DeleteObject and s3:DeleteObjectVersion are needed", version.key)
        })?;
        Ok(())
    }

    /// A page of them, and where the next one begins.
    async fn versions(
        &self,
        folder: &str,
        after: Option<(String, String)>,
    ) -> anyhow::Result<(Vec<Version>, Option<(String, String)>)> {
        let (key_marker, id_marker) = after.unzip();
        let list = self.client.list_object_versions().bucket(self.bucket);
        let list = list
            .prefix(folder)
            .set_key_marker(key_marker)
            .set_version_id_marker(id_marker);
        let page = list.send().await.context(
            "the versions of the reports cannot be listed: s3:ListBucketVersions is needed",
        )?;
        let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
        let markers = page.delete_markers().iter();
        let markers = markers.map(|it| (it.key(), it.version_id()));
        let found = versions.chain(markers).filter_map(|(key, id)| {
            Some(Version {
                key: key?.to_owned(),
                id: id?.to_owned(),
            })
        });
        let next = page.next_key_marker().zip(page.next_version_id_marker());
        let next = next.filter(|_| page.is_truncated() == Some(true));
        let next = next.map(|(key, id)| (key.to_owned(), id.to_owned()));
        Ok((found.collect(), next))
    }
}

fn folder(pk: &str) -> Option<String> {
    archive::folder(&ItemKey::state_in(pk))
}
