//! The messages that a queue hands out together: in their order and once, unless a fault says otherwise.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::faults::Faults;

/// Messages on their way to a function.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) messages: Vec<Value>,
    /// The ids of those that are not deleted, though they may be done.
    pub(super) again: BTreeSet<String>,
    /// Those that reach nobody.
    pub(super) lost: Vec<Value>,
}

impl Batch {
    /// What was received, as it is handed out. What is left for later comes when its visibility time-out has run out.
    pub(super) fn of(received: Vec<Value>, faults: Option<&dyn Faults>) -> Self {
        let Some(faults) = faults else {
            return Self {
                messages: received,
                ..Self::default()
            };
        };
        let mut batch = Self::default();
        let mut turns = Vec::new();
        for message in received {
            let hand_out = faults.hand_out(super::text(&message, "Body"));
            if hand_out.lost {
                batch.lost.push(message);
                continue;
            }
            if hand_out.later {
                continue;
            }
            if hand_out.again {
                let id = super::text(&message, "MessageId").to_owned();
                batch.again.insert(id);
            }
            turns.push((hand_out.turn, message));
        }
        turns.sort_by_key(|(turn, _)| *turn);
        batch.messages = turns.into_iter().map(|(_, message)| message).collect();
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Call, Fault, HandOut};
    use futures_util::future::BoxFuture;
    use serde_json::json;

    struct ByBody;

    impl Faults for ByBody {
        fn before<'a>(&'a self, _call: &'a Call) -> BoxFuture<'a, Fault> {
            Box::pin(std::future::ready(Fault::None))
        }

        fn hand_out(&self, body: &str) -> HandOut {
            HandOut {
                turn: body.len() as u64,
                later: body.contains("later"),
                again: body.contains("again"),
                lost: body.contains("lost"),
            }
        }
    }

    fn messages(bodies: &[&str]) -> Vec<Value> {
        let message = |body: &&str| json!({ "MessageId": format!("id of {body}"), "Body": body });
        bodies.iter().map(message).collect()
    }

    fn bodies(batch: &Batch) -> Vec<&str> {
        let bodies = batch.messages.iter();
        bodies.map(|it| it["Body"].as_str().unwrap()).collect()
    }

    #[test]
    fn messages_are_reordered_left_for_later_lost_and_kept_to_come_again() {
        let received = messages(&["third one", "later", "lost", "again", "2nd"]);
        let batch = Batch::of(received, Some(&ByBody));
        assert_eq!(bodies(&batch), ["2nd", "again", "third one"]);
        assert_eq!(batch.lost, messages(&["lost"]));
        assert_eq!(batch.again, BTreeSet::from(["id of again".to_owned()]));
    }

    #[test]
    fn without_faults_they_go_as_they_came() {
        let batch = Batch::of(messages(&["later", "b", "again", "lost"]), None);
        assert_eq!(bodies(&batch), ["later", "b", "again", "lost"]);
        assert!(batch.again.is_empty() && batch.lost.is_empty());
    }
}
