//! Event buses.

use super::super::TemplateError;
use super::super::document::Resource;
use super::super::intrinsics::Resolver;
use super::name;

/// An event bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusResource {
    /// The id in the template.
    pub logical_id: String,
    /// The local name.
    pub name: String,
}

pub(super) fn bus(
    id: &str,
    _resource: &Resource,
    resolver: &Resolver<'_>,
) -> Result<BusResource, TemplateError> {
    Ok(BusResource {
        logical_id: id.to_owned(),
        name: name(id, resolver)?,
    })
}
