use crate::world::*;
use serde_json::{Value, json};
use shared::key::{ASKED, ItemKey};
use shared::store::{Asked, AskedOutcome, FIRST_DUE};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use worker::job::{Job, Message};

fn ids(ids: impl IntoIterator<Item = i64>) -> BTreeSet<i64> {
    ids.into_iter().collect()
}

/// Has iMocha asked for these, all of which are wanted.
async fn ask(world: &World, ids: &BTreeSet<i64>) {
    world.request(ids.iter().copied()).await;
    world.worker.ask_imocha(ids, None, "r").await.unwrap();
}

fn queued(successful: &Value, failed: &Value) -> Value {
    let ids = json!({ "successful": successful, "failed": failed });
    json!({ "result": { "testinvitationIds": ids }, "errors": null })
}

fn not_ours(ids: &Value) -> Value {
    let mut errors = vec![json!(
        "testinvitationIds does not belong to account or not found"
    )];
    errors.extend(ids.as_array().unwrap().iter().cloned());
    json!({ "result": null, "errors": errors })
}

async fn outcomes(world: &World, ids: &BTreeSet<i64>) -> Vec<AskedOutcome> {
    let mut outcomes = Vec::new();
    for id in ids {
        outcomes.push(world.asked(*id).await.outcome);
    }
    outcomes
}

/// When each id is looked at again.
async fn due(world: &World) -> Vec<(String, i64)> {
    let marked = world.marked().await.into_iter();
    let mut due: Vec<_> = marked
        .map(|item| {
            assert_eq!(item.key.sk, ASKED);
            let (_, attempt) = item.key.attempt().unwrap();
            (attempt, (item.due_at.unix_ms() - at(0).unix_ms()) / 1000)
        })
        .collect();
    due.sort();
    due
}

#[tokio::test]
async fn a_hundred_ids_are_one_call() {
    let world = world().await;
    let ids = ids(1..=100);
    let all: Vec<i64> = ids.iter().copied().collect();
    world
        .vendor()
        .will_answer(200, &queued(&json!(all), &json!([])));
    ask(&world, &ids).await;
    let asked = world.vendor().only_asked();
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.path, "/imocha/v3/callbacks/process");
    assert_eq!(asked.header("x-api-key"), Some(KEY));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body, json!({ "testinvitationIds": all }));
    let outcomes = outcomes(&world, &ids).await;
    assert!(outcomes.iter().all(|it| *it == AskedOutcome::Open));
    let due = due(&world).await;
    assert_eq!(due.len(), 100);
    assert!(due.iter().all(|(_, seconds)| *seconds == 15 * MINUTE));
    assert!(world.take_messages().is_empty());
}

#[tokio::test]
async fn that_it_is_asked_is_written_before_the_call() {
    let world = world().await;
    let seen: Arc<Mutex<Option<Asked>>> = Arc::default();
    let (table, note) = (world.table.clone(), Arc::clone(&seen));
    world.vendor().meanwhile(async move {
        let asked = table.asked("imocha", "1").await.unwrap();
        *note.lock().unwrap() = asked;
    });
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &json!([])));
    ask(&world, &ids([1])).await;
    let seen = seen.lock().unwrap().clone().unwrap();
    assert_eq!((seen.asked_at, seen.times), (Some(at(0)), 1));
    assert_eq!(seen.outcome, AskedOutcome::Requested);
}

#[tokio::test]
async fn an_answer_that_overtakes_the_calls_own_is_an_answer() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &json!([])));
    let callback = step("1", shared::event::Status::Terminated, at(1));
    let (worker, table) = (Arc::clone(&world.worker), world.table.clone());
    world.vendor().meanwhile(async move {
        shared::store::EventStore::record(&table, &callback)
            .await
            .unwrap();
        worker.fold(&callback.key, "r").await.unwrap();
    });
    ask(&world, &ids([1])).await;
    let asked = world.asked(1).await;
    assert_eq!(asked.outcome, AskedOutcome::Answered);
    assert_eq!(asked.answered_at, Some(at(1)));
    let marked = world.marked().await;
    assert!(marked.iter().all(|it| it.key.sk != ASKED), "{marked:?}");
}

#[tokio::test]
async fn what_is_not_promised_counts_as_failed_and_is_asked_for_again() {
    let world = world().await;
    // 1 is promised, 2 to 4 failed in each of the forms that are known, of 5 nothing is said.
    let failed = json!([2, "3", { "testInvitationId": 4, "reason": "expired" }]);
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &failed));
    ask(&world, &ids(1..=5)).await;
    let mut expected = vec![AskedOutcome::Open];
    expected.extend([AskedOutcome::Failed; 4]);
    assert_eq!(outcomes(&world, &ids(1..=5)).await, expected);
    let due = due(&world).await;
    assert_eq!(due.len(), 5);
    assert!(
        due.iter().all(|(_, seconds)| *seconds == 15 * MINUTE),
        "{due:?}"
    );
}

#[tokio::test]
async fn the_promised_ids_may_be_texts_or_objects_too() {
    let world = world().await;
    let successful = json!(["1", { "id": "2" }, 3, null, "none", {}]);
    world
        .vendor()
        .will_answer(200, &queued(&successful, &json!(null)));
    ask(&world, &ids(1..=3)).await;
    assert_eq!(outcomes(&world, &ids(1..=3)).await, [AskedOutcome::Open; 3]);
}

#[tokio::test]
async fn ids_that_are_not_ours_are_dropped_and_the_rest_is_sent_again() {
    let world = world().await;
    world
        .vendor()
        .will_answer(401, &not_ours(&json!(["2", "4"])));
    ask(&world, &ids(1..=5)).await;
    for id in [2, 4] {
        assert_eq!(world.asked(id).await.outcome, AskedOutcome::Foreign);
    }
    let message = json!({
        "version": 1, "job": "ask_imocha", "ids": [1, 3, 5], "correlation_id": "r",
    });
    let messages = world.take_messages();
    assert_eq!(messages, [message]);
    let marked: Vec<_> = due(&world).await.into_iter().map(|it| it.0).collect();
    assert_eq!(marked, ["1", "3", "5"]);

    world
        .vendor()
        .will_answer(200, &queued(&json!([1, 3, 5]), &json!([])));
    let bodies = messages.iter().map(|it| Some(it.to_string())).collect();
    assert!(world.handle(bodies).await.is_empty());
    assert_eq!(
        world.vendor().asked()[1].body,
        json!({ "testinvitationIds": [1, 3, 5] })
    );
    assert_eq!(
        outcomes(&world, &ids([1, 3, 5])).await,
        [AskedOutcome::Open; 3]
    );
    assert_eq!(world.vendor().asked().len(), 2);
}

#[tokio::test]
async fn if_none_is_ours_nothing_more_is_asked() {
    let world = world().await;
    world
        .vendor()
        .will_answer(401, &not_ours(&json!([1, { "id": 2 }])));
    ask(&world, &ids([1, 2])).await;
    assert_eq!(
        outcomes(&world, &ids([1, 2])).await,
        [AskedOutcome::Foreign; 2]
    );
    assert!(world.take_messages().is_empty());
    assert!(world.marked().await.is_empty());
}

#[tokio::test]
async fn a_401_that_names_another_id_or_none_is_no_word_on_this_one() {
    let bodies = [
        json!({ "result": null, "errors": ["invalid key"] }),
        json!({ "statusCode": 401, "message": "Access denied due to invalid key" }),
        not_ours(&json!(["77", "1234567"])),
        json!("1"),
    ];
    for body in bodies {
        let world = world().await;
        world.vendor().will_answer(401, &body);
        ask(&world, &ids([1])).await;
        let asked = world.asked(1).await;
        assert_eq!(
            (asked.outcome, asked.times),
            (AskedOutcome::Failed, 0),
            "{body}"
        );
        assert_eq!(due(&world).await, [("1".to_owned(), 30 * MINUTE)], "{body}");
        assert!(world.take_messages().is_empty());
    }
}

#[tokio::test]
async fn a_number_in_an_error_that_is_no_401_is_no_foreign_id() {
    let world = world().await;
    world.vendor().will_answer(400, &not_ours(&json!(["1"])));
    ask(&world, &ids([1])).await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Failed);
}

#[tokio::test]
async fn imocha_in_trouble_is_asked_again_later() {
    let cases = [
        (500, None, "<html>", MINUTE),
        (429, Some(("retry-after", "120")), "{}", 2 * MINUTE),
        (200, None, "<html>", MINUTE),
        (200, None, "{}", MINUTE),
        (
            200,
            None,
            r#"{"result":{"testinvitationIds":null}}"#,
            MINUTE,
        ),
    ];
    for (status, header, body, expected) in cases {
        let world = world().await;
        match header {
            Some(header) => world.vendor().will_answer_with(status, header, body),
            None => world.vendor().will_answer(status, body),
        }
        ask(&world, &ids([1])).await;
        assert_eq!(world.asked(1).await.outcome, AskedOutcome::Failed);
        assert_eq!(
            due(&world).await,
            [("1".to_owned(), expected)],
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn without_a_key_imocha_is_not_called_and_the_work_stays() {
    let world = world().await;
    world
        .platform()
        .set_secret("imocha", &json!({ "api_key": "" }));
    ask(&world, &ids([1])).await;
    assert!(world.vendor().asked().is_empty());
    assert_eq!(due(&world).await, [("1".to_owned(), 30 * MINUTE)]);
}

#[tokio::test]
async fn a_message_that_comes_twice_makes_one_call() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &queued(&json!([1, 2]), &json!([])));
    ask(&world, &ids([1, 2])).await;
    world
        .worker
        .ask_imocha(&ids([1, 2]), None, "r")
        .await
        .unwrap();
    assert_eq!(world.vendor().asked().len(), 1);
    assert_eq!(world.asked(1).await.times, 1);
}

#[tokio::test]
async fn a_message_that_comes_twice_takes_no_turn_from_another() {
    let world = world_with(&[("IMOCHA_API_CALLS_PER_MINUTE", "1")]).await;
    for id in [1, 2] {
        let promised = queued(&json!([id]), &json!([]));
        world.vendor().will_answer(200, &promised);
    }
    ask(&world, &ids([1])).await;
    world.wait_until(at(2 * MINUTE));
    let again = world.worker.ask_imocha(&ids([1]), None, "r").await;
    again.unwrap();
    assert_eq!(world.vendor().asked().len(), 1);
    ask(&world, &ids([2])).await;
    assert_eq!(world.vendor().asked().len(), 2, "it is this one's turn");
}

#[tokio::test]
async fn messages_at_once_ask_for_each_id_once() {
    let world = world().await;
    world.request(1..=5).await;
    for _ in 0..2 {
        world
            .vendor()
            .will_answer(200, &queued(&json!([1, 2, 3, 4, 5]), &json!([])));
    }
    let (some, others) = (ids(1..=3), ids(2..=5));
    let ask = |ids| world.worker.ask_imocha(ids, None, "r");
    let (one, other) = tokio::join!(ask(&some), ask(&others));
    one.and(other).unwrap();
    let asked = world.vendor().asked().into_iter();
    let mut asked: Vec<i64> = asked
        .flat_map(|it| it.body["testinvitationIds"].as_array().unwrap().clone())
        .map(|id| id.as_i64().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn only_what_is_wanted_is_asked_for() {
    let world = world().await;
    world.request([1]).await;
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &json!([])));
    world
        .worker
        .ask_imocha(&ids([1, 2, 3]), None, "r")
        .await
        .unwrap();
    let body = world.vendor().only_asked().body;
    assert_eq!(body, json!({ "testinvitationIds": [1] }));
    assert!(world.table.asked("imocha", "2").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_answered_is_asked_for_again_and_what_is_answered_is_not() {
    let world = world().await;
    world
        .vendor()
        .will_answer(200, &queued(&json!([1, 2]), &json!([])));
    ask(&world, &ids([1, 2])).await;
    let callback = step("1", shared::event::Status::InProgress, at(MINUTE));
    world.record(&callback).await;
    world.fold(&callback).await;
    world.wait_until(at(15 * MINUTE));
    world
        .vendor()
        .will_answer(200, &queued(&json!([2]), &json!([])));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let asked = world.vendor().asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].body, json!({ "testinvitationIds": [2] }));
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Answered);
    let second = world.asked(2).await;
    assert_eq!((second.outcome, second.times), (AskedOutcome::Open, 2));
}

#[tokio::test]
async fn a_worker_that_dies_during_the_call_leaves_it_to_be_asked_again() {
    let world = world().await;
    world.request([1]).await;
    let platform = world.aws_platform();
    world
        .vendor()
        .meanwhile(async move { platform.cut_off_after(0) });
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &json!([])));
    assert!(world.worker.ask_imocha(&ids([1]), None, "r").await.is_err());
    world.platform().mend();
    let marked = world.only_marked().await;
    assert_eq!(marked.key, ItemKey::of_attempt("imocha", "1", ASKED));
    assert_eq!(marked.due_at, at(0).plus(FIRST_DUE));

    world.wait_until(at(2 * MINUTE));
    world
        .vendor()
        .will_answer(200, &queued(&json!([1]), &json!([])));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let asked = world.asked(1).await;
    assert_eq!((asked.outcome, asked.times), (AskedOutcome::Open, 2));
}

#[test]
fn two_thousand_five_hundred_fresh_ids_are_twenty_five_calls_however_often_they_are_named() {
    let all = ids(4_000_001..=4_002_500);
    let named_twice = all.iter().chain(&all).copied();
    let calls: Vec<BTreeSet<i64>> = Job::ask_imocha(named_twice)
        .into_iter()
        .map(|job| match job {
            Job::AskImocha { ids, search: None } => ids,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(calls.len(), 25);
    assert!(calls.iter().all(|ids| ids.len() == 100));
    assert_eq!(disjoint(calls), all);
}

#[tokio::test]
async fn each_of_the_messages_for_many_fresh_ids_is_one_call() {
    let world = world().await;
    world.vendor().answers(|call| {
        let ids = &call.body["testinvitationIds"];
        Some((200, queued(ids, &json!([]))))
    });
    let all = ids(1..=250);
    world.request(all.iter().copied()).await;
    // As the sweep and the command make them.
    for job in Job::ask_imocha(all.iter().copied()) {
        let correlation_id = "r".to_owned();
        let message = Message {
            job,
            correlation_id,
        };
        assert!(world.handle(vec![Some(message.body())]).await.is_empty());
    }
    let calls: Vec<BTreeSet<i64>> = world
        .vendor()
        .asked()
        .into_iter()
        .map(|call| serde_json::from_value(call.body["testinvitationIds"].clone()).unwrap())
        .collect();
    let sizes: Vec<usize> = calls.iter().map(BTreeSet::len).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(disjoint(calls), all);
}

/// All ids of several calls, none of which is in two of them.
fn disjoint(calls: Vec<BTreeSet<i64>>) -> BTreeSet<i64> {
    let many: usize = calls.iter().map(BTreeSet::len).sum();
    let all: BTreeSet<i64> = calls.into_iter().flatten().collect();
    assert_eq!(all.len(), many);
    all
}

#[tokio::test]
async fn ids_that_were_not_asked_for_are_not_taken_for_ours_whatever_list_they_stand_in() {
    let world = world().await;
    let ours_and_others = json!([1, 94_761, "94762", { "id": 94_763 }, -1, 0, u64::MAX]);
    for lists in [
        queued(&ours_and_others, &json!([94_764])),
        queued(&json!([]), &ours_and_others),
    ] {
        world.vendor().will_answer(200, &lists);
    }
    ask(&world, &ids([1])).await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Open);
    world
        .vendor()
        .will_answer(200, &queued(&json!([94_761]), &json!([])));
    ask(&world, &ids([2])).await;
    for id in [94_761, 94_762, 94_763, 94_764, -1, 0] {
        let asked = world.table.asked("imocha", &id.to_string()).await;
        assert_eq!(asked.unwrap(), None, "{id}");
    }
    // What is said of others is not known as iMocha's, which the key would be judged by.
    assert_eq!(
        world.table.known("imocha").await.unwrap().as_deref(),
        Some("1")
    );
    // Of the second, nothing was said.
    assert_eq!(world.asked(2).await.outcome, AskedOutcome::Failed);
    let due: Vec<_> = due(&world).await.into_iter().map(|it| it.0).collect();
    assert_eq!(due, ["1", "2"]);
}
