//! What was broken in all stories: each kind of fault against everyone that is called. What is never broken proves nothing.

use super::callee::Callee;
use super::dice::Kind;
use super::plan::Broken;
use std::collections::BTreeMap;
use std::fmt;

/// What the queue does to messages that it hands out.
pub const QUEUE: &str = "messages";
/// Each in the order of [`local::faults::HandOut`].
pub const HAND_OUTS: [&str; 3] = ["handed out later", "handed out again", "lost"];

/// How often each kind of fault befell each callee.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, &'static str), u64>);

impl Tally {
    /// With these.
    pub fn add(&mut self, broken: &[Broken]) {
        for it in broken {
            *self.0.entry((it.kind, it.callee)).or_default() += 1;
        }
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<String> {
        let missing = cells().filter(|cell| self.count(*cell) == 0);
        missing
            .map(|(kind, callee)| format!("{callee} {kind}"))
            .collect()
    }

    /// How much was broken in all.
    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    fn count(&self, cell: (&'static str, &'static str)) -> u64 {
        self.0.get(&cell).copied().unwrap_or_default()
    }
}

/// All that may happen.
fn cells() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_call = |kind: Kind| Callee::all().map(move |callee| (kind.name(), callee.name()));
    let of_message = HAND_OUTS.into_iter().map(|kind| (kind, QUEUE));
    Kind::ALL.into_iter().flat_map(of_call).chain(of_message)
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<17}", "")?;
        for callee in Callee::all() {
            write!(formatter, "{:>10}", callee.name())?;
        }
        for kind in Kind::ALL {
            write!(formatter, "\n{:<17}", kind.name())?;
            for callee in Callee::all() {
                let count = self.count((kind.name(), callee.name()));
                write!(formatter, "{count:>10}")?;
            }
        }
        for kind in HAND_OUTS {
            let count = self.count((kind, QUEUE));
            write!(formatter, "\n{QUEUE} {kind}: {count}")?;
        }
        Ok(())
    }
}

#[test]
fn promise_5_what_is_never_broken_is_told() {
    let tally = Tally::default();
    let missing = tally.missing();
    assert_eq!(missing.len(), 8 * 9 + 3);
    assert!(
        missing.contains(&"S3 killed after".to_owned()),
        "{missing:?}"
    );
    let all = Tally(cells().map(|cell| (cell, 1)).collect());
    assert!(all.missing().is_empty());
    assert_eq!(all.sum(), 75);
}
