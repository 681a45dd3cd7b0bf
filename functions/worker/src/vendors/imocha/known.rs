//! An attempt that iMocha is known to have: with it, a key that is not accepted is told from ids that are not ours, since iMocha
//! answers both with 401 and is known to leave out which it means.

use super::{Api, SOURCE, foreign_ids};
use crate::vendors::VendorError;
use crate::vendors::answer::Answer;
use crate::vendors::client::{Admission, Client};
use reqwest::StatusCode;
use shared::clock::Clock;
use shared::error::causes;
use shared::limits::Outcome;
use shared::store::{StoreError, Table};
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

/// How often another attempt is noted as one that iMocha has.
const KNOWN_ANEW: Duration = Duration::from_hours(24);
/// The call that tells is waited for this long, if it is not its turn: what hangs on it is made anew otherwise, and would wait
/// for its own turn and for this one's again.
const SOON: Duration = Duration::from_secs(5);

/// The attempt that iMocha is known to have.
pub struct Known {
    table: Table,
    clock: Clock,
    noted_at: Mutex<Option<Timestamp>>,
}

/// What another call says of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// It is good: what was refused was refused for what was asked.
    Good,
    /// No attempt is known to tell by.
    Untold,
}

impl Known {
    pub(in crate::vendors) fn new(table: Table, clock: Clock) -> Self {
        let noted_at = Mutex::default();
        Self {
            table,
            clock,
            noted_at,
        }
    }

    /// Its id, if there is one.
    pub async fn id(&self) -> Result<Option<i64>, StoreError> {
        let known = self.table.known(SOURCE).await?;
        Ok(known.and_then(|known| known.parse().ok()))
    }

    /// Notes that iMocha has this one, so that there is always one that it had lately. The table is not asked at each.
    pub async fn note(&self, id: i64) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_news = |noted: Timestamp| noted.plus(KNOWN_ANEW) <= now;
        if !self.noted_at().is_none_or(is_news) {
            return Ok(());
        }
        let id = id.to_string();
        self.table.note_known(SOURCE, &id, now, KNOWN_ANEW).await?;
        self.note_at(Some(now));
        Ok(())
    }

    /// Notes that iMocha does not have it after all: the next one takes its place.
    pub async fn forget(&self, id: i64) -> Result<(), StoreError> {
        self.note_at(None);
        self.table.forget_known(SOURCE, &id.to_string()).await
    }

    fn noted_at(&self) -> Option<Timestamp> {
        *self.noted_at.lock().expect("nothing panics in between")
    }

    fn note_at(&self, time: Option<Timestamp>) {
        *self.noted_at.lock().expect("nothing panics in between") = time;
    }
}

impl Api {
    /// Whether the key is good, now that a call was refused that may be about `refused`: asks for the result of the known
    /// attempt. That the key is bad is an error, and stops all calls.
    pub async fn try_key(&self, refused: Option<i64>) -> Result<Trial, VendorError> {
        let known = self.known.id().await.map_err(VendorError::Store)?;
        let Some(known) = known.filter(|known| Some(*known) != refused) else {
            return Ok(Trial::Untold);
        };
        let admission = soon(&self.client, &self.known.clock).await?;
        let request = self.client.get(&super::report_path(known));
        let ids = BTreeSet::from([known]);
        let judge = |answer: &Answer| match answer.outcome() {
            Outcome::KeyRefused if !foreign_ids(answer, &ids).is_empty() => Outcome::Well,
            outcome => outcome,
        };
        let answer = self.client.ask(admission, request, judge).await?;
        if answer.status == StatusCode::NOT_FOUND || !foreign_ids(&answer, &ids).is_empty() {
            self.known.forget(known).await.map_err(VendorError::Store)?;
            return Ok(Trial::Good);
        }
        match answer.success() {
            Ok(_) | Err(VendorError::Rejected { .. } | VendorError::Strange) => Ok(Trial::Good),
            Err(error) => Err(error),
        }
    }

    /// The answer to a call about one attempt, which is not found where it is refused and the key is good. One that may be about
    /// the key all the same counts against it: three in a row are.
    pub(super) async fn told(&self, answer: Answer, id: i64) -> Result<Answer, VendorError> {
        if answer.status.is_success() {
            self.note_known(id).await;
        }
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        if !foreign_ids(&answer, &BTreeSet::from([id])).is_empty() {
            return Err(VendorError::NotFound);
        }
        match self.try_key(Some(id)).await {
            Ok(Trial::Good) => Err(VendorError::NotFound),
            Ok(Trial::Untold) | Err(VendorError::Waiting(_)) => {
                self.client.doubt_key().await;
                Ok(answer)
            }
            Err(error) => Err(error),
        }
    }

    /// What is not noted now is at the next.
    async fn note_known(&self, id: i64) {
        if let Err(error) = self.known.note(id).await {
            let error = causes(&error);
            tracing::warn!(vendor = SOURCE, error, "an attempt is not noted as known");
        }
    }
}

async fn soon(client: &Client, clock: &Clock) -> Result<Admission, VendorError> {
    match client.admit().await {
        Err(VendorError::Waiting(waiting)) if waiting.after <= SOON => {
            clock.sleep(waiting.after).await;
            client.admit().await
        }
        admission => admission,
    }
}
