//! The rules of DynamoDB that the store leans on, asked of the engine itself: where engines differ, AWS's documentation decides.

use crate::engine::*;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem, Update};
use futures_util::future::join_all;
use std::collections::HashMap;

/// The largest item, attributes' names included, by "Service, account, and table quotas in Amazon DynamoDB".
const LARGEST: usize = 400 * 1024;
const PK: &str = "toy#attempt#1";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".into(), text(PK)), ("sk".into(), text(sk))])
}

fn update(engine: &Engine, sk: &str, expression: &str) -> UpdateItemFluentBuilder {
    let update = engine.client.update_item().table_name(&engine.name);
    update.set_key(Some(key(sk))).update_expression(expression)
}

async fn item(engine: &Engine, sk: &str) -> Option<HashMap<String, AttributeValue>> {
    let get = engine.client.get_item().table_name(&engine.name);
    let get = get.set_key(Some(key(sk))).consistent_read(true);
    get.send().await.unwrap().item
}

/// The error's code, or nothing.
async fn code(update: UpdateItemFluentBuilder) -> Option<String> {
    let error = update.send().await.err()?;
    Some(error.code().unwrap_or("without a code").to_owned())
}

/// An item of so many bytes.
fn of_size(size: usize) -> (HashMap<String, AttributeValue>, usize) {
    let taken = "pk".len() + PK.len() + "sk".len() + "a".len() + "raw".len();
    let mut item = key("a");
    let raw = AttributeValue::B(Blob::new(vec![7; size - taken]));
    item.insert("raw".into(), raw);
    (item, size - taken)
}

#[tokio::test]
async fn an_item_of_400_kib_is_taken_and_one_byte_more_is_not() {
    let engine = engine().await;
    for size in [LARGEST - 1, LARGEST] {
        let (item, _) = of_size(size);
        let put = engine.client.put_item().table_name(&engine.name);
        put.set_item(Some(item)).send().await.unwrap();
    }
    let (item, _) = of_size(LARGEST + 1);
    let put = engine.client.put_item().table_name(&engine.name);
    let error = put.set_item(Some(item)).send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"));
}

#[tokio::test]
async fn an_update_that_makes_an_item_too_large_leaves_it_as_it_was() {
    let engine = engine().await;
    let (item_before, raw) = of_size(LARGEST - 1);
    let put = engine.client.put_item().table_name(&engine.name);
    put.set_item(Some(item_before)).send().await.unwrap();
    // Its name and its value are a byte each.
    let more = update(&engine, "a", "SET b = :b").expression_attribute_values(":b", text("x"));
    assert_eq!(code(more).await.as_deref(), Some("ValidationException"));
    let stored = item(&engine, "a").await.unwrap();
    assert!(!stored.contains_key("b"));
    assert_eq!(stored["raw"].as_b().unwrap().as_ref().len(), raw);
}

#[tokio::test]
async fn an_update_makes_an_item_that_is_not_there_and_a_condition_keeps_it_from_that() {
    let engine = engine().await;
    let count = |sk| {
        update(
            &engine,
            sk,
            "ADD n :one SET #first = if_not_exists(#first, :one)",
        )
        .expression_attribute_names("#first", "first")
        .expression_attribute_values(":one", number(1))
    };
    let only_if_there = count("a").condition_expression("attribute_exists(pk)");
    assert_eq!(
        code(only_if_there).await.as_deref(),
        Some("ConditionalCheckFailedException")
    );
    assert_eq!(item(&engine, "a").await, None);
    for expected in [1, 2] {
        count("a").send().await.unwrap();
        let item = item(&engine, "a").await.unwrap();
        assert_eq!(
            (&item["n"], &item["first"]),
            (&number(expected), &number(1))
        );
    }
}

#[tokio::test]
async fn the_old_values_of_an_update_are_those_before_it_and_none_where_nothing_was() {
    let engine = engine().await;
    let count = |values: ReturnValue| {
        update(&engine, "a", "ADD n :one")
            .expression_attribute_values(":one", number(1))
            .return_values(values)
            .send()
    };
    let attributes = |output: UpdateItemOutput| output.attributes.unwrap_or_default();
    // DynamoDB tells nothing, and an engine is known that tells the key.
    let mut nothing = attributes(count(ReturnValue::AllOld).await.unwrap());
    nothing.retain(|name, _| name != "pk" && name != "sk");
    assert_eq!(nothing, HashMap::new());
    let old = attributes(count(ReturnValue::AllOld).await.unwrap());
    assert_eq!((&old["n"], &old["pk"]), (&number(1), &text(PK)));
    let new = attributes(count(ReturnValue::UpdatedNew).await.unwrap());
    assert_eq!(new, HashMap::from([("n".into(), number(3))]));
}

#[tokio::test]
async fn a_failed_condition_can_tell_what_is_there_instead() {
    let engine = engine().await;
    let set = |value| {
        update(&engine, "a", "SET v = :v")
            .expression_attribute_values(":v", number(value))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(
                aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure::AllOld,
            )
    };
    set(1).send().await.unwrap();
    let error = set(2).send().await.unwrap_err().into_service_error();
    let there = match error {
        aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed) => failed.item,
        other => panic!("{other:?}"),
    };
    assert_eq!(there.unwrap()["v"], number(1));
}

#[tokio::test]
async fn counts_at_once_are_all_counted() {
    let engine = engine().await;
    let counts = (0..25).map(|_| {
        update(&engine, "a", "ADD n :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .send()
    });
    let counted = join_all(counts).await.into_iter();
    let mut counted: Vec<i64> = counted
        .map(|it| {
            it.unwrap().attributes.unwrap()["n"]
                .as_n()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    counted.sort_unstable();
    assert_eq!(
        counted,
        (1..=25).collect::<Vec<i64>>(),
        "nobody is told the same"
    );
}

#[tokio::test]
async fn an_item_is_in_an_index_for_as_long_as_it_has_its_keys() {
    let engine = engine().await;
    let due = |sk, expression: &str| {
        update(&engine, sk, expression)
            .expression_attribute_values(":shard", text("due#3"))
            .expression_attribute_values(":due", number(1_768_471_200_000))
    };
    due("a", "SET due_shard = :shard, due_at = :due")
        .send()
        .await
        .unwrap();
    // One of the two keys is not enough.
    update(&engine, "b", "SET due_at = :due")
        .expression_attribute_values(":due", number(1_768_471_200_000))
        .send()
        .await
        .unwrap();
    assert_eq!(indexed(&engine).await, ["a"]);
    update(&engine, "a", "REMOVE due_shard, due_at")
        .send()
        .await
        .unwrap();
    assert!(indexed(&engine).await.is_empty());
}

async fn indexed(engine: &Engine) -> Vec<String> {
    let query = engine
        .client
        .query()
        .table_name(&engine.name)
        .index_name("due");
    let query = query.key_condition_expression("due_shard = :shard");
    let query = query.expression_attribute_values(":shard", text("due#3"));
    let items = query.send().await.unwrap().items.unwrap_or_default();
    items
        .iter()
        .map(|it| it["sk"].as_s().unwrap().clone())
        .collect()
}

#[tokio::test]
async fn of_a_transaction_all_or_nothing_is_written_and_it_says_which_failed() {
    let engine = engine().await;
    let set = |sk, condition: &str| {
        let update = Update::builder()
            .table_name(&engine.name)
            .set_key(Some(key(sk)));
        let update = update
            .update_expression("SET v = :v")
            .condition_expression(condition);
        let update = update
            .expression_attribute_values(":v", number(1))
            .build()
            .unwrap();
        TransactWriteItem::builder().update(update).build()
    };
    let write = |second: &str| {
        let write = engine.client.transact_write_items();
        write
            .transact_items(set("a", "attribute_not_exists(pk)"))
            .transact_items(set("b", second))
            .send()
    };
    let error = write("attribute_exists(pk)")
        .await
        .unwrap_err()
        .into_service_error();
    let reasons = match error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(it) => it.cancellation_reasons.unwrap(),
        other => panic!("{other:?}"),
    };
    let codes: Vec<_> = reasons
        .iter()
        .map(|it| it.code.as_deref().unwrap_or("None"))
        .collect();
    assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
    assert_eq!(item(&engine, "a").await, None);
    write("attribute_not_exists(pk)").await.unwrap();
    assert!(item(&engine, "a").await.is_some() && item(&engine, "b").await.is_some());
}

#[tokio::test]
async fn what_is_read_from_the_index_comes_in_the_order_of_its_sort_key_and_in_pages() {
    let engine = engine().await;
    for minute in [30, 10, 20] {
        update(
            &engine,
            &format!("{minute}"),
            "SET due_shard = :shard, due_at = :due",
        )
        .expression_attribute_values(":shard", text("due#3"))
        .expression_attribute_values(":due", number(minute))
        .send()
        .await
        .unwrap();
    }
    assert_eq!(indexed(&engine).await, ["10", "20", "30"]);
    let query = engine
        .client
        .query()
        .table_name(&engine.name)
        .index_name("due")
        .limit(2);
    let query = query.key_condition_expression("due_shard = :shard AND due_at <= :now");
    let query = query.expression_attribute_values(":shard", text("due#3"));
    let query = query.expression_attribute_values(":now", number(20));
    let page = query.clone().send().await.unwrap();
    assert_eq!(page.items().len(), 2);
    if let Some(last) = page.last_evaluated_key {
        let rest = query
            .set_exclusive_start_key(Some(last))
            .send()
            .await
            .unwrap();
        assert!(rest.items().is_empty(), "later is not asked for");
    }
}
