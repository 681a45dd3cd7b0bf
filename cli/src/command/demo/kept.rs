//! Whether every report that a vendor offered is kept, with the bytes that were fetched.

use crate::bucket::Bucket;
use crate::deployment::Deployment;
use crate::view::AttemptView;
use futures_util::{StreamExt, TryStreamExt, stream};
use shared::event::Report;
use shared::key::attempt_partition;
use shared::store::ReportItem;

const AT_ONCE: usize = 8;

/// What is not kept, or not as it was fetched.
pub async fn missing(
    deployment: &Deployment,
    attempts: &[AttemptView],
) -> anyhow::Result<Vec<String>> {
    let offered = attempts.iter().filter(|attempt| attempt.report.is_some());
    let looks = stream::iter(offered).map(|attempt| of_attempt(deployment, attempt));
    let missing: Vec<Vec<String>> = looks.buffered(AT_ONCE).try_collect().await?;
    Ok(missing.into_iter().flatten().collect())
}

/// All reports of an attempt: an earlier one is not given up for a later.
async fn of_attempt(deployment: &Deployment, attempt: &AttemptView) -> anyhow::Result<Vec<String>> {
    let pk = attempt_partition(&attempt.source, &attempt.attempt);
    let reports = deployment.table.reports(&pk).await?;
    let is_kept = reports.iter().any(|report| report.kept.is_some());
    let mut missing = Vec::new();
    for report in reports {
        // An event without a link may come before the one that has it: then there was nothing to be had at first.
        if is_kept && report.link == Report::OnRequest {
            continue;
        }
        if let Some(problem) = problem(deployment, &report).await? {
            missing.push(format!(
                "a report of the attempt {} of {} {problem}",
                attempt.attempt, attempt.source
            ));
        }
    }
    Ok(missing)
}

async fn problem(deployment: &Deployment, report: &ReportItem) -> anyhow::Result<Option<String>> {
    let Some(kept) = &report.kept else {
        let why = report.problem.as_deref().unwrap_or("it is not fetched yet");
        return Ok(Some(format!("is not kept: {why}")));
    };
    let bytes = Bucket::of(deployment)?.read(kept).await?;
    Ok((!bytes.starts_with(b"%PDF-")).then(|| "is no PDF".to_owned()))
}
