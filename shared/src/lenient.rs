//! Values as vendors send them: a number that is text, a text that is a number, an object that is something else, nothing.
//!
//! A value that is of no use is absent, and never makes a body unreadable: whether it can be done without is for the source
//! to say. The functions that take a deserializer are for `#[serde(default, deserialize_with = "lenient::…")]`. They do not
//! guess: `"71.5"` is a number, `"71.5 %"` is none.

use crate::timestamp::Timestamp;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

/// Up to here a floating-point number tells every integer from the next.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// What people paste may have lost the padding at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

/// The fields of these names, each as `read` makes it, without those that are null or made so.
pub fn present(
    names: &[&str],
    fields: &Map<String, Value>,
    read: impl Fn(&Value) -> Value,
) -> Map<String, Value> {
    let field = |name: &&str| {
        let value = fields.get(*name).map(&read)?;
        (!value.is_null()).then(|| ((*name).to_owned(), value))
    };
    names.iter().filter_map(field).collect()
}

/// The text without the space around it, or the default where that leaves nothing.
#[must_use]
pub fn text_or<'a>(text: Option<&'a str>, default: &'a str) -> &'a str {
    text.map(str::trim)
        .filter(|text| !text.is_empty())
        .unwrap_or(default)
}

/// The bytes of a text in base64, with its padding or without.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
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
mod tests;
