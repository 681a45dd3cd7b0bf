//! One file a command.

pub mod asked;
pub mod attempts;
pub mod cost;
pub mod demo;
pub mod dlq;
pub mod endpoints;
pub mod erase;
pub mod events;
pub mod generate;
pub mod local;
pub mod openapi;
pub mod reconcile;
pub mod redrive;
pub mod replay;
pub mod reports;
pub mod reprocess;
pub mod secrets;
pub mod send;
pub mod sweep;
pub mod tail;
pub mod turns;
pub mod webhooks;
pub mod work;
