//! `hooks demo`: the main job from start to finish, on the vendors' payloads, through the real functions.

pub mod deliveries;
mod kept;
mod published;
mod report;
pub mod stage;

use crate::args::DemoArgs;
use crate::command::reprocess::{self, how_many};
use crate::command::tail::Subscription;
use crate::sources;
use crate::view;
use crate::workspace;
use deliveries::{Bulk, Deliveries};
use indicatif::ProgressBar;
use published::Published;
use report::{ImochaCounts, Report};
use shared::clock::Clock;
use shared::store::AskedOutcome;
use stage::Stage;
use std::num::NonZeroU32;
use std::path::Path;

/// Runs it, prints what came of it, and fails if anything is missing.
pub async fn run(args: &DemoArgs, json: bool) -> anyhow::Result<()> {
    let root = workspace::root()?;
    let (clock, began) = (Clock::system(), Clock::system().now());
    eprintln!("building the functions and starting the bundle …");
    let stage = Stage::set(&root).await?;
    let played = play(&stage, &root, args.seed).await;
    stage.clear().await;
    let mut report = played?;
    report.elapsed_ms = clock.now().unix_ms() - began.unix_ms();
    report.print(json)?;
    report.complain()
}

async fn play(stage: &Stage, root: &Path, seed: u64) -> anyhow::Result<Report> {
    let deployment = &stage.deployment;
    let mut deliveries = Deliveries::default();
    let bus = Subscription::new(deployment)?;
    let inbox = published::listen(&bus).await?;

    let files = deliveries::files(root)?;
    eprintln!(
        "posting the {} files under events/ twice, in a shuffled order …",
        files.len()
    );
    deliveries::remember(stage, &files)?;
    deliveries.post_files(stage, files, seed).await?;

    let bulk = Bulk::new(root, &stage.links)?;
    eprintln!("posting {} results of iMocha …", bulk.len());
    deliveries.post_bulk(stage, &bulk).await?;
    stage.until_settled().await?;

    eprintln!("having iMocha send all of them again …");
    let ids = bulk.ids();
    reprocess::ask(deployment, &ids, &ProgressBar::hidden()).await?;
    let unsettled = stage.until_settled().await?;

    let outcomes = reprocess::outcomes(deployment, &ids).await?;
    let events = view::events(deployment, &sources::ALL, NonZeroU32::MIN.saturating_add(1)).await?;
    let attempts = view::attempts(deployment, &events).await?;
    let mut missing = deliveries.missing(deployment, &events).await?;
    missing.extend(kept::missing(deployment, &attempts).await?);
    let published = Published::take(&bus, &inbox, &attempts).await?;
    missing.extend(published.missing(&attempts));
    Ok(Report {
        deliveries: deliveries.counts,
        imocha: ImochaCounts {
            ids_asked: ids.len(),
            calls: stage.imocha.calls().len(),
            answered: how_many(&outcomes, AskedOutcome::Answered),
            failed: how_many(&outcomes, AskedOutcome::Failed),
            foreign: how_many(&outcomes, AskedOutcome::Foreign),
        },
        bulk: ids.iter().map(ToString::to_string).collect(),
        published: published.counts(),
        events,
        attempts,
        missing,
        unsettled,
        elapsed_ms: 0,
    })
}
