//! Which messages of a batch are done: AWS's own rules, in one pure function.
//!
//! Whoever answers with something that cannot be understood has failed the whole batch, so that nothing is lost
//! for a slip of the pen; whoever answers with nothing has done it all.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::collections::BTreeSet;

use serde_json::Value;

/// The ids of the messages to delete. The others come back when their visibility time-out has run out.
///
/// `answer` is `None` if the function failed or ran out of time.
pub(super) fn done<'m>(
    ids: &[&'m str],
    reports_failures: bool,
    answer: Option<&[u8]>,
) -> BTreeSet<&'m str> {
    let all = || ids.iter().copied().collect();
    let Some(answer) = answer else {
        return BTreeSet::new();
    };
    if !reports_failures {
        return all();
    }
    match failed(ids, answer) {
        Some(failed) => all()
            .into_iter()
            .filter(|id| !failed.contains(*id))
            .collect(),
        None => BTreeSet::new(),
    }
}

/// The ids that the answer names; `None` if it is malformed.
fn failed(ids: &[&str], answer: &[u8]) -> Option<BTreeSet<String>> {
    if answer.is_empty() {
        return Some(BTreeSet::new());
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let failures = match &answer {
        Value::Null => return Some(BTreeSet::new()),
        Value::Object(object) => object.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return None,
    };
    match failures {
        Value::Null => Some(BTreeSet::new()),
        Value::Array(failures) => failures
            .iter()
            .map(|failure| identifier(ids, failure))
            .collect(),
        _ => None,
    }
}

fn identifier(ids: &[&str], failure: &Value) -> Option<String> {
    let id = failure.get("itemIdentifier")?.as_str()?;
    ids.contains(&id).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_decides_which_messages_are_done() {
        let all: &[&str] = &["a", "b", "c"];
        let none: &[&str] = &[];
        let cases: [(&str, &[&str]); 20] = [
            ("", all),
            ("null", all),
            ("{}", all),
            (r#"{"batchItemFailures":null}"#, all),
            (r#"{"batchItemFailures":[]}"#, all),
            (r#"{"other":1}"#, all),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#,
                &["a", "c"],
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b","more":1}]}"#,
                &["a", "c"],
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}"#,
                &["a", "c"],
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#,
                none,
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}"#,
                none,
            ),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, none),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, none),
            (r#"{"batchItemFailures":[{"ItemIdentifier":"b"}]}"#, none),
            (r#"{"batchItemFailures":["b"]}"#, none),
            (r#"{"batchItemFailures":"b"}"#, none),
            (r#"{"batchItemFailures":{}}"#, none),
            ("\"text\"", none),
            ("[]", none),
            ("not json", none),
        ];
        for (answer, expected) in cases {
            let done = done(all, true, Some(answer.as_bytes()));
            assert_eq!(done, expected.iter().copied().collect(), "{answer}");
        }
    }

    #[test]
    fn a_function_that_failed_has_done_nothing() {
        for reports_failures in [true, false] {
            assert!(done(&["a"], reports_failures, None).is_empty());
        }
    }

    #[test]
    fn without_reports_every_answer_means_all() {
        for answer in [
            "not json",
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#,
        ] {
            assert_eq!(done(&["a"], false, Some(answer.as_bytes())).len(), 1);
        }
    }
}
