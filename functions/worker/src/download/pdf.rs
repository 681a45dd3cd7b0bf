//! A PDF on its way to the disk: looked at, counted and hashed piece by piece, so that no more than a piece is in memory.

use super::body::Body;
use super::error::DownloadError;
use sha2::{Digest, Sha256};
use std::path::Path;
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

/// What a PDF begins with. Some readers look for it in the first KiB; what has something before it is served by nobody whom
/// we expect reports from, and is refused.
pub const MAGIC: &[u8] = b"%PDF-";
/// What a PDF ends with, in its last KiB.
const END: &[u8] = b"%%EOF";
const TAIL: usize = 1024;
const MIB: u64 = 1024 * 1024;

/// A PDF in a file of its own, which goes when this does, and makes room for the next.
#[derive(Debug)]
pub struct Pdf {
    file: NamedTempFile,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many they are.
    pub size_bytes: u64,
    _place: OwnedSemaphorePermit,
}

impl Pdf {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Writes a body down, if it is a PDF of at most `most_bytes`.
    pub(super) async fn save(
        mut body: Body,
        directory: &Path,
        most_bytes: u64,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, DownloadError> {
        if body.length().is_some_and(|length| length > most_bytes) {
            return Err(DownloadError::TooLarge(most_bytes / MIB));
        }
        let file = NamedTempFile::with_prefix_in("report-", directory)?;
        let mut out = File::from_std(file.reopen()?);
        let mut scan = Scan::new(most_bytes);
        while let Some(piece) = body.next().await? {
            scan.take(&piece)?;
            out.write_all(&piece).await?;
        }
        out.flush().await?;
        let size_bytes = scan.size_bytes;
        let sha256 = scan.finish(body.says_its_end())?;
        Ok(Self {
            file,
            sha256,
            size_bytes,
            _place: place,
        })
    }
}

/// What is known of the bytes so far.
struct Scan {
    most_bytes: u64,
    size_bytes: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    hash: Sha256,
}

impl Scan {
    fn new(most_bytes: u64) -> Self {
        Self {
            most_bytes,
            size_bytes: 0,
            head: Vec::with_capacity(MAGIC.len()),
            tail: Vec::with_capacity(2 * TAIL),
            hash: Sha256::new(),
        }
    }

    fn take(&mut self, piece: &[u8]) -> Result<(), DownloadError> {
        self.size_bytes = self
            .size_bytes
            .saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.size_bytes > self.most_bytes {
            return Err(DownloadError::TooLarge(self.most_bytes / MIB));
        }
        let missing = MAGIC.len() - self.head.len();
        self.head.extend(piece.iter().take(missing));
        if !MAGIC.starts_with(&self.head) {
            return Err(DownloadError::NoPdf);
        }
        self.hash.update(piece);
        let skipped = piece.len().saturating_sub(TAIL);
        self.tail.extend(piece.iter().skip(skipped));
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        Ok(())
    }

    fn finish(self, ended: bool) -> Result<[u8; 32], DownloadError> {
        if self.size_bytes == 0 {
            return Err(DownloadError::Empty);
        }
        if self.head != MAGIC {
            return Err(DownloadError::NoPdf);
        }
        let has_end = || self.tail.windows(END.len()).any(|bytes| bytes == END);
        if !ended && !has_end() {
            return Err(DownloadError::BreaksOff(None));
        }
        Ok(self.hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(pieces: &[&[u8]], ended: bool) -> Result<[u8; 32], DownloadError> {
        let mut scan = Scan::new(MIB);
        for piece in pieces {
            scan.take(piece)?;
        }
        scan.finish(ended)
    }

    #[test]
    fn a_pdf_is_told_by_its_first_bytes_however_they_come() {
        let whole = scan(&[b"%PDF-1.7 \n%%EOF"], true).unwrap();
        let pieces: [&[u8]; 5] = [b"%P", b"", b"DF", b"-1.7 \n%%", b"EOF"];
        assert_eq!(scan(&pieces, true).unwrap(), whole);
        assert_eq!(whole, <[u8; 32]>::from(Sha256::digest("%PDF-1.7 \n%%EOF")));
    }

    #[test]
    fn what_is_no_pdf_is_told_as_soon_as_it_can_be() {
        for first in ["<html>", " %PDF-", "null", "%PDX", "{"] {
            let error = Scan::new(MIB).take(first.as_bytes()).unwrap_err();
            assert!(matches!(error, DownloadError::NoPdf), "{first}");
        }
        assert!(matches!(scan(&[b"%PDF"], true), Err(DownloadError::NoPdf)));
        assert!(matches!(scan(&[], true), Err(DownloadError::Empty)));
        assert!(matches!(scan(&[b""], true), Err(DownloadError::Empty)));
    }

    #[test]
    fn what_is_a_byte_too_large_is_too_large() {
        let (start, rest) = (b"%PDF-".as_slice(), vec![b' '; 1024 * 1024 - 5]);
        assert!(scan(&[start, &rest], true).is_ok());
        let error = scan(&[start, &rest, b" "], true).unwrap_err();
        assert!(matches!(error, DownloadError::TooLarge(1)), "{error}");
    }

    #[test]
    fn without_an_end_of_its_own_a_body_has_to_end_as_a_pdf_does() {
        let long = vec![b' '; 3000];
        let near = [b'\n'; 500];
        for (pieces, whole) in [
            (vec![b"%PDF-".as_slice(), &long, b"%%E", b"OF\n"], true),
            (vec![b"%PDF-".as_slice(), b"%%EOF", &near, &near], true),
            (vec![b"%PDF-".as_slice(), b"%%EOF", &long], false),
            (vec![b"%PDF-".as_slice(), &long], false),
        ] {
            assert_eq!(scan(&pieces, false).is_ok(), whole);
            assert!(scan(&pieces, true).is_ok());
        }
    }
}
