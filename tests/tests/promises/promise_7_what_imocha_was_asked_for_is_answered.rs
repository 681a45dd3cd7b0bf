//! Each id that iMocha was to send again is answered by a callback, foreign, or listed as asked for in vain: wherever the worker
//! dies, whatever becomes of the call and of its answer, and for however long iMocha is down.

#[path = "promise_7/asking.rs"]
mod asking;

use crate::meeting::work;
use asking::Asking;
use futures_util::future::join_all;
use http::StatusCode;
use local::faults::{Call, ErrorAnswer, Fault, VendorCall};
use shared::store::AskedOutcome;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use worker::job::{Job, Message};

/// How often an id is asked for in the tests in which none is given up.
const TIMES: u8 = 5;
/// Longer than a callback takes.
const LATE: Duration = Duration::from_millis(1500);
/// For how many minutes iMocha is down.
const MINUTES: usize = 10;

fn asks(call: &VendorCall) -> bool {
    call.path == "/v3/callbacks/process"
}

/// Whether it notes that this is asked for.
fn notes_asking(call: &Call) -> bool {
    let text = String::from_utf8_lossy(&call.body);
    call.operation == "UpdateItem" && text.contains("asked_at <= :latest")
}

/// Whether it notes what iMocha said.
fn notes_the_answer(call: &Call) -> bool {
    let text = String::from_utf8_lossy(&call.body);
    call.operation == "UpdateItem" && text.contains("outcome <> :unanswered")
}

fn status(status: StatusCode) -> ErrorAnswer {
    ErrorAnswer {
        status,
        kind: "OnPurpose".to_owned(),
        message: "on purpose".to_owned(),
    }
}

/// What breaks, and how often.
enum Trouble {
    /// The call of iMocha.
    Asking(Fault, usize),
    /// A call of the table.
    Table(fn(&Call) -> bool, Fault),
}

impl Trouble {
    /// Breaks it. What comes back tells how often it was met.
    fn begin(self, asking: &Asking) -> Arc<AtomicUsize> {
        let met = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&met);
        match self {
            Self::Asking(fault, times) => asking.breaker.set_of_vendors(move |call| {
                if asks(call) && count.fetch_add(1, Ordering::SeqCst) < times {
                    return fault.clone();
                }
                Fault::None
            }),
            Self::Table(names, fault) => asking.breaker.set(move |call| {
                if call.function.is_some()
                    && names(call)
                    && count.fetch_add(1, Ordering::SeqCst) == 0
                {
                    return fault.clone();
                }
                Fault::None
            }),
        }
        met
    }
}

/// What breaks, and how often iMocha sees each id at most: once, if the callback came after the first time that it did.
fn troubles() -> Vec<(&'static str, Trouble, usize)> {
    let busy = status(StatusCode::TOO_MANY_REQUESTS);
    let down = status(StatusCode::SERVICE_UNAVAILABLE);
    let asking = |fault, times| Trouble::Asking(fault, times);
    vec![
        (
            "dies before it is noted",
            Trouble::Table(notes_asking, Fault::KillBefore),
            1,
        ),
        (
            "dies once it is noted",
            Trouble::Table(notes_asking, Fault::KillAfter),
            1,
        ),
        (
            "the note's answer is lost",
            Trouble::Table(notes_asking, Fault::DisconnectAfter),
            1,
        ),
        ("dies before the call", asking(Fault::KillBefore, 1), 1),
        ("dies in the call", asking(Fault::KillAfter, 1), 1),
        (
            "dies before the answer is noted",
            Trouble::Table(notes_the_answer, Fault::KillBefore),
            1,
        ),
        (
            "dies once the answer is noted",
            Trouble::Table(notes_the_answer, Fault::KillAfter),
            1,
        ),
        ("the call is lost", asking(Fault::Disconnect, 1), 1),
        ("the answer is lost", asking(Fault::DisconnectAfter, 1), 1),
        (
            "the callback overtakes the answer",
            asking(Fault::DelayAfter(LATE), 1),
            1,
        ),
        (
            "an error after the effect",
            asking(Fault::AnswerAfter(down.clone()), 1),
            1,
        ),
        ("too many requests", asking(Fault::Answer(busy), 3), 1),
        ("in trouble", asking(Fault::Answer(down), 2), 1),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_call_each_id_is_answered_and_none_is_asked_for_needlessly() {
    let asking = Asking::start(TIMES).await;
    for ((what, trouble, most), first) in troubles().into_iter().zip((1000..).step_by(10)) {
        let ids = [first, first + 1, first + 2];
        asking.has(ids);
        let met = trouble.begin(&asking);
        asking.reprocess(&ids).await;
        asking.settle(&ids).await;
        assert!(met.load(Ordering::SeqCst) > 0, "{what}: it never happened");
        asking.breaker.mend();
        asking.assert_answered(&ids, what).await;
        for id in ids {
            assert!((1..=most).contains(&asking.times(id)), "{what}: {id}");
        }
    }
    asking.assert_nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imocha_that_is_down_for_minutes_answers_once_it_is_back() {
    let asking = Asking::start(TIMES).await;
    let ids: Vec<i64> = (1..=30).collect();
    asking.has(ids.iter().copied());
    let refuses = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&refuses);
    asking.breaker.set_of_vendors(move |call| {
        match (asks(call), now.fetch_not(Ordering::SeqCst)) {
            (true, true) => Fault::Answer(status(StatusCode::BAD_GATEWAY)),
            (true, false) => Fault::Disconnect,
            _ => Fault::None,
        }
    });
    asking.reprocess(&ids).await;
    for _ in 0..MINUTES {
        asking.until_quiet().await;
        asking.let_time_pass(&ids).await;
    }
    asking.until_quiet().await;
    assert!(asking.outcomes(&ids).await.values().all(|it| it.waits()));
    assert_eq!(
        asking.everybody.vendors.imocha.calls().len(),
        0,
        "nobody got through"
    );
    asking.breaker.mend();
    asking.settle(&ids).await;
    asking.assert_answered(&ids, "iMocha was down").await;
    asking.assert_nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_with_a_foreign_one_all_others_are_answered_whether_it_is_named_or_not() {
    let asking = Asking::start(TIMES).await;
    for (hidden, first) in [(false, 100), (true, 200)] {
        if hidden {
            asking.everybody.vendors.imocha.hide_foreign();
        }
        let (ids, foreign): (Vec<i64>, i64) = ((first..first + 50).collect(), first + 17);
        asking.has(ids.iter().copied().filter(|id| *id != foreign));
        asking.reprocess(&ids).await;
        asking.settle(&ids).await;
        let outcomes = asking.outcomes(&ids).await;
        assert_eq!(outcomes[&foreign], AskedOutcome::Foreign);
        let others: Vec<i64> = ids.into_iter().filter(|id| *id != foreign).collect();
        asking
            .assert_answered(&others, "beside a foreign one")
            .await;
    }
    asking.assert_nothing_is_parked().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_to_several_workers_at_once_asks_for_each_id_once() {
    let asking = Asking::start(TIMES).await;
    let ids: Vec<i64> = (1..=20).collect();
    asking.has(ids.iter().copied());
    for id in &ids {
        let (stage, id) = (asking.stage(), id.to_string());
        let request = stage.table.request_again("imocha", &id, stage.clock.now());
        request.await.unwrap();
    }
    let jobs = Job::ask_imocha(ids.iter().copied());
    let [job] = jobs.try_into().unwrap();
    let message = Message {
        job,
        correlation_id: "twice".into(),
    };
    let message = message.body();
    for _ in 0..3 {
        asking.stage().send(&message).await;
    }
    let at_once = (0..2).map(|_| work(asking.stage(), &message));
    assert_eq!(join_all(at_once).await, [true, true]);
    asking.settle(&ids).await;
    asking.assert_answered(&ids, "five messages").await;
    for id in ids {
        assert_eq!(asking.times(id), 1, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_imocha_promises_and_never_sends_is_listed_and_the_rest_is_answered() {
    const SILENT: [i64; 3] = [3, 8, 15];
    let asking = Asking::start(2).await;
    let ids: Vec<i64> = (1..=20).collect();
    asking.has(ids.iter().copied());
    for id in SILENT {
        asking.everybody.vendors.imocha.keep_silent(id);
    }
    // And one that fails there the first time.
    asking.everybody.vendors.imocha.fail(5, 1);
    asking.reprocess(&ids).await;
    asking.settle(&ids).await;
    let mut listed = asking.listed().await;
    listed.sort_unstable();
    assert_eq!(listed, SILENT);
    let answered: Vec<i64> = ids
        .iter()
        .copied()
        .filter(|id| !SILENT.contains(id))
        .collect();
    asking
        .assert_answered(&answered, "beside silent ones")
        .await;
    let times: BTreeMap<i64, usize> = ids.iter().map(|id| (*id, asking.times(*id))).collect();
    for (id, times) in times {
        let expected = if SILENT.contains(&id) || id == 5 {
            2
        } else {
            1
        };
        assert_eq!(times, expected, "{id}");
    }
    asking.assert_nothing_is_parked().await;
}
