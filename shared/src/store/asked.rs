//! What a vendor was asked to send again, one item for each attempt, and what came of it.

use super::StoreError;
use super::due::Mark;
use super::item::{Item, number, time, word};
use super::table::{Attributes, Table};
use super::update::Update;
use crate::key::{ASKED, ItemKey};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedOutcome {
    /// An operator wants it asked for; the vendor was not called yet.
    Requested,
    /// The vendor has promised to send it, and has not yet.
    Open,
    /// The vendor says that it failed, or says nothing of it: it is asked for again.
    Failed,
    /// The vendor says that it is none of ours. Final.
    Foreign,
    /// An event of the attempt was received after it was asked for. Final.
    Answered,
}

/// What a vendor was asked to send again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What came of it.
    pub outcome: AskedOutcome,
    /// When an operator wanted it.
    pub requested_at: Timestamp,
    /// When the vendor was last asked.
    pub asked_at: Option<Timestamp>,
    /// How often the vendor was asked.
    pub times: u64,
    /// When the answer came.
    pub answered_at: Option<Timestamp>,
}

impl Asked {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        Ok(Self {
            outcome: item.word("outcome")?,
            requested_at: item.time("requested_at")?,
            asked_at: item.optional_time("asked_at"),
            times: item
                .optional_number("times")
                .and_then(|it| u64::try_from(it).ok())
                .unwrap_or(0),
            answered_at: item.optional_time("answered_at"),
        })
    }

    /// Whether an event that was received at `received` answers it.
    #[must_use]
    pub fn is_answered_by(&self, received: Timestamp) -> bool {
        let waiting = matches!(
            self.outcome,
            AskedOutcome::Open | AskedOutcome::Failed | AskedOutcome::Requested
        );
        // What comes by itself, before the vendor could be asked, need not be asked for any more.
        waiting && received > self.asked_at.unwrap_or(self.requested_at)
    }
}

impl Table {
    /// Notes that an attempt is to be asked for: the work is there before any message is.
    pub async fn request_again(
        &self,
        source: &str,
        attempt: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of(&key)
            .set("outcome", word(&AskedOutcome::Requested))
            .set("requested_at", time(now))
            .set_once("times", number(0))
            .remove("asked_at")
            .remove("answered_at");
        self.update(Mark::first(key.shard(), now).set_on(update))
            .await?;
        Ok(())
    }

    /// What is known of asking for the attempt.
    pub async fn asked(&self, source: &str, attempt: &str) -> Result<Option<Asked>, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        self.get(&key).await?.as_ref().map(Asked::read).transpose()
    }

    /// Notes that what the vendor refused together with others is to be asked for by itself, at once.
    pub async fn ask_anew(
        &self,
        source: &str,
        attempt: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .set("outcome", word(&AskedOutcome::Requested))
            .remove("asked_at");
        self.update(Mark::first(key.shard(), now).postpone_on(update))
            .await?;
        Ok(())
    }

    /// Notes that the vendor is about to be asked. `false` if there is nothing to ask: the attempt is answered, foreign or
    /// not wanted, was asked for less than `at_most_every` ago, or was promised less than `answer_takes` ago.
    pub async fn begin_asking(
        &self,
        source: &str,
        attempt: &str,
        now: Timestamp,
        at_most_every: Duration,
        answer_takes: Duration,
    ) -> Result<bool, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if("(attribute_not_exists(asked_at) OR asked_at <= :latest)")
            .value(":latest", time(now.minus(at_most_every)))
            .only_if("(outcome <> :open OR asked_at <= :promised)")
            .value(":open", word(&AskedOutcome::Open))
            .value(":promised", time(now.minus(answer_takes)))
            .set("asked_at", time(now))
            .add_one("times");
        Ok(self.update(update).await?.is_some())
    }

    /// Notes what the vendor said, unless the answer came in the meantime. `due_at` is when it is looked at again, `None`
    /// never.
    pub async fn note_asked(
        &self,
        source: &str,
        attempt: &str,
        outcome: AskedOutcome,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .set("outcome", word(&outcome));
        let update = match due_at {
            Some(due_at) => Mark::at(key.shard(), due_at).postpone_on(update),
            None => Mark::clear_on(update),
        };
        self.update(update).await?;
        Ok(())
    }

    /// Notes the answer, and removes the mark.
    pub async fn settle_asked(
        &self,
        source: &str,
        attempt: &str,
        asked: &Asked,
        answered_at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Mark::clear_on(Update::of_existing(&key))
            // Asked for again in the meantime: then this is not the answer to that.
            .only_if_is("requested_at", time(asked.requested_at))
            .set("outcome", word(&AskedOutcome::Answered))
            .set("answered_at", time(answered_at));
        self.update(update).await?;
        Ok(())
    }
}
