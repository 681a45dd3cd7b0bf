use super::*;
use crate::event::{Decision, Score, Status};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
}

fn heard(sk: &str, received: i64, event: Event) -> Heard {
    Heard {
        sk: sk.into(),
        event,
        first_received: at(received),
        last_received: at(received),
        vouched: false,
    }
}

/// The same, as it was read from the API.
fn read(sk: &str, received: i64, event: Event) -> Heard {
    Heard {
        vouched: true,
        ..heard(sk, received, event)
    }
}

/// The same, once more.
fn again(heard: &Heard, received: i64) -> Heard {
    Heard {
        last_received: at(received),
        ..heard.clone()
    }
}

fn scored(status: Status, value: f64) -> Event {
    Event {
        score: Some(Score {
            value: Some(value),
            ..Score::default()
        }),
        ..step(status)
    }
}

fn step(status: Status) -> Event {
    Event::of_attempt("1".into(), Some(status), None)
}

fn snapshot_of(status: Status, stage: Stage) -> Event {
    Event {
        order: Order::Snapshot(stage),
        ..step(status)
    }
}

fn status(events: &[Heard]) -> Option<Status> {
    fold(events)
        .and_then(|state| state.status)
        .map(|(status, _)| status)
}

#[test]
fn nothing_said_is_no_state() {
    assert_eq!(fold(&[]), None);
    assert_eq!(
        fold(&[heard(
            "event#a",
            0,
            Event::of_attempt("1".into(), None, None)
        )]),
        None
    );
}

#[test]
fn the_furthest_step_counts_whatever_came_last() {
    let events = [
        heard("event#a", 9, step(Status::InProgress)),
        heard("event#b", 1, step(Status::Completed)),
        heard("event#c", 5, step(Status::Invited)),
    ];
    assert_eq!(status(&events), Some(Status::Completed));
}

#[test]
fn an_expired_invitation_goes_on_when_the_candidate_begins() {
    let invited = heard("event#a", 0, step(Status::Invited));
    let expired = heard("event#b", 1, step(Status::Expired));
    assert_eq!(
        status(&[invited.clone(), expired.clone()]),
        Some(Status::Expired)
    );
    let begun = heard("event#c", 2, step(Status::InProgress));
    assert_eq!(status(&[invited, expired, begun]), Some(Status::InProgress));
}

#[test]
fn between_equal_ranks_the_vendors_time_counts_before_ours() {
    let mut terminated = heard("event#a", 9, step(Status::Terminated));
    terminated.event.occurred_at = Some(at(-100));
    let mut abandoned = heard("event#b", 1, step(Status::Abandoned));
    abandoned.event.occurred_at = Some(at(-50));
    assert_eq!(status(&[terminated, abandoned]), Some(Status::Abandoned));
}

#[test]
fn a_later_word_on_the_score_replaces_the_score_and_keeps_the_status() {
    let score = |value| {
        Some(Score {
            value: Some(value),
            ..Score::default()
        })
    };
    let mut completed = heard("event#a", 1, step(Status::Completed));
    completed.event.score = score(32.0);
    let mut updated = heard(
        "event#b",
        2,
        Event::of_attempt("1".into(), None, Some(Decision::Rejected)),
    );
    updated.event.score = score(37.0);
    let state = fold(&[updated, completed]).unwrap();
    assert_eq!(
        state.score,
        Some((score(37.0).unwrap(), By("event#b".into())))
    );
    assert_eq!(
        state.status,
        Some((Status::Completed, By("event#a".into())))
    );
    assert_eq!(
        state.decision,
        Some((Decision::Rejected, By("event#b".into())))
    );
}

#[test]
fn a_link_is_not_given_up_for_a_later_word_without_one() {
    let link = Report::from_link(Some("https://cdn-global.net/1.pdf"), None);
    let mut first = heard("event#a", 1, step(Status::Completed));
    first.event.report = link.clone();
    let mut second = heard("event#b", 2, step(Status::Completed));
    second.event.report = Some(Report::OnRequest);
    assert_eq!(
        fold(&[second.clone(), first])
            .unwrap()
            .report
            .map(|(it, _)| it),
        link
    );
    assert_eq!(
        fold(&[second]).unwrap().report.map(|(it, _)| it),
        Some(Report::OnRequest)
    );
}

#[test]
fn the_newest_snapshot_is_the_state_also_when_it_is_an_earlier_one_again() {
    let selected = |received| {
        let mut event = snapshot_of(Status::Completed, Stage::Active);
        event.decision = Some(Decision::Selected);
        heard("event#a", received, event)
    };
    let undecided = heard("event#b", 2, snapshot_of(Status::Completed, Stage::Active));
    let decision = |events: &[Heard]| fold(events).unwrap().decision.map(|(it, _)| it);
    assert_eq!(decision(&[selected(1), undecided.clone()]), None);
    assert_eq!(
        decision(&[selected(3), undecided]),
        Some(Decision::Selected)
    );
}

#[test]
fn a_stage_never_goes_back() {
    let events = [
        heard("event#a", 9, snapshot_of(Status::Collected, Stage::Draft)),
        heard("event#b", 1, snapshot_of(Status::Completed, Stage::Active)),
    ];
    assert_eq!(status(&events), Some(Status::Completed));
}

#[test]
fn a_person_is_put_together_from_all_events() {
    let mut first = heard("event#a", 1, step(Status::Invited));
    first.event.candidate = Some(Candidate {
        email: Some("ada@example.com".into()),
        ..Candidate::default()
    });
    let mut second = heard("event#b", 2, step(Status::Completed));
    second.event.candidate = Some(Candidate {
        name: Some("Ada".into()),
        ..Candidate::default()
    });
    let candidate = fold(&[second, first]).unwrap().candidate.unwrap();
    assert_eq!(
        (candidate.email.as_deref(), candidate.name.as_deref()),
        (Some("ada@example.com"), Some("Ada"))
    );
}

/// What is stored after the deliveries: each event once, with when it was last received.
fn stored(deliveries: &[(String, Event)]) -> Vec<Heard> {
    let mut items = BTreeMap::new();
    for (second, (sk, event)) in (0..).zip(deliveries) {
        let first = || heard(sk, second, event.clone());
        let item = items.entry(sk.clone()).or_insert_with(first);
        item.last_received = at(second);
    }
    items.into_values().collect()
}

fn any_status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL.to_vec())
}

/// A history of progress events in which either the rank or the vendor's time tells any two apart.
fn told_apart() -> impl Strategy<Value = Vec<(String, Event)>> {
    prop::collection::vec((any_status(), any::<bool>(), any::<bool>(), 0..3_u8), 1..8).prop_map(
        |steps| {
            (0_i32..)
                .zip(steps)
                .map(|(number, (status, decided, scored, report))| {
                    let mut event = step(status);
                    event.occurred_at = Some(at(i64::from(number) * 60));
                    event.decision = decided.then_some(Decision::Rejected);
                    event.score = scored.then_some(Score {
                        value: Some(number.into()),
                        ..Score::default()
                    });
                    event.report = (report > 0).then_some(Report::OnRequest);
                    (format!("event#{number}"), event)
                })
                .collect()
        },
    )
}

/// The same deliveries in another order, some of them more than once, none left out.
fn disturbed(history: Vec<(String, Event)>) -> impl Strategy<Value = Vec<(String, Event)>> {
    let repeats = prop::collection::vec(prop::sample::select(history.clone()), 0..8);
    repeats.prop_flat_map(move |repeats| Just([history.clone(), repeats].concat()).prop_shuffle())
}

proptest! {
    /// Messages: whatever order the items are read in, the state is the same.
    #[test]
    fn the_order_of_items_never_matters(
        (items, shuffled) in told_apart().prop_flat_map(|history| {
            let items = stored(&history);
            (Just(items.clone()), Just(items).prop_shuffle())
        })
    ) {
        prop_assert_eq!(fold(&items), fold(&shuffled));
    }

    /// Deliveries: where the vendor's times tell the events apart, any order and repetition ends the same.
    #[test]
    fn any_order_and_repetition_of_deliveries_ends_the_same(
        (history, disturbed) in told_apart().prop_flat_map(|it| (Just(it.clone()), disturbed(it)))
    ) {
        prop_assert_eq!(fold(&stored(&history)), fold(&stored(&disturbed)));
    }

    /// Without the vendor's times the status still ends the same, as far as its rank goes.
    #[test]
    fn without_times_the_rank_of_the_status_ends_the_same(
        (history, disturbed) in told_apart().prop_flat_map(|mut it| {
            for (_, event) in &mut it {
                event.occurred_at = None;
            }
            (Just(it.clone()), disturbed(it))
        })
    ) {
        let rank = |deliveries: &[_]| status(&stored(deliveries)).map(Status::rank);
        prop_assert_eq!(rank(&history), rank(&disturbed));
    }

    /// Snapshots: the state is that of the last delivery of the latest stage, whatever came before it.
    #[test]
    fn the_last_snapshot_of_the_latest_stage_is_the_state(
        deliveries in prop::collection::vec((0..5_u8, any_status(), prop::sample::select(vec![Stage::Draft, Stage::Active, Stage::Archived])), 1..12)
    ) {
        let deliveries: Vec<_> = deliveries
            .into_iter()
            .map(|(number, status, stage)| (format!("event#{number}.{status}.{stage:?}"), snapshot_of(status, stage)))
            .collect();
        let latest = deliveries.iter().filter_map(|(_, event)| match event.order {
            Order::Snapshot(stage) => Some(stage),
            Order::Progress => None,
        }).max();
        let last = deliveries.iter().rev().find(|(_, event)| Some(event.order) == latest.map(Order::Snapshot));
        prop_assert_eq!(status(&stored(&deliveries)), last.and_then(|(_, event)| event.status));
    }
}

/// Where order does matter, and has to: two events of equal rank without the vendor's times. What was heard last counts.
#[test]
fn equal_ranks_without_times_are_settled_by_what_was_heard_last() {
    let (a, b) = (
        ("event#a".to_owned(), step(Status::Terminated)),
        ("event#b".to_owned(), step(Status::Abandoned)),
    );
    assert_eq!(
        status(&stored(&[a.clone(), b.clone()])),
        Some(Status::Abandoned)
    );
    assert_eq!(
        status(&stored(&[a.clone(), b, a])),
        Some(Status::Terminated)
    );
}

#[test]
fn what_the_api_says_stands_against_all_that_came_before_it_was_read() {
    let claimed = heard("event#a", 1, scored(Status::Completed, 99.0));
    let read = read("event#b", 5, scored(Status::Terminated, 6.0));
    let state = fold(&[claimed.clone(), read.clone()]).unwrap();
    let by = || By("event#b".into());
    assert_eq!(state.status, Some((Status::Terminated, by())));
    assert_eq!(state.score.unwrap().0.value, Some(6.0));
    // However often it comes again.
    let state = fold(&[again(&claimed, 9), read.clone()]).unwrap();
    assert_eq!(state.status, Some((Status::Terminated, by())));
    assert_eq!(state.score.unwrap().0.value, Some(6.0));
    // What is new after that counts, until it was read once more.
    let new = heard("event#c", 8, scored(Status::Completed, 70.0));
    let state = fold(&[claimed.clone(), read.clone(), new.clone()]).unwrap();
    assert_eq!(state.status.unwrap().0, Status::Completed);
    assert_eq!(state.score.unwrap().0.value, Some(70.0));
    let state = fold(&[claimed, again(&read, 10), new]).unwrap();
    assert_eq!(state.status, Some((Status::Terminated, by())));
}

#[test]
fn what_the_api_leaves_out_is_taken_from_the_calls() {
    let mut called = heard("event#a", 1, scored(Status::Completed, 6.0));
    called.event.report = Report::from_link(Some("https://app.imocha.io/1"), None);
    let read = read("event#b", 5, step(Status::Completed));
    let state = fold(&[called.clone(), read]).unwrap();
    assert_eq!(state.score.unwrap().0.value, Some(6.0));
    assert_eq!(state.report.map(|(report, _)| report), called.event.report);
    // One that says nothing of how far it is stands against nothing.
    let silent = Event::of_attempt("1".into(), None, None);
    let silent = self::read("event#c", 9, silent);
    assert_eq!(status(&[called, silent]), Some(Status::Completed));
}

proptest! {
    /// Deliveries that came before the reading: whatever their number, order and claims, they change nothing of it.
    #[test]
    fn nothing_that_came_before_the_reading_moves_it_by_coming_again(
        claims in prop::collection::vec((any_status(), 0..100_i64, 0..100_i64), 0..6)
    ) {
        let read = read("event#read", 50, scored(Status::Terminated, 6.0));
        let mut events: Vec<_> = (0_u8..).zip(claims).map(|(number, (status, first, more))| {
            let first = heard(&format!("event#{number}"), first % 50, scored(status, 99.0));
            let last = 50 + more;
            again(&first, last)
        }).collect();
        events.push(read);
        let state = fold(&events).unwrap();
        prop_assert_eq!(state.status.unwrap().0, Status::Terminated);
        prop_assert_eq!(state.score.unwrap().0.value, Some(6.0));
    }
}
