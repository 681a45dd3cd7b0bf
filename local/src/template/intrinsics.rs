//! The intrinsic functions, evaluated with this machine's names.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::conditions;
use super::document::Document;
use super::names::{self, Place};
use super::{Fault, TemplateError};

/// Evaluates parts of a document. `None` is `AWS::NoValue`: the property that has it is not there.
pub(super) struct Resolver<'a> {
    pub(super) document: &'a Document,
    parameters: BTreeMap<&'a str, Value>,
    place: &'a Place,
    /// The conditions under evaluation, to notice a circle.
    pub(super) conditions: RefCell<Vec<String>>,
}

pub(super) type Evaluated = Result<Option<Value>, Fault>;

impl<'a> Resolver<'a> {
    pub(super) fn new(
        document: &'a Document,
        overrides: &BTreeMap<String, String>,
        place: &'a Place,
    ) -> Result<Self, TemplateError> {
        for name in overrides.keys() {
            if !document.parameters.contains_key(name) {
                return Err(TemplateError::UnknownParameter(name.clone()));
            }
        }
        let mut parameters = BTreeMap::new();
        for (name, declaration) in &document.parameters {
            let set = overrides
                .get(name)
                .map(|value| Value::String(value.clone()));
            if let Some(value) = set.or_else(|| declaration.get("Default").cloned()) {
                conditions::check_allowed(name, &value, declaration)?;
                parameters.insert(name.as_str(), value);
            }
        }
        Ok(Self {
            document,
            parameters,
            place,
            conditions: RefCell::default(),
        })
    }

    pub(super) fn place(&self) -> &Place {
        self.place
    }

    /// A value without intrinsics in it.
    pub(super) fn evaluate(&self, value: &Value) -> Evaluated {
        match value {
            Value::Object(object) => match sole_entry(object) {
                Some((name, arguments)) if is_intrinsic(name) => self.intrinsic(name, arguments),
                _ => self.object(object).map(Some),
            },
            Value::Array(items) => self.items(items).map(|items| Some(Value::Array(items))),
            other => Ok(Some(other.clone())),
        }
    }

    /// The name of a resource: its own, or one made from the stack's and its logical id.
    pub(super) fn name_of(&self, logical_id: &str) -> Result<String, Fault> {
        let resource = self.document.resources.get(logical_id);
        let resource = resource.ok_or_else(|| Fault::UnknownName(logical_id.to_owned()))?;
        let given = names::name_property(&resource.kind)
            .and_then(|property| resource.properties.get(property))
            .map(|name| self.evaluate(name))
            .transpose()?
            .flatten();
        Ok(match given {
            Some(Value::String(name)) => name,
            _ => self.place.generated_name(&resource.kind, logical_id),
        })
    }

    fn object(&self, object: &Map<String, Value>) -> Result<Value, Fault> {
        let mut evaluated = Map::new();
        for (key, value) in object {
            if let Some(value) = self.evaluate(value)? {
                evaluated.insert(key.clone(), value);
            }
        }
        Ok(Value::Object(evaluated))
    }

    fn items(&self, items: &[Value]) -> Result<Vec<Value>, Fault> {
        let evaluated = items.iter().map(|item| self.evaluate(item));
        evaluated.filter_map(Result::transpose).collect()
    }

    fn intrinsic(&self, name: &str, arguments: &Value) -> Evaluated {
        match name {
            "Ref" => self.reference(text(arguments, "Ref")?),
            "Fn::GetAtt" => self.attribute(arguments).map(Some),
            "Fn::Sub" => self.substitute(arguments).map(Some),
            "Fn::If" => self.choose(arguments),
            "Fn::Join" => self.join(arguments).map(Some),
            "Fn::Select" => self.select(arguments),
            "Fn::Split" => self.split(arguments).map(Some),
            "Fn::FindInMap" => self.find_in_map(arguments).map(Some),
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" | "Condition" => self
                .operator(name, arguments)
                .map(|truth| Some(Value::Bool(truth))),
            other => Err(Fault::UnknownIntrinsic(other.to_owned())),
        }
    }

    fn reference(&self, name: &str) -> Evaluated {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if let Some(value) = self.place.pseudo_parameter(name) {
            return Ok(Some(value));
        }
        if let Some(value) = self.parameters.get(name) {
            return Ok(Some(value.clone()));
        }
        if self.document.parameters.contains_key(name) {
            return Err(Fault::NoValue(name.to_owned()));
        }
        let resource = self.document.resources.get(name);
        let resource = resource.ok_or_else(|| Fault::UnknownName(name.to_owned()))?;
        let own_name = self.name_of(name)?;
        Ok(Some(Value::String(
            self.place.reference(&resource.kind, &own_name),
        )))
    }

    fn attribute(&self, arguments: &Value) -> Result<Value, Fault> {
        match arguments.as_array().map(Vec::as_slice) {
            Some([Value::String(resource), Value::String(attribute)]) => {
                self.attribute_of(resource, attribute).map(Value::String)
            }
            _ => Err(Fault::BadArguments("GetAtt")),
        }
    }

    fn attribute_of(&self, logical_id: &str, attribute: &str) -> Result<String, Fault> {
        let resource = self.document.resources.get(logical_id);
        let resource = resource.ok_or_else(|| Fault::UnknownName(logical_id.to_owned()))?;
        let name = self.name_of(logical_id)?;
        let value = self.place.attribute(&resource.kind, &name, attribute);
        value.ok_or_else(|| Fault::UnknownAttribute {
            resource: logical_id.to_owned(),
            kind: resource.kind.clone(),
            attribute: attribute.to_owned(),
        })
    }

    fn substitute(&self, arguments: &Value) -> Result<Value, Fault> {
        let (pattern, own) = match arguments {
            Value::String(pattern) => (pattern, Map::new()),
            Value::Array(items) => match items.as_slice() {
                [Value::String(pattern), Value::Object(own)] => (pattern, own.clone()),
                _ => return Err(Fault::BadArguments("Sub")),
            },
            _ => return Err(Fault::BadArguments("Sub")),
        };
        let mut output = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or(Fault::BadArguments("Sub"))?;
            output.push_str(before);
            output.push_str(&self.placeholder(name, &own)?);
            rest = after;
        }
        output.push_str(rest);
        Ok(Value::String(self.place.with_local_api(&output)))
    }

    fn placeholder(&self, name: &str, own: &Map<String, Value>) -> Result<String, Fault> {
        // `${!Literal}` is the way to write `${Literal}`.
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(format!("${{{literal}}}"));
        }
        let value = match (own.get(name), name.split_once('.')) {
            (Some(value), _) => self.evaluate(value)?,
            (None, Some((resource, attribute))) => {
                Some(Value::String(self.attribute_of(resource, attribute)?))
            }
            (None, None) => self.reference(name)?,
        };
        value
            .as_ref()
            .and_then(as_text)
            .ok_or(Fault::BadArguments("Sub"))
    }

    fn choose(&self, arguments: &Value) -> Evaluated {
        match arguments.as_array().map(Vec::as_slice) {
            Some([Value::String(condition), then, otherwise]) => {
                self.evaluate(if self.condition(condition)? {
                    then
                } else {
                    otherwise
                })
            }
            _ => Err(Fault::BadArguments("If")),
        }
    }

    fn join(&self, arguments: &Value) -> Result<Value, Fault> {
        let bad = || Fault::BadArguments("Join");
        let Some([Value::String(delimiter), list]) = arguments.as_array().map(Vec::as_slice) else {
            return Err(bad());
        };
        let list = self.list(list, "Join")?;
        let parts: Option<Vec<String>> = list.iter().map(as_text).collect();
        let joined = parts.ok_or_else(bad)?.join(delimiter);
        Ok(Value::String(self.place.with_local_api(&joined)))
    }

    fn select(&self, arguments: &Value) -> Evaluated {
        let (index, list) = match arguments.as_array().map(Vec::as_slice) {
            Some([index, list]) => (self.evaluate(index)?, self.list(list, "Select")?),
            _ => return Err(Fault::BadArguments("Select")),
        };
        let index = index
            .as_ref()
            .and_then(as_text)
            .and_then(|text| text.parse::<usize>().ok());
        let chosen = index.and_then(|index| list.get(index).cloned());
        chosen.map(Some).ok_or(Fault::BadArguments("Select"))
    }

    fn split(&self, arguments: &Value) -> Result<Value, Fault> {
        match arguments.as_array().map(Vec::as_slice) {
            Some([Value::String(delimiter), source]) => {
                let source = self.evaluate(source)?.as_ref().and_then(as_text);
                let source = source.ok_or(Fault::BadArguments("Split"))?;
                Ok(source.split(delimiter.as_str()).map(Value::from).collect())
            }
            _ => Err(Fault::BadArguments("Split")),
        }
    }

    fn find_in_map(&self, arguments: &Value) -> Result<Value, Fault> {
        let path = self.list(arguments, "FindInMap")?;
        let path: Option<Vec<String>> = path.iter().map(as_text).collect();
        let found = match path.as_deref() {
            Some([map, first, second]) => {
                let map = self.document.mappings.get(map.as_str());
                map.and_then(|map| map.get(first)?.get(second))
            }
            _ => None,
        };
        found.cloned().ok_or(Fault::BadArguments("FindInMap"))
    }

    fn list(&self, value: &Value, name: &'static str) -> Result<Vec<Value>, Fault> {
        match self.evaluate(value)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Fault::BadArguments(name)),
        }
    }
}

fn sole_entry(object: &Map<String, Value>) -> Option<(&String, &Value)> {
    if object.len() == 1 {
        object.iter().next()
    } else {
        None
    }
}

fn is_intrinsic(name: &str) -> bool {
    name == "Ref" || name == "Condition" || name.starts_with("Fn::")
}

pub(super) fn text<'v>(value: &'v Value, name: &'static str) -> Result<&'v str, Fault> {
    value.as_str().ok_or(Fault::BadArguments(name))
}

/// Text, as `CloudFormation` makes it of numbers and truth values.
pub(super) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
