//! A change of an attempt, as other systems are told of it: a CloudEvents 1.0 event in JSON.
//!
//! It is a shape of its own, apart from what is stored: it is published in `docs/schemas`, and lasts longer than the code. It
//! holds the whole state and not what is new in it, so that who misses one, or gets two in the wrong order, is right again with
//! the newest. Nothing in it is personal but what the configuration names, and no link of a vendor's, which opens a report.

mod personal;
#[cfg(test)]
mod schema;

pub use personal::{EXPECTED as EXPECTED_PERSONAL_FIELDS, PersonalField, PersonalFields};

use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::event::{Assessment, Candidate, Decision, Score, Status};
use shared::store::{KeptReport, StoredState};
use shared::timestamp::Timestamp;

/// What EventBridge calls the source, which its rules go by.
pub const SOURCE: &str = "assessment-webhooks";
/// The type of the event, and what EventBridge calls its detail type.
pub const TYPE: &str = "assessment-webhooks.attempt.changed";
/// What the data is as, in the file of the schema.
pub const DATA_SCHEMA: &str = "urn:assessment-webhooks:attempt-changed:1#/$defs/Attempt";

const SPECIFICATION: &str = "1.0";
const CONTENT_TYPE: &str = "application/json";

/// An attempt has changed, and stands like this now.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The version of CloudEvents.
    #[cfg_attr(test, schemars(extend("const" = SPECIFICATION)))]
    specversion: &'static str,
    /// The same whenever this change is published again, and no other's: 32 hexadecimal digits.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-f]{32}$")))]
    id: String,
    /// `/assessment-webhooks/` and the source of the attempt.
    #[cfg_attr(test, schemars(regex(pattern = "^/assessment-webhooks/[a-z0-9]+$")))]
    source: String,
    #[serde(rename = "type")]
    #[cfg_attr(test, schemars(extend("const" = TYPE)))]
    kind: &'static str,
    /// The attempt, as `data.attempt`.
    subject: String,
    /// When the attempt changed.
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    time: Timestamp,
    #[cfg_attr(test, schemars(extend("const" = CONTENT_TYPE)))]
    datacontenttype: &'static str,
    #[cfg_attr(test, schemars(extend("const" = DATA_SCHEMA)))]
    dataschema: &'static str,
    /// `data.version` as text of ten digits, which sorts as the number does. Of two events of one attempt, the one with the
    /// higher sequence is the newer.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9]{10,}$")))]
    sequence: String,
    /// How the attempt stands.
    data: Attempt,
}

/// How an attempt stands: one candidate at one assessment. What is not known is left out.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(
    clippy::struct_field_names,
    reason = "the id of an attempt is called `attempt` wherever it is published"
)]
struct Attempt {
    /// Whose webhooks told of it: `imocha`, `jobmojito`, `testlify`, `xobin`.
    source: String,
    /// Its id, unique within its source.
    attempt: String,
    /// How often it has changed. Numbers may be missing: what changed again before it was published is published once.
    version: u64,
    /// There, and true, once the attempt was erased: then nothing else is known of it, and nothing else is to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    /// How far it is, in the same words for all sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::StatusWord>"))]
    status: Option<Status>,
    /// The vendor's own word for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_status: Option<String>,
    /// What the recruiter decided, apart from how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<schema::DecisionWord>"))]
    decision: Option<Decision>,
    /// The score, in the vendor's own units.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<PublishedScore>,
    /// The vendor's assessment.
    #[serde(skip_serializing_if = "Option::is_none")]
    assessment: Option<PublishedAssessment>,
    /// The newest report, once it is kept in the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<PublishedReport>,
    /// Of the person, only what the deployment was told to publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidate: Option<PublishedCandidate>,
}

/// A report's bytes, and the bucket that has them.
pub struct Kept {
    /// The name of the bucket.
    pub bucket: String,
    /// What is known of them.
    pub report: KeptReport,
}

/// A score; at least one of the numbers is there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Score"))]
struct PublishedScore {
    /// What was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// What could be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<f64>,
    /// The percentage, as the vendor gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
}

/// A report that is kept. Whoever may read the bucket can fetch it; `hooks reports link` makes a link for others.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Report"))]
struct PublishedReport {
    /// The name of the bucket.
    bucket: String,
    /// The key of the object.
    s3_key: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    #[cfg_attr(test, schemars(regex(pattern = "^[0-9a-f]{64}$")))]
    sha256: String,
    /// How many bytes it has.
    size_bytes: u64,
}

/// An assessment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Assessment"))]
struct PublishedAssessment {
    /// The vendor's id.
    id: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
}

/// A person. At least one of the fields is there.
#[derive(Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Candidate"))]
struct PublishedCandidate {
    /// The vendor's id of the person; named `candidate_id` where it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// The id that the hiring company gave the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    /// The e-mail address, as the vendor wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Change {
    /// The last change of a stored state, with its newest report if that is kept. `now` stands in where it is not known when
    /// that was.
    #[must_use]
    pub fn of(
        stored: StoredState,
        report: Option<Kept>,
        personal: &PersonalFields,
        now: Timestamp,
    ) -> Self {
        let time = stored.changed_at.unwrap_or(now);
        Self {
            specversion: SPECIFICATION,
            id: id(&stored, time, report.as_ref()),
            source: format!("/{SOURCE}/{}", stored.source),
            kind: TYPE,
            subject: stored.attempt.clone(),
            time,
            datacontenttype: CONTENT_TYPE,
            dataschema: DATA_SCHEMA,
            sequence: format!("{:010}", stored.version),
            data: Attempt::of(stored, report, personal),
        }
    }

    /// When the attempt changed.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The event as text. At most 64 KiB: the texts of events are bounded when they come in, and few are taken over.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("our own types have string keys")
    }
}

/// Of all that can differ between two events of one attempt: the same id is the same words. An attempt that was forgotten and came
/// again counts from 1 again: the time tells it from the one before. A report may be kept after the state was read that is
/// published, and before it is published again.
fn id(stored: &StoredState, time: Timestamp, report: Option<&Kept>) -> String {
    let mut hash = Sha256::new();
    hash.update(stored.key().pk);
    // The parts of a key are encoded, so that none holds this byte.
    hash.update([0]);
    hash.update(stored.version.to_be_bytes());
    hash.update(time.unix_ms().to_be_bytes());
    if let Some(kept) = report {
        hash.update(&kept.report.sha256);
    }
    let mut id = hex::encode(hash.finalize());
    id.truncate(32);
    id
}

impl Attempt {
    fn of(stored: StoredState, report: Option<Kept>, personal: &PersonalFields) -> Self {
        let state = stored.state;
        Self {
            source: stored.source,
            attempt: stored.attempt,
            version: stored.version,
            erased: stored.erased_at.map(|_| true),
            status: state.status.map(|(status, _)| status),
            vendor_status: state.vendor_status,
            decision: state.decision.map(|(decision, _)| decision),
            score: state.score.map(|(score, _)| score.into()),
            assessment: state.assessment.map(Into::into),
            report: report.map(Into::into),
            candidate: state.candidate.and_then(|it| candidate(it, personal)),
        }
    }
}

fn candidate(known: Candidate, personal: &PersonalFields) -> Option<PublishedCandidate> {
    let chosen = |field, text: Option<String>| text.filter(|_| personal.contains(field));
    let published = PublishedCandidate {
        id: chosen(PersonalField::CandidateId, known.id),
        external_id: chosen(PersonalField::ExternalId, known.external_id),
        email: chosen(PersonalField::Email, known.email),
        name: chosen(PersonalField::Name, known.name),
    };
    (published != PublishedCandidate::default()).then_some(published)
}

impl From<Score> for PublishedScore {
    fn from(score: Score) -> Self {
        Self {
            value: score.value,
            maximum: score.maximum,
            percent: score.percent,
        }
    }
}

impl From<Kept> for PublishedReport {
    fn from(kept: Kept) -> Self {
        Self {
            bucket: kept.bucket,
            s3_key: kept.report.s3_key,
            sha256: kept.report.sha256,
            size_bytes: kept.report.size_bytes,
        }
    }
}

impl From<Assessment> for PublishedAssessment {
    fn from(assessment: Assessment) -> Self {
        Self {
            id: assessment.id,
            title: assessment.title,
        }
    }
}

#[cfg(test)]
mod tests;
