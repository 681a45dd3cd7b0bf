//! Xobin's answers: see [`crate::vendors::fuzzing`].

use super::{report, shared_link, webhooks};
use crate::vendors::fuzzing::Understood;
use reqwest::Response;
use shared::error::causes;
use shared::secrets::SecretText;
use xobin_webhook::Auth;

/// Every reader of an answer about this attempt, asked for with this key, which registered this credential.
pub fn xobin(
    response: impl Fn() -> Response,
    attempt: &str,
    auth: &Auth,
    key: &SecretText,
) -> Understood {
    let mut understood = Understood::default();
    if let Some(mut answer) = understood.read(response()) {
        let bytes = std::mem::take(&mut answer.bytes);
        if let Some(json) = understood.result(answer.success()) {
            understood.linked(shared_link(&json, attempt));
            understood.told(report::result(attempt, bytes, &json));
        }
    }
    if let Some(answer) = understood.read(response()) {
        let shown = match webhooks::message(answer, &webhooks::secrets(auth, key)) {
            Ok(message) => message.unwrap_or_default(),
            Err(error) => causes(&error),
        };
        understood.shown.push(shown);
    }
    understood
}
