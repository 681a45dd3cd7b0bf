//! `hooks secrets set`: puts in what a vendor has issued.

use crate::args::SecretsSetArgs;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::output;
use crate::secret::Secret;
use crate::sources::Entry;
use crate::vault::{Fields, Held, is_set};
use anyhow::bail;
use http::HeaderName;
use serde_json::{Value, json};
use shared::secrets::SecretText;
use std::collections::BTreeSet;
use std::future::Future;
use std::io::{IsTerminal, Read};

/// More than Secrets Manager takes.
const LONGEST: u64 = 65536;

/// Sets it. The deployment is looked for after the name is checked, and standard input read after the field is.
pub async fn run<F>(
    find: impl FnOnce() -> F,
    args: &SecretsSetArgs,
    json: bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let secret = Secret::named(&args.name)?;
    let deployment = find().await?;
    let id = deployment.output(&secret.output())?;
    let held = deployment.vault.read(id).await?;
    let before = held.fields()?;
    known(&secret, &before, &args.field)?;
    let value = if args.clear {
        SecretText::default()
    } else {
        from_standard_input(&args.field)?
    };
    check_format(&args.field, &value)?;
    let mut after = before.clone();
    let text = Value::String(value.expose().to_owned());
    after.insert(args.field.clone(), text);
    let changed = after != before;
    if changed {
        check_effect(&secret, &held, &before, &after, &args.field)?;
        let text = Value::Object(after).to_string();
        deployment.vault.put(&held, text).await?;
    }
    if json {
        let (name, set) = (secret.name(), !value.is_empty());
        return output::json(
            &json!({ "name": name, "field": args.field, "set": set, "changed": changed }),
        );
    }
    output::line(&said(&secret, &args.field, changed))
}

/// Refuses a field that the secret does not have.
fn known(secret: &Secret, fields: &Fields, field: &str) -> Result<(), WrongUse> {
    let mut known: BTreeSet<String> = secret.fields().into_iter().collect();
    known.extend(fields.keys().cloned());
    if known.contains(field) {
        return Ok(());
    }
    let known: Vec<String> = known.into_iter().collect();
    Err(WrongUse(format!(
        "{} has no field `{field}`; it has {}",
        secret.name(),
        known.join(", ")
    )))
}

fn from_standard_input(field: &str) -> Result<SecretText, WrongUse> {
    let input = std::io::stdin();
    let mut text = String::new();
    let read = if input.is_terminal() {
        eprintln!("Give the {field}, and end it with Enter:");
        input.read_line(&mut text)
    } else {
        input.lock().take(LONGEST).read_to_string(&mut text)
    };
    // The error does not quote what was read.
    read.map_err(|error| WrongUse(format!("standard input cannot be read: {error}")))?;
    trimmed(&text, field)
}

fn trimmed(text: &str, field: &str) -> Result<SecretText, WrongUse> {
    let problem = match text.trim() {
        "" => "is empty: give the value on standard input, or empty the field with --clear",
        _ if text.len() as u64 >= LONGEST => "is too long for Secrets Manager",
        text if text.chars().any(char::is_control) => {
            "has several lines, or characters that cannot be printed: give the value alone"
        }
        text => return Ok(SecretText::from(text.to_owned())),
    };
    Err(WrongUse(format!("the {field} {problem}")))
}

/// Refuses what no call could carry.
fn check_format(field: &str, value: &SecretText) -> Result<(), WrongUse> {
    let value = value.expose();
    let problem = match field {
        "header" if !value.is_empty() && HeaderName::from_bytes(value.as_bytes()).is_err() => {
            "cannot be a header's name: give letters, digits and `-`"
        }
        "username" if value.contains(':') => "has a `:`, which HTTP Basic does not allow in a name",
        _ => return Ok(()),
    };
    Err(WrongUse(format!("the {field} {problem}")))
}

/// Refuses what would shut a vendor out.
fn check_effect(
    secret: &Secret,
    held: &Held,
    before: &Fields,
    after: &Fields,
    field: &str,
) -> anyhow::Result<()> {
    let Secret::Inbound(source) = secret else {
        // A key that goes out has no one to be believed by but its vendor: only the current one is used.
        return Ok(());
    };
    let previous = held.previous.as_ref().and_then(|it| it.fields.as_ref());
    if previous.is_some_and(|previous| would_end(previous, before)) {
        let name = source.name;
        bail!(
            "a previous version of {name} still stands with a credential that is no longer in the current one, and this would \
             end it at once: see that the vendor uses what `hooks endpoints` prints, end the previous one with `hooks secrets \
             retire {name}`, and set the {field} then"
        );
    }
    if opens_any(source, before) && !opens_any(source, after) {
        bail!(
            "{} would be left without any credential, and every call of it answered 503: set another one first",
            source.name
        );
    }
    Ok(check_signing_secret(source, after, field)?)
}

/// Whether the previous version holds something that the current one does not.
fn would_end(previous: &Fields, current: &Fields) -> bool {
    let mut fields = previous.iter();
    fields.any(|(name, value)| is_set(value) && current.get(name) != Some(value))
}

/// Refuses a signing secret that is no key: it would open nothing.
fn check_signing_secret(source: &Entry, after: &Fields, field: &str) -> Result<(), WrongUse> {
    if field != "signing_secret" || !after.get(field).is_some_and(is_set) {
        return Ok(());
    }
    let alone: Fields = after
        .iter()
        .filter(|(name, _)| *name == field)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if opens_any(source, &alone) {
        return Ok(());
    }
    Err(WrongUse(format!(
        "the {field} is none that {} issues: copy it whole, `whsec_` and what follows",
        source.name
    )))
}

/// Whether any call could be authenticated by these.
fn opens_any(source: &Entry, fields: &Fields) -> bool {
    let endpoints = source.endpoints(&Value::Object(fields.clone()).to_string());
    endpoints.is_ok_and(|endpoints| !endpoints.is_empty())
}

fn said(secret: &Secret, field: &str, changed: bool) -> String {
    let name = secret.name();
    if !changed {
        return format!("the {field} of {name} is this already: nothing was changed");
    }
    let what =
        format!("the {field} of {name} is changed, and every function knows it in five minutes");
    match secret {
        Secret::Inbound(_) => format!(
            "{what}; what was before is accepted as well until `hooks secrets retire {name}`"
        ),
        Secret::Api(_) => what,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: &Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_value_is_trimmed_and_one_of_no_use_refused_without_quoting_it() {
        let value = trimmed(" \twhsec_abc=\r\n", "signing_secret").unwrap();
        assert_eq!(value.expose(), "whsec_abc=");
        let long = "x".repeat(70_000);
        for wrong in ["", " \n", "5318\n008", "5318\u{1b}008", &long] {
            let error = trimmed(wrong, "token").unwrap_err().to_string();
            assert!(error.starts_with("the token "), "{error}");
            assert!(!error.contains("5318") && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn a_header_and_a_name_are_such_as_calls_can_carry() {
        let check = |field, value: &str| check_format(field, &value.to_owned().into()).is_ok();
        assert!(check("header", "x-token") && check("header", ""));
        assert!(!check("header", "x token") && !check("header", "x:token"));
        assert!(check("username", "xobin") && !check("username", "xo:bin"));
        assert!(check("password", "a:b c"));
    }

    #[test]
    fn a_previous_version_is_given_up_only_if_all_that_it_holds_is_current() {
        let current = fields(&json!({ "token": "a", "signing_secret": "b" }));
        for (previous, ends) in [
            (json!({ "token": "a", "signing_secret": "" }), false),
            (json!({ "token": "a" }), false),
            (json!({ "token": "z", "signing_secret": "b" }), true),
            (json!({ "token": "a", "signing_secret": "z" }), true),
            (json!({ "token": "a", "header": "z" }), true),
        ] {
            assert_eq!(would_end(&fields(&previous), &current), ends, "{previous}");
        }
    }

    #[test]
    fn a_signing_secret_must_be_a_key() {
        let testlify = crate::sources::named("testlify").unwrap();
        let check = |value: &str| {
            let after = fields(&json!({ "token": "a", "signing_secret": value }));
            check_signing_secret(&testlify, &after, "signing_secret").is_ok()
        };
        assert!(check("whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLi4u") && check(""));
        assert!(!check("whsec_…") && !check("not a key"));
    }
}
