//! The first version: everything about a candidate side by side in `data`. The second version has some of it in its place.

use super::{Facts, full_name, set};
use serde::Deserialize;
use serde_json::{Map, Value};
use shared::event::Score;
use shared::lenient;

/// What of a part people read.
const OF_A_PART: [&str; 3] = ["testLibraryTitle", "scorePercentage", "scoreAchieved"];

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Data {
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_id: Option<String>,
    /// The title of a candidate's assessment. The second version has an object here.
    #[serde(default, deserialize_with = "lenient::text")]
    assessment: Option<String>,
    /// What an expired invitation has for it.
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_name: Option<String>,
    /// And that has this besides.
    #[serde(default, deserialize_with = "lenient::text")]
    title: Option<String>,
    /// What a changed assessment has for it.
    #[serde(default, deserialize_with = "lenient::text")]
    assessment_title: Option<String>,
    /// And that has this besides.
    #[serde(default, deserialize_with = "lenient::text")]
    name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    email: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_status: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    candidate_stage: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    completed_at: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_score_achieved: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_score: Option<f64>,
    #[serde(default, deserialize_with = "lenient::number")]
    avg_score_percentage: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    result_link: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    review_rating: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    review_remark: Option<String>,
    #[serde(default, deserialize_with = "lenient::objects")]
    test_library: Vec<Map<String, Value>>,
}

impl From<Data> for Facts {
    fn from(data: Data) -> Self {
        Self {
            remarks: data.remarks(),
            title: data.title(),
            assessment_id: data.assessment_id,
            email: data.email,
            candidate_id: data.candidate_id,
            name: full_name(data.first_name, data.last_name),
            status: data.candidate_status,
            completed_at: set(data.completed_at),
            score: Score {
                value: data.total_score_achieved,
                maximum: data.total_score,
                percent: data.avg_score_percentage,
            },
            result_link: data.result_link,
            parts: data.test_library.iter().filter_map(part).collect(),
        }
    }
}

impl Data {
    fn title(&self) -> Option<String> {
        // Beside an address, a name might be the person's.
        let name = self.name.as_ref().filter(|_| self.email.is_none());
        self.assessment
            .as_ref()
            .or(self.assessment_name.as_ref())
            .or(self.title.as_ref())
            .or(self.assessment_title.as_ref())
            .or(name)
            .cloned()
    }

    /// What is always there and mostly says nothing is left out where it says nothing.
    fn remarks(&self) -> Map<String, Value> {
        let rating = self.review_rating.filter(|rating| *rating > 0.0);
        let remarks = [
            (
                "candidateStage",
                self.candidate_stage.clone().map(Value::from),
            ),
            ("reviewRating", rating.map(Value::from)),
            ("reviewRemark", self.review_remark.clone().map(Value::from)),
        ];
        let present = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
        remarks.into_iter().filter_map(present).collect()
    }
}

/// Questions, answers and times are the bulk of a part, and nobody's business here.
fn part(fields: &Map<String, Value>) -> Option<Value> {
    let part = lenient::present(&OF_A_PART, fields, lenient::numeric);
    (!part.is_empty()).then_some(Value::Object(part))
}
