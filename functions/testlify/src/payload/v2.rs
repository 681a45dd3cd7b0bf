//! The second version: the same things in objects within `data`. Its schema is not published, so that each is looked for
//! wherever it was seen, and where the first version has it.

use super::{Facts, full_name, set};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::Score;
use shared::lenient;

/// Whether `data` is of this version.
pub(super) fn is_shape_of(data: &Map<String, Value>) -> bool {
    ["status", "candidate", "assessment"]
        .iter()
        .any(|name| data.get(*name).is_some_and(Value::is_object))
}

#[derive(Deserialize)]
pub(super) struct Data {
    #[serde(default, deserialize_with = "lenient::part")]
    assessment: AssessmentPart,
    #[serde(default, deserialize_with = "lenient::part")]
    candidate: CandidatePart,
    #[serde(default)]
    status: Value,
    #[serde(default, deserialize_with = "lenient::part")]
    scores: ScoresPart,
}

#[derive(Default, Deserialize)]
struct AssessmentPart {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    title: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CandidatePart {
    #[serde(default, deserialize_with = "lenient::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    last_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusPart {
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_stage: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    completed_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    result_link: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScoresPart {
    #[serde(default, deserialize_with = "lenient::number")]
    total_score_achieved: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    avg_score_percentage: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    result_link: Option<String>,
}

impl Data {
    /// These facts, each where it is there, and the flat ones where it is not.
    pub(super) fn laid_over(self, flat: Facts) -> Facts {
        let Self {
            assessment,
            candidate,
            status,
            scores,
        } = self;
        let name = full_name(candidate.first_name, candidate.last_name);
        let status = StatusPart::of(status);
        Facts {
            assessment_id: flat.assessment_id.or(assessment.id),
            title: assessment.title.or(flat.title),
            email: candidate.email.or(flat.email),
            candidate_id: candidate.id.or(flat.candidate_id),
            name: name.or(flat.name),
            result_link: flat
                .result_link
                .or(status.result_link)
                .or(scores.result_link),
            completed_at: set(status.completed_at).or(flat.completed_at),
            status: flat
                .status
                .or(status.candidate_status)
                .or(status.name)
                .or(status.status),
            score: Score {
                value: scores.total_score_achieved.or(flat.score.value),
                maximum: scores.total_score.or(flat.score.maximum),
                percent: scores.avg_score_percentage.or(flat.score.percent),
            },
            remarks: with_stage(flat.remarks, status.candidate_stage),
            parts: flat.parts,
        }
    }
}

impl StatusPart {
    fn of(value: Value) -> Self {
        match value {
            Value::Object(fields) => lenient::shaped(fields).unwrap_or_default(),
            text => Self {
                status: lenient::as_text(&text),
                ..Self::default()
            },
        }
    }
}

fn with_stage(mut remarks: Map<String, Value>, stage: Option<String>) -> Map<String, Value> {
    if let Some(stage) = stage {
        remarks.insert("candidateStage".into(), stage.into());
    }
    remarks
}
