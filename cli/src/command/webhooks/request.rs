//! What is to be registered, by the flags; and the request as the worker will make it, to look at.

use super::deployed::Deployed;
use crate::args::webhooks::{Kind, RegisterArgs};
use crate::exit::WrongUse;
use crate::output;
use anyhow::Context;
use serde_json::json;
use shared::registration::{Wanted, Webhook};
use std::collections::BTreeMap;
use worker::vendors::xobin::webhooks::{PATH, body, masked};

/// The kinds that a request is about, and whether each is to be on.
pub fn kinds(args: &RegisterArgs) -> Result<BTreeMap<Kind, bool>, WrongUse> {
    let mut kinds: BTreeMap<Kind, bool> = BTreeMap::new();
    kinds.extend(args.enabled().into_iter().map(|kind| (kind, true)));
    for kind in &args.disable {
        if kinds.insert(*kind, false) == Some(true) {
            let name = kind.name();
            let text = format!("--{name} and --disable {name} are opposites: give one of them");
            return Err(WrongUse(text));
        }
    }
    Ok(kinds)
}

/// What is wanted.
pub fn wanted(
    kinds: &BTreeMap<Kind, bool>,
    args: &RegisterArgs,
    deployed: &Deployed,
) -> anyhow::Result<Wanted> {
    let webhook = |(kind, enabled): (&Kind, &bool)| {
        let name = kind.name();
        let url = deployed.urls.get(name).cloned();
        let url = url.with_context(|| format!("there is no endpoint for `{name}`"))?;
        let enabled = *enabled;
        Ok((name.to_owned(), Webhook { enabled, url }))
    };
    let webhooks: anyhow::Result<_> = kinds.iter().map(webhook).collect();
    let sort = args.auth.map(Into::into);
    // Said here, and not by the worker.
    let auth = deployed.auth(sort)?;
    Ok(Wanted {
        webhooks: webhooks?,
        auth: Some(auth.sort().as_str().to_owned()),
        update_all: args.update_all,
        update_auth: args.update_auth,
    })
}

/// Prints the request, the credential masked.
pub fn show(
    wanted: &Wanted,
    args: &RegisterArgs,
    deployed: &Deployed,
    json: bool,
) -> anyhow::Result<()> {
    let auth = masked(deployed.auth(args.auth.map(Into::into))?);
    let body = body(wanted, &auth);
    if json {
        return output::json(&json!({ "method": "POST", "path": PATH, "body": body }));
    }
    output::line(&format!("POST {PATH}"))?;
    output::json(&body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::webhooks::{Auth, RegisterCommand, WebhooksCommand};
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(flags: &[&str]) -> RegisterArgs {
        let command = ["hooks", "webhooks", "register", "xobin"];
        let cli = Cli::try_parse_from(command.iter().chain(flags)).unwrap();
        match cli.command {
            Command::Webhooks(WebhooksCommand::Register(RegisterCommand::Xobin(args))) => args,
            other => panic!("{other:?}"),
        }
    }

    fn chosen(flags: &[&str]) -> Result<Vec<(&'static str, bool)>, String> {
        let kinds = kinds(&parsed(flags)).map_err(|error| error.to_string())?;
        Ok(kinds
            .into_iter()
            .map(|(kind, on)| (kind.name(), on))
            .collect())
    }

    #[test]
    fn kinds_are_taken_singly_or_together_and_all_where_none_is_named() {
        let (start, submission, updates) = ("start", "submission", "updates");
        for (flags, expected) in [
            (
                vec![],
                vec![(start, true), (submission, true), (updates, true)],
            ),
            (
                vec!["--update-all"],
                vec![(start, true), (submission, true), (updates, true)],
            ),
            (vec!["--start"], vec![(start, true)]),
            (
                vec!["--updates", "--start"],
                vec![(start, true), (updates, true)],
            ),
            (vec!["--disable", "updates"], vec![(updates, false)]),
            (
                vec!["--disable", "updates", "--disable", "start", "--submission"],
                vec![(start, false), (submission, true), (updates, false)],
            ),
            (
                vec!["--disable", "start", "--disable", "start"],
                vec![(start, false)],
            ),
        ] {
            assert_eq!(chosen(&flags), Ok(expected), "{flags:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let error = chosen(&["--start", "--disable", "start"]).unwrap_err();
        assert!(error.contains("--disable start"), "{error}");
        for flags in [
            ["--disable", "ping"],
            ["--auth", "oauth"],
            ["--timeout", "-1"],
        ] {
            let command = ["hooks", "webhooks", "register", "xobin"];
            assert!(Cli::try_parse_from(command.iter().chain(&flags)).is_err());
        }
        for command in [["register", "imocha"], ["verify", "testlify"]] {
            assert!(Cli::try_parse_from(["hooks", "webhooks"].iter().chain(&command)).is_err());
        }
    }

    #[test]
    fn flags_are_as_they_are_written_and_off_by_themselves() {
        let plain = parsed(&[]);
        let flags = [
            plain.update_all,
            plain.update_auth,
            plain.dry_run,
            plain.replace,
        ];
        assert_eq!((flags, plain.timeout, plain.auth), ([false; 4], 120, None));
        let all = parsed(&[
            "--update-all",
            "--update-auth",
            "--auth",
            "apikey",
            "--timeout",
            "5",
        ]);
        assert!(all.update_all && all.update_auth);
        assert_eq!((all.timeout, all.auth), (5, Some(Auth::Apikey)));
    }
}
