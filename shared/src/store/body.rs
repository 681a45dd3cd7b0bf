//! The exact bytes of a body, in the form that they are stored in: compressed where that saves a write unit, and in parts
//! where they do not fit the event's item.

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// What DynamoDB bills a write by, in bytes.
const WRITE_UNIT: usize = 1024;
/// What an event's item can hold: 400 KB, less its names, keys and other small attributes.
const MOST_IN_ITEM: usize = 400 * 1024 - 16 * 1024;
/// What an item that is only a part of a body holds.
const MOST_IN_PART: usize = 384 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

/// A body as it is stored.
#[derive(Debug)]
pub(super) struct StoredBody {
    /// Of the exact bytes, in hex.
    pub sha256: String,
    pub encoding: Encoding,
    pub placement: Placement,
}

#[derive(Debug)]
pub(super) enum Placement {
    Inline(Bytes),
    Parts(Vec<Bytes>),
}

impl StoredBody {
    /// For an item that holds `beside` bytes of the normalised event as well.
    pub fn new(body: &Bytes, beside: usize) -> Self {
        let compressed = Some(body)
            .filter(|body| body.len() > WRITE_UNIT)
            .and_then(|body| compress(body))
            .filter(|compressed| units(compressed) < units(body));
        let (encoding, bytes) = match compressed {
            Some(compressed) => (Encoding::Gzip, compressed),
            None => (Encoding::Identity, body.clone()),
        };
        Self {
            sha256: sha256(body),
            encoding,
            placement: place(bytes, MOST_IN_ITEM.saturating_sub(beside)),
        }
    }

    pub fn parts(&self) -> &[Bytes] {
        match &self.placement {
            Placement::Inline(_) => &[],
            Placement::Parts(parts) => parts,
        }
    }
}

/// What a body is known by, in hex.
pub(super) fn sha256(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

fn units(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(WRITE_UNIT)
}

fn place(bytes: Bytes, most_inline: usize) -> Placement {
    if bytes.len() <= most_inline {
        return Placement::Inline(bytes);
    }
    let starts = (0..bytes.len()).step_by(MOST_IN_PART);
    let part = |start: usize| bytes.slice(start..bytes.len().min(start + MOST_IN_PART));
    Placement::Parts(starts.map(part).collect())
}

fn compress(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// The exact bytes again. `most` bounds what a damaged or hostile item could grow to.
pub(super) fn decode(encoding: Encoding, stored: &[u8], most: u64) -> std::io::Result<Vec<u8>> {
    match encoding {
        Encoding::Identity => Ok(stored.to_vec()),
        Encoding::Gzip => {
            let mut body = Vec::new();
            GzDecoder::new(stored).take(most).read_to_end(&mut body)?;
            Ok(body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BESIDE: usize = 2000;

    fn noise(length: usize) -> Bytes {
        // A multiplicative generator: what it gives does not compress.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        (0..length).map(|_| next()).collect()
    }

    fn round_trip(body: &Bytes) -> (Encoding, usize) {
        let stored = StoredBody::new(body, BESIDE);
        let bytes = match &stored.placement {
            Placement::Inline(bytes) => bytes.to_vec(),
            Placement::Parts(parts) => parts.concat(),
        };
        assert_eq!(&decode(stored.encoding, &bytes, u64::MAX).unwrap(), body);
        assert!(stored.parts().iter().all(|part| part.len() <= MOST_IN_PART));
        (stored.encoding, stored.parts().len())
    }

    #[test]
    fn a_body_is_compressed_only_where_that_saves_a_unit() {
        assert_eq!(round_trip(&Bytes::new()), (Encoding::Identity, 0));
        assert_eq!(
            round_trip(&Bytes::from("a".repeat(1024))),
            (Encoding::Identity, 0)
        );
        assert_eq!(
            round_trip(&Bytes::from("a".repeat(1025))),
            (Encoding::Gzip, 0)
        );
        assert_eq!(round_trip(&noise(50_000)), (Encoding::Identity, 0));
    }

    #[test]
    fn what_does_not_fit_goes_into_parts() {
        assert_eq!(
            round_trip(&noise(MOST_IN_ITEM - BESIDE)),
            (Encoding::Identity, 0)
        );
        assert_eq!(
            round_trip(&noise(MOST_IN_ITEM - BESIDE + 1)),
            (Encoding::Identity, 1)
        );
        assert_eq!(round_trip(&noise(1024 * 1024)), (Encoding::Identity, 3));
        assert_eq!(
            round_trip(&Bytes::from("a".repeat(1024 * 1024))),
            (Encoding::Gzip, 0)
        );
    }
}
