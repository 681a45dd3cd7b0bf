//! `hooks replay`: has stored events read anew, so that what was mended in a reader is mended in what came before.
//!
//! The readers are those that this command was built with: build it from the commit that is deployed. Each event is done by
//! itself, oldest first, and doing one again changes nothing, so that whatever stops a replay, it goes on from where it was.

mod plan;
mod result;
mod selection;

use crate::args::replay::ReplayArgs;
use crate::command::reprocess::progress_bar;
use crate::command::turns::{Turn, Turns};
use crate::deployment::Deployment;
use anyhow::bail;
use indicatif::ProgressBar;
use result::{Outcome, Replayed};
use selection::{Chosen, Item, Selection};
use shared::error::causes;
use shared::key::ItemKey;
use shared::person::HashKey;
use shared::queue::{FoldMessage, Queue, Sqs};
use shared::replay::Anew;
use shared::store::{ItemError, ReplayOutcome, StoreError};
use std::future::Future;

/// How often an event is begun anew because somebody else wrote it.
const ATTEMPTS: usize = 5;

/// Replays, or says what a replay would do. The deployment is looked for after the options are checked.
pub async fn run<F>(find: impl FnOnce() -> F, args: &ReplayArgs, json: bool) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let selection = Selection::parse(args)?;
    let deployment = find().await?;
    let chosen = selection.find(&deployment).await?;
    let people = people(&deployment, &chosen).await?;
    if args.plan {
        return plan::show(&deployment, &chosen, &people, json).await;
    }
    let replay = Replay {
        queue: deployment.queue()?,
        correlation_id: format!("replay-{}", deployment.clock.now().unix_ms()),
        deployment: &deployment,
        people,
    };
    let bar = progress_bar(chosen.items.len(), "read anew");
    let (replayed, stop) = replay.all(&chosen, args.per_second, &bar).await;
    bar.finish_and_clear();
    result::print(&replayed, json)?;
    end(&replayed, stop)
}

/// The key that people are hashed with, if a source among them needs it.
async fn people(deployment: &Deployment, chosen: &Chosen) -> anyhow::Result<HashKey> {
    if chosen.items.iter().any(|item| item.source.hashes_people) {
        deployment.hash_key().await
    } else {
        Ok(HashKey::default())
    }
}

/// Why not everything was done.
enum Stop {
    /// Somebody wanted it.
    Asked,
    /// The table failed, as it would for the next event.
    Failed(StoreError),
}

/// Fails if not everything was done, and says how to go on.
fn end(replayed: &Replayed, stop: Option<Stop>) -> anyhow::Result<()> {
    let Some(stop) = stop else {
        return match replayed.failed {
            0 => Ok(()),
            failed => bail!(
                "{failed} of {} events are left as they are; the reason stands beside each",
                replayed.found
            ),
        };
    };
    let how = replayed.resume.as_ref().map(ToString::to_string);
    let stopped = format!(
        "stopped after {} of {} events; {} goes on with the rest",
        replayed.done(),
        replayed.found,
        how.unwrap_or_else(|| "the same command".into())
    );
    match stop {
        Stop::Asked => bail!(stopped),
        Stop::Failed(error) => Err(anyhow::Error::new(error).context(stopped)),
    }
}

struct Replay<'a> {
    deployment: &'a Deployment,
    queue: Sqs,
    correlation_id: String,
    people: HashKey,
}

impl Replay<'_> {
    async fn all(
        &self,
        chosen: &Chosen,
        per_second: u32,
        bar: &ProgressBar,
    ) -> (Replayed, Option<Stop>) {
        let mut replayed = Replayed::of(chosen);
        let mut turns = Turns::until_stopped(per_second);
        for (number, item) in chosen.items.iter().enumerate() {
            let stop = match turns.next().await {
                Turn::Stop => Some(Stop::Asked),
                Turn::Go => match self.one(item).await {
                    Ok(outcome) => {
                        replayed.note(item, outcome);
                        None
                    }
                    Err(error) => Some(Stop::Failed(error)),
                },
            };
            if stop.is_some() {
                replayed.resume = chosen.rest(number);
                return (replayed, stop);
            }
            bar.inc(1);
        }
        (replayed, None)
    }

    /// Replays one. What is wrong with the event alone is its outcome.
    async fn one(&self, item: &Item) -> Result<Outcome, StoreError> {
        match self.written(item).await {
            // What was erased says no more than it did.
            Err(StoreError::Item(ItemError::ErasedBody { .. })) => Ok(Outcome::Unchanged),
            Err(StoreError::Item(error)) => Ok(Outcome::Failed(causes(&error))),
            result => result,
        }
    }

    async fn written(&self, item: &Item) -> Result<Outcome, StoreError> {
        let mut tried = None;
        for _ in 0..ATTEMPTS {
            let Some(original) = self.deployment.table.original(&item.key).await? else {
                return self.done_meanwhile(tried, Outcome::gone()).await;
            };
            let (table, now) = (&self.deployment.table, self.deployment.clock.now());
            let (written, key, outcome) = match item.source.anew(&original, &self.people) {
                Anew::Changed(event) => (
                    table.replace_event(&original, &event, now).await?,
                    item.key.clone(),
                    Outcome::Changed,
                ),
                Anew::Placed(placed) => (
                    table.place_event(&original, &placed, now).await?,
                    placed.key,
                    Outcome::Placed(placed.id),
                ),
                Anew::Unchanged => return self.done_meanwhile(tried, Outcome::Unchanged).await,
                nothing => return Ok(Outcome::of(&nothing)),
            };
            match written {
                ReplayOutcome::Written => {
                    self.tell_worker(key).await;
                    return Ok(outcome);
                }
                ReplayOutcome::Overtaken => tried = Some((key, outcome)),
                why => return Ok(Outcome::not_written(why)),
            }
        }
        Ok(Outcome::not_written(ReplayOutcome::Overtaken))
    }

    /// What was tried is done, if an answer of the table was lost, or another replay was faster. Else, this is what came of it.
    async fn done_meanwhile(
        &self,
        tried: Option<(ItemKey, Outcome)>,
        otherwise: Outcome,
    ) -> Result<Outcome, StoreError> {
        let Some((key, outcome)) = tried else {
            return Ok(otherwise);
        };
        if self.deployment.table.event(&key).await?.is_none() {
            return Ok(otherwise);
        }
        self.tell_worker(key).await;
        Ok(outcome)
    }

    /// The event is marked: what the queue does not take, the sweep finds.
    async fn tell_worker(&self, key: ItemKey) {
        let fold = FoldMessage {
            key,
            correlation_id: self.correlation_id.clone(),
        };
        if let Err(error) = self.queue.send(fold.body()).await {
            eprintln!(
                "hooks: the worker is not told, and finds the work within two minutes: {}",
                causes(&error)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selection::Rest;

    fn replayed(failed: usize, resume: Option<Rest>) -> Replayed {
        Replayed {
            found: 3,
            failed,
            resume,
            ..Replayed::default()
        }
    }

    #[test]
    fn a_replay_that_did_everything_is_done_and_one_that_left_something_fails() {
        assert!(end(&replayed(0, None), None).is_ok());
        let error = end(&replayed(2, None), None).unwrap_err().to_string();
        assert!(error.starts_with("2 of 3 events are left"), "{error}");
    }

    #[test]
    fn what_was_stopped_says_where_why_and_how_it_goes_on() {
        let rest = Rest::Ids(vec![
            "xobin.0123456789abcdef0123456789abcdef".parse().unwrap(),
        ]);
        let asked = end(&replayed(1, Some(rest.clone())), Some(Stop::Asked)).unwrap_err();
        assert_eq!(
            asked.to_string(),
            "stopped after 1 of 3 events; `hooks replay xobin.0123456789abcdef0123456789abcdef` goes on with the rest"
        );
        let failed = Stop::Failed(StoreError::Unavailable {
            operation: "GetItem",
            cause: "no route".into(),
        });
        let failed = end(&replayed(1, Some(rest)), Some(failed)).unwrap_err();
        let text = causes(failed.as_ref());
        assert!(
            text.contains("stopped after 1 of 3") && text.contains("no route"),
            "{text}"
        );
    }
}
