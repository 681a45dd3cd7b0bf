//! What a vendor was asked to send again, one item for each attempt, and what came of it.

use super::StoreError;
use super::confirmations::Confirmation;
use super::due::{Later, Mark};
use super::item::{Item, expiry, number, text, time, word};
use super::table::{Attributes, TIME_TO_LIVE, Table};
use super::update::Update;
use crate::key::{ASKED, ItemKey};
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::types::ReturnValue;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedOutcome {
    /// It is wanted; the vendor was not called yet.
    Requested,
    /// The vendor has promised to send it, and has not yet.
    Open,
    /// The vendor says that it failed, says nothing of it, or could not be asked: it is asked for again.
    Failed,
    /// The vendor says that it is none of ours. Final.
    Foreign,
    /// What ends the attempt was received after it was wanted, or any event of it once the vendor had promised one. Final.
    Answered,
    /// The vendor was asked as often as it may be, and nothing came. Final, until it is requested again or comes after all.
    Unanswered,
}

impl AskedOutcome {
    /// The word, as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Open => "open",
            Self::Failed => "failed",
            Self::Foreign => "foreign",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
        }
    }

    /// Whether it is still asked for.
    #[must_use]
    pub const fn waits(self) -> bool {
        match self {
            Self::Requested | Self::Open | Self::Failed => true,
            Self::Foreign | Self::Answered | Self::Unanswered => false,
        }
    }
}

/// What a vendor was asked to send again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// What came of it.
    pub outcome: AskedOutcome,
    /// When it was wanted.
    pub requested_at: Timestamp,
    /// The run that found it missing, if it was not an operator who wanted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// When the vendor was last asked.
    pub asked_at: Option<Timestamp>,
    /// How often the vendor was asked since it was wanted.
    pub times: u64,
    /// When the answer came.
    pub answered_at: Option<Timestamp>,
    /// How long after the vendor was last asked it came, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
}

/// How often a vendor is asked for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Not more often than this, whatever came of it: a message that came twice makes one call.
    pub at_most_every: Duration,
    /// What was promised is not asked for again before.
    pub answer_takes: Duration,
    /// Not more often than this in all.
    pub times: u64,
}

impl Asked {
    pub(super) fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        let (asked_at, answered_at) = (
            item.optional_time("asked_at"),
            item.optional_time("answered_at"),
        );
        Ok(Self {
            outcome: item.word("outcome")?,
            requested_at: item.time("requested_at")?,
            requested_by: item.optional_text("requested_by").map(str::to_owned),
            asked_at,
            times: item
                .optional_number("times")
                .and_then(|it| u64::try_from(it).ok())
                .unwrap_or(0),
            answered_at,
            latency_ms: latency_ms(asked_at, answered_at),
        })
    }

    /// With its answer, which came then.
    #[must_use]
    pub fn answered(self, answered_at: Timestamp) -> Self {
        Self {
            outcome: AskedOutcome::Answered,
            answered_at: Some(answered_at),
            latency_ms: latency_ms(self.asked_at, Some(answered_at)),
            ..self
        }
    }

    /// Whether an event that was received at `received` answers it; `ends` says whether it tells how the attempt ended. What comes after it
    /// was given up does, too.
    #[must_use]
    pub fn is_answered_by(&self, received: Timestamp, ends: bool) -> bool {
        // An end that comes by itself, before the vendor could be asked, need not be asked for any more. Anything less, such as a late
        // call of the attempt's beginning, is no answer as long as the vendor has not promised one.
        let enough = match self.outcome {
            AskedOutcome::Requested | AskedOutcome::Failed => ends,
            AskedOutcome::Open | AskedOutcome::Unanswered => true,
            AskedOutcome::Answered | AskedOutcome::Foreign => false,
        };
        enough && received > self.asked_at.unwrap_or(self.requested_at)
    }
}

fn latency_ms(asked_at: Option<Timestamp>, answered_at: Option<Timestamp>) -> Option<u64> {
    let (asked_at, answered_at) = asked_at.zip(answered_at)?;
    u64::try_from(answered_at.unix_ms() - asked_at.unix_ms()).ok()
}

/// Makes an attempt wanted anew.
fn request(key: &ItemKey, now: Timestamp) -> Update {
    Update::of(key)
        .set("outcome", word(&AskedOutcome::Requested))
        .set("requested_at", time(now))
        .set("times", number(0))
        .remove("asked_at")
        .remove("answered_at")
        // What has work to do does not expire.
        .remove(TIME_TO_LIVE)
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
        let update = request(&key, now).remove("requested_by");
        self.update(Mark::first(key.shard(), now).set_on(update))
            .await?;
        Ok(())
    }

    /// Notes that the run `by` found an attempt to be missing, due at `due_at`. `false` if it is asked for already, or is known
    /// to be foreign or unanswered: only an operator has those asked for again.
    pub async fn request_missing(
        &self,
        source: &str,
        attempt: &str,
        by: &str,
        now: Timestamp,
        due_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = request(&key, now)
            .set("requested_by", text(by))
            .only_if("(attribute_not_exists(pk) OR outcome = :answered)")
            .value(":answered", word(&AskedOutcome::Answered));
        let update = Mark::at(key.shard(), due_at).set_on(update);
        Ok(self.update(update).await?.is_some())
    }

    /// What is known of asking for the attempt.
    pub async fn asked(&self, source: &str, attempt: &str) -> Result<Option<Asked>, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        self.get(&key).await?.as_ref().map(Asked::read).transpose()
    }

    /// Notes that the vendor is about to be asked, and tells for which time. `None` if there is nothing to ask: the attempt
    /// is not waited for, or the vendor's patience forbids it.
    pub async fn begin_asking(
        &self,
        source: &str,
        attempt: &str,
        now: Timestamp,
        patience: Patience,
    ) -> Result<Option<u64>, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if("(outcome = :requested OR outcome = :failed OR outcome = :open)")
            .value(":requested", word(&AskedOutcome::Requested))
            .value(":failed", word(&AskedOutcome::Failed))
            .only_if("(attribute_not_exists(asked_at) OR asked_at <= :latest)")
            .value(":latest", time(now.minus(patience.at_most_every)))
            .only_if("(outcome <> :open OR asked_at <= :promised)")
            .value(":open", word(&AskedOutcome::Open))
            .value(":promised", time(now.minus(patience.answer_takes)))
            .only_if_below("times", number(patience.times))
            .set("asked_at", time(now))
            .add_one("times")
            .returning(ReturnValue::UpdatedNew);
        let begun = self.update(update).await?;
        let times = begun.map(|attributes| Item(&attributes).count("times"));
        Ok(times.transpose()?)
    }

    /// Gives up what was asked for as often as it may be, and is not answered by now: it is listed, and asked for no more. Its
    /// result is to be read from the vendor's API instead. `keep_for` is how long it is kept. `false` if it is not to be given
    /// up.
    pub async fn give_up_asking(
        &self,
        source: &str,
        attempt: &str,
        now: Timestamp,
        patience: Patience,
        keep_for: Option<Duration>,
    ) -> Result<bool, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if("(outcome = :open OR outcome = :failed)")
            .value(":open", word(&AskedOutcome::Open))
            .value(":failed", word(&AskedOutcome::Failed))
            .only_if("asked_at <= :promised")
            .value(":promised", time(now.minus(patience.answer_takes)))
            .only_if_not_below("times", number(patience.times))
            .set("outcome", word(&AskedOutcome::Unanswered))
            .set_or_remove(TIME_TO_LIVE, expiry(now, keep_for));
        let update = Mark::at(key.shard(), now).unanswered_on(update);
        let read = Confirmation::request(&key.pk, now);
        self.update_together([update, read]).await
    }

    /// Notes that what the vendor refused together with others counts as not asked. It is due at `due_at`, if no message
    /// comes before.
    pub async fn ask_anew(
        &self,
        source: &str,
        attempt: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if("attribute_exists(asked_at)")
            .set("outcome", word(&AskedOutcome::Requested))
            .take_one("times")
            .remove("asked_at");
        self.update(Mark::at(key.shard(), due_at).postpone_on(update, Later::Failed))
            .await?;
        Ok(())
    }

    /// Notes that the vendor could not be asked after all, which counts as no time.
    pub async fn note_not_asked(
        &self,
        source: &str,
        attempt: &str,
        due_at: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Update::of_existing(&key)
            .only_if("attribute_exists(due_shard)")
            .only_if_not_below("times", number(1))
            .set("outcome", word(&AskedOutcome::Failed))
            .take_one("times");
        self.update(Mark::at(key.shard(), due_at).postpone_on(update, Later::Failed))
            .await?;
        Ok(())
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
            .only_if("outcome <> :unanswered")
            .value(":unanswered", word(&AskedOutcome::Unanswered))
            .set("outcome", word(&outcome));
        let update = match due_at {
            Some(due_at) => Mark::at(key.shard(), due_at).postpone_on(update, Later::NotYet),
            None => Mark::clear_on(update),
        };
        self.update(update).await?;
        Ok(())
    }

    /// Notes that `asked` is [`Asked::answered`], and removes the mark. `false` if it was asked for anew in the meantime: then this
    /// is not the answer to that.
    pub async fn settle_asked(
        &self,
        source: &str,
        attempt: &str,
        asked: &Asked,
    ) -> Result<bool, StoreError> {
        let key = ItemKey::of_attempt(source, attempt, ASKED);
        let update = Mark::clear_on(Update::of_existing(&key))
            .only_if_is("requested_at", time(asked.requested_at))
            // Another fold of the same event may have noted it.
            .only_if("outcome <> :answered")
            .value(":answered", word(&AskedOutcome::Answered))
            .set("outcome", word(&asked.outcome))
            .set_or_remove("answered_at", asked.answered_at.map(time));
        Ok(self.update(update).await?.is_some())
    }
}
