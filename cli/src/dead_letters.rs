//! The dead-letter queue, gone through once: each message is told once, and deleted or left.
//!
//! SQS gives a few at a time, in no order, and gives again what was not deleted. So what it gives is hidden for a while, and
//! [`DeadLetters::close`] shows again what was left, in whatever way one is done with it; who dies before leaves it hidden for that while. SQS
//! also says how many there are, about: by that [`Left::unseen`] tells whether it gave them all, for nothing else does.

use crate::deployment::Deployment;
use anyhow::Context;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use futures_util::{StreamExt, stream};
use std::collections::{BTreeMap, VecDeque};

/// The stack's output that names it.
const QUEUE: &str = "DeadLetterQueueUrl";
const MOST_AT_ONCE: i32 = 10;
/// For how long a message that was given is away from others, and from this: in that time SQS gives some ten thousand.
const HIDDEN_SECONDS: i32 = 60;
/// With any wait at all, SQS asks all of its servers for messages and not some.
const WAIT_SECONDS: i32 = 1;
/// How often SQS is asked in vain before it is believed that it gives no more.
const MOST_IN_VAIN: usize = 3;
/// How many are shown again at a time.
const AT_ONCE: usize = 16;

/// A message of the queue.
#[derive(Debug)]
pub struct Letter {
    /// What SQS calls it.
    pub id: String,
    /// What it says.
    pub body: String,
    /// When it was first sent, by SQS's clock: that it died does not change it.
    pub sent_ms: i64,
    /// How often it was received, this time included.
    pub received: Option<u64>,
    handle: String,
}

/// The dead-letter queue, on the way through it.
pub struct DeadLetters<'a> {
    deployment: &'a Deployment,
    url: &'a str,
    /// How many there were when they were last counted, with those that were deleted.
    there: u64,
    deleted: u64,
    /// What was given and is there still, hidden: by id, with the newest handle.
    hidden: BTreeMap<String, String>,
    /// What was given and not told yet.
    given: VecDeque<Letter>,
    in_vain: usize,
}

/// What is in the queue after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// These were given, and were not deleted.
    pub seen: usize,
    /// So many more there are, as SQS says, which it did not give.
    pub unseen: u64,
}

impl<'a> DeadLetters<'a> {
    /// Those that a deployment has now.
    pub async fn of(deployment: &'a Deployment) -> anyhow::Result<Self> {
        Ok(Self {
            deployment,
            url: deployment.output(QUEUE)?,
            there: deployment.messages(QUEUE).await?,
            deleted: 0,
            hidden: BTreeMap::new(),
            given: VecDeque::new(),
            in_vain: 0,
        })
    }

    /// Another one; `None` once SQS gives no more.
    pub async fn next(&mut self) -> anyhow::Result<Option<Letter>> {
        while self.given.is_empty() && self.in_vain < MOST_IN_VAIN {
            self.receive().await?;
        }
        Ok(self.given.pop_front())
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        let receive = self.deployment.sqs.receive_message().queue_url(self.url);
        let receive = receive
            .max_number_of_messages(MOST_AT_ONCE)
            .visibility_timeout(HIDDEN_SECONDS)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let messages = receive.send().await?.messages.unwrap_or_default();
        for message in messages {
            let letter = Letter::of(message)?;
            let hidden = (letter.id.clone(), letter.handle.clone());
            if self.hidden.insert(hidden.0, hidden.1).is_none() {
                self.given.push_back(letter);
            }
        }
        if self.given.is_empty() && self.unseen() == 0 {
            // One that came meanwhile may have been given in the place of one that was there.
            self.there = self.deleted + self.deployment.messages(QUEUE).await?;
        }
        self.in_vain = match (self.given.is_empty(), self.unseen()) {
            (false, _) => 0,
            // All are told: nobody waits for what is not there.
            (true, 0) => MOST_IN_VAIN,
            (true, _) => self.in_vain + 1,
        };
        Ok(())
    }

    fn unseen(&self) -> u64 {
        let seen = self.deleted + self.hidden.len() as u64;
        self.there.saturating_sub(seen)
    }

    /// Deletes one.
    pub async fn delete(&mut self, letter: &Letter) -> anyhow::Result<()> {
        let handle = self.hidden.get(&letter.id).unwrap_or(&letter.handle);
        let delete = self.deployment.sqs.delete_message().queue_url(self.url);
        delete.receipt_handle(handle).send().await?;
        self.hidden.remove(&letter.id);
        self.deleted += 1;
        Ok(())
    }

    /// Shows again what is left.
    pub async fn close(self) -> Left {
        let left = Left {
            seen: self.hidden.len(),
            unseen: self.unseen(),
        };
        let (client, url) = (&self.deployment.sqs, self.url);
        let handles = stream::iter(self.hidden.into_values());
        let show = handles.for_each_concurrent(AT_ONCE, |handle| async move {
            let show = client.change_message_visibility().queue_url(url);
            let show = show.receipt_handle(handle).visibility_timeout(0);
            // What is not shown now is so within the minute; one that is shown already cannot be.
            drop(show.send().await);
        });
        show.await;
        left
    }
}

impl Letter {
    fn of(message: Message) -> anyhow::Result<Self> {
        let number = |name| {
            let attributes = message.attributes()?;
            attributes.get(&name)?.parse::<i64>().ok()
        };
        let received = number(MessageSystemAttributeName::ApproximateReceiveCount);
        let sent_ms = number(MessageSystemAttributeName::SentTimestamp);
        Ok(Self {
            sent_ms: sent_ms.unwrap_or(0),
            received: received.and_then(|it| it.try_into().ok()),
            id: message
                .message_id
                .context("SQS gave a message without an id")?,
            handle: message
                .receipt_handle
                .context("SQS gave a message without a receipt handle")?,
            body: message.body.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
impl Letter {
    /// One that says this, and came for the sixth time.
    pub fn of_test(body: &str) -> Self {
        let message = Message::builder()
            .message_id("m")
            .receipt_handle("h")
            .body(body)
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "6");
        Self::of(message.build()).expect("it has an id and a handle")
    }
}
