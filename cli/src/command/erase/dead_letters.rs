//! The dead letters about what is erased. Those of this project hold keys and nobody's name; what is none of them may hold anything.

use super::subject::Subject;
use crate::deployment::Deployment;
use anyhow::Context;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message as SqsMessage;
use std::collections::{BTreeMap, BTreeSet};
use worker::job::Message;

const MOST_AT_ONCE: i32 = 10;
/// For how long a message that was looked at is away from others, and from this: until all were.
const HIDDEN_SECONDS: i32 = 60;
/// With any wait at all, SQS asks all of its servers for messages and not some.
const WAIT_SECONDS: i32 = 1;

/// The dead-letter queue.
pub struct DeadLetters<'a> {
    client: &'a Client,
    url: &'a str,
}

impl<'a> DeadLetters<'a> {
    /// That of a deployment.
    pub fn of(deployment: &'a Deployment) -> anyhow::Result<Self> {
        Ok(Self {
            client: &deployment.sqs,
            url: deployment.output("DeadLetterQueueUrl")?,
        })
    }

    /// How many are about this. They stay.
    pub async fn count(
        &self,
        subject: &Subject,
        attempts: &BTreeSet<String>,
    ) -> anyhow::Result<usize> {
        let letters = self.all().await?;
        let about = letters
            .values()
            .filter(|it| is_about(it, subject, attempts));
        let count = about.count();
        for letter in letters.values() {
            self.put_back(letter).await?;
        }
        Ok(count)
    }

    /// Deletes those that are about this, and puts the others back. Tells how many there were.
    pub async fn erase(
        &self,
        subject: &Subject,
        attempts: &BTreeSet<String>,
    ) -> anyhow::Result<usize> {
        let mut erased = 0;
        for letter in self.all().await?.values() {
            if is_about(letter, subject, attempts) {
                let delete = self.client.delete_message().queue_url(self.url);
                delete.receipt_handle(handle(letter)?).send().await?;
                erased += 1;
            } else {
                self.put_back(letter).await?;
            }
        }
        Ok(erased)
    }

    /// All of them, by their ids, hidden for a while.
    async fn all(&self) -> anyhow::Result<BTreeMap<String, SqsMessage>> {
        let mut all = BTreeMap::new();
        loop {
            let receive = self.client.receive_message().queue_url(self.url);
            let receive = receive
                .max_number_of_messages(MOST_AT_ONCE)
                .visibility_timeout(HIDDEN_SECONDS)
                .wait_time_seconds(WAIT_SECONDS);
            let messages = receive.send().await?.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(all);
            }
            for message in messages {
                let id = message.message_id().unwrap_or_default().to_owned();
                all.insert(id, message);
            }
        }
    }

    async fn put_back(&self, letter: &SqsMessage) -> anyhow::Result<()> {
        let show = self.client.change_message_visibility().queue_url(self.url);
        let show = show.receipt_handle(handle(letter)?).visibility_timeout(0);
        show.send().await?;
        Ok(())
    }
}

fn handle(letter: &SqsMessage) -> anyhow::Result<&str> {
    let handle = letter.receipt_handle();
    handle.context("SQS gave a message without a receipt handle")
}

/// One that asks a vendor for several attempts stays for the others' sake; the worker passes over those that are erased.
fn is_about(letter: &SqsMessage, subject: &Subject, attempts: &BTreeSet<String>) -> bool {
    let body = letter.body().unwrap_or_default();
    if let Subject::Person(person) = subject
        && person.is_named_in(body.as_bytes())
    {
        return true;
    }
    let Ok(message) = Message::parse(Some(body)) else {
        return false;
    };
    let items = message.job.items();
    !items.is_empty() && items.iter().all(|item| attempts.contains(&item.pk))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::erasure::Person;
    use shared::secrets::SecretText;

    fn about(body: &str) -> bool {
        let people = SecretText::from("k".to_owned()).into();
        let person = Person::by_email("ada@example.com", &people).unwrap();
        let attempts = BTreeSet::from(["imocha#attempt#7".to_owned()]);
        let letter = SqsMessage::builder().body(body).build();
        is_about(&letter, &Subject::Person(person), &attempts)
    }

    #[test]
    fn a_letter_about_the_attempt_or_with_the_address_is_found_and_no_other() {
        let fold = |pk: &str| format!(r#"{{"version":1,"job":"fold","pk":"{pk}","sk":"event#1"}}"#);
        assert!(about(&fold("imocha#attempt#7")));
        assert!(!about(&fold("imocha#attempt#77")));
        assert!(about("hello ADA@example.com"));
        assert!(!about("hello eve@example.com"));
        assert!(!about(r#"{"version":1,"job":"sweep"}"#));
        let ask = |ids: &str| format!(r#"{{"version":1,"job":"ask_imocha","ids":[{ids}]}}"#);
        assert!(about(&ask("7")));
        assert!(!about(&ask("7,8")));
    }
}
