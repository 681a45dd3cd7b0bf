//! `hooks webhooks verify`: holds what was registered against what is deployed now.

use super::RequestView;
use super::deployed::Deployed;
use crate::deployment::Deployment;
use crate::output::{self, or_dash, shown};
use anyhow::bail;
use serde::Serialize;
use shared::registration::{AUTH, Difference, Entry, Registered, Webhook};
use shared::store::RegistrationOutcome;
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use worker::register::VENDOR;

/// What was found, as `--json` prints it. Shows no credential.
#[derive(Serialize)]
struct VerifyView {
    vendor: &'static str,
    verified: bool,
    webhooks: BTreeMap<String, Entry<Webhook>>,
    auth: Option<AuthView>,
    differences: Vec<Difference>,
    /// The command that ends the differences.
    mend: Option<String>,
    /// The last request, whatever came of it.
    request: Option<RequestView>,
}

/// The credential that is registered, without itself.
#[derive(Serialize)]
struct AuthView {
    sort: String,
    at: Timestamp,
}

/// Verifies it.
pub async fn run(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    let registration = deployment.table.registration(VENDOR).await?;
    let registered = registration.as_ref().map(|it| it.registered.clone());
    let registered = registered.unwrap_or_default();
    let differences = differences(deployment, &registered).await?;
    let view = view(registered, differences, registration.map(RequestView::of));
    if json {
        output::json(&view)?;
    } else {
        print(&view)?;
    }
    complain(&view)
}

/// In what that which is registered is not what is deployed.
pub async fn differences(
    deployment: &Deployment,
    registered: &Registered,
) -> anyhow::Result<Vec<Difference>> {
    let deployed = Deployed::read(deployment).await?;
    let deployed = deployed.compared(deployment).await?;
    Ok(registered.differences(&deployed))
}

fn view(
    registered: Registered,
    differences: Vec<Difference>,
    request: Option<RequestView>,
) -> VerifyView {
    let auth = registered.auth.map(|entry| AuthView {
        sort: entry.value.sort,
        at: entry.at,
    });
    VerifyView {
        vendor: VENDOR,
        verified: differences.is_empty(),
        webhooks: registered.webhooks,
        auth,
        mend: mend(&differences),
        differences,
        request,
    }
}

/// The command that ends these differences, and changes no more than it has to.
fn mend(differences: &[Difference]) -> Option<String> {
    if differences.is_empty() {
        return None;
    }
    let of: BTreeSet<&str> = differences.iter().map(Difference::of).collect();
    let kinds: Vec<&str> = of.iter().copied().filter(|it| *it != AUTH).collect();
    let mut command = format!("hooks webhooks register {VENDOR}");
    // Without a name it is all of them.
    if kinds.len() < xobin_webhook::KINDS.len() {
        for kind in kinds {
            command.push_str(" --");
            command.push_str(kind);
        }
    }
    if of.contains(AUTH) {
        command.push_str(" --update-auth");
    }
    if differences.iter().any(Difference::is_elsewhere) {
        command.push_str(" --update-all");
    }
    Some(command)
}

fn print(view: &VerifyView) -> anyhow::Result<()> {
    let kinds = view.webhooks.iter().map(|(kind, entry)| {
        let state = if entry.value.enabled { "on" } else { "off" };
        [kind, state, &entry.at.to_string(), &entry.value.url].map(ToString::to_string)
    });
    let auth = view.auth.iter().map(|auth| {
        let (sort, at) = (auth.sort.clone(), auth.at.to_string());
        [AUTH.to_owned(), sort, at, or_dash(None::<&str>)]
    });
    let rows: Vec<[String; 4]> = kinds.chain(auth).collect();
    if !rows.is_empty() {
        output::table(["what", "registered", "at", "URL"], &rows)?;
    }
    for difference in &view.differences {
        output::line(&said(difference))?;
    }
    if let Some(request) = &view.request {
        print_request(request)?;
    }
    Ok(())
}

/// A request that has not come to what it was to.
fn print_request(request: &RequestView) -> anyhow::Result<()> {
    let (kinds, since) = (request.kinds(), request.requested_at);
    let because = request.message.as_deref().map(shown);
    let because = because.as_deref().unwrap_or("it was not tried yet");
    match (request.outcome, request.due_at) {
        (RegistrationOutcome::Registered, _) => Ok(()),
        (RegistrationOutcome::Refused | RegistrationOutcome::Failed, _) => output::line(&format!(
            "the last registration ({kinds}, wanted at {since}) failed: {because}"
        )),
        (RegistrationOutcome::Requested | RegistrationOutcome::Waiting, due_at) => {
            output::line(&format!(
                "a registration is being tried ({kinds}, wanted since {since}), next at {}: {because}",
                or_dash(due_at)
            ))
        }
    }
}

/// A difference, in a sentence.
fn said(difference: &Difference) -> String {
    match difference {
        Difference::NotRegistered { of } => format!("{of}: was never registered"),
        Difference::OtherUrl {
            of,
            registered,
            deployed,
        } => format!(
            "{of}: Xobin calls {}, and it is {deployed}",
            shown(registered)
        ),
        Difference::Disabled { of } => format!("{of}: is switched off at Xobin"),
        Difference::OtherCredential { of, accepted: true } => format!(
            "{of}: Xobin sends the previous credential, which is believed until `hooks secrets retire {VENDOR}`"
        ),
        Difference::OtherCredential {
            of,
            accepted: false,
        } => format!(
            "{of}: Xobin sends a credential that is no longer believed: its calls are answered 401"
        ),
        Difference::OlderElsewhere { of } => format!(
            "{of}: assessments that existed before it was last changed may still have what was registered before"
        ),
        Difference::InDoubt { of } => {
            format!("{of}: Xobin was asked to change it, and whether it did is not known")
        }
    }
}

/// Fails if anything differs.
fn complain(view: &VerifyView) -> anyhow::Result<()> {
    let Some(mend) = &view.mend else {
        return Ok(());
    };
    bail!("what is registered at Xobin is not what is deployed: `{mend}` registers it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_registered(of: &str) -> Difference {
        Difference::NotRegistered { of: of.into() }
    }

    fn rotated() -> Difference {
        Difference::OtherCredential {
            of: AUTH.into(),
            accepted: true,
        }
    }

    #[test]
    fn the_command_that_mends_it_changes_no_more_than_it_has_to() {
        let disabled = || Difference::Disabled {
            of: "updates".into(),
        };
        let moved = || Difference::OtherUrl {
            of: "start".into(),
            registered: "https://a".into(),
            deployed: "https://b".into(),
        };
        for (differences, flags) in [
            (vec![disabled()], " --updates --update-all"),
            (vec![moved(), disabled()], " --start --updates --update-all"),
            (vec![rotated()], " --update-auth --update-all"),
            (
                vec![disabled(), rotated()],
                " --updates --update-auth --update-all",
            ),
            (
                ["start", "submission", "updates"]
                    .map(not_registered)
                    .into(),
                "",
            ),
        ] {
            let expected = format!("hooks webhooks register xobin{flags}");
            assert_eq!(mend(&differences), Some(expected));
        }
        assert_eq!(mend(&[]), None);
    }

    #[test]
    fn no_difference_is_no_failure() {
        let same = view(Registered::default(), Vec::new(), None);
        assert!(same.verified && complain(&same).is_ok());
        let differs = view(Registered::default(), vec![rotated()], None);
        let error = complain(&differs).unwrap_err().to_string();
        assert!(error.contains("--update-auth"), "{error}");
    }

    #[test]
    fn an_old_credential_is_told_from_one_that_is_refused() {
        assert!(said(&rotated()).contains("until `hooks secrets retire xobin`"));
        let retired = Difference::OtherCredential {
            of: AUTH.into(),
            accepted: false,
        };
        assert!(said(&retired).contains("401"));
    }
}
