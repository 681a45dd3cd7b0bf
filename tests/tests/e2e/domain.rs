//! A domain of one's own, as the template makes it: whole, or not at all.

use crate::template::{resource, template_with, text};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

const NAME: (&str, &str) = ("CustomDomainName", "hooks.example.com");
const CERTIFICATE: (&str, &str) = (
    "CustomDomainCertificateArn",
    "arn:aws:acm:eu-west-1:000000000000:certificate/1",
);
const ZONE: (&str, &str) = ("HostedZoneId", "Z1");

#[test]
fn the_webhooks_are_said_to_be_under_the_domain_that_was_given() {
    let own = template_with(&[NAME, CERTIFICATE]).outputs;
    assert_eq!(own["ApiUrl"], "https://hooks.example.com");
    assert!(own["ApiDomainTarget"].ends_with(".amazonaws.com"));

    let none = template_with(&[]).outputs;
    assert_eq!(none["ApiUrl"], "http://127.0.0.1:2");
    assert!(!none.contains_key("ApiDomainTarget"));
}

#[test]
fn nothing_of_a_domain_is_made_without_one() {
    for (logical_id, condition) in [
        ("ApiDomain", "HasCustomDomain"),
        ("ApiDomainMapping", "HasCustomDomain"),
        ("ApiDomainRecord", "HasHostedZone"),
    ] {
        let condition = format!("\n    Condition: {condition}");
        assert!(resource(logical_id).contains(&condition), "{logical_id}");
    }
}

#[test]
fn half_a_domain_is_refused_and_the_answer_names_what_is_missing() {
    let cases: [(&[_], &[&str]); 7] = [
        (&[], &[]),
        (&[NAME, CERTIFICATE], &[]),
        (&[NAME, CERTIFICATE, ZONE], &[]),
        (&[NAME], &["CustomDomainCertificateArn is not"]),
        (&[NAME, ZONE], &["CustomDomainCertificateArn is not"]),
        (&[CERTIFICATE], &["CustomDomainName is not"]),
        (&[ZONE], &["Give the domain"]),
    ];
    for (parameters, expected) in cases {
        let told = broken_rules(&parameters.iter().copied().collect());
        assert_eq!(told.len(), expected.len(), "{parameters:?}: {told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{parameters:?}: {told}");
        }
    }
}

/// What `CloudFormation` would answer, by the template's `Rules`.
fn broken_rules(parameters: &BTreeMap<&str, &str>) -> Vec<String> {
    let template: Value = serde_yaml_ng::from_str(&text()).unwrap();
    let rules = template["Rules"].as_mapping().unwrap();
    let broken = rules.values().filter(|rule| {
        let assertion = &rule["Assertions"][0];
        holds(&rule["RuleCondition"], parameters) && !holds(&assertion["Assert"], parameters)
    });
    let told = broken.map(|rule| rule["Assertions"][0]["AssertDescription"].as_str().unwrap());
    told.map(str::to_owned).collect()
}

/// `!Not` and `!Equals`, which are all that the rules use.
fn holds(condition: &Value, parameters: &BTreeMap<&str, &str>) -> bool {
    let Value::Tagged(tagged) = condition else {
        panic!("{condition:?} is no condition")
    };
    match (tagged.tag.to_string().as_str(), &tagged.value) {
        ("!Not", Value::Sequence(of)) => !holds(&of[0], parameters),
        ("!Equals", Value::Sequence(of)) => value(&of[0], parameters) == value(&of[1], parameters),
        (other, _) => panic!("{other} is not known here"),
    }
}

fn value(value: &Value, parameters: &BTreeMap<&str, &str>) -> String {
    match value {
        Value::Tagged(reference) => {
            let name = reference.value.as_str().unwrap();
            (*parameters.get(name).unwrap_or(&"")).to_owned()
        }
        plain => plain.as_str().unwrap().to_owned(),
    }
}
