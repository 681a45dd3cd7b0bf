use super::*;
use crate::clock::Clock;
use crate::event::Status;
use crate::secrets::{Credentials, SecretText, Stage};
use crate::source::Unreadable;
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "correct";
const ANSWERED: &str = r#"{"attempt":"7"}"#;

/// What the pipeline did, in order.
#[derive(Clone, Default)]
struct Effects(Arc<Mutex<Vec<&'static str>>>);

impl Effects {
    fn note(&self, effect: &'static str) {
        self.0.lock().unwrap().push(effect);
    }

    fn noted(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

/// How something that the pipeline leans on behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Works,
    Fails,
    Hangs,
}

#[derive(Clone)]
struct Shelf {
    effects: Effects,
    mood: Mood,
    current: Option<&'static str>,
    previous: Option<&'static str>,
}

impl SecretReader for Shelf {
    async fn read(&self, id: &str, stage: Stage) -> Result<Option<String>, SecretError> {
        self.effects.note("secret");
        match self.mood {
            Mood::Works => {}
            Mood::Fails => {
                return Err(SecretError::Unavailable {
                    id: id.into(),
                    cause: "out of reach".into(),
                });
            }
            Mood::Hangs => pending().await,
        }
        let text = match stage {
            Stage::Current => self.current,
            Stage::Previous => self.previous,
        };
        Ok(text.map(str::to_owned))
    }
}

/// Counts deliveries by their key, as the table does.
struct Shop {
    effects: Effects,
    mood: Mood,
    deliveries: Mutex<Vec<Delivery>>,
}

impl EventStore for Shop {
    async fn record(&self, delivery: &Delivery) -> Result<Recorded, StoreError> {
        self.effects.note("store");
        match self.mood {
            Mood::Works => {}
            Mood::Fails => {
                return Err(StoreError::Unavailable {
                    operation: "UpdateItem",
                    cause: "throttled".into(),
                });
            }
            Mood::Hangs => pending().await,
        }
        let mut deliveries = self.deliveries.lock().unwrap();
        let earlier = deliveries
            .iter()
            .filter(|it| it.key == delivery.key)
            .count();
        deliveries.push(delivery.clone());
        Ok(match u64::try_from(earlier).unwrap() {
            0 => Recorded::New,
            earlier_deliveries => Recorded::Repeat { earlier_deliveries },
        })
    }
}

struct Line {
    effects: Effects,
    mood: Mood,
    messages: Mutex<Vec<String>>,
}

impl Queue for Line {
    async fn send(&self, body: String) -> Result<(), QueueError> {
        self.effects.note("queue");
        match self.mood {
            Mood::Works => {}
            Mood::Fails => return Err(QueueError("no such queue".into())),
            Mood::Hangs => pending().await,
        }
        self.messages.lock().unwrap().push(body);
        Ok(())
    }
}

#[derive(Clone, Deserialize)]
struct Token {
    token: SecretText,
}

impl Credentials for Token {
    fn is_empty(&self) -> bool {
        self.token.is_empty()
    }
}

/// A source whose body says what is to become of it.
#[derive(Clone, Default)]
struct Toy;

impl Source for Toy {
    const NAME: crate::key::SourceName = "toy";
    type Credentials = Token;

    fn authenticate(&self, call: &Call, credentials: &Token) -> Result<(), Unauthenticated> {
        let presented = call.header("x-token").ok_or(Unauthenticated::Absent)?;
        let right = credentials.token.matches(presented);
        right.then_some(()).ok_or(Unauthenticated::Wrong)
    }

    fn read(&self, call: &AuthenticCall, people: &HashKey) -> Result<Reading, Unreadable> {
        #[derive(Deserialize)]
        struct Body {
            attempt: Option<String>,
            email: Option<String>,
        }
        match call.body.as_ref() {
            b"ping" => return Ok(Reading::Ping),
            b"unknown" => return Ok(Event::new(Kind::Unknown).into()),
            b"panic" => panic!("on purpose"),
            _ => {}
        }
        let body: Body = serde_json::from_slice(&call.body)?;
        let attempt = body.attempt.or(body.email.map(|email| people.hash(&email)));
        let attempt = attempt.ok_or(Unreadable::Field("attempt"))?;
        Ok(Event::of_attempt(attempt, Some(Status::Completed), None).into())
    }
}

type ToyReceiver = Receiver<Toy, Shelf, Shop, Line>;

/// What a receiver is made of; everything works unless a test breaks it.
struct Setup {
    effects: Effects,
    secret: Mood,
    store: Mood,
    queue: Mood,
    current: Option<&'static str>,
    previous: Option<&'static str>,
    people: Option<(Mood, &'static str)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            effects: Effects::default(),
            secret: Mood::Works,
            store: Mood::Works,
            queue: Mood::Works,
            current: Some(r#"{"token":"correct"}"#),
            previous: None,
            people: None,
        }
    }
}

impl Setup {
    fn receiver(&self) -> ToyReceiver {
        let clock = Clock::stopped_at(now());
        let shelf = Shelf {
            effects: self.effects.clone(),
            mood: self.secret,
            current: self.current,
            previous: self.previous,
        };
        let people = self.people.map(|(mood, key)| {
            let shelf = Shelf {
                mood,
                current: Some(key),
                previous: None,
                ..shelf.clone()
            };
            CachedSecret::new(shelf, "people".into(), clock.clone())
        });
        Receiver {
            source: Toy,
            credentials: CachedSecret::new(shelf, "toy".into(), clock),
            people,
            events: Shop {
                effects: self.effects.clone(),
                mood: self.store,
                deliveries: Mutex::default(),
            },
            queue: Line {
                effects: self.effects.clone(),
                mood: self.queue,
                messages: Mutex::default(),
            },
            budgets: quick(),
        }
    }
}

/// What hangs is given up at once; what works never takes so long.
fn quick() -> Budgets {
    let moment = Duration::from_millis(20);
    Budgets {
        secret: moment,
        store: moment,
        queue: moment,
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-01-15T10:00:00Z").unwrap()
}

fn call_with(token: Option<&'static str>, body: impl Into<Bytes>) -> Call {
    let token = token.map(HeaderValue::from_static);
    let headers = token.map(|token| ("x-token".parse().unwrap(), token));
    Call {
        headers: HeaderMap::from_iter(headers),
        path: HashMap::new(),
        body: body.into(),
        received: now(),
        correlation_id: "request-1".into(),
    }
}

fn call(body: impl Into<Bytes>) -> Call {
    call_with(Some(TOKEN), body)
}

fn stored(receiver: &ToyReceiver) -> Vec<Delivery> {
    receiver.events.deliveries.lock().unwrap().clone()
}

fn sent(receiver: &ToyReceiver) -> Vec<String> {
    receiver.queue.messages.lock().unwrap().clone()
}

#[tokio::test]
async fn a_new_event_is_stored_and_then_announced() {
    let setup = Setup::default();
    let receiver = setup.receiver();
    let receipt = receiver.receive(call(ANSWERED)).await.unwrap();
    assert_eq!(
        (receipt.outcome, receipt.earlier_deliveries),
        (Outcome::Accepted, 0)
    );
    assert_eq!(receipt.kind, Kind::Attempt(Status::Completed));
    assert!(receipt.not_enqueued.is_none());

    let [delivery] = stored(&receiver).try_into().unwrap();
    assert_eq!(delivery.id, receipt.id);
    assert_eq!(delivery.source, "toy");
    assert_eq!(delivery.received, now());
    assert_eq!(delivery.event.attempt.as_deref(), Some("7"));
    let fold = FoldMessage {
        key: delivery.key,
        correlation_id: "request-1".into(),
    };
    assert_eq!(sent(&receiver), [fold.body()]);
    assert_eq!(
        setup.effects.noted(),
        ["secret", "secret", "store", "queue"]
    );
}

#[tokio::test]
async fn a_repeat_is_told_as_one_and_announced_again() {
    let receiver = Setup::default().receiver();
    let first = receiver.receive(call(ANSWERED)).await.unwrap();
    for earlier in 1..=2 {
        let again = receiver.receive(call(ANSWERED)).await.unwrap();
        assert_eq!(
            (again.outcome, again.earlier_deliveries),
            (Outcome::Duplicate, earlier)
        );
        assert_eq!(again.id, first.id);
    }
    let other = receiver.receive(call(r#"{"attempt":"8"}"#)).await.unwrap();
    assert_eq!(other.outcome, Outcome::Accepted);
    assert_ne!(other.id, first.id);
    assert_eq!(sent(&receiver).len(), 4);
}

#[tokio::test]
async fn a_delivery_costs_one_call_each_once_the_secret_is_known() {
    let setup = Setup::default();
    let receiver = setup.receiver();
    receiver.receive(call(ANSWERED)).await.unwrap();
    receiver.receive(call(ANSWERED)).await.unwrap();
    assert_eq!(setup.effects.noted()[4..], ["store", "queue"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_byte_for_byte() {
    let bodies: [&[u8]; 4] = [b"", b"\xff\x00\xfe", b"{\"attempt\":", b"{}"];
    for body in bodies {
        let receiver = Setup::default().receiver();
        let receipt = receiver.receive(call(body)).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::Unreadable, "{body:?}");
        let [delivery] = stored(&receiver).try_into().unwrap();
        assert_eq!(delivery.body, body);
        assert_eq!(delivery.event.kind, Kind::Unreadable);
        assert!(delivery.event.problem.is_some(), "{body:?}");
        assert!(delivery.key.pk.starts_with("toy#unplaced#2026-01-15#"));
        assert_eq!(sent(&receiver).len(), 1);
        // A repeat is no other answer.
        let again = receiver.receive(call(body)).await.unwrap();
        assert_eq!(again.outcome, Outcome::Unreadable);
        assert_eq!(again.earlier_deliveries, 1);
    }
}

#[tokio::test]
async fn a_reader_that_panics_loses_nothing() {
    let receiver = Setup::default().receiver();
    let receipt = receiver.receive(call("panic")).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Unreadable);
    let [delivery] = stored(&receiver).try_into().unwrap();
    assert_eq!(delivery.body, "panic");
    assert_eq!(delivery.event.kind, Kind::Unreadable);
    assert!(delivery.event.problem.unwrap().contains("panicked"));
    let next = receiver.receive(call(ANSWERED)).await.unwrap();
    assert_eq!(next.outcome, Outcome::Accepted);
}

#[tokio::test]
async fn an_event_of_no_known_kind_is_kept() {
    let receiver = Setup::default().receiver();
    let receipt = receiver.receive(call("unknown")).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Unknown);
    assert_eq!(stored(&receiver)[0].body, "unknown");
    assert_eq!(sent(&receiver).len(), 1);
}

#[tokio::test]
async fn a_ping_leaves_nothing_behind() {
    let setup = Setup::default();
    let receiver = setup.receiver();
    let receipt = receiver.receive(call("ping")).await.unwrap();
    assert_eq!((receipt.outcome, receipt.kind), (Outcome::Ping, Kind::Ping));
    assert!(receipt.id.as_str().starts_with("toy."));
    assert_eq!(setup.effects.noted(), ["secret", "secret"]);
}

#[tokio::test]
async fn the_exact_bytes_reach_the_store() {
    let receiver = Setup::default().receiver();
    let body = "{ \"attempt\" : \"7\",\r\n\"x\":\"\\u0061\u{1F600}\" }\n";
    receiver.receive(call(body)).await.unwrap();
    assert_eq!(stored(&receiver)[0].body, body);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_any_secret_is_read() {
    let setup = Setup::default();
    let receiver = setup.receiver();
    let refusal = receiver.receive(call(vec![b'a'; MAX_BODY_BYTES + 1])).await;
    let bytes = MAX_BODY_BYTES + 1;
    assert!(matches!(refusal, Err(Refusal::TooLarge { bytes: it }) if it == bytes));
    assert!(setup.effects.noted().is_empty());
}

#[tokio::test]
async fn a_body_at_the_limit_passes() {
    let receiver = Setup::default().receiver();
    let receipt = receiver.receive(call(vec![b'a'; MAX_BODY_BYTES])).await;
    assert_eq!(receipt.unwrap().outcome, Outcome::Unreadable);
    assert_eq!(stored(&receiver)[0].body.len(), MAX_BODY_BYTES);
}

#[tokio::test]
async fn a_stranger_reaches_neither_store_nor_queue() {
    let cases = [
        (None, Unauthenticated::Absent),
        (Some(""), Unauthenticated::Wrong),
        (Some("correc"), Unauthenticated::Wrong),
        (Some("correct "), Unauthenticated::Wrong),
    ];
    for (token, cause) in cases {
        for body in [ANSWERED, "ping", "panic", "unknown", ""] {
            let setup = Setup::default();
            let refusal = setup.receiver().receive(call_with(token, body)).await;
            let refusal = refusal.unwrap_err();
            assert!(matches!(refusal, Refusal::Unauthenticated(it) if it == cause));
            assert_eq!(setup.effects.noted(), ["secret", "secret"], "{body}");
        }
    }
}

#[tokio::test]
async fn a_header_that_comes_twice_is_no_credential() {
    let setup = Setup::default();
    let mut call = call(ANSWERED);
    call.headers
        .append("x-token", HeaderValue::from_static("other"));
    let refusal = setup.receiver().receive(call).await.unwrap_err();
    assert!(matches!(
        refusal,
        Refusal::Unauthenticated(Unauthenticated::Absent)
    ));
}

#[tokio::test]
async fn the_previous_version_of_the_secret_passes_and_an_older_one_does_not() {
    let setup = Setup {
        current: Some(r#"{"token":"newer"}"#),
        previous: Some(r#"{"token":"correct"}"#),
        ..Setup::default()
    };
    let receiver = setup.receiver();
    for (token, version) in [("newer", Stage::Current), (TOKEN, Stage::Previous)] {
        let accepted = receiver.receive(call_with(Some(token), ANSWERED)).await;
        assert_eq!(accepted.unwrap().vouched_by, version, "{token}");
    }
    let refused = receiver.receive(call_with(Some("older"), ANSWERED)).await;
    assert!(matches!(refused, Err(Refusal::Unauthenticated(_))));
}

#[tokio::test]
async fn no_call_passes_by_an_empty_or_absent_secret() {
    for current in [Some(r#"{"token":""}"#), Some("{}"), Some(""), None] {
        for token in [None, Some(""), Some(TOKEN)] {
            let setup = Setup {
                current,
                ..Setup::default()
            };
            let refusal = setup.receiver().receive(call_with(token, ANSWERED)).await;
            assert!(
                matches!(refusal, Err(Refusal::Secret(_))),
                "{current:?} {token:?}"
            );
            assert!(!setup.effects.noted().contains(&"store"));
        }
    }
    let empty = Setup {
        current: Some(r#"{"token":""}"#),
        ..Setup::default()
    };
    let refusal = empty.receiver().receive(call(ANSWERED)).await;
    assert!(matches!(
        refusal,
        Err(Refusal::Secret(SecretError::Empty { .. }))
    ));
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_refuses_the_call_without_judging_it() {
    let failing = Setup {
        secret: Mood::Fails,
        ..Setup::default()
    };
    let refusal = failing.receiver().receive(call(ANSWERED)).await;
    assert!(matches!(
        refusal,
        Err(Refusal::Secret(SecretError::Unavailable { .. }))
    ));
    let hanging = Setup {
        secret: Mood::Hangs,
        ..Setup::default()
    };
    let refusal = hanging.receiver().receive(call(ANSWERED)).await;
    assert!(matches!(refusal, Err(Refusal::SecretTimedOut)));
    assert!(!hanging.effects.noted().contains(&"store"));
}

#[tokio::test]
async fn people_are_hashed_with_the_key_or_not_taken_at_all() {
    let body = r#"{"email":"Ada@example.com"}"#;
    let setup = |mood| Setup {
        people: Some((mood, r#"{"key":"k"}"#)),
        ..Setup::default()
    };
    let receiver = setup(Mood::Works).receiver();
    receiver.receive(call(body)).await.unwrap();
    let people = HashKey::from(SecretText::from("k".to_owned()));
    let attempt = stored(&receiver)[0].event.attempt.clone();
    assert_eq!(attempt, Some(people.hash("ada@example.com")));

    let refusal = setup(Mood::Hangs).receiver().receive(call(body)).await;
    assert!(matches!(refusal, Err(Refusal::SecretTimedOut)));
    let refusal = setup(Mood::Fails).receiver().receive(call(body)).await;
    assert!(matches!(refusal, Err(Refusal::Secret(_))));
}

#[tokio::test]
async fn what_is_not_stored_is_not_announced() {
    let failing = Setup {
        store: Mood::Fails,
        ..Setup::default()
    };
    let refusal = failing.receiver().receive(call(ANSWERED)).await;
    assert!(matches!(refusal, Err(Refusal::Store(_))));
    assert_eq!(failing.effects.noted(), ["secret", "secret", "store"]);

    let hanging = Setup {
        store: Mood::Hangs,
        ..Setup::default()
    };
    let refusal = hanging.receiver().receive(call(ANSWERED)).await;
    assert!(matches!(refusal, Err(Refusal::StoreTimedOut)));
    assert_eq!(hanging.effects.noted(), ["secret", "secret", "store"]);
}

#[tokio::test]
async fn what_is_stored_is_accepted_whatever_the_queue_does() {
    for (mood, timed_out) in [(Mood::Fails, false), (Mood::Hangs, true)] {
        let setup = Setup {
            queue: mood,
            ..Setup::default()
        };
        let receiver = setup.receiver();
        let receipt = receiver.receive(call(ANSWERED)).await.unwrap();
        assert_eq!(receipt.outcome, Outcome::Accepted);
        assert_eq!(stored(&receiver).len(), 1);
        let cause = receipt.not_enqueued.unwrap();
        assert_eq!(matches!(cause, NotEnqueued::TimedOut), timed_out, "{cause}");
    }
}

#[tokio::test]
async fn the_event_id_is_the_published_formula() {
    let receiver = Setup::default().receiver();
    let receipt = receiver.receive(call(ANSWERED)).await.unwrap();
    let sk = format!("event#{}", hex::encode(Sha256::digest(ANSWERED)));
    let digest = hex::encode(Sha256::digest(format!("toy#attempt#7\0{sk}")));
    assert_eq!(receipt.id.as_str(), format!("toy.{}", &digest[..32]));
}

#[tokio::test]
async fn an_event_of_any_size_is_stored_cut_and_its_body_whole() {
    let receiver = Setup::default().receiver();
    let body = format!("{{\"attempt\":\"{}\"}}", "9".repeat(500_000));
    let receipt = receiver.receive(call(body.clone())).await.unwrap();
    assert_eq!(receipt.outcome, Outcome::Accepted);
    let [delivery] = stored(&receiver).try_into().unwrap();
    let bytes = serde_json::to_vec(&delivery.event).unwrap().len();
    assert!(bytes <= crate::event::MAX_EVENT_BYTES, "{bytes}");
    assert!(delivery.key.pk.len() < 1024, "{}", delivery.key.pk.len());
    assert_eq!(delivery.body, body);
}
