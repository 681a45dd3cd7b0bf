//! What waits for a vendor: due later, by a message that is held back, and never tried too often for it.

use crate::platform::HeldBack;
use crate::world::*;
use serde_json::{Value, json};
use shared::key::ItemKey;
use shared::limits::{Limiter, Outcome};
use shared::store::{AskedOutcome, FIRST_DUE, ReportOutcome};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;
use worker::sweep::MOST_TRIES;
use worker::vendors::limits::Limits;

const RATE: &str = "IMOCHA_API_CALLS_PER_MINUTE";

fn message(id: i64) -> Value {
    json!({ "version": 1, "job": "ask_imocha", "ids": [id], "correlation_id": "r" })
}

async fn handle_one(world: &World, body: &Value) {
    assert_eq!(world.handle(vec![Some(body.to_string())]).await, [""; 0]);
}

/// iMocha, which promises whatever it is asked for.
fn promising(world: &World) {
    world.vendor().answers(|call| {
        let ids = json!({ "successful": call.body["testinvitationIds"], "failed": [] });
        let result = json!({ "testinvitationIds": ids });
        Some((200, json!({ "result": result, "errors": null })))
    });
}

/// What another worker sees of iMocha.
fn others(world: &World) -> Limits {
    let limiter = Limiter::per_minute(NonZeroU32::new(60).unwrap());
    Limits::new("imocha", limiter, world.table.clone(), world.clock.clone())
}

#[tokio::test]
async fn who_must_wait_is_due_later_and_its_message_comes_again() {
    let world = world_with(&[(RATE, "6")]).await;
    promising(&world);
    world.request([1, 2]).await;
    handle_one(&world, &message(1)).await;
    handle_one(&world, &message(2)).await;
    assert_eq!(world.vendor().asked().len(), 1);
    let [HeldBack { seconds, body }] = world.platform().take_held_back().try_into().unwrap();
    assert_eq!((seconds, &body), (11, &message(2)));
    // Nothing is noted as asked that is not asked.
    let asked = world.asked(2).await;
    assert_eq!((asked.outcome, asked.times), (AskedOutcome::Requested, 0));
    let marked = world.marked().await;
    let waits = &marked[0];
    assert!(waits.due_at > at(10).plus(FIRST_DUE) && waits.due_at <= at(11).plus(FIRST_DUE));
    assert_eq!(waits.tries, 0);

    world.wait_until(at(seconds));
    handle_one(&world, &body).await;
    assert_eq!(world.vendor().asked().len(), 2);
    assert_eq!(world.asked(2).await.outcome, AskedOutcome::Open);
}

#[tokio::test]
async fn a_message_that_the_queue_does_not_take_costs_a_minute() {
    let world = world_with(&[(RATE, "6")]).await;
    promising(&world);
    world.request([1, 2]).await;
    handle_one(&world, &message(1)).await;
    world.platform().take_queue_down();
    handle_one(&world, &message(2)).await;
    world.platform().mend();
    world.wait_until(world.marked().await[0].due_at);
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(world.asked(2).await.outcome, AskedOutcome::Open);
}

/// A report of attempt 1 whose link is answered so, and its message; iMocha was called just now, and may not be again for ten seconds.
async fn report_with_no_turn(status: u16) -> (World, ItemKey, Value) {
    let world = world_with(&[(RATE, "6")]).await;
    promising(&world);
    world.request([9]).await;
    handle_one(&world, &message(9)).await;
    world.vendor().will_serve(status, "");
    let key = offer(&world.table, "imocha", "1", &link(&world.pdf("1"))).await;
    let message = json!({
        "version": 1, "job": "fetch_report", "pk": key.pk, "sk": key.sk, "correlation_id": "r",
    });
    (world, key, message)
}

#[tokio::test]
async fn a_dead_link_is_followed_once_however_long_the_api_has_no_turn() {
    let (world, key, message) = report_with_no_turn(404).await;
    for _ in 0..3 {
        handle_one(&world, &message).await;
        let [held_back] = world.platform().take_held_back().try_into().unwrap();
        assert_eq!(held_back.body, message);
    }
    assert_eq!(world.vendor().fetched().len(), 1);
    assert_eq!(world.vendor().asked().len(), 1);

    world.wait_until(at(60));
    let made_anew = json!({ "testInvitationId": 1, "pdfReportUrl": world.pdf("2") });
    world
        .vendor()
        .answers(move |_| Some((200, made_anew.clone())));
    handle_one(&world, &message).await;
    assert_eq!(world.report(&key).await.outcome, ReportOutcome::Stored);
    assert_eq!(world.vendor().fetched().len(), 2);
}

#[tokio::test]
async fn who_cannot_be_reached_by_a_link_is_not_called_again_at_each_turn() {
    let (world, key, message) = report_with_no_turn(503).await;
    handle_one(&world, &message).await;
    assert!(world.platform().take_held_back().is_empty());
    let report = world.report(&key).await;
    assert!(report.due_at.unwrap() >= at(MINUTE), "{report:?}");
    assert!(report.problem.unwrap().contains("the event's link"));
}

#[tokio::test]
async fn what_waits_for_longer_than_a_message_can_is_left_to_the_sweep() {
    let world = world().await;
    promising(&world);
    world.request([1]).await;
    others(&world).note(Outcome::KeyRefused, at(0)).await;
    handle_one(&world, &message(1)).await;
    assert!(world.platform().take_held_back().is_empty());
    assert!(world.vendor().asked().is_empty());
    assert_eq!(world.only_marked().await.due_at, at(30 * MINUTE));
    world.wait_until(at(30 * MINUTE));
    world.worker.sweep("sweep").await.unwrap();
    world.work_off_queue().await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Open);
}

#[tokio::test]
async fn waiting_is_no_try_however_often() {
    let world = world().await;
    world.request([1]).await;
    world.wait_until(at(0).plus(FIRST_DUE));
    let others = others(&world);
    for _ in 0..=MOST_TRIES {
        world.wait_until(world.only_marked().await.due_at);
        others.note(Outcome::KeyRefused, at(0)).await;
        world.worker.sweep("sweep").await.unwrap();
        world.work_off_queue().await;
        assert_eq!(world.only_marked().await.tries, 0);
    }
    assert!(world.table.parked().await.unwrap().is_empty());
    assert!(world.vendor().asked().is_empty());
}

#[tokio::test]
async fn a_key_that_is_refused_stops_all_calls_until_another_is_tried() {
    let world = world().await;
    for id in 1..=5 {
        let report = shared::event::Report::OnRequest;
        let key = offer(&world.table, "xobin", &id.to_string(), &report).await;
        if id == 1 {
            world.vendor().will_answer(401, "{}");
        }
        let body = json!({
            "version": 1, "job": "fetch_report", "pk": key.pk, "sk": key.sk, "correlation_id": "r",
        });
        handle_one(&world, &body).await;
    }
    assert_eq!(world.vendor().asked().len(), 1);
    assert!(world.marked().await.iter().all(|it| it.tries == 0));
}

/// Three workers, their queue, and the sweep of each minute.
struct Bustle {
    world: World,
    workers: Vec<Arc<Worker>>,
    messages: BinaryHeap<Reverse<(i64, usize, String)>>,
    sent: usize,
    next_sweep: i64,
}

impl Bustle {
    async fn of(world: World) -> Self {
        let mut workers = vec![Arc::clone(&world.worker)];
        for _ in 0..2 {
            workers.push(Arc::new(world.colleague().await));
        }
        Self {
            world,
            workers,
            messages: BinaryHeap::new(),
            sent: 0,
            next_sweep: 60_000,
        }
    }

    fn send(&mut self, body: &Value, when: i64) {
        // Messages come when they come.
        let late = 20 + i64::try_from(self.sent * 97 % 280).unwrap();
        let message = (when + late, self.sent, body.to_string());
        self.messages.push(Reverse(message));
        self.sent += 1;
    }

    async fn until(&mut self, end: i64) {
        loop {
            let next = self.messages.peek().map_or(i64::MAX, |it| it.0.0);
            let now = next.min(self.next_sweep);
            if now >= end {
                return;
            }
            self.world.wait_until(after(now));
            if next <= self.next_sweep {
                let Reverse((_, number, body)) = self.messages.pop().unwrap();
                let worker = &self.workers[number % self.workers.len()];
                assert_eq!(
                    handle(worker, Duration::from_secs(30), vec![Some(body)]).await,
                    [""; 0]
                );
            } else {
                self.next_sweep += 60_000;
                self.world.worker.sweep("sweep").await.unwrap();
            }
            for body in self.world.take_messages() {
                self.send(&body, now);
            }
            for HeldBack { seconds, body } in self.world.platform().take_held_back() {
                self.send(&body, now + seconds * 1000);
            }
        }
    }
}

fn after(milliseconds: i64) -> shared::timestamp::Timestamp {
    at(0).plus(Duration::from_millis(u64::try_from(milliseconds).unwrap()))
}

#[tokio::test]
async fn five_minutes_of_outage_lose_nothing_park_nothing_and_are_over_at_once() {
    const IDS: i64 = 150;
    const DOWN: std::ops::Range<i64> = 60_000..360_000;
    let world = world_with(&[(RATE, "30")]).await;
    let (calls, clock) = (
        Arc::new(std::sync::Mutex::new(Vec::new())),
        world.clock.clone(),
    );
    let noted = Arc::clone(&calls);
    world.vendor().answers(move |call| {
        let now = clock.now().unix_ms() - at(0).unix_ms();
        let ids = call.body["testinvitationIds"].clone();
        noted.lock().unwrap().push((now, ids.clone()));
        if DOWN.contains(&now) {
            return Some((503, json!({ "message": "down" })));
        }
        let ids = json!({ "successful": ids, "failed": [] });
        let result = json!({ "testinvitationIds": ids });
        Some((200, json!({ "result": result, "errors": null })))
    });
    world.request(1..=IDS).await;
    let mut bustle = Bustle::of(world).await;
    (1..=IDS).for_each(|id| bustle.send(&message(id), 0));
    bustle.until(480_000).await;

    let calls = calls.lock().unwrap().clone();
    let between = |from: i64, to: i64| calls.iter().filter(move |it| (from..to).contains(&it.0));
    for (start, _) in &calls {
        assert!(between(*start, start + 60_000).count() <= 30);
    }
    // Three failures until it is noticed, a probe each ten seconds from then on.
    let down: Vec<i64> = between(DOWN.start, DOWN.end).map(|it| it.0).collect();
    let (noticing, probes) = down.split_at(3);
    assert!(noticing[2] < DOWN.start + 15_000, "{down:?}");
    assert!(probes.windows(2).all(|two| two[1] - two[0] >= 10_000));
    assert!(probes.len() >= 20, "{}", probes.len());
    // Within half a minute all is as before.
    let from = DOWN.end + 30_000;
    let back = between(from, from + 60_000).count();
    assert!(back >= 27, "{back}");

    let world = &bustle.world;
    assert!(world.table.parked().await.unwrap().is_empty());
    let marked = world.marked().await;
    assert_eq!(
        marked.len(),
        usize::try_from(IDS).unwrap(),
        "nothing is lost"
    );
    assert!(marked.iter().all(|it| it.tries <= 5));
    // Each id was promised as often as it says, and what was not promised is still wanted.
    let mut promised: BTreeMap<i64, u64> = BTreeMap::new();
    let answered = calls.iter().filter(|it| !DOWN.contains(&it.0));
    for id in answered.flat_map(|it| it.1.as_array().unwrap()) {
        *promised.entry(id.as_i64().unwrap()).or_default() += 1;
    }
    assert!(promised.values().all(|times| *times == 1), "{promised:?}");
    for id in 1..=IDS {
        let times = promised.get(&id).copied().unwrap_or_default();
        assert_eq!(world.asked(id).await.times, times, "{id}");
    }
}

/// When each call of iMocha came, for which ids, and whether it was borne.
type Borne = Vec<(i64, Value, bool)>;

#[tokio::test]
async fn a_limit_that_falls_in_mid_run_refuses_little_loses_nothing_and_parks_nothing() {
    const IDS: i64 = 150;
    const FALLS_AT: i64 = 120_000;
    const FOUND_BY: i64 = FALLS_AT + 60_000;
    const END: i64 = 780_000;
    let world = world_with(&[(RATE, "20")]).await;
    let (calls, clock) = (
        Arc::new(std::sync::Mutex::new(Borne::new())),
        world.clock.clone(),
    );
    let noted = Arc::clone(&calls);
    // Twenty in any minute, which is what is configured; and then half of it, without a word about for how long.
    world.vendor().answers(move |call| {
        let now = clock.now().unix_ms() - at(0).unix_ms();
        let ids = call.body["testinvitationIds"].clone();
        let mut calls = noted.lock().unwrap();
        let most = if now < FALLS_AT { 20 } else { 10 };
        let last = calls.iter().filter(|it| it.2 && it.0 > now - 60_000);
        let bears = last.count() < most;
        calls.push((now, ids.clone(), bears));
        if !bears {
            return Some((429, json!({ "message": "too many" })));
        }
        let ids = json!({ "successful": ids, "failed": [] });
        let result = json!({ "testinvitationIds": ids });
        Some((200, json!({ "result": result, "errors": null })))
    });
    world.request(1..=IDS).await;
    let mut bustle = Bustle::of(world).await;
    (1..=IDS).for_each(|id| bustle.send(&message(id), 0));
    bustle.until(END).await;

    let calls = calls.lock().unwrap().clone();
    let of = |from: i64, to: i64| calls.iter().filter(move |it| (from..to).contains(&it.0));
    assert!(of(0, FALLS_AT).all(|it| it.2), "all is borne until then");
    assert!(of(0, FALLS_AT).count() >= 38);
    let later = of(FOUND_BY, END).count();
    let refused = of(FOUND_BY, END).filter(|it| !it.2).count();
    assert!(refused * 50 <= later, "{refused} of {later}");
    // Ten minutes of ten at most; and it is not called at a crawl instead.
    assert!(later >= 60, "{later}");

    let world = &bustle.world;
    assert!(world.table.parked().await.unwrap().is_empty());
    let marked = world.marked().await;
    assert_eq!(
        marked.len(),
        usize::try_from(IDS).unwrap(),
        "nothing is lost"
    );
    assert!(marked.iter().all(|it| it.tries <= 5));
    // Nothing that was refused counts as asked for, and nothing is asked for twice within its time.
    let borne = calls.iter().filter(|it| it.2);
    let borne = borne.flat_map(|it| it.1.as_array().unwrap());
    let mut times: BTreeMap<i64, u64> = BTreeMap::new();
    for id in borne {
        *times.entry(id.as_i64().unwrap()).or_default() += 1;
    }
    for id in 1..=IDS {
        let expected = times.get(&id).copied().unwrap_or_default();
        assert!(expected <= 1);
        assert_eq!(world.asked(id).await.times, expected, "{id}");
    }
}
