//! JobMojito's answers: see [`crate::vendors::fuzzing`].

use super::{exported, interview};
use crate::vendors::fuzzing::Understood;
use reqwest::Response;

/// Every reader of an answer about this attempt.
pub fn jobmojito(response: impl Fn() -> Response, attempt: &str) -> Understood {
    let mut understood = Understood::default();
    if let Some(mut answer) = understood.read(response()) {
        let bytes = std::mem::take(&mut answer.bytes);
        if let Some(json) = understood.result(answer.success()) {
            understood.told(interview::listed(attempt, &bytes));
            understood.told(interview::result(attempt, bytes, &json));
            understood.linked(exported(&json, attempt));
        }
    }
    understood
}
