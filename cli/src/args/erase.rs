//! What `hooks erase` takes.

use clap::{ArgGroup, Args};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("who").required(true).args(["email", "external_id", "attempt"])))]
pub struct EraseArgs {
    /// Who has this e-mail address, at any vendor, however it is written. `-` reads it from standard input, so that it stands
    /// neither in the list of processes nor in the shell's history.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Who has this id of your own, as the vendors were given it.
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Whose attempt it is; with `--attempt`.
    #[arg(long, value_name = "NAME", requires = "attempt", conflicts_with_all = ["email", "external_id"])]
    pub source: Option<String>,
    /// This attempt alone, whoever it is of: for a person whom no vendor named.
    #[arg(long, value_name = "ID", requires = "source")]
    pub attempt: Option<String>,
    /// Change nothing: say what is there.
    #[arg(long)]
    pub dry_run: bool,
    /// Forget that the person is erased, so that what comes from now on is kept. What was erased stays so.
    #[arg(long, conflicts_with_all = ["dry_run", "attempt"])]
    pub lift: bool,
}
