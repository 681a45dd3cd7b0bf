//! `hooks redrive`: brings back what was parked, and the messages of the dead-letter queue.
//!
//! One after the other, so that it can be stopped: what is not brought back by then stays where it is, and the same command goes
//! on with it.

mod dead_letters;
mod plan;

use crate::args::RedriveArgs;
use crate::command::reprocess::{counted, progress_bar};
use crate::command::turns::{Turn, Turns};
use crate::deployment::Deployment;
use crate::output;
use anyhow::bail;
use dead_letters::DeadLetters;
use indicatif::ProgressBar;
use serde::Serialize;
use shared::store::DueItem;

/// What was brought back, as `--json` prints it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Redriven {
    items: usize,
    messages: usize,
    /// Whether there may be more: it was stopped, or `--max` was reached.
    more: bool,
}

impl Redriven {
    const fn all(&self) -> usize {
        self.items + self.messages
    }
}

/// Why it ended before everything was brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Most,
}

/// Brings both back, or says what there is.
pub async fn run(deployment: &Deployment, args: &RedriveArgs, json: bool) -> anyhow::Result<()> {
    let items = deployment.table.parked().await?;
    if args.plan {
        return plan::show(deployment, items, json).await;
    }
    let messages = deployment.messages("DeadLetterQueueUrl").await?;
    let found = items.len() + usize::try_from(messages)?;
    let most = args.max.map_or(usize::MAX, |most| most as usize);
    let bar = progress_bar(found.min(most), "brought back");
    let mut redrive = Redrive {
        deployment,
        turns: Turns::until_stopped(args.per_second),
        most,
        done: Redriven::default(),
        bar: &bar,
    };
    let end = redrive.all(items).await?;
    let done = redrive.done;
    bar.finish_and_clear();
    print(&done, json)?;
    if end == Some(End::Stopped) {
        bail!("stopped: the rest stays where it is, and the same command goes on with it");
    }
    Ok(())
}

struct Redrive<'a> {
    deployment: &'a Deployment,
    turns: Turns,
    most: usize,
    done: Redriven,
    bar: &'a ProgressBar,
}

impl Redrive<'_> {
    async fn all(&mut self, items: Vec<DueItem>) -> anyhow::Result<Option<End>> {
        let end = match self.items(items).await? {
            None => self.messages().await?,
            end => end,
        };
        self.done.more = end.is_some();
        Ok(end)
    }

    /// Why there is no next step, if there is none.
    async fn next(&mut self) -> Option<End> {
        if self.done.all() >= self.most {
            return Some(End::Most);
        }
        match self.turns.next().await {
            Turn::Go => None,
            Turn::Stop => Some(End::Stopped),
        }
    }

    async fn items(&mut self, items: Vec<DueItem>) -> anyhow::Result<Option<End>> {
        for item in items {
            if let Some(end) = self.next().await {
                return Ok(Some(end));
            }
            let now = self.deployment.clock.now();
            if self.deployment.table.redrive(&item, now).await? {
                self.done.items += 1;
            }
            self.bar.inc(1);
        }
        Ok(None)
    }

    async fn messages(&mut self) -> anyhow::Result<Option<End>> {
        let letters = DeadLetters::of(self.deployment)?;
        loop {
            let some = letters.receive().await?;
            if some.is_empty() {
                return Ok(None);
            }
            for message in some {
                if let Some(end) = self.next().await {
                    return Ok(Some(end));
                }
                letters.bring_back(message).await?;
                self.done.messages += 1;
                self.bar.inc(1);
            }
        }
    }
}

fn print(done: &Redriven, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(done);
    }
    let (items, messages) = (
        counted(done.items, "parked item"),
        counted(done.messages, "message"),
    );
    let more = if done.more { "; there may be more" } else { "" };
    output::line(&format!(
        "{items} due again, {messages} back in the queue{more}"
    ))
}
