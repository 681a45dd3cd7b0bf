//! What comes of somebody who is erased: whichever way it comes, nothing is made of it and nothing of it is kept.

use crate::erasing_bodies::large;
use crate::vendor::Asked as Call;
use crate::world::*;
use serde_json::{Value, json};
use shared::attempt::State;
use shared::erasure::Person;
use shared::event::{Candidate, Event, Kind, Status};
use shared::key::{CONFIRMATION, ItemKey, STATE, attempt_partition};
use shared::person::HashKey;
use shared::secrets::SecretText;
use shared::store::{
    AskedOutcome, AttemptName, ConfirmationOutcome, Delivery, Origin, Run, StoredEvent,
    TIME_TO_LIVE, Table,
};
use shared::timestamp::Timestamp;
use std::time::Duration;
use worker::job::Reconcile;
use worker::reconcile::windows;

pub const ADA: &str = "ada@example.com";
pub const EVE: &str = "eve@example.com";
const HOUR: Duration = Duration::from_hours(1);

fn people() -> HashKey {
    SecretText::from("k".to_owned()).into()
}

pub fn ada() -> Person {
    Person::by_email(ADA, &people()).unwrap()
}

fn event_of(attempt: &str, email: &str) -> Event {
    Event {
        candidate: Some(Candidate {
            email: Some(email.to_uppercase()),
            ..Candidate::default()
        }),
        ..Event::of_attempt(attempt.into(), Some(Status::Completed), None)
    }
}

pub fn of(attempt: &str, email: &str, received: Timestamp) -> Delivery {
    delivery("imocha", event_of(attempt, email), received)
}

/// As `hooks erase` has it after its first step.
pub async fn bury_ada(table: &Table) {
    table.bury(ada().key(), at(0)).await.unwrap();
}

/// As `hooks erase` does it with an attempt.
pub async fn erase_attempt(table: &Table, attempt: &str) {
    let pk = attempt_partition("imocha", attempt);
    let partition = table.partition(&pk).await.unwrap();
    let name = AttemptName::of(&pk, &partition).unwrap();
    let by = ada();
    table.begin_erasing(&name, by.key(), at(0)).await.unwrap();
    table.stop_reports(&pk).await.unwrap();
    table.erase_partition(&pk, at(0)).await.unwrap();
    table.end_erasing(&pk).await.unwrap();
}

/// Came, folded, and what follows is done.
pub async fn come(world: &World, delivery: &Delivery) {
    world.record(delivery).await;
    world.fold(delivery).await;
    world.work_off_queue().await;
}

pub fn assert_erased(event: &StoredEvent) {
    assert_eq!(event.summary.kind, Kind::Erased);
    assert!(event.event == shared::erasure::erased(&event.event));
    assert!(!event.marked && event.erased_at.is_some());
}

pub async fn found(world: &World) -> bool {
    !world.table.traces(&ada()).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_late_webhook_of_an_attempt_that_was_erased_is_counted_and_says_nothing() {
    let world = world_without_keys().await;
    come(&world, &of("1", ADA, at(0))).await;
    erase_attempt(&world.table, "1").await;
    world.publish_attempt_of(&state_key("imocha", "1")).await;
    world.wait_until(at(60));
    // It does not say whose it is.
    let late = step("1", Status::Terminated, at(60));
    world.take_changes();
    let before = world.state(&late).await;
    for deliveries in 1..=2 {
        world.record(&again(&late, at(60 + deliveries))).await;
        world.fold(&late).await;
        let event = world.event(&late).await;
        assert_erased(&event);
        assert_eq!(i64::try_from(event.summary.deliveries), Ok(deliveries));
        assert_eq!(event.summary.attempt.as_deref(), Some("1"));
    }
    assert_eq!(world.state(&late).await, before);
    assert_eq!(world.take_messages(), [] as [Value; 0]);
}

#[tokio::test]
async fn an_attempt_of_somebody_who_is_erased_is_erased_when_it_is_first_heard_of() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let late = of("1", ADA, at(0));
    come(&world, &late).await;
    assert_erased(&world.event(&late).await);
    let state = world.state(&late).await;
    assert!(state.erased_at.is_some() && state.is_published());
    assert!(!found(&world).await);
    // Nor does what follows it, and does not name her.
    let nameless = step("1", Status::Terminated, at(1));
    come(&world, &nameless).await;
    assert_erased(&world.event(&nameless).await);
    assert_eq!(world.take_changes(), [] as [Value; 0]);
    assert!(world.nothing_is_left_to_do().await);
    assert!(world.vendor().asked().is_empty());

    let other = of("2", EVE, at(0));
    come(&world, &other).await;
    let state = world.state(&other).await;
    assert_eq!(state.state.status.unwrap().0, Status::Completed);
    assert_eq!(world.take_changes().len(), 1);
}

#[tokio::test]
async fn who_is_let_back_in_is_kept_again_and_what_was_erased_stays_so() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let (early, late) = (of("1", ADA, at(0)), of("2", ADA, at(10)));
    come(&world, &early).await;
    assert!(world.table.unbury(ada().key()).await.unwrap());
    come(&world, &late).await;
    come(&world, &step("1", Status::Terminated, at(20))).await;
    assert_erased(&world.event(&early).await);
    assert!(world.state(&early).await.state.status.is_none());
    assert!(world.state(&late).await.state.status.is_some());
}

#[tokio::test]
async fn an_event_of_the_person_among_somebody_elses_is_erased_alone() {
    let world = world_without_keys().await;
    let (hers, theirs) = (of("1", ADA, at(10)), of("1", EVE, at(0)));
    come(&world, &theirs).await;
    bury_ada(&world.table).await;
    come(&world, &hers).await;
    assert_erased(&world.event(&hers).await);
    let state = world.state(&hers).await;
    let email = state.state.candidate.unwrap().email.unwrap();
    assert_eq!((email, state.erased_at), (EVE.to_uppercase(), None));
    assert_eq!(
        world.event(&theirs).await.event.kind,
        Kind::Attempt(Status::Completed)
    );
}

#[tokio::test]
async fn an_attempt_that_said_nobodys_name_is_erased_once_it_says_whose_it_is() {
    for folded_before in [true, false] {
        let world = world_without_keys().await;
        bury_ada(&world.table).await;
        let (nameless, named) = (step("1", Status::InProgress, at(0)), of("1", ADA, at(1)));
        world.record(&nameless).await;
        if folded_before {
            world.fold(&nameless).await;
            world.work_off_queue().await;
            assert_eq!(world.take_changes().len(), 1);
        }
        come(&world, &named).await;
        for delivery in [&nameless, &named] {
            assert_erased(&world.event(delivery).await);
        }
        let state = world.state(&named).await;
        assert!(state.state == State::default() && state.erased_at.is_some());
        let told = world.take_changes();
        assert_eq!(told.len(), usize::from(folded_before), "who was told");
        assert!(told.iter().all(|it| it["data"]["erased"] == true));
        assert!(world.nothing_is_left_to_do().await);
        assert!(!found(&world).await);
    }
}

#[tokio::test]
async fn reports_of_somebody_who_turns_out_to_be_erased_are_left_to_the_next_hooks_erase() {
    for kept in [true, false] {
        let world = world_without_keys().await;
        bury_ada(&world.table).await;
        let link = world.pdf("1.pdf");
        let nameless = completed_with("1", &link, at(0));
        world.record(&nameless).await;
        world.fold(&nameless).await;
        if kept {
            world.work_off_queue().await;
        }
        come(&world, &of("1", ADA, at(1))).await;
        assert_erased(&world.event(&nameless).await);
        assert!(world.nothing_is_left_to_do().await, "no report is fetched");
        let traces = world.table.traces(&ada()).await.unwrap();
        assert_eq!(traces.attempts, [nameless.key.pk.clone()].into());
        erase_attempt(&world.table, "1").await;
        assert!(!found(&world).await);
        assert!(world.partition(&nameless).await.reports.is_empty());
    }
}

#[tokio::test]
async fn a_state_that_is_written_while_its_attempt_is_erased_is_erased_as_well() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let named = of("1", ADA, at(1));
    world.record(&named).await;
    // A fold that had not read the event that names her.
    let table = world.table.clone();
    let fold = async move {
        offer(
            &table,
            "imocha",
            "1",
            &link("https://reports.example.com/1"),
        )
        .await;
    };
    world.aws_platform().before_write_of(STATE, fold);
    world.fold(&named).await;
    assert_erased(&world.event(&named).await);
    assert!(world.state(&named).await.erased_at.is_some());
    assert!(world.marked_reports().await.is_empty());
    assert!(found(&world).await, "`hooks erase` is to find its report");
}

#[tokio::test]
async fn who_is_erased_by_an_address_is_known_by_the_id_that_stands_beside_it() {
    let id = |event: Event, id: &str| {
        let mut event = event;
        event.candidate.get_or_insert_default().external_id = Some(id.into());
        event
    };
    for (other, is_hers) in [("7", true), ("8", false)] {
        let world = world_without_keys().await;
        let by_id = Event::of_attempt("1".into(), Some(Status::InProgress), None);
        let first = delivery("imocha", id(by_id, other), at(0));
        come(&world, &first).await;
        bury_ada(&world.table).await;
        let named = delivery("imocha", id(event_of("1", ADA), "7"), at(1));
        come(&world, &named).await;
        assert_erased(&world.event(&named).await);
        assert_eq!(world.state(&first).await.erased_at.is_some(), is_hers);
        let kind = world.event(&first).await.event.kind;
        assert_eq!(kind == Kind::Erased, is_hers, "{other}");
    }
}

#[tokio::test]
async fn that_an_attempt_was_erased_is_published_with_nothing_of_it_and_never_forgotten() {
    let world = world_with(&[
        ("RETENTION_DAYS", "1"),
        ("PUBLISHED_PERSONAL_FIELDS", "email"),
    ])
    .await;
    world.switch_apis_off();
    let came = of("1", ADA, at(0));
    come(&world, &came).await;
    let told = world.take_changes().pop().unwrap();
    assert_eq!(told["data"]["candidate"]["email"], ADA.to_uppercase());
    erase_attempt(&world.table, "1").await;
    world.publish_attempt_of(&came.key).await;
    let [told] = world.take_changes().try_into().unwrap();
    let version = world.state(&came).await.version;
    let expected =
        json!({ "source": "imocha", "attempt": "1", "version": version, "erased": true });
    assert_eq!(told["data"], expected);
    assert_eq!(told["type"], "assessment-webhooks.attempt.changed");
    world.publish_attempt_of(&came.key).await;
    assert_eq!(world.take_changes(), [] as [Value; 0], "once");
    world.record(&again(&came, at(10))).await;
    world.fold(&came).await;
    let item = world.item(&state_key("imocha", "1")).await;
    assert!(!item.contains_key(TIME_TO_LIVE));
    let item = world.item(&came.key).await;
    assert!(
        item.contains_key(TIME_TO_LIVE),
        "an event goes as others do"
    );
}

#[tokio::test]
async fn a_message_about_what_was_erased_is_done_and_about_what_is_missing_fails() {
    let world = world_without_keys().await;
    come(&world, &of("1", ADA, at(0))).await;
    erase_attempt(&world.table, "1").await;
    let messages = |attempt: &str| {
        let pk = attempt_partition("imocha", attempt);
        let of_item = |job: &str, sk: &str| {
            json!({ "version": 1, "job": job, "pk": pk, "sk": sk }).to_string()
        };
        vec![
            Some(of_item("fetch_report", "report#1")),
            Some(of_item("read_result", CONFIRMATION)),
            Some(of_item("fold", "event#none")),
        ]
    };
    assert_eq!(world.handle(messages("1")).await, [] as [&str; 0]);
    assert_eq!(world.handle(messages("2")).await, ["m0", "m1", "m2"]);
    assert!(world.vendor().asked().is_empty(), "no vendor is asked");
}

#[tokio::test]
async fn what_an_api_says_of_an_attempt_that_is_erased_meanwhile_is_not_kept() {
    let world = world().await;
    let came = of("7", ADA, at(0));
    world.record(&came).await;
    world.fold(&came).await;
    world.take_messages();
    let report = json!({ "testInvitationId": 7, "status": "Complete", "candidateEmail": ADA });
    world.vendor().will_answer(200, &report);
    let (table, platform) = (world.table.clone(), world.aws_platform());
    // The answer is there, and is about to be stored.
    platform.before_write_of("event#", async move { erase_attempt(&table, "7").await });
    let key = ItemKey::of_attempt("imocha", "7", CONFIRMATION);
    world.worker.read_result(&key, "r").await.unwrap();
    let events = world.partition(&came).await.events;
    assert!(events.iter().any(|it| it.summary.origin == Origin::Api));
    world.work_off_queue().await;
    world.worker.sweep("s").await.unwrap();
    world.work_off_queue().await;
    assert!(!found(&world).await);
    world
        .partition(&came)
        .await
        .events
        .iter()
        .for_each(assert_erased);
}

#[tokio::test]
async fn a_result_that_is_wanted_of_an_erased_attempt_is_not_asked_for_again_and_again() {
    let world = world().await;
    let came = of("7", ADA, at(0));
    world.record(&came).await;
    world.fold(&came).await;
    world.take_messages();
    erase_attempt(&world.table, "7").await;
    let key = ItemKey::of_attempt("imocha", "7", CONFIRMATION);
    let wanted = world.table.request_confirmation(&key, at(0));
    assert!(wanted.await.unwrap());
    let report = json!({ "testInvitationId": 7, "status": "Complete", "candidateEmail": ADA });
    world.vendor().will_answer(200, &report);
    world.worker.read_result(&key, "r").await.unwrap();
    let confirmation = world.table.confirmation(&key).await.unwrap().unwrap();
    assert_eq!(confirmation.outcome, ConfirmationOutcome::Unclear);
    let marked = world.marked().await;
    assert!(marked.iter().all(|it| it.key != key), "{marked:?}");
    assert!(!found(&world).await);
}

#[tokio::test]
async fn a_report_that_is_settled_while_its_attempt_is_erased_does_not_stop_that() {
    let world = world_without_keys().await;
    let report = offer(&world.table, "imocha", "1", &link(&world.pdf("1"))).await;
    let conflict = json!({ "__type": "TransactionConflictException", "message": "on purpose" });
    world.platform().refuse_next_write(conflict);
    let stopped = world.worker.table.stop_reports(&report.pk).await.unwrap();
    assert_eq!(stopped, None, "nobody is at it");
    assert_eq!(world.report(&report).await.due_at, None);
}

fn listed(call: &Call) -> Option<(u16, Value)> {
    let element =
        |id: i64, email: &str| json!({ "testInvitationId": id, "testId": 1, "email": email });
    let list = match call.path.rsplit('=').next() {
        Some("completed") => json!([
            element(1, "x@example.com"),
            element(2, ADA),
            element(3, EVE)
        ]),
        Some("cancelled") => json!([element(4, ADA), element(5, EVE)]),
        _ => json!([]),
    };
    let testattempts = call.path.contains("testattempts");
    testattempts.then(|| {
        (
            200,
            json!({ "result": { "testAttempts": list }, "errors": null }),
        )
    })
}

#[tokio::test]
async fn a_reconciliation_neither_asks_for_nor_stores_who_is_erased() {
    let world = world().await;
    come(&world, &step("1", Status::InProgress, at(-10))).await;
    erase_attempt(&world.table, "1").await;
    bury_ada(&world.table).await;
    world.take_messages();
    world.vendor().answers(listed);
    let key = Run::key("imocha", "a");
    let windows = windows(at(-3600), at(0));
    let created = world.table.create_run(&key, &windows, at(0));
    assert!(created.await.unwrap());
    let mut outcome = world.table.run(&key).await.unwrap().unwrap();
    while !outcome.left.is_empty() {
        let step = Reconcile::Step(key.clone());
        world.worker.reconcile(&step, "r").await.unwrap();
        outcome = world.table.run(&key).await.unwrap().unwrap();
    }
    assert_eq!((outcome.counts.known, outcome.counts.missing), (3, 1));
    assert_eq!(outcome.counts.cancelled, 1);
    let asked = async |id: &str| world.table.asked("imocha", id).await.unwrap();
    assert!(asked("1").await.is_none() && asked("2").await.is_none());
    assert!(asked("3").await.is_some());
    assert!(!found(&world).await);
}

#[tokio::test]
async fn what_was_asked_of_imocha_is_answered_by_what_is_erased() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    come(&world, &of("1", ADA, at(0))).await;
    world.request([1]).await;
    world.wait_until(at(60));
    come(&world, &of("1", ADA, at(60))).await;
    assert_eq!(world.asked(1).await.outcome, AskedOutcome::Answered);
    assert!(!found(&world).await);
}

#[tokio::test]
async fn a_worker_that_dies_while_it_erases_is_made_up_for_by_the_sweep() {
    let mut whole = false;
    for writes in 0.. {
        let world = world_without_keys().await;
        bury_ada(&world.table).await;
        let (late, other) = (large("1", ADA), of("1", ADA, at(1)));
        world.record(&late).await;
        world.record(&other).await;
        world.platform().cut_off_after(writes);
        whole = world.worker.fold(&late.key, "r").await.is_ok();
        world.platform().mend();
        world.wait_until(at(0).plus(HOUR));
        world.worker.sweep("s").await.unwrap();
        world.work_off_queue().await;
        assert!(!found(&world).await, "died after {writes} writes");
        for delivery in [&late, &other] {
            assert_erased(&world.event(delivery).await);
        }
        assert!(world.state(&late).await.erased_at.is_some());
        assert!(world.marked().await.is_empty());
        if whole {
            assert!(writes > 3, "{writes}");
            break;
        }
    }
    assert!(whole);
}
