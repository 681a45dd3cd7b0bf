//! What the command line takes.

pub mod erase;
pub mod replay;
pub mod webhooks;

use crate::lifetime::LinkLifetime;
use clap::{Args, Parser, Subcommand};
use erase::EraseArgs;
use replay::ReplayArgs;
use shared::event::Status;
use std::num::NonZeroU32;
use std::path::PathBuf;
use webhooks::WebhooksCommand;

/// Receives the webhooks of assessment vendors, and shows where every candidate stands.
#[derive(Debug, Parser)]
#[command(name = "hooks", version, about)]
pub struct Cli {
    /// Print JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// The CloudFormation stack to work on. Without it: what the environment names, else the local bundle that runs.
    #[arg(long, global = true, value_name = "NAME")]
    pub stack: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole bundle on this machine.
    Local(LocalArgs),
    /// Show the main job from start to finish, on the vendors' payloads.
    Demo(DemoArgs),
    /// Print the URLs and headers that the vendors must be given. Shows secrets.
    Endpoints,
    /// The credentials: which are set, and how they are changed without cutting a vendor off.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// What a vendor is told of our URLs and credentials, where its API takes it.
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Post a payload as its vendor would, with credentials.
    Send(SendArgs),
    /// Events, exactly as they came.
    #[command(subcommand)]
    Events(EventsCommand),
    /// Print the `OpenAPI` document of the endpoints.
    Openapi,
    /// Print what a million webhooks cost, from counted calls and a price file.
    Cost(CostArgs),
    /// Where the candidates stand.
    #[command(subcommand)]
    Attempts(AttemptsCommand),
    /// The reports, as PDF.
    #[command(subcommand)]
    Reports(ReportsCommand),
    /// Have a vendor send again what was missed.
    #[command(subcommand)]
    Reprocess(ReprocessCommand),
    /// Compare what a vendor lists with what is stored, and have it send what was missed.
    #[command(subcommand)]
    Reconcile(ReconcileCommand),
    /// What vendors were asked to send again, and have not.
    #[command(subcommand)]
    Asked(AskedCommand),
    /// What is still to do, and what is parked.
    #[command(subcommand)]
    Work(WorkCommand),
    /// The dead-letter queue.
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// Print the changes of attempts as they are published, until Ctrl-C.
    Tail(TailArgs),
    /// Have the worker look for work that is due, now rather than within a minute.
    Sweep,
    /// Bring back what was parked, and the messages of the dead-letter queue.
    Redrive(RedriveArgs),
    /// Read stored events anew, by the readers that this command was built with, and fold what they say now.
    Replay(ReplayArgs),
    /// Erase a person: events, states, reports and what is to be done about them; and keep out what comes late. Not to be undone.
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
pub struct LocalArgs {
    /// The port of the webhooks' URLs.
    #[arg(long, default_value_t = 9000)]
    pub port: u16,
    /// The port of DynamoDB, SQS, EventBridge and Secrets Manager.
    #[arg(long, default_value_t = 9001)]
    pub endpoint_port: u16,
    /// Keep the table and the secrets in this directory. Without it they are gone when the bundle ends.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Decides the order in which the deliveries are made, and how much goes wrong at the vendors.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct CostArgs {
    /// The price file, in place of the one in docs/.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Count the calls anew on a bundle, and renew docs/cost-counts.json and docs/cost.md.
    #[arg(long, conflicts_with = "prices")]
    pub count: bool,
    /// Count the calls anew, write nothing, and fail if they are others.
    #[arg(long, conflicts_with_all = ["prices", "count"])]
    pub check: bool,
}

#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Show which fields are set, and where a previous version stands. Shows no values.
    Status,
    /// Set a field to what standard input says.
    Set(SecretsSetArgs),
    /// Make a new credential, and print what the vendor must be given. The old one stays good. Shows secrets.
    Rotate(SecretsRotateArgs),
    /// End the previous version.
    Retire(SecretsRetireArgs),
}

#[derive(Debug, Args)]
pub struct SecretsSetArgs {
    /// The secret, as `secrets status` shows it.
    pub name: String,
    /// The field, such as `signing_secret` or `api_key`. Its value is read from standard input and never given here.
    pub field: String,
    /// Empty the field. Standard input is not read.
    #[arg(long)]
    pub clear: bool,
}

#[derive(Debug, Args)]
pub struct SecretsRotateArgs {
    /// The source whose credential is to be made anew.
    pub name: String,
    /// Print the new credential at once. For five minutes some functions may refuse it.
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct SecretsRetireArgs {
    /// The secret, as `secrets status` shows it.
    pub name: String,
}

#[derive(Debug, Args)]
pub struct SendArgs {
    /// The payload, posted byte for byte.
    pub file: PathBuf,
    /// Whose payload it is.
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// Which of the source's ways in, where it has several: v1 or v2; start, submission or updates. Without it, the
    /// file's name says so up to its first `-`.
    #[arg(long)]
    pub version: Option<String>,
    /// How often to post it.
    #[arg(long, default_value = "1")]
    pub count: NonZeroU32,
}

#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// List the events of the last days, oldest first.
    List(EventsListArgs),
    /// Show one event.
    Show(EventsShowArgs),
    /// Make the API Gateway events under `events/` from the payloads beside them, and the settings to run a function alone.
    Generate(EventsGenerateArgs),
}

#[derive(Debug, Args)]
pub struct EventsGenerateArgs {
    /// Write nothing, and fail if something would be written.
    #[arg(long)]
    pub check: bool,
    /// Sign them as of now, so that their signatures are good for five minutes. Do not commit that.
    #[arg(long, conflicts_with = "check")]
    pub now: bool,
}

#[derive(Debug, Args)]
pub struct EventsListArgs {
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// How many days back, today included; a thousand at most.
    #[arg(long, default_value = "7")]
    pub days: NonZeroU32,
}

#[derive(Debug, Args)]
pub struct EventsShowArgs {
    /// The event's id, as the vendor was answered and as `events list` shows it.
    pub id: String,
    /// Write the exact bytes of its body, and nothing else.
    #[arg(long)]
    pub raw: bool,
    /// How many days back to look for it.
    #[arg(long, default_value = "400")]
    pub days: NonZeroU32,
}

#[derive(Debug, Subcommand)]
pub enum AttemptsCommand {
    /// List the attempts that had events in the last days.
    List(AttemptsListArgs),
    /// Show one attempt with its events.
    Show(AttemptsShowArgs),
    /// Have the vendor's API asked for the result of one attempt, and show it.
    Read(AttemptsReadArgs),
}

#[derive(Debug, Args)]
pub struct AttemptsListArgs {
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only those of this person. Finds them however long ago they were.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Only those with this status.
    #[arg(long)]
    pub status: Option<Status>,
    /// How many days back, today included; a thousand at most.
    #[arg(long, default_value = "7")]
    pub days: NonZeroU32,
}

#[derive(Debug, Args)]
pub struct AttemptsShowArgs {
    /// The source.
    pub source: String,
    /// The attempt, as `attempts list` shows it.
    pub attempt: String,
}

#[derive(Debug, Args)]
pub struct RedriveArgs {
    /// Change nothing: count what there is, and say of some why it is there.
    #[arg(long)]
    pub plan: bool,
    /// Bring back so many at most, parked items first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: Option<u32>,
    /// How many to bring back in a second, at most.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub per_second: u32,
}

#[derive(Debug, Args)]
pub struct AttemptsReadArgs {
    #[command(flatten)]
    pub attempt: AttemptsShowArgs,
    /// For how many seconds the result is waited for.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub timeout: u32,
}

#[derive(Debug, Args)]
pub struct TailArgs {
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only those with this status. May be given more than once.
    #[arg(long)]
    pub status: Vec<Status>,
}

#[derive(Debug, Subcommand)]
pub enum ReportsCommand {
    /// Write the report of an attempt to a file.
    Get(ReportsGetArgs),
    /// Print a link by which anybody can read the report of an attempt for a while, for other systems.
    Link(ReportsLinkArgs),
    /// Have a report fetched that was given up, for example after its host was added to the vendor's list.
    Fetch(ReportArgs),
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The source.
    pub source: String,
    /// The attempt, as `attempts list` shows it.
    pub attempt: String,
    /// Which of its reports, where it has several; without this the newest.
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
}

#[derive(Debug, Args)]
pub struct ReportsGetArgs {
    #[command(flatten)]
    pub report: ReportArgs,
    /// The file to write. Without it: the source, the attempt and the version, in this directory.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ReportsLinkArgs {
    #[command(flatten)]
    pub report: ReportArgs,
    /// For how long the link is good: a whole number with s, m, h or d, from 1s to 7d.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub expires: LinkLifetime,
}

#[derive(Debug, Subcommand)]
pub enum ReprocessCommand {
    /// Have iMocha send the callbacks of these test invitations again.
    Imocha(ReprocessArgs),
}

#[derive(Debug, Args)]
pub struct ReprocessArgs {
    /// `TestInvitationId`s.
    #[arg(allow_negative_numbers = true, value_name = "ID")]
    pub ids: Vec<String>,
    /// Read ids from this file too: one on a line, empty lines and those that begin with `#` left out.
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// Wait until every id is answered or found to be foreign.
    #[arg(long)]
    pub wait: bool,
    /// For how long to wait at most. What still waits then is named, and the command fails.
    #[arg(long, value_name = "SECONDS", default_value_t = 900, requires = "wait")]
    pub timeout: u32,
}

#[derive(Debug, Subcommand)]
pub enum ReconcileCommand {
    /// Compare what iMocha lists as completed, cancelled and expired.
    Imocha(ReconcileArgs),
}

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// From then on: a day like 2026-01-15, or a time like 2026-01-15T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Until then, the day itself not included. Without it: until now.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Wait until what is missing is answered, too.
    #[arg(long)]
    pub wait: bool,
    /// For how long to wait at most, for the comparison and then for the answers.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub timeout: u32,
}

#[derive(Debug, Subcommand)]
pub enum AskedCommand {
    /// List what still waits for an answer, and what was asked for in vain.
    List(AskedListArgs),
}

#[derive(Debug, Args)]
pub struct AskedListArgs {
    /// Only what has come to this: requested, open, failed or unanswered.
    #[arg(long)]
    pub outcome: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum WorkCommand {
    /// List the items with work to do, parked ones first.
    List(WorkListArgs),
}

#[derive(Debug, Args)]
pub struct WorkListArgs {
    /// Only those that were tried too often, and wait for `hooks redrive`.
    #[arg(long)]
    pub parked: bool,
}

#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// List the messages, and leave them where they are.
    List,
}

#[cfg(test)]
mod documented;
