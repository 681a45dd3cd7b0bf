//! What has to have come of what the operator wanted: each id that iMocha was asked for is answered, foreign, or told to be asked
//! for in vain; what it lists is there; Xobin calls where it is to.

use super::body;
use crate::crash::errands::Errands;
use crate::crash::lane::Lane;
use crate::crash::plan::Broken;
use shared::event::Status;
use shared::key::attempt_partition;
use shared::store::{Asked, AskedOutcome, Counts, Partition, RegistrationOutcome, Run, RunOutcome};
use std::collections::BTreeSet;
use tests::stage::Stage;
use worker::ask_imocha::SOURCE;
use worker::register::VENDOR;

/// The errands that were run, and what is known of it.
pub struct Ran<'a> {
    pub errands: &'a Errands,
    /// What the operator had iMocha asked for.
    pub asked: BTreeSet<i64>,
    /// How often Xobin was told.
    pub registrations: usize,
    /// What was broken meanwhile.
    pub broken: &'a [Broken],
}

impl Ran<'_> {
    /// Notes what is not as it has to be.
    pub async fn check(&self, lane: &Lane, problems: &mut Vec<String>) {
        let run = lane.stage.table.run(&self.errands.run()).await.unwrap();
        problems.extend(self.wrong_with_run(run.as_ref()));
        let by_run = lane.stage.table.asked_by_run(&self.errands.run()).await;
        for id in self.asked.union(&by_run.unwrap()) {
            let partition = partition(&lane.stage, *id).await;
            let wrong = self.wrong_with_asked(*id, &partition);
            problems.extend(wrong.map(|it| format!("{id} was asked for, and {it}")));
        }
        for (id, callback) in &self.errands.ended {
            if !is_stored(&lane.stage, *id, callback).await {
                problems.push(format!("{id} has ended, and nothing stored says so"));
            }
        }
        problems.extend(self.wrong_with_listed(&lane.stage).await);
        problems.extend(self.wrong_with_registration(lane).await);
    }

    fn wrong_with_run(&self, run: Option<&Run>) -> Option<String> {
        let Some(run) = run else {
            return Some("the comparison is gone".to_owned());
        };
        let completed = self.errands.ended.len() + usize::from(self.errands.silent.is_some());
        let completed = u64::try_from(completed).unwrap();
        let Counts {
            listed,
            known,
            missing,
            cancelled,
            expired,
            ..
        } = run.counts;
        let adds_up = listed == completed + 2 && known + missing == completed;
        let is_right = run.outcome == RunOutcome::Done && adds_up && (cancelled, expired) == (1, 1);
        (!is_right).then(|| format!("the comparison of {completed} ended ones ended as {run:?}"))
    }

    fn wrong_with_asked(&self, id: i64, partition: &Partition) -> Option<String> {
        let Some(asked) = &partition.asked else {
            return Some("it is not noted".to_owned());
        };
        let expected = if id == self.errands.foreign {
            AskedOutcome::Foreign
        } else if Some(id) == self.errands.silent {
            AskedOutcome::Unanswered
        } else {
            AskedOutcome::Answered
        };
        if asked.outcome != expected {
            return Some(format!("is {asked:?} and not {expected:?}"));
        }
        let is_hollow = asked.outcome == AskedOutcome::Answered && !has_answer(asked, partition);
        is_hollow.then(|| format!("is called answered by nothing that is stored: {asked:?}"))
    }

    /// What iMocha calls nobody about.
    async fn wrong_with_listed(&self, stage: &Stage) -> Vec<String> {
        let (cancelled, expired) = (self.errands.cancelled, self.errands.expired);
        let silent = self.errands.silent.map(|id| (id, Status::Completed));
        let listed = [(cancelled, Status::Cancelled), (expired, Status::Expired)];
        let mut wrong = Vec::new();
        for (id, status) in listed.into_iter().chain(silent) {
            let state = partition(stage, id).await.state;
            let is = state.and_then(|it| Some(it.state.status?.0));
            if is != Some(status) {
                wrong.push(format!("{id} is listed as {status:?} and stands as {is:?}"));
            }
        }
        wrong
    }

    async fn wrong_with_registration(&self, lane: &Lane) -> Vec<String> {
        let errands = self.errands;
        let mut wrong = Vec::new();
        let noted = lane.stage.table.registration(VENDOR).await.unwrap();
        let is_noted = noted.as_ref().is_some_and(|noted| {
            noted.request == errands.request()
                && noted.outcome == RegistrationOutcome::Registered
                && noted.registered.in_doubt.is_empty()
        });
        if !is_noted {
            wrong.push(format!(
                "Xobin's webhooks are not noted as registered: {noted:?}"
            ));
        }
        let registered = lane.vendors.xobin.registered();
        for (kind, webhook) in &errands.wanted.webhooks {
            let is = &registered[kind];
            if is["status"] != webhook.enabled || is["url"] != webhook.url {
                wrong.push(format!(
                    "Xobin has {is} for {kind}, where {webhook:?} was wanted"
                ));
            }
        }
        let credential = lane.vendors.xobin.credential();
        let mut right = errands.endpoint.headers.iter();
        if !right.any(|(name, value)| is_same(credential.as_ref(), name, value)) {
            wrong.push("Xobin does not call with what it was to be given".to_owned());
        }
        wrong.extend(self.wrong_with_number_of_registrations());
        wrong
    }

    /// Its API knows no request by a name, so that one may have to be made again whose answer was lost; and no other.
    fn wrong_with_number_of_registrations(&self) -> Option<String> {
        let excuses = self.broken.iter();
        let excuses = excuses.filter(|it| it.excuses_another_registration());
        let (made, most) = (self.registrations, 1 + excuses.count());
        let is_right = (1..=most).contains(&made);
        (!is_right).then(|| format!("Xobin was told {made} times, where {most} are to be excused"))
    }
}

/// Names of headers have no case.
fn is_same(credential: Option<&(String, String)>, name: &str, value: &str) -> bool {
    credential.is_some_and(|it| it.0.eq_ignore_ascii_case(name) && it.1 == value)
}

async fn partition(stage: &Stage, id: i64) -> Partition {
    let pk = attempt_partition(SOURCE, &id.to_string());
    stage.table.partition(&pk).await.unwrap()
}

/// Whether the call of iMocha's that is said to be the answer came after it was wanted, and is there or has come again since. That it
/// was asked for once more when the answer was there already is nothing wrong.
fn has_answer(asked: &Asked, partition: &Partition) -> bool {
    let Some(answered_at) = asked.answered_at.filter(|it| *it > asked.requested_at) else {
        return false;
    };
    let mut events = partition.events.iter();
    events.any(|it| it.summary.origin.is_call() && it.summary.last_received >= answered_at)
}

/// Whether this callback is there, with its exact bytes.
async fn is_stored(stage: &Stage, id: i64, callback: &[u8]) -> bool {
    for event in &partition(stage, id).await.events {
        if body(stage, event).await.is_ok_and(|it| it == callback) {
            return true;
        }
    }
    false
}
