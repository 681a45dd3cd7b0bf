//! `docs/runbook.md` held against the stack: an entry for each alarm, and an alarm for each promise. Its commands are held by
//! `cli/src/args/documented.rs`.

use crate::alarms::{alarms, resources};
use crate::stage::root;
use crate::template::sources;
use std::collections::BTreeSet;

const PARTS: [&str; 5] = [
    "**What it means.**",
    "**Who is affected.**",
    "**First look.**",
    "**How it is mended.**",
    "**When it can be ignored.**",
];
/// What tells when a promise is in danger, promise by promise, each alarm by its whole name; `+` stands for the four sources.
const PROMISES: [&[&str]; 8] = [
    &["RefusedAlarm", "ContradictedAlarm"],
    &[
        "ApiServerErrorAlarm",
        "ApiThrottledAlarm",
        "+ErrorsAlarm",
        "+ThrottlesAlarm",
    ],
    &["UnreadableAlarm"],
    &["OldestWorkAlarm", "WorkerErrorsAlarm"],
    &[
        "ParkedAlarm",
        "DeadLetterQueueAlarm",
        "OldestWorkAlarm",
        "NoSweepAlarm",
        "QueueAgeAlarm",
        "WorkerErrorsAlarm",
        "WorkerThrottlesAlarm",
    ],
    &[
        "ReportsLostAlarm",
        "ParkedAlarm",
        "VendorKeyAlarm",
        "VendorOutAlarm",
    ],
    &["UnansweredAlarm", "VendorKeyAlarm", "VendorOutAlarm"],
    &["PersonalDataAlarm"],
];
/// What no promise can cover: a vendor that does not call, and what a function logs that nothing else tells.
const OF_NO_PROMISE: [&str; 2] = ["+SilenceAlarm", "ErrorLinesAlarm"];

fn runbook() -> String {
    std::fs::read_to_string(root().join("docs/runbook.md")).unwrap()
}

/// Each entry's alarms, and its text.
fn entries(runbook: &str) -> Vec<(BTreeSet<String>, &str)> {
    let entries = runbook.split("\n### ").skip(1);
    let entries = entries.map(|entry| {
        let (heading, text) = entry.split_once('\n').unwrap();
        let alarms = heading.split(", ").map(str::to_owned).collect();
        // The next chapter is none of this entry's.
        (alarms, text.split("\n## ").next().unwrap())
    });
    entries.collect()
}

#[test]
fn every_alarm_has_one_entry_and_every_entry_its_alarm() {
    let runbook = runbook();
    let documented: Vec<String> = entries(&runbook)
        .into_iter()
        .flat_map(|(alarms, _)| alarms)
        .collect();
    let once: BTreeSet<String> = documented.iter().cloned().collect();
    assert_eq!(once.len(), documented.len(), "an alarm has two entries");
    assert_eq!(once, alarms().into_keys().collect());
}

#[test]
fn every_entry_says_all_that_is_needed_and_gives_a_command_to_begin_with() {
    let runbook = runbook();
    for (alarms, text) in entries(&runbook) {
        let places: Vec<_> = PARTS.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some), "{alarms:?}: {places:?}");
        assert!(places.is_sorted(), "{alarms:?}");
        let first_look = text.split(PARTS[2]).nth(1).unwrap();
        let first_look = first_look.split(PARTS[3]).next().unwrap();
        assert!(first_look.contains("```sh\n"), "{alarms:?}");
    }
}

/// The names of alarms, with a `+` spelt out.
fn spelt_out(names: &[&str]) -> BTreeSet<String> {
    let each = names.iter().flat_map(|name| match name.strip_prefix('+') {
        Some(kind) => sources()
            .iter()
            .map(|source| source.logical_id.replace("Function", kind))
            .collect(),
        None => vec![(*name).to_owned()],
    });
    each.collect()
}

#[test]
fn every_promise_has_the_alarms_that_tell_of_it() {
    let runbook = runbook();
    let rows: Vec<&str> = runbook
        .lines()
        .filter(|line| {
            line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit())
        })
        .collect();
    assert_eq!(rows.len(), PROMISES.len());
    for (number, (row, expected)) in rows.iter().zip(PROMISES).enumerate() {
        assert!(row.starts_with(&format!("| {}. ", number + 1)), "{row}");
        let named: BTreeSet<&str> = row.split('`').skip(1).step_by(2).collect();
        let expected: BTreeSet<&str> = expected
            .iter()
            .map(|it| it.trim_start_matches('+'))
            .collect();
        assert_eq!(named, expected, "promise {}", number + 1);
    }
}

#[test]
fn every_alarm_is_of_a_promise_or_said_to_be_of_none() {
    let of_a_promise: BTreeSet<String> = PROMISES.iter().flat_map(|it| spelt_out(it)).collect();
    let of_none = spelt_out(&OF_NO_PROMISE);
    assert!(of_a_promise.is_disjoint(&of_none));
    let known: BTreeSet<String> = alarms().into_keys().collect();
    let named: BTreeSet<String> = of_a_promise.union(&of_none).cloned().collect();
    assert_eq!(named, known);
}

#[test]
fn the_promises_are_those_of_their_own_document() {
    let promises = std::fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let headings = promises
        .lines()
        .filter_map(|it| it.strip_prefix("## Promise "));
    let numbers: Vec<usize> = headings
        .map(|heading| heading.split(':').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers, (1..=PROMISES.len()).collect::<Vec<_>>());
}

#[test]
fn the_log_groups_that_are_looked_at_are_there() {
    let runbook = runbook();
    let groups = resources("AWS::Logs::LogGroup");
    let words = runbook.split(|c: char| !c.is_alphanumeric());
    let named: BTreeSet<&str> = words
        .filter(|word| word.ends_with("LogGroup") && *word != "LogGroup")
        .collect();
    assert!(named.len() > 4, "{named:?}");
    for name in named {
        assert!(groups.contains_key(name), "{name}");
    }
}
