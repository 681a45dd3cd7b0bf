//! The sources, as a command knows them: a new one is a line here. What else of a command names vendors is about their APIs
//! and not about their webhooks: `reprocess`, and the stand-ins on the demo's stage.

use crate::exit::WrongUse;
use crate::workspace;
use anyhow::Context;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::{Value, json};
use shared::caller::{Caller, Delivery, Endpoint, VendorCall};
use shared::person::HashKey;
use shared::replay::{Anew, anew};
use shared::store::Original;
use std::path::Path;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// All of them, each with the fields of its inbound secret that we choose and can rotate, and with that secret on one's own machine:
/// what the template would generate or a vendor issue. They are in the repository, so that the events under `events/` are good
/// for `sam local invoke`; nothing deployed has them.
pub const ALL: [Entry; 4] = [
    Entry::of::<Imocha>(&["token"], || json!({ "token": "local-imocha-token" })),
    Entry::of::<Jobmojito>(
        &["token"],
        || json!({ "header": "x-webhook-token", "token": "local-jobmojito-token" }),
    ),
    Entry::of::<Testlify>(
        &["token"],
        || json!({ "token": "local-testlify-token", "signing_secret": "whsec_bG9jYWwtdGVzdGxpZnktc2lnbmluZy1zZWNyZXQ=" }),
    ),
    Entry::of::<Xobin>(
        &["password", "api_key"],
        || json!({ "username": "xobin", "password": "local-xobin-password", "header": "", "api_key": "" }),
    ),
];

/// One source.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// The fields of its inbound secret that are ours to choose, and not issued by the vendor. The first is what the template
    /// generates.
    pub chosen: &'static [&'static str],
    local_secret: fn() -> Value,
    endpoints: fn(&str) -> anyhow::Result<Vec<Endpoint>>,
    call: fn(&str, Delivery<'_>) -> anyhow::Result<VendorCall>,
    /// Whether reading a body needs the key that people's addresses are hashed with.
    pub hashes_people: bool,
    anew: fn(&Original, &HashKey) -> Anew,
}

impl Entry {
    const fn of<S: Caller + Default>(
        chosen: &'static [&'static str],
        local_secret: fn() -> Value,
    ) -> Self {
        Self {
            name: S::NAME,
            chosen,
            local_secret,
            endpoints: endpoints::<S>,
            call: call::<S>,
            hashes_people: S::HASHES_PEOPLE,
            anew: |original, people| anew(&S::default(), original, people),
        }
    }

    /// The logical id of its inbound secret in the template.
    pub fn secret(&self) -> String {
        format!("{}Secret", capitalised(self.name))
    }

    /// The stack's output that says where its inbound secret is.
    pub fn secret_output(&self) -> String {
        format!("{}Id", self.secret())
    }

    /// The variable that says it where there is no stack.
    pub fn secret_variable(&self) -> String {
        format!("{}_SECRET_ID", self.name.to_ascii_uppercase())
    }

    /// Its inbound secret on one's own machine.
    pub fn local_secret(&self) -> Value {
        (self.local_secret)()
    }

    /// What the vendor must be given, by its inbound secret.
    pub fn endpoints(&self, secret: &str) -> anyhow::Result<Vec<Endpoint>> {
        (self.endpoints)(secret)
    }

    /// A call as the vendor makes it.
    pub fn call(&self, secret: &str, delivery: Delivery<'_>) -> anyhow::Result<VendorCall> {
        (self.call)(secret, delivery)
    }

    /// What a stored event of it says to the reader that this command was built with.
    pub fn anew(&self, original: &Original, people: &HashKey) -> Anew {
        (self.anew)(original, people)
    }

    /// The way in that a file is for, by its name up to the first `-`; the only one, if there is only one.
    pub fn version_of(&self, secret: &str, file: &Path) -> anyhow::Result<&'static str> {
        let endpoints = self.endpoints(secret)?;
        let versions: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.version).collect();
        Ok(version_of(&versions, file)?)
    }
}

/// A vendor's name, as the template's logical ids begin with it.
pub fn capitalised(name: &str) -> String {
    let mut name = name.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    name
}

fn version_of<'a>(versions: &[&'a str], file: &Path) -> Result<&'a str, WrongUse> {
    let stem = workspace::stem(file);
    let prefix = stem.split_once('-').map_or(stem, |(prefix, _)| prefix);
    let known = versions
        .iter()
        .find(|version| **version == prefix || version.is_empty());
    known.copied().ok_or_else(|| {
        let versions = versions.join(", ");
        WrongUse(format!(
            "the name of {} does not say for which way in it is: add --version, one of {versions}",
            file.display()
        ))
    })
}

fn credentials<S: Caller>(secret: &str) -> anyhow::Result<S::Credentials> {
    // serde's own message may quote the secret.
    let parsed = serde_json::from_str(secret).ok();
    parsed.with_context(|| {
        format!(
            "the inbound secret of {} is not of the expected shape",
            S::NAME
        )
    })
}

fn endpoints<S: Caller>(secret: &str) -> anyhow::Result<Vec<Endpoint>> {
    Ok(S::endpoints(&credentials::<S>(secret)?))
}

fn call<S: Caller>(secret: &str, delivery: Delivery<'_>) -> anyhow::Result<VendorCall> {
    Ok(S::call(&credentials::<S>(secret)?, delivery)?)
}

/// The source of this name.
pub fn named(name: &str) -> Result<Entry, WrongUse> {
    ALL.into_iter()
        .find(|source| source.name == name)
        .ok_or_else(|| {
            let names = ALL.map(|source| source.name).join(", ");
            WrongUse(format!("`{name}` is no source; the sources are {names}"))
        })
}

/// The source of this name, or all.
pub fn named_or_all(name: Option<&str>) -> Result<Vec<Entry>, WrongUse> {
    match name {
        Some(name) => Ok(vec![named(name)?]),
        None => Ok(ALL.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_knows_its_secret() {
        assert_eq!(
            ALL.map(|source| source.secret()),
            [
                "ImochaSecret",
                "JobmojitoSecret",
                "TestlifySecret",
                "XobinSecret"
            ]
        );
        assert_eq!(ALL[0].secret_output(), "ImochaSecretId");
        assert_eq!(ALL[0].secret_variable(), "IMOCHA_SECRET_ID");
    }

    #[test]
    fn a_files_name_says_for_which_way_in_it_is() {
        let version =
            |versions: &[&'static str], name: &str| version_of(versions, Path::new(name)).ok();
        assert_eq!(
            version(&["v1", "v2"], "events/testlify/v2-completed.json"),
            Some("v2")
        );
        assert_eq!(
            version(&["start", "submission"], "start.json"),
            Some("start")
        );
        assert_eq!(version(&[""], "in-progress.json"), Some(""));
        assert_eq!(version(&["v1", "v2"], "completed.json"), None);
    }

    #[test]
    fn an_unknown_source_is_answered_with_the_known_ones() {
        let error = named("mocha").map(|it| it.name).unwrap_err().to_string();
        assert!(
            error.contains("`mocha`") && error.contains("imocha, jobmojito"),
            "{error}"
        );
    }

    #[test]
    fn a_malformed_secret_is_not_quoted() {
        let error = ALL[0]
            .endpoints(r#"{"token":5318008}"#)
            .map(|it| it.len())
            .unwrap_err();
        assert!(!format!("{error:?}").contains("5318008"));
    }
}
