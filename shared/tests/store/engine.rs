//! The engine under the suite, with the table as `template.yaml` declares it, and what the tests store there.

use crate::engines::{Ground, ground};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use local::template::{Place, TableResource, Template};
use sha2::{Digest, Sha256};
use shared::event::{Event, Status};
use shared::key::{EventId, EventKey, ItemKey, body_part};
use shared::store::{Delivery, DueItem, EventStore, Origin, Recorded, StoredEvent, Table};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const SOURCE: &str = "toy";
pub const WEEK: Duration = Duration::from_hours(7 * 24);

/// An engine with an empty table. It ends with the test.
pub struct Engine {
    pub table: Table,
    pub client: Client,
    pub name: String,
    answered: Answered,
    _ground: Ground,
}

/// An empty table on the engine that the suite runs on.
pub async fn engine() -> Engine {
    let ground = ground().await;
    let answered = Answered::default();
    // Without the time-outs of a function: a slow machine is not what is tested here.
    let config = ground.config.clone().interceptor(answered.clone());
    let client = Client::from_conf(config.build());
    Engine {
        table: Table::new(client.clone(), ground.name.clone()),
        client,
        name: ground.name.clone(),
        answered,
        _ground: ground,
    }
}

pub fn declared_table() -> TableResource {
    let place = Place {
        stack: "suite".into(),
        endpoint_url: "http://127.0.0.1".into(),
        api_url: "http://127.0.0.1".into(),
    };
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let template = Template::read(&template, &BTreeMap::new(), &place).unwrap();
    let [table] = template.tables.try_into().unwrap();
    table
}

/// Counts what the engine answers.
#[derive(Clone, Debug, Default)]
struct Answered {
    calls: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl Intercept for Answered {
    fn name(&self) -> &'static str {
        "Answered"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes();
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.bytes
            .fetch_add(body.map_or(0, <[u8]>::len), Ordering::SeqCst);
        Ok(())
    }
}

impl Engine {
    /// How many bytes the engine has answered since this was last asked.
    pub fn take_read_bytes(&self) -> usize {
        self.answered.bytes.swap(0, Ordering::SeqCst)
    }

    /// How many calls the engine has answered since this was last asked.
    pub fn take_calls(&self) -> usize {
        self.answered.calls.swap(0, Ordering::SeqCst)
    }

    pub async fn record(&self, delivery: &Delivery) -> Recorded {
        self.table.record(delivery).await.unwrap()
    }

    pub async fn event(&self, key: &ItemKey) -> StoredEvent {
        self.table.event(key).await.unwrap().unwrap()
    }

    /// An event that is recorded and read.
    pub async fn recorded(&self, delivery: &Delivery) -> StoredEvent {
        self.record(delivery).await;
        self.event(&delivery.key).await
    }

    /// An item as it lies in the table.
    pub async fn item(&self, key: &ItemKey) -> Option<HashMap<String, AttributeValue>> {
        let get = self.client.get_item().table_name(&self.name);
        let get = get.set_key(Some(primary_key(key))).consistent_read(true);
        get.send().await.unwrap().item
    }

    /// Has an item hold these raw bytes instead of its own.
    pub async fn put_raw(&self, key: &ItemKey, raw: &[u8]) {
        let update = self.client.update_item().table_name(&self.name);
        let update = update.set_key(Some(primary_key(key)));
        let raw = AttributeValue::B(Blob::new(raw));
        let update = update.update_expression("SET #raw = :raw");
        let update = update.expression_attribute_names("#raw", "raw");
        let update = update.expression_attribute_values(":raw", raw);
        update.send().await.unwrap();
    }

    /// Has an item hold this text as an attribute.
    pub async fn put_text(&self, key: &ItemKey, attribute: &str, value: &str) {
        let update = self.client.update_item().table_name(&self.name);
        let update = update.set_key(Some(primary_key(key)));
        let update = update.update_expression("SET #it = :it");
        let update = update.expression_attribute_names("#it", attribute);
        let update = update.expression_attribute_values(":it", AttributeValue::S(value.into()));
        update.send().await.unwrap();
    }

    /// When the item at `key` is to be forgotten, in seconds since the epoch.
    pub async fn expires_at(&self, key: &ItemKey) -> Option<i64> {
        let item = self.item(key).await.unwrap();
        let expires_at = item.get(shared::store::TIME_TO_LIVE)?;
        Some(expires_at.as_n().unwrap().parse().unwrap())
    }

    /// Takes an item away, as expiry or an erasure does.
    pub async fn delete(&self, key: &ItemKey) {
        let delete = self.client.delete_item().table_name(&self.name);
        let delete = delete.set_key(Some(primary_key(key)));
        delete.send().await.unwrap();
    }

    /// All that is due at a time, whatever the shard.
    pub async fn due(&self, now: Timestamp) -> Vec<DueItem> {
        let mut items = Vec::new();
        for shard in 0..shared::key::SHARDS {
            items.extend(self.table.due(shard, now, 100).await.unwrap());
        }
        items
    }

    /// The only item that is due then.
    pub async fn only_due(&self, now: Timestamp) -> DueItem {
        let [item] = self.due(now).await.try_into().unwrap();
        item
    }
}

fn primary_key(key: &ItemKey) -> HashMap<String, AttributeValue> {
    let part = |name: &str, value: &str| (name.to_owned(), AttributeValue::S(value.to_owned()));
    HashMap::from([part("pk", &key.pk), part("sk", &key.sk)])
}

/// A time, in seconds from a fixed one.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
}

/// A body of this attempt, as it came then.
pub fn delivery(attempt: &str, body: impl Into<Bytes>, received: Timestamp) -> Delivery {
    let event = Event::of_attempt(attempt.into(), Some(Status::InProgress), None);
    delivery_of(event, body, received)
}

pub fn delivery_of(event: Event, body: impl Into<Bytes>, received: Timestamp) -> Delivery {
    let body = body.into();
    let event_key = EventKey::from_body(None, &body);
    let key = ItemKey::of_event(SOURCE, &event, &event_key, received);
    Delivery {
        id: EventId::new(SOURCE, &key),
        key,
        source: SOURCE,
        event,
        body,
        received,
        origin: Origin::Webhook,
    }
}

/// Where a part of the delivery's body lies, if it has so many.
pub fn part_key(delivery: &Delivery, number: usize) -> ItemKey {
    ItemKey {
        pk: delivery.key.pk.clone(),
        sk: body_part(&hex::encode(Sha256::digest(&delivery.body)), number),
    }
}

/// Bytes that do not compress.
pub fn noise(length: usize) -> Bytes {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}
