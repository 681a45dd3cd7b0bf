//! iMocha's API: <https://apiv3.imocha.io>, header `x-api-key`.

#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
pub mod invites;
pub mod known;
mod report;

use super::answer::Answer;
use super::client::{Admission, Client, Document};
use super::{Resolution, ResultAnswer, VendorError, from_api, is_of};
use invites::{Invite, InviteState};
use known::Known;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::key::SourceName;
use shared::lenient;
use shared::limits::Outcome;
use shared::timestamp::Timestamp;
use std::collections::BTreeSet;

/// The source that it is the API of.
pub const SOURCE: SourceName = "imocha";

/// iMocha's API.
pub struct Api {
    client: Client,
    /// An attempt that it is known to have.
    pub known: Known,
}

/// What Process Callbacks came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessCallbacks {
    /// Those that are successful are queued: their callbacks come later. The rest is not.
    Queued {
        /// The ids that are queued.
        successful: BTreeSet<i64>,
    },
    /// Nothing is queued, since these are not of our account.
    Foreign(BTreeSet<i64>),
    /// Nothing is queued, and none of the ids is named: some are not of our account, or the key is not accepted.
    Refused(StatusCode),
}

/// What Retrieve Invites came to.
#[derive(Debug)]
pub enum Invites {
    /// These are in the window.
    Listed(Vec<Invite>),
    /// The window is not taken, or the key is not.
    Refused(StatusCode),
}

/// What a 401 is about that names none of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Some of the ids or the key: another call has to tell.
    Ids,
    /// The key: iMocha is known to have the only id.
    Key,
}

impl Api {
    pub(super) const fn new(client: Client, known: Known) -> Self {
        Self { client, known }
    }

    /// Whether its key is set.
    pub(crate) async fn is_on(&self) -> bool {
        self.client.is_on().await
    }

    /// Leave for one call.
    pub(crate) async fn admit(&self) -> Result<Admission, VendorError> {
        self.client.admit().await
    }

    /// Counts a call against the key that was refused, since nothing can tell what it was about: three in a row are about the key.
    pub(crate) async fn doubt_key(&self) {
        self.client.doubt_key().await;
    }

    /// Gives leave back that is not used.
    pub(crate) async fn give_back(&self, admission: Admission) {
        self.client.give_back(admission).await;
    }

    /// `POST /v3/callbacks/process`: has the callbacks of these attempts, at most 100, sent again.
    pub(crate) async fn process_callbacks(
        &self,
        admission: Admission,
        ids: &BTreeSet<i64>,
        doubt: Doubt,
    ) -> Result<ProcessCallbacks, VendorError> {
        // The lower-case `i` in `invitation` is iMocha's.
        let body = json!({ "testinvitationIds": ids });
        let request = self.client.post("/v3/callbacks/process", &body);
        // Ids that are not ours are no matter of the key.
        let judge = |answer: &Answer| match (answer.outcome(), doubt) {
            (Outcome::KeyRefused, _) if !foreign_ids(answer, ids).is_empty() => Outcome::Well,
            (Outcome::KeyRefused, Doubt::Ids) => Outcome::Undecided,
            (outcome, _) => outcome,
        };
        processed(self.client.ask(admission, request, judge).await?, ids)
    }

    /// `POST /v3/candidates/testattempts`: the invitations in this state of a window of time.
    pub async fn invites(
        &self,
        state: InviteState,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Invites, VendorError> {
        let path = format!("/v3/candidates/testattempts?state={}", state.as_str());
        let body = json!({ "StartDateTime": seconds(from), "EndDateTime": seconds(to) });
        let admission = self.client.admit().await?;
        // Windows that it does not take are answered like a key that it does not take.
        let request = self.client.post(&path, &body);
        let answer = self.client.ask(admission, request, unless_of_the_call);
        listed(state, answer.await?)
    }

    /// `GET /v3/reports/{testInvitationId}`: the link to the PDF, once the report is ready.
    pub(super) async fn report_link(&self, attempt: &str) -> Result<Resolution, VendorError> {
        let Ok(id) = attempt.parse::<i64>() else {
            return Ok(NO_ID);
        };
        let (_, report) = self.read_report(id).await?;
        linked(&report, attempt)
    }

    /// `GET /v3/reports/{testInvitationId}/pdf`. What it answers is not documented: the PDF, or JSON with a link to it.
    pub(super) async fn report_pdf(&self, attempt: &str) -> Result<Resolution, VendorError> {
        let Ok(id) = attempt.parse::<i64>() else {
            return Ok(NO_ID);
        };
        let request = self.client.get(&format!("/v3/reports/{id}/pdf"));
        let document = self.client.document(request, unless_of_the_call).await?;
        match document {
            Document::Pdf(body) => Ok(Resolution::Pdf(body)),
            Document::Other(answer) => {
                let answer = self.told(answer, id).await?.success()?;
                linked_somewhere(&answer, attempt)
            }
        }
    }

    /// `GET /v3/reports/{testInvitationId}`: what it says of the result.
    pub async fn result(&self, attempt: &str) -> Result<ResultAnswer, VendorError> {
        let Ok(attempt) = attempt.parse::<i64>() else {
            return Ok(ResultAnswer::Unclear);
        };
        let (bytes, report) = self.read_report(attempt).await?;
        report::result(attempt, bytes, &report)
    }

    /// The report's exact bytes, and its JSON.
    async fn read_report(&self, id: i64) -> Result<(Vec<u8>, Value), VendorError> {
        let admission = self.client.admit().await?;
        let request = self.client.get(&report_path(id));
        let answer = self
            .client
            .ask(admission, request, unless_of_the_call)
            .await?;
        let mut answer = self.told(answer, id).await?;
        let bytes = std::mem::take(&mut answer.bytes);
        Ok((bytes, answer.success()?))
    }
}

/// What Process Callbacks answers, of these ids.
fn processed(answer: Answer, ids: &BTreeSet<i64>) -> Result<ProcessCallbacks, VendorError> {
    let foreign = foreign_ids(&answer, ids);
    if !foreign.is_empty() {
        return Ok(ProcessCallbacks::Foreign(foreign));
    }
    if answer.status == StatusCode::UNAUTHORIZED {
        return Ok(ProcessCallbacks::Refused(answer.status));
    }
    let successful = answer.success()?;
    let successful = successful.pointer("/result/testinvitationIds/successful");
    let successful = successful
        .and_then(Value::as_array)
        .ok_or(VendorError::Strange)?;
    Ok(ProcessCallbacks::Queued {
        successful: successful.iter().filter_map(id).collect(),
    })
}

/// What Retrieve Invites answers.
fn listed(state: InviteState, mut answer: Answer) -> Result<Invites, VendorError> {
    if answer.status == StatusCode::UNAUTHORIZED {
        return Ok(Invites::Refused(answer.status));
    }
    let bytes = std::mem::take(&mut answer.bytes);
    match answer.success() {
        Ok(answer) => invites::read(state, &bytes, &answer)
            .map(Invites::Listed)
            .ok_or(VendorError::Strange),
        // There are none.
        Err(VendorError::NotFound) => Ok(Invites::Listed(Vec::new())),
        Err(error) => Err(error),
    }
}

/// The link that a report of this attempt names.
fn linked(report: &Value, attempt: &str) -> Result<Resolution, VendorError> {
    let report = report::within(report);
    if !is_of(report.get("testInvitationId"), attempt) {
        return Err(VendorError::Strange);
    }
    let link = report.get("pdfReportUrl").and_then(Value::as_str);
    Ok(from_api(link, None))
}

/// A link wherever an answer about this attempt has one.
fn linked_somewhere(answer: &Value, attempt: &str) -> Result<Resolution, VendorError> {
    if !is_of(report::within(answer).get("testInvitationId"), attempt) {
        return Err(VendorError::Strange);
    }
    Ok(from_api(link_within(answer), None))
}

const NO_ID: Resolution = Resolution::Impossible("the attempt's id is no TestInvitationId");

/// The first link in an answer whose fields are not known.
fn link_within(answer: &Value) -> Option<&str> {
    match answer {
        Value::String(text) => {
            let text = text.trim();
            (text.starts_with("https://") || text.starts_with("http://")).then_some(text)
        }
        Value::Array(values) => values.iter().find_map(link_within),
        Value::Object(fields) => {
            let is_pdf = |name: &str| name.to_lowercase().contains("pdf");
            let (pdf, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| is_pdf(name));
            pdf.into_iter()
                .chain(others)
                .find_map(|(_, value)| link_within(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// As iMocha writes times: without a fraction.
fn seconds(time: Timestamp) -> String {
    let text = time.to_string();
    let whole = text.split('.').next().unwrap_or(&text);
    format!("{whole}Z")
}

fn report_path(id: i64) -> String {
    format!("/v3/reports/{id}?reportType=1")
}

/// What an answer means for other calls where a 401 may be about what was asked for, and must not have the whole API left alone.
fn unless_of_the_call(answer: &Answer) -> Outcome {
    match answer.outcome() {
        Outcome::KeyRefused => Outcome::Undecided,
        outcome => outcome,
    }
}

/// A 401 is a bad key, or ids that are not ours: then they follow the message as strings. Only ids that were asked for count.
fn foreign_ids(answer: &Answer, asked: &BTreeSet<i64>) -> BTreeSet<i64> {
    let errors = answer
        .body
        .as_ref()
        .and_then(|body| body.get("errors"))
        .and_then(Value::as_array);
    let errors = errors.filter(|_| answer.status == StatusCode::UNAUTHORIZED);
    errors
        .into_iter()
        .flatten()
        .filter_map(id)
        .filter(|id| asked.contains(id))
        .collect()
}

/// An id, which may be a number, a text, or an object that holds one under a name with `id` in it.
fn id(value: &Value) -> Option<i64> {
    match value {
        Value::Number(_) | Value::String(_) => lenient::as_integer(value),
        Value::Object(fields) => {
            let mut named = fields
                .iter()
                .filter(|(name, _)| name.to_lowercase().contains("id"));
            named.find_map(|(_, value)| id(value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_wherever_the_answer_has_it() {
        let link = "https://app.imocha.io/PDFReport?id=1";
        let answers = [
            json!(link),
            json!({ "url": link }),
            json!({ "result": { "pdfReportUrl": link }, "errors": null }),
            json!({ "result": [{ "id": 1 }, link] }),
            json!({ "about": "https://www.imocha.io/", "reportPdf": { "href": link } }),
        ];
        for answer in answers {
            assert_eq!(link_within(&answer), Some(link), "{answer}");
        }
        for answer in [json!(null), json!("null"), json!({}), json!([1, "pdf"])] {
            assert_eq!(link_within(&answer), None, "{answer}");
        }
    }
}
