//! An update of an item in the making, alone or in a transaction. Attribute names always go by a placeholder, since DynamoDB
//! reserves many words.

use crate::key::ItemKey;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{self, AttributeValue, ReturnValue, TransactWriteItem};
use std::collections::HashMap;

#[derive(Clone)]
pub(super) struct Update {
    key: ItemKey,
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    returned: ReturnValue,
}

impl Update {
    pub fn of(key: &ItemKey) -> Self {
        Self {
            key: key.clone(),
            sets: Vec::new(),
            adds: Vec::new(),
            removes: Vec::new(),
            conditions: Vec::new(),
            names: HashMap::new(),
            values: HashMap::new(),
            returned: ReturnValue::None,
        }
    }

    /// An update of an item that must be there, so that nothing erased or expired comes back to life.
    pub fn of_existing(key: &ItemKey) -> Self {
        Self::of(key).only_if("attribute_exists(pk)")
    }

    fn name(&mut self, attribute: &str) {
        self.names
            .insert(format!("#{attribute}"), attribute.to_owned());
    }

    pub fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.name(attribute);
        self.sets.push(format!("#{attribute} = :{attribute}"));
        self.values.insert(format!(":{attribute}"), value);
        self
    }

    /// Sets the attribute only where it is not there yet.
    pub fn set_once(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.name(attribute);
        self.sets.push(format!(
            "#{attribute} = if_not_exists(#{attribute}, :{attribute})"
        ));
        self.values.insert(format!(":{attribute}"), value);
        self
    }

    pub fn set_or_remove(self, attribute: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(attribute, value),
            None => self.remove(attribute),
        }
    }

    pub fn add_one(self, attribute: &str) -> Self {
        self.add(attribute, ":one", 1)
    }

    /// The opposite of [`Self::add_one`].
    pub fn take_one(self, attribute: &str) -> Self {
        self.add(attribute, ":minus_one", -1)
    }

    fn add(mut self, attribute: &str, placeholder: &str, number: i8) -> Self {
        self.name(attribute);
        self.adds.push(format!("#{attribute} {placeholder}"));
        let number = AttributeValue::N(number.to_string());
        self.values.insert(placeholder.to_owned(), number);
        self
    }

    /// Takes the second attribute, if it is there, from the first.
    pub fn subtract(mut self, attribute: &str, by: &str) -> Self {
        self.name(attribute);
        self.name(by);
        self.sets.push(format!(
            "#{attribute} = #{attribute} - if_not_exists(#{by}, :nothing)"
        ));
        self.value(":nothing", AttributeValue::N("0".into()))
    }

    pub fn remove(mut self, attribute: &str) -> Self {
        self.name(attribute);
        self.removes.push(format!("#{attribute}"));
        self
    }

    /// All conditions must hold. Names in it are attributes that are no reserved words, or placeholders that the update
    /// brings with it.
    pub fn only_if(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// The attribute must have this value.
    pub fn only_if_is(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.name(attribute);
        self.values.insert(format!(":expected_{attribute}"), value);
        self.only_if(format!("#{attribute} = :expected_{attribute}"))
    }

    /// The attribute must be a number below this one.
    pub fn only_if_below(self, attribute: &str, most: AttributeValue) -> Self {
        self.only_if_compares(attribute, "<", most)
    }

    /// The attribute must be this number or above.
    pub fn only_if_not_below(self, attribute: &str, least: AttributeValue) -> Self {
        self.only_if_compares(attribute, ">=", least)
    }

    fn only_if_compares(mut self, attribute: &str, how: &str, value: AttributeValue) -> Self {
        self.name(attribute);
        self.values.insert(format!(":compared_{attribute}"), value);
        self.only_if(format!("#{attribute} {how} :compared_{attribute}"))
    }

    pub fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    pub fn returning(mut self, returned: ReturnValue) -> Self {
        self.returned = returned;
        self
    }

    fn expression(&self) -> String {
        let clause = |word: &str, parts: &[String]| {
            (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
        };
        let clauses = [
            clause("SET", &self.sets),
            clause("ADD", &self.adds),
            clause("REMOVE", &self.removes),
        ];
        let clauses: Vec<_> = clauses.into_iter().flatten().collect();
        clauses.join(" ")
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    /// By itself.
    pub fn request(self, client: &Client, table: &str) -> UpdateItemFluentBuilder {
        client
            .update_item()
            .table_name(table)
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .key("pk", AttributeValue::S(self.key.pk))
            .key("sk", AttributeValue::S(self.key.sk))
            .set_expression_attribute_names(Some(self.names).filter(|names| !names.is_empty()))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .return_values(self.returned)
    }

    /// As one of a transaction, which returns no values.
    pub fn in_transaction(self, table: &str) -> TransactWriteItem {
        let update = types::Update::builder()
            .table_name(table)
            .update_expression(self.expression())
            .set_condition_expression(self.condition())
            .key("pk", AttributeValue::S(self.key.pk))
            .key("sk", AttributeValue::S(self.key.sk))
            .set_expression_attribute_names(Some(self.names).filter(|names| !names.is_empty()))
            .set_expression_attribute_values(Some(self.values).filter(|values| !values.is_empty()))
            .build()
            .expect("table, key and expression are all that it wants");
        TransactWriteItem::builder().update(update).build()
    }
}
