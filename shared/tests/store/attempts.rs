use crate::engine::*;
use futures_util::future::join_all;
use shared::attempt::{Source, State};
use shared::event::{Event, Report, Status};
use shared::key::{ItemKey, STATE};
use shared::store::{FIRST_DUE, ReportItem, StateWrite, StoredState, TIME_TO_LIVE};

fn state(status: Status) -> State {
    State {
        status: Some((status, Source("event#1".into()))),
        ..State::default()
    }
}

fn write<'a>(attempt: &'a str, state: &'a State, replaces: u64) -> StateWrite<'a> {
    StateWrite {
        source: SOURCE,
        attempt,
        state,
        replaces,
        folds: replaces,
        report: None,
        new_report: None,
        in_doubt: false,
        candidate_key: None,
        now: at(0),
    }
}

fn state_key(attempt: &str) -> ItemKey {
    ItemKey::of_attempt(SOURCE, attempt, STATE)
}

async fn stored_state(engine: &Engine, attempt: &str) -> Option<StoredState> {
    let partition = engine.table.partition(&state_key(attempt).pk).await;
    partition.unwrap().state
}

#[tokio::test]
async fn a_state_is_written_over_the_version_that_it_was_made_from() {
    let engine = engine().await;
    let table = &engine.table;
    let (begun, done) = (state(Status::InProgress), state(Status::Completed));
    assert!(table.put_state(write("7", &begun, 0)).await.unwrap());
    assert!(!table.put_state(write("7", &done, 0)).await.unwrap());
    assert_eq!(stored_state(&engine, "7").await.unwrap().state, begun);

    let second = StateWrite {
        report: Some(3),
        ..write("7", &done, 1)
    };
    assert!(table.put_state(second).await.unwrap());
    assert!(!table.put_state(write("7", &begun, 1)).await.unwrap());
    let expected = StoredState {
        source: SOURCE.into(),
        attempt: "7".into(),
        state: done,
        version: 2,
        changed_at: Some(at(0)),
        published: 0,
        due_at: Some(at(0).plus(FIRST_DUE)),
        folds: 2,
        report: Some(3),
        expires_at: None,
        erased_at: None,
    };
    assert_eq!(stored_state(&engine, "7").await, Some(expected));
}

#[tokio::test]
async fn a_state_and_its_new_report_are_written_together_or_not_at_all() {
    let engine = engine().await;
    let (begun, done) = (state(Status::InProgress), state(Status::Completed));
    let offering = |state, replaces, number| StateWrite {
        new_report: Some((number, &Report::OnRequest)),
        ..write("7", state, replaces)
    };
    let pk = state_key("7").pk;
    let names = async || {
        let partition = engine.table.partition(&pk).await.unwrap();
        let reports = partition.reports.into_iter().map(|it| it.key);
        (partition.state.unwrap(), reports.collect::<Vec<_>>())
    };
    let first = ReportItem::key(&pk, 1);
    let put = engine.table.put_state(offering(&begun, 0, 1)).await;
    assert!(put.unwrap());
    let (stored, reports) = names().await;
    assert_eq!((&stored.state, stored.report), (&begun, Some(1)));
    assert_eq!(reports, std::slice::from_ref(&first));
    let due = engine.due(at(0).plus(FIRST_DUE)).await;
    let mut due: Vec<ItemKey> = due.into_iter().map(|it| it.key).collect();
    due.sort();
    assert_eq!(due, [state_key("7"), first.clone()]);

    for (replaces, number, why) in [
        (0, 2, "there is a state"),
        (2, 2, "there is another version"),
        (1, 1, "there is such a report"),
    ] {
        let put = engine.table.put_state(offering(&done, replaces, number));
        assert!(!put.await.unwrap(), "{why}");
        assert_eq!(
            names().await,
            (stored.clone(), vec![first.clone()]),
            "{why}"
        );
    }
    let put = engine.table.put_state(offering(&done, 1, 2)).await;
    assert!(put.unwrap());
    let (stored, reports) = names().await;
    assert_eq!((stored.version, stored.report), (2, Some(2)));
    assert_eq!(reports.len(), 2);
}

#[tokio::test]
async fn a_new_report_has_a_number_above_all_that_there_are() {
    let engine = engine().await;
    let begun = state(Status::InProgress);
    let key = state_key("7");
    let next = async || engine.table.partition(&key.pk).await.unwrap().next_report();
    assert_eq!(next().await, 1);
    // Ten lies before two in the table.
    for number in 1..=10 {
        let write = StateWrite {
            new_report: Some((number, &Report::OnRequest)),
            ..write("7", &begun, number - 1)
        };
        assert!(engine.table.put_state(write).await.unwrap());
        assert_eq!(next().await, number + 1);
    }
    engine.delete(&ReportItem::key(&key.pk, 10)).await;
    assert_eq!(next().await, 11, "the state names it");
    engine.delete(&key).await;
    assert_eq!(next().await, 10, "there are nine");
}

#[tokio::test]
async fn of_two_that_write_one_version_one_does() {
    let engine = engine().await;
    let states = [state(Status::InProgress), state(Status::Completed)];
    for replaces in 0..10 {
        let writes = states
            .each_ref()
            .map(|state| engine.table.put_state(write("7", state, replaces)));
        let written = join_all(writes).await;
        let won = written.into_iter().filter(|it| *it.as_ref().unwrap());
        assert_eq!(won.count(), 1);
    }
    assert_eq!(stored_state(&engine, "7").await.unwrap().version, 10);
}

#[tokio::test]
async fn a_state_that_is_gone_does_not_come_back() {
    let engine = engine().await;
    let begun = state(Status::InProgress);
    let table = &engine.table;
    assert!(!table.put_state(write("7", &begun, 1)).await.unwrap());
    table.put_state(write("7", &begun, 0)).await.unwrap();
    let stored = stored_state(&engine, "7").await.unwrap();
    engine.delete(&state_key("7")).await;
    assert!(!table.put_state(write("7", &begun, 1)).await.unwrap());
    assert!(
        !table
            .keep_state(&stored, false, at(0), Some(WEEK))
            .await
            .unwrap()
    );
    assert_eq!(engine.item(&state_key("7")).await, None);
}

#[tokio::test]
async fn a_state_is_kept_for_as_long_as_it_is_said_to_be() {
    let engine = engine().await;
    let begun = state(Status::InProgress);
    let table = &engine.table;
    table.put_state(write("7", &begun, 0)).await.unwrap();
    let week_from = |seconds| Some(at(seconds).plus(WEEK).unix_seconds());
    let stored = async || stored_state(&engine, "7").await.unwrap();

    // Nothing that has work to do expires.
    let changed = stored().await;
    assert_eq!(changed.expires_at, None);
    assert!(
        table
            .keep_state(&changed, false, at(5), Some(WEEK))
            .await
            .unwrap()
    );
    let changed = stored().await;
    assert_eq!((changed.folds, changed.expires_at), (2, None));
    let settled = table.settle_published(&changed, at(10), Some(WEEK)).await;
    assert!(settled.unwrap());
    let published = stored().await;
    assert_eq!(published.expires_at, week_from(10));

    let kept = table
        .keep_state(&published, false, at(50), Some(WEEK))
        .await;
    assert!(kept.unwrap());
    let kept = stored().await;
    assert_eq!(kept.expires_at, week_from(50));
    assert_eq!(
        (kept.version, kept.folds),
        (1, 3),
        "to keep is a fold and no change"
    );
    let late = table
        .keep_state(&published, false, at(60), Some(WEEK))
        .await;
    assert!(!late.unwrap(), "someone else folded");

    // Whoever read the state before that fold is overtaken, though the version is the one that was read.
    assert!(!table.put_state(write("7", &begun, 1)).await.unwrap());
    let again = StateWrite {
        folds: 3,
        ..write("7", &begun, 1)
    };
    assert!(table.put_state(again).await.unwrap());
    assert_eq!(stored().await.expires_at, None);
}

#[tokio::test]
async fn a_candidates_attempts_are_found_by_the_keyed_hash() {
    let engine = engine().await;
    let begun = state(Status::InProgress);
    for (attempt, candidate_key) in [
        ("1", Some("ada")),
        ("2", Some("ada")),
        ("3", Some("eve")),
        ("4", None),
    ] {
        let write = StateWrite {
            candidate_key,
            ..write(attempt, &begun, 0)
        };
        engine.table.put_state(write).await.unwrap();
    }
    let attempts = async |candidate| {
        let states = engine.table.states_of_candidate(candidate).await.unwrap();
        states.into_iter().map(|it| it.attempt).collect::<Vec<_>>()
    };
    assert_eq!(attempts("ada").await, ["1", "2"]);
    assert_eq!(attempts("eve").await, ["3"]);
    assert!(attempts("bob").await.is_empty());

    engine.table.put_state(write("2", &begun, 1)).await.unwrap();
    assert_eq!(attempts("ada").await, ["1"], "no candidate any more");
}

#[tokio::test]
async fn a_partition_is_read_whole_over_many_pages() {
    let engine = engine().await;
    let mut event = Event::of_attempt("7".into(), Some(Status::InProgress), None);
    event
        .details
        .insert("analysis".into(), "x".repeat(12_000).into());
    let deliveries: Vec<_> = (0..300)
        .map(|number| delivery_of(event.clone(), number.to_string(), at(number)))
        .collect();
    for some in deliveries.chunks(20) {
        join_all(some.iter().map(|it| engine.record(it))).await;
    }
    let state = state(Status::InProgress);
    let write = StateWrite {
        new_report: Some((1, &Report::OnRequest)),
        ..write("7", &state, 0)
    };
    engine.table.put_state(write).await.unwrap();
    let pk = state_key("7").pk;
    engine
        .table
        .request_again(SOURCE, "7", at(0))
        .await
        .unwrap();

    engine.take_read_bytes();
    let partition = engine.table.partition(&pk).await.unwrap();
    assert!(engine.take_read_bytes() > 3_000_000, "several pages");
    let mut keys: Vec<_> = partition.events.iter().map(|it| &it.key).collect();
    let mut expected: Vec<_> = deliveries.iter().map(|it| &it.key).collect();
    keys.sort();
    expected.sort();
    assert_eq!(keys, expected);
    assert!(partition.events.iter().all(|it| it.event == event));
    assert!(partition.asked.is_some(), "the first of the partition");
    assert!(partition.state.is_some(), "the last of what is read");
    assert_eq!(partition.reports.len(), 1);
}

#[tokio::test]
async fn a_partition_is_read_without_raw_bodies() {
    let engine = engine().await;
    let bodies = [noise(300_000), noise(1024 * 1024)];
    for body in bodies {
        engine.record(&delivery("7", body, at(0))).await;
    }
    engine.take_read_bytes();
    let partition = engine.table.partition(&state_key("7").pk).await.unwrap();
    let bytes = engine.take_read_bytes();
    assert_eq!(partition.events.len(), 2);
    assert!((500..10_000).contains(&bytes), "{bytes} bytes read");
    // What the fold needs is there all the same.
    for event in partition.events {
        let alone = engine.event(&event.key).await;
        assert_eq!(alone.summary, event.summary);
        assert_eq!(alone.event, event.event);
        assert_eq!(alone.marked, event.marked);
        let body = engine.table.event_body(&event).await.unwrap();
        assert_eq!(body, engine.table.event_body(&alone).await.unwrap());
    }
}

#[tokio::test]
async fn an_attempt_of_which_nothing_is_known_is_empty() {
    let engine = engine().await;
    engine.record(&delivery("77", "{}", at(0))).await;
    let partition = engine.table.partition(&state_key("7").pk).await.unwrap();
    assert!(partition.events.is_empty() && partition.reports.is_empty());
    assert!(partition.state.is_none() && partition.asked.is_none());
}

#[tokio::test]
async fn a_partition_is_kept_whole_but_for_what_has_work_to_do() {
    let engine = engine().await;
    let settled = engine.recorded(&delivery("7", "settled", at(0))).await;
    let table = &engine.table;
    table
        .settle_event(&settled, at(0), Some(WEEK))
        .await
        .unwrap();
    let marked = engine.recorded(&delivery("7", "marked", at(1))).await;
    let later = at(3 * 24 * 60 * 60);
    let partition = table.partition(&settled.key.pk).await.unwrap();
    table.keep_partition(&partition, later, WEEK).await.unwrap();
    let expiry = async |key: &ItemKey| {
        let item = engine.item(key).await.unwrap();
        item.get(TIME_TO_LIVE).map(|at| at.as_n().unwrap().clone())
    };
    let expected = later.plus(WEEK).unix_seconds().to_string();
    assert_eq!(expiry(&settled.key).await, Some(expected));
    assert_eq!(expiry(&marked.key).await, None);
}
