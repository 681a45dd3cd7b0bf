//! The one table, and the names that `template.yaml` declares.

use super::StoreError;
use super::update::Update;
use crate::key::ItemKey;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use std::collections::HashMap;
use std::error::Error;

/// The index that finds the attempts of a candidate.
pub const BY_CANDIDATE: &str = "by_candidate";
/// The index that finds the events of a day.
pub const BY_DAY: &str = "by_day";
/// The index of all work that is due.
pub const DUE: &str = "due";
/// The attribute that DynamoDB's time to live goes by, in seconds since the epoch.
pub const TIME_TO_LIVE: &str = "expires_at";

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// The table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// How often an update is tried that a transaction is in the way of.
const TRIES: usize = 20;

impl Table {
    /// The table of this name.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Opens the connection, by an update whose condition never holds: nothing is written. The key begins as those of the
    /// source do, since its function may write no others.
    pub async fn connect(&self, source: &str) {
        let key = ItemKey {
            pk: format!("{source}#connect"),
            sk: "connect".into(),
        };
        let update = Update::of(&key)
            .set("connected", AttributeValue::Bool(true))
            .only_if("attribute_exists(pk)");
        let answer = self.update(update).await;
        tracing::debug!(answered = answer.is_ok(), "connected to DynamoDB");
    }

    /// Carries out an update. `None` if its condition does not hold, else what it was asked to return.
    pub(super) async fn update(&self, update: Update) -> Result<Option<Attributes>, StoreError> {
        match update.request(&self.client, &self.name).send().await {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error) if condition_failed(&error) => Ok(None),
            Err(error) => Err(unavailable("UpdateItem", error)),
        }
    }

    /// Carries out an update of an item that transactions write, too. `false` if its condition does not hold, or a
    /// transaction is writing the item just now.
    pub(super) async fn update_unless_overtaken(&self, update: Update) -> Result<bool, StoreError> {
        match update.request(&self.client, &self.name).send().await {
            Ok(_) => Ok(true),
            Err(error) if condition_failed(&error) || in_a_transaction(&error) => Ok(false),
            Err(error) => Err(unavailable("UpdateItem", error)),
        }
    }

    /// The same, again and again until no transaction is writing the item: `None` if the condition does not hold, else what the update
    /// was asked to return.
    pub(super) async fn update_after_transactions(
        &self,
        key: &ItemKey,
        update: impl Fn(Update) -> Update,
    ) -> Result<Option<Attributes>, StoreError> {
        for _ in 0..TRIES {
            let request = update(Update::of_existing(key)).request(&self.client, &self.name);
            match request.send().await {
                Ok(answer) => return Ok(Some(answer.attributes.unwrap_or_default())),
                Err(error) if condition_failed(&error) => return Ok(None),
                Err(error) if in_a_transaction(&error) => {}
                Err(error) => return Err(unavailable("UpdateItem", error)),
            }
        }
        Err(StoreError::Contended(key.clone()))
    }

    /// Carries out all of these updates, or none: `false` if a condition does not hold, or one of the items is being written
    /// just now. The SDK gives the transaction a token, so that a try again after a lost answer is the same transaction.
    pub(super) async fn update_together(
        &self,
        updates: impl IntoIterator<Item = Update>,
    ) -> Result<bool, StoreError> {
        let updates = updates.into_iter();
        let items = updates.map(|update| update.in_transaction(&self.name));
        self.write_together(items.collect()).await
    }

    /// The same of writes of any sort.
    pub(super) async fn write_together(
        &self,
        items: Vec<TransactWriteItem>,
    ) -> Result<bool, StoreError> {
        let request = self.client.transact_write_items();
        let request = request.set_transact_items(Some(items));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if overtaken(&error) => Ok(false),
            Err(error) => Err(unavailable("TransactWriteItems", error)),
        }
    }
}

/// Whether a transaction was cancelled because of what someone else wrote.
fn overtaken(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    let mut reasons = cancelled.cancellation_reasons().iter();
    reasons.any(|reason| {
        matches!(
            reason.code(),
            Some("ConditionalCheckFailed" | "TransactionConflict")
        )
    })
}

fn in_a_transaction(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("TransactionConflictException")
}

pub(super) fn condition_failed(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}

pub(super) fn unavailable(
    operation: &'static str,
    error: impl Error + Send + Sync + 'static,
) -> StoreError {
    StoreError::Unavailable {
        operation,
        cause: Box::new(error),
    }
}
