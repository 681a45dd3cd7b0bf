//! Why the work of an item was not done the last time that it was tried, beside its mark: for whoever finds the item parked, or its
//! message among the dead letters.

use super::StoreError;
use super::item::{Item, text, time};
use super::table::Table;
use super::update::Update;
use crate::key::ItemKey;
use crate::timestamp::Timestamp;

/// The attributes. Both go with the mark.
pub(super) const TROUBLE: [&str; 2] = ["trouble", "trouble_at"];
/// Longer than any error's text: an item has no room for more than it needs.
const LONGEST: usize = 500;

/// Why an item's work was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The error, with its causes. Nothing in it comes from a vendor or a candidate.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

impl Table {
    /// Notes why the work of an item was not done. Nothing happens if it is done by now.
    pub async fn note_trouble(&self, key: &ItemKey, trouble: &Trouble) -> Result<(), StoreError> {
        let said: String = trouble.text.chars().take(LONGEST).collect();
        let [what, when] = TROUBLE;
        let update = Update::of_existing(key)
            .only_if("attribute_exists(due_shard)")
            .set(what, text(said))
            .set(when, time(trouble.at));
        self.update(update).await?;
        Ok(())
    }

    /// Whether there is an item at all.
    pub async fn is_there(&self, key: &ItemKey) -> Result<bool, StoreError> {
        Ok(self.get(key).await?.is_some())
    }

    /// Why an item's work was not done, if it was tried in vain; `None` too if there is no such item.
    pub async fn trouble(&self, key: &ItemKey) -> Result<Option<Trouble>, StoreError> {
        let item = self.get(key).await?;
        let [what, when] = TROUBLE;
        let trouble = item.as_ref().and_then(|attributes| {
            let item = Item(attributes);
            let text = item.optional_text(what)?.to_owned();
            let at = item.optional_time(when)?;
            Some(Trouble { text, at })
        });
        Ok(trouble)
    }
}
