//! Load: `cargo bench -p tests --bench load`. What it prints is Markdown, as `docs/load.md` has it; what it is doing, it says on
//! standard error. It fails if anything was lost or doubled, if a function's process is gone after a burst, or if its
//! memory has grown by more than 15 %.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

mod page;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tests::load::bursts::{self, Plan};
use tests::load::{Settings, everybody, growth};

/// Sends webhooks to the functions on a local bundle, and tells what they took.
#[derive(Parser)]
#[command(name = "load")]
struct Args {
    /// Which parts; without it, all.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Deliveries, repeats included.
    #[arg(long, default_value_t = 100_000)]
    deliveries: usize,
    /// Deliveries of a burst.
    #[arg(long, default_value_t = 2_000)]
    burst: usize,
    /// Deliveries under way at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// Processes of each function, at most.
    #[arg(long, default_value_t = 4)]
    processes: usize,
    /// What decides on repeats and order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The largest table.
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    /// Where the functions' output goes.
    #[arg(long, default_value = "target/load.log")]
    log: PathBuf,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Many webhooks at once.
    Bursts,
    /// What a webhook costs by the size of the table.
    Table,
    /// The same by the length of the attempt's history.
    History,
    /// The same by the size of its body.
    Body,
}

/// Of whom each size of the table is shown the webhooks.
const CANDIDATES: usize = 40;
const HISTORIES: [usize; 4] = [1, 10, 100, 1_000];
const BODIES: [usize; 4] = [1_024, 10_240, 102_400, 1_048_576];

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let log = || tests::stage::root().join(&args.log);
    let started = Instant::now();
    let tell = |what: &str| eprintln!("{:>6} s  {what}", started.elapsed().as_secs());
    let mut good = true;
    if wanted(Part::Bursts) {
        good &= print_bursts(&args, log(), &tell).await;
    }
    if wanted(Part::Table) {
        let sizes = std::iter::successors(Some(1_000), |size| Some(size * 10));
        let sizes: Vec<usize> = sizes.take_while(|size| *size <= args.items).collect();
        let rows = growth::of_the_table(&sizes, CANDIDATES, log(), &tell).await;
        println!("{}", page::costs("in the table before", &rows));
    }
    if wanted(Part::History) {
        let rows = growth::of_the_history(&HISTORIES, log(), &tell).await;
        println!("{}", page::costs("of the attempt before", &rows));
    }
    if wanted(Part::Body) {
        let rows = growth::of_the_body(&BODIES, log(), &tell).await;
        println!("{}", page::costs("in the body", &rows));
    }
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn print_bursts(args: &Args, log: PathBuf, tell: &impl Fn(&str)) -> bool {
    let settings = Settings {
        processes: args.processes,
        meter: false,
        log,
    };
    let everybody = everybody(&settings).await;
    let plan = Plan {
        deliveries: args.deliveries,
        burst: args.burst,
        at_once: args.at_once,
        seed: args.seed,
    };
    let told = |done| tell(&format!("{done} of {} deliveries", plan.deliveries));
    let outcome = bursts::run(&everybody, plan, told).await;
    everybody.stage.bundle.stop().await;
    println!("{}", page::bursts(plan, &outcome));
    for problem in page::problems(&outcome) {
        eprintln!("{problem}");
    }
    page::problems(&outcome).is_empty()
}
