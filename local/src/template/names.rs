//! What things are called on this machine: what `Ref` and `GetAtt` of a resource give.

use serde_json::Value;

/// The region that everything here claims to be in.
pub const REGION: &str = "eu-west-1";

/// The account that everything here claims to belong to.
pub const ACCOUNT: &str = "000000000000";

/// What the local names depend on.
#[derive(Debug, Clone)]
pub struct Place {
    /// The stack's name, with which generated names begin.
    pub stack: String,
    /// Where the engines are served, without a slash at the end.
    pub endpoint_url: String,
    /// Where the HTTP API is served, without a slash at the end.
    pub api_url: String,
}

/// The API's id, which its deployed host name would begin with.
pub(super) const API_ID: &str = "local";

/// The ARN of a secret. AWS ends it with six random letters; here they are always the same.
#[must_use]
pub fn secret_arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-local1")
}

/// The ARN of a queue.
#[must_use]
pub fn queue_arn(name: &str) -> String {
    arn("sqs", name)
}

/// The property that gives a resource of this type a name of its own.
pub(super) fn name_property(kind: &str) -> Option<&'static str> {
    match kind {
        "AWS::DynamoDB::Table" => Some("TableName"),
        "AWS::SQS::Queue" => Some("QueueName"),
        "AWS::Serverless::Function" => Some("FunctionName"),
        "AWS::S3::Bucket" => Some("BucketName"),
        "AWS::Logs::LogGroup" => Some("LogGroupName"),
        "AWS::ApiGatewayV2::DomainName" => Some("DomainName"),
        "AWS::SecretsManager::Secret" | "AWS::Scheduler::Schedule" | "AWS::Events::EventBus" => {
            Some("Name")
        }
        _ => None,
    }
}

impl Place {
    /// The name of a resource that was given none.
    pub(super) fn generated_name(&self, kind: &str, logical_id: &str) -> String {
        let name = format!("{}-{logical_id}", self.stack);
        if kind == "AWS::S3::Bucket" {
            name.to_lowercase()
        } else {
            name
        }
    }

    /// What `Ref` gives.
    pub(super) fn reference(&self, kind: &str, name: &str) -> String {
        match kind {
            "AWS::SQS::Queue" => self.queue_url(name),
            "AWS::SecretsManager::Secret" => secret_arn(name),
            "AWS::Serverless::HttpApi" => API_ID.to_owned(),
            "AWS::SNS::Topic" => arn("sns", name),
            _ => name.to_owned(),
        }
    }

    /// What `GetAtt` gives, of the attributes that are known.
    pub(super) fn attribute(&self, kind: &str, name: &str, attribute: &str) -> Option<String> {
        Some(match (kind, attribute) {
            ("AWS::SQS::Queue", "Arn") => queue_arn(name),
            ("AWS::SQS::Queue", "QueueName") | ("AWS::Events::EventBus", "Name") => name.to_owned(),
            ("AWS::SQS::Queue", "QueueUrl") => self.queue_url(name),
            ("AWS::DynamoDB::Table", "Arn") => arn("dynamodb", &format!("table/{name}")),
            ("AWS::SecretsManager::Secret", "Id") => secret_arn(name),
            ("AWS::Serverless::Function", "Arn") => arn("lambda", &format!("function:{name}")),
            ("AWS::Serverless::HttpApi", "ApiEndpoint") => self.api_url.clone(),
            ("AWS::ApiGatewayV2::DomainName", "RegionalDomainName") => {
                format!("d-{API_ID}.execute-api.{REGION}.amazonaws.com")
            }
            ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
            ("AWS::Events::EventBus", "Arn") => arn("events", &format!("event-bus/{name}")),
            ("AWS::Scheduler::Schedule", "Arn") => {
                arn("scheduler", &format!("schedule/default/{name}"))
            }
            ("AWS::Logs::LogGroup", "Arn") => arn("logs", &format!("log-group:{name}:*")),
            ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            _ => return None,
        })
    }

    /// Pseudo parameters; `AWS::NoValue` is not among them, for it is no value.
    pub(super) fn pseudo_parameter(&self, name: &str) -> Option<Value> {
        Some(Value::String(match name {
            "AWS::Region" => REGION.to_owned(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => self.stack.clone(),
            "AWS::StackId" => arn("cloudformation", &format!("stack/{}/local", self.stack)),
            "AWS::NotificationARNs" => return Some(Value::Array(Vec::new())),
            _ => return None,
        }))
    }

    /// Puts the local API in the place of the deployed one, however the template writes its address.
    pub(super) fn with_local_api(&self, text: &str) -> String {
        let deployed = format!("https://{API_ID}.execute-api.{REGION}.amazonaws.com");
        text.replace(&deployed, &self.api_url)
    }

    fn queue_url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint_url)
    }
}

pub(super) fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}")
}
