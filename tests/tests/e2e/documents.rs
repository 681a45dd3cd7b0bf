//! The documents held against what they are about: nothing that can be set or read is left out, and no link leads nowhere.

use crate::stage::root;
use crate::template::text;
use serde_yaml_ng::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn document(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// The names in a section of the template.
fn names(section: &str) -> BTreeSet<String> {
    let template: Value = serde_yaml_ng::from_str(&text()).unwrap();
    let names = template[section].as_mapping().unwrap().keys();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The first cell of each row of the table that comes next after a heading.
fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let rows = document.split_once(heading).unwrap().1.lines();
    let table = rows
        .skip_while(|line| !line.starts_with("| `"))
        .take_while(|line| line.starts_with("| `"));
    let cells = table.map(|line| line.split('`').nth(1).unwrap().to_owned());
    cells.collect()
}

#[test]
fn the_guide_to_deploying_has_every_parameter_and_no_other() {
    let documented = first_cells(&document("docs/deploying.md"), "\n## Parameters\n");
    assert_eq!(documented, names("Parameters"));
}

#[test]
fn every_output_of_the_stack_is_documented() {
    let document = document("docs/interfaces.md");
    let section = document.split("\n## ").find(|it| it.starts_with("Outputs"));
    for name in names("Outputs") {
        let quoted = format!("`{name}`");
        assert!(section.unwrap().contains(&quoted), "{name} is missing");
    }
}

#[test]
fn no_link_between_the_documents_leads_nowhere() {
    let mut links = 0;
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in links_of(&text) {
            links += 1;
            let known = leads_somewhere(&path, link);
            assert!(known, "{} links to {link}", path.display());
        }
    }
    assert!(links > 50, "{links}");
}

/// The project's own pages.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/adr", "events"];
    let files = folders.iter().flat_map(|folder| {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path())
    });
    files
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect()
}

fn links_of(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1);
    let links = targets.filter_map(|rest| rest.split(')').next());
    links.filter(|link| !link.starts_with("http"))
}

fn leads_somewhere(from: &Path, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        from.parent().unwrap().join(file)
    };
    if anchor.is_empty() {
        return target.exists();
    }
    let text = std::fs::read_to_string(target).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor_of).any(|known| known == anchor)
}

/// As the hosts of repositories make it: lower case, no punctuation, dashes for spaces.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}
