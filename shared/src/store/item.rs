//! Attributes in and out of the SDK's types.

use super::table::Attributes;
use crate::key::ItemKey;
use crate::timestamp::Timestamp;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// An item is not as this code writes it.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// An attribute is not as it is written.
    #[error("the attribute `{attribute}` of {item} is absent or of another type")]
    Attribute {
        /// Which attribute.
        attribute: &'static str,
        /// The key of the item.
        item: String,
    },
    /// What is stored of an event's body are not the bytes that came.
    #[error(
        "the body of {event} is damaged: what is stored of it does not have the SHA-256 of what came"
    )]
    DamagedBody {
        /// The event.
        event: ItemKey,
    },
    /// The bytes of an event's body were erased.
    #[error("the body of {event} was erased")]
    ErasedBody {
        /// The event.
        event: ItemKey,
    },
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

pub(super) fn count(value: usize) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(super) fn time(value: Timestamp) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// When something that is kept this long from now on expires, as time to live has it; `None` is never.
pub(super) fn expiry(now: Timestamp, keep_for: Option<Duration>) -> Option<AttributeValue> {
    keep_for.map(|it| number(now.plus(it).unix_seconds()))
}

/// An item on its way in.
pub(super) struct Item<'a>(pub &'a Attributes);

impl<'a> Item<'a> {
    pub fn error(&self, attribute: &'static str) -> ItemError {
        let key = |name| self.optional_text(name).unwrap_or("?");
        ItemError::Attribute {
            attribute,
            item: format!("{} {}", key("pk"), key("sk")),
        }
    }

    pub fn optional_text(&self, attribute: &str) -> Option<&'a str> {
        self.0.get(attribute)?.as_s().ok().map(String::as_str)
    }

    pub fn text(&self, attribute: &'static str) -> Result<&'a str, ItemError> {
        self.optional_text(attribute)
            .ok_or_else(|| self.error(attribute))
    }

    pub fn optional_number(&self, attribute: &str) -> Option<i64> {
        self.0.get(attribute)?.as_n().ok()?.parse().ok()
    }

    /// The same, for one that is never below zero.
    pub fn optional_count(&self, attribute: &str) -> Option<u64> {
        u64::try_from(self.optional_number(attribute)?).ok()
    }

    pub fn number(&self, attribute: &'static str) -> Result<i64, ItemError> {
        self.optional_number(attribute)
            .ok_or_else(|| self.error(attribute))
    }

    /// A number that is never below zero.
    pub fn count(&self, attribute: &'static str) -> Result<u64, ItemError> {
        u64::try_from(self.number(attribute)?).map_err(|_| self.error(attribute))
    }

    pub fn optional_time(&self, attribute: &str) -> Option<Timestamp> {
        Timestamp::parse(self.optional_text(attribute)?).ok()
    }

    pub fn time(&self, attribute: &'static str) -> Result<Timestamp, ItemError> {
        self.optional_time(attribute)
            .ok_or_else(|| self.error(attribute))
    }

    pub fn json<T: DeserializeOwned>(&self, attribute: &'static str) -> Result<T, ItemError> {
        serde_json::from_str(self.text(attribute)?).map_err(|_| self.error(attribute))
    }

    /// A word of an enum that is written as one text in JSON.
    pub fn word<T: DeserializeOwned>(&self, attribute: &'static str) -> Result<T, ItemError> {
        let value = serde_json::Value::String(self.text(attribute)?.to_owned());
        serde_json::from_value(value).map_err(|_| self.error(attribute))
    }

    /// A text of a type that is read with `parse`.
    pub fn word_parsed<T: std::str::FromStr>(
        &self,
        attribute: &'static str,
    ) -> Result<T, ItemError> {
        self.text(attribute)?
            .parse()
            .map_err(|_| self.error(attribute))
    }

    pub fn bytes(&self, attribute: &'static str) -> Result<&'a [u8], ItemError> {
        let blob = self.0.get(attribute).and_then(|value| value.as_b().ok());
        blob.map(AsRef::as_ref).ok_or_else(|| self.error(attribute))
    }

    pub fn key(&self) -> Result<ItemKey, ItemError> {
        Ok(ItemKey {
            pk: self.text("pk")?.to_owned(),
            sk: self.text("sk")?.to_owned(),
        })
    }
}

/// The word that an enum is in JSON.
pub(super) fn word(value: &impl serde::Serialize) -> AttributeValue {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => AttributeValue::S(word),
        other => AttributeValue::S(format!("{other:?}")),
    }
}

/// A value as JSON text.
pub(super) fn json(value: &impl serde::Serialize) -> AttributeValue {
    AttributeValue::S(serde_json::to_string(value).expect("our own types have string keys"))
}
