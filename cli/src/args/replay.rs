//! What `hooks replay` takes.

use clap::Args;
use shared::event::Kind;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The events' ids, as `events list` shows them. Without any, the options choose.
    #[arg(
        value_name = "ID",
        conflicts_with_all = ["source", "from", "to", "kind", "unreadable"]
    )]
    pub ids: Vec<String>,
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Those that came first from then on: a day like 2026-01-15, or a time like 2026-01-15T10:00:00Z. Without it: 31 days
    /// before the end.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until then, the day itself not included. Without it: until now.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Only those of this kind, such as `unknown` or `attempt.completed`. May be given more than once.
    #[arg(long)]
    pub kind: Vec<Kind>,
    /// Those that could not be read: the same as `--kind unreadable`.
    #[arg(long)]
    pub unreadable: bool,
    /// Change nothing: count them, and show of some what they would become.
    #[arg(long)]
    pub plan: bool,
    /// How many to read in a second, at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub per_second: u32,
}
