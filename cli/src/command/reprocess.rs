//! `hooks reprocess imocha`: has iMocha send again what was missed.

use crate::args::ReprocessArgs;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output;
use anyhow::bail;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shared::queue::Queue;
use shared::store::AskedOutcome;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;
use worker::ask_imocha::SOURCE;
use worker::job::{Job, Message};

const AT_ONCE: usize = 16;
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Ids that are named in one error.
const MOST_NAMED: usize = 20;

/// What came of it, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Asked {
    /// How many ids were asked for.
    pub ids: usize,
    /// In how many messages, each of which is one call.
    pub messages: usize,
    /// How many were answered, if that was waited for.
    pub answered: usize,
    /// How many are not of our account, if that was waited for.
    pub foreign: usize,
}

/// Asks for the ids. The deployment is looked for after the ids are checked.
pub async fn run<F>(
    find: impl FnOnce() -> F,
    args: &ReprocessArgs,
    json: bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let ids = ids(args)?;
    let deployment = find().await?;
    let bar = bar(ids.len(), "asked for");
    let mut asked = ask(&deployment, &ids, &bar).await?;
    bar.finish_and_clear();
    if args.wait {
        let bar = self::bar(ids.len(), "answered");
        (asked.answered, asked.foreign) = wait(&deployment, &ids, &bar).await?;
        bar.finish_and_clear();
    }
    if json {
        return output::json(&asked);
    }
    let Asked {
        ids,
        messages,
        answered,
        foreign,
    } = asked;
    output::line(&format!(
        "asked for {ids} ids in {messages} messages, each of them one call"
    ))?;
    if args.wait {
        output::line(&format!(
            "{answered} answered, {foreign} not of this account"
        ))?;
    }
    Ok(())
}

fn ids(args: &ReprocessArgs) -> anyhow::Result<BTreeSet<i64>> {
    let mut texts = args.ids.clone();
    if let Some(file) = &args.file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| WrongUse(format!("{} cannot be read: {error}", file.display())))?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        texts.extend(lines.map(str::to_owned));
    }
    Ok(parse(&texts)?)
}

/// Every id once, or an error that names all those that are of no use.
fn parse(texts: &[String]) -> Result<BTreeSet<i64>, WrongUse> {
    let (mut ids, mut refused) = (BTreeSet::new(), Vec::new());
    for text in texts {
        match text.parse::<i64>() {
            Ok(id) if id < 1 => refused.push(format!("`{text}` is below 1")),
            Ok(id) if !ids.insert(id) => refused.push(format!("`{text}` is given twice")),
            Ok(_) => {}
            Err(_) => refused.push(format!("`{text}` is not a whole number of 64 bits")),
        }
    }
    if texts.is_empty() {
        refused.push("give TestInvitationIds, or a file of them with --file".into());
    }
    if refused.is_empty() {
        return Ok(ids);
    }
    let more = refused.len().saturating_sub(MOST_NAMED);
    refused.truncate(MOST_NAMED);
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Err(WrongUse(format!(
        "nothing was asked for: {}{more}",
        refused.join("; ")
    )))
}

fn bar(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len}")
        .expect("the template is a constant");
    ProgressBar::new(u64::try_from(length).unwrap_or(u64::MAX))
        .with_style(style)
        .with_message(what)
}

/// Notes the ids as work to do, and announces them in the fewest messages.
pub async fn ask(
    deployment: &Deployment,
    ids: &BTreeSet<i64>,
    bar: &ProgressBar,
) -> anyhow::Result<Asked> {
    let now = deployment.clock.now();
    let noted = stream::iter(ids).map(|id| async move {
        let noted = deployment
            .table
            .request_again(SOURCE, &id.to_string(), now)
            .await;
        bar.inc(1);
        noted
    });
    noted
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let (queue, jobs) = (deployment.queue()?, Job::ask_imocha(ids.iter().copied()));
    let messages = jobs.len();
    for job in jobs {
        let correlation_id = format!("reprocess-{}", now.unix_ms());
        queue
            .send(
                Message {
                    job,
                    correlation_id,
                }
                .body(),
            )
            .await?;
    }
    Ok(Asked {
        ids: ids.len(),
        messages,
        ..Asked::default()
    })
}

/// Waits until every id is answered or foreign, and counts both.
pub async fn wait(
    deployment: &Deployment,
    ids: &BTreeSet<i64>,
    bar: &ProgressBar,
) -> anyhow::Result<(usize, usize)> {
    let (mut waiting, mut answered, mut foreign) = (ids.clone(), 0, 0);
    while !waiting.is_empty() {
        for (id, outcome) in outcomes(deployment, &waiting).await? {
            match outcome {
                AskedOutcome::Answered => answered += 1,
                AskedOutcome::Foreign => foreign += 1,
                AskedOutcome::Requested | AskedOutcome::Open | AskedOutcome::Failed => continue,
            }
            waiting.remove(&id);
            bar.inc(1);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok((answered, foreign))
}

async fn outcomes(
    deployment: &Deployment,
    ids: &BTreeSet<i64>,
) -> anyhow::Result<Vec<(i64, AskedOutcome)>> {
    let outcomes = stream::iter(ids.iter().copied()).map(|id| async move {
        match deployment.table.asked(SOURCE, &id.to_string()).await? {
            Some(asked) => Ok((id, asked.outcome)),
            None => bail!("what was asked for {id} is gone from the table"),
        }
    });
    outcomes.buffer_unordered(AT_ONCE).try_collect().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(texts: &[&str]) -> Result<Vec<i64>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        parse(&texts)
            .map(|ids| ids.into_iter().collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn ids_of_no_use_are_refused_by_name_and_nothing_is_asked_for() {
        assert_eq!(
            parsed(&["2944056", "2935600"]),
            Ok(vec![2_935_600, 2_944_056])
        );
        let error = parsed(&["7", "-1", "0", "7", "abc", "99999999999999999999"]).unwrap_err();
        for id in [
            "`-1`",
            "`0`",
            "`7` is given twice",
            "`abc`",
            "`99999999999999999999`",
        ] {
            assert!(error.contains(id), "{error}");
        }
        assert!(parsed(&[]).is_err());
    }

    #[test]
    fn a_thousand_wrong_ids_are_not_all_named() {
        let wrong = vec!["x"; 1000];
        let error = parsed(&wrong).unwrap_err();
        assert!(
            error.contains("and 980 more") && error.len() < 2000,
            "{error}"
        );
    }
}
