//! The bytes of an answer, one piece after the other.

use super::error::DownloadError;
use bytes::Bytes;
use reqwest::{Response, header};

/// The bytes of an answer that was a success, some of which may have been looked at.
pub struct Body {
    seen: Bytes,
    response: Response,
}

impl Body {
    /// Of an answer of which nothing was read yet.
    #[must_use]
    pub fn new(response: Response) -> Self {
        Self::after(Bytes::new(), response)
    }

    /// Of an answer of which this was read.
    #[must_use]
    pub fn after(seen: Bytes, response: Response) -> Self {
        Self { seen, response }
    }

    /// The next piece.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        if !self.seen.is_empty() {
            return Ok(Some(std::mem::take(&mut self.seen)));
        }
        self.response.chunk().await.map_err(|error| {
            let error = error.without_url();
            if error.is_timeout() {
                DownloadError::Slow(error)
            } else {
                DownloadError::BreaksOff(Some(error))
            }
        })
    }

    /// How many bytes there will be, if that is said.
    pub(super) fn length(&self) -> Option<u64> {
        let length = self.response.headers().get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    }

    /// Whether its end can be told from a connection that broke. Where a length is said or its pieces are counted, HTTP itself
    /// sees to it.
    pub(super) fn says_its_end(&self) -> bool {
        let headers = self.response.headers();
        headers.contains_key(header::CONTENT_LENGTH)
            || headers.contains_key(header::TRANSFER_ENCODING)
    }
}
