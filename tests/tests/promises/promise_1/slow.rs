//! Who is slow, or stops half-way: holds nobody else up and leaves nothing behind. Here it is the local bundle's front that waits for
//! them; on AWS it is API Gateway, which calls a function only with a whole request.

use super::assert_nothing_is_left;
use crate::ways::{self, Way};
use futures_util::future::join_all;
use shared::timestamp::Timestamp;
use std::fmt::Write as _;
use std::time::Duration;
use tests::stage::{Stage, accepted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use xobin_webhook::KINDS;

/// How many are slow at once, in each way and at each point.
const SLOW: usize = 4;
/// Far more than a call takes on a busy machine, and far less than the slow ones would.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(2);

/// The bytes of a way's right call, as HTTP has them, and where its body begins.
fn request(way: &Way, now: Timestamp) -> (Vec<u8>, usize) {
    let call = way.right(now);
    let mut head = format!("POST {} HTTP/1.1\r\nhost: localhost\r\n", call.path);
    for (name, value) in &call.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    write!(head, "content-length: {}\r\n\r\n", call.body.len()).unwrap();
    let begins = head.len();
    (([head.as_bytes(), &call.body]).concat(), begins)
}

async fn connect(stage: &Stage) -> TcpStream {
    let address = stage.bundle.api_url();
    TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .unwrap()
}

/// Calls that are all right as far as they go, and go no further.
async fn stuck(stage: &Stage, ways: &[Way]) -> Vec<TcpStream> {
    let mut stuck = Vec::new();
    for way in ways {
        let (bytes, body) = request(way, stage.clock.now());
        // In the first line, before the last line of the head, before the body, and in the middle and at the end of it.
        for end in [
            7,
            body - 2,
            body,
            usize::midpoint(body, bytes.len()),
            bytes.len() - 1,
        ] {
            for _ in 0..SLOW {
                let mut stream = connect(stage).await;
                stream.write_all(&bytes[..end]).await.unwrap();
                stuck.push(stream);
            }
        }
    }
    stuck
}

#[tokio::test]
async fn who_stops_half_way_holds_nobody_up_and_leaves_nothing_behind() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    let stuck = stuck(&stage, &ways).await;
    assert_nothing_is_left(&stage).await;
    for way in &ways {
        let call = way.right(stage.clock.now());
        let response = tokio::time::timeout(PATIENCE, call.post(&stage)).await;
        accepted(response.expect("it is not held up")).await;
    }
    // Xobin's two credentials carry the same bodies.
    let expected = ways.len() - KINDS.len();
    assert_eq!(events(&stage).await, expected, "none of the slow ones");
    // Who hangs up in the middle of a request is heard no more of.
    drop(stuck);
    stage.settled().await;
    assert_eq!(events(&stage).await, expected);
}

async fn events(stage: &Stage) -> usize {
    let mut events = 0;
    for source in ways::SOURCES {
        events += stage.events(source).await.len();
    }
    events
}

#[tokio::test]
async fn who_is_slow_and_right_is_taken_once_all_of_it_is_there() {
    let stage = ways::stage().await;
    let ways = ways::all(&stage).await;
    let waiting = join_all(ways.iter().map(|way| slowly(&stage, way))).await;
    assert_nothing_is_left(&stage).await;
    for (way, (mut stream, last)) in ways.iter().zip(waiting) {
        stream.write_all(&[last]).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 202", "{}", way.name);
    }
    assert_eq!(events(&stage).await, ways.len() - KINDS.len());
}

/// Sends the right call a few bytes at a time, all but the last byte, which is given back.
async fn slowly(stage: &Stage, way: &Way) -> (TcpStream, u8) {
    let (bytes, _) = request(way, stage.clock.now());
    let mut stream = connect(stage).await;
    let (last, first) = bytes.split_last().unwrap();
    for piece in first.chunks(7) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(PAUSE).await;
    }
    (stream, *last)
}
