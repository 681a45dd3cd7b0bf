//! What counted calls come to in money: for each kind of thing that is charged for, how much of it a webhook needs.

use super::counts::{Counts, SourceCounts, Tally, number};
use super::prices::Prices;
use super::stack::Stack;
use crate::sources::capitalised;
use anyhow::bail;

const RECEIVE_AND_DELETE: f64 = 2.0;
const GIGABYTE: f64 = 1e9;

/// A kind of thing that is charged for with each webhook.
#[derive(Clone, Copy)]
pub struct Charge {
    /// What it is called.
    pub label: &'static str,
    /// How much of it a webhook needs, as people read it.
    pub formula: &'static str,
    /// Its price, by the name in the price file.
    pub price: &'static str,
    needed: fn(&Needs<'_>) -> anyhow::Result<f64>,
}

/// What a webhook needs is reckoned from this.
pub struct Needs<'a> {
    /// What so many webhooks were counted to cost.
    pub tally: &'a Tally,
    /// How many they are.
    pub webhooks: f64,
    /// Of which source.
    pub source: &'a str,
    /// How large the functions are.
    pub stack: &'a Stack,
    /// What is assumed.
    pub prices: &'a Prices,
}

/// All of them. Every call that can be counted is in one of the formulas: [`unpriced`] says which is not.
pub const CHARGES: [Charge; 11] = [
    Charge {
        label: "API Gateway",
        formula: "1 request",
        price: "api_request",
        needed: |_| Ok(1.0),
    },
    Charge {
        label: "Lambda, requests",
        formula: "1 + messages",
        price: "lambda_request",
        needed: |needs| Ok(1.0 + needs.messages()),
    },
    Charge {
        label: "Lambda, GB-seconds",
        formula: "receiver_ms × its memory + messages × worker_ms × its memory",
        price: "lambda_gb_second",
        needed: |needs| needs.gb_seconds(),
    },
    Charge {
        label: "DynamoDB, writes",
        formula: "write units",
        price: "table_write_unit",
        needed: |needs| Ok(needs.each(needs.tally.write_units)),
    },
    Charge {
        label: "DynamoDB, reads",
        formula: "read units",
        price: "table_read_unit",
        needed: |needs| Ok(needs.each(needs.tally.read_units)),
    },
    Charge {
        label: "SQS",
        formula: "3 × messages: sent, received, deleted",
        price: "queue_request",
        needed: |needs| Ok(needs.messages() * (1.0 + RECEIVE_AND_DELETE)),
    },
    Charge {
        label: "S3, writes",
        formula: "PutObject",
        price: "object_write",
        needed: |needs| Ok(needs.calls(&OBJECT_WRITES)),
    },
    Charge {
        label: "S3, reads",
        formula: "GetObject + HeadObject",
        price: "object_read",
        needed: |needs| Ok(needs.calls(&OBJECT_READS)),
    },
    Charge {
        label: "EventBridge",
        formula: "PutEvents, of one event each",
        price: "bus_event",
        needed: |needs| Ok(needs.calls(&BUS_EVENTS)),
    },
    Charge {
        label: "CloudWatch Logs",
        formula: "log bytes + lines × log_line_overhead_bytes + invocations × platform_log_bytes + access_log_bytes",
        price: "log_gb",
        needed: |needs| needs.log_gigabytes(),
    },
    Charge {
        label: "X-Ray",
        formula: "traces",
        price: "trace",
        needed: |needs| needs.prices.assumed("traces"),
    },
];

const MESSAGES: [&str; 1] = ["sqs SendMessage"];
const OBJECT_WRITES: [&str; 1] = ["s3 PutObject"];
const OBJECT_READS: [&str; 2] = ["s3 GetObject", "s3 HeadObject"];
const BUS_EVENTS: [&str; 1] = ["events PutEvents"];

impl Charge {
    /// How much of it a webhook needs.
    pub fn needed(&self, needs: &Needs<'_>) -> anyhow::Result<f64> {
        (self.needed)(needs)
    }

    /// What it costs for a webhook.
    pub fn usd(&self, needs: &Needs<'_>) -> anyhow::Result<f64> {
        Ok(self.needed(needs)? * needs.prices.of_one(self.price)?)
    }
}

impl Needs<'_> {
    /// The share of one webhook.
    fn each(&self, total: f64) -> f64 {
        total / self.webhooks
    }

    fn calls(&self, names: &[&str]) -> f64 {
        self.each(names.iter().map(|name| self.tally.calls(name)).sum())
    }

    /// Messages to the worker, each of which is at worst an invocation of its own.
    pub fn messages(&self) -> f64 {
        self.calls(&MESSAGES)
    }

    fn gb_seconds(&self) -> anyhow::Result<f64> {
        let receiver = format!("{}Function", capitalised(self.source));
        let receiving = self.prices.assumed("receiver_ms")? * self.stack.memory_gb(&receiver)?;
        let working = self.prices.assumed("worker_ms")? * self.stack.memory_gb("WorkerFunction")?;
        Ok((receiving + self.messages() * working) / 1000.0)
    }

    /// What the reports that come of it take in the bucket.
    pub fn report_gigabytes(&self) -> anyhow::Result<f64> {
        let kilobytes = self.prices.assumed("report_kb")?;
        Ok(self.calls(&OBJECT_WRITES) * kilobytes * 1000.0 / GIGABYTE)
    }

    /// What it leaves in the logs.
    pub fn log_gigabytes(&self) -> anyhow::Result<f64> {
        let lines = self.each(number(self.tally.log_lines));
        let bytes = self.each(number(self.tally.log_bytes))
            + lines * self.prices.assumed("log_line_overhead_bytes")?
            + (1.0 + self.messages()) * self.prices.assumed("platform_log_bytes")?
            + self.prices.assumed("access_log_bytes")?;
        Ok(bytes / GIGABYTE)
    }
}

/// Fails if something was counted that no formula has in it: what it costs would be left out.
pub fn unpriced(counts: &Counts) -> anyhow::Result<()> {
    let sources = counts.sources.values();
    let tallies = sources.flat_map(|SourceCounts { new, repeated, .. }| [new, repeated]);
    for name in tallies.flat_map(|tally| tally.calls.keys()) {
        let in_units = name.starts_with("dynamodb ");
        let in_formulas = [&MESSAGES[..], &OBJECT_WRITES, &OBJECT_READS, &BUS_EVENTS].concat();
        if !in_units && !in_formulas.contains(&name.as_str()) {
            bail!(
                "`{name}` was counted and is in no formula: add it to cli/src/command/cost/bill.rs"
            );
        }
    }
    Ok(())
}

/// Something that costs the same each month, whether anything comes or not.
pub struct Monthly {
    /// What it is called.
    pub label: &'static str,
    /// How many of it there are, as people read it.
    pub formula: String,
    /// What it costs.
    pub usd: f64,
}

/// All of them.
pub fn monthly(counts: &Counts, stack: &Stack, prices: &Prices) -> anyhow::Result<Vec<Monthly>> {
    let hours = prices.assumed("hours_of_a_month")?;
    let sweeps = hours * 60.0;
    let reads = number(counts.secret_reads);
    let polls = prices.assumed("polls_each_minute")?;
    let metrics = prices.assumed("metrics_of_a_route")?;
    let key = prices.assumed("key_requests_each_hour")?;
    let of_kind = |kind: &str| how_many(stack.how_many(kind));
    let secrets = of_kind("AWS::SecretsManager::Secret");
    let alarms = of_kind("AWS::CloudWatch::Alarm");
    let dashboards = of_kind("AWS::CloudWatch::Dashboard");
    let custom = number(counts.custom_metrics);
    let routes = how_many(stack.routes());
    let sweep_ms = prices.assumed("worker_ms")? * stack.memory_gb("WorkerFunction")?;
    let sweep = &counts.sweep;
    let lines = [
        ("secrets", format!("{secrets}"), secrets, "secret_month"),
        (
            "secrets, read",
            format!("{reads} each five minutes, if all functions are warm all month"),
            reads * 12.0 * hours,
            "secret_call",
        ),
        ("alarms", format!("{alarms}"), alarms, "alarm_month"),
        (
            "dashboards",
            format!("{dashboards}"),
            dashboards,
            "dashboard_month",
        ),
        (
            "custom metrics",
            format!("{custom}, if each is sent in every hour"),
            custom,
            "metric_month",
        ),
        (
            "metrics of the API's routes",
            format!("{routes} routes × {metrics}"),
            routes * metrics,
            "metric_month",
        ),
        (
            "sweeps, schedule",
            format!("{sweeps} sweeps: one each minute"),
            sweeps,
            "schedule_invocation",
        ),
        (
            "sweeps, reads",
            format!("{sweeps} × {} read units", sweep.read_units),
            sweeps * sweep.read_units,
            "table_read_unit",
        ),
        (
            "sweeps, Lambda",
            format!("{sweeps} × worker_ms × its memory"),
            sweeps * sweep_ms / 1000.0,
            "lambda_gb_second",
        ),
        (
            "SQS, empty receives and sweeps",
            format!("{polls} each minute, and 3 for each sweep"),
            polls * sweeps + (1.0 + RECEIVE_AND_DELETE) * sweeps,
            "queue_request",
        ),
        (
            "KMS, the table's key",
            format!("{key} each hour"),
            key * hours,
            "key_request",
        ),
    ];
    let priced = lines.into_iter().map(|(label, formula, quantity, price)| {
        let usd = quantity * prices.of_one(price)?;
        Ok(Monthly {
            label,
            formula,
            usd,
        })
    });
    priced.collect()
}

fn how_many(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests;
