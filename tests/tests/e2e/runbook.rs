//! `docs/runbook.md` held against the stack: an entry for each alarm, and no command that does not exist.

use crate::alarms::{alarms, resources};
use crate::stage::{binaries, root};
use std::collections::BTreeSet;
use tokio::process::Command;

const PARTS: [&str; 5] = [
    "**What it means.**",
    "**Who is affected.**",
    "**First look.**",
    "**How it is mended.**",
    "**When it can be ignored.**",
];
const PROMISES: usize = 8;

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

#[test]
fn every_promise_has_an_alarm_that_there_is() {
    let runbook = runbook();
    let rows: Vec<&str> = runbook
        .lines()
        .filter(|line| {
            line.starts_with("| ") && line[2..].starts_with(|c: char| c.is_ascii_digit())
        })
        .collect();
    assert_eq!(rows.len(), PROMISES);
    let known = alarms();
    for (number, row) in rows.iter().enumerate() {
        assert!(row.starts_with(&format!("| {}. ", number + 1)), "{row}");
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row}");
        for name in named {
            let is_known = known.keys().any(|alarm| alarm.ends_with(name));
            assert!(is_known, "{name} is no alarm");
        }
    }
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

/// Every command of `hooks` in the text: its words, and its options.
fn commands(runbook: &str) -> BTreeSet<(Vec<&str>, Vec<&str>)> {
    let is_word = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let commands = runbook.split(['`', '\n']).filter_map(|line| {
        let parts: Vec<&str> = line.strip_prefix("hooks ")?.split_whitespace().collect();
        let words = parts.iter().copied().take_while(is_word).collect();
        let options = parts.iter().copied().filter(|it| it.starts_with("--"));
        Some((words, options.collect()))
    });
    commands.collect()
}

#[tokio::test]
async fn every_command_in_it_is_one_that_hooks_has() {
    let runbook = runbook();
    let commands = commands(&runbook);
    assert!(commands.len() > 8, "{commands:?}");
    let hooks = binaries().await.join("hooks");
    for (words, options) in commands {
        let help = Command::new(&hooks).args(&words).arg("--help").output();
        let help = help.await.unwrap();
        assert!(help.status.success(), "hooks {words:?}");
        let help = String::from_utf8(help.stdout).unwrap();
        for option in options {
            assert!(help.contains(option), "hooks {words:?} has no {option}");
        }
    }
}
