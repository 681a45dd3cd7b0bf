//! What a command works on: the local bundle, a deployed stack, or what the environment names. All say the same things: the
//! stack's outputs.

use crate::exit::WrongUse;
use crate::sources::Entry;
use crate::workspace;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use shared::aws;
use shared::clock::Clock;
use shared::config::Environment;
use shared::person::HashKey;
use shared::queue::Sqs;
use shared::secrets::{CachedSecret, SecretReader, SecretsManager, Stage};
use shared::store::Table;
use std::collections::BTreeMap;
use std::time::Duration;

/// The outputs that a command may need, and the variables that say them where there is no stack.
const OUTPUTS: [(&str, &str); 9] = [
    ("ApiUrl", "API_URL"),
    ("TableName", "TABLE_NAME"),
    ("QueueUrl", "QUEUE_URL"),
    ("DeadLetterQueueUrl", "DEAD_LETTER_QUEUE_URL"),
    ("HashKeySecretId", "HASH_KEY_SECRET_ID"),
    ("ImochaSecretId", "IMOCHA_SECRET_ID"),
    ("JobmojitoSecretId", "JOBMOJITO_SECRET_ID"),
    ("TestlifySecretId", "TESTLIFY_SECRET_ID"),
    ("XobinSecretId", "XOBIN_SECRET_ID"),
];

const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

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
    secrets: SecretsManager,
    /// The time.
    pub clock: Clock,
}

impl Deployment {
    /// Finds what to work on: the stack that was named, else what the environment says, else the local bundle that runs.
    pub async fn find(stack: Option<&str>) -> anyhow::Result<Self> {
        let environment = Environment::of_process();
        if let Some(stack) = stack {
            return Self::at(of_stack(stack, &environment).await?).await;
        }
        if let Some(address) = of_environment(&environment)? {
            return Self::at(address).await;
        }
        let address = of_local_bundle().await.ok_or_else(|| {
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
            secrets: SecretsManager::new(aws::secrets_manager(&sdk)),
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
        let id = self.output(&format!("{}Id", source.secret()))?;
        let secret = self.secrets.read(id, Stage::Current).await?;
        secret.with_context(|| {
            format!(
                "the inbound secret of {} has no value: set it with `hooks secrets set`",
                source.name
            )
        })
    }

    /// The key that people's addresses are hashed with.
    pub async fn hash_key(&self) -> anyhow::Result<HashKey> {
        let id = self.output("HashKeySecretId")?.to_owned();
        let secret = CachedSecret::<_, HashKey>::new(self.secrets.clone(), id, self.clock.clone());
        Ok(secret.versions().await?.current.clone())
    }

    /// How many messages are in a queue, those that are being handled included.
    pub async fn messages(&self, queue: &str) -> anyhow::Result<u64> {
        use aws_sdk_sqs::types::QueueAttributeName::{
            ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
            ApproximateNumberOfMessagesNotVisible,
        };
        let names = [
            ApproximateNumberOfMessages,
            ApproximateNumberOfMessagesNotVisible,
            ApproximateNumberOfMessagesDelayed,
        ];
        let request = self
            .sqs
            .get_queue_attributes()
            .queue_url(self.output(queue)?);
        let answer = request
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await?;
        let counts = answer
            .attributes()
            .map(|attributes| names.iter().filter_map(|name| attributes.get(name)));
        Ok(counts
            .into_iter()
            .flatten()
            .filter_map(|count| count.parse::<u64>().ok())
            .sum())
    }
}

fn output<'a>(address: &'a Address, name: &str) -> anyhow::Result<&'a str> {
    let variable = OUTPUTS
        .iter()
        .find(|(output, _)| *output == name)
        .map_or("", |(_, variable)| variable);
    let value = address.outputs.get(name).map(String::as_str);
    value.with_context(|| {
        format!("the deployment does not say its {name}: deploy it anew, or set {variable}")
    })
}

/// The bundle that runs in this project's directory, if one answers where its file says.
async fn of_local_bundle() -> Option<Address> {
    let file = workspace::bundle_file(&workspace::root().ok()?);
    let address: Address = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let endpoint: url::Url = address.endpoint_url.as_ref()?.parse().ok()?;
    let port = endpoint.port_or_known_default()?;
    tokio::net::TcpStream::connect((endpoint.host_str()?, port))
        .await
        .ok()?;
    Some(address)
}

fn of_environment(environment: &Environment) -> anyhow::Result<Option<Address>> {
    let outputs: BTreeMap<String, String> = OUTPUTS
        .iter()
        .filter_map(|(output, variable)| {
            Some(((*output).to_owned(), environment.optional(variable)?))
        })
        .collect();
    let endpoint_url = environment.endpoint_url()?;
    Ok(outputs.contains_key("TableName").then_some(Address {
        endpoint_url,
        outputs,
    }))
}

async fn of_stack(stack: &str, environment: &Environment) -> anyhow::Result<Address> {
    let endpoint_url = environment.endpoint_url()?;
    let sdk = aws::load(endpoint_url.as_deref()).await;
    let client = aws_sdk_cloudformation::Client::new(&sdk);
    let answer = client.describe_stacks().stack_name(stack).send().await;
    let answer = answer.with_context(|| {
        let region = sdk.region().map_or("no region: set AWS_REGION", |region| region.as_ref());
        format!("the stack {stack} cannot be read ({region}); check its name, the region and the credentials")
    })?;
    let Some(stack) = answer.stacks().first() else {
        bail!("there is no stack {stack}");
    };
    let outputs = stack
        .outputs()
        .iter()
        .filter_map(|it| Some((it.output_key()?.to_owned(), it.output_value()?.to_owned())));
    Ok(Address {
        endpoint_url,
        outputs: outputs.collect(),
    })
}
