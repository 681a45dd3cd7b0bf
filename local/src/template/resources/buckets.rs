//! Buckets.

use super::super::TemplateError;
use super::super::document::Resource;
use super::super::intrinsics::Resolver;
use super::super::read::Properties;
use super::name;

/// A bucket, as far as it is one on this machine: no policies, no encryption, no lifecycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
    /// Whether it keeps what is written over.
    pub versioned: bool,
}

pub(super) fn bucket(
    id: &str,
    resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<BucketResource, TemplateError> {
    let properties = Properties::new(id, &resource.properties, resolver);
    let versioning = properties
        .value("VersioningConfiguration")?
        .unwrap_or_default();
    let status = properties.within(&versioning).text("Status")?;
    Ok(BucketResource {
        logical_id: id.to_owned(),
        name: name(id, resolver)?,
        versioned: status.as_deref() == Some("Enabled"),
    })
}
