//! What a vendor, or a proxy on the way, may by mistake make of a whole body: no reader of a source reads it, and it says what it said.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// How many ways there are.
pub const WAYS: usize = 6;

/// Each of them, of the same body.
pub fn all(body: &[u8]) -> [Bytes; WAYS] {
    [
        utf_16(body, "", u16::to_le_bytes),
        utf_16(body, "\u{feff}", u16::to_be_bytes),
        gzip(body),
        base64(body).into_bytes(),
        BASE64_URL_SAFE_NO_PAD.encode(gzip(body)).into_bytes(),
        gzip(&utf_16(body, "", u16::to_be_bytes)),
    ]
    .map(Bytes::from)
}

/// In UTF-16, after this mark.
pub fn utf_16(body: &[u8], mark: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = format!("{mark}{}", String::from_utf8_lossy(body));
    text.encode_utf16().flat_map(write).collect()
}

/// Packed.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).unwrap();
    gzip.finish().unwrap()
}

/// In base64.
pub fn base64(body: &[u8]) -> String {
    BASE64_STANDARD.encode(body)
}
