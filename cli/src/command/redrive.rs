//! `hooks redrive`: brings back what was parked, and the messages of the dead-letter queue.
//!
//! One after the other, so that it can be stopped: what is not brought back by then stays where it is, and the same command goes
//! on with it. A message that was sent since it began has failed again, and stays as well; so does what SQS does not give, and
//! what there is by its count is said then.

mod plan;

use crate::args::RedriveArgs;
use crate::command::reprocess::{counted, progress_bar};
use crate::command::turns::{Turn, Turns};
use crate::dead_letters::DeadLetters;
use crate::deployment::Deployment;
use crate::output;
use anyhow::{Context, bail};
use indicatif::ProgressBar;
use serde::Serialize;
use shared::queue::Queue;
use shared::store::DueItem;
use shared::timestamp::Timestamp;

/// What was brought back, as `--json` prints it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Redriven {
    items: usize,
    messages: usize,
    /// Whether there may be more: it was stopped, `--max` was reached, messages came meanwhile, or SQS did not give them all.
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
    let end = redrive.all(items).await;
    let done = redrive.done;
    bar.finish_and_clear();
    print(&done, json)?;
    let rest = "the rest stays where it is, and the same command goes on with it";
    match end.context(rest)? {
        Some(End::Stopped) => bail!("stopped: {rest}"),
        Some(End::Most) | None => Ok(()),
    }
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
        let end = match self.items(items).await {
            Ok(None) => self.messages().await,
            end => end,
        };
        self.done.more |= !matches!(end, Ok(None));
        end
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
        let began = self.deployment.clock.now();
        let mut letters = DeadLetters::of(self.deployment).await?;
        let end = self.letters(&mut letters, began).await;
        let left = letters.close().await;
        self.done.more |= left.seen > 0 || left.unseen > 0;
        end
    }

    async fn letters(
        &mut self,
        letters: &mut DeadLetters<'_>,
        began: Timestamp,
    ) -> anyhow::Result<Option<End>> {
        let queue = self.deployment.queue()?;
        while let Some(letter) = letters.next().await? {
            if letter.sent_ms >= began.unix_ms() {
                continue;
            }
            if let Some(end) = self.next().await {
                return Ok(Some(end));
            }
            // It is in the queue again before it is deleted here: at worst it is there twice.
            queue.send(letter.body.clone()).await?;
            letters.delete(&letter).await?;
            self.done.messages += 1;
            self.bar.inc(1);
        }
        Ok(None)
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
