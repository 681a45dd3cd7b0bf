//! Every command that a document shows is one that this command line takes, and every command is documented.

use super::Cli;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How a document says it: by its name, or by what runs it in the workspace.
const BEGINNINGS: [&str; 2] = ["hooks ", "cargo run -- "];
/// What ends a command in a shell.
const ENDS: [&str; 8] = ["|", "<", ">", "#", "&&", ";", ";;", "2>&1"];
/// What a mention may leave out that a line to be typed may not.
const LEFT_OUT: [ErrorKind; 3] = [
    ErrorKind::MissingRequiredArgument,
    ErrorKind::MissingSubcommand,
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
];
/// What stands in documents for what has to be of a form.
const PLACEHOLDERS: [(&str, &str); 6] = [
    ("STATUS", "completed"),
    ("TIME", "2026-01-15"),
    ("N", "1"),
    ("KIND", "start"),
    ("<ids>", "1"),
    ("…", "1"),
];

/// A command as a document shows it.
#[derive(Debug)]
struct Shown {
    document: String,
    text: String,
    words: Vec<String>,
    /// In a block of lines to be typed, and not in the midst of a sentence.
    whole: bool,
}

impl Shown {
    /// The command in a text that begins with one, if it does.
    fn of(document: &str, text: &str, whole: bool) -> Option<Self> {
        let text = text.trim().trim_start_matches("$ ");
        let command = BEGINNINGS.iter().find_map(|it| text.strip_prefix(it))?;
        let words = command.split_whitespace();
        let words = words.take_while(|word| !ENDS.contains(word));
        Some(Self {
            document: document.to_owned(),
            text: text.to_owned(),
            words: words
                .map(|word| word.trim_matches(['"', '\'']).to_owned())
                .collect(),
            whole,
        })
    }

    /// Whether it is written as what can be said, such as `[--port 9000]`, and not as something to say.
    fn is_notation(&self) -> bool {
        let signs = ["[", "]", "\\|"];
        self.words
            .iter()
            .any(|it| signs.iter().any(|sign| it.contains(sign)))
            || self
                .words
                .iter()
                .any(|word| word.ends_with('…') && word.len() > '…'.len_utf8())
    }

    /// What it would be as typed. A mention may name an option without its value.
    fn typed(&self) -> impl Iterator<Item = &str> {
        let last = self.words.last();
        let is_cut_off = !self.whole && last.is_some_and(|word| word.starts_with("--"));
        let words = self.words.len() - usize::from(is_cut_off);
        let typed = self.words.iter().take(words).map(|word| {
            let stands_for = PLACEHOLDERS.iter().find(|(name, _)| name == word);
            stands_for.map_or(word.as_str(), |(_, value)| value)
        });
        ["hooks"].into_iter().chain(typed)
    }

    /// What is wrong with it.
    fn fault(&self) -> Option<String> {
        let fault = unknown(&self.words).or_else(|| {
            let error = Cli::try_parse_from(self.typed()).err()?;
            let may_be_so = self.is_notation() || !self.whole && LEFT_OUT.contains(&error.kind());
            (!may_be_so).then(|| error.to_string())
        })?;
        Some(format!("{}: `{}`: {fault}", self.document, self.text))
    }
}

/// A word that is no command where it stands, or an option that the command has not.
fn unknown(words: &[String]) -> Option<String> {
    let mut command = Cli::command();
    command.build();
    let mut command = &command;
    for word in words {
        let name = word.trim_matches(['[', ']', '…', ',']);
        if let Some(option) = name.strip_prefix("--") {
            let option = option.split('=').next().unwrap();
            let is_known = command
                .get_arguments()
                .any(|it| it.get_long() == Some(option));
            if !is_known && !["help", "version"].contains(&option) {
                return Some(format!("`{}` has no --{option}", command.get_name()));
            }
        } else if let Some(inner) = command.find_subcommand(name) {
            command = inner;
        } else if command.has_subcommands() && !word.starts_with('-') {
            return Some(format!("`{}` has no command `{name}`", command.get_name()));
        }
    }
    None
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every document that somebody who works with the project reads.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/adr", "events"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            // What was true of an earlier version stands in the changelog.
            let is_current = path.file_name().is_some_and(|it| it != "CHANGELOG.md");
            if is_current && path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// All commands in a document: the lines of its blocks, and what stands between single backticks.
fn shown_in(document: &str, text: &str) -> Vec<Shown> {
    let mut shown = Vec::new();
    for (number, block) in text.split("```").enumerate() {
        if number % 2 == 1 {
            let lines = block.lines().skip(1);
            shown.extend(lines.filter_map(|line| Shown::of(document, line, true)));
        } else {
            for paragraph in block.split("\n\n") {
                let spans = paragraph.split('`').skip(1).step_by(2);
                let spans = spans.map(|span| span.replace('\n', " "));
                shown.extend(spans.filter_map(|span| Shown::of(document, &span, false)));
            }
        }
    }
    shown
}

fn all() -> Vec<Shown> {
    let documents = documents().into_iter().flat_map(|path| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        shown_in(&name, &std::fs::read_to_string(&path).unwrap())
    });
    documents.collect()
}

#[test]
fn every_command_in_a_document_is_one_that_there_is() {
    let shown = all();
    let by = |document: &str| shown.iter().filter(|it| it.document == document).count();
    for (document, least) in [
        ("README.md", 5),
        ("docs/runbook.md", 20),
        ("docs/rotating-secrets.md", 15),
        ("docs/deploying.md", 5),
        ("docs/local.md", 2),
        ("docs/cost.md", 3),
    ] {
        assert!(by(document) >= least, "{document}: {}", by(document));
    }
    let faults: Vec<String> = shown.iter().filter_map(Shown::fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_command_that_there_is_not_is_found() {
    for (line, says) in [
        ("hooks work lst", "has no command `lst`"),
        ("hooks secrets status --all", "has no --all"),
        ("hooks demo --seed one", "invalid value"),
        ("hooks dlq list 7", "unexpected argument"),
        ("hooks cost --count --check", "cannot be used with"),
        ("hooks secrets rotate", "required"),
        ("cargo run -- events shw ID", "has no command `shw`"),
    ] {
        let fault = Shown::of("d", line, true).unwrap().fault();
        let fault = fault.unwrap_or_else(|| panic!("{line} passes"));
        assert!(fault.contains(says), "{line}: {fault}");
    }
    for mention in ["hooks secrets rotate", "hooks work", "hooks events show ID"] {
        assert_eq!(Shown::of("d", mention, false).unwrap().fault(), None);
    }
    assert!(Shown::of("d", "webhooks of a vendor", false).is_none());
}

/// The commands that do something, each with the words that lead to it.
fn leaves(command: &clap::Command, words: &str) -> BTreeSet<String> {
    let inner = command
        .get_subcommands()
        .filter(|it| it.get_name() != "help");
    let inner: BTreeSet<String> = inner
        .flat_map(|it| leaves(it, format!("{words} {}", it.get_name()).trim()))
        .collect();
    if inner.is_empty() {
        return BTreeSet::from([words.to_owned()]);
    }
    inner
}

#[test]
fn the_list_of_commands_is_of_all_and_of_those_that_there_are() {
    let text = std::fs::read_to_string(root().join("docs/interfaces.md")).unwrap();
    let table = text.split("\n## `hooks`\n").nth(1).unwrap();
    let table = table.split("\nExit codes").next().unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<Shown> = rows
        .flat_map(|row| {
            let cell = format!("`{}", row.split("` | ").next().unwrap());
            let spans: Vec<String> = cell
                .split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect();
            spans
        })
        .filter(|span| !span.starts_with('['))
        .map(|span| Shown::of("docs/interfaces.md", &format!("hooks {span}"), false).unwrap())
        .collect();
    let faults: Vec<String> = listed.iter().filter_map(Shown::fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for leaf in leaves(&Cli::command(), "") {
        let is_listed = listed
            .iter()
            .any(|it| it.words.join(" ").starts_with(&leaf));
        assert!(is_listed, "docs/interfaces.md does not list `hooks {leaf}`");
    }
}
