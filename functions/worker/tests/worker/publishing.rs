use crate::platform::BusFault;
use crate::world::*;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::config::ConfigError;
use shared::event::{Assessment, Candidate, Decision, Event, Order, Report, Score, Stage, Status};
use shared::key::ItemKey;
use shared::store::{Delivery, FIRST_DUE, StoredState};
use std::sync::Arc;
use std::time::Duration;
use worker::JobError;
use worker::config::WorkerConfig;
use worker::sweep::MOST_TRIES;

const EMAIL: &str = "ada@example.com";
const NAME: &str = "Ada Lovelace";
const REPORT: &str = "https://vendor.example.com/1.pdf?token=secret";

/// A result with all that a vendor may say.
fn result(seconds: i64) -> Delivery {
    let event = Event {
        vendor_status: Some("Complete".into()),
        score: Some(Score {
            value: Some(87.0),
            maximum: Some(116.0),
            percent: None,
        }),
        assessment: Some(Assessment {
            id: "a1".into(),
            title: Some("Rust".into()),
        }),
        candidate: Some(Candidate {
            id: Some("c1".into()),
            external_id: Some("e1".into()),
            email: Some(EMAIL.into()),
            name: Some(NAME.into()),
        }),
        report: Some(link(REPORT)),
        occurred_at: Some(at(seconds)),
        ..Event::of_attempt(
            "1".into(),
            Some(Status::Completed),
            Some(Decision::Selected),
        )
    };
    delivery("testlify", event, at(seconds))
}

fn key_of(delivery: &Delivery) -> ItemKey {
    state_key(delivery.source, delivery.event.attempt.as_ref().unwrap())
}

/// Folds it, and loses the messages that follow.
async fn fold_alone(world: &World, delivery: &Delivery) -> ItemKey {
    world.record(delivery).await;
    world.fold(delivery).await;
    world.take_messages();
    world.platform().take_writes();
    key_of(delivery)
}

async fn stored(world: &World, key: &ItemKey) -> StoredState {
    world.table.state(key).await.unwrap().unwrap()
}

fn versions(changes: &[Value]) -> Vec<u64> {
    let versions = changes.iter().map(|it| it["data"]["version"].as_u64());
    versions.map(Option::unwrap).collect()
}

#[tokio::test]
async fn a_change_is_published_as_a_cloud_event() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    world.wait_until(at(7));
    world.worker.publish(&key).await.unwrap();
    let [entry] = world.platform().take_published().try_into().unwrap();
    assert_eq!(entry["EventBusName"], "bus");
    assert_eq!(entry["Source"], "assessment-webhooks");
    assert_eq!(entry["DetailType"], "assessment-webhooks.attempt.changed");
    assert_eq!(entry["Time"].to_string(), at(0).unix_seconds().to_string());
    let detail = entry["Detail"].as_str().unwrap();
    let mut change: Value = serde_json::from_str(detail).unwrap();
    let id = change.as_object_mut().unwrap().remove("id").unwrap();
    let id = id.as_str().unwrap();
    assert!(id.len() == 32 && id.chars().all(|it| it.is_ascii_hexdigit()));
    let expected = json!({
        "specversion": "1.0",
        "source": "/assessment-webhooks/testlify",
        "type": "assessment-webhooks.attempt.changed",
        "subject": "1",
        "time": at(0),
        "datacontenttype": "application/json",
        "dataschema": "urn:assessment-webhooks:attempt-changed:1#/$defs/Attempt",
        "sequence": "0000000001",
        "data": {
            "source": "testlify",
            "attempt": "1",
            "version": 1,
            "status": "completed",
            "vendor_status": "Complete",
            "decision": "selected",
            "score": { "value": 87.0, "maximum": 116.0 },
            "assessment": { "id": "a1", "title": "Rust" },
        },
    });
    assert_eq!(change, expected);
}

#[tokio::test]
async fn nobody_and_no_link_is_in_a_change_unless_the_configuration_says_so() {
    let of_person = [EMAIL, NAME, "c1", "e1"];
    let secrets = ["vendor.example.com", "token=secret"];
    for (setting, published) in [
        ("", &[][..]),
        ("email", &[EMAIL]),
        ("name, candidate_id", &[NAME, "c1"]),
        ("external_id,name,email,candidate_id", &of_person),
    ] {
        let world = world_with(&[("PUBLISHED_PERSONAL_FIELDS", setting)]).await;
        let key = fold_alone(&world, &result(0)).await;
        world.worker.publish(&key).await.unwrap();
        let [entry] = world.platform().take_published().try_into().unwrap();
        let entry = entry.to_string();
        for word in of_person {
            let quoted = format!(r#"\"{word}\""#);
            let there = entry.contains(&quoted);
            assert_eq!(there, published.contains(&word), "{setting:?}: {word}");
        }
        assert!(secrets.iter().all(|it| !entry.contains(it)), "{entry}");
    }
}

#[test]
fn a_setting_that_names_no_field_stops_the_start_and_is_shown() {
    let declared = [("PUBLISHED_PERSONAL_FIELDS", "email,phone")];
    let text = read(&declared).unwrap_err().to_string();
    for word in ["PUBLISHED_PERSONAL_FIELDS", "email,phone", "candidate_id"] {
        assert!(text.contains(word), "{text}");
    }
    assert!(read(&[]).is_ok(), "absent is none");
}

fn read(settings: &[(&str, &str)]) -> Result<WorkerConfig, ConfigError> {
    WorkerConfig::read(&settings_of("http://127.0.0.1:1", settings))
}

#[tokio::test]
async fn a_change_is_published_once_and_noted() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    world.worker.publish(&key).await.unwrap();
    assert_eq!(world.platform().take_writes(), ["PutEvents", "attempt"]);
    let state = stored(&world, &key).await;
    assert_eq!((state.version, state.published, state.due_at), (1, 1, None));

    // The message comes a second time.
    world.worker.publish(&key).await.unwrap();
    assert!(world.platform().take_writes().is_empty());
    assert_eq!(world.take_changes().len(), 1);
}

/// A worker that dies after so many writes of its job.
async fn publish_and_die_after(writes: usize) -> (World, ItemKey) {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    world.platform().cut_off_after(writes);
    // Only what cannot be noted fails; a bus that does not answer is waited for.
    let _ = world.worker.publish(&key).await;
    assert_eq!(world.platform().take_writes().len(), writes);
    world.platform().mend();
    (world, key)
}

#[tokio::test]
async fn a_worker_that_dies_anywhere_is_made_up_for_and_loses_no_change() {
    // Before the bus has the change, before that is noted, and after.
    for writes in 0..=2 {
        for by_sweep in [true, false] {
            let (world, key) = publish_and_die_after(writes).await;
            if by_sweep {
                world.wait_until(at(0).plus(FIRST_DUE));
                world.worker.sweep("sweep").await.unwrap();
                world.work_off_queue().await;
            } else {
                world.worker.publish(&key).await.unwrap();
            }
            let changes = world.take_changes();
            assert!(!changes.is_empty(), "{writes}");
            assert!(changes.len() <= 2, "{writes}");
            // Who has had it knows it by its id.
            assert!(changes.iter().all(|it| *it == changes[0]), "{changes:?}");
            let state = stored(&world, &key).await;
            assert_eq!((state.published, state.due_at), (1, None), "{writes}");
        }
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_published_again_and_is_the_same() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    world.platform().lose_next_answer();
    world.worker.publish(&key).await.unwrap();
    let [one, other] = world.take_changes().try_into().unwrap();
    assert_eq!(one, other);
    assert!(stored(&world, &key).await.is_published());
}

fn snapshot(status: Status, seconds: i64) -> Delivery {
    let event = Event {
        order: Order::Snapshot(Stage::Active),
        ..Event::of_attempt("1".into(), Some(status), None)
    };
    delivery("jobmojito", event, at(seconds))
}

#[tokio::test]
async fn a_state_that_returns_to_an_earlier_one_is_two_changes() {
    let world = world().await;
    let selected = snapshot(Status::Completed, 0);
    let taken_back = snapshot(Status::Failed, 10);
    for delivery in [&selected, &taken_back, &again(&selected, at(20))] {
        world.record(delivery).await;
        world.fold(delivery).await;
        world.work_off_queue().await;
    }
    let changes = world.take_changes();
    assert_eq!(versions(&changes), [1, 2, 3]);
    let sequences: Vec<_> = changes.iter().map(|it| it["sequence"].as_str()).collect();
    assert!(sequences.is_sorted() && sequences[0] < sequences[1]);
    let statuses: Vec<_> = changes.iter().map(|it| &it["data"]["status"]).collect();
    assert_eq!(statuses, ["completed", "failed", "completed"]);
    assert_ne!(changes[0]["id"], changes[2]["id"]);
}

#[tokio::test]
async fn what_changes_while_it_is_published_is_published_as_well() {
    let world = world().await;
    let key = fold_alone(&world, &snapshot(Status::Completed, 0)).await;
    let (other, newer) = (Arc::clone(&world.worker), snapshot(Status::Failed, 10));
    let table = world.table.clone();
    world.platform().before_write_of("PutEvents", async move {
        shared::store::EventStore::record(&table, &newer)
            .await
            .unwrap();
        other.fold(&newer.key, "r").await.unwrap();
    });
    world.worker.publish(&key).await.unwrap();
    assert_eq!(versions(&world.take_changes()), [1, 2]);
    assert_eq!(stored(&world, &key).await.published, 2);
    assert!(world.nothing_is_left_to_do().await);
    assert!(world.take_changes().is_empty());
}

#[tokio::test]
async fn what_changes_twice_before_it_is_published_is_published_as_it_is_then() {
    let world = world().await;
    let key = fold_alone(&world, &snapshot(Status::Completed, 0)).await;
    fold_alone(&world, &snapshot(Status::Failed, 10)).await;
    world.worker.publish(&key).await.unwrap();
    let [change] = world.take_changes().try_into().unwrap();
    assert_eq!(change["sequence"], "0000000002");
    assert_eq!(change["data"]["status"], "failed");
}

#[tokio::test]
async fn workers_at_once_publish_what_one_would() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    let jobs = (0..4).map(|_| world.worker.publish(&key));
    for result in join_all(jobs).await {
        result.unwrap();
    }
    let changes = world.take_changes();
    assert!((1..=4).contains(&changes.len()));
    assert!(changes.iter().all(|it| *it == changes[0]));
    let state = stored(&world, &key).await;
    assert_eq!((state.published, state.due_at), (1, None));
}

#[tokio::test]
async fn a_slow_worker_does_not_take_back_what_a_faster_one_noted() {
    let world = world().await;
    let key = fold_alone(&world, &snapshot(Status::Completed, 0)).await;
    let other = Arc::clone(&world.worker);
    let (table, newer, its_key) = (
        world.table.clone(),
        snapshot(Status::Failed, 9),
        key.clone(),
    );
    world.platform().before_write_of("PutEvents", async move {
        shared::store::EventStore::record(&table, &newer)
            .await
            .unwrap();
        other.fold(&newer.key, "r").await.unwrap();
        other.publish(&its_key).await.unwrap();
    });
    world.worker.publish(&key).await.unwrap();
    // The older change comes after the newer one: the sequence says which is which.
    assert_eq!(versions(&world.take_changes()), [2, 1]);
    let state = stored(&world, &key).await;
    assert_eq!((state.published, state.due_at), (2, None));
}

const FAULTS: [BusFault; 4] = [
    BusFault::Missing,
    BusFault::Down,
    BusFault::Refuses("ThrottlingException"),
    BusFault::Refuses("NotAuthorizedForSourceException"),
];

#[tokio::test]
async fn a_bus_that_does_not_take_a_change_is_tried_again() {
    for fault in FAULTS {
        let world = world().await;
        let key = fold_alone(&world, &result(0)).await;
        world.platform().break_bus(fault);
        let message = publish_message(&key, "r").to_string();
        let failed = world.handle(vec![Some(message)]).await;
        assert_eq!(failed, [""; 0], "to wait is no failure");
        assert_eq!(stored(&world, &key).await.published, 0);
        let marked = world.marked().await;
        assert!(marked.iter().any(|it| it.key == key));

        world.platform().mend();
        world.wait_until(at(0).plus(FIRST_DUE));
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
        assert_eq!(versions(&world.take_changes()), [1]);
        assert!(world.marked().await.is_empty());
    }
}

#[tokio::test]
async fn a_bus_that_never_takes_it_has_the_change_parked_and_redriven() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let key = fold_alone(&world, &begun).await;
    world.platform().break_bus(BusFault::Missing);
    for _ in 0..=MOST_TRIES {
        world.wait_until(world.only_marked().await.due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
    }
    let [parked] = world.table.parked().await.unwrap().try_into().unwrap();
    assert_eq!(parked.key, key);
    assert!(world.take_changes().is_empty());

    world.platform().mend();
    let now = world.clock.now();
    assert!(world.table.redrive(&parked, now).await.unwrap());
    world.worker.sweep("sweep").await.unwrap();
    assert!(world.nothing_is_left_to_do().await);
    assert_eq!(versions(&world.take_changes()), [1]);
}

#[tokio::test]
async fn the_bus_is_looked_for_once_a_minute_and_not_for_each_change() {
    let world = world().await;
    for (seconds, looks) in [(0, 1), (59, 1), (60, 2), (61, 2)] {
        world.wait_until(at(seconds));
        let attempt = seconds.to_string();
        let key = fold_alone(&world, &step(&attempt, Status::InProgress, at(seconds))).await;
        world.worker.publish(&key).await.unwrap();
        assert_eq!(world.platform().looks_for_the_bus(), looks);
    }
    // One that was missing is looked for each time.
    world.wait_until(at(600));
    world.platform().break_bus(BusFault::Missing);
    let key = fold_alone(&world, &step("x", Status::InProgress, at(600))).await;
    for looks in [3, 4] {
        world.worker.publish(&key).await.unwrap();
        assert_eq!(world.platform().looks_for_the_bus(), looks);
    }
}

#[tokio::test]
async fn what_is_gone_is_not_published() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    world.delete(&key).await;
    let result = world.worker.publish(&key).await;
    assert!(matches!(result, Err(JobError::Gone(gone)) if gone == key));
    assert!(world.take_changes().is_empty());
}

#[tokio::test]
async fn an_attempt_that_is_erased_while_it_is_published_stays_gone() {
    let world = world().await;
    let key = fold_alone(&world, &result(0)).await;
    let (eraser, erased) = (world.eraser(), key.clone());
    world
        .platform()
        .before_write_of("attempt", async move { eraser.delete(&erased).await });
    let result = world.worker.publish(&key).await;
    assert!(matches!(result, Err(JobError::Gone(_))), "{result:?}");
    assert!(world.table.state(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn an_attempt_that_was_forgotten_and_came_again_is_another_change() {
    let world = world().await;
    let begun = step("1", Status::InProgress, at(0));
    let key = fold_alone(&world, &begun).await;
    world.worker.publish(&key).await.unwrap();
    world.delete(&key).await;
    world.delete(&begun.key).await;
    world.wait_until(at(3600));
    fold_alone(&world, &step("1", Status::InProgress, at(3600))).await;
    world.worker.publish(&key).await.unwrap();
    let [first, second] = world.take_changes().try_into().unwrap();
    assert_eq!(first["sequence"], second["sequence"]);
    assert_ne!(first["id"], second["id"]);
    assert!(first["time"].as_str() < second["time"].as_str());
}

#[tokio::test]
async fn a_published_state_is_kept_as_long_as_everything_else() {
    let world = world_with(&[("RETENTION_DAYS", "7")]).await;
    let key = fold_alone(&world, &result(0)).await;
    world.wait_until(at(30));
    world.worker.publish(&key).await.unwrap();
    let week = at(30).plus(Duration::from_hours(7 * 24)).unix_seconds();
    assert_eq!(stored(&world, &key).await.expires_at, Some(week));
}

#[tokio::test]
async fn the_largest_change_fits_an_entry_of_the_bus() {
    let long = "\u{1}".repeat(5000);
    let event = Event {
        vendor_status: Some(long.clone()),
        assessment: Some(Assessment {
            id: long.clone(),
            title: Some(long.clone()),
        }),
        candidate: Some(Candidate {
            id: Some(long.clone()),
            external_id: Some(long.clone()),
            email: Some(long.clone()),
            name: Some(long.clone()),
        }),
        report: Some(Report::OnRequest),
        ..Event::of_attempt("\u{1}".repeat(1000), Some(Status::Completed), None)
    };
    let all = "email,name,external_id,candidate_id";
    let world = world_with(&[("PUBLISHED_PERSONAL_FIELDS", all)]).await;
    let delivery = delivery("imocha", event.bounded(), at(0));
    let key = fold_alone(&world, &delivery).await;
    world.worker.publish(&key).await.unwrap();
    let [entry] = world.platform().take_published().try_into().unwrap();
    let bytes = entry["Detail"].as_str().unwrap().len();
    assert!((40_000..64 * 1024).contains(&bytes), "{bytes} bytes");
}

#[tokio::test]
async fn a_report_that_is_kept_is_published_with_where_it_lies() {
    let world = world().await;
    let event = Event {
        report: Some(link(&world.pdf("1"))),
        ..Event::of_attempt("1".into(), Some(Status::Completed), None)
    };
    let done = delivery("testlify", event, at(0));
    let key = fold_alone(&world, &done).await;
    world.worker.publish(&key).await.unwrap();
    let report = report_key("testlify", "1", 1);
    let data = |world: &World| {
        let changes = world.platform().take_published();
        let detail = changes.last().unwrap()["Detail"].as_str().unwrap();
        let change: Value = serde_json::from_str(detail).unwrap();
        change["data"].clone()
    };
    assert_eq!(data(&world).get("report"), None, "it is not fetched yet");
    world
        .worker
        .fetch_report(&report, Duration::from_secs(30), "r")
        .await
        .unwrap();
    assert!(
        world
            .take_messages()
            .iter()
            .any(|it| it["job"] == "publish")
    );
    assert_eq!(
        world.only_marked().await.key,
        key,
        "in the same write, should the message be lost"
    );
    world.worker.publish(&key).await.unwrap();
    let kept = world.report(&report).await.kept.unwrap();
    let data = data(&world);
    assert_eq!(data["version"], 2);
    assert_eq!(data["report"]["s3_key"], kept.s3_key);
    assert_eq!(data["report"]["sha256"], kept.sha256);
    assert_eq!(data["report"]["size_bytes"], kept.size_bytes);
    assert!(world.marked().await.is_empty());
}
