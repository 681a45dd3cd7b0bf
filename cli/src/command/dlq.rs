//! `hooks dlq`: the messages of the dead-letter queue. They stay in it.

use crate::command::work;
use crate::deployment::Deployment;
use crate::output::{self, or_dash};
use anyhow::Context;
use aws_sdk_sqs::types::{Message as SqsMessage, MessageSystemAttributeName};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use shared::error::causes;
use std::collections::BTreeMap;
use worker::job::Message;

const MOST_AT_ONCE: i32 = 10;
const AT_ONCE: usize = 8;
const GONE: &str = "what it speaks of is gone";
/// For how long a message that was shown is away from others, and from this.
const HIDDEN_SECONDS: i32 = 1;
/// With any wait at all, SQS asks all of its servers for messages and not some.
const WAIT_SECONDS: i32 = 1;
/// How often SQS is asked in vain before it is believed that there is nothing more.
const MOST_IN_VAIN: usize = 3;

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

/// SQS gives a few at a time, and those that were given before come again.
pub async fn letters(deployment: &Deployment) -> anyhow::Result<Vec<DeadLetter>> {
    let there = deployment.messages("DeadLetterQueueUrl").await?;
    let (mut letters, mut in_vain) = (BTreeMap::new(), 0);
    loop {
        let before = letters.len();
        for message in receive(deployment).await? {
            let letter = dead_letter(&message)?;
            letters.insert(letter.id.clone(), letter);
        }
        let complete = letters.len() as u64 >= there;
        in_vain = if letters.len() > before {
            0
        } else {
            in_vain + 1
        };
        if in_vain > 0 && (complete || in_vain >= MOST_IN_VAIN) {
            break;
        }
    }
    if (letters.len() as u64) < there {
        eprintln!("{there} messages are there; SQS gave only those that are shown. Try again.");
    }
    let letters = stream::iter(letters.into_values()).map(|letter| explained(deployment, letter));
    letters.buffered(AT_ONCE).try_collect().await
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

async fn receive(deployment: &Deployment) -> anyhow::Result<Vec<SqsMessage>> {
    let request = deployment
        .sqs
        .receive_message()
        .queue_url(deployment.output("DeadLetterQueueUrl")?)
        .max_number_of_messages(MOST_AT_ONCE)
        .visibility_timeout(HIDDEN_SECONDS)
        .wait_time_seconds(WAIT_SECONDS)
        .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
    Ok(request.send().await?.messages.unwrap_or_default())
}

fn dead_letter(message: &SqsMessage) -> anyhow::Result<DeadLetter> {
    let id = message.message_id();
    let (body, problem) = match Message::parse(message.body()) {
        Ok(message) => (Some(serde_json::from_str(&message.body())?), None),
        Err(error) => (None, Some(causes(&error))),
    };
    Ok(DeadLetter {
        id: id.context("SQS gave a message without an id")?.to_owned(),
        received: received(message),
        message: body,
        problem,
    })
}

fn received(message: &SqsMessage) -> Option<u64> {
    let count = message
        .attributes()?
        .get(&MessageSystemAttributeName::ApproximateReceiveCount)?;
    count.parse().ok()
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
        let message = SqsMessage::builder()
            .message_id("m")
            .body(body)
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "6");
        dead_letter(&message.build()).unwrap()
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
