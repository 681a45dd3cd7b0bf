//! The tables, as they stand in `docs/cost.md` between two marks.

use super::bill::{CHARGES, Needs, monthly};
use super::counts::{Counts, SourceCounts, Tally, number};
use super::prices::Prices;
use super::stack::Stack;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- begin: written by `hooks cost --count` -->\n";
const END: &str = "<!-- end -->\n";
const A_MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1e9;

/// All that the tables are made of.
pub struct Page<'a> {
    /// What was counted.
    pub counts: &'a Counts,
    /// What it costs.
    pub prices: &'a Prices,
    /// What there is.
    pub stack: &'a Stack,
}

/// The page with its tables replaced.
pub fn renewed(page: &str, tables: &str) -> anyhow::Result<String> {
    let marks = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = marks.context("docs/cost.md has no marks for the tables")?;
    Ok(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

impl Page<'_> {
    /// All tables.
    pub fn tables(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        writeln!(text, "### A million webhooks\n\n{}", self.million()?)?;
        writeln!(
            text,
            "### Each month, whether anything comes or not\n\n{}",
            self.monthly()?
        )?;
        writeln!(
            text,
            "### What is kept, for each month that it is kept\n\n{}",
            self.kept()?
        )?;
        writeln!(text, "### What was counted, for each webhook\n")?;
        writeln!(text, "New:\n\n{}", self.counted(|source| &source.new))?;
        writeln!(
            text,
            "Repeated:\n\n{}",
            self.counted(|source| &source.repeated)
        )?;
        writeln!(text, "### Prices and assumptions\n\n{}", self.prices()?)?;
        Ok(text.trim_end().to_owned())
    }

    fn names(&self) -> impl Iterator<Item = String> {
        self.counts.sources.keys().cloned()
    }

    fn needs(&self, of: Of) -> impl Iterator<Item = Needs<'_>> {
        let sources = self.counts.sources.iter();
        sources.map(move |(source, counts)| Needs {
            tally: of(counts),
            webhooks: number(counts.webhooks),
            source,
            stack: self.stack,
            prices: self.prices,
        })
    }

    fn million(&self) -> anyhow::Result<String> {
        let mut table = Table::new(
            ["USD".to_owned(), "for each webhook".to_owned()]
                .into_iter()
                .chain(self.names())
                .chain(["mean".to_owned()]),
        );
        let mut sums = vec![0.0; self.counts.sources.len()];
        for charge in CHARGES {
            let costs = self
                .needs(|source| &source.new)
                .map(|needs| charge.usd(&needs));
            let costs: Vec<f64> = costs.collect::<anyhow::Result<_>>()?;
            sums = sums
                .iter()
                .zip(&costs)
                .map(|(sum, cost)| sum + cost)
                .collect();
            table.row(
                [charge.label.into(), charge.formula.into()],
                &millions(&costs),
            );
        }
        table.row(["**all**".into(), String::new()], &millions(&sums));
        let repeated = self.needs(|source| &source.repeated).map(|needs| {
            let costs = CHARGES.iter().map(|charge| charge.usd(&needs));
            costs.sum::<anyhow::Result<f64>>()
        });
        let repeated: Vec<f64> = repeated.collect::<anyhow::Result<_>>()?;
        table.row(
            ["**all**, of repeated ones".into(), String::new()],
            &millions(&repeated),
        );
        Ok(table.text)
    }

    fn monthly(&self) -> anyhow::Result<String> {
        let mut table = Table::new(["what", "how much", "USD"].map(str::to_owned));
        let lines = monthly(self.counts, self.stack, self.prices)?;
        for line in &lines {
            table.row([line.label.into(), line.formula.clone()], &[line.usd]);
        }
        let sum = lines.iter().map(|line| line.usd).sum();
        table.row(["**all**".into(), String::new()], &[sum]);
        Ok(table.text)
    }

    /// Of a million webhooks.
    fn kept(&self) -> anyhow::Result<String> {
        let header = ["USD for a million webhooks", "price of"].map(str::to_owned);
        let header = header.into_iter().chain(self.names());
        let mut table = Table::new(header.chain(["mean".to_owned()]));
        let stored = self.counts.sources.values();
        let stored = stored.map(|it| number(it.stored_bytes) / number(it.webhooks));
        let stored: Vec<f64> = stored.map(|bytes| bytes / GIGABYTE).collect();
        let needs: Vec<Needs<'_>> = self.needs(|source| &source.new).collect();
        let logs = needs.iter().map(Needs::log_gigabytes);
        let reports = needs.iter().map(Needs::report_gigabytes);
        let logs: Vec<f64> = logs.collect::<anyhow::Result<_>>()?;
        let reports: Vec<f64> = reports.collect::<anyhow::Result<_>>()?;
        for (label, price, gigabytes) in [
            ("table and indexes", "table_gb_month", &stored),
            ("point-in-time recovery", "backup_gb_month", &stored),
            ("reports", "object_gb_month", &reports),
            ("logs", "log_gb_month", &logs),
        ] {
            let usd = self.prices.of_one(price)?;
            let costs: Vec<f64> = gigabytes.iter().map(|it| it * usd).collect();
            table.row([label.into(), format!("`{price}`")], &millions(&costs));
        }
        Ok(table.text)
    }

    fn counted(&self, of: Of) -> String {
        let mut table = Table::new(["what".to_owned()].into_iter().chain(self.names()));
        let sources = self.counts.sources.values();
        let calls: BTreeSet<&String> = sources.flat_map(|it| of(it).calls.keys()).collect();
        let each = |value: &dyn Fn(&Tally) -> f64| -> Vec<f64> {
            let needs = self.needs(of);
            needs.map(|it| value(it.tally) / it.webhooks).collect()
        };
        let webhooks: Vec<f64> = self.needs(of).map(|it| it.webhooks).collect();
        table.row(["webhooks counted".into()], &webhooks);
        for call in calls {
            table.row([format!("`{call}`")], &each(&|tally| tally.calls(call)));
        }
        table.row(["write units".into()], &each(&|tally| tally.write_units));
        table.row(["read units".into()], &each(&|tally| tally.read_units));
        table.row(
            ["lines of log".into()],
            &each(&|tally| number(tally.log_lines)),
        );
        table.row(
            ["bytes of log".into()],
            &each(&|tally| number(tally.log_bytes)),
        );
        table.text
    }

    fn prices(&self) -> anyhow::Result<String> {
        let Prices {
            as_of,
            region,
            note,
            ..
        } = self.prices;
        let mut text = format!(
            "{region}, {as_of}. {note}\n\n| price | USD | for | page |\n|---|---:|---|---|\n"
        );
        for (name, price) in &self.prices.by_name {
            let (usd, unit, page) = (price.usd, &price.unit, &price.page);
            writeln!(
                text,
                "| `{name}` | {usd} | {} {unit} | {page} |",
                price.r#for
            )?;
        }
        text.push_str("\n| assumption | value | |\n|---|---:|---|\n");
        for (name, assumption) in &self.prices.assumptions {
            writeln!(
                text,
                "| `{name}` | {} | {} |",
                assumption.value, assumption.why
            )?;
        }
        Ok(text)
    }
}

type Of = fn(&SourceCounts) -> &Tally;

fn millions(costs: &[f64]) -> Vec<f64> {
    with_mean(costs.iter().map(|cost| cost * A_MILLION).collect())
}

fn with_mean(mut costs: Vec<f64>) -> Vec<f64> {
    let sum: f64 = costs.iter().sum();
    costs.push(sum / number(costs.len() as u64));
    costs
}

/// A table of Markdown: texts to the left, numbers to the right.
struct Table {
    text: String,
}

impl Table {
    fn new(header: impl IntoIterator<Item = String>) -> Self {
        let header: Vec<String> = header.into_iter().collect();
        let rule = vec!["---"; header.len()].join("|");
        Self {
            text: format!("| {} |\n|{rule}|\n", header.join(" | ")),
        }
    }

    fn row<const N: usize>(&mut self, texts: [String; N], numbers: &[f64]) {
        let numbers = numbers.iter().map(|number| shown(*number));
        let cells: Vec<String> = texts.into_iter().chain(numbers).collect();
        self.text.push_str("| ");
        self.text.push_str(&cells.join(" | "));
        self.text.push_str(" |\n");
    }
}

/// Two digits behind the point, and none that say nothing.
fn shown(number: f64) -> String {
    let text = format!("{number:.2}");
    text.strip_suffix(".00").unwrap_or(&text).to_owned()
}
