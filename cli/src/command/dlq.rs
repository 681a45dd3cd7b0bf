//! `hooks dlq`: the messages of the dead-letter queue. They stay in it.

use crate::command::work;
use crate::dead_letters::{DeadLetters, Letter};
use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use shared::error::causes;
use std::collections::BTreeMap;
use worker::job::Message;

const AT_ONCE: usize = 8;
const GONE: &str = "what it speaks of is gone";

/// A dead letter, as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    pub id: String,
    /// How often it was received, this time included.
    received: Option<u64>,
    /// The message, if it is one of ours.
    message: Option<Value>,
    /// Why it is none of ours, or why its work was not done the last time that it was tried. Its text is not quoted.
    pub problem: Option<String>,
}

impl DeadLetter {
    /// The job that it asks for, if it is one of ours.
    pub fn job(&self) -> Option<&str> {
        self.message.as_ref()?["job"].as_str()
    }
}

/// Lists the messages.
pub async fn list(deployment: &Deployment, json: bool) -> anyhow::Result<()> {
    let letters = letters(deployment).await?;
    if json {
        return output::json(&letters);
    }
    let rows: Vec<_> = letters.iter().map(row).collect();
    output::table(
        ["message", "received", "what it is", "why it is there"],
        &rows,
    )
}

/// All that SQS gives, by their ids.
pub async fn letters(deployment: &Deployment) -> anyhow::Result<Vec<DeadLetter>> {
    let mut there = DeadLetters::of(deployment).await?;
    let letters = all(&mut there).await;
    let unseen = there.close().await.unseen;
    let letters = letters?;
    if unseen > 0 {
        eprintln!(
            "{unseen} more messages are there, and SQS gave only those that are shown. Try again in a minute."
        );
    }
    let letters = stream::iter(letters.into_values()).map(|letter| explained(deployment, letter));
    letters.buffered(AT_ONCE).try_collect().await
}

/// What SQS gives, or the first error: the queue is to be closed after either, so that others see what was not deleted.
async fn all(there: &mut DeadLetters<'_>) -> anyhow::Result<BTreeMap<String, DeadLetter>> {
    let mut letters = BTreeMap::new();
    while let Some(letter) = there.next().await? {
        letters.insert(letter.id.clone(), dead_letter(letter)?);
    }
    Ok(letters)
}

/// With why its work was not done, which stands beside the work.
async fn explained(deployment: &Deployment, letter: DeadLetter) -> anyhow::Result<DeadLetter> {
    let body = letter.message.as_ref().map(Value::to_string);
    let items = Message::parse(body.as_deref()).map(|it| it.job.items());
    let Some(item) = items.unwrap_or_default().into_iter().next() else {
        return Ok(letter);
    };
    let problem = match work::problem(deployment, &item).await? {
        None if !deployment.table.is_there(&item).await? => Some(GONE.to_owned()),
        problem => problem,
    };
    Ok(DeadLetter { problem, ..letter })
}

fn dead_letter(letter: Letter) -> anyhow::Result<DeadLetter> {
    let (message, problem) = match Message::parse(Some(&letter.body)) {
        Ok(message) => (Some(serde_json::from_str(&message.body())?), None),
        Err(error) => (None, Some(causes(&error))),
    };
    Ok(DeadLetter {
        id: letter.id,
        received: letter.received,
        message,
        problem,
    })
}

fn row(letter: &DeadLetter) -> [String; 4] {
    let message = letter.message.as_ref().map(Value::to_string);
    [
        letter.id.clone(),
        or_dash(letter.received),
        or_dash(message.as_ref()),
        or_dash(letter.problem.as_ref()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str) -> DeadLetter {
        dead_letter(Letter::of_test(body)).unwrap()
    }

    #[test]
    fn a_message_of_ours_is_shown_as_it_is() {
        let letter = letter(r#"{"version":1,"job":"fold","pk":"imocha#attempt#1","sk":"event#2"}"#);
        assert_eq!(letter.received, Some(6));
        assert_eq!(letter.problem, None);
        assert_eq!(letter.message.unwrap()["pk"], "imocha#attempt#1");
    }

    #[test]
    fn what_is_none_of_ours_says_why_and_is_not_quoted() {
        let letter = letter("hello ada@example.com");
        assert!(letter.message.is_none());
        let [_, _, what, shown] = row(&letter);
        assert_eq!(what, "–");
        assert!(shown.contains("not one of this queue's"), "{shown}");
        assert!(!shown.contains("ada"), "{shown}");
    }
}
