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
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;
use worker::ask_imocha::SOURCE;
use worker::job::{Job, Message};

const AT_ONCE: usize = 16;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Ids that are named in one error.
const MOST_NAMED: usize = 20;

/// What came of it, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub struct Reprocessed {
    /// How many ids were asked for.
    pub ids: usize,
    /// In how many messages, each of which is one call.
    pub messages: usize,
    /// How many were answered; not known unless that was waited for.
    pub answered: Option<usize>,
    /// The same of those that are not of our account.
    pub foreign: Option<usize>,
    /// The same of those that were asked for as often as they may be.
    pub unanswered: Option<usize>,
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
    let bar = progress_bar(ids.len(), "asked for");
    let mut reprocessed = ask(&deployment, &ids, &bar).await?;
    bar.finish_and_clear();
    if !args.wait {
        return print(&reprocessed, json);
    }
    let bar = progress_bar(ids.len(), "answered");
    let outcomes = wait(&deployment, &ids, args.timeout, &bar).await?;
    bar.finish_and_clear();
    reprocessed.answered = Some(how_many(&outcomes, AskedOutcome::Answered));
    reprocessed.foreign = Some(how_many(&outcomes, AskedOutcome::Foreign));
    reprocessed.unanswered = Some(how_many(&outcomes, AskedOutcome::Unanswered));
    print(&reprocessed, json)?;
    complain(&outcomes, args.timeout)
}

fn print(reprocessed: &Reprocessed, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(reprocessed);
    }
    output::line(&format!(
        "noted {}; the worker asks for them in {}",
        counted(reprocessed.ids, "id"),
        counted(reprocessed.messages, "call")
    ))?;
    if let (Some(answered), Some(foreign), Some(unanswered)) = (
        reprocessed.answered,
        reprocessed.foreign,
        reprocessed.unanswered,
    ) {
        output::line(&format!(
            "{answered} answered, {foreign} not of this account, {unanswered} unanswered"
        ))?;
    }
    Ok(())
}

/// `1 id`, `2 ids`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
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
    Err(WrongUse(format!(
        "nothing was asked for: {}",
        first_of(refused)
    )))
}

/// The first of them, and how many more there are.
fn first_of(mut texts: Vec<String>) -> String {
    let more = texts.len().saturating_sub(MOST_NAMED);
    texts.truncate(MOST_NAMED);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join("; ")
}

pub fn progress_bar(length: usize, what: &'static str) -> ProgressBar {
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
) -> anyhow::Result<Reprocessed> {
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
    Ok(Reprocessed {
        ids: ids.len(),
        messages,
        ..Reprocessed::default()
    })
}

/// Waits until every id is answered, foreign or unanswered, or the time is over; and says what came of each.
pub async fn wait(
    deployment: &Deployment,
    ids: &BTreeSet<i64>,
    timeout_seconds: u32,
    bar: &ProgressBar,
) -> anyhow::Result<Outcomes> {
    let clock = &deployment.clock;
    let until = clock
        .now()
        .plus(Duration::from_secs(timeout_seconds.into()));
    let (mut waiting, mut all) = (ids.clone(), Outcomes::new());
    let mut pause = FIRST_PAUSE;
    loop {
        all.extend(outcomes(deployment, &waiting).await?);
        waiting.retain(|id| all.get(id).copied().and_then(waits_because).is_some());
        bar.set_position(u64::try_from(ids.len() - waiting.len())?);
        let left_ms = until.unix_ms() - clock.now().unix_ms();
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        if waiting.is_empty() || left.is_zero() {
            return Ok(all);
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What came of asking, by id.
pub type Outcomes = BTreeMap<i64, AskedOutcome>;

/// What has come of these ids until now.
pub async fn outcomes(deployment: &Deployment, ids: &BTreeSet<i64>) -> anyhow::Result<Outcomes> {
    let outcomes = stream::iter(ids.iter().copied()).map(|id| async move {
        match deployment.table.asked(SOURCE, &id.to_string()).await? {
            Some(asked) => Ok((id, asked.outcome)),
            None => bail!("what was asked for {id} is gone from the table"),
        }
    });
    outcomes.buffer_unordered(AT_ONCE).try_collect().await
}

/// How many ids have come to this.
pub fn how_many(outcomes: &Outcomes, wanted: AskedOutcome) -> usize {
    let outcomes = outcomes.values();
    outcomes.filter(|outcome| **outcome == wanted).count()
}

/// Why an id still waits. `None` if it does not.
fn waits_because(outcome: AskedOutcome) -> Option<&'static str> {
    match outcome {
        AskedOutcome::Requested => Some("requested, and iMocha was not asked yet"),
        AskedOutcome::Open => Some("open: iMocha has promised it"),
        AskedOutcome::Failed => Some("failed: iMocha could not be asked, or could not send it"),
        AskedOutcome::Answered | AskedOutcome::Foreign | AskedOutcome::Unanswered => None,
    }
}

/// Fails if ids still wait or were asked for in vain, and says which and why.
pub fn complain(outcomes: &Outcomes, timeout_seconds: u32) -> anyhow::Result<()> {
    let waiting: Vec<String> = outcomes
        .iter()
        .filter_map(|(id, outcome)| Some(format!("{id} ({})", waits_because(*outcome)?)))
        .collect();
    if !waiting.is_empty() {
        bail!(
            "{} of {} ids still wait after {timeout_seconds} seconds: {}. They are asked for again by themselves, unless they are \
             parked: `hooks work list` shows both, and `hooks redrive` brings back what is parked",
            waiting.len(),
            outcomes.len(),
            first_of(waiting)
        )
    }
    let unanswered = outcomes
        .iter()
        .filter(|(_, outcome)| **outcome == AskedOutcome::Unanswered);
    let unanswered: Vec<String> = unanswered.map(|(id, _)| id.to_string()).collect();
    if unanswered.is_empty() {
        return Ok(());
    }
    bail!(
        "{} of {} ids were asked for as often as IMOCHA_ASK_TIMES says, and iMocha did not send them: {}",
        unanswered.len(),
        outcomes.len(),
        first_of(unanswered)
    )
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

    #[test]
    fn what_still_waits_is_counted_and_named_with_the_reason() {
        let mut outcomes: Outcomes = (1..=30).map(|id| (id, AskedOutcome::Failed)).collect();
        outcomes.insert(1, AskedOutcome::Answered);
        outcomes.insert(2, AskedOutcome::Foreign);
        outcomes.insert(3, AskedOutcome::Open);
        let error = complain(&outcomes, 5).unwrap_err().to_string();
        assert!(
            error.starts_with("28 of 30 ids still wait after 5 seconds: 3 (open"),
            "{error}"
        );
        assert!(
            error.contains("4 (failed") && error.contains("and 8 more"),
            "{error}"
        );
        assert!(!error.contains(" 2 ("), "{error}");
        outcomes.retain(|id, _| *id < 3);
        complain(&outcomes, 5).unwrap();
        outcomes.insert(31, AskedOutcome::Unanswered);
        let error = complain(&outcomes, 5).unwrap_err().to_string();
        assert!(
            error.starts_with("1 of 3 ids were asked for") && error.ends_with(": 31"),
            "{error}"
        );
    }
}
