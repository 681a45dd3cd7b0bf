//! One attempt that a vendor is known to have, one item for each vendor: with it, a key that is refused is told from ids that
//! are, without looking for it among all that is stored.

use super::StoreError;
use super::item::{Item, text, time};
use super::table::Table;
use super::update::Update;
use crate::key::{ItemKey, KNOWN};
use crate::timestamp::Timestamp;
use std::time::Duration;

impl Table {
    /// Notes that the vendor has this attempt, unless that of another was noted less than `at_most_every` ago.
    pub async fn note_known(
        &self,
        vendor: &str,
        attempt: &str,
        now: Timestamp,
        at_most_every: Duration,
    ) -> Result<(), StoreError> {
        let update = Update::of(&ItemKey::of_vendor(vendor, KNOWN))
            .only_if("(attribute_not_exists(pk) OR known_at <= :latest)")
            .value(":latest", time(now.minus(at_most_every)))
            .set("attempt", text(attempt))
            .set("known_at", time(now));
        self.update(update).await?;
        Ok(())
    }

    /// An attempt that the vendor has, if one is known.
    pub async fn known(&self, vendor: &str) -> Result<Option<String>, StoreError> {
        let item = self.get(&ItemKey::of_vendor(vendor, KNOWN)).await?;
        let attempt = item
            .as_ref()
            .and_then(|item| Item(item).optional_text("attempt"));
        Ok(attempt.map(str::to_owned))
    }

    /// Notes that the vendor does not have this attempt after all: the next that it has takes its place.
    pub async fn forget_known(&self, vendor: &str, attempt: &str) -> Result<(), StoreError> {
        let update = Update::of_existing(&ItemKey::of_vendor(vendor, KNOWN))
            .only_if_is("attempt", text(attempt))
            .remove("attempt")
            .set("known_at", time(Timestamp::EPOCH));
        self.update(update).await?;
        Ok(())
    }
}
