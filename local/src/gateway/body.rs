//! Reads a request's body, as far as an HTTP API takes it.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

/// The most that an HTTP API takes.
const LARGEST: usize = 10 * 1024 * 1024;

/// How much of a body that is too large is read and thrown away. A caller who is answered while it still sends
/// may find the connection broken and never see the answer.
const LARGEST_DRAINED: usize = 100 * 1024 * 1024;

/// The body; `None` if it is too large, or broke off.
pub(super) async fn read(body: Body) -> Option<Bytes> {
    let mut chunks = body.into_data_stream();
    let mut kept = BytesMut::new();
    let mut length = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.ok()?;
        length += chunk.len();
        if length <= LARGEST {
            kept.extend_from_slice(&chunk);
        } else if length > LARGEST_DRAINED {
            break;
        }
    }
    (length <= LARGEST).then(|| kept.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ten_megabytes_and_not_a_byte_more() {
        for (length, taken) in [(0, true), (LARGEST, true), (LARGEST + 1, false)] {
            let body = read(Body::from(vec![b'x'; length])).await;
            assert_eq!(body.map(|body| body.len()), taken.then_some(length));
        }
    }
}
