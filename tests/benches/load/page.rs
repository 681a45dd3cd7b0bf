//! What was measured, as tables in Markdown.

use std::fmt::Write as _;
use std::time::Duration;
use tests::load::bursts::{Outcome, Plan};
use tests::load::growth::{Cost, Row};
use tests::load::processes::early_and_last;

const MIB: u64 = 1024 * 1024;
/// How much larger a process may be at the end than when a tenth was sent: caches and pools fill until then.
const FLAT_PERCENT: u64 = 115;
/// Problems that are told one by one.
const TOLD: usize = 20;

/// Memory of one function: after a tenth of the bursts, and at the end.
type Grown<'a> = (&'a str, u64, u64);

/// What the bursts came to.
pub fn bursts(plan: Plan, outcome: &Outcome) -> String {
    let mut page = "| bursts | |\n|---|---|\n".to_owned();
    let mut row = |what: &str, value: String| {
        // Writing to a String does not fail.
        let _ = writeln!(page, "| {what} | {value} |");
    };
    let burst = plan.burst.min(plan.deliveries);
    row(
        "deliveries accepted",
        format!(
            "{}: {} one at a time, then {} in bursts of {burst}, {} at once",
            outcome.accepted_alone + outcome.accepted,
            outcome.accepted_alone,
            outcome.accepted,
            plan.at_once
        ),
    );
    row(
        "of webhooks",
        format!("{}, of {} attempts", outcome.webhooks, outcome.attempts),
    );
    row(
        "turned away and sent again",
        outcome.turned_away.to_string(),
    );
    row("**lost**", format!("**{}**", outcome.wrong.lost.len()));
    row(
        "**doubled**",
        format!("**{}**", outcome.wrong.doubled.len()),
    );
    row(
        "changes published",
        format!(
            "{}, {} of them again",
            outcome.published, outcome.published_again
        ),
    );
    let processes: Vec<String> = outcome
        .processes
        .alive()
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    row("processes", processes.join(", "));
    row(
        "acknowledged in a second, while a burst comes",
        each_second(outcome.accepted, outcome.sending),
    );
    row(
        "settled in a second, all that follows included",
        each_second(outcome.accepted, outcome.settling),
    );
    for percent in [50, 99] {
        let (alone, burst) = (
            outcome.alone.percentile(percent),
            outcome.acknowledged.percentile(percent),
        );
        row(
            &format!("acknowledgement, p{percent}"),
            format!(
                "{} × that of one that comes alone ({} and {})",
                ratio(burst, alone),
                ms(burst),
                ms(alone)
            ),
        );
    }
    for (function, early, last) in grown(outcome) {
        let percent = last * 100 / early.max(1);
        row(
            &format!("memory of {function}"),
            format!("{} MiB, {percent} % of when a tenth was sent", last / MIB),
        );
    }
    page
}

/// What makes it a failure.
pub fn problems(outcome: &Outcome) -> Vec<String> {
    let wrong = &outcome.wrong;
    let lost = wrong.lost.iter().map(|it| format!("lost: {it}"));
    let doubled = wrong.doubled.iter().map(|it| format!("doubled: {it}"));
    let mut problems: Vec<String> = lost.chain(doubled).take(TOLD).collect();
    // What another one has grown to is gone with it.
    let ended = outcome
        .processes
        .ended
        .iter()
        .filter(|(_, ended)| **ended > 0);
    problems
        .extend(ended.map(|(function, ended)| format!("{ended} processes of {function} ended")));
    let larger = grown(outcome).into_iter();
    let larger = larger.filter(|(_, early, last)| last * 100 > early * FLAT_PERCENT);
    problems.extend(larger.map(|(function, early, last)| {
        format!(
            "the memory of {function} has grown from {} to {} MiB",
            early / MIB,
            last / MIB
        )
    }));
    problems
}

/// What webhooks cost, each beside the first of its kind.
pub fn costs(of: &str, rows: &[Row]) -> String {
    let mut page = format!(
        "| {of} | calls | read units | write units | receiver's time | worker's time |\n|---|---|---|---|---|---|\n"
    );
    let first = rows.first().map(|row| row.cost).unwrap_or_default();
    for Row { of, cost } in rows {
        let Cost {
            calls,
            read_units,
            write_units,
            receiver,
            worker,
        } = cost;
        let (receiver, worker) = (
            ratio(*receiver, first.receiver),
            ratio(*worker, first.worker),
        );
        let _ = writeln!(
            page,
            "| {of} | {calls:.1} | {read_units:.1} | {write_units:.1} | × {receiver} | × {worker} |"
        );
    }
    page
}

/// Nothing, where there are too few bursts.
fn grown(outcome: &Outcome) -> Vec<Grown<'_>> {
    let Some((early, last)) = early_and_last(&outcome.memory) else {
        return Vec::new();
    };
    let grown = last
        .iter()
        .map(|(name, last)| (name.as_str(), early[name], *last));
    grown.filter(|(_, early, _)| *early > 0).collect()
}

fn each_second(count: usize, time: Duration) -> String {
    let each = count as u128 * 1000 / time.as_millis().max(1);
    each.to_string()
}

fn ratio(time: Duration, beside: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / beside.as_secs_f64())
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
