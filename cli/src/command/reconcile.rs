//! `hooks reconcile imocha`: has the worker compare what iMocha lists with what is stored.
//!
//! The command makes the run's item and a message, and watches the item: only the worker talks to vendors.

use crate::args::ReconcileArgs;
use crate::command::reprocess::{self, counted, how_many};
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output;
use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde::Serialize;
use shared::key::ItemKey;
use shared::queue::Queue;
use shared::store::{AskedOutcome, Counts, Run, RunOutcome};
use shared::timestamp::Timestamp;
use std::future::Future;
use std::time::Duration;
use worker::ask_imocha::SOURCE;
use worker::job::{Job, Message, Reconcile};
use worker::reconcile::windows;

const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// A longer run is a mistake, or better made in parts.
const LONGEST: Duration = Duration::from_hours(24 * 400);

/// What came of it, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Reconciled {
    from: Timestamp,
    to: Timestamp,
    #[serde(flatten)]
    counts: Counts,
    /// Of those asked for, how many were answered; not known unless that was waited for.
    answered: Option<usize>,
    /// And how many are not of our account.
    foreign: Option<usize>,
}

/// Compares. The deployment is looked for after the times are checked.
pub async fn run<F>(
    find: impl FnOnce() -> F,
    args: &ReconcileArgs,
    json: bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let from = time("--from", &args.from)?;
    let to = args.to.as_deref().map(|to| time("--to", to)).transpose()?;
    let deployment = find().await?;
    let to = to.unwrap_or_else(|| deployment.clock.now());
    check(from, to)?;
    let run = compare(&deployment, from, to, args.timeout).await?;
    let mut reconciled = Reconciled {
        from,
        to,
        counts: run.counts,
        answered: None,
        foreign: None,
    };
    if run.outcome != RunOutcome::Done || !args.wait {
        print(&reconciled, json)?;
        return end(&run, args.timeout);
    }
    let ids = deployment.table.asked_by_run(&run.key).await?;
    let bar = reprocess::progress_bar(ids.len(), "answered");
    let outcomes = reprocess::wait(&deployment, &ids, args.timeout, &bar).await?;
    bar.finish_and_clear();
    reconciled.answered = Some(how_many(&outcomes, AskedOutcome::Answered));
    reconciled.foreign = Some(how_many(&outcomes, AskedOutcome::Foreign));
    print(&reconciled, json)?;
    reprocess::complain(&outcomes, args.timeout)
}

/// Has the worker compare, and waits until that is over, or the time is.
pub async fn compare(
    deployment: &Deployment,
    from: Timestamp,
    to: Timestamp,
    timeout_seconds: u32,
) -> anyhow::Result<Run> {
    let key = begin(deployment, from, to).await?;
    watch(deployment, &key, timeout_seconds).await
}

/// A day is its beginning, in UTC.
pub fn time(option: &str, text: &str) -> Result<Timestamp, WrongUse> {
    let midnight = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    Timestamp::parse(text).or_else(|_| midnight()).map_err(|_| {
        WrongUse(format!(
            "{option} {text} is neither a day like 2026-01-15 nor a time like 2026-01-15T10:00:00Z"
        ))
    })
}

fn check(from: Timestamp, to: Timestamp) -> Result<(), WrongUse> {
    if from >= to {
        return Err(WrongUse(format!("--from {from} is not before --to {to}")));
    }
    if from.plus(LONGEST) < to {
        return Err(WrongUse(
            "400 days at most are compared at a time: give a later --from, or an earlier --to"
                .into(),
        ));
    }
    Ok(())
}

async fn begin(deployment: &Deployment, from: Timestamp, to: Timestamp) -> anyhow::Result<ItemKey> {
    let now = deployment.clock.now();
    let id = format!("hooks-{}", now.unix_ms());
    let key = Run::key(SOURCE, &id);
    let windows = windows(from, to);
    if !deployment.table.create_run(&key, &windows, now).await? {
        bail!("another reconciliation was begun in this very moment: try again");
    }
    let message = Message {
        job: Job::Reconcile(Reconcile::Step(key.clone())),
        correlation_id: format!("reconcile-{}", now.unix_ms()),
    };
    deployment.queue()?.send(message.body()).await?;
    Ok(key)
}

/// Waits until the run is over, or the time is; and says how it stands then.
async fn watch(
    deployment: &Deployment,
    key: &ItemKey,
    timeout_seconds: u32,
) -> anyhow::Result<Run> {
    let timeout = Duration::from_secs(timeout_seconds.into());
    let until = deployment.clock.now().plus(timeout);
    let bar = ProgressBar::new_spinner();
    loop {
        let run = deployment.table.run(key).await?;
        let run = run.context("the reconciliation is gone from the table")?;
        if run.outcome != RunOutcome::Running || deployment.clock.now() >= until {
            bar.finish_and_clear();
            return Ok(run);
        }
        bar.set_message(format!("{} listed", run.counts.listed));
        bar.tick();
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Fails if the run did not look at everything, and says why.
fn end(run: &Run, timeout_seconds: u32) -> anyhow::Result<()> {
    match run.outcome {
        RunOutcome::Done => Ok(()),
        RunOutcome::Off => bail!(
            "iMocha's API key is not set, so that nothing could be compared: `hooks secrets set imocha-api api_key`"
        ),
        RunOutcome::Failed => bail!(
            "the reconciliation failed: {}",
            run.problem
                .as_deref()
                .unwrap_or("see the log of the worker")
        ),
        RunOutcome::Running => bail!(
            "the reconciliation is not over after {timeout_seconds} seconds, and goes on: `hooks work list` shows it"
        ),
    }
}

fn print(reconciled: &Reconciled, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(reconciled);
    }
    let Counts {
        listed,
        known,
        missing,
        asked,
        cancelled,
        expired,
    } = reconciled.counts;
    output::line(&format!(
        "{} listed by iMocha: {known} known, {missing} missing, of which {asked} are asked for now; {cancelled} cancelled and {expired} expired ones stored",
        counted(usize::try_from(listed)?, "attempt")
    ))?;
    if let (Some(answered), Some(foreign)) = (reconciled.answered, reconciled.foreign) {
        output::line(&format!(
            "{answered} answered, {foreign} not of this account"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_a_moment() {
        let day = time("--from", "2026-01-15").unwrap();
        assert_eq!(day.to_string(), "2026-01-15T00:00:00.000Z");
        let moment = time("--from", "2026-01-15T12:00:00+02:00").unwrap();
        assert_eq!(moment.to_string(), "2026-01-15T10:00:00.000Z");
        for text in ["", "yesterday", "2026-13-01", "15.01.2026"] {
            let error = time("--to", text).unwrap_err().to_string();
            assert!(
                error.contains("--to") && error.contains("2026-01-15"),
                "{error}"
            );
        }
    }

    #[test]
    fn times_in_the_wrong_order_and_too_long_ones_are_refused() {
        let at = |text| time("--from", text).unwrap();
        assert!(check(at("2026-01-15"), at("2026-01-16")).is_ok());
        for (from, to) in [
            ("2026-01-15", "2026-01-15"),
            ("2026-01-16", "2026-01-15"),
            ("2020-01-01", "2026-01-15"),
        ] {
            assert!(check(at(from), at(to)).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_run_that_did_not_look_at_everything_says_why() {
        let run = |outcome, problem: Option<&str>| Run {
            key: Run::key(SOURCE, "a"),
            outcome,
            requested_at: Timestamp::EPOCH,
            left: Vec::new(),
            step: 0,
            counts: Counts::default(),
            problem: problem.map(str::to_owned),
        };
        assert!(end(&run(RunOutcome::Done, None), 5).is_ok());
        let says = |outcome, problem| end(&run(outcome, problem), 5).unwrap_err().to_string();
        assert!(says(RunOutcome::Off, None).contains("hooks secrets set imocha-api"));
        assert!(says(RunOutcome::Failed, Some("too wide")).contains("too wide"));
        assert!(says(RunOutcome::Running, None).contains("after 5 seconds"));
    }
}
