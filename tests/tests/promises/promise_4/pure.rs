//! Order and repetition before anything is stored: what the vendors' bodies say, read by the sources, and folded as the table would
//! hold it after every order of deliveries.

use crate::flows::{Flow, all, arrangements, delivery_id, in_words, people};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use shared::caller::{Caller, Delivery};
use shared::fold::{Heard, fold};
use shared::key::ItemKey;
use shared::secrets::Versions;
use shared::source::{Call, Reading, Source};
use shared::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

/// The only attempt.
const NUMBER: u64 = 7_000_001;
const SECRET: &str = r#"{
    "token": "t", "username": "u", "password": "p", "signing_secret": "whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLi4u"
}"#;

/// So many seconds after the first delivery.
pub fn at(seconds: u64) -> Timestamp {
    let first = Timestamp::parse("2026-01-15T10:00:00Z").unwrap();
    first.plus(Duration::from_secs(seconds))
}

/// A body as its source reads it.
fn heard<S: Source + Caller + Default>(flow: &Flow, said: usize, number: u64) -> Heard {
    let (version, body) = (flow.said[said].version, flow.body(said, number));
    let credentials: S::Credentials = serde_json::from_str(SECRET).unwrap();
    let id = delivery_id(said, number);
    let delivery = Delivery {
        version,
        body: &body,
        sent: at(0),
        id: &id,
    };
    let sent = S::call(&credentials, delivery).unwrap();
    let last = sent.path.rsplit('/').next().unwrap().to_owned();
    let part = if S::NAME == "xobin" { "kind" } else { "token" };
    let has_part = !sent.headers.contains_key("svix-id");
    let headers = sent.headers.iter().map(|(name, value)| {
        let name = name.parse::<http::HeaderName>().unwrap();
        (name, value.parse::<http::HeaderValue>().unwrap())
    });
    let call = Call {
        headers: headers.collect(),
        path: HashMap::from_iter(has_part.then(|| (part.to_owned(), last))),
        body,
        received: at(0),
        correlation_id: String::new(),
    };
    let source = S::default();
    let versions = Versions {
        current: credentials,
        previous: None,
    };
    let call = call.authenticate(&source, &versions).unwrap();
    let Reading::Event(event) = source.read(&call, &people()).unwrap() else {
        panic!("{} is a ping", flow.said[said].name);
    };
    assert_eq!(event.attempt, Some(flow.attempt(number)), "{flow:?}");
    let key = ItemKey::of_event(S::NAME, &event, &source.event_key(&call), at(0));
    assert_eq!(key, flow.event(said, number), "{flow:?}");
    Heard {
        sk: key.sk,
        event: *event,
        first_received: at(0),
        last_received: at(0),
        vouched: false,
    }
}

/// All bodies of the attempt with this number, as their source reads them.
pub fn all_heard(flow: &Flow, number: u64) -> Vec<Heard> {
    let read = match flow.source {
        "imocha" => heard::<Imocha>,
        "jobmojito" => heard::<Jobmojito>,
        "testlify" => heard::<Testlify>,
        _ => heard::<Xobin>,
    };
    let said = 0..flow.said.len();
    said.map(|said| read(flow, said, number)).collect()
}

/// What lies in the table after these deliveries, one each second: each event once, with when it was first and last received.
pub fn stored(events: &[Heard], order: &[usize]) -> Vec<Heard> {
    let mut items = BTreeMap::new();
    for (second, said) in (0..).zip(order) {
        let first = || Heard {
            first_received: at(second),
            ..events[*said].clone()
        };
        let item = items.entry(*said).or_insert_with(first);
        item.last_received = at(second);
    }
    items.into_values().collect()
}

/// Every order with up to two repeats: of five events, 18,720.
#[test]
fn every_order_and_repetition_of_every_flow_folds_to_the_same() {
    for flow in all() {
        let events = all_heard(&flow, NUMBER);
        let names = events.iter().zip(&flow.said);
        let names = names
            .map(|(event, said)| (event.sk.clone(), said.name))
            .collect();
        let mut ends: BTreeMap<Option<&str>, String> = BTreeMap::new();
        for order in arrangements(flow.said.len(), 2) {
            let state = fold(&stored(&events, &order)).unwrap();
            let words = in_words(&state, &flow.id(NUMBER), &names);
            let last_word = flow.last_word(&order);
            let expected = ends.entry(last_word).or_insert_with(|| words.clone());
            assert_eq!(*expected, words, "{flow:?}: {order:?}");
            if let Some(last_word) = last_word {
                assert_eq!(names[&state.status.unwrap().1.0], last_word, "{order:?}");
            }
        }
        assert_eq!(ends.len(), flow.last_counts.len().max(1), "{ends:#?}");
    }
}
