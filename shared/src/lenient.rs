//! Values as vendors send them: a number that is text, a text that is a number, an object that is something else, nothing.
//!
//! A value that is of no use is absent, and never makes a body unreadable: whether it can be done without is for the source
//! to say. The functions that take a deserializer are for `#[serde(default, deserialize_with = "lenient::…")]`. They do not
//! guess: `"71.5"` is a number, `"71.5 %"` is none.

use crate::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

/// Up to here a floating-point number tells every integer from the next.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Reads a body that must be an object. Of a name that stands there twice, the last counts.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_slice(body)
}

/// Reads an object into a shape. Fails only where the shape itself insists on something.
pub fn shaped<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, serde_json::Error> {
    T::deserialize(Value::Object(object))
}

/// A text that is not blank, without the space around it; a whole number is one too.
#[must_use]
pub fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim())
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        Value::Number(number) => whole_number(number),
        _ => None,
    }
}

/// An id must come out the same however the number is written, and two ids must not become one.
fn whole_number(number: &Number) -> Option<String> {
    if number.is_f64() {
        exact_integer(number).map(|integer| integer.to_string())
    } else {
        Some(number.to_string())
    }
}

/// A finite number, or text that is one.
#[must_use]
pub fn as_number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number: &f64| number.is_finite())
}

/// A whole number, or text that is one.
#[must_use]
pub fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| exact_integer(number)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and within what the type holds"
)]
fn exact_integer(number: &Number) -> Option<i64> {
    let number = number.as_f64()?;
    (number.fract() == 0.0 && number.abs() < EXACT_INTEGERS).then_some(number as i64)
}

/// `true` or `false`, or text that is one of the two.
#[must_use]
pub fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_lowercase().parse().ok(),
        _ => None,
    }
}

/// Milliseconds since the epoch, or RFC 3339 with a zone. A time of no known zone is none.
#[must_use]
pub fn as_time(value: &Value) -> Option<Timestamp> {
    match as_integer(value) {
        Some(milliseconds) => Timestamp::from_unix_ms(milliseconds),
        None => value
            .as_str()
            .and_then(|text| Timestamp::parse(text.trim()).ok()),
    }
}

/// The value as it is, but a number where it is text that is one.
#[must_use]
pub fn numeric(value: &Value) -> Value {
    let number = value
        .as_str()
        .and_then(|text| text.trim().parse::<Number>().ok());
    number.map_or_else(|| value.clone(), Value::Number)
}

/// [`as_text`] of a field.
pub fn text<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(field).map(|value| as_text(&value))
}

/// [`as_number`] of a field.
pub fn number<'de, D: Deserializer<'de>>(field: D) -> Result<Option<f64>, D::Error> {
    Value::deserialize(field).map(|value| as_number(&value))
}

/// [`as_integer`] of a field.
pub fn integer<'de, D: Deserializer<'de>>(field: D) -> Result<Option<i64>, D::Error> {
    Value::deserialize(field).map(|value| as_integer(&value))
}

/// [`as_flag`] of a field.
pub fn flag<'de, D: Deserializer<'de>>(field: D) -> Result<Option<bool>, D::Error> {
    Value::deserialize(field).map(|value| as_flag(&value))
}

/// [`as_time`] of a field.
pub fn time<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Timestamp>, D::Error> {
    Value::deserialize(field).map(|value| as_time(&value))
}

/// An object within the object; anything else is one in which nothing stands.
pub fn part<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    field: D,
) -> Result<T, D::Error> {
    Value::deserialize(field).map(|value| match value {
        Value::Object(fields) => shaped(fields).unwrap_or_default(),
        _ => T::default(),
    })
}

/// The objects in a list; anything else is an empty list.
pub fn objects<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<Map<String, Value>>, D::Error> {
    Value::deserialize(field).map(|value| match value {
        Value::Array(values) => values.into_iter().filter_map(into_object).collect(),
        _ => Vec::new(),
    })
}

fn into_object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nothing_of_use() -> Vec<Value> {
        vec![json!(null), json!([]), json!({}), json!(""), json!("  ")]
    }

    #[test]
    fn an_id_is_the_same_text_however_it_is_written() {
        for value in [json!(7), json!("7"), json!(" 7 "), json!(7.0)] {
            assert_eq!(as_text(&value).as_deref(), Some("7"), "{value}");
        }
        assert_eq!(
            as_text(&json!(u64::MAX)),
            Some("18446744073709551615".into())
        );
    }

    #[test]
    fn an_id_that_may_have_lost_digits_is_none() {
        for text in ["1e300", "18446744073709551616", "9007199254740993.0", "7.5"] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(as_text(&value), None, "{text}");
        }
    }

    #[test]
    fn numbers_may_be_text_and_are_finite() {
        for value in [json!(71.5), json!("71.5"), json!(" 71.50 ")] {
            assert_eq!(as_number(&value), Some(71.5), "{value}");
        }
        for value in [json!("NaN"), json!("inf"), json!("71.5 %"), json!(true)] {
            assert_eq!(as_number(&value), None, "{value}");
        }
        assert_eq!(as_integer(&json!("-3")), Some(-3));
        assert_eq!(as_integer(&json!(3.0)), Some(3));
        for value in [json!(3.5), json!(u64::MAX), json!("3.0"), json!(1e300)] {
            assert_eq!(as_integer(&value), None, "{value}");
        }
    }

    #[test]
    fn what_is_of_no_use_is_absent() {
        for value in nothing_of_use() {
            assert_eq!(as_text(&value), None, "{value}");
            assert_eq!(as_number(&value), None, "{value}");
            assert_eq!(as_integer(&value), None, "{value}");
            assert_eq!(as_flag(&value), None, "{value}");
            assert_eq!(as_time(&value), None, "{value}");
            assert_eq!(numeric(&value), value);
        }
    }

    #[test]
    fn a_time_is_milliseconds_or_has_a_zone() {
        let expected = Timestamp::from_unix_ms(1_712_041_931_149);
        for value in [
            json!(1_712_041_931_149_i64),
            json!("1712041931149"),
            json!("2024-04-02T09:12:11.149+02:00"),
        ] {
            assert_eq!(as_time(&value), expected, "{value}");
        }
        for value in [json!("2024-04-02T07:12:11"), json!(-1), json!(i64::MAX)] {
            assert_eq!(as_time(&value), None, "{value}");
        }
    }

    #[test]
    fn flags_may_be_text() {
        assert_eq!(as_flag(&json!("True")), Some(true));
        assert_eq!(as_flag(&json!(false)), Some(false));
        assert_eq!(as_flag(&json!(1)), None);
    }

    #[test]
    fn numeric_text_becomes_the_number_that_it_says() {
        assert_eq!(numeric(&json!("74")), json!(74));
        assert_eq!(numeric(&json!("71.5")), json!(71.5));
        assert_eq!(numeric(&json!(74)), json!(74));
        assert_eq!(numeric(&json!("good")), json!("good"));
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Shape {
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
        #[serde(default, deserialize_with = "number")]
        number: Option<f64>,
        #[serde(default, deserialize_with = "integer")]
        integer: Option<i64>,
        #[serde(default, deserialize_with = "flag")]
        flag: Option<bool>,
        #[serde(default, deserialize_with = "time")]
        time: Option<Timestamp>,
        #[serde(default, deserialize_with = "part")]
        inner: Inner,
        #[serde(default, deserialize_with = "objects")]
        list: Vec<Map<String, Value>>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Inner {
        #[serde(default, deserialize_with = "text")]
        text: Option<String>,
    }

    #[test]
    fn no_value_makes_a_shape_unreadable() {
        let mut values = nothing_of_use();
        values.extend([json!(true), json!(["text"]), json!({"x": 1})]);
        for value in values {
            let names = [
                "text", "number", "integer", "flag", "time", "inner", "list", "else",
            ];
            let fields = names.map(|name| (name.to_owned(), value.clone()));
            let shape: Shape = shaped(Map::from_iter(fields)).unwrap();
            assert_eq!((shape.text, shape.inner.text), (None, None), "{value}");
        }
        assert_eq!(shaped::<Shape>(Map::new()).unwrap(), Shape::default());
    }

    #[test]
    fn only_an_object_is_a_body_and_the_last_of_a_name_counts() {
        assert_eq!(object(br#"{"a":1,"a":2}"#).unwrap()["a"], 2);
        for body in ["", "[]", "null", "\"a\"", "1", "{", "{}x", "\u{feff}{}"] {
            assert!(object(body.as_bytes()).is_err(), "{body}");
        }
        assert!(object(b"{\"a\":\"\xff\"}").is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        assert!(object(deep.as_bytes()).is_err());
    }
}
