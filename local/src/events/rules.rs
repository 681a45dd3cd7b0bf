//! Buses, their rules, and where those lead.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::arn;
use super::error::EventsError;
use super::pattern::Pattern;
use super::request::{self, DEFAULT_BUS, bus_name};

/// What `PutTargets` takes for one rule.
const MOST_TARGETS: usize = 5;

/// All buses by name. The default bus is always there.
#[derive(Debug)]
pub(super) struct Buses(BTreeMap<String, Bus>);

type Bus = BTreeMap<String, Rule>;

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    pattern_text: String,
    description: Option<String>,
    enabled: bool,
    /// The queues' names by the targets' ids.
    targets: BTreeMap<String, String>,
}

impl Default for Buses {
    fn default() -> Self {
        Self(BTreeMap::from([(DEFAULT_BUS.to_owned(), Bus::new())]))
    }
}

impl Buses {
    pub(super) fn create(&mut self, name: &str) -> Result<Value, EventsError> {
        if self.0.contains_key(name) {
            return Err(EventsError::BusExists(name.to_owned()));
        }
        self.0.insert(name.to_owned(), Bus::new());
        Ok(json!({ "EventBusArn": bus_arn(name) }))
    }

    pub(super) fn describe(&self, name: &str) -> Result<Value, EventsError> {
        let name = bus_name(name);
        self.bus(name)?;
        Ok(json!({ "Name": name, "Arn": bus_arn(name) }))
    }

    /// The names of the queues that an event of this bus is for, once for each target. None if there is no such bus.
    pub(super) fn queues_for(&self, bus: &str, event: &Value) -> Vec<String> {
        let rules = self.0.get(bus_name(bus)).into_iter().flat_map(Bus::values);
        let rules = rules.filter(|rule| rule.enabled && rule.pattern.matches(event));
        rules
            .flat_map(|rule| rule.targets.values().cloned())
            .collect()
    }

    pub(super) fn put_rule(&mut self, input: request::PutRule) -> Result<Value, EventsError> {
        if input.schedule_expression.is_some() {
            let text =
                "this EventBridge has no rules with a schedule: see AWS::Scheduler::Schedule";
            return Err(EventsError::Invalid(text));
        }
        let text = input.event_pattern.ok_or(EventsError::Invalid(
            "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        ))?;
        let pattern = Pattern::parse(&text)?;
        let bus = bus_name(&input.event_bus_name).to_owned();
        let arn = rule_arn(&bus, &input.name);
        let rules = self.bus_mut(&bus)?;
        let before = rules.remove(&input.name);
        let rule = Rule {
            pattern,
            pattern_text: text,
            description: input.description,
            enabled: input.state.as_deref() != Some("DISABLED"),
            targets: before.map(|rule| rule.targets).unwrap_or_default(),
        };
        rules.insert(input.name, rule);
        Ok(json!({ "RuleArn": arn }))
    }

    pub(super) fn list_rules(&self, input: &request::ListRules) -> Result<Value, EventsError> {
        let bus = bus_name(&input.event_bus_name);
        let rules = self.bus(bus)?.iter();
        let rules = rules.filter(|(name, _)| name.starts_with(&input.name_prefix));
        let rules: Vec<Value> = rules.map(|(name, rule)| rule.shown(bus, name)).collect();
        Ok(json!({ "Rules": rules }))
    }

    /// One that is gone already is no error, as at AWS.
    pub(super) fn delete_rule(
        &mut self,
        input: &request::DeleteRule,
    ) -> Result<Value, EventsError> {
        let rules = self.bus_mut(&input.event_bus_name)?;
        if rules
            .get(&input.name)
            .is_some_and(|rule| !rule.targets.is_empty())
        {
            return Err(EventsError::HasTargets);
        }
        rules.remove(&input.name);
        Ok(json!({}))
    }

    pub(super) fn put_targets(&mut self, input: request::OfRule) -> Result<Value, EventsError> {
        let rule = self.rule_mut(&input)?;
        let mut targets = rule.targets.clone();
        for target in input.targets {
            targets.insert(target.id.clone(), queue_name(&target)?);
        }
        if targets.len() > MOST_TARGETS {
            return Err(EventsError::Invalid(
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        rule.targets = targets;
        Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
    }

    pub(super) fn list_targets(&mut self, input: &request::OfRule) -> Result<Value, EventsError> {
        let targets = self.rule_mut(input)?.targets.iter();
        let shown = |(id, queue): (&String, &String)| json!({ "Id": id, "Arn": crate::template::queue_arn(queue) });
        Ok(json!({ "Targets": targets.map(shown).collect::<Vec<_>>() }))
    }

    pub(super) fn remove_targets(&mut self, input: &request::OfRule) -> Result<Value, EventsError> {
        let rule = self.rule_mut(input)?;
        rule.targets.retain(|id, _| !input.ids.contains(id));
        Ok(json!({ "FailedEntryCount": 0, "FailedEntries": [] }))
    }

    fn bus(&self, name: &str) -> Result<&Bus, EventsError> {
        let bus = self.0.get(bus_name(name));
        bus.ok_or_else(|| EventsError::NoBus(name.to_owned()))
    }

    fn bus_mut(&mut self, name: &str) -> Result<&mut Bus, EventsError> {
        let bus = self.0.get_mut(bus_name(name));
        bus.ok_or_else(|| EventsError::NoBus(name.to_owned()))
    }

    fn rule_mut(&mut self, input: &request::OfRule) -> Result<&mut Rule, EventsError> {
        let rule = self.bus_mut(&input.event_bus_name)?.get_mut(&input.rule);
        rule.ok_or_else(|| EventsError::NoRule {
            rule: input.rule.clone(),
            bus: input.event_bus_name.clone(),
        })
    }
}

impl Rule {
    fn shown(&self, bus: &str, name: &str) -> Value {
        json!({
            "Name": name,
            "Arn": rule_arn(bus, name),
            "EventBusName": bus,
            "EventPattern": self.pattern_text,
            "Description": self.description,
            "State": if self.enabled { "ENABLED" } else { "DISABLED" },
        })
    }
}

/// The queue that a target is, if it is one, and gets whole events.
fn queue_name(target: &request::Target) -> Result<String, EventsError> {
    let refused = || EventsError::Target(target.id.clone());
    let queue = target
        .arn
        .strip_prefix("arn:aws:sqs:")
        .ok_or_else(refused)?;
    let name = queue.rsplit(':').next().filter(|name| !name.is_empty());
    name.filter(|_| target.others.is_empty())
        .map(str::to_owned)
        .ok_or_else(refused)
}

fn bus_arn(name: &str) -> String {
    arn(&format!("event-bus/{name}"))
}

fn rule_arn(bus: &str, name: &str) -> String {
    if bus == DEFAULT_BUS {
        arn(&format!("rule/{name}"))
    } else {
        arn(&format!("rule/{bus}/{name}"))
    }
}
