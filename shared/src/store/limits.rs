//! What all workers know of a vendor's limits: one item for each vendor, changed by one conditional update at a time.
//!
//! Whoever changes it writes what follows from the state that it knows, on condition that this is still the one that is
//! stored. Either way the answer brings what is stored now, so that nothing is ever read.

use super::StoreError;
use super::item::{Item, count, json};
use super::table::{Attributes, Table, unavailable};
use super::update::Update;
use crate::key::{ItemKey, LIMITS};
use crate::limits::State;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;

const VERSION: &str = "version";
const STATE: &str = "state";

/// A state, and how often it was changed before. The default is that of a vendor of which nothing is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredLimits {
    version: usize,
    state: State,
}

impl StoredLimits {
    /// What is known.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A state that this code cannot read, since another version of it wrote it, is begun anew: it is worth no vendor's calls.
    fn read(attributes: &Attributes) -> Self {
        let item = Item(attributes);
        let version = item.count(VERSION).ok();
        Self {
            version: version.and_then(|it| it.try_into().ok()).unwrap_or(0),
            state: item.json(STATE).unwrap_or_default(),
        }
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitsWrite {
    /// It is stored, and this is what is known now.
    Written(StoredLimits),
    /// Somebody else was faster, and this is what is known now. Nothing was written.
    Overtaken(StoredLimits),
}

impl Table {
    /// Replaces what is known of a vendor by `state`, if `known` is what is stored: one call, whatever comes of it.
    pub async fn put_limits(
        &self,
        vendor: &str,
        known: &StoredLimits,
        state: State,
    ) -> Result<LimitsWrite, StoreError> {
        let version = known.version + 1;
        let update = Update::of(&ItemKey::of_vendor(vendor, LIMITS))
            .set(VERSION, count(version))
            .set(STATE, json(&state));
        let update = if known.version == 0 {
            update.only_if("attribute_not_exists(pk)")
        } else {
            update.only_if_is(VERSION, count(known.version))
        };
        let request = update
            .request(&self.client, &self.name)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(LimitsWrite::Written(StoredLimits { version, state })),
            Err(error) => match overtaken_by(&error) {
                Some(stored) => Ok(LimitsWrite::Overtaken(stored)),
                None => Err(unavailable("UpdateItem", error)),
            },
        }
    }
}

/// What is stored instead of what was thought, if that is why an update failed. Nothing, if somebody took it away.
fn overtaken_by(error: &SdkError<UpdateItemError>) -> Option<StoredLimits> {
    let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error()
    else {
        return None;
    };
    Some(failed.item().map(StoredLimits::read).unwrap_or_default())
}
