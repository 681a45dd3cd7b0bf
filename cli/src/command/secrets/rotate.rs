//! `hooks secrets rotate`: a new credential, which is shown once every function knows it. The old one stays good.

use crate::args::SecretsRotateArgs;
use crate::command::endpoints::{self, EndpointView};
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::secret::Secret;
use crate::sources::Entry;
use crate::vault::{Fields, Held, KNOWN_AFTER};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use shared::clock::Clock;
use std::future::Future;
use std::time::Duration;
use worker::register;

/// As many as the template has generated.
const LENGTH: usize = 48;
const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const TICK: Duration = Duration::from_secs(1);

/// Makes it. The deployment is looked for after the name is checked.
pub async fn run<F>(
    find: impl FnOnce() -> F,
    args: &SecretsRotateArgs,
    json: bool,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let (source, endpoints) = rotated(find, args, tokio::time::sleep).await?;
    endpoints::show(&endpoints, json)?;
    eprintln!("{}", what_is_next(source.name));
    Ok(())
}

/// Makes it, and gives what the vendor must be given, but not before every function knows it: `pause` is how time passes until then.
async fn rotated<F>(
    find: impl FnOnce() -> F,
    args: &SecretsRotateArgs,
    pause: impl AsyncFn(Duration),
) -> anyhow::Result<(Entry, Vec<EndpointView>)>
where
    F: Future<Output = anyhow::Result<Deployment>>,
{
    let source = ours(&args.name)?;
    let deployment = find().await?;
    let id = deployment.output(&source.secret_output())?;
    let held = deployment.vault.read(id).await?;
    let (secret, fields) = renewed(&source, &held)?;
    let fields = fields.join(" and ");
    // Whatever is wrong with what would be printed is said before anything is changed.
    let endpoints = endpoints::of_source(&deployment, &source, &secret)?;
    deployment.vault.put(&held, secret).await?;
    if args.no_wait {
        tell_of_haste(&source, &fields);
    } else {
        wait(&source, &fields, &deployment.clock, pause).await;
    }
    Ok((source, endpoints))
}

/// What the operator has to do with the new credential.
fn what_is_next(name: &str) -> String {
    let give = if name == register::VENDOR {
        format!(
            "Have {name} use it with `hooks webhooks register {name} --update-auth --update-all`, or give it this by hand"
        )
    } else {
        format!("Give this to {name}")
    };
    format!(
        "{give}. Once it uses it everywhere, end the old one with `hooks secrets retire {name}`."
    )
}

/// The source of this name: only the credentials of sources are ours to choose.
fn ours(name: &str) -> Result<Entry, WrongUse> {
    match Secret::named(name)? {
        Secret::Inbound(source) => Ok(source),
        Secret::Api(vendor) => Err(WrongUse(format!(
            "the key of {vendor}'s API is issued by {vendor}: have a new one issued, and put it in with \
             `hooks secrets set {name} api_key`"
        ))),
    }
}

/// The secret with a new value of each credential that we choose, and their names.
fn renewed(source: &Entry, held: &Held) -> anyhow::Result<(String, Vec<&'static str>)> {
    let name = source.name;
    if held.previous.is_some() {
        bail!(
            "a previous version of {name} still stands, and a new one would end it at once: see that the vendor uses what \
             `hooks endpoints` prints, end the previous one with `hooks secrets retire {name}`, and rotate then"
        );
    }
    let mut fields = held.fields()?;
    let names = in_use(source, &fields);
    for name in &names {
        fields.insert((*name).to_owned(), Value::String(credential()));
    }
    Ok((Value::Object(fields).to_string(), names))
}

/// Of the credentials that we choose those that are set: each lets the vendor in. What is not set stays off, unless all are.
fn in_use(source: &Entry, fields: &Fields) -> Vec<&'static str> {
    let is_set = |name: &&str| {
        let value = fields.get(*name).and_then(Value::as_str);
        value.is_some_and(|value| !value.is_empty())
    };
    let set: Vec<&str> = source.chosen.iter().copied().filter(is_set).collect();
    if set.is_empty() {
        return source.chosen.iter().copied().take(1).collect();
    }
    set
}

/// Letters and digits, each as likely as the other.
fn credential() -> String {
    let mut text = String::with_capacity(LENGTH);
    while text.len() < LENGTH {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).expect("the operating system has randomness");
        // 248 is the largest multiple of 62 that a byte holds: what is above would favour some letters.
        let usable = bytes.into_iter().filter(|byte| *byte < 248);
        let letters = usable.filter_map(|byte| LETTERS_AND_DIGITS.get(usize::from(byte % 62)));
        let missing = LENGTH - text.len();
        text.extend(letters.take(missing).map(|letter| char::from(*letter)));
    }
    text
}

fn tell_of_haste(source: &Entry, fields: &str) {
    eprintln!(
        "A new credential of {} stands ({fields}), and the old one stays good. For five minutes some functions may not know the \
         new one, and answer it with 401: do not give it to the vendor before.",
        source.name
    );
}

/// Waits until no function believes what it read before the change.
async fn wait(source: &Entry, fields: &str, clock: &Clock, pause: impl AsyncFn(Duration)) {
    let all = KNOWN_AFTER;
    eprintln!(
        "A new credential of {} stands ({fields}), and the old one stays good. What to give to the vendor is printed when every \
         function knows the new one; if you interrupt this, `hooks endpoints` prints it, and it is good from {} on.",
        source.name,
        clock.now().plus(all)
    );
    let style = ProgressStyle::with_template("until every function knows it {bar:40} {eta}")
        .expect("the template is a constant");
    let bar = ProgressBar::new(all.as_secs()).with_style(style);
    for _ in 0..all.as_secs() {
        pause(TICK).await;
        bar.inc(1);
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests;
