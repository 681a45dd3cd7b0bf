//! What iMocha lists, compared with what is stored.

use crate::vendor::Asked as Call;
use crate::world::*;
use serde_json::{Value, json};
use shared::event::Status;
use shared::key::{ItemKey, attempt_partition};
use shared::store::{AskedOutcome, Counts, FIRST_DUE, Origin, Partition, Run, RunOutcome};
use shared::timestamp::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;
use worker::job::Reconcile;
use worker::reconcile::windows;

/// What iMocha lists: id, state, and how many seconds from the fixed time.
type Listed = Vec<(i64, &'static str, i64)>;

const HOUR: i64 = 3600;

fn element(id: i64, state: &str) -> Value {
    json!({
        "testInvitationId": id, "testId": 292_930, "email": format!("c{id}@example.com"), "testStatus": state,
    })
}

fn time(body: &Value, name: &str) -> Timestamp {
    let text = body[name].as_str().unwrap();
    assert!(text.ends_with('Z') && text.len() == 20, "{text}");
    Timestamp::parse(text).unwrap()
}

fn list(call: &Call, listed: &Listed) -> (u16, Value) {
    let state = call.path.rsplit('=').next().unwrap();
    let (from, to) = (
        time(&call.body, "StartDateTime"),
        time(&call.body, "EndDateTime"),
    );
    let within = listed
        .iter()
        .filter(|(_, of, seconds)| *of == state && from <= at(*seconds) && at(*seconds) < to);
    let elements: Vec<Value> = within.map(|(id, of, _)| element(*id, of)).collect();
    if elements.is_empty() {
        return (
            404,
            json!({ "result": null, "errors": ["No test attempts found"] }),
        );
    }
    (
        200,
        json!({ "result": { "testAttempts": elements }, "errors": null }),
    )
}

/// iMocha, which lists these, promises every callback, and has no report.
fn with(world: &World, listed: Listed) {
    world.vendor().answers(move |call| {
        if call.path.contains("testattempts") {
            return Some(list(call, &listed));
        }
        if call.path.contains("callbacks") {
            let ids = json!({ "successful": call.body["testinvitationIds"], "failed": [] });
            return Some((200, json!({ "result": { "testinvitationIds": ids } })));
        }
        Some((404, json!(null)))
    });
}

/// Begins a run over these hours.
async fn begin(world: &World, id: &str, hours: i64) -> ItemKey {
    let key = Run::key("imocha", id);
    let windows = windows(at(-hours * HOUR), at(0));
    let now = world.clock.now();
    assert!(world.table.create_run(&key, &windows, now).await.unwrap());
    key
}

async fn step(world: &World, key: &ItemKey) -> Result<(), worker::JobError> {
    world
        .worker
        .reconcile(&Reconcile::Step(key.clone()), "r")
        .await
}

/// A whole run.
async fn reconcile(world: &World, id: &str, hours: i64) -> Run {
    let key = begin(world, id, hours).await;
    step(world, &key).await.unwrap();
    world.work_off_queue().await;
    run(world, &key).await
}

async fn run(world: &World, key: &ItemKey) -> Run {
    world.table.run(key).await.unwrap().unwrap()
}

async fn partition(world: &World, id: i64) -> Partition {
    let pk = attempt_partition("imocha", &id.to_string());
    world.table.partition(&pk).await.unwrap()
}

async fn status(world: &World, id: i64) -> Option<Status> {
    let state = partition(world, id).await.state?;
    state.state.status.map(|(status, _)| status)
}

fn calls(world: &World, path: &str) -> Vec<Call> {
    let calls = world.vendor().asked().into_iter();
    calls.filter(|call| call.path.contains(path)).collect()
}

/// The attempt has called us.
async fn called(world: &World, id: i64, reached: Status) {
    let callback = crate::world::step(&id.to_string(), reached, at(-HOUR));
    world.record(&callback).await;
    world.fold(&callback).await;
    world.take_messages();
}

#[tokio::test]
async fn what_is_missing_or_behind_is_asked_for_in_one_call_and_what_ended_otherwise_is_stored() {
    let world = world().await;
    called(&world, 1, Status::Completed).await;
    called(&world, 2, Status::InProgress).await;
    let listed = vec![
        (1, "completed", -HOUR),
        (2, "completed", -HOUR),
        (3, "completed", -2 * HOUR),
        (4, "cancelled", -HOUR),
        (5, "expired", -HOUR),
        (6, "completed", -100 * HOUR),
    ];
    with(&world, listed);
    let run = reconcile(&world, "a", 24).await;
    let expected = Counts {
        listed: 5,
        known: 1,
        missing: 2,
        asked: 2,
        cancelled: 1,
        expired: 1,
    };
    assert_eq!((run.outcome, run.counts), (RunOutcome::Done, expected));
    let [asked] = calls(&world, "callbacks").try_into().unwrap();
    assert_eq!(asked.body, json!({ "testinvitationIds": [2, 3] }));
    assert_eq!(world.asked(3).await.outcome, AskedOutcome::Open);
    assert_eq!(status(&world, 4).await, Some(Status::Cancelled));
    assert_eq!(status(&world, 5).await, Some(Status::Expired));
    assert_eq!(calls(&world, "testattempts").len(), 3);
    let ids = world.table.asked_by_run(&run.key).await.unwrap();
    assert_eq!(ids, [2, 3].into());
}

#[tokio::test]
async fn what_ended_otherwise_is_kept_as_it_was_listed() {
    let world = world().await;
    with(&world, vec![(4, "cancelled", -HOUR)]);
    reconcile(&world, "a", 24).await;
    let [event] = partition(&world, 4).await.events.try_into().unwrap();
    assert_eq!(event.summary.origin, Origin::Reconcile);
    let body = world.table.event_body(&event).await.unwrap();
    assert_eq!(body, element(4, "cancelled").to_string().as_bytes());
    let email = event.event.candidate.unwrap().email;
    assert_eq!(email.as_deref(), Some("c4@example.com"));
}

#[tokio::test]
async fn two_runs_over_one_window_ask_for_nothing_and_store_nothing_twice() {
    let world = world().await;
    let listed = vec![
        (3, "completed", -HOUR),
        (4, "cancelled", -HOUR),
        (5, "expired", -HOUR),
    ];
    with(&world, listed);
    reconcile(&world, "a", 24).await;
    let (cancelled, version) = (partition(&world, 4).await, status(&world, 4).await);
    world.wait_until(at(MINUTE));
    let second = reconcile(&world, "b", 24).await;
    let expected = Counts {
        listed: 3,
        known: 2,
        missing: 1,
        ..Counts::default()
    };
    assert_eq!(second.counts, expected);
    assert_eq!(calls(&world, "callbacks").len(), 1);
    assert_eq!(world.asked(3).await.requested_by.as_deref(), Some("a"));
    let after = partition(&world, 4).await;
    assert_eq!(after.events[0].summary, cancelled.events[0].summary);
    assert_eq!(status(&world, 4).await, version);
    assert!(
        world
            .table
            .asked_by_run(&second.key)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_its_callback_said_is_terminated_or_left_is_not_missing_from_the_completed() {
    let world = world().await;
    let ended = [(1, Status::Terminated), (2, Status::Abandoned)];
    with(
        &world,
        vec![(1, "completed", -HOUR), (2, "completed", -HOUR)],
    );
    for (id, reached) in ended {
        called(&world, id, reached).await;
    }
    let run = reconcile(&world, "a", 24).await;
    assert_eq!((run.counts.known, run.counts.missing), (2, 0));
    assert!(calls(&world, "callbacks").is_empty());
    for (id, reached) in ended {
        assert_eq!(status(&world, id).await, Some(reached));
    }
}

#[tokio::test]
async fn what_was_asked_for_in_vain_is_left_to_operators() {
    let world = world_with(&[("IMOCHA_ASK_TIMES", "1")]).await;
    with(&world, vec![(3, "completed", -HOUR)]);
    reconcile(&world, "a", 24).await;
    world.wait_until(at(16 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(world.asked(3).await.outcome, AskedOutcome::Unanswered);
    let again = reconcile(&world, "b", 24).await;
    assert_eq!((again.counts.missing, again.counts.asked), (1, 0));
    assert_eq!(calls(&world, "callbacks").len(), 1);
}

#[tokio::test]
async fn what_was_sent_again_and_is_behind_all_the_same_is_read_and_not_asked_for_again() {
    let world = world().await;
    with(&world, vec![(3, "completed", -HOUR)]);
    reconcile(&world, "a", 24).await;
    world.wait_until(at(MINUTE));
    let less = crate::world::step("3", Status::InProgress, at(MINUTE));
    world.record(&less).await;
    world.fold(&less).await;
    world.take_messages();
    assert_eq!(world.asked(3).await.outcome, AskedOutcome::Answered);
    // The API does not know it yet: the work to read it is there, and is made once.
    for run in ["b", "c"] {
        let again = reconcile(&world, run, 24).await;
        assert_eq!((again.counts.missing, again.counts.asked), (1, 0));
        assert_eq!(calls(&world, "/reports/3").len(), 1, "{run}");
    }
    let listed = vec![(3, "completed", -HOUR)];
    world.vendor().answers(move |call| {
        let report = json!({ "testInvitationId": 3, "status": "Complete" });
        let lists = call.path.contains("testattempts");
        Some(if lists {
            list(call, &listed)
        } else {
            (200, report)
        })
    });
    world.wait_until(at(10 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(status(&world, 3).await, Some(Status::Completed));
    let known = reconcile(&world, "d", 24).await;
    assert_eq!((known.counts.known, known.counts.missing), (1, 0));
    assert_eq!(calls(&world, "callbacks").len(), 1, "it was asked for once");
}

#[tokio::test]
async fn what_is_forgotten_already_is_not_looked_for() {
    for (retention, days) in [("0", 14), ("30", 14), ("7", 6)] {
        let world = world_with(&[("RETENTION_DAYS", retention)]).await;
        with(&world, Vec::new());
        let last = Reconcile::Last { days: 14 };
        world.worker.reconcile(&last, "r").await.unwrap();
        world.work_off_queue().await;
        let calls = calls(&world, "testattempts").into_iter();
        let earliest = calls.map(|call| time(&call.body, "StartDateTime")).min();
        assert_eq!(earliest, Some(at(-days * 24 * HOUR)), "{retention}");
    }
}

#[tokio::test]
async fn a_key_that_is_bad_from_the_beginning_is_found_to_be() {
    let world = world().await;
    world.vendor().answers(|_| Some((401, json!({}))));
    let key = begin(&world, "a", 24).await;
    for refused in 1..=3 {
        step(&world, &key).await.unwrap();
        assert_eq!(calls(&world, "testattempts").len(), refused);
        assert_eq!(run(&world, &key).await.outcome, RunOutcome::Running);
        world.wait_until(world.only_marked().await.due_at);
        world.clock.advance(std::time::Duration::from_secs(1));
    }
    let shut = world.worker.vendors.result("imocha", "7").await;
    let late = world.worker.vendors.result("imocha", "7").await;
    assert!(
        late.is_err(),
        "after one call that finds out, none goes: {shut:?}"
    );
    assert!(calls(&world, "/reports/").len() <= 1);
}

#[tokio::test]
async fn an_invitation_that_expired_after_it_had_been_cancelled_and_renewed_is_expired() {
    let world = world().await;
    for (number, state) in ["cancelled", "expired", "cancelled"]
        .into_iter()
        .enumerate()
    {
        world.clock.advance(Duration::from_mins(1));
        with(&world, vec![(4, state, -HOUR)]);
        let run = reconcile(&world, &number.to_string(), 24).await;
        assert_eq!(run.counts.known, 0, "{number}");
        assert_eq!(status(&world, 4).await.unwrap().as_str(), state, "{number}");
    }
}

#[tokio::test]
async fn a_running_attempt_is_not_ended_by_an_older_cancellation() {
    let world = world().await;
    called(&world, 4, Status::InProgress).await;
    with(&world, vec![(4, "cancelled", -HOUR)]);
    reconcile(&world, "a", 24).await;
    assert_eq!(status(&world, 4).await, Some(Status::InProgress));
    world.clock.advance(Duration::from_mins(1));
    let again = reconcile(&world, "b", 24).await;
    assert_eq!(again.counts.known, 1);
}

#[tokio::test]
async fn a_long_list_is_looked_at_in_narrower_windows_until_it_is_whole() {
    let world = world().await;
    let all: BTreeMap<i64, i64> = (1..=250).map(|id| (id, -id * 60)).collect();
    // Like one that is cut off without a word.
    world.vendor().answers(move |call| {
        if !call.path.contains("testattempts?state=completed") {
            return Some((404, json!(null)));
        }
        let listed = all
            .iter()
            .map(|(id, seconds)| (*id, "completed", *seconds))
            .collect();
        let (status, mut body) = list(call, &listed);
        if let Some(elements) = body.pointer_mut("/result/testAttempts") {
            elements.as_array_mut().unwrap().truncate(100);
        }
        Some((status, body))
    });
    let run = reconcile(&world, "a", 24).await;
    assert_eq!((run.counts.listed, run.counts.asked), (250, 250));
    let ids = world.table.asked_by_run(&run.key).await.unwrap();
    assert_eq!(ids, (1..=250).collect());
    let sizes = calls(&world, "callbacks").len();
    assert_eq!(
        sizes, 3,
        "one call for each hundred, from all windows together"
    );
}

#[tokio::test]
async fn a_minute_that_lists_many_is_taken_as_it_is() {
    let world = world().await;
    with(&world, (1..=120).map(|id| (id, "expired", -90)).collect());
    let run = reconcile(&world, "a", 1).await;
    assert_eq!((run.outcome, run.counts.expired), (RunOutcome::Done, 120));
}

#[tokio::test]
async fn without_a_key_a_run_says_so_and_a_schedule_begins_none() {
    let world = world_without_keys().await;
    let run = reconcile(&world, "a", 24).await;
    assert_eq!(run.outcome, RunOutcome::Off);
    assert!(world.marked().await.is_empty());
    let last = Reconcile::Last { days: 14 };
    world.worker.reconcile(&last, "r").await.unwrap();
    assert!(world.marked().await.is_empty() && world.take_messages().is_empty());
}

#[tokio::test]
async fn a_schedules_message_begins_one_run_however_often_it_comes() {
    let world = world().await;
    with(
        &world,
        vec![
            (3, "completed", -13 * 24 * HOUR),
            (6, "completed", -15 * 24 * HOUR),
        ],
    );
    for _ in 0..2 {
        let last = Reconcile::Last { days: 14 };
        world.worker.reconcile(&last, "r").await.unwrap();
    }
    world.work_off_queue().await;
    // Two weeks in each of three states.
    assert_eq!(calls(&world, "testattempts").len(), 6);
    let [asked] = calls(&world, "callbacks").try_into().unwrap();
    assert_eq!(asked.body, json!({ "testinvitationIds": [3] }));
}

#[tokio::test]
async fn a_vendor_that_fails_is_asked_later_and_a_page_of_html_is_no_list() {
    for (status, body) in [
        (500, json!("<html>")),
        (429, json!(null)),
        (200, json!("<html>")),
    ] {
        let world = world().await;
        with(&world, vec![(3, "completed", -HOUR)]);
        world.vendor().will_answer(status, &body);
        let key = begin(&world, "a", 24).await;
        step(&world, &key).await.unwrap();
        assert!(world.take_messages().is_empty(), "{status}");
        assert_eq!(run(&world, &key).await.outcome, RunOutcome::Running);
        // It is left alone for a while, and called more seldom.
        for minutes in 2..20 {
            world.wait_until(at(minutes * MINUTE));
            world.worker.sweep("sweep").await.unwrap();
            world.work_off_queue().await;
        }
        let run = run(&world, &key).await;
        assert_eq!(
            (run.outcome, run.counts.asked),
            (RunOutcome::Done, 1),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_401_is_about_the_window_if_a_known_attempt_is_told_and_about_the_key_if_not() {
    for key_is_good in [true, false] {
        let world = world().await;
        world
            .table
            .note_known("imocha", "1000", at(0), FIRST_DUE)
            .await
            .unwrap();
        let refused = || {
            (
                401,
                json!({ "result": null, "errors": ["EndDateTime is not valid"] }),
            )
        };
        world.vendor().answers(move |call| {
            let report = json!({ "testInvitationId": 1000, "status": "Complete" });
            let is_told = key_is_good && call.path.contains("/reports/1000");
            Some(if is_told { (200, report) } else { refused() })
        });
        let run = reconcile(&world, "a", 1).await;
        if key_is_good {
            // Narrower windows are tried first.
            assert_eq!(run.outcome, RunOutcome::Failed);
            assert!(
                run.problem
                    .is_some_and(|problem| problem.contains("window"))
            );
            assert!(world.marked().await.is_empty());
        } else {
            assert_eq!(run.outcome, RunOutcome::Running);
            assert_eq!(world.only_marked().await.due_at, at(30 * MINUTE));
            assert_eq!(calls(&world, "testattempts").len(), 1);
            // One probe is enough: the key is bad, and nobody calls any more.
            world.wait_until(at(5 * MINUTE));
            assert_eq!(calls(&world, "/reports/").len(), 1);
            assert!(world.worker.vendors.result("imocha", "7").await.is_err());
            assert_eq!(calls(&world, "/reports/").len(), 1);
        }
    }
}

#[tokio::test]
async fn two_workers_at_one_step_make_it_once() {
    let world = world().await;
    with(
        &world,
        vec![(3, "completed", -HOUR), (4, "cancelled", -HOUR)],
    );
    let key = begin(&world, "a", 24).await;
    let (one, other) = tokio::join!(step(&world, &key), step(&world, &key));
    one.and(other).unwrap();
    assert_eq!(world.take_messages().len(), 1);
    step(&world, &key).await.unwrap();
    world.work_off_queue().await;
    let counts = run(&world, &key).await.counts;
    assert_eq!((counts.listed, counts.asked, counts.cancelled), (2, 1, 1));
    assert_eq!(calls(&world, "callbacks").len(), 1);
}

/// Cut off after any write, the run is still marked, and ends the same.
#[tokio::test]
async fn a_run_that_is_cut_short_anywhere_goes_on() {
    let mut cut = 0;
    loop {
        let world = world().await;
        with(
            &world,
            vec![(3, "completed", -HOUR), (4, "cancelled", -HOUR)],
        );
        let key = begin(&world, "a", 24).await;
        world.platform().cut_off_after(cut);
        let mut ended = step(&world, &key).await.is_ok();
        ended = ended && world.work_off_queue_or_fail().await;
        world.platform().mend();
        world.take_messages();
        for minutes in [6, 11, 14] {
            world.wait_until(at(minutes * MINUTE));
            world.worker.sweep("sweep").await.unwrap();
            world.work_off_queue().await;
        }
        let run = run(&world, &key).await;
        let expected = Counts {
            listed: 2,
            missing: 1,
            asked: 1,
            cancelled: 1,
            ..Counts::default()
        };
        assert_eq!(
            (run.outcome, run.counts),
            (RunOutcome::Done, expected),
            "{cut}"
        );
        assert_eq!(world.asked(3).await.outcome, AskedOutcome::Open, "{cut}");
        assert_eq!(status(&world, 4).await, Some(Status::Cancelled), "{cut}");
        if ended {
            return;
        }
        cut += 1;
    }
}

#[tokio::test]
async fn a_missed_callback_is_found_asked_for_and_answered() {
    let world = world().await;
    with(&world, vec![(3, "completed", -HOUR)]);
    reconcile(&world, "a", 24).await;
    let callback = crate::world::step("3", Status::Completed, at(MINUTE));
    world.wait_until(at(MINUTE));
    world.record(&callback).await;
    world.fold(&callback).await;
    assert_eq!(world.asked(3).await.outcome, AskedOutcome::Answered);
    let again = reconcile(&world, "b", 24).await;
    assert_eq!((again.counts.known, again.counts.missing), (1, 0));
    assert_eq!(calls(&world, "callbacks").len(), 1);
}
