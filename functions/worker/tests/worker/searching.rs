//! Refusals of iMocha's that name nobody, and what it does not send at all.

use crate::vendor::Asked as Call;
use crate::world::*;
use serde_json::{Value, json};
use shared::event::Status;
use shared::key::{CONFIRMATION, KNOWN};
use shared::store::{AskedOutcome, FIRST_DUE};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use worker::ask_imocha::answer_due;
use worker::job::Search;

fn ids_in(call: &Call) -> BTreeSet<i64> {
    let ids = call.body["testinvitationIds"].as_array().unwrap();
    ids.iter().map(|id| id.as_i64().unwrap()).collect()
}

fn queued(ids: &BTreeSet<i64>) -> (u16, Value) {
    let ids = json!({ "successful": ids, "failed": [] });
    (
        200,
        json!({ "result": { "testinvitationIds": ids }, "errors": null }),
    )
}

fn refused() -> (u16, Value) {
    let message = "testinvitationIds does not belong to account or not found";
    (401, json!({ "result": null, "errors": [message] }))
}

/// iMocha, which refuses calls with these ids and names none of them.
fn with_foreign(world: &World, foreign: impl Into<BTreeSet<i64>>) {
    let foreign = foreign.into();
    world.vendor().answers(move |call| {
        let ids = ids_in(call);
        Some(if ids.is_disjoint(&foreign) {
            queued(&ids)
        } else {
            refused()
        })
    });
}

/// iMocha, which refuses everything.
fn with_a_bad_key(world: &World) {
    world.vendor().answers(|_| Some(refused()));
}

/// Has iMocha asked for these, all of which are wanted, and works off what comes of it.
async fn ask(world: &World, ids: impl IntoIterator<Item = i64>) {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    world.request(ids.iter().copied()).await;
    world.worker.ask_imocha(&ids, None, "r").await.unwrap();
    world.work_off_queue().await;
}

async fn outcome(world: &World, id: i64) -> AskedOutcome {
    world.asked(id).await.outcome
}

fn calls(world: &World) -> Vec<BTreeSet<i64>> {
    world.vendor().asked().iter().map(ids_in).collect()
}

/// An id that iMocha has taken before, and its call not counted.
async fn with_known(world: &World, id: i64) -> usize {
    with_foreign(world, []);
    ask(world, [id]).await;
    calls(world).len()
}

#[tokio::test]
async fn foreign_ids_that_are_not_named_are_found_by_halving() {
    let world = world().await;
    let before = with_known(&world, 1000).await;
    with_foreign(&world, [37, 88]);
    ask(&world, 1..=100).await;
    for id in 1..=100 {
        let expected = if [37, 88].contains(&id) {
            AskedOutcome::Foreign
        } else {
            AskedOutcome::Open
        };
        assert_eq!(outcome(&world, id).await, expected, "{id}");
    }
    let calls = calls(&world).split_off(before);
    assert_eq!(calls[1], [1000].into(), "the key is tried first");
    // For each: two halves on each of seven levels, and a known id at the end; and the first two calls.
    assert!(calls.len() <= 2 + 2 * (2 * 7 + 1), "{}", calls.len());
    let foreign = world.marked().await.iter().any(|item| {
        let (_, attempt) = item.key.attempt().unwrap();
        ["37", "88"].contains(&attempt.as_str())
    });
    assert!(!foreign, "they are asked for no more");
}

#[tokio::test]
async fn an_id_that_is_searched_for_is_asked_for_once() {
    let world = world().await;
    with_known(&world, 1000).await;
    with_foreign(&world, [3]);
    ask(&world, 1..=5).await;
    for id in [1, 2, 4, 5] {
        assert_eq!(world.asked(id).await.times, 1, "{id}");
    }
    let due = world.marked().await.into_iter().map(|item| item.due_at);
    assert!(due.clone().all(|due_at| due_at == at(15 * MINUTE)));
    assert_eq!(due.count(), 5, "with the one that was known");
}

#[tokio::test]
async fn a_known_id_that_is_refused_alone_shows_the_key_to_be_bad() {
    let world = world().await;
    let before = with_known(&world, 1000).await;
    with_a_bad_key(&world);
    ask(&world, 1..=100).await;
    assert_eq!(calls(&world).split_off(before)[1..], [[1000].into()]);
    for id in 1..=100 {
        let asked = world.asked(id).await;
        assert_eq!((asked.outcome, asked.times), (AskedOutcome::Failed, 0));
    }
    let due = world.marked().await;
    let due = due.iter().filter(|item| item.due_at == at(30 * MINUTE));
    assert_eq!(due.count(), 100);
}

#[tokio::test]
async fn of_ids_that_have_called_us_one_is_known() {
    let world = world().await;
    world.record(&step("4", Status::Completed, at(0))).await;
    with_a_bad_key(&world);
    ask(&world, 1..=5).await;
    assert_eq!(calls(&world), [(1..=5).collect(), [4].into()]);
    assert_eq!(outcome(&world, 5).await, AskedOutcome::Failed);
}

#[tokio::test]
async fn where_nothing_is_known_another_id_is_tried_each_time() {
    let world = world().await;
    // The first that is tried is foreign itself, so that the key seems to be bad.
    let tried = {
        with_a_bad_key(&world);
        ask(&world, 1..=4).await;
        *calls(&world)[1].first().unwrap()
    };
    with_foreign(&world, [tried]);
    for id in 1..=4 {
        assert_eq!(outcome(&world, id).await, AskedOutcome::Failed);
    }
    world.wait_until(at(31 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    for id in 1..=4 {
        let expected = if id == tried {
            AskedOutcome::Foreign
        } else {
            AskedOutcome::Open
        };
        assert_eq!(outcome(&world, id).await, expected, "{id}");
    }
}

#[tokio::test]
async fn an_only_id_that_is_refused_is_foreign_if_the_key_is_good() {
    let world = world().await;
    with_known(&world, 1000).await;
    with_foreign(&world, [7]);
    ask(&world, [7]).await;
    assert_eq!(outcome(&world, 7).await, AskedOutcome::Foreign);
}

#[tokio::test]
async fn an_only_id_that_is_refused_while_nothing_is_known_is_tried_later() {
    let world = world().await;
    with_foreign(&world, [7]);
    ask(&world, [7]).await;
    assert_eq!(calls(&world).len(), 1);
    assert_eq!(outcome(&world, 7).await, AskedOutcome::Failed);
    assert_eq!(world.only_marked().await.due_at, at(30 * MINUTE));
}

/// What a refusal would be about has to be known before the call: iMocha, which may be called once a minute, and a read that fails
/// before it is asked for this id. Another one is then asked for.
async fn after_a_read_that_failed(id: i64, search: Option<&Search>) -> World {
    let world = world_with(&[("IMOCHA_API_CALLS_PER_MINUTE", "1")]).await;
    with_foreign(&world, []);
    world.request(7..=8).await;
    world.platform().fail_next_read_of(KNOWN);
    let failed = world.worker.ask_imocha(&[id].into(), search, "r").await;
    assert!(failed.is_err());
    assert!(calls(&world).is_empty());
    ask(&world, [8]).await;
    world
}

#[tokio::test]
async fn a_read_that_fails_before_the_call_takes_neither_a_try_nor_anybodys_turn() {
    let world = after_a_read_that_failed(7, None).await;
    assert_eq!(calls(&world), [[8].into()], "it is this one's turn");
    assert_eq!(world.asked(7).await.times, 0);
}

#[tokio::test]
async fn a_read_that_fails_before_the_key_is_tried_takes_nobodys_turn() {
    let probe = Search::Probe {
        suspects: [7].into(),
    };
    let world = after_a_read_that_failed(1000, Some(&probe)).await;
    assert_eq!(calls(&world), [[8].into()], "it is this one's turn");
}

#[tokio::test]
async fn one_that_has_called_us_and_is_ours_no_more_is_foreign_and_shuts_nothing() {
    let world = world().await;
    with_known(&world, 1000).await;
    let called = step("7", shared::event::Status::Completed, at(0));
    world.record(&called).await;
    with_foreign(&world, [7]);
    ask(&world, [7]).await;
    assert_eq!(outcome(&world, 7).await, AskedOutcome::Foreign);
    ask(&world, [8]).await;
    assert_eq!(
        outcome(&world, 8).await,
        AskedOutcome::Open,
        "the API is open"
    );
}

#[tokio::test]
async fn a_key_that_is_withdrawn_during_the_search_makes_nobody_foreign() {
    let world = world().await;
    let before = with_known(&world, 1000).await;
    let withdrawn = Arc::new(AtomicBool::new(false));
    world.vendor().answers(move |call| {
        let ids = ids_in(call);
        // Once the suspect stands alone.
        if ids == [3].into() {
            withdrawn.store(true, Ordering::SeqCst);
        }
        let good = !withdrawn.load(Ordering::SeqCst) && !ids.contains(&3);
        Some(if good { queued(&ids) } else { refused() })
    });
    ask(&world, 1..=4).await;
    assert_eq!(outcome(&world, 3).await, AskedOutcome::Failed);
    let all = calls(&world).split_off(before);
    let after = all.iter().skip_while(|ids| **ids != [3].into());
    assert!(after.skip(1).all(|ids| ids.len() == 1), "{all:?}");
}

#[tokio::test]
async fn a_known_id_that_turns_out_to_be_foreign_is_forgotten_and_the_search_goes_on() {
    let world = world().await;
    with_known(&world, 1000).await;
    world.vendor().answers(|call| {
        let ids = ids_in(call);
        Some(match (ids.contains(&1000), ids.contains(&3)) {
            (true, _) => (
                401,
                json!({ "result": null, "errors": ["not found", "1000"] }),
            ),
            (_, true) => refused(),
            _ => queued(&ids),
        })
    });
    ask(&world, 1..=4).await;
    for id in [1, 2, 4] {
        assert_eq!(outcome(&world, id).await, AskedOutcome::Open);
    }
    assert_eq!(outcome(&world, 1000).await, AskedOutcome::Foreign);
    assert_eq!(outcome(&world, 3).await, AskedOutcome::Foreign);
    let known = world.table.known("imocha").await.unwrap();
    assert!(known.is_some_and(|known| known != "1000"));
}

/// What is lost anywhere on the way leaves all that is not found out yet to be done.
#[tokio::test]
async fn a_search_that_is_cut_short_anywhere_begins_anew() {
    let mut cut = 0;
    loop {
        let world = world().await;
        with_known(&world, 1000).await;
        with_foreign(&world, [2]);
        world.request(1..=2).await;
        world.platform().take_writes();
        world.platform().cut_off_after(cut);
        let begun = world.worker.ask_imocha(&(1..=2).collect(), None, "r").await;
        let mut ended = begun.is_ok();
        ended = ended && world.work_off_queue_or_fail().await;
        world.platform().mend();
        // The messages are lost with the worker.
        world.take_messages();
        for minutes in [16, 40, 80] {
            world.wait_until(at(minutes * MINUTE));
            world.worker.sweep("sweep").await.unwrap();
            world.work_off_queue().await;
        }
        assert_eq!(outcome(&world, 2).await, AskedOutcome::Foreign, "{cut}");
        assert_eq!(outcome(&world, 1).await, AskedOutcome::Open, "{cut}");
        if ended {
            return;
        }
        cut += 1;
    }
}

#[tokio::test]
async fn what_is_not_sent_is_asked_for_at_growing_distances_and_given_up() {
    let world = world_with(&[("IMOCHA_ASK_TIMES", "3")]).await;
    with_foreign(&world, []);
    ask(&world, [7]).await;
    let mut asked = vec![at(0)];
    while outcome(&world, 7).await == AskedOutcome::Open {
        let due_at = world.only_marked().await.due_at;
        world.wait_until(due_at);
        asked.push(due_at);
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
    }
    let distances: Vec<_> = (1..=3).map(answer_due).collect();
    let mut expected = vec![at(0)];
    for distance in distances {
        expected.push(expected.last().unwrap().plus(distance));
    }
    assert_eq!(asked, expected);
    assert_eq!(calls(&world).len(), 3);
    assert_eq!(outcome(&world, 7).await, AskedOutcome::Unanswered);
    assert_eq!(
        world.only_marked().await.key.sk,
        CONFIRMATION,
        "it is read instead"
    );
    let [unanswered] = world.table.unanswered().await.unwrap().try_into().unwrap();
    assert_eq!(unanswered.key.pk, "imocha#attempt#7");
    let lines = world.take_lines();
    let counted = lines.iter().filter_map(|line| line["Unanswered"].as_u64());
    assert_eq!(counted.sum::<u64>(), 1);

    // It comes after all.
    let late = step("7", Status::Completed, world.clock.now().plus(FIRST_DUE));
    world.record(&late).await;
    world.fold(&late).await;
    assert_eq!(outcome(&world, 7).await, AskedOutcome::Answered);
    assert!(world.table.unanswered().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_asked_again_goes_with_the_others_that_are_due() {
    let world = world().await;
    with_foreign(&world, []);
    for id in 1..=120 {
        ask(&world, [id]).await;
    }
    let before = calls(&world).len();
    world.wait_until(at(15 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    let mut sizes: Vec<_> = calls(&world)[before..].iter().map(BTreeSet::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [20, 100]);
}
