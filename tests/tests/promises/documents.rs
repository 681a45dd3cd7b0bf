//! `docs/promises.md` names tests, and each of them is there.

use std::collections::BTreeSet;
use std::path::Path;
use tests::stage::root;

const PROMISES: std::ops::RangeInclusive<usize> = 1..=8;
/// Shorter ones are names of other things.
const WORDS_OF_A_TEST: usize = 4;

fn page() -> String {
    std::fs::read_to_string(root().join("docs/promises.md")).unwrap()
}

/// The names of all functions of Rust in a directory.
fn functions(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|it| it != "target") {
            functions(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text
                .split("fn ")
                .skip(1)
                .filter_map(|it| it.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_test_that_is_said_to_break_a_promise_is_there() {
    let mut there = BTreeSet::new();
    for part in ["shared", "functions", "local", "cli", "tests"] {
        functions(&root().join(part), &mut there);
    }
    let page = page();
    let quoted = page.split('`').skip(1).step_by(2);
    let is_test = |name: &&str| {
        name.split('_').count() >= WORDS_OF_A_TEST
            && name
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
    };
    let named: Vec<&str> = quoted.filter(is_test).collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|it| !there.contains(**it)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_promise_says_what_it_leans_on_what_breaks_it_and_what_it_is_not() {
    let page = page();
    let sections: Vec<&str> = page.split("\n## Promise ").skip(1).collect();
    assert_eq!(sections.len(), PROMISES.count());
    for (number, section) in PROMISES.zip(sections) {
        assert!(section.starts_with(&format!("{number}: ")), "{section:.40}");
        for part in [
            "**What, to whom.**",
            "**Leans on**",
            "**Broken by**",
            "**Not promised:**",
        ] {
            assert!(section.contains(part), "promise {number}: {part}");
        }
    }
}
