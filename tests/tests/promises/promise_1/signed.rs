//! What could be made of a signed call that was seen on its way: forged, replayed, stale, truncated and written anew.

use crate::ways::{Way, header, set_header};
use serde_json::Value;
use shared::timestamp::Timestamp;
use std::time::Duration;
use tests::vendors::Ready;

const ID: &str = "svix-id";
const TIME: &str = "svix-timestamp";
const SIGNATURE: &str = "svix-signature";
/// More than clocks may be apart.
const SIX_MINUTES: Duration = Duration::from_mins(6);

/// How an attack is made, at this time.
type Forge = fn(&Way, Timestamp) -> Ready;

/// The attacks. Each is answered 401.
pub const TABLE: [(&str, Forge); 22] = [
    ("seen six minutes ago", |way, now| {
        way.right(now.minus(SIX_MINUTES))
    }),
    ("of in six minutes", |way, now| {
        way.right(now.plus(SIX_MINUTES))
    }),
    ("seen six minutes ago, with a new time", |way, now| {
        let new = header(&way.right(now), TIME).to_owned();
        with(way.right(now.minus(SIX_MINUTES)), TIME, &new)
    }),
    ("another id", |way, now| with(way.right(now), ID, "msg_2")),
    ("no id", |way, now| without(way.right(now), ID)),
    ("no time", |way, now| without(way.right(now), TIME)),
    ("no signature", |way, now| {
        without(way.right(now), SIGNATURE)
    }),
    ("an empty signature", |way, now| {
        with(way.right(now), SIGNATURE, "")
    }),
    ("a time that is none", |way, now| {
        with(way.right(now), TIME, "soon")
    }),
    ("a time with a fraction", |way, now| {
        resigned(way, now, TIME, |time| format!("{time}.0"))
    }),
    ("a time in milliseconds", |way, now| {
        resigned(way, now, TIME, |time| format!("{time}000"))
    }),
    ("a signature of version 2", |way, now| {
        resigned(way, now, SIGNATURE, |it| it.replace("v1,", "v2,"))
    }),
    ("a signature without a version", |way, now| {
        resigned(way, now, SIGNATURE, |it| it.replace("v1,", ""))
    }),
    ("an asymmetric signature", |way, now| {
        resigned(way, now, SIGNATURE, |it| it.replace("v1,", "v1a,"))
    }),
    ("a signature cut short", |way, now| {
        resigned(way, now, SIGNATURE, |it| it[..20].to_owned())
    }),
    ("a signature of nothing", |way, now| {
        resigned(way, now, SIGNATURE, |_| "v1,".to_owned())
    }),
    ("another family's name for the id", |way, now| {
        let mut call = way.right(now);
        let id = header(&call, ID).to_owned();
        set_header(&mut call, ID, None);
        with(call, "webhook-id", &id)
    }),
    ("on the path of version 1", |way, now| {
        let mut call = way.right(now);
        call.path.push_str("/wrong");
        call
    }),
    ("one bit of the body", |way, now| {
        rewritten(way.right(now), |body| body[10] ^= 1)
    }),
    ("a truncated body", |way, now| {
        rewritten(way.right(now), |body| body.truncate(body.len() / 2))
    }),
    ("no body", |way, now| rewritten(way.right(now), Vec::clear)),
    ("the same JSON, written anew", |way, now| {
        rewritten(way.right(now), |body| {
            let json: Value = serde_json::from_slice(body).unwrap();
            *body = json.to_string().into_bytes();
        })
    }),
];

fn with(mut call: Ready, name: &str, value: &str) -> Ready {
    set_header(&mut call, name, Some(value));
    call
}

fn without(mut call: Ready, name: &str) -> Ready {
    set_header(&mut call, name, None);
    call
}

fn resigned(way: &Way, now: Timestamp, name: &str, change: fn(&str) -> String) -> Ready {
    let call = way.right(now);
    let changed = change(header(&call, name));
    assert_ne!(changed, header(&call, name));
    with(call, name, &changed)
}

fn rewritten(mut call: Ready, change: impl FnOnce(&mut Vec<u8>)) -> Ready {
    let mut body = call.body.to_vec();
    change(&mut body);
    assert_ne!(body, call.body);
    call.body = body.into();
    call
}
