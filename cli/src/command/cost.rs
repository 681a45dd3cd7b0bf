//! `hooks cost`: what a million webhooks cost, from calls that are counted on a bundle of its own and from a dated price file.
//!
//! The page `docs/cost.md` holds its tables, and `docs/cost-counts.json` what was counted. Counting takes a minute and finds the same
//! each time, as long as the code makes the same calls; `--check` says whether it still does.

mod bill;
mod count;
mod counts;
mod page;
mod prices;
mod stack;

use crate::args::CostArgs;
use crate::output;
use crate::workspace::root;
use anyhow::{Context, bail};
use counts::Counts;
use page::{Page, renewed};
use prices::Prices;
use stack::Stack;
use std::path::Path;

const COUNTS: &str = "docs/cost-counts.json";
const PAGE: &str = "docs/cost.md";
const PRICES: &str = "docs/prices-2026-11.json";
/// A machine that is busy makes a call twice, or leaves something to a sweep.
const TRIES: usize = 3;

/// Prints the tables; counts anew before, or compares, if asked to.
pub async fn run(args: &CostArgs) -> anyhow::Result<()> {
    let root = root()?;
    if args.check {
        return check(&root).await;
    }
    if args.count {
        let counts = counted(&root, None).await?;
        write(
            &root.join(COUNTS),
            &format!("{}\n", serde_json::to_string_pretty(&counts)?),
        )?;
        write(&root.join(PAGE), &current_page(&root)?)?;
    }
    let prices = args.prices.clone();
    output::line(&tables(
        &root,
        &prices.unwrap_or_else(|| root.join(PRICES)),
    )?)
}

/// Fails if the files in the repository do not say what is counted now.
async fn check(root: &Path) -> anyhow::Result<()> {
    let page = std::fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    if page != current_page(root)? {
        bail!("the tables in {PAGE} are outdated: run `cargo run -- cost --count`");
    }
    let there = Counts::read(&root.join(COUNTS))?;
    let counts = counted(root, Some(&there)).await?;
    if !counts.agrees_with(&there) {
        bail!(
            "what webhooks cost has changed: run `cargo run -- cost --count`, and see what it changes in {PAGE}"
        );
    }
    output::line("the calls are those that were counted before")
}

/// Counts, and once more if that fails, or is not as expected.
async fn counted(root: &Path, expected: Option<&Counts>) -> anyhow::Result<Counts> {
    let mut outcome = Err(anyhow::anyhow!("nothing was counted"));
    for _ in 0..TRIES {
        eprintln!("counting on a bundle …");
        outcome = count::count(root).await;
        let fits = |counts: &Counts| expected.is_none_or(|there| counts.agrees_with(there));
        if outcome.as_ref().is_ok_and(fits) {
            break;
        }
    }
    outcome
}

/// The page, with the tables as they would be written.
fn current_page(root: &Path) -> anyhow::Result<String> {
    let page = std::fs::read_to_string(root.join(PAGE)).context(PAGE)?;
    renewed(&page, &tables(root, &root.join(PRICES))?)
}

fn tables(root: &Path, prices: &Path) -> anyhow::Result<String> {
    let counts = Counts::read(&root.join(COUNTS))?;
    bill::unpriced(&counts)?;
    let page = Page {
        counts: &counts,
        prices: &Prices::read(prices)?,
        stack: &Stack::read(root)?,
    };
    page.tables()
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let name = path.display();
    std::fs::write(path, text).with_context(|| format!("{name} could not be written"))
}
