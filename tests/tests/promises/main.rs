//! The promises of `docs/promises.md`, each proven by breaking what it leans on: `cargo test -p tests promise_5` runs one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that is not as expected is to stop where it is"
)]

mod crash;
mod documents;
mod flows;
mod meeting;
mod promise_1_nobody_is_believed_who_is_not_the_vendor;
mod promise_2_2xx_only_once_durable;
mod promise_3_the_exact_bytes_are_kept;
mod promise_4_one_event_one_effect;
mod promise_5_work_once_created_is_done;
mod promise_6_every_report_is_fetched_and_nothing_else_is;
mod promise_7_what_imocha_was_asked_for_is_answered;
mod promise_8_a_report_under_way_is_erased;
mod promise_8_dead_letters_are_erased;
mod promise_8_every_version_is_erased;
mod promise_8_nobody_is_in_the_logs;
mod promise_8_what_waits_is_erased;
mod promise_8_who_is_erased_stays_erased;
mod stores;
mod ways;
mod wrappings;

use tests::{bucket, everybody, operator};
