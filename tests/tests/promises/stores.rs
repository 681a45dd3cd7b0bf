//! Every store of a bundle, read to its end: what is erased is to be found in none.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::read::GzDecoder;
use local::engine::Service;
use serde_json::{Value, json};
use shared::key::BODY_PART_PREFIX;
use std::collections::BTreeMap;
use std::io::Read;
use tests::bucket::objects;
use tests::stage::Stage;

/// For how long a message is hidden that was looked at: longer than it takes to look at all of them.
const HIDDEN_SECONDS: i32 = 60;
/// The store's own packing, and what a body may have come in.
const MOST_LAYERS: usize = 4;

/// What all stores say, each item by itself.
pub async fn everything(stage: &Stage) -> Vec<String> {
    let items = items(stage).await;
    let mut all: Vec<String> = items.iter().map(words).collect();
    all.extend(bodies_in_parts(&items));
    all.push(objects(stage).await);
    for url in [
        stage.bundle.queue_url(),
        stage.bundle.dead_letter_queue_url(),
    ] {
        all.extend(messages(stage, url).await);
    }
    all
}

/// How much of all stores says this.
pub async fn found(stage: &Stage, word: &str) -> Vec<String> {
    let all = everything(stage).await;
    saying(&all, word).cloned().collect()
}

/// What of this says this word, in whatever case.
pub fn saying<'a>(all: &'a [String], word: &str) -> impl Iterator<Item = &'a String> {
    let word = word.to_lowercase();
    all.iter()
        .filter(move |it| it.to_lowercase().contains(&word))
}

/// Every item of the table.
pub async fn items(stage: &Stage) -> Vec<Value> {
    let (mut items, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut scan = json!({ "TableName": stage.bundle.table_name(), "ConsistentRead": true });
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let page = stage.bundle.observe(Service::DynamoDb, "Scan", &scan);
        let page = page.await.unwrap();
        items.extend(page["Items"].as_array().unwrap().iter().cloned());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return items;
        }
    }
}

/// An item with its bytes as they were before they were packed.
pub fn words(item: &Value) -> String {
    let mut words = item.to_string();
    for attribute in item.as_object().unwrap().values() {
        if let Some(bytes) = attribute["B"].as_str() {
            words.push_str(&readable(&STANDARD.decode(bytes).unwrap()));
        }
    }
    words
}

/// The bodies that are in parts, each as a whole: a packed one cannot be unpacked from any part of it but the first.
pub fn bodies_in_parts(items: &[Value]) -> Vec<String> {
    let mut parts = BTreeMap::new();
    for item in items {
        let [pk, sk] = ["pk", "sk"].map(|name| item[name]["S"].as_str().unwrap());
        if sk.starts_with(BODY_PART_PREFIX) {
            parts.insert((pk, sk), item["raw"]["B"].as_str().unwrap());
        }
    }
    let mut bodies = BTreeMap::<_, Vec<u8>>::new();
    for ((pk, sk), bytes) in parts {
        let body = sk.rsplit_once('#').unwrap().0;
        let bytes = STANDARD.decode(bytes).unwrap();
        bodies.entry((pk, body)).or_default().extend(bytes);
    }
    bodies.values().map(|body| readable(body)).collect()
}

/// The bytes, and whatever is beneath them: what is packed, in UTF-16 or in base64, and what is so beneath that. Everything is tried on everything, and not
/// by the signs that the search goes by whose work is looked at.
fn readable(bytes: &[u8]) -> String {
    let mut said = String::new();
    say(bytes, MOST_LAYERS, &mut said);
    said
}

fn say(bytes: &[u8], layers: usize, said: &mut String) {
    said.push_str(&String::from_utf8_lossy(bytes));
    said.push('\n');
    if layers > 0 {
        for inner in beneath(bytes) {
            say(&inner, layers - 1, said);
        }
    }
}

fn beneath(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut unpacked = Vec::new();
    // What it has read by the time that it fails counts as well.
    drop(GzDecoder::new(bytes).read_to_end(&mut unpacked));
    let mut found = vec![unpacked];
    // About every second byte of UTF-16 is a zero.
    if bytes.split(|it| *it == 0).count() > bytes.len() / 4 {
        for read in [u16::from_le_bytes, u16::from_be_bytes] {
            let units = bytes.chunks_exact(2).map(|it| read([it[0], it[1]]));
            let units: Vec<u16> = units.collect();
            found.push(String::from_utf16_lossy(&units).into_bytes());
        }
    }
    for base64 in [STANDARD, URL_SAFE_NO_PAD] {
        found.extend(base64.decode(bytes.trim_ascii()));
    }
    found.retain(|it| !it.is_empty());
    found
}

/// The messages of a queue. They stay in it, and can be seen again at once.
async fn messages(stage: &Stage, url: &str) -> Vec<String> {
    let mut messages = Vec::new();
    loop {
        let receive = stage.sqs.receive_message().queue_url(url);
        let receive = receive.max_number_of_messages(10);
        let receive = receive.visibility_timeout(HIDDEN_SECONDS).send();
        let received = receive.await.unwrap().messages.unwrap_or_default();
        if received.is_empty() {
            break;
        }
        messages.extend(received);
    }
    for message in &messages {
        let show = stage.sqs.change_message_visibility().queue_url(url);
        let show = show.set_receipt_handle(message.receipt_handle.clone());
        show.visibility_timeout(0).send().await.unwrap();
    }
    messages.into_iter().filter_map(|it| it.body).collect()
}
