//! What every target does with the bytes that it is thrown: reads them as the bundle would, and checks what must hold of whatever
//! comes of that. A target itself is one line in `targets/`.
//!
//! That nothing panics is checked by libFuzzer; here stands what else is promised: what is read is within the bounds of what can be
//! stored and is read again the same, a credential passes only if it is the right one, no link leads anywhere else, and nothing of
//! what came is shown where it could get into a log.

pub mod answers;
pub mod credentials;
pub mod erasure;
pub mod events;
pub mod payloads;
pub mod queue;
pub mod reports;
pub mod times;

/// What no text may show that goes into a log: seeds and dictionary put it into names, ids, links and words.
const NEVER_SHOWN: [char; 5] = ['@', '{', '"', '<', '\n'];

/// What the HTTP library says of a status that has no name.
const ODD_STATUS: &str = "<unknown status code>";

/// Checks a text that may be logged.
///
/// # Panics
/// If it shows a piece of what came.
pub fn assert_shows_nothing(text: &str) {
    let of_input = text.replace(ODD_STATUS, "");
    assert!(!of_input.contains(NEVER_SHOWN), "shown: {text:?}");
}

/// The text before the first line break, and what comes after it.
fn line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, &[]),
    }
}
