//! What a refusal means that names nobody: a key that is not accepted, or ids that are not ours.
//!
//! iMocha answers both with 401, and is known to leave out which ids it means. So one id that it is known to have is asked for
//! alone. If that is refused, too, the key is bad, and nothing more is asked. Else the refused ids are halved until the foreign
//! ones stand alone; each is believed to be foreign only after a known one has passed once more, since a key may be withdrawn
//! in the middle of it. Each of these calls is a message of its own, and what is searched for stays marked: a search that is cut
//! short begins anew.

use super::{Begun, SOURCE};
use crate::job::{Job, Search};
use crate::vendors::VendorError;
use crate::vendors::imocha::{Doubt, ProcessCallbacks};
use crate::{JobError, Worker};
use reqwest::StatusCode;
use shared::key::attempt_partition;
use std::collections::BTreeSet;

impl Worker {
    /// All of a call was refused.
    pub(super) async fn all_refused(
        &self,
        ids: &BTreeSet<i64>,
        status: StatusCode,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let known = self.known_id(ids).await?;
        let suspects: BTreeSet<i64> = ids
            .iter()
            .copied()
            .filter(|id| Some(*id) != known)
            .collect();
        let (Some(known), false) = (known, suspects.is_empty()) else {
            // Where the known one was alone in the call, its refusal has already been noted as the key's. Else nothing tells this id
            // from a bad key: three such in a row do.
            if known.is_none() {
                self.vendors.imocha.doubt_key().await;
            }
            return self
                .asked_in_vain(ids, &VendorError::KeyRefused(status))
                .await;
        };
        self.ask_anew(ids).await?;
        self.send_probe(known, suspects, correlation_id).await
    }

    /// A part of what was refused was refused as well.
    pub(super) async fn part_refused(
        &self,
        ids: &BTreeSet<i64>,
        status: StatusCode,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        if ids.len() == 1 {
            return self.all_refused(ids, status, correlation_id).await;
        }
        self.ask_anew(ids).await?;
        self.send_halves(ids, correlation_id).await
    }

    /// Asks for an id that iMocha is known to have.
    pub(super) async fn probe(
        &self,
        known: &BTreeSet<i64>,
        suspects: &BTreeSet<i64>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let admission = match self.vendors.imocha.admit().await {
            Ok(admission) => admission,
            Err(error) => {
                let error = error.unless_waiting()?;
                return self.postpone_asking(suspects, &error).await;
            }
        };
        // It may be wanted itself, and is asked for in any case.
        let begun = async { Ok((self.doubt(known).await?, self.begin_asking(known).await?)) };
        let (doubt, begun) = match begun.await {
            Ok(begun) => begun,
            Err(error) => {
                self.vendors.imocha.give_back(admission).await;
                return Err(error);
            }
        };
        match self
            .vendors
            .imocha
            .process_callbacks(admission, known, doubt)
            .await
        {
            Ok(ProcessCallbacks::Queued { successful }) => {
                self.note_queued(&begun, &successful).await?;
                self.suspects_remain(suspects, correlation_id).await
            }
            // The key is good, as iMocha has looked at the id.
            Ok(ProcessCallbacks::Foreign(foreign)) => {
                for id in &foreign {
                    self.vendors.imocha.known.forget(*id).await?;
                }
                self.settle_foreign(&foreign).await?;
                self.suspects_remain(suspects, correlation_id).await
            }
            Ok(ProcessCallbacks::Refused(status)) => {
                let error = VendorError::KeyRefused(status);
                self.probed_in_vain(&begun, suspects, &error).await
            }
            Err(error) => self.probed_in_vain(&begun, suspects, &error).await,
        }
    }

    async fn probed_in_vain(
        &self,
        begun: &Begun,
        suspects: &BTreeSet<i64>,
        error: &VendorError,
    ) -> Result<(), JobError> {
        error.log(SOURCE);
        let due_at = self.clock.now().plus(error.try_again_after());
        let begun = begun.keys().copied().collect();
        self.note_not_asked(&begun, due_at).await?;
        self.note_later(suspects, due_at).await
    }

    /// The key is good: the ids are to blame.
    async fn suspects_remain(
        &self,
        suspects: &BTreeSet<i64>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        if suspects.len() == 1 {
            return self.settle_foreign(suspects).await;
        }
        self.send_halves(suspects, correlation_id).await
    }

    async fn send_halves(&self, ids: &BTreeSet<i64>, correlation_id: &str) -> Result<(), JobError> {
        let ids: Vec<i64> = ids.iter().copied().collect();
        for half in ids.chunks(ids.len().div_ceil(2)) {
            let job = Job::AskImocha {
                ids: half.iter().copied().collect(),
                search: Some(Search::Part),
            };
            self.send(job, correlation_id).await?;
        }
        Ok(())
    }

    async fn send_probe(
        &self,
        known: i64,
        suspects: BTreeSet<i64>,
        correlation_id: &str,
    ) -> Result<(), JobError> {
        let job = Job::AskImocha {
            ids: [known].into(),
            search: Some(Search::Probe { suspects }),
        };
        Ok(self.send(job, correlation_id).await?)
    }

    /// What a refusal of these that names nobody is about: the key, if they are one id that iMocha is known to have.
    pub(super) async fn doubt(&self, ids: &BTreeSet<i64>) -> Result<Doubt, JobError> {
        let [id] = ids.iter().copied().collect::<Vec<_>>()[..] else {
            return Ok(Doubt::Ids);
        };
        let is_known = match self.vendors.imocha.known.id().await? {
            Some(known) => known == id,
            // Nothing better is known. An account's attempts may be taken from it.
            None => self.has_called_us(id).await?,
        };
        Ok(if is_known { Doubt::Key } else { Doubt::Ids })
    }

    /// An id that iMocha has: the one that it is known to have, else one of these of which it has called us, else any of
    /// several, another one each time.
    async fn known_id(&self, ids: &BTreeSet<i64>) -> Result<Option<i64>, JobError> {
        if let Some(known) = self.vendors.imocha.known.id().await? {
            return Ok(Some(known));
        }
        for id in ids {
            if self.has_called_us(*id).await? {
                return Ok(Some(*id));
            }
        }
        let minutes = usize::try_from(self.clock.now().unix_ms() / 60_000).unwrap_or_default();
        let any = ids.iter().nth(minutes % ids.len().max(1));
        Ok(any.copied().filter(|_| ids.len() > 1))
    }

    async fn has_called_us(&self, id: i64) -> Result<bool, JobError> {
        let pk = attempt_partition(SOURCE, &id.to_string());
        let partition = self.table.partition(&pk).await?;
        let mut events = partition.events.iter();
        Ok(events.any(|event| event.summary.origin.is_call()))
    }
}
