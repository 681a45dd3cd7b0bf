//! The secrets that a command may show or change, by the names that it knows them by: the sources' own, and the keys of the
//! vendors' APIs. The key that people are hashed with is none of them, since it never changes.

use crate::exit::WrongUse;
use crate::sources::{self, Entry, capitalised};
use serde_json::Value;

/// The field of an API secret.
pub const API_KEY: &str = "api_key";

/// All of them. A new source, or a new vendor whose API is called, is a line here.
pub const ALL: [Secret; 7] = {
    let [imocha, jobmojito, testlify, xobin] = sources::ALL;
    [
        Secret::Inbound(imocha),
        Secret::Inbound(jobmojito),
        Secret::Inbound(testlify),
        Secret::Inbound(xobin),
        Secret::Api("imocha"),
        Secret::Api("jobmojito"),
        Secret::Api("xobin"),
    ]
};

/// One secret.
#[derive(Clone, Copy)]
pub enum Secret {
    /// What a source's calls are authenticated with.
    Inbound(Entry),
    /// The key of this vendor's API.
    Api(&'static str),
}

impl Secret {
    /// The secret of this name.
    pub fn named(name: &str) -> Result<Self, WrongUse> {
        if is_hash_key(name) {
            let text = "the key that people are hashed with is never changed: nobody would be found again by their address, \
                        and Testlify's attempts would begin anew";
            return Err(WrongUse(text.into()));
        }
        let found = ALL.into_iter().find(|secret| secret.name() == name);
        found.ok_or_else(|| {
            let names = ALL.map(|secret| secret.name()).join(", ");
            WrongUse(format!(
                "`{name}` is no secret of this kind; there are {names}"
            ))
        })
    }

    /// What a command calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Inbound(source) => source.name.to_owned(),
            Self::Api(vendor) => format!("{vendor}-api"),
        }
    }

    /// The stack's output that says where it is.
    pub fn output(&self) -> String {
        match self {
            Self::Inbound(source) => source.secret_output(),
            Self::Api(vendor) => format!("{}ApiSecretId", capitalised(vendor)),
        }
    }

    /// The variable that says it where there is no stack.
    pub fn variable(&self) -> String {
        match self {
            Self::Inbound(source) => source.secret_variable(),
            Self::Api(vendor) => format!("{}_API_SECRET_ID", vendor.to_ascii_uppercase()),
        }
    }

    /// The fields that it may have, whether or not they are in it.
    pub fn fields(&self) -> Vec<String> {
        match self {
            Self::Inbound(source) => match source.local_secret() {
                Value::Object(fields) => fields.into_iter().map(|(name, _)| name).collect(),
                _ => Vec::new(),
            },
            Self::Api(_) => vec![API_KEY.to_owned()],
        }
    }
}

fn is_hash_key(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.map(|it| it.to_ascii_lowercase()).collect();
    letters.starts_with("hashkey")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_found_by_its_name() {
        for secret in ALL {
            let name = secret.name();
            assert_eq!(Secret::named(&name).unwrap().output(), secret.output());
        }
        assert_eq!(
            Secret::named("xobin-api").unwrap().output(),
            "XobinApiSecretId"
        );
    }

    #[test]
    fn every_source_is_among_them_with_a_field_that_is_ours_to_choose() {
        for source in sources::ALL {
            let secret = Secret::named(source.name).unwrap();
            let fields = secret.fields();
            assert!(
                source
                    .chosen
                    .iter()
                    .all(|it| fields.iter().any(|field| field == it))
            );
        }
    }

    #[test]
    fn the_hash_key_is_refused_by_any_name_and_others_with_the_known_ones() {
        let refusal = |name| Secret::named(name).map(|_| ()).unwrap_err().to_string();
        for name in [
            "hash-key",
            "hash_key",
            "HashKey",
            "HashKeySecret",
            "hash-key-secret",
        ] {
            assert!(refusal(name).contains("never changed"), "{name}");
        }
        for name in ["testlify-api", "mocha", ""] {
            let text = refusal(name);
            assert!(
                text.contains("xobin-api") && text.contains(name),
                "{name}: {text}"
            );
        }
    }
}
