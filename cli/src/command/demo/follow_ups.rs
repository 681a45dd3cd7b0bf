//! What goes wrong at vendors, and what is done about it: callbacks that never came, ids that are not ours, promises that are
//! not kept, results that the API tells otherwise.

use super::plan::{Ids, Plan};
use super::results::Results;
use super::stage::Stage;
use crate::command::reprocess::how_many;
use crate::command::{reconcile, reprocess};
use crate::view::AttemptView;
use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::json;
use shared::event::Status;
use shared::key::{ASKED, CONFIRMATION, ItemKey};
use shared::store::{Asked, AskedOutcome, ConfirmationOutcome, Difference, EventSummary, Origin};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use worker::ask_imocha::{SOURCE, answer_due};

/// When iMocha lists all that it lists, and between which times it is compared.
const LISTED_AT: &str = "2026-01-15T10:00:00Z";
const FROM: &str = "2026-01-15";
const TO: &str = "2026-01-16";
/// Longer than iMocha is ever waited for.
const A_LONG_TIME: Duration = Duration::from_hours(5);
/// A result that was asked for in vain is read after a minute.
const A_WHILE: Duration = Duration::from_mins(2);
const TIMEOUT_SECONDS: u32 = 180;
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// For as long as [`TIMEOUT_SECONDS`].
const LOOKS: u32 = 1800;
/// More than there is work at a time.
const MOST_OF_A_SHARD: i32 = 1000;
const AT_ONCE: usize = 8;

/// What came of comparing with what iMocha lists.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    pub listed: usize,
    pub known: usize,
    pub missing: usize,
    pub asked: usize,
    pub answered: usize,
    /// Those that are stored as such.
    pub cancelled: usize,
    pub expired: usize,
}

/// What came of asking for ids that are not ours.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ForeignIds {
    pub ids_asked: usize,
    pub calls: usize,
    pub answered: usize,
    pub foreign: usize,
}

/// What came of asking for what is never sent.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct InVain {
    pub unanswered: usize,
    pub calls: usize,
    /// Those that are known from the API in the end.
    pub results_read: usize,
}

/// What iMocha's API says of the attempts that are finished.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Confirmed {
    pub confirmed: usize,
    /// Those that it tells otherwise, and that stand as it tells them.
    pub contradicted: usize,
}

/// What came of having Xobin call us.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Registered {
    pub webhooks: usize,
    /// Between what is registered and what is deployed.
    pub differences: usize,
    /// Calls of Xobin's to what was registered.
    pub calls: usize,
    pub accepted: usize,
}

/// Has iMocha's stand-in know what the plan says.
pub fn prepare(stage: &Stage, root: &Path, plan: &Plan) -> anyhow::Result<()> {
    for ids in [&plan.missed, &plan.silent] {
        Results::of(root, &stage.links, ids.clone())?.remember(stage);
    }
    let lists = [
        (&plan.known, "completed"),
        (&plan.missed, "completed"),
        (&plan.cancelled, "cancelled"),
        (&plan.expired, "expired"),
    ];
    for (ids, state) in lists {
        for id in ids.clone() {
            stage.imocha.invite(id, state, LISTED_AT);
        }
    }
    for id in plan.silent.clone() {
        stage.imocha.keep_silent(id);
    }
    for id in plan.contradicted.clone() {
        stage.imocha.report(id, "status", json!("Terminated"));
    }
    Ok(())
}

/// Compares what iMocha lists with what is stored. What is stored of it is counted later: see [`stored`].
pub async fn reconcile(stage: &Stage) -> anyhow::Result<Reconciled> {
    let deployment = &stage.deployment;
    let (from, to) = (
        reconcile::time("--from", FROM)?,
        reconcile::time("--to", TO)?,
    );
    let run = reconcile::compare(deployment, from, to, TIMEOUT_SECONDS).await?;
    let ids = deployment.table.asked_by_run(&run.key).await?;
    let outcomes = wait(stage, &ids).await?;
    Ok(Reconciled {
        listed: usize::try_from(run.counts.listed)?,
        known: usize::try_from(run.counts.known)?,
        missing: usize::try_from(run.counts.missing)?,
        asked: usize::try_from(run.counts.asked)?,
        answered: how_many(&outcomes, AskedOutcome::Answered),
        cancelled: 0,
        expired: 0,
    })
}

/// Asks for ids that iMocha does not have, and for one that it has.
pub async fn ask_for_foreign(stage: &Stage, plan: &Plan) -> anyhow::Result<ForeignIds> {
    let ids: BTreeSet<i64> = plan.foreign.clone().chain(plan.beside.clone()).collect();
    reprocess::ask(&stage.deployment, &ids, &ProgressBar::hidden()).await?;
    let outcomes = wait(stage, &ids).await?;
    Ok(ForeignIds {
        ids_asked: ids.len(),
        calls: calls_for(stage, &ids),
        answered: how_many(&outcomes, AskedOutcome::Answered),
        foreign: how_many(&outcomes, AskedOutcome::Foreign),
    })
}

/// Asks for what iMocha never sends, until it is given up: hours pass for that, as far as these are concerned. What the API says
/// of it is counted later.
pub async fn ask_in_vain(stage: &Stage, plan: &Plan) -> anyhow::Result<InVain> {
    let ids: BTreeSet<i64> = plan.silent.clone().collect();
    let deployment = &stage.deployment;
    reprocess::ask(deployment, &ids, &ProgressBar::hidden()).await?;
    for id in &ids {
        until_given_up(stage, *id).await?;
    }
    let outcomes = reprocess::outcomes(deployment, &ids).await?;
    Ok(InVain {
        unanswered: how_many(&outcomes, AskedOutcome::Unanswered),
        calls: ids.iter().map(|id| calls_for(stage, &[*id].into())).sum(),
        results_read: 0,
    })
}

async fn until_given_up(stage: &Stage, id: i64) -> anyhow::Result<()> {
    let attempt = id.to_string();
    let key = ItemKey::of_attempt(SOURCE, &attempt, ASKED);
    for _ in 0..LOOKS {
        let asked = stage.deployment.table.asked(SOURCE, &attempt).await?;
        let asked = asked.with_context(|| format!("what was asked for {id} is gone"))?;
        if asked.outcome == AskedOutcome::Unanswered {
            let result = ItemKey::of_attempt(SOURCE, &attempt, CONFIRMATION);
            return stage.let_time_pass(&result, A_WHILE).await;
        }
        if is_promised(stage, &key, &asked).await? {
            stage.let_time_pass(&key, A_LONG_TIME).await?;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Whether iMocha was asked just now, and what it said is noted: then it is due as late as a promise is.
async fn is_promised(stage: &Stage, key: &ItemKey, asked: &Asked) -> anyhow::Result<bool> {
    let now = stage.deployment.clock.now();
    let asked_at = asked.asked_at.filter(|it| now < it.plus(A_LONG_TIME));
    let (AskedOutcome::Open, Some(asked_at)) = (asked.outcome, asked_at) else {
        return Ok(false);
    };
    let (shard, far) = (key.shard(), now.plus(A_LONG_TIME));
    let due = stage
        .deployment
        .table
        .due(shard, far, MOST_OF_A_SHARD)
        .await?;
    let due = due.iter().find(|item| item.key == *key);
    Ok(due.is_some_and(|due| due.due_at >= asked_at.plus(answer_due(asked.times))))
}

async fn wait(stage: &Stage, ids: &BTreeSet<i64>) -> anyhow::Result<reprocess::Outcomes> {
    let bar = ProgressBar::hidden();
    reprocess::wait(&stage.deployment, ids, TIMEOUT_SECONDS, &bar).await
}

/// How many calls of Process Callbacks were about any of these.
pub fn calls_for(stage: &Stage, ids: &BTreeSet<i64>) -> usize {
    let calls = stage.imocha.calls().into_iter();
    calls
        .filter(|call| call.iter().any(|id| ids.contains(id)))
        .count()
}

/// How many invitations are stored as this, none of which anybody called us about.
pub fn stored(events: &[EventSummary], attempts: &[AttemptView], status: Status) -> usize {
    let reached = |attempt: &str| {
        let mut all = attempts.iter().filter(|it| it.source == SOURCE);
        all.any(|it| it.attempt == attempt && it.status == Some(status))
    };
    let listed = events
        .iter()
        .filter(|event| event.origin == Origin::Reconcile);
    listed
        .filter_map(|event| event.attempt.as_deref())
        .filter(|attempt| reached(attempt))
        .count()
}

/// How many of these attempts stand as completed.
pub fn completed(attempts: &[AttemptView], ids: &Ids) -> usize {
    let ids: BTreeSet<String> = ids.clone().map(|id| id.to_string()).collect();
    let of_imocha = attempts.iter().filter(|it| it.source == SOURCE);
    of_imocha
        .filter(|it| ids.contains(&it.attempt) && it.status == Some(Status::Completed))
        .count()
}

/// iMocha's attempts that are finished.
pub fn finished(attempts: &[AttemptView]) -> impl Iterator<Item = &AttemptView> {
    let of_imocha = attempts.iter().filter(|it| it.source == SOURCE);
    of_imocha.filter(|it| it.status.is_some_and(Status::finished))
}

/// What iMocha's API said of them.
pub async fn confirmations(
    stage: &Stage,
    attempts: &[AttemptView],
    plan: &Plan,
) -> anyhow::Result<Confirmed> {
    let looks = stream::iter(finished(attempts)).map(|attempt| async move {
        let key = ItemKey::of_attempt(SOURCE, &attempt.attempt, CONFIRMATION);
        let confirmation = stage.deployment.table.confirmation(&key).await?;
        Ok::<_, anyhow::Error>(confirmation.map(|it| (attempt, it)))
    });
    let found: Vec<_> = looks.buffered(AT_ONCE).try_collect().await?;
    let found = found.into_iter().flatten();
    let mut counts = Confirmed {
        confirmed: 0,
        contradicted: 0,
    };
    for (attempt, confirmation) in found {
        let id: i64 = attempt.attempt.parse()?;
        let stands = attempt.status == Some(Status::Terminated);
        match confirmation.outcome {
            ConfirmationOutcome::Confirmed => counts.confirmed += 1,
            ConfirmationOutcome::Differs
                if stands
                    && plan.contradicted.contains(&id)
                    && confirmation.differences == [Difference::Status] =>
            {
                counts.contradicted += 1;
            }
            _ => {}
        }
    }
    Ok(counts)
}
