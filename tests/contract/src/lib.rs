//! What every source of webhooks keeps to, written once: each source's tests call these.
//!
//! Whom a source believes, and what its vendor's words mean, is its own and stands in its own tests. A source lies where its
//! name says: its crate in `functions/`, its vendor's payloads in `events/`.

mod calls;
mod reading;

pub use calls::{
    call, delivery, no_call_is_made_without_a_credential_or_of_an_unknown_version, now, versions,
};
pub use reading::{
    Payload, a_payload_that_nothing_places_is_unreadable, every_payload_comes_to_what_was_reviewed,
    no_value_in_any_field_stops_the_reading, payloads, what_is_no_object_is_unreadable,
};
