//! Changes of attempts' states, as work: each is to be published.
//!
//! The very write that changes a state marks it, so that no crash loses a change; the mark goes when the version that the state
//! has is the one that was published. A marked state never expires: how long it is kept is said when the mark goes.

use super::due::Mark;
use super::item::{expiry, number, time};
use super::table::{TIME_TO_LIVE, Table};
use super::update::Update;
use super::{StoreError, StoredState};
use crate::key::ItemKey;
use crate::timestamp::Timestamp;
use std::time::Duration;

/// Marks the state at `key` as changed by this update.
pub(super) fn mark_changed(update: Update, key: &ItemKey, now: Timestamp) -> Update {
    Mark::first(key.shard(), now)
        .set_on(update)
        .set("changed_at", time(now))
        .remove(TIME_TO_LIVE)
}

/// What changes an attempt besides its events, such as a report that is stored by now: another version of the state at `key`, to
/// be published. It counts as a fold, so that one that has read the state and not yet written is overtaken.
pub(super) fn change(key: &ItemKey, now: Timestamp) -> Update {
    let update = Update::of_existing(key).add_one("version").add_one("folds");
    mark_changed(update, key, now)
}

impl Table {
    /// The state at `key`.
    pub async fn state(&self, key: &ItemKey) -> Result<Option<StoredState>, StoreError> {
        let attributes = self.get(key).await?;
        attributes.as_ref().map(StoredState::read).transpose()
    }

    /// Has an attempt published anew because of something that no event says. `false` if there is no state at `key`, or it is
    /// being written just now.
    pub async fn announce_change(&self, key: &ItemKey, now: Timestamp) -> Result<bool, StoreError> {
        self.update_unless_overtaken(change(key, now)).await
    }

    /// Notes that a state is published as it was read, and removes its mark. `keep_for` is how long it is kept; `None` is for
    /// ever. `false` if it has changed since: then it stays marked.
    pub async fn settle_published(
        &self,
        state: &StoredState,
        now: Timestamp,
        keep_for: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let update = Mark::clear_on(Update::of_existing(&state.key()))
            .only_if_is("version", number(state.version))
            .set("published", number(state.version))
            .set_or_remove(TIME_TO_LIVE, expiry(now, keep_for));
        // A state that was erased and came again counts from 1 again.
        let update = match state.changed_at {
            Some(changed_at) => update.only_if_is("changed_at", time(changed_at)),
            None => update,
        };
        self.update_unless_overtaken(update).await
    }
}
