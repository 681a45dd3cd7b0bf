//! What `hooks webhooks` takes.

use clap::{Args, Subcommand, ValueEnum};
use xobin_webhook::AuthType;

#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Have a vendor call the URLs of this deployment, with its credential.
    #[command(subcommand)]
    Register(RegisterCommand),
    /// Tell whether what is registered is what is deployed now.
    #[command(subcommand)]
    Verify(VerifyCommand),
}

#[derive(Debug, Subcommand)]
pub enum RegisterCommand {
    /// By Xobin's API. Without a kind of event, all three are registered; kinds that are not named keep their values.
    Xobin(RegisterArgs),
}

#[derive(Debug, Subcommand)]
pub enum VerifyCommand {
    /// What was registered at Xobin by `hooks webhooks register`. Fails if anything differs.
    Xobin,
}

/// A kind of event, by Xobin's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Kind {
    /// A candidate starts an assessment.
    Start,
    /// A candidate submits it.
    Submission,
    /// An assessment is made, changed, archived or deleted.
    Updates,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Start, Self::Submission, Self::Updates];

    /// Xobin's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Submission => "submission",
            Self::Updates => "updates",
        }
    }
}

/// The sort of a credential, by Xobin's word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// The user name and the password.
    Basic,
    /// The API key in its header.
    Apikey,
}

impl From<Auth> for AuthType {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Basic => Self::Basic,
            Auth::Apikey => Self::ApiKey,
        }
    }
}

#[derive(Clone, Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct RegisterArgs {
    /// Register the webhook for a candidate's start.
    #[arg(long)]
    pub start: bool,
    /// Register the webhook for a candidate's submission.
    #[arg(long)]
    pub submission: bool,
    /// Register the webhook for changes of assessments.
    #[arg(long)]
    pub updates: bool,
    /// Switch the webhook of this kind off. May be given several times.
    #[arg(long, value_name = "KIND")]
    pub disable: Vec<Kind>,
    /// Change it in every assessment that exists too, and not only for those that are made from now on.
    #[arg(long)]
    pub update_all: bool,
    /// Replace the credential that Xobin holds.
    #[arg(long)]
    pub update_auth: bool,
    /// Which credential Xobin is to send. Without it: the one that `hooks endpoints` shows.
    #[arg(long, value_name = "SORT")]
    pub auth: Option<Auth>,
    /// Show the request, the credential masked, and send nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Give up an earlier registration that is still being tried.
    #[arg(long)]
    pub replace: bool,
    /// Register a credential that is younger than five minutes, too. Until then some functions may refuse it.
    #[arg(long)]
    pub no_wait: bool,
    /// For how long to wait for the outcome. After that, the worker goes on without this command, which fails.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub timeout: u32,
}

impl RegisterArgs {
    /// The kinds that are to be switched on.
    pub fn enabled(&self) -> Vec<Kind> {
        let flags = [self.start, self.submission, self.updates];
        let named = Kind::ALL.into_iter().zip(flags);
        let named: Vec<Kind> = named.filter_map(|(kind, on)| on.then_some(kind)).collect();
        if named.is_empty() && self.disable.is_empty() {
            return Kind::ALL.into();
        }
        named
    }
}
