//! `hooks`: the operator's command, on the local bundle and on a deployed stack alike.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong use.

mod args;
mod bucket;
mod command;
mod dead_letters;
mod deployment;
mod exit;
mod lifetime;
mod output;
mod secret;
mod sources;
mod vault;
mod view;
mod workspace;

use args::webhooks::{RegisterCommand, VerifyCommand, WebhooksCommand};
use args::{
    AskedCommand, AttemptsCommand, Cli, Command, DlqCommand, EventsCommand, ReconcileCommand,
    ReportsCommand, ReprocessCommand, SecretsCommand, WorkCommand,
};
use clap::Parser;
use deployment::Deployment;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tell_warnings();
    shared::tls::use_ring();
    exit::code(run(cli).await)
}

/// What the bundle has to say of itself goes to standard error, beside what the command says. The engine warns of every
/// condition that does not hold, which here is an answer like any other; the SDK of every way to credentials that leads nowhere.
fn tell_warnings() {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("warn,dynoxide=error,aws_config=error"))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

/// What runs on this machine alone takes no stack: whoever names one believes otherwise.
fn refuse_stack(cli: &Cli) -> Result<(), exit::WrongUse> {
    let own_machine = matches!(
        cli.command,
        Command::Local(_)
            | Command::Demo(_)
            | Command::Openapi
            | Command::Cost(_)
            | Command::Events(EventsCommand::Generate(_))
    );
    if cli.stack.is_some() && own_machine {
        let text = "this command runs on your own machine, and takes no --stack";
        return Err(exit::WrongUse(text.into()));
    }
    Ok(())
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let json = cli.json;
    let find = || Deployment::find(cli.stack.as_deref());
    refuse_stack(&cli)?;
    match cli.command {
        Command::Local(args) => command::local::run(args, json).await,
        Command::Demo(args) => command::demo::run(&args, json).await,
        Command::Endpoints => command::endpoints::run(&find().await?, json).await,
        Command::Secrets(SecretsCommand::Status) => {
            command::secrets::status(&find().await?, json).await
        }
        Command::Secrets(SecretsCommand::Set(args)) => {
            command::secrets::set(find, &args, json).await
        }
        Command::Secrets(SecretsCommand::Rotate(args)) => {
            command::secrets::rotate(find, &args, json).await
        }
        Command::Secrets(SecretsCommand::Retire(args)) => {
            command::secrets::retire(find, &args, json).await
        }
        Command::Webhooks(WebhooksCommand::Register(RegisterCommand::Xobin(args))) => {
            command::webhooks::register(find, &args, json).await
        }
        Command::Webhooks(WebhooksCommand::Verify(VerifyCommand::Xobin)) => {
            command::webhooks::verify(&find().await?, json).await
        }
        Command::Send(args) => command::send::run(&find().await?, &args, json).await,
        Command::Events(EventsCommand::List(args)) => {
            command::events::list(&find().await?, &args, json).await
        }
        Command::Events(EventsCommand::Show(args)) => {
            command::events::show(&find().await?, &args, json).await
        }
        Command::Events(EventsCommand::Generate(args)) => command::generate::run(&args),
        Command::Openapi => command::openapi::run(),
        Command::Cost(args) => command::cost::run(&args).await,
        Command::Attempts(AttemptsCommand::List(args)) => {
            command::attempts::list(&find().await?, &args, json).await
        }
        Command::Attempts(AttemptsCommand::Show(args)) => {
            command::attempts::show(&find().await?, &args, json).await
        }
        Command::Attempts(AttemptsCommand::Read(args)) => {
            command::attempts::read(&find().await?, &args, json).await
        }
        Command::Reports(ReportsCommand::Get(args)) => {
            command::reports::get(&find().await?, &args, json).await
        }
        Command::Reports(ReportsCommand::Link(args)) => {
            command::reports::link(&find().await?, &args, json).await
        }
        Command::Reports(ReportsCommand::Fetch(args)) => {
            command::reports::fetch(&find().await?, &args, json).await
        }
        Command::Reprocess(ReprocessCommand::Imocha(args)) => {
            command::reprocess::run(find, &args, json).await
        }
        Command::Reconcile(ReconcileCommand::Imocha(args)) => {
            command::reconcile::run(find, &args, json).await
        }
        Command::Asked(AskedCommand::List(args)) => {
            command::asked::list(&find().await?, &args, json).await
        }
        Command::Work(WorkCommand::List(args)) => {
            command::work::list(&find().await?, &args, json).await
        }
        Command::Dlq(DlqCommand::List) => command::dlq::list(&find().await?, json).await,
        Command::Tail(args) => command::tail::run(&find().await?, &args, json).await,
        Command::Sweep => command::sweep::run(&find().await?, json).await,
        Command::Redrive(args) => command::redrive::run(&find().await?, &args, json).await,
        Command::Replay(args) => command::replay::run(find, &args, json).await,
        Command::Erase(args) => command::erase::run(find, &args, json).await,
    }
}
