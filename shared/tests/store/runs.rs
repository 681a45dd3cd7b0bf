use crate::engine::*;
use shared::key::ItemKey;
use shared::store::{Counts, Run, RunOutcome, Window};
use std::collections::BTreeSet;

fn key() -> ItemKey {
    Run::key("acme", "a")
}

fn window(state: &str) -> Window {
    Window {
        state: state.into(),
        from: at(-3600),
        to: at(0),
    }
}

async fn created(engine: &Engine) -> Run {
    let windows = [window("lost"), window("found")];
    let key = key();
    let create = engine.table.create_run(&key, &windows, at(0));
    assert!(create.await.unwrap());
    run(engine).await
}

async fn run(engine: &Engine) -> Run {
    engine.table.run(&key()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_run_is_work_until_its_end_and_is_forgotten_after_a_week() {
    let engine = engine().await;
    assert_eq!(engine.table.run(&key()).await.unwrap(), None);
    let first = created(&engine).await;
    assert_eq!((first.id(), first.outcome), ("a", RunOutcome::Running));
    assert_eq!(first.left, [window("lost"), window("found")]);
    assert!(!engine.table.create_run(&key(), &[], at(1)).await.unwrap());
    assert_eq!(engine.only_due(at(60)).await.key, key());

    let counts = Counts {
        listed: 3,
        ..Counts::default()
    };
    let left = [window("lost")];
    let advance = engine.table.advance_run(&first, &left, counts, at(10));
    assert!(advance.await.unwrap());
    let second = run(&engine).await;
    assert_eq!(
        (second.step, second.counts, &second.left[..]),
        (1, counts, &left[..])
    );
    assert!(engine.due(at(60)).await.is_empty());
    assert_eq!(engine.only_due(at(310)).await.key, key());

    let end = engine
        .table
        .end_run(&second, RunOutcome::Done, None, at(20));
    assert!(end.await.unwrap());
    let ended = run(&engine).await;
    assert_eq!(
        (ended.outcome, ended.counts, ended.left),
        (RunOutcome::Done, counts, vec![])
    );
    assert_eq!(engine.table.count_marked().await.unwrap(), 0);
    let week_later = at(20).plus(WEEK).unix_seconds();
    assert_eq!(engine.expires_at(&key()).await, Some(week_later));
}

#[tokio::test]
async fn of_two_workers_at_one_step_one_makes_it() {
    let engine = engine().await;
    let run = created(&engine).await;
    let advance = || {
        engine
            .table
            .advance_run(&run, &[], Counts::default(), at(10))
    };
    let (one, other) = tokio::join!(advance(), advance());
    assert_ne!(one.unwrap(), other.unwrap());
    let end = engine
        .table
        .end_run(&run, RunOutcome::Failed, Some("late"), at(20));
    assert!(!end.await.unwrap(), "of an earlier step");
}

#[tokio::test]
async fn what_a_run_has_asked_for_is_told_for_all_its_steps_and_no_other_run() {
    let engine = engine().await;
    let run = created(&engine).await;
    let note = async |step: u64, ids: &[i64]| {
        let run = Run {
            step,
            ..run.clone()
        };
        let ids: BTreeSet<i64> = ids.iter().copied().collect();
        let note = engine.table.note_asked_by_run(&run, &ids, at(0));
        note.await.unwrap();
    };
    note(1, &[7, 8]).await;
    note(2, &[9]).await;
    note(2, &[9]).await;
    let asked = engine.table.asked_by_run(&key()).await.unwrap();
    assert_eq!(asked, [7, 8, 9].into());
    let other = Run::key("acme", "b");
    assert!(engine.table.asked_by_run(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_is_as_old_as_the_step_that_is_not_made() {
    let engine = engine().await;
    let run = created(&engine).await;
    let began = engine.only_due(at(100_000)).await.due_since;
    let counts = Counts::default();
    assert!(
        engine
            .table
            .advance_run(&run, &[], counts, at(5000))
            .await
            .unwrap()
    );
    let advanced = engine.only_due(at(100_000)).await;
    assert_eq!(advanced.due_since, advanced.due_at);
    assert!(advanced.due_since > began.plus(std::time::Duration::from_hours(1)));
}
