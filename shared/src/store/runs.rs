//! Comparisons of what a vendor lists with what is stored: one item for each run, with the windows that are still to be looked
//! at, so that a run is as crash-safe as any work; and beside it the ids that it has asked for, for whoever waits for them.

use super::StoreError;
use super::due::Mark;
use super::item::{Item, json, number, text, time, word};
use super::table::{Attributes, TIME_TO_LIVE, Table, unavailable};
use super::update::Update;
use crate::key::{ItemKey, RUN_PREFIX};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a run is kept after its end.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// When a run that goes on is due: by then its message has long been handled.
const STEP_DUE: Duration = Duration::from_mins(5);
const ASKED_INFIX: &str = "#asked#";

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It goes on.
    Running,
    /// All windows were looked at.
    Done,
    /// The vendor's API cannot be asked, since its key is not set.
    Off,
    /// The vendor does not accept what it is asked.
    Failed,
}

/// A part of what a run is to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The vendor's word for what it is to list.
    pub state: String,
    /// From then on.
    pub from: Timestamp,
    /// Until then.
    pub to: Timestamp,
}

/// What a run has found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Attempts that the vendor listed.
    pub listed: u64,
    /// Of those, the ones that are stored as they are listed.
    pub known: u64,
    /// The finished ones that are not stored, or not as finished.
    pub missing: u64,
    /// Of the missing ones, those that this run has asked for; the others are asked for already, or were in vain.
    pub asked: u64,
    /// Cancelled ones that this run has stored.
    pub cancelled: u64,
    /// Expired ones that this run has stored.
    pub expired: u64,
}

impl Counts {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            listed: self.listed + other.listed,
            known: self.known + other.known,
            missing: self.missing + other.missing,
            asked: self.asked + other.asked,
            cancelled: self.cancelled + other.cancelled,
            expired: self.expired + other.expired,
        }
    }
}

/// A run, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it lies.
    pub key: ItemKey,
    /// What came of it.
    pub outcome: RunOutcome,
    /// When it was wanted.
    pub requested_at: Timestamp,
    /// What is still to be looked at; the last comes first.
    pub left: Vec<Window>,
    /// How many steps it has made. Each is made on condition of it.
    pub step: u64,
    /// What it has found and done.
    pub counts: Counts,
    /// Why it failed.
    pub problem: Option<String>,
}

impl Run {
    /// The key of a vendor's run.
    #[must_use]
    pub fn key(vendor: &str, id: &str) -> ItemKey {
        ItemKey::of_vendor(vendor, &format!("{RUN_PREFIX}{id}"))
    }

    /// What it is called among the runs of its vendor.
    #[must_use]
    pub fn id(&self) -> &str {
        self.key.sk.trim_start_matches(RUN_PREFIX)
    }

    fn read(attributes: &Attributes) -> Result<Self, StoreError> {
        let item = Item(attributes);
        Ok(Self {
            key: item.key()?,
            outcome: item.word("outcome")?,
            requested_at: item.time("requested_at")?,
            left: item.json("windows")?,
            step: item.count("step")?,
            counts: item.json("counts")?,
            problem: item.optional_text("problem").map(str::to_owned),
        })
    }

    /// An update that only one of several workers at the same step carries out.
    fn still_at_this_step(&self) -> Update {
        Update::of_existing(&self.key)
            .only_if("attribute_exists(due_shard)")
            .only_if_is("step", number(self.step))
            .set("step", number(self.step + 1))
    }
}

impl Table {
    /// Notes a run as work to do. `false` if there is one with this key.
    pub async fn create_run(
        &self,
        key: &ItemKey,
        windows: &[Window],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = Update::of(key)
            .only_if("attribute_not_exists(pk)")
            .set("outcome", word(&RunOutcome::Running))
            .set("requested_at", time(now))
            .set("windows", json(&windows))
            .set("step", number(0))
            .set("counts", json(&Counts::default()));
        let update = Mark::first(key.shard(), now).set_on(update);
        Ok(self.update(update).await?.is_some())
    }

    /// The run at `key`.
    pub async fn run(&self, key: &ItemKey) -> Result<Option<Run>, StoreError> {
        self.get(key).await?.as_ref().map(Run::read).transpose()
    }

    /// Notes that a step is made: what is left, and what was found until now. `false` if another worker made it.
    pub async fn advance_run(
        &self,
        run: &Run,
        left: &[Window],
        counts: Counts,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = run
            .still_at_this_step()
            .set("windows", json(&left))
            .set("counts", json(&counts));
        let update = Mark::at(run.key.shard(), now.plus(STEP_DUE)).set_anew_on(update);
        Ok(self.update(update).await?.is_some())
    }

    /// Notes that a run is over, and forgets it after a week. `false` if another worker made this step.
    pub async fn end_run(
        &self,
        run: &Run,
        outcome: RunOutcome,
        problem: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = Mark::clear_on(run.still_at_this_step())
            .set("outcome", word(&outcome))
            .set("ended_at", time(now))
            .set("windows", json(&[(); 0]))
            .set_or_remove("problem", problem.map(text))
            .set(TIME_TO_LIVE, number(now.plus(KEPT).unix_seconds()));
        Ok(self.update(update).await?.is_some())
    }

    /// Notes which ids a step of a run has asked for, before the step is: made once more, it says the same.
    pub async fn note_asked_by_run(
        &self,
        run: &Run,
        ids: &BTreeSet<i64>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = ItemKey {
            pk: run.key.pk.clone(),
            sk: format!("{}{ASKED_INFIX}{}", run.key.sk, run.step),
        };
        let update = Update::of(&key)
            .set("ids", json(ids))
            .set(TIME_TO_LIVE, number(now.plus(KEPT).unix_seconds()));
        self.update(update).await?;
        Ok(())
    }

    /// The ids that a run has asked for.
    pub async fn asked_by_run(&self, run: &ItemKey) -> Result<BTreeSet<i64>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :asked)")
            .expression_attribute_values(":pk", text(&run.pk))
            .expression_attribute_values(":asked", text(format!("{}{ASKED_INFIX}", run.sk)));
        let mut ids = BTreeSet::new();
        let mut items = query.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| unavailable("Query", error))?;
            ids.extend(Item(&item).json::<BTreeSet<i64>>("ids")?);
        }
        Ok(ids)
    }
}
