//! The bodies of webhooks: each is read as an authentic call's.

use crate::events;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::{Map, Value};
use shared::event::{Event, Kind};
use shared::ingest;
use shared::person::HashKey;
use shared::secrets::{SecretText, Versions};
use shared::source::{AuthenticCall, Call, Reading, Source};
use shared::timestamp::Timestamp;
use testlify_webhook::Testlify;
use xobin_webhook::{KINDS, Xobin};

/// One body in so many is read once more with long texts, which takes as long as many short ones.
const LARGE: usize = 16;
/// Longer than anything is kept.
const LONG: usize = 8 * 1024 - 1;

/// iMocha's callback.
pub fn imocha(data: &[u8]) {
    let token = ("token", "t");
    read(&Imocha, r#"{"token":"t"}"#, &[token], &[], data);
}

/// `JobMojito`'s result, flat or in an envelope.
pub fn jobmojito(data: &[u8]) {
    let header = ("x-webhook-token", "t");
    read(&Jobmojito, r#"{"token":"t"}"#, &[], &[header], data);
}

/// Testlify's event, of either version.
pub fn testlify(data: &[u8]) {
    let token = ("token", "t");
    read(&Testlify, r#"{"token":"t"}"#, &[token], &[], data);
}

/// Xobin's bodies: the path says of which kind one is, and may say nonsense.
pub fn xobin(data: &[u8]) {
    let header = ("x-api-key", "k");
    for kind in KINDS.into_iter().chain(["", "else"]) {
        read(
            &Xobin,
            r#"{"api_key":"k"}"#,
            &[("kind", kind)],
            &[header],
            data,
        );
    }
}

fn read<S: Source>(
    source: &S,
    credentials: &str,
    path: &[(&str, &str)],
    headers: &[(&'static str, &'static str)],
    body: &[u8],
) {
    let call = |body: &[u8]| authentic(source, credentials, path, headers, body);
    let event = event(source, &call(body));
    events::check(S::NAME, &event, &source.event_key(&call(body)));
    let Ok(object) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return;
    };
    let mut object = Value::Object(object);
    // However the same JSON is written, it says the same. Of a name that stands there twice, the last counts in both.
    let again = self::event(source, &call(object.to_string().as_bytes()));
    // Why it is of no use may say where in the text.
    let same = Event {
        problem: event.problem.clone(),
        ..again
    };
    assert!(same == event, "written anew, it says something else");
    if body.len().is_multiple_of(LARGE) {
        lengthen(&mut object);
        let call = call(object.to_string().as_bytes());
        events::check(
            S::NAME,
            &self::event(source, &call),
            &source.event_key(&call),
        );
    }
}

/// Makes every text as long as an attacker can have it.
fn lengthen(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => *text = text.repeat(LONG / text.len() + 1),
        Value::Array(values) => values.iter_mut().for_each(lengthen),
        Value::Object(fields) => fields.values_mut().for_each(lengthen),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn event<S: Source>(source: &S, call: &AuthenticCall) -> Event {
    let people = HashKey::from(SecretText::from("k".to_owned()));
    match ingest::read(source, call, &people) {
        Reading::Event(event) => *event,
        Reading::Ping => Event::new(Kind::Ping),
    }
}

fn authentic<S: Source>(
    source: &S,
    credentials: &str,
    path: &[(&str, &str)],
    headers: &[(&'static str, &'static str)],
    body: &[u8],
) -> AuthenticCall {
    let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let header = |(name, value): &(&'static str, &'static str)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let call = Call {
        headers: headers.iter().map(header).collect::<HeaderMap>(),
        path: path.iter().map(named).collect(),
        body: Bytes::copy_from_slice(body),
        received: Timestamp::EPOCH,
        correlation_id: String::new(),
    };
    let versions = Versions {
        current: serde_json::from_str(credentials).expect("these are credentials"),
        previous: None,
    };
    call.authenticate(source, &versions)
        .expect("it is authentic")
}
