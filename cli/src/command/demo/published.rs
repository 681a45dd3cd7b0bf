//! What other systems get to read: the changes of attempts, taken from the bus.

use crate::command::tail::{self, Change, Subscription};
use crate::view::AttemptView;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was published, as far as it is looked at.
pub struct Published {
    /// The newest version of each attempt, by source and attempt.
    newest: BTreeMap<(String, String), u64>,
    events: usize,
}

/// How much was published.
#[derive(Debug, Serialize)]
pub struct Counts {
    /// All events; a change may be published more than once.
    pub events: usize,
    /// The attempts that they are of.
    pub attempts: usize,
}

/// Listens from now on, and gives the queue's URL.
pub async fn listen(subscription: &Subscription<'_>) -> anyhow::Result<String> {
    subscription.begin(&tail::everything()).await
}

impl Published {
    /// Takes what came, until each of these attempts is there as it is now, or nothing more comes.
    pub async fn take(
        subscription: &Subscription<'_>,
        url: &str,
        attempts: &[AttemptView],
    ) -> anyhow::Result<Self> {
        let mut published = Self {
            newest: BTreeMap::new(),
            events: 0,
        };
        while !published.missing(attempts).is_empty() {
            let messages = subscription.receive(url).await?;
            if messages.is_empty() {
                break;
            }
            for message in messages {
                published.note(&Change::read(message.body())?);
                subscription.done_with(url, message).await?;
            }
        }
        Ok(published)
    }

    fn note(&mut self, change: &Change) {
        self.events += 1;
        if let Some((source, attempt, version)) = change.version() {
            let key = (source.to_owned(), attempt.to_owned());
            let newest = self.newest.entry(key).or_default();
            *newest = version.max(*newest);
        }
    }

    /// How much there was.
    pub fn counts(&self) -> Counts {
        Counts {
            events: self.events,
            attempts: self.newest.len(),
        }
    }

    /// The attempts that were not published as they are.
    pub fn missing(&self, attempts: &[AttemptView]) -> Vec<String> {
        let newest = |it: &AttemptView| {
            let key = (it.source.clone(), it.attempt.clone());
            self.newest.get(&key).copied()
        };
        let missing = attempts.iter().filter(|it| newest(it) != Some(it.version));
        missing
            .map(|it| {
                format!(
                    "version {} of the attempt {} of {} was not published",
                    it.version, it.attempt, it.source
                )
            })
            .collect()
    }
}
