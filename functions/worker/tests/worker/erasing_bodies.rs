//! What comes of bodies that name somebody who is erased: those in parts, those that come again, and those of nobody.

use crate::erasing::{ADA, EVE, assert_erased, bury_ada, come, erase_attempt, found, of};
use crate::world::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::Value;
use shared::event::{Assessment, AssessmentChange, Event, Kind};
use shared::key::{EventId, ItemKey};
use shared::store::{Delivery, EventStore, Origin, ReplayOutcome};

/// The same with so large a body that it is in parts.
pub fn large(attempt: &str, email: &str) -> Delivery {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let body = email.bytes().chain(noise.take(500 * 1024));
    Delivery {
        body: body.collect::<Vec<u8>>().into(),
        ..of(attempt, email, at(0))
    }
}

#[tokio::test]
async fn the_parts_of_a_body_that_a_repeat_brings_back_are_erased_again() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let came = large("1", ADA);
    for deliveries in 1..=3 {
        world.record(&came).await;
        assert!(found(&world).await, "as long as nobody looked at it");
        world.fold(&came).await;
        assert!(!found(&world).await, "after {deliveries} deliveries");
    }
    assert_eq!(world.event(&came).await.summary.deliveries, 3);
}

#[tokio::test]
async fn two_bodies_under_one_delivery_id_are_both_erased_by_the_first_fold() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let first = large("1", ADA);
    let other = Delivery {
        body: [ADA.as_bytes(), b" ", &first.body].concat().into(),
        ..first.clone()
    };
    world.record(&first).await;
    world.record(&other).await;
    world.fold(&first).await;
    assert!(!found(&world).await);
}

#[tokio::test]
async fn another_body_under_the_delivery_id_of_what_was_erased_is_erased_as_well() {
    let world = world_without_keys().await;
    let first = large("1", ADA);
    come(&world, &first).await;
    erase_attempt(&world.table, "1").await;
    // Its parts are told apart from the first one's, and no event leads to them.
    let other = Delivery {
        body: [ADA.as_bytes(), b" ", &first.body].concat().into(),
        ..first.clone()
    };
    world.record(&other).await;
    assert!(found(&world).await);
    world.fold(&other).await;
    assert!(!found(&world).await);
}

fn of_nobody(event: Event, body: Bytes) -> Delivery {
    let by_its_words = delivery("imocha", event, at(0));
    Delivery {
        body,
        ..by_its_words
    }
}

#[tokio::test]
async fn a_body_that_nobody_can_read_is_searched_for_who_is_erased() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    for (address, is_hers) in [("Ada@Example.com", true), (EVE, false)] {
        let mut event = Event::new(Kind::Unreadable);
        event.problem = Some(format!("what is {address}?"));
        let came = of_nobody(event, format!("<mail>{address}</mail>").into());
        come(&world, &came).await;
        let event = world.event(&came).await;
        assert!(!event.marked);
        if is_hers {
            assert_erased(&event);
        } else {
            let body = world.table.event_body(&event).await.unwrap();
            assert!(body == came.body, "others are kept");
        }
    }
    assert!(!found(&world).await);
}

#[tokio::test]
async fn a_body_that_nobody_can_read_and_that_comes_again_while_it_is_erased_is_erased_again() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let body = [ADA.as_bytes(), b" ", &large("1", ADA).body].concat();
    let came = of_nobody(Event::new(Kind::Unreadable), body.into());
    world.record(&came).await;
    let (platform, table, repeat) = (
        world.aws_platform(),
        world.table.clone(),
        again(&came, at(1)),
    );
    // After the write that erases it, and before the look at what it is by then.
    world.platform().before_write_of("event#", async move {
        platform.before_read_of("event#", async move {
            table.record(&repeat).await.unwrap();
        });
    });
    world.fold(&came).await;
    let event = world.event(&came).await;
    assert_eq!(event.summary.deliveries, 2);
    assert_erased(&event);
    assert!(!found(&world).await);
}

#[tokio::test]
async fn a_change_of_an_assessment_loses_the_bytes_that_name_somebody_who_is_erased() {
    let world = world_without_keys().await;
    bury_ada(&world.table).await;
    let event = Event {
        assessment: Some(Assessment {
            id: "a".into(),
            title: Some("Rust".into()),
        }),
        ..Event::new(Kind::Assessment(AssessmentChange::Created))
    };
    let came = of_nobody(event, format!(r#"{{"created_by":"{ADA}"}}"#).into());
    come(&world, &came).await;
    let left = world.event(&came).await;
    assert!(left.event == came.event && !left.marked);
    assert!(world.table.event_body(&left).await.is_err());
    assert!(!found(&world).await);
}

#[tokio::test]
async fn a_body_in_utf_16_or_base64_is_searched_for_who_is_erased() {
    let world = world_without_keys().await;
    let in_utf_16 = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(u16::to_be_bytes).collect()
    };
    let bodies = |email: &str| {
        let text = format!("{{\"email\":\"{email}\"}}");
        let in_base64 = BASE64_STANDARD.encode(&text);
        [
            in_utf_16(&text),
            in_utf_16(&in_base64),
            in_base64.into_bytes(),
        ]
    };
    bury_ada(&world.table).await;
    for (email, is_hers) in [(ADA, true), (EVE, false)] {
        for (number, body) in bodies(email).into_iter().enumerate() {
            let mut event = Event::new(Kind::Unreadable);
            event.problem = Some(format!("{number}, hers: {is_hers}"));
            let came = of_nobody(event, body.into());
            world.record(&came).await;
            assert_eq!(found(&world).await, is_hers);
            world.fold(&came).await;
            let event = world.event(&came).await;
            assert_eq!(event.event.kind == Kind::Erased, is_hers);
            assert_eq!(world.table.event_body(&event).await.is_err(), is_hers);
            assert!(!found(&world).await);
        }
    }
}

#[tokio::test]
async fn a_replay_that_would_bring_somebody_back_is_stopped_by_the_tombstone() {
    for is_buried in [true, false] {
        let world = world_without_keys().await;
        // In hexadecimal digits nobody looks for an address.
        let body = hex::encode(format!("<mail>{ADA}</mail>"));
        let came = of_nobody(Event::new(Kind::Unreadable), body.into());
        come(&world, &came).await;
        assert!(!found(&world).await, "nothing is seen of her");
        if is_buried {
            bury_ada(&world.table).await;
        }
        // By now there is a reader that reads it, and a replay puts it where it belongs.
        let original = world.table.original(&came.key).await.unwrap().unwrap();
        let event = of("1", ADA, at(0)).event;
        let event_key = came.key.event_key().unwrap();
        let key = ItemKey::of_event("imocha", &event, &event_key, came.received);
        let placed = Delivery {
            id: EventId::new("imocha", &key),
            key,
            event,
            origin: Origin::Replay,
            ..came.clone()
        };
        let place = world.table.place_event(&original, &placed, at(60));
        assert_eq!(place.await.unwrap(), ReplayOutcome::Written);
        assert!(found(&world).await, "it names her, and is there");
        world.fold(&placed).await;
        world.work_off_queue().await;

        assert_eq!(found(&world).await, !is_buried);
        let (event, state) = (world.event(&placed).await, world.state(&placed).await);
        assert_eq!(state.erased_at.is_some(), is_buried);
        assert_eq!(world.table.event_body(&event).await.is_err(), is_buried);
        let told = world.take_changes();
        if is_buried {
            assert_erased(&event);
            assert_eq!(told, [] as [Value; 0]);
        } else {
            assert!(event.event == placed.event);
            assert_eq!(told.len(), 1);
        }
    }
}
