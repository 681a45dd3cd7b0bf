//! Typed access to the evaluated properties of one resource; each miss says whose property it was.

use serde_json::{Map, Value, json};

use super::intrinsics::{Resolver, as_text};
use super::{Fault, TemplateError};

/// The properties of one resource, still unevaluated but for what is asked for.
pub(super) struct Properties<'a> {
    place: &'a str,
    body: &'a Value,
    resolver: &'a Resolver<'a>,
}

impl<'a> Properties<'a> {
    pub(super) fn new(place: &'a str, body: &'a Value, resolver: &'a Resolver<'a>) -> Self {
        Self {
            place,
            body,
            resolver,
        }
    }

    /// A nested object's properties, of the same resource.
    pub(super) fn within(&self, body: &'a Value) -> Self {
        Self {
            place: self.place,
            body,
            resolver: self.resolver,
        }
    }

    /// The property as it stands in the template.
    pub(super) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.body.get(name)
    }

    pub(super) fn value(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        let value = self
            .raw(name)
            .map(|value| self.resolver.evaluate(value))
            .transpose();
        Ok(value.map_err(|fault| self.fault(fault))?.flatten())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, TemplateError> {
        let read = |value: &Value| as_text(value).ok_or_else(|| self.shape(name, "text"));
        self.value(name)?.as_ref().map(read).transpose()
    }

    /// A number, or text that is one: parameters of type Number come as either.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, TemplateError> {
        let text = self.text(name)?;
        let read = |text: String| text.parse().map_err(|_| self.shape(name, "a whole number"));
        text.map(read).transpose()
    }

    pub(super) fn truth(&self, name: &'static str) -> Result<Option<bool>, TemplateError> {
        let text = self.text(name)?;
        let read = |text: String| text.parse().map_err(|_| self.shape(name, "true or false"));
        text.map(read).transpose()
    }

    pub(super) fn required_text(&self, name: &'static str) -> Result<String, TemplateError> {
        self.text(name)?
            .ok_or_else(|| self.fault(Fault::Missing(name)))
    }

    /// An evaluated object; empty if the property is not there.
    pub(super) fn object(&self, name: &'static str) -> Result<Map<String, Value>, TemplateError> {
        match self.value(name)?.unwrap_or_else(|| json!({})) {
            Value::Object(object) => Ok(object),
            _ => Err(self.shape(name, "an object")),
        }
    }

    pub(super) fn fault(&self, fault: Fault) -> TemplateError {
        fault.at(self.place)
    }

    pub(super) fn shape(&self, property: &'static str, expected: &'static str) -> TemplateError {
        self.fault(Fault::WrongShape { property, expected })
    }
}
