//! Who, or what, is to be erased.

use crate::args::erase::EraseArgs;
use crate::deployment::Deployment;
use crate::exit::WrongUse;
use crate::sources;
use anyhow::Context;
use serde_json::{Value, json};
use shared::erasure::Person;
use shared::key::attempt_partition;
use std::io::Read;

/// What stands for the address where it is to be read.
const STANDARD_INPUT: &str = "-";
/// No address is longer, nor what surrounds it.
const MOST_INPUT: u64 = 4096;
/// By what name a receipt says whose it is.
pub const PERSON: &str = "person";
/// What an attempt is noted to be erased by, where no person is named. No keyed hash is this.
const BY_ATTEMPT: &str = "attempt";

/// What was asked for.
#[derive(Debug)]
pub enum Asked {
    Email(String),
    ExternalId(String),
    Attempt { source: String, attempt: String },
}

/// Who is erased.
pub enum Subject {
    /// Whoever is known by this.
    Person(Person),
    /// Whoever this attempt is of.
    Attempt {
        pk: String,
        source: String,
        attempt: String,
    },
}

impl Asked {
    /// What the command line says, and standard input.
    pub fn parse(args: &EraseArgs) -> anyhow::Result<Self> {
        if let Some(email) = &args.email {
            return Ok(Self::Email(if email == STANDARD_INPUT {
                of_standard_input()?
            } else {
                email.clone()
            }));
        }
        if let Some(id) = &args.external_id {
            return Ok(Self::ExternalId(id.clone()));
        }
        let source = args.source.as_deref().unwrap_or_default();
        let attempt = args.attempt.as_deref().unwrap_or_default();
        Ok(Self::Attempt {
            source: sources::named(source)?.name.to_owned(),
            attempt: attempt.to_owned(),
        })
    }

    /// Who that is in this deployment.
    pub async fn subject(self, deployment: &Deployment) -> anyhow::Result<Subject> {
        let wrong = |error: &dyn std::error::Error| WrongUse(error.to_string());
        match self {
            Self::Email(email) => {
                let person = Person::by_email(&email, &deployment.hash_key().await?);
                Ok(Subject::Person(person.map_err(|error| wrong(&error))?))
            }
            Self::ExternalId(id) => {
                let person = Person::by_external_id(&id, &deployment.hash_key().await?);
                Ok(Subject::Person(person.map_err(|error| wrong(&error))?))
            }
            Self::Attempt { source, attempt } => {
                let pk = attempt_partition(&source, &attempt);
                Ok(Subject::Attempt {
                    pk,
                    source,
                    attempt,
                })
            }
        }
    }
}

impl Subject {
    /// What an attempt is noted to be erased by.
    pub fn name(&self) -> &str {
        match self {
            Self::Person(person) => person.key(),
            Self::Attempt { .. } => BY_ATTEMPT,
        }
    }

    /// Who it is, as a receipt may say it.
    pub fn json(&self) -> Value {
        match self {
            Self::Person(person) => json!({ PERSON: person.key() }),
            Self::Attempt {
                source, attempt, ..
            } => json!({ "source": source, "attempt": attempt }),
        }
    }
}

fn of_standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(MOST_INPUT);
    let read = input.read_to_string(&mut text);
    read.context("standard input cannot be read as text")?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parsed(options: &[&str]) -> Result<Asked, String> {
        let words = ["hooks", "erase"]
            .into_iter()
            .chain(options.iter().copied());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Erase(args) = cli.command else {
            unreachable!("it is what was parsed")
        };
        Asked::parse(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn exactly_one_person_or_attempt_is_named() {
        let email = ["--email", "ada@example.com"];
        assert!(matches!(parsed(&email), Ok(Asked::Email(_))));
        let attempt = ["--source", "xobin", "--attempt", "7", "--dry-run"];
        assert!(matches!(parsed(&attempt), Ok(Asked::Attempt { .. })));
        let id = ["--external-id", "ATS-1", "--lift"];
        assert!(matches!(parsed(&id), Ok(Asked::ExternalId(_))));
        for options in [
            &[][..],
            &["--source", "xobin"],
            &["--attempt", "7"],
            &["--source", "mocha", "--attempt", "7"],
            &["--email", "ada@example.com", "--external-id", "7"],
            &["--email", "ada@example.com", "--source", "xobin"],
            &["--email", "ada@example.com", "--lift", "--dry-run"],
            &["--source", "xobin", "--attempt", "7", "--lift"],
        ] {
            assert!(parsed(options).is_err(), "{options:?}");
        }
    }
}
