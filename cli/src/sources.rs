//! The sources, as a command knows them: the one list of them outside `functions/` and `template.yaml`.

use crate::exit::WrongUse;
use anyhow::Context;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use shared::caller::{Caller, Delivery, Endpoint, VendorCall};
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// All of them.
pub const ALL: [Entry; 4] = [
    Entry::of::<Imocha>(),
    Entry::of::<Jobmojito>(),
    Entry::of::<Testlify>(),
    Entry::of::<Xobin>(),
];

/// One source.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    endpoints: fn(&str) -> anyhow::Result<Vec<Endpoint>>,
    call: fn(&str, Delivery<'_>) -> anyhow::Result<VendorCall>,
}

impl Entry {
    const fn of<S: Caller>() -> Self {
        Self {
            name: S::NAME,
            endpoints: endpoints::<S>,
            call: call::<S>,
        }
    }

    /// The logical id of its inbound secret in the template; with `Id` behind it, the stack's output that names it.
    pub fn secret(&self) -> String {
        let mut name = self.name.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{name}Secret")
    }

    /// What the vendor must be given, by its inbound secret.
    pub fn endpoints(&self, secret: &str) -> anyhow::Result<Vec<Endpoint>> {
        (self.endpoints)(secret)
    }

    /// A call as the vendor makes it.
    pub fn call(&self, secret: &str, delivery: Delivery<'_>) -> anyhow::Result<VendorCall> {
        (self.call)(secret, delivery)
    }
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
