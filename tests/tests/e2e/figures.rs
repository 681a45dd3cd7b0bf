//! The figures in `docs/follow-ups.md`, held against the code and the template that they are taken from.

use crate::alarms::alarms;
use crate::stage::root;
use crate::template::text;
use serde_yaml_ng::Value;
use shared::metrics::Metric;
use std::collections::BTreeSet;
use worker::ask_imocha::answer_due;
use worker::sweep::{MOST_TRIES, delay};

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn document() -> String {
    read("docs/follow-ups.md")
}

/// The document without how it is broken into lines.
fn sentences() -> String {
    let text = document();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cells(row: &str) -> Vec<&str> {
    row.trim_matches('|').split('|').map(str::trim).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A constant as the code has it, in words.
fn constant(path: &str, name: &str) -> String {
    let code = read(path);
    let definition = format!("const {name}: Duration = Duration::from_");
    let value = code.split_once(&definition);
    let (_, value) = value.unwrap_or_else(|| panic!("{path} has no {name}"));
    let (unit, rest) = value.split_once('(').unwrap();
    let factors = rest.split_once(')').unwrap().0.split('*');
    let number: u64 = factors
        .map(|it| it.trim().parse::<u64>().unwrap())
        .product();
    let (number, unit) = match (unit, number) {
        ("secs", number) => (number, "second"),
        ("mins", number) => (number, "minute"),
        ("hours", number) if number % 24 == 0 && number > 24 => (number / 24, "day"),
        ("hours", number) => (number, "hour"),
        other => panic!("{other:?}"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[test]
fn every_figure_is_that_of_the_code() {
    let document = document();
    let (_, table) = document.split_once("\n## The figures\n").unwrap();
    let rows = table.lines().filter(|line| line.ends_with("` |"));
    let mut held = 0;
    for row in rows {
        let [_, is, place] = cells(row)[..] else {
            panic!("{row}");
        };
        let [path, name] = quoted(place)[..] else {
            panic!("{row}");
        };
        assert_eq!(is, constant(path, name), "{name}");
        held += 1;
    }
    assert!(held >= 15, "{held}");
}

#[test]
fn what_the_figures_come_to_is_said_rightly() {
    let said = sentences();
    let minutes = |times| answer_due(times).as_secs() / 60;
    let [first, second, third, fourth, last] = [1, 2, 3, 4, 5].map(minutes);
    let waits = format!(
        "again after {first} minutes, then after {second}, {third}, {fourth} and so on, up to {last}"
    );
    assert!(said.contains(&waits), "{waits}");
    let template: Value = serde_yaml_ng::from_str(&text()).unwrap();
    let default = |name: &str| {
        let default = &template["Parameters"][name]["Default"];
        default.as_str().unwrap().parse::<u64>().unwrap()
    };
    let times = default("ImochaAskTimes");
    let all: u64 = (1..=times).map(minutes).sum();
    let given_up = format!("asked `ImochaAskTimes` times, {times} unless set otherwise");
    assert!(said.contains(&given_up), "{given_up}");
    assert!(
        said.contains(&format!("{all} minutes after the first call")),
        "{all}"
    );
    let days = format!(
        "`ReconcileDays` days, {} unless set otherwise",
        default("ReconcileDays")
    );
    assert!(said.contains(&days), "{days}");
    assert!(said.contains(&format!("claimed {MOST_TRIES} times")));
    let hours = (0..MOST_TRIES)
        .map(|tries| delay(tries).as_secs())
        .sum::<u64>()
        / 3600;
    assert!(
        said.contains(&format!("tried {MOST_TRIES} times, about {hours} hours")),
        "{hours}"
    );
    let schedule = text();
    assert!(schedule.contains("rate(6 hours)") && said.contains("begins every 6 hours"));
    assert!(schedule.contains("rate(1 minute)") && said.contains("the sweep, each minute"));
}

#[test]
fn whoever_is_said_to_be_told_can_be() {
    let (document, alarms) = (document(), alarms());
    let metrics: BTreeSet<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let names: BTreeSet<&str> = quoted(&document).into_iter().collect();
    let told = names.iter().filter(|name| name.ends_with("Alarm"));
    let told: Vec<&&str> = told.collect();
    assert!(told.len() >= 6, "{told:?}");
    for name in told {
        assert!(alarms.contains_key(*name), "{name} is no alarm");
    }
    for (_, rest) in document
        .match_indices("metric `")
        .map(|(at, it)| (at, &document[at + it.len()..]))
    {
        let name = rest.split('`').next().unwrap();
        assert!(metrics.contains(name), "{name} is no metric");
    }
}

/// The first cells of the rows of a table, as far as they are words of the code.
fn states(heading: &str, column: usize) -> BTreeSet<String> {
    let document = document();
    let (_, section) = document.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let states = rows.flat_map(|row| {
        let cell = cells(row)[column].to_owned();
        quoted(&cell)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    states.collect()
}

/// The variants of an enum that is serialised in snake case.
fn variants(path: &str, name: &str) -> BTreeSet<String> {
    let code = read(path);
    let (_, body) = code.split_once(&format!("pub enum {name} {{")).unwrap();
    let body = body.split("\n}").next().unwrap();
    let lines = body.lines().map(str::trim);
    let variants = lines.filter(|line| !line.starts_with("///") && line.ends_with(','));
    variants
        .map(|it| it.trim_end_matches(',').to_lowercase())
        .collect()
}

#[test]
fn every_state_has_its_row_and_every_row_its_state() {
    let store = |file: &str| format!("shared/src/store/{file}.rs");
    for (heading, column, file, name) in [
        ("Asking iMocha again", 0, "asked", "AskedOutcome"),
        (
            "Confirming results",
            0,
            "confirmations",
            "ConfirmationOutcome",
        ),
        ("Reconciling", 0, "runs", "RunOutcome"),
        (
            "Registering webhooks",
            0,
            "registrations",
            "RegistrationOutcome",
        ),
        ("Reports", 1, "reports", "ReportOutcome"),
    ] {
        let mut expected = variants(&store(file), name);
        // So it was before reports were kept, and it comes to be no more.
        expected.remove("resolved");
        assert_eq!(states(heading, column), expected, "{heading}");
    }
}
