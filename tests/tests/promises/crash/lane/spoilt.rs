//! Whether what is looked at is seen: a story that nothing disturbs, and then one thing of it is not as it has to be.

use super::Lane;
use crate::crash::checks;
use crate::crash::scenario::{self, Delivery};
use crate::crash::sender;
use crate::crash::time::{change, in_json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::attempt::State;
use shared::event::{Event, Status};
use shared::key::{EventId, EventKey, ItemKey};
use shared::store::{Delivery as Stored, EventStore, Origin};
use tests::bucket;
use tests::stage::Stage;

/// No seed is as large, nor an outage.
const FIRST: u64 = 9_500_000;

/// What is not as it has to be.
#[derive(Clone, Copy, Debug)]
pub enum Spoilt {
    /// An event that was accepted is not there.
    Event,
    /// It is, and its bytes are not those of which the SHA-256 is noted.
    Damaged,
    /// It is, with other bytes and their SHA-256.
    Bytes,
    /// The attempt stands elsewhere than its events say.
    State,
    /// It has changed once more than was published.
    Version,
    /// The bucket is empty.
    Bucket,
    /// There is an event that nobody sent.
    Stranger,
    /// The undisturbed run has come to something else.
    Twin,
    /// Work is parked. It is so for every story that follows.
    Work,
}

impl Spoilt {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Event,
        Self::Damaged,
        Self::Bytes,
        Self::State,
        Self::Version,
        Self::Bucket,
        Self::Stranger,
        Self::Twin,
        Self::Work,
    ];

    /// What is to be said of it.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Event => "was accepted and is not stored",
            Self::Damaged => "cannot be read",
            Self::Bytes => "is stored with other bytes than came",
            Self::State => "the state is not the fold of the events that are stored",
            Self::Version => "the newest that came by the bus is",
            Self::Bucket => "is not what is in the bucket",
            Self::Stranger => "was never sent so",
            Self::Twin => "undisturbed as",
            Self::Work => "is parked, and nothing is wrong any more",
        }
    }

    /// Spoils it, of this delivery's attempt.
    async fn act(self, lane: &Lane, delivery: &Delivery, id: &EventId) {
        let stage = &lane.stage;
        let pk = delivery.partition.as_deref().unwrap();
        let state = ItemKey::state_in(pk);
        let partition = stage.table.partition(pk).await.unwrap();
        let mut events = partition.events.iter();
        let event = &events.find(|it| it.summary.id == *id).unwrap().key;
        match self {
            Self::Event => remove(stage, event).await,
            Self::Damaged => set(stage, event, "raw", json!({ "B": "AAAA" })).await,
            Self::Bytes => replace_body(stage, event, b"nobody sent this").await,
            Self::State => {
                let other = serde_json::to_string(&State::default()).unwrap();
                set(stage, &state, "state", json!({ "S": other })).await;
            }
            Self::Version => {
                let newer = partition.state.unwrap().version + 1;
                set(stage, &state, "version", json!({ "N": newer.to_string() })).await;
            }
            Self::Bucket => {
                assert!(!bucket::emptied(stage).await.is_empty());
            }
            Self::Stranger => stranger(stage, &state).await,
            Self::Twin => stranger(&lane.twin, &state).await,
            Self::Work => {
                set(stage, event, "due_at", json!({ "N": "1" })).await;
                set(stage, event, "due_shard", json!({ "S": "parked#0" })).await;
            }
        }
    }
}

impl Lane {
    /// Plays a flow of each source that nothing disturbs, and looks at it when one thing of it is spoilt, if anything is. What was noticed.
    pub async fn notices(&self, number: u64, spoilt: Option<Spoilt>) -> Vec<String> {
        let deliveries = scenario::of_each(FIRST + number, &self.vendors);
        let mut accepted = Vec::new();
        for delivery in &deliveries {
            let answer = self.accepted(delivery).await;
            accepted.push((delivery, sender::event_id(answer).await));
        }
        let mut problems = Vec::new();
        problems.extend(self.settle(&self.stage).await.err());
        if let Some(spoilt) = spoilt {
            let (delivery, id) = &accepted[0];
            spoilt.act(self, delivery, id).await;
        }
        checks::all(self, &deliveries, &accepted, None, &mut problems).await;
        problems
    }
}

async fn remove(stage: &Stage, key: &ItemKey) {
    change(stage, "DeleteItem", json!({ "Key": in_json(key) })).await;
}

async fn set(stage: &Stage, key: &ItemKey, name: &str, value: Value) {
    let update = json!({
        "Key": in_json(key),
        "UpdateExpression": "SET #it = :it",
        "ExpressionAttributeNames": { "#it": name },
        "ExpressionAttributeValues": { ":it": value },
    });
    change(stage, "UpdateItem", update).await;
}

/// Has these be the bytes of an event, as if they had come.
async fn replace_body(stage: &Stage, event: &ItemKey, bytes: &[u8]) {
    let size = bytes.len().to_string();
    for (name, value) in [
        ("raw", json!({ "B": BASE64_STANDARD.encode(bytes) })),
        (
            "raw_sha256",
            json!({ "S": hex::encode(Sha256::digest(bytes)) }),
        ),
        ("raw_encoding", json!({ "S": "identity" })),
        ("raw_parts", json!({ "N": "0" })),
        ("raw_size_bytes", json!({ "N": size })),
    ] {
        set(stage, event, name, value).await;
    }
}

/// Has the attempt have an event that it was never told: that it was archived.
async fn stranger(stage: &Stage, state: &ItemKey) {
    let (source, attempt) = state.attempt().unwrap();
    assert_eq!(source, "imocha");
    let event = Event::of_attempt(attempt, Some(Status::Archived), None);
    let key = EventKey::from_body(None, b"nobody sent this");
    let now = stage.clock.now();
    let key = ItemKey::of_event("imocha", &event, &key, now);
    let delivery = Stored {
        id: EventId::new("imocha", &key),
        key,
        source: "imocha",
        event,
        body: b"nobody sent this".as_slice().into(),
        received: now,
        origin: Origin::Webhook,
    };
    stage.table.record(&delivery).await.unwrap();
}
