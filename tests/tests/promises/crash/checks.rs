//! What has to be when all is quiet again.

mod errands;

use super::lane::Lane;
use super::scenario::Delivery;
use super::time;
pub use errands::Ran;
use serde_json::Value;
use shared::attempt::State;
use shared::fold::{Heard, fold};
use shared::key::EventId;
use shared::store::{
    ConfirmationOutcome, Origin, Partition, ReportOutcome, StoreError, StoredEvent, StoredState,
};
use shared::timestamp::Timestamp;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use tests::bucket;
use tests::inbox::Inbox;
use tests::listener::Listener;
use tests::stage::{Stage, eventually};

/// Notes what is not as it has to be.
pub async fn all(
    lane: &Lane,
    deliveries: &[Delivery],
    accepted: &[(&Delivery, EventId)],
    ran: Option<&Ran<'_>>,
    problems: &mut Vec<String>,
) {
    let stage = &lane.stage;
    for (delivery, id) in accepted {
        problems.extend(not_stored(stage, delivery, id).await);
    }
    for key in time::parked(stage).await {
        problems.push(format!("{key} is parked, and nothing is wrong any more"));
    }
    let mut listener = Listener::new();
    for event in Inbox::of_all_changes(stage).await.delivered().await {
        problems.extend(listener.hear(&event["detail"]).err());
    }
    let sent = deliveries.iter().filter_map(|it| it.partition.clone());
    let listed = ran.map(|it| it.errands.partitions()).unwrap_or_default();
    let partitions: BTreeSet<String> = sent.chain(listed).collect();
    let mut kept = Vec::new();
    for pk in &partitions {
        let partition = stage.table.partition(pk).await.unwrap();
        if !partition.events.is_empty() {
            let wrong = wrong_with(stage, &partition, &listener).await;
            problems.extend(wrong.into_iter().map(|it| format!("{pk}: {it}")));
            kept.push((pk.as_str(), partition));
        }
    }
    if let Some(ran) = ran {
        ran.check(lane, problems).await;
    }
    problems.extend(differs_from_undisturbed(lane, deliveries, ran, &kept).await);
}

/// An accepted delivery is stored with its exact bytes.
async fn not_stored(stage: &Stage, delivery: &Delivery, id: &EventId) -> Option<String> {
    let found = match &delivery.partition {
        Some(pk) => {
            let events = stage.table.partition(pk).await.unwrap().events;
            events.into_iter().find(|it| it.summary.id == *id)
        }
        None => stage.event(id).await,
    };
    let Some(event) = found else {
        return Some(format!("{id} was accepted and is not stored"));
    };
    match body(stage, &event).await {
        Ok(body) if body == delivery.body => None,
        Ok(_) => Some(format!("{id} is stored with other bytes than came")),
        Err(error) => Some(format!("the body of {id} cannot be read: {error}")),
    }
}

/// The bytes of an event.
async fn body(stage: &Stage, event: &StoredEvent) -> Result<Vec<u8>, StoreError> {
    stage.table.event_body(event).await
}

async fn wrong_with(stage: &Stage, partition: &Partition, listener: &Listener) -> Vec<String> {
    let mut wrong = Vec::new();
    let heard: Vec<Heard> = partition.events.iter().map(StoredEvent::heard).collect();
    let stored = partition.state.as_ref();
    if fold(&heard).as_ref() != stored.map(|it| &it.state) {
        wrong.push("the state is not the fold of the events that are stored".to_owned());
    }
    if let Some(state) = stored {
        if !state.is_published() {
            wrong.push(format!(
                "version {} is not noted to be published",
                state.version
            ));
        }
        wrong.extend(listener.lacks(&state.key().pk, state.version));
        if state.state.report.is_some() && partition.reports.is_empty() {
            wrong.push("a report is offered, and there is no work to fetch it".to_owned());
        }
    }
    for report in &partition.reports {
        wrong.extend(bucket::look_for(stage, report).await.err());
        if report.outcome != ReportOutcome::Stored {
            wrong.push(format!("{} ends as {:?}", report.key, report.outcome));
        }
    }
    let confirmation = partition.confirmation.as_ref().map(|it| it.outcome);
    if confirmation == Some(ConfirmationOutcome::Pending) {
        wrong.push("it was never asked for its result".to_owned());
    }
    wrong
}

/// Plays what is stored to the twin, each delivery when it was first and when it was last heard, and compares.
async fn differs_from_undisturbed(
    lane: &Lane,
    deliveries: &[Delivery],
    ran: Option<&Ran<'_>>,
    kept: &[(&str, Partition)],
) -> Vec<String> {
    let events = kept.iter().flat_map(|(_, it)| &it.events);
    let calls = events.filter(|event| event.summary.origin == Origin::Webhook);
    let mut heard: Vec<(Timestamp, &StoredEvent)> = calls.flat_map(heard).collect();
    heard.sort_by(as_the_fold_has_it);
    for (_, event) in heard {
        let body = body(&lane.stage, event).await.ok();
        let mut sent = deliveries.iter();
        let Some(delivery) = sent.find(|it| Some(&it.body[..]) == body.as_deref()) else {
            return vec![format!("{} was never sent so", event.key)];
        };
        eventually("the twin, which is not disturbed, takes it", || async {
            let answer = lane.twin_senders.post(&lane.twin, delivery).await;
            (answer.status() == 202).then_some(())
        })
        .await;
    }
    if let Err(problem) = undisturbed(lane, ran).await {
        return vec![format!("undisturbed, it is {problem}")];
    }
    let mut differences = Vec::new();
    for (pk, partition) in kept {
        let twin = lane.twin.table.partition(pk).await.unwrap();
        let (stands, undisturbed) = (standing(partition), standing(&twin));
        if stands != undisturbed {
            let (heard, heard_undisturbed) = (history(partition), history(&twin));
            differences.push(format!(
                "{pk} stands as {stands} by {heard}, undisturbed as {undisturbed} by {heard_undisturbed}"
            ));
        }
    }
    differences
}

/// By time. Of two in the same millisecond nobody knows which was first: where both come no more, the one with the larger key counts as the
/// newer one; and what comes again later counts as the first.
fn as_the_fold_has_it(
    one: &(Timestamp, &StoredEvent),
    other: &(Timestamp, &StoredEvent),
) -> Ordering {
    let last = |(_, event): &(Timestamp, &StoredEvent)| event.summary.last_received;
    let key = |(_, event): &(Timestamp, &StoredEvent)| event.key.sk.clone();
    let by_key = key(one).cmp(&key(other));
    let by_key = if last(one) == one.0 {
        by_key
    } else {
        by_key.reverse()
    };
    let later_first = last(one).cmp(&last(other)).reverse();
    one.0.cmp(&other.0).then(later_first).then(by_key)
}

/// When an event came, and when it came again.
fn heard(event: &StoredEvent) -> impl Iterator<Item = (Timestamp, &StoredEvent)> {
    let (first, last) = (event.summary.first_received, event.summary.last_received);
    let again = (last != first).then_some(last);
    std::iter::once(first)
        .chain(again)
        .map(move |at| (at, event))
}

/// What iMocha lists is there as well once everything is that it could be asked for.
async fn undisturbed(lane: &Lane, ran: Option<&Ran<'_>>) -> Result<(), String> {
    lane.settle(&lane.twin).await?;
    if let Some(ran) = ran {
        ran.errands.reconcile(&lane.twin).await;
        lane.settle(&lane.twin).await?;
    }
    Ok(())
}

/// What was heard of an attempt, how often, and when first and last.
fn history(partition: &Partition) -> String {
    let events = partition.events.iter().map(|event| {
        let StoredEvent { key, summary, .. } = event;
        format!(
            "{} ({:?}, {} times, {} to {})",
            key.sk,
            summary.origin,
            summary.deliveries,
            summary.first_received,
            summary.last_received
        )
    });
    events.collect::<Vec<_>>().join(", ")
}

/// Where an attempt stands, whichever of its events says so, with the report that is offered last.
fn standing(partition: &Partition) -> String {
    let stored = partition.state.as_ref();
    let number = stored.and_then(|it| it.report);
    let report = partition.reports.iter().find(|it| it.number() == number);
    // Not which bytes: by another way, a stand-in has another PDF.
    let kept = report.is_some_and(|it| it.kept.is_some());
    // Nor of a snapshot whether it was read once more: it hangs on what had come when it was looked at.
    let is_step = |it: &&StoredState| it.source != "jobmojito";
    let confirmation = stored.filter(is_step).and(partition.confirmation.as_ref());
    let confirmation = confirmation.map(|it| it.outcome);
    let state = stored.map_or_else(String::new, |it| in_words(&it.state));
    format!("{state}, report kept: {kept}, {confirmation:?}")
}

fn in_words(state: &State) -> String {
    let words: Value = serde_json::json!({
        "status": state.status.as_ref().map(|(it, _)| it),
        "vendor_status": state.vendor_status,
        "decision": state.decision.as_ref().map(|(it, _)| it),
        "score": state.score.as_ref().map(|(it, _)| it),
        "report": state.report.as_ref().map(|(it, _)| it),
        "assessment": state.assessment,
        "candidate": state.candidate,
    });
    words.to_string()
}
