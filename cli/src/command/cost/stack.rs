//! What of the template costs something whether anything comes or not, and how large the functions are.

use anyhow::Context;
use serde_yaml_ng::Value;
use std::path::Path;

/// The template, as far as it has a price.
pub struct Stack(Value);

impl Stack {
    /// Reads the template.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join("template.yaml"))?;
        Ok(Self(serde_yaml_ng::from_str(&text)?))
    }

    /// How many resources there are of a type. One under a condition counts.
    pub fn how_many(&self, kind: &str) -> usize {
        let resources = self.resources().filter(|it| is(it, kind));
        resources.count()
    }

    /// How many routes the functions have.
    pub fn routes(&self) -> usize {
        let events = self
            .resources()
            .filter_map(|it| at(it, &["Properties", "Events"])?.as_mapping())
            .flat_map(|events| events.values());
        events.filter(|event| is(event, "HttpApi")).count()
    }

    /// A function's memory, which is what its time is charged by.
    pub fn memory_gb(&self, logical_id: &str) -> anyhow::Result<f64> {
        let path = ["Resources", logical_id, "Properties", "MemorySize"];
        let megabytes = at(&self.0, &path).and_then(Value::as_f64);
        let megabytes = megabytes.with_context(|| format!("{logical_id} has no memory"))?;
        Ok(megabytes / 1024.0)
    }

    fn resources(&self) -> impl Iterator<Item = &Value> {
        let resources = at(&self.0, &["Resources"]).and_then(Value::as_mapping);
        resources.into_iter().flat_map(|it| it.values())
    }
}

fn is(value: &Value, kind: &str) -> bool {
    value.get("Type").and_then(Value::as_str) == Some(kind)
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_price_is_counted() {
        let template = "
Resources:
  A: { Type: AWS::CloudWatch::Alarm }
  B: { Type: AWS::CloudWatch::Alarm, Condition: C }
  F:
    Type: AWS::Serverless::Function
    Properties:
      MemorySize: 512
      Role: !GetAtt R.Arn
      Events:
        One: { Type: HttpApi }
        Two: { Type: SQS }
";
        let stack = Stack(serde_yaml_ng::from_str(template).unwrap());
        assert_eq!(stack.how_many("AWS::CloudWatch::Alarm"), 2);
        assert_eq!(stack.routes(), 1);
        assert!((stack.memory_gb("F").unwrap() - 0.5).abs() < f64::EPSILON);
        assert!(stack.memory_gb("G").is_err());
    }
}
