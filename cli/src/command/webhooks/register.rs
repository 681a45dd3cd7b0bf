//! `hooks webhooks register`: notes what is wanted, and waits for what comes of it.

use super::deployed::Deployed;
use super::{RequestView, request};
use crate::args::webhooks::RegisterArgs;
use crate::deployment::Deployment;
use crate::output::{self, shown};
use crate::sources;
use crate::vault::KNOWN_AFTER;
use anyhow::{Context, bail};
use shared::error::causes;
use shared::key::{ItemKey, REGISTRATION};
use shared::queue::Queue;
use shared::registration::Wanted;
use shared::store::{Registration, RegistrationOutcome};
use std::future::Future;
use std::time::Duration;
use worker::job::{Job, Message};
use worker::register::VENDOR;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Has it registered. The deployment is looked for after the flags are checked.
pub async fn run<F>(find: impl FnOnce() -> F, args: &RegisterArgs, json: bool) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let kinds = request::kinds(args)?;
    let deployment = find().await?;
    let deployed = Deployed::read(&deployment).await?;
    let wanted = request::wanted(&kinds, args, &deployed)?;
    let earlier = deployment.table.registration(VENDOR).await?;
    if let Some(earlier) = &earlier {
        warn(args, &wanted, earlier);
    }
    if args.dry_run {
        return request::show(&wanted, args, &deployed, json);
    }
    if !args.no_wait {
        check_age(&deployment).await?;
    }
    let registration = register(&deployment, &wanted, args).await?;
    let view = RequestView::of(registration);
    print(&view, json)?;
    complain(&view, args.timeout)
}

/// Has all kinds registered for the first time, as the command does without flags, and says what came of it.
pub async fn register_all(
    deployment: &Deployment,
    timeout_seconds: u32,
) -> anyhow::Result<Registration> {
    let args = RegisterArgs {
        timeout: timeout_seconds,
        ..RegisterArgs::default()
    };
    let deployed = Deployed::read(deployment).await?;
    let wanted = request::wanted(&request::kinds(&args)?, &args, &deployed)?;
    register(deployment, &wanted, &args).await
}

async fn register(
    deployment: &Deployment,
    wanted: &Wanted,
    args: &RegisterArgs,
) -> anyhow::Result<Registration> {
    let request = ask(deployment, wanted, args.replace).await?;
    watch(deployment, &request, args.timeout).await
}

/// What the operator may not have thought of.
fn warn(args: &RegisterArgs, wanted: &Wanted, earlier: &Registration) {
    let registered = &earlier.registered;
    let again: Vec<&str> = wanted
        .webhooks
        .iter()
        .filter(|(kind, webhook)| {
            let was = registered.webhooks.get(*kind);
            webhook.enabled && was.is_some_and(|was| !was.value.enabled)
        })
        .map(|(kind, _)| kind.as_str())
        .collect();
    if !again.is_empty() {
        eprintln!(
            "This switches on what was switched off: {}. To leave it off, name the other kinds.",
            again.join(", ")
        );
    }
    if registered.auth.is_some() && !args.update_auth {
        eprintln!("Xobin keeps the credential that it has: --update-auth replaces it.");
    }
}

/// A credential is given to the vendor once every function knows it.
async fn check_age(deployment: &Deployment) -> anyhow::Result<()> {
    let source = sources::named(VENDOR)?;
    let id = deployment.output(&source.secret_output())?;
    let held = deployment.vault.read(id).await?;
    let changed = held.previous.and(held.current).and_then(|it| it.created);
    let known_at = changed.map(|changed| changed.plus(KNOWN_AFTER));
    let Some(known_at) = known_at.filter(|it| *it > deployment.clock.now()) else {
        return Ok(());
    };
    bail!(
        "the credential of {VENDOR} was changed less than five minutes ago, and some functions would answer it with 401: try \
         again at {known_at}, or register it at once with --no-wait"
    )
}

/// Notes what is wanted, and announces it. Gives the request's name.
async fn ask(deployment: &Deployment, wanted: &Wanted, replace: bool) -> anyhow::Result<String> {
    let (request, now) = (name(), deployment.clock.now());
    let table = &deployment.table;
    let noted = table.request_registration(VENDOR, &request, wanted, replace, now);
    if !noted.await? {
        let under_way = table.registration(VENDOR).await?;
        bail!(in_the_way(under_way.map(RequestView::of), replace));
    }
    let message = Message {
        job: Job::Register(ItemKey::of_vendor(VENDOR, REGISTRATION)),
        correlation_id: format!("register-{}", now.unix_ms()),
    };
    if let Err(error) = deployment.queue()?.send(message.body()).await {
        let cause = causes(&error);
        eprintln!("{cause}; the worker finds the request by itself within two minutes.");
    }
    Ok(request)
}

fn name() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    hex::encode(bytes)
}

fn in_the_way(under_way: Option<RequestView>, replace: bool) -> String {
    let Some(view) = under_way else {
        return "another registration began at the same time: try again".into();
    };
    let (kinds, since) = (view.kinds(), view.requested_at);
    let because = view.message.as_deref().unwrap_or("it was not tried yet");
    if replace {
        return format!(
            "Xobin is being asked at this moment ({kinds}, wanted since {since}): try again in a minute"
        );
    }
    format!(
        "an earlier registration is still being tried ({kinds}, wanted since {since}; {}), and nothing was changed: wait for it, \
         which `hooks webhooks verify {VENDOR}` shows, or give it up with --replace",
        shown(because)
    )
}

/// Waits until something final came of it, or the time is over.
async fn watch(
    deployment: &Deployment,
    request: &str,
    timeout_seconds: u32,
) -> anyhow::Result<Registration> {
    let clock = &deployment.clock;
    let until = clock
        .now()
        .plus(Duration::from_secs(timeout_seconds.into()));
    let (mut pause, mut told) = (FIRST_PAUSE, None);
    loop {
        let registration = deployment.table.registration(VENDOR).await?;
        let registration = registration.context("the request is gone from the table")?;
        if registration.request != request {
            bail!("another registration has taken the place of this one: see what it says");
        }
        let left_ms = until.unix_ms() - clock.now().unix_ms();
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        if registration.outcome.is_final() || left.is_zero() {
            return Ok(registration);
        }
        // What came of a try is noted after that it was made: until then there is nothing to tell of it.
        if told != registration.tried_at && tell(&registration) {
            told = registration.tried_at;
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// That it is being tried again, as soon as that is known; whether it is.
fn tell(registration: &Registration) -> bool {
    if let (RegistrationOutcome::Waiting, Some(due_at)) =
        (registration.outcome, registration.due_at)
    {
        let because = registration.message.as_deref().unwrap_or_default();
        eprintln!("{}: it is tried again at {due_at}.", shown(because));
        return true;
    }
    false
}

fn print(view: &RequestView, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(view);
    }
    if view.outcome != RegistrationOutcome::Registered {
        return Ok(());
    }
    let says = view.message.as_deref().map(shown);
    let says = says.map_or_else(String::new, |says| format!("; it says: {says}"));
    output::line(&format!("Xobin has registered {}{says}", view.kinds()))?;
    for (kind, webhook) in &view.webhooks {
        output::line(&format!("    {kind} {}", webhook.url))?;
    }
    Ok(())
}

/// Fails unless it is registered.
fn complain(view: &RequestView, timeout_seconds: u32) -> anyhow::Result<()> {
    let says = view.message.as_deref().map(shown);
    let because = says.as_deref().unwrap_or("the worker did not come to it");
    match view.outcome {
        RegistrationOutcome::Registered => Ok(()),
        RegistrationOutcome::Refused => bail!("it is not registered: {because}"),
        RegistrationOutcome::Failed => {
            bail!("it is not registered, and it is not tried again: {because}")
        }
        RegistrationOutcome::Requested | RegistrationOutcome::Waiting => bail!(
            "it is not registered after {timeout_seconds} seconds: {because}. The worker goes on trying without this command: \
             `hooks webhooks verify {VENDOR}` tells what came of it"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::registration::Webhook;
    use shared::timestamp::Timestamp;

    fn view(outcome: RegistrationOutcome, message: Option<&str>) -> RequestView {
        let webhook = |enabled| Webhook {
            enabled,
            url: "https://example.com/".into(),
        };
        let webhooks = [("start", true), ("submission", false), ("updates", true)];
        RequestView {
            vendor: VENDOR,
            outcome,
            message: message.map(str::to_owned),
            requested_at: Timestamp::EPOCH,
            tried_at: None,
            due_at: None,
            webhooks: webhooks
                .map(|(kind, on)| (kind.to_owned(), webhook(on)))
                .into(),
            auth: None,
            update_all: false,
            update_auth: false,
        }
    }

    #[test]
    fn only_what_is_registered_is_no_failure_and_all_else_says_what_goes_on() {
        use RegistrationOutcome::{Failed, Refused, Registered, Requested, Waiting};
        complain(&view(Registered, None), 5).unwrap();
        for (outcome, message, says) in [
            (
                Refused,
                Some("Xobin answers 400: no"),
                "Xobin answers 400: no",
            ),
            (
                Failed,
                Some("the API is off"),
                "not tried again: the API is off",
            ),
            (
                Waiting,
                Some("busy"),
                "after 5 seconds: busy. The worker goes on",
            ),
            (Requested, None, "the worker did not come to it"),
        ] {
            let error = complain(&view(outcome, message), 5).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_vendors_words_do_not_drive_the_terminal() {
        let view = view(RegistrationOutcome::Refused, Some("a\u{1b}[2Jb"));
        let error = complain(&view, 5).unwrap_err().to_string();
        assert!(error.contains("a\u{fffd}[2Jb"), "{error}");
        let text = in_the_way(Some(view), false);
        assert!(text.contains("a\u{fffd}[2Jb"), "{text}");
    }

    #[test]
    fn what_is_in_the_way_is_named_with_the_way_round_it() {
        let waiting = || Some(view(RegistrationOutcome::Waiting, Some("busy")));
        let text = in_the_way(waiting(), false);
        for says in ["start, updates; off: submission", "busy", "--replace"] {
            assert!(text.contains(says), "{text}");
        }
        let text = in_the_way(waiting(), true);
        assert!(
            text.contains("in a minute") && !text.contains("--replace"),
            "{text}"
        );
    }

    #[test]
    fn no_two_requests_have_one_name() {
        assert_eq!(name().len(), 32);
        assert_ne!(name(), name());
    }
}
