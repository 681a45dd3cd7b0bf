//! Conditions, and the operators that they are made of; and what a parameter may be.

use serde_json::Value;

use super::intrinsics::{Resolver, as_text, text};
use super::{Fault, TemplateError};

impl Resolver<'_> {
    /// Whether a condition holds.
    pub(super) fn condition(&self, name: &str) -> Result<bool, Fault> {
        let condition = self.document.conditions.get(name);
        let condition = condition.ok_or_else(|| Fault::UnknownCondition(name.to_owned()))?;
        if self.conditions.borrow().iter().any(|other| other == name) {
            return Err(Fault::Circle(name.to_owned()));
        }
        self.conditions.borrow_mut().push(name.to_owned());
        let outcome = self.truth(condition);
        self.conditions.borrow_mut().pop();
        outcome
    }

    pub(super) fn operator(&self, name: &str, arguments: &Value) -> Result<bool, Fault> {
        match name {
            "Condition" => self.condition(text(arguments, "Condition")?),
            "Fn::Equals" => match arguments.as_array().map(Vec::as_slice) {
                Some([left, right]) => {
                    let (left, right) = (self.evaluate(left)?, self.evaluate(right)?);
                    Ok(left.as_ref().and_then(as_text) == right.as_ref().and_then(as_text))
                }
                _ => Err(Fault::BadArguments("Equals")),
            },
            "Fn::Not" => match arguments.as_array().map(Vec::as_slice) {
                Some([condition]) => self.truth(condition).map(|truth| !truth),
                _ => Err(Fault::BadArguments("Not")),
            },
            "Fn::And" => Ok(self
                .truths(arguments, "And")?
                .into_iter()
                .all(|truth| truth)),
            _ => Ok(self.truths(arguments, "Or")?.into_iter().any(|truth| truth)),
        }
    }

    fn truths(&self, arguments: &Value, name: &'static str) -> Result<Vec<bool>, Fault> {
        let conditions = arguments.as_array().ok_or(Fault::BadArguments(name))?;
        conditions
            .iter()
            .map(|condition| self.truth(condition))
            .collect()
    }

    fn truth(&self, condition: &Value) -> Result<bool, Fault> {
        match self.evaluate(condition)? {
            Some(Value::Bool(truth)) => Ok(truth),
            _ => Err(Fault::BadArguments("a condition")),
        }
    }
}

/// Refuses what is not among the parameter's allowed values. Patterns and ranges are the deployment's to check.
pub(super) fn check_allowed(
    name: &str,
    value: &Value,
    declaration: &Value,
) -> Result<(), TemplateError> {
    let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array) else {
        return Ok(());
    };
    let value = as_text(value).unwrap_or_default();
    let allowed: Vec<String> = allowed.iter().filter_map(as_text).collect();
    if allowed.contains(&value) {
        return Ok(());
    }
    let (name, allowed) = (name.to_owned(), allowed.join(", "));
    Err(TemplateError::ParameterNotAllowed {
        name,
        value,
        allowed,
    })
}
