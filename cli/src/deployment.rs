//! What a command works on: the local bundle, a deployed stack, or what the environment names. All say the same things: the
//! stack's outputs.

mod stack;

use crate::exit::WrongUse;
use crate::secret;
use crate::sources::Entry;
use crate::vault::Vault;
use crate::workspace;
use anyhow::Context;
use aws_sdk_sqs::types::QueueAttributeName;
use serde::{Deserialize, Serialize};
use shared::aws;
use shared::clock::Clock;
use shared::config::Environment;
use shared::person::HashKey;
use shared::queue::Sqs;
use shared::secrets::{CachedSecret, SecretReader, SecretsManager, Stage};
use shared::store::Table;
use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;
use worker::archive;

/// The outputs that a command may need besides those of the sources, and the variables that say them where there is no stack.
const OUTPUTS: [(&str, &str); 8] = [
    ("ApiUrl", "API_URL"),
    ("TableName", "TABLE_NAME"),
    ("QueueUrl", "QUEUE_URL"),
    ("DeadLetterQueueUrl", "DEAD_LETTER_QUEUE_URL"),
    ("EventBusName", "EVENT_BUS_NAME"),
    ("BucketName", "BUCKET_NAME"),
    ("HashKeySecretId", "HASH_KEY_SECRET_ID"),
    ("LogRetentionDays", "LOG_RETENTION_DAYS"),
];

const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);
const BUS_TIMEOUT: Duration = Duration::from_secs(10);

/// How to reach a deployment. A local bundle leaves this in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// One address for all AWS services, on one's own machine.
    pub endpoint_url: Option<String>,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A deployment that can be worked on.
pub struct Deployment {
    address: Address,
    /// The table.
    pub table: Table,
    /// The client of its queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The client of its event bus.
    pub events: aws_sdk_eventbridge::Client,
    /// The client of its bucket.
    pub s3: aws_sdk_s3::Client,
    secrets: SecretsManager,
    /// Its secrets, as they are changed.
    pub vault: Vault,
    /// The time.
    pub clock: Clock,
}

impl Deployment {
    /// Finds what to work on: the stack that was named, else what the environment says, else the local bundle that runs.
    pub async fn find(stack: Option<&str>) -> anyhow::Result<Self> {
        let environment = Environment::of_process();
        if let Some(stack) = stack {
            return Self::at(stack::address(stack, &environment).await?).await;
        }
        if let Some(address) = of_environment(&environment)? {
            return Self::at(address).await;
        }
        let bundle = match workspace::root() {
            Ok(root) => of_local_bundle(&workspace::bundle_file(&root)).await?,
            Err(_) => None,
        };
        let address = bundle.ok_or_else(|| {
            let help = "there is nothing to work on: start a bundle with `hooks local`, or name a deployed stack with --stack";
            WrongUse(help.into())
        })?;
        Self::at(address).await
    }

    /// The deployment at an address.
    pub async fn at(address: Address) -> anyhow::Result<Self> {
        let sdk = match &address.endpoint_url {
            Some(endpoint) => aws::load_local(endpoint).await,
            None => aws::load(None).await,
        };
        let table = output(&address, "TableName")?.to_owned();
        Ok(Self {
            table: Table::new(aws::dynamodb(&sdk), table),
            sqs: aws::sqs(&sdk, QUEUE_TIMEOUT),
            events: aws_sdk_eventbridge::Client::from_conf(
                aws_sdk_eventbridge::config::Builder::from(&sdk)
                    .timeout_config(aws::timeouts(BUS_TIMEOUT, BUS_TIMEOUT / 2))
                    .build(),
            ),
            s3: aws_sdk_s3::Client::from_conf(archive::builder(&sdk).build()),
            secrets: SecretsManager::new(aws::secrets_manager(&sdk)),
            // With the SDK's own time-outs: those of a function are too short for a change that must not be half known.
            vault: Vault::new(aws_sdk_secretsmanager::Client::new(&sdk)),
            address,
            clock: Clock::system(),
        })
    }

    /// One of the stack's outputs.
    pub fn output(&self, name: &str) -> anyhow::Result<&str> {
        output(&self.address, name)
    }

    /// The queue of follow-up work.
    pub fn queue(&self) -> anyhow::Result<Sqs> {
        Ok(Sqs::new(
            self.sqs.clone(),
            self.output("QueueUrl")?.to_owned(),
        ))
    }

    /// A source's inbound secret as it stands.
    pub async fn inbound_secret(&self, source: &Entry) -> anyhow::Result<String> {
        let secret = self.inbound_version(source, Stage::Current).await?;
        secret.with_context(|| {
            format!(
                "the inbound secret of {} has no value: set it with `hooks secrets set`",
                source.name
            )
        })
    }

    /// A version of a source's inbound secret, if there is one.
    pub async fn inbound_version(
        &self,
        source: &Entry,
        stage: Stage,
    ) -> anyhow::Result<Option<String>> {
        let id = self.output(&source.secret_output())?;
        Ok(self.secrets.read(id, stage).await?)
    }

    /// The key that people's addresses are hashed with.
    pub async fn hash_key(&self) -> anyhow::Result<HashKey> {
        let id = self.output("HashKeySecretId")?.to_owned();
        let secret = CachedSecret::<_, HashKey>::new(self.secrets.clone(), id, self.clock.clone());
        Ok(secret.versions().await?.current.clone())
    }

    /// How many messages are in a queue, those that are being handled included.
    pub async fn messages(&self, queue: &str) -> anyhow::Result<u64> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self
            .sqs
            .get_queue_attributes()
            .queue_url(self.output(queue)?);
        let answer = request
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await?;
        let counts = names.iter().map(|name| count(answer.attributes(), name));
        counts.sum()
    }
}

/// A count that is not there is not 0: nobody is to be told that a queue is empty which did not say so.
fn count(
    attributes: Option<&HashMap<QueueAttributeName, String>>,
    name: &QueueAttributeName,
) -> anyhow::Result<u64> {
    let count = attributes.and_then(|attributes| attributes.get(name));
    let count = count.and_then(|count| count.parse().ok());
    count.with_context(|| format!("SQS did not say {name}: try again"))
}

/// The outputs that a command may need, and the variables that say them where there is no stack.
fn variables() -> impl Iterator<Item = (String, String)> {
    let outputs = OUTPUTS.map(|(output, variable)| (output.to_owned(), variable.to_owned()));
    let secrets = secret::ALL.iter().map(|it| (it.output(), it.variable()));
    outputs.into_iter().chain(secrets)
}

fn output<'a>(address: &'a Address, name: &str) -> anyhow::Result<&'a str> {
    let value = address.outputs.get(name).map(String::as_str);
    value.with_context(|| {
        let variable = variables().find(|(output, _)| output == name);
        let variable = variable.map_or_else(String::new, |(_, variable)| variable);
        format!("the deployment does not say its {name}: deploy it anew, or set {variable}")
    })
}

/// Whether a bundle runs that this file tells of.
pub async fn runs(file: &Path) -> bool {
    of_local_bundle(file)
        .await
        .is_ok_and(|address| address.is_some())
}

/// The bundle that this file tells of. `None` if there is no file: none was started, or it was ended.
async fn of_local_bundle(file: &Path) -> anyhow::Result<Option<Address>> {
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| unusable(file)),
    };
    let address: Address = serde_json::from_slice(&text).with_context(|| unusable(file))?;
    let endpoint = address.endpoint_url.as_deref().unwrap_or_default();
    let endpoint: url::Url = endpoint.parse().with_context(|| unusable(file))?;
    if !answers(&endpoint).await {
        let help = format!(
            "{} is stale: the bundle that it tells of does not answer at {endpoint}; start `hooks local` anew",
            file.display()
        );
        return Err(WrongUse(help).into());
    }
    Ok(Some(address))
}

fn unusable(file: &Path) -> String {
    format!(
        "{}, which says how to reach the local bundle, cannot be read: start `hooks local` anew",
        file.display()
    )
}

async fn answers(endpoint: &url::Url) -> bool {
    let (Some(host), Some(port)) = (endpoint.host_str(), endpoint.port_or_known_default()) else {
        return false;
    };
    tokio::net::TcpStream::connect((host, port)).await.is_ok()
}

fn of_environment(environment: &Environment) -> anyhow::Result<Option<Address>> {
    let outputs: BTreeMap<String, String> = variables()
        .filter_map(|(output, variable)| Some((output, environment.optional(&variable)?)))
        .collect();
    let endpoint_url = environment.endpoint_url()?;
    Ok(outputs.contains_key("TableName").then_some(Address {
        endpoint_url,
        outputs,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_is_absent_or_no_number_is_not_0() {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let with = |text: &str| HashMap::from([(name.clone(), text.to_owned())]);
        assert_eq!(count(Some(&with("3")), &name).unwrap(), 3);
        for attributes in [None, Some(&HashMap::new()), Some(&with("many"))] {
            let error = count(attributes, &name).unwrap_err().to_string();
            assert!(error.contains("ApproximateNumberOfMessages"), "{error}");
        }
    }

    async fn bundle_of(text: Option<&str>) -> anyhow::Result<Option<Address>> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("bundle.json");
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        of_local_bundle(&file).await
    }

    #[tokio::test]
    async fn a_file_of_a_bundle_that_is_of_no_use_says_so() {
        assert!(bundle_of(None).await.unwrap().is_none());
        for garbled in ["", "{}", r#"{"endpoint_url":"nowhere","outputs":{}}"#] {
            let error = bundle_of(Some(garbled)).await.unwrap_err().to_string();
            let says = ["bundle.json", "cannot be read", "hooks local"];
            assert!(says.iter().all(|it| error.contains(it)), "{error}");
        }
    }

    #[tokio::test]
    async fn a_bundle_is_found_while_it_answers_and_its_file_is_stale_then() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let text = format!(r#"{{"endpoint_url":"{endpoint}","outputs":{{}}}}"#);
        let address = bundle_of(Some(&text)).await.unwrap().unwrap();
        assert_eq!(address.endpoint_url, Some(endpoint));
        drop(listener);
        let error = bundle_of(Some(&text)).await.unwrap_err();
        assert!(error.is::<WrongUse>());
        let error = error.to_string();
        assert!(
            error.contains("is stale") && error.contains("`hooks local` anew"),
            "{error}"
        );
    }

    #[test]
    fn every_secret_has_its_variable() {
        let variables: BTreeMap<String, String> = variables().collect();
        assert_eq!(variables["JobmojitoSecretId"], "JOBMOJITO_SECRET_ID");
        assert_eq!(variables["JobmojitoApiSecretId"], "JOBMOJITO_API_SECRET_ID");
        assert_eq!(variables["HashKeySecretId"], "HASH_KEY_SECRET_ID");
        assert_eq!(variables.len(), OUTPUTS.len() + secret::ALL.len());
    }
}
