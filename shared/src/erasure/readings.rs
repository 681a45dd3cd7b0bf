//! What bytes may say: as text, as JSON and links write it, and beneath what a body may have been wrapped in as a whole.
//!
//! A body is kept as it came. One that a sender, or a proxy on the way, has packed, written in base64 or in UTF-16 is read by no source, and names
//! a person as much as a plain one does. Each layer is told by signs that plain JSON has not, has one way out, and what is beneath it is looked at in the
//! same way: so what this costs grows with the layers, of which no more are opened than somebody may have a reason to make.
//! What is not looked for is said in `docs/erasing.md`.

use crate::ingest::MAX_BODY_BYTES;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::ops::ControlFlow;

/// UTF-16 in gzip in base64, in the store's own gzip, and one more.
const MOST_LAYERS: usize = 5;
/// How far all layers are unpacked together. No vendor has more to say plainly than a body may hold, and JSON is rarely packed to less than an eighth of
/// itself; and a few spellings of so much, of which each wrong byte may become three, come to some 100 MiB of the worker's 512.
const MOST_UNPACKED: usize = 8 * MAX_BODY_BYTES;
/// What gzip begins with: its two numbers, and the one way of packing that there is. What follows says whether a name or a comment comes before what is packed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
/// How a text in UTF-8 may begin that says so.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
const LITTLE_ENDIAN: [u8; 2] = [0xff, 0xfe];
const BIG_ENDIAN: [u8; 2] = [0xfe, 0xff];
/// What may stand in base64 besides letters and digits: of both alphabets, the padding, and quotes around it.
const OF_BASE64: [u8; 6] = *b"+/-_=\"";
/// Whoever wrote it may have left the padding out, and whoever cut it off what the last letter has too much.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What is beneath a layer.
struct Inner {
    bytes: Vec<u8>,
    /// It is all that the layer holds, which says nothing by itself.
    is_all: bool,
}

/// Visits all texts that the bytes may be, one after the other, so that no more than one layer is in memory in two or three spellings; until it is told to stop.
pub(super) fn each_reading(
    bytes: &[u8],
    mut visit: impl FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let (mut layer, mut left) = (Cow::Borrowed(bytes), MOST_UNPACKED);
    for _ in 0..MOST_LAYERS {
        let Some(inner) = opened(&layer, left) else {
            break;
        };
        // As text it is noise, in which addresses stand by chance.
        if !inner.is_all {
            each_spelling(&layer, &mut visit)?;
        }
        left = left.saturating_sub(inner.bytes.len());
        layer = Cow::Owned(inner.bytes);
    }
    each_spelling(&layer, &mut visit)
}

/// The text, what it is without JSON's escapes, also where JSON stands in a text of JSON, and what that is as a link: where it is anything else.
fn each_spelling(bytes: &[u8], visit: &mut impl FnMut(&str) -> ControlFlow<()>) -> ControlFlow<()> {
    let text = String::from_utf8_lossy(bytes);
    visit(&text)?;
    let plain = without_escapes(&text);
    if let Some(plain) = &plain {
        visit(plain)?;
        if let Some(plainer) = without_escapes(plain) {
            visit(&plainer)?;
        }
    }
    let of_link = plain.as_deref().unwrap_or(&text);
    if of_link.contains('%') {
        visit(&percent_encoding::percent_decode_str(of_link).decode_utf8_lossy())?;
    }
    ControlFlow::Continue(())
}

fn without_escapes(text: &str) -> Option<String> {
    text.contains('\\').then(|| unescaped(text))
}

/// What is beneath a layer, up to so many bytes.
fn opened(layer: &[u8], most: usize) -> Option<Inner> {
    let layer = layer.strip_prefix(&BYTE_ORDER_MARK).unwrap_or(layer);
    let mut inner = unpacked(layer, most)
        .or_else(|| of_utf_16(layer))
        .or_else(|| of_base64(layer))?;
    inner.bytes.truncate(most);
    (!inner.bytes.is_empty()).then_some(inner)
}

fn unpacked(layer: &[u8], most: usize) -> Option<Inner> {
    if !layer.starts_with(&GZIP) {
        return None;
    }
    let limit = u64::try_from(most).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // What it has unpacked by the time that it fails counts: the end may never have come.
    let end = MultiGzDecoder::new(layer)
        .take(limit)
        .read_to_end(&mut bytes);
    let has_no_words = layer.get(GZIP.len()) == Some(&0);
    Some(Inner {
        is_all: has_no_words && end.is_ok() && bytes.len() < most,
        bytes,
    })
}

/// An address has an `@`, which is half a zero in UTF-16; so have the escapes that stand for one. A text in UTF-8 has no zeros.
fn of_utf_16(layer: &[u8]) -> Option<Inner> {
    if !layer.contains(&0) {
        return None;
    }
    let (pairs, _) = layer.as_chunks::<2>();
    let read = if is_little_endian(pairs) {
        u16::from_le_bytes
    } else {
        u16::from_be_bytes
    };
    let characters = char::decode_utf16(pairs.iter().map(|pair| read(*pair)));
    let text: String = characters
        .map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(Inner {
        bytes: text.into_bytes(),
        is_all: false,
    })
}

/// By its mark, or by where the zeros stand: in the greater halves of what is in ASCII, as most of JSON is.
fn is_little_endian(pairs: &[[u8; 2]]) -> bool {
    match pairs.first() {
        Some(&LITTLE_ENDIAN) => true,
        Some(&BIG_ENDIAN) => false,
        _ => {
            let zeros = |half: fn(&[u8; 2]) -> u8| pairs.iter().filter(|it| half(it) == 0).count();
            zeros(|[_, second]| *second) >= zeros(|[first, _]| *first)
        }
    }
}

fn of_base64(layer: &[u8]) -> Option<Inner> {
    // As JSON writes it, a slash or a line's end may be escaped.
    let is_json = layer.starts_with(b"\"") && layer.contains(&b'\\');
    let of_json = is_json.then(|| unescaped(&String::from_utf8_lossy(layer)));
    let layer = of_json.as_ref().map_or(layer, String::as_bytes);
    let is_of_base64 =
        |it: &u8| it.is_ascii_alphanumeric() || it.is_ascii_whitespace() || OF_BASE64.contains(it);
    if !layer.iter().all(is_of_base64) {
        return None;
    }
    let letters = layer.iter().filter_map(|it| match it {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'"' => None,
        it if it.is_ascii_whitespace() => None,
        it => Some(*it),
    });
    let letters: Vec<u8> = letters.collect();
    let mut bytes = Vec::new();
    // Padding in the middle is that of one text before another.
    for text in letters.split(|it| *it == b'=') {
        // A letter alone holds less than a byte.
        let whole = text.len() - usize::from(text.len() % 4 == 1);
        BASE64.decode_vec(text.get(..whole)?, &mut bytes).ok()?;
    }
    Some(Inner {
        bytes,
        is_all: false,
    })
}

/// Without JSON's escapes. Some serializers write `@` and `+` as `\u0040` and `\u002b`, and all of them a line's end as `\n`, whose `n` is no part
/// of the address that follows.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        plain.push_str(before);
        let (character, length) = escaped(escape).unwrap_or(('\\', 0));
        plain.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// What stands for what follows a backslash, and how many bytes of it do.
fn escaped(escape: &str) -> Option<(char, usize)> {
    match escape.chars().next()? {
        'n' => Some(('\n', 1)),
        'r' => Some(('\r', 1)),
        't' => Some(('\t', 1)),
        'b' | 'f' => Some((' ', 1)),
        itself @ ('"' | '/' | '\\') => Some((itself, 1)),
        'u' => {
            let code = u32::from_str_radix(escape.get(1..5)?, 16).ok()?;
            Some((char::from_u32(code)?, 5))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
