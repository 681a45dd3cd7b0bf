//! The exact text of the elements of a list that is deep in an answer: what is kept of one attempt holds nobody else's.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The elements of the list that the names lead to, each as it came. `None` if there is no such list.
pub(super) fn elements<'a>(answer: &'a [u8], names: &[&str]) -> Option<Vec<&'a RawValue>> {
    let mut inner: &'a RawValue = serde_json::from_slice(answer).ok()?;
    for name in names {
        let fields: BTreeMap<String, &'a RawValue> = serde_json::from_str(inner.get()).ok()?;
        inner = fields.get(*name).copied()?;
    }
    serde_json::from_str(inner.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_as_it_came() {
        let answer =
            br#" { "result" : { "all": [ {"a" :  1.0, "\u0062":2} , null ] }, "errors": null }"#;
        let all = elements(answer, &["result", "all"]).unwrap();
        let texts: Vec<&str> = all.iter().map(|element| element.get()).collect();
        assert_eq!(texts, [r#"{"a" :  1.0, "\u0062":2}"#, "null"]);
        assert_eq!(elements(b"[1, 2]", &[]).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_list_has_none() {
        for answer in [
            "",
            "<html>",
            "{}",
            r#"{"data":null}"#,
            r#"{"data":{}}"#,
            "[]",
        ] {
            assert!(elements(answer.as_bytes(), &["data"]).is_none(), "{answer}");
        }
    }
}
