//! What one webhook costs, as what is there already grows: the table, an attempt's history, the body.
//!
//! Webhooks are sent one at a time to one process of each function, each when nothing of the one before is left to do. What is counted are
//! the calls of the functions and the request units of the table, which are the same each time; the time on a processor is measured.

mod filling;

use super::candidates::{Candidates, Webhook};
use super::processes::{self, Each};
use super::sending::send;
use super::{Settings, everybody, truth};
use crate::everybody::Everybody;
use fastrand::Rng;
use std::path::PathBuf;
use std::time::Duration;

const WORKER: &str = "WorkerFunction";
const SECRETS: &str = "secretsmanager";
/// One at each of the ways in, before anything is counted.
const FIRST: usize = 5;
/// Webhooks that come to each length of a history: few, since each makes it longer.
const NEXT: usize = 4;
/// Webhooks of each size of a body.
const WEBHOOKS: usize = 10;

/// What a webhook costs, on average.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Calls of AWS, reading secrets aside.
    pub calls: f64,
    /// Request units of the table's reads.
    pub read_units: f64,
    /// Request units of its writes.
    pub write_units: f64,
    /// For how long the function that received it was on a processor.
    pub receiver: Duration,
    /// The same of the worker.
    pub worker: Duration,
}

/// A cost, and of what.
pub struct Row {
    /// What there was, or what came.
    pub of: String,
    /// What each webhook of it cost.
    pub cost: Cost,
}

/// Where costs are counted.
struct Scales {
    everybody: Everybody,
    candidates: Candidates,
}

/// With so many items in the table before, ascending, of so many candidates' webhooks each.
pub async fn of_the_table(
    sizes: &[usize],
    candidates: usize,
    log: PathBuf,
    tell: impl Fn(&str),
) -> Vec<Row> {
    let mut scales = Scales::set_up(log).await;
    let (mut rows, mut filled) = (Vec::new(), 0);
    for &size in sizes {
        filled = filling::fill(&scales.everybody.stage, filled, size).await;
        let webhooks: Vec<Webhook> = (0..candidates).flat_map(|_| scales.candidate()).collect();
        let row = scales.row(format!("{size} items"), &webhooks).await;
        tell(&row.of);
        rows.push(row);
    }
    rows
}

/// With so many events of the attempt before, ascending and further apart than what each length is shown by.
pub async fn of_the_history(lengths: &[usize], log: PathBuf, tell: impl Fn(&str)) -> Vec<Row> {
    let mut scales = Scales::set_up(log).await;
    let longest = lengths.iter().max().copied().unwrap_or_default();
    let snapshots = scales.candidates.snapshots(longest + NEXT);
    let (mut rows, mut sent) = (Vec::new(), 0);
    for &length in lengths {
        scales.send(&snapshots[sent..length]).await;
        let next = &snapshots[length..length + NEXT];
        let row = scales.row(format!("{length} events"), next).await;
        tell(&row.of);
        rows.push(row);
        sent = length + NEXT;
    }
    rows
}

/// Of bodies of so many bytes, once of words that repeat, and once of noise.
pub async fn of_the_body(sizes: &[usize], log: PathBuf, tell: impl Fn(&str)) -> Vec<Row> {
    let mut scales = Scales::set_up(log).await;
    let mut rng = Rng::with_seed(1);
    let mut rows = Vec::new();
    for kind in [Padding::Words, Padding::Noise] {
        for &size in sizes {
            let sized = |_| {
                scales
                    .candidates
                    .begun(size, |length| kind.text(length, &mut rng))
            };
            let webhooks: Vec<Webhook> = (0..WEBHOOKS).map(sized).collect();
            let row = scales
                .row(format!("{size} bytes, {kind:?}"), &webhooks)
                .await;
            tell(&row.of);
            rows.push(row);
        }
    }
    rows
}

/// What a body is made larger with.
#[derive(Clone, Copy, Debug)]
enum Padding {
    /// As a vendor's JSON is: much of it comes again.
    Words,
    /// Letters and digits by chance, of which hardly anything can be saved.
    Noise,
}

impl Padding {
    fn text(self, length: usize, rng: &mut Rng) -> String {
        match self {
            Self::Words => "assessment question answered "
                .chars()
                .cycle()
                .take(length)
                .collect(),
            Self::Noise => (0..length).map(|_| rng.alphanumeric()).collect(),
        }
    }
}

impl Scales {
    /// Every function has started, and has read its secrets.
    async fn set_up(log: PathBuf) -> Self {
        let everybody = everybody(&Settings {
            processes: 1,
            meter: true,
            log,
        })
        .await;
        let candidates = Candidates::new(everybody.vendors.links.clone());
        let mut scales = Self {
            everybody,
            candidates,
        };
        let webhooks: Vec<Webhook> = (0..FIRST).flat_map(|_| scales.candidate()).collect();
        scales.send(&webhooks).await;
        scales
    }

    fn candidate(&mut self) -> Vec<Webhook> {
        let webhooks = self.candidates.candidate();
        for webhook in &webhooks {
            self.everybody.remember(webhook.source, &webhook.body);
        }
        webhooks
    }

    /// Sends them one at a time, each when nothing of the one before is left to do.
    async fn send(&self, webhooks: &[Webhook]) {
        for webhook in webhooks {
            let accepted = send(&self.everybody, webhook).await;
            let refused = accepted.err();
            assert_eq!(refused, None, "of {}", webhook.partition);
            let left = truth::settled(&self.everybody.stage).await;
            assert_eq!(left, 0, "of {} something is left to do", webhook.partition);
        }
    }

    async fn row(&self, of: String, webhooks: &[Webhook]) -> Row {
        let before = self.spent();
        self.send(webhooks).await;
        let cost = self.spent().since(&before, webhooks.len());
        Row { of, cost }
    }

    fn spent(&self) -> Spent {
        let bundle = &self.everybody.stage.bundle;
        let calls = bundle.calls().into_iter();
        let units = bundle.capacity_units().unwrap_or_default();
        Spent {
            calls: calls
                .filter(|((service, _), _)| service != SECRETS)
                .map(|(_, count)| count)
                .sum(),
            read_units: units.read,
            write_units: units.write,
            busy: processes::busy(bundle),
        }
    }
}

/// What was spent since the bundle began.
struct Spent {
    calls: u64,
    read_units: f64,
    write_units: f64,
    busy: Each<Duration>,
}

impl Spent {
    #[expect(clippy::cast_precision_loss, reason = "so many calls are not made")]
    fn since(&self, before: &Self, webhooks: usize) -> Cost {
        let each = |spent: f64| spent / webhooks as f64;
        let busy = |of_worker: bool| {
            let functions = self
                .busy
                .iter()
                .filter(|(name, _)| (*name == WORKER) == of_worker);
            let spent = functions.map(|(name, now)| now.saturating_sub(before.busy[name]));
            spent.sum::<Duration>().div_f64(webhooks as f64)
        };
        Cost {
            calls: each((self.calls - before.calls) as f64),
            read_units: each(self.read_units - before.read_units),
            write_units: each(self.write_units - before.write_units),
            receiver: busy(false),
            worker: busy(true),
        }
    }
}
