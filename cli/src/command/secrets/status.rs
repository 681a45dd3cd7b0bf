//! `hooks secrets status`: which fields are set, and where a previous version stands. No values.

use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use crate::secret::{self, API_KEY, Secret};
use crate::vault::{Fields, Version, is_set};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::timestamp::Timestamp;

const AT_ONCE: usize = 8;

/// A secret, as `--json` prints it: the names of its fields, and never their values.
#[derive(Serialize)]
struct StatusView {
    name: String,
    set: Vec<String>,
    empty: Vec<String>,
    since: Option<Timestamp>,
    previous: Option<PreviousView>,
    api: Option<&'static str>,
}

/// The version that was in force before.
#[derive(Serialize)]
struct PreviousView {
    set: Vec<String>,
    created: Option<Timestamp>,
}

/// Prints it of all.
pub async fn run(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    let views = stream::iter(secret::ALL).map(|secret| view(deployment, secret));
    let views: Vec<StatusView> = views.buffered(AT_ONCE).try_collect().await?;
    if json {
        return output::json(&views);
    }
    let rows: Vec<[String; 6]> = views.iter().map(row).collect();
    output::table(
        ["secret", "set", "empty", "since", "previous", "API"],
        &rows,
    )
}

async fn view(deployment: &Deployment, secret: Secret) -> anyhow::Result<StatusView> {
    let held = deployment
        .vault
        .read(deployment.output(&secret.output())?)
        .await?;
    let fields = held.fields()?;
    let (set, empty) = names(&fields);
    let api = match secret {
        Secret::Inbound(_) => None,
        Secret::Api(_) if fields.get(API_KEY).is_some_and(is_set) => Some("on"),
        Secret::Api(_) => Some("off"),
    };
    Ok(StatusView {
        name: secret.name(),
        set,
        empty,
        since: held.current.and_then(|it| it.created),
        previous: held.previous.map(previous),
        api,
    })
}

fn previous(version: Version) -> PreviousView {
    let (set, _) = names(&version.fields.unwrap_or_default());
    PreviousView {
        set,
        created: version.created,
    }
}

/// The names of the fields that hold something, and of those that do not.
fn names(fields: &Fields) -> (Vec<String>, Vec<String>) {
    let (mut set, mut empty) = (Vec::new(), Vec::new());
    for (name, value) in fields {
        let names = if is_set(value) { &mut set } else { &mut empty };
        names.push(name.clone());
    }
    (set, empty)
}

fn row(view: &StatusView) -> [String; 6] {
    let previous = view.previous.as_ref().map(|previous| {
        let created = previous.created;
        created.map_or_else(|| "stands".into(), |it| format!("stands, of {it}"))
    });
    [
        view.name.clone(),
        list(&view.set),
        list(&view.empty),
        or_dash(view.since),
        or_dash(previous),
        or_dash(view.api),
    ]
}

fn list(names: &[String]) -> String {
    or_dash((!names.is_empty()).then(|| names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_named_and_not_shown() {
        let fields = json!({ "token": "t", "signing_secret": "", "header": null, "key": 7 });
        let (set, empty) = names(fields.as_object().unwrap());
        assert_eq!(set, ["token"]);
        assert_eq!(empty, ["header", "key", "signing_secret"]);
    }
}
