//! `hooks redrive --plan`: how much there is of what, and why some of it is there. Nothing is changed.

use crate::command::dlq::{self, DeadLetter};
use crate::command::reprocess::counted;
use crate::command::work::{self, State, WorkView};
use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use serde::Serialize;
use shared::store::DueItem;
use std::collections::BTreeMap;

/// How many of each are shown.
const SAMPLE: usize = 10;
/// What a message is called that is none of the worker's.
const NOT_OURS: &str = "not one of this queue's";

/// What would be brought back, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Plan {
    items: Found<WorkView>,
    messages: Found<DeadLetter>,
}

#[derive(Debug, Serialize)]
struct Found<T> {
    #[serde(rename = "found")]
    count: usize,
    /// How many there are of each job.
    jobs: BTreeMap<String, usize>,
    sample: Vec<T>,
}

/// Shows it.
pub async fn show(deployment: &Deployment, items: Vec<DueItem>, json: bool) -> anyhow::Result<()> {
    let views: Vec<WorkView> = items
        .into_iter()
        .map(|item| work::view(item, State::Parked))
        .collect();
    let of_items = jobs(views.iter().map(|view| view.job.unwrap_or("no job")));
    let count = views.len();
    let sample = work::with_problems(deployment, views.into_iter().take(SAMPLE)).await?;
    let items = Found {
        count,
        jobs: of_items,
        sample,
    };
    let letters = dlq::letters(deployment).await?;
    let of_letters = jobs(letters.iter().map(|it| it.job().unwrap_or(NOT_OURS)));
    let count = letters.len();
    let sample = letters.into_iter().take(SAMPLE).collect();
    let messages = Found {
        count,
        jobs: of_letters,
        sample,
    };
    let plan = Plan { items, messages };
    if json {
        return output::json(&plan);
    }
    print(&plan)
}

fn jobs<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut jobs = BTreeMap::new();
    for name in names {
        *jobs.entry(name.to_owned()).or_default() += 1;
    }
    jobs
}

fn print(plan: &Plan) -> anyhow::Result<()> {
    output::line(&heading("parked item", &plan.items))?;
    output::line(&heading("message", &plan.messages))?;
    let mut rows: Vec<[String; 4]> = plan.items.sample.iter().map(item).collect();
    rows.extend(plan.messages.sample.iter().map(letter));
    output::table(["where", "job", "what", "why it is there"], &rows)?;
    output::line("Nothing is changed: without --plan, all of it is brought back.")
}

/// `3 parked items: 2 fold, 1 publish`.
fn heading<T>(noun: &str, found: &Found<T>) -> String {
    let count = counted(found.count, noun);
    let jobs: Vec<String> = found
        .jobs
        .iter()
        .map(|(job, many)| format!("{many} {job}"))
        .collect();
    if jobs.is_empty() {
        return count;
    }
    format!("{count}: {}", jobs.join(", "))
}

fn item(view: &WorkView) -> [String; 4] {
    let attempt = or_dash(view.attempt.as_ref());
    [
        "parked".to_owned(),
        or_dash(view.job),
        format!("{} {attempt}", view.source),
        or_dash(view.problem.as_ref()),
    ]
}

fn letter(letter: &DeadLetter) -> [String; 4] {
    [
        "dead letter".to_owned(),
        letter.job().unwrap_or(NOT_OURS).to_owned(),
        letter.id.clone(),
        or_dash(letter.problem.as_ref()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_says_how_much_of_what_there_is() {
        let mut found = Found::<()> {
            count: 3,
            jobs: jobs(["publish", "fold", "fold"].into_iter()),
            sample: Vec::new(),
        };
        let text = heading("parked item", &found);
        assert_eq!(text, "3 parked items: 2 fold, 1 publish");
        found.jobs.clear();
        found.count = 0;
        assert_eq!(heading("message", &found), "0 messages");
    }
}
