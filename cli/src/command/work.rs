//! `hooks work`: what is still to do, and what is parked.

use crate::args::WorkListArgs;
use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::key::{
    ASKED, CONFIRMATION, EVENT_PREFIX, EventId, ItemKey, REGISTRATION, REPORT_PREFIX, RUN_PREFIX,
    SHARDS, STATE,
};
use shared::store::DueItem;
use shared::timestamp::Timestamp;
use std::time::Duration;
use worker::{ask_imocha, register};

const SHARDS_AT_ONCE: usize = 4;
/// How many items of a shard are shown: as many as one answer of DynamoDB's surely holds, keys being 3 KiB at most.
const MOST_OF_A_SHARD: i32 = 300;
/// No work is put off for longer than this.
const FAR_FUTURE: Duration = Duration::from_hours(24 * 365);

/// An item with work to do, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct WorkView {
    pub source: String,
    pub attempt: Option<String>,
    pk: String,
    sk: String,
    /// The job that does it, as the queue's messages call it. `None` if no job does.
    pub job: Option<&'static str>,
    event: Option<EventId>,
    due_at: Timestamp,
    /// Since when it was to be done, however often it was tried since. `None` of what is parked.
    due_since: Option<Timestamp>,
    tries: u64,
    state: State,
    /// Why it was not done the last time that it was tried, if it is parked.
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was tried too often, and waits for `hooks redrive`.
    Parked,
    /// The next sweep takes it.
    Due,
    /// Its message is on the way, or it was tried and is due again later.
    Later,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Due => "due",
            Self::Later => "later",
        }
    }
}

/// Lists the work: what is parked first, the longest due first.
pub async fn list(deployment: &Deployment, args: &WorkListArgs, json: bool) -> anyhow::Result<()> {
    let parked = deployment.table.parked().await?.into_iter();
    let parked = parked.map(|it| view(it, State::Parked));
    let mut items = with_problems(deployment, parked).await?;
    if !args.parked {
        let now = deployment.clock.now();
        let marked = marked(deployment).await?.into_iter();
        items.extend(marked.map(|item| due_or_later(item, now)));
    }
    items.sort_by_key(|item| (item.state != State::Parked, item.due_at));
    if json {
        return output::json(&items);
    }
    output::table(HEADINGS, &items.iter().map(row).collect::<Vec<_>>())
}

/// The same items, with why each of them is where it is.
pub async fn with_problems(
    deployment: &Deployment,
    views: impl IntoIterator<Item = WorkView>,
) -> anyhow::Result<Vec<WorkView>> {
    let views = stream::iter(views).map(|view| async move {
        let problem = problem(deployment, &view.key()).await?;
        Ok::<_, anyhow::Error>(WorkView { problem, ..view })
    });
    views.buffered(SHARDS_AT_ONCE).try_collect().await
}

/// Why an item's work was not done the last time that it was tried.
pub async fn problem(deployment: &Deployment, key: &ItemKey) -> anyhow::Result<Option<String>> {
    let trouble = deployment.table.trouble(key).await?;
    Ok(trouble.map(|it| format!("{} ({})", it.text, it.at)))
}

/// What is marked as work, now due or later.
pub async fn marked(deployment: &Deployment) -> anyhow::Result<Vec<DueItem>> {
    let now = deployment.clock.now();
    let table = &deployment.table;
    let shards = stream::iter(0..SHARDS)
        .map(|shard| table.due(shard, now.plus(FAR_FUTURE), MOST_OF_A_SHARD));
    let shards: Vec<Vec<DueItem>> = shards.buffered(SHARDS_AT_ONCE).try_collect().await?;
    let full = usize::try_from(MOST_OF_A_SHARD)?;
    if shards.iter().any(|shard| shard.len() >= full) {
        eprintln!(
            "There is more work than is shown here: of each of the {SHARDS} shards, the {full} items that are due first are."
        );
    }
    Ok(shards.into_iter().flatten().collect())
}

fn due_or_later(item: DueItem, now: Timestamp) -> WorkView {
    let state = if item.due_at <= now {
        State::Due
    } else {
        State::Later
    };
    view(item, state)
}

impl WorkView {
    fn key(&self) -> ItemKey {
        ItemKey {
            pk: self.pk.clone(),
            sk: self.sk.clone(),
        }
    }
}

/// An item that is work, as people see it. Why it is where it is, is not looked for.
pub fn view(item: DueItem, state: State) -> WorkView {
    let key = item.key;
    let source = key.vendor().or_else(|| key.pk.split('#').next());
    let source = source.unwrap_or_default().to_owned();
    WorkView {
        attempt: key.attempt().map(|(_, attempt)| attempt),
        job: job(&key, &source),
        event: key
            .sk
            .starts_with(EVENT_PREFIX)
            .then(|| EventId::new(&source, &key)),
        source,
        pk: key.pk,
        sk: key.sk,
        due_at: item.due_at,
        due_since: (state != State::Parked).then_some(item.due_since),
        tries: item.tries,
        state,
        problem: None,
    }
}

fn job(key: &ItemKey, source: &str) -> Option<&'static str> {
    if key.sk.starts_with(EVENT_PREFIX) {
        Some("fold")
    } else if key.sk == STATE {
        Some("publish")
    } else if key.sk.starts_with(REPORT_PREFIX) {
        Some("fetch_report")
    } else if key.sk == CONFIRMATION {
        Some("read_result")
    } else if key.sk == ASKED && source == ask_imocha::SOURCE {
        Some("ask_imocha")
    } else if key.sk.starts_with(RUN_PREFIX) && key.vendor() == Some(ask_imocha::SOURCE) {
        Some("reconcile")
    } else if key.sk == REGISTRATION && key.vendor() == Some(register::VENDOR) {
        Some("register")
    } else {
        None
    }
}

const HEADINGS: [&str; 9] = [
    "state",
    "work",
    "tries",
    "due at",
    "due since",
    "source",
    "attempt or place",
    "event",
    "why it is parked",
];

fn row(item: &WorkView) -> [String; 9] {
    [
        item.state.name().to_owned(),
        or_dash(item.job),
        item.tries.to_string(),
        item.due_at.to_string(),
        or_dash(item.due_since),
        item.source.clone(),
        item.attempt.as_ref().unwrap_or(&item.pk).clone(),
        or_dash(item.event.as_ref()),
        or_dash(item.problem.as_ref()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewed(pk: &str, sk: &str) -> WorkView {
        let item = DueItem {
            key: ItemKey {
                pk: pk.into(),
                sk: sk.into(),
            },
            due_at: Timestamp::EPOCH,
            due_since: Timestamp::EPOCH,
            tries: 10,
        };
        view(item, State::Parked)
    }

    #[test]
    fn an_item_says_whose_it_is_and_what_is_to_be_done() {
        let event = viewed("xobin#attempt#a%23b", "event#1");
        assert_eq!((event.source.as_str(), event.job), ("xobin", Some("fold")));
        assert_eq!(event.attempt.as_deref(), Some("a#b"));
        assert_eq!(event.event.unwrap().source(), "xobin");
        let report = viewed("xobin#attempt#1", "report#1");
        assert_eq!((report.job, report.event), (Some("fetch_report"), None));
        assert_eq!(viewed("xobin#attempt#1", "attempt").job, Some("publish"));
        let confirmation = viewed("imocha#attempt#1", "confirmation");
        assert_eq!(confirmation.job, Some("read_result"));
        assert_eq!(viewed("imocha#attempt#1", "asked").job, Some("ask_imocha"));
        assert_eq!(viewed("xobin#attempt#1", "asked").job, None);
        let registration = viewed("vendor#xobin", "registration");
        assert_eq!(
            (registration.source.as_str(), registration.job),
            ("xobin", Some("register"))
        );
        assert_eq!(registration.attempt, None);
    }

    #[test]
    fn an_item_without_an_attempt_shows_its_place() {
        let unplaced = viewed("imocha#unplaced#2026-01-15#a", "event#1");
        assert_eq!(unplaced.attempt, None);
        let [state, work, .., place, _, _] = row(&unplaced);
        assert_eq!(
            [state, work, place],
            ["parked", "fold", "imocha#unplaced#2026-01-15#a"]
        );
    }
}
