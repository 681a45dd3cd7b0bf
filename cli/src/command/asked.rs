//! `hooks asked`: what vendors were asked to send again and have not, and what they were asked for in vain.

use crate::args::AskedListArgs;
use crate::command::work;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output::{self, or_dash};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::key::{ASKED, ItemKey};
use shared::store::{Asked, AskedOutcome};

const AT_ONCE: usize = 16;

/// What was asked for, as `--json` prints it.
#[derive(Debug, Serialize)]
struct AskedView {
    source: String,
    attempt: String,
    #[serde(flatten)]
    asked: Asked,
}

/// Lists what is asked for and not answered, the longest first. What is answered or foreign is in no list: `attempts show`
/// tells it.
pub async fn list(deployment: &Deployment, args: &AskedListArgs, json: bool) -> anyhow::Result<()> {
    let wanted = args.outcome.as_deref().map(outcome).transpose()?;
    let mut found: Vec<AskedView> = stream::iter(keys(deployment, wanted).await?)
        .map(|key| view(deployment, key))
        .buffered(AT_ONCE)
        .try_filter_map(|view| async { Ok(view) })
        .try_collect()
        .await?;
    found.retain(|view| match wanted {
        Some(wanted) => view.asked.outcome == wanted,
        None => listed(view.asked.outcome),
    });
    found.sort_by_key(|view| view.asked.requested_at);
    if json {
        return output::json(&found);
    }
    output::table(HEADINGS, &found.iter().map(row).collect::<Vec<_>>())
}

const fn listed(outcome: AskedOutcome) -> bool {
    outcome.waits() || matches!(outcome, AskedOutcome::Unanswered)
}

fn outcome(word: &str) -> Result<AskedOutcome, WrongUse> {
    let outcome = serde_json::from_value(word.into()).ok();
    outcome.filter(|outcome| listed(*outcome)).ok_or_else(|| {
        WrongUse(format!(
            "`{word}` is not listed: requested, open, failed and unanswered are"
        ))
    })
}

/// Where those lie that may be meant: what waits is on the list of work, the rest on one of its own.
async fn keys(
    deployment: &Deployment,
    wanted: Option<AskedOutcome>,
) -> anyhow::Result<Vec<ItemKey>> {
    let mut items = Vec::new();
    if wanted.is_none_or(|wanted| wanted == AskedOutcome::Unanswered) {
        items.extend(deployment.table.unanswered().await?);
    }
    if wanted.is_none_or(AskedOutcome::waits) {
        items.extend(deployment.table.parked().await?);
        items.extend(work::marked(deployment).await?);
    }
    let keys = items.into_iter().map(|item| item.key);
    Ok(keys.filter(|key| key.sk == ASKED).collect())
}

async fn view(deployment: &Deployment, key: ItemKey) -> anyhow::Result<Option<AskedView>> {
    let Some((source, attempt)) = key.attempt() else {
        return Ok(None);
    };
    let asked = deployment.table.asked(source, &attempt).await?;
    let source = source.to_owned();
    Ok(asked.map(|asked| AskedView {
        source,
        attempt,
        asked,
    }))
}

const HEADINGS: [&str; 6] = [
    "outcome",
    "source",
    "attempt",
    "times",
    "requested at",
    "asked at",
];

fn row(view: &AskedView) -> [String; 6] {
    [
        view.asked.outcome.name().to_owned(),
        view.source.clone(),
        view.attempt.clone(),
        view.asked.times.to_string(),
        view.asked.requested_at.to_string(),
        or_dash(view.asked.asked_at),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_on_a_list_can_be_listed() {
        for word in ["requested", "open", "failed", "unanswered"] {
            assert_eq!(outcome(word).unwrap().name(), word);
        }
        for word in ["answered", "foreign", "", "Unanswered"] {
            let error = outcome(word).unwrap_err().to_string();
            assert!(error.contains("unanswered are"), "{error}");
        }
    }
}
