//! Results of iMocha, as many as are wanted, made from one payload.

use super::stage::Stage;
use ::local::stand_ins::Links;
use anyhow::bail;
use bytes::Bytes;
use serde_json::Value;
use std::path::Path;

/// Results of iMocha, made from one payload: other ids and people.
pub struct Results(Vec<(i64, Bytes)>);

impl Results {
    /// Of the attempts with these ids.
    pub fn of(
        root: &Path,
        links: &Links,
        ids: impl IntoIterator<Item = i64>,
    ) -> anyhow::Result<Self> {
        let text = std::fs::read(root.join("events/imocha/complete.json"))?;
        let payload: Value = serde_json::from_slice(&text)?;
        let results = ids.into_iter().map(|id| {
            let body = links.lead(&result(&payload, id)?);
            Ok((id, body.into()))
        });
        Ok(Self(results.collect::<anyhow::Result<_>>()?))
    }

    /// Each with its `TestInvitationId` and the exact body of its callback.
    pub fn iter(&self) -> impl Iterator<Item = &(i64, Bytes)> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The body of one of them.
    pub fn one(&self) -> Option<&Bytes> {
        self.0.first().map(|(_, body)| body)
    }

    /// Has iMocha's stand-in know of them, without a callback.
    pub fn remember(&self, stage: &Stage) {
        for (id, body) in &self.0 {
            stage.imocha.remember(*id, body.to_vec());
        }
    }
}

fn result(payload: &Value, id: i64) -> anyhow::Result<Vec<u8>> {
    let mut result = payload.clone();
    let Some(fields) = result.as_object_mut() else {
        bail!("events/imocha/complete.json is no JSON object");
    };
    fields.insert("TestInvitationId".into(), id.into());
    fields.insert(
        "CandidateEmailId".into(),
        format!("candidate.{id}@example.com").into(),
    );
    fields.insert("CandidateScore".into(), (id % 116).into());
    let report = format!("https://app.imocha.io/PDFReport?id={id}");
    fields.insert("ReportPDFUrl".into(), report.into());
    Ok(serde_json::to_vec(&result)?)
}
