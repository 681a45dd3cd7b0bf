//! `hooks demo`: the main job from start to finish, on the vendors' payloads, through the real functions.

pub mod deliveries;
mod follow_ups;
mod held;
mod kept;
mod plan;
mod published;
mod registration;
mod report;
pub mod results;
pub mod stage;

use crate::args::DemoArgs;
use crate::command::reprocess::{self, how_many};
use crate::command::tail::Subscription;
use crate::sources;
use crate::view;
use crate::workspace;
use deliveries::Deliveries;
use follow_ups::{ForeignIds, InVain, Reconciled};
use futures_util::future::try_join4;
use held::Held;
use indicatif::ProgressBar;
use plan::{Ids, Plan};
use published::Published;
use registration::Called;
use report::{ImochaCounts, Report};
use results::Results;
use shared::clock::Clock;
use shared::event::Status;
use shared::store::AskedOutcome;
use stage::Stage;
use std::collections::BTreeSet;
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
    let (plan, mut deliveries) = (Plan::of(seed), Deliveries::default());
    let bus = Subscription::new(deployment)?;
    let inbox = published::listen(&bus).await?;
    follow_ups::prepare(stage, root, &plan)?;
    post(stage, root, &mut deliveries, &plan, seed).await?;
    stage.until_settled().await?;

    eprintln!("having iMocha send all of them again …");
    let ids: BTreeSet<i64> = plan.bulk.clone().collect();
    reprocess::ask(deployment, &ids, &ProgressBar::hidden()).await?;
    // What follows looks for due work ahead of its time.
    stage.until_settled().await?;
    let came = follow_up(stage, root, &plan).await?;
    let registered = came.called.note(&mut deliveries);
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
            calls: follow_ups::calls_for(stage, &ids),
            answered: how_many(&outcomes, AskedOutcome::Answered),
            failed: how_many(&outcomes, AskedOutcome::Failed),
            foreign: how_many(&outcomes, AskedOutcome::Foreign),
        },
        held: Held {
            reconciled: Reconciled {
                cancelled: follow_ups::stored(&events, &attempts, Status::Cancelled),
                expired: follow_ups::stored(&events, &attempts, Status::Expired),
                ..came.reconciled
            },
            foreign: came.foreign,
            unanswered: InVain {
                results_read: follow_ups::completed(&attempts, &plan.silent),
                ..came.unanswered
            },
            confirmed: follow_ups::confirmations(stage, &attempts, &plan).await?,
            registered,
            ask_times: stage.ask_times()?,
            plan,
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

/// All that vendors post by themselves.
async fn post(
    stage: &Stage,
    root: &Path,
    deliveries: &mut Deliveries,
    plan: &Plan,
    seed: u64,
) -> anyhow::Result<()> {
    let files = deliveries::files(root)?;
    eprintln!(
        "posting the {} files under events/ twice, in a shuffled order …",
        files.len()
    );
    deliveries::remember(stage, &files)?;
    deliveries.post_files(stage, files, seed).await?;

    let results = |ids: &Ids| Results::of(root, &stage.links, ids.clone());
    let bulk = results(&plan.bulk)?;
    eprintln!("posting {} results of iMocha …", bulk.len());
    for (results, is_asked_for) in [
        (bulk, true),
        (results(&plan.beside)?, true),
        (results(&plan.contradicted)?, false),
    ] {
        deliveries.post_results(stage, &results).await?;
        if is_asked_for {
            deliveries.expect_callbacks(&results);
        }
    }
    deliveries.expect_callbacks(&results(&plan.missed)?);
    Ok(())
}

/// What came of the follow-ups.
struct Came {
    reconciled: Reconciled,
    foreign: ForeignIds,
    unanswered: InVain,
    called: Called,
}

/// All that is done about what is missing, at once.
async fn follow_up(stage: &Stage, root: &Path, plan: &Plan) -> anyhow::Result<Came> {
    eprintln!(
        "comparing with what iMocha lists, asking for what it does not have, and for what it never sends, as if hours passed …"
    );
    eprintln!("registering at Xobin where it is to call …");
    let files = deliveries::files(root)?;
    let (reconciled, foreign, unanswered, called) = try_join4(
        follow_ups::reconcile(stage),
        follow_ups::ask_for_foreign(stage, plan),
        follow_ups::ask_in_vain(stage, plan),
        registration::register(stage, &files),
    )
    .await?;
    Ok(Came {
        reconciled,
        foreign,
        unanswered,
        called,
    })
}
