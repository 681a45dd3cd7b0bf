use super::*;
use crate::erasure::{Person, addresses};
use crate::person::HashKey;
use crate::secrets::SecretText;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use std::io::Write;

const ADDRESS: &str = "ada.l+1@example.com";
const BODY: &str = r#"{"name":"Ada","email":"Ada.L+1@example.com","note":"fine"}"#;

fn readings(bytes: &[u8]) -> Vec<String> {
    let mut readings = Vec::new();
    let _ = each_reading(bytes, |text| {
        readings.push(text.to_owned());
        ControlFlow::Continue(())
    });
    readings
}

fn ada() -> Person {
    let people: HashKey = SecretText::from("k".to_owned()).into();
    Person::by_email(ADDRESS, &people).unwrap()
}

/// A way to wrap a body as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrapping {
    Little,
    Big,
    MarkedLittle,
    MarkedBig,
    Gzip,
    Base64,
    Base64OfLinks,
    Base64InLines,
    Base64AsJson,
}

use Wrapping::{
    Base64, Base64AsJson, Base64InLines, Base64OfLinks, Big, Gzip, Little, MarkedBig, MarkedLittle,
};

const ALL: [Wrapping; 9] = [
    Little,
    Big,
    MarkedLittle,
    MarkedBig,
    Gzip,
    Base64,
    Base64OfLinks,
    Base64InLines,
    Base64AsJson,
];

fn utf_16(body: &[u8], mark: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let units: Vec<u16> = [mark, &text].concat().encode_utf16().collect();
    units.into_iter().flat_map(write).collect()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(body).unwrap();
    gzip.finish().unwrap()
}

impl Wrapping {
    /// UTF-16 is of texts.
    fn is_of_texts(self) -> bool {
        matches!(self, Little | Big | MarkedLittle | MarkedBig)
    }

    fn of(self, body: &[u8]) -> Vec<u8> {
        match self {
            Little => utf_16(body, "", u16::to_le_bytes),
            Big => utf_16(body, "", u16::to_be_bytes),
            MarkedLittle => utf_16(body, "\u{feff}", u16::to_le_bytes),
            MarkedBig => utf_16(body, "\u{feff}", u16::to_be_bytes),
            Gzip => gzip(body),
            Base64 => STANDARD.encode(body).into_bytes(),
            Base64OfLinks => URL_SAFE_NO_PAD.encode(body).into_bytes(),
            Base64InLines => {
                let text = STANDARD.encode(body).into_bytes();
                let lines: Vec<&[u8]> = text.chunks(76).collect();
                lines.join(&b"\r\n"[..])
            }
            Base64AsJson => format!("\"{}\"\n", STANDARD.encode(body)).into_bytes(),
        }
    }
}

/// One wrapping after the other, but for those that cannot be made of what is there.
fn wrapped(body: &[u8], wrappings: &[Wrapping]) -> Vec<u8> {
    let mut wrapped = body.to_vec();
    for wrapping in wrappings {
        if !wrapping.is_of_texts() || std::str::from_utf8(&wrapped).is_ok() {
            wrapped = wrapping.of(&wrapped);
        }
    }
    wrapped
}

#[test]
fn an_address_is_found_however_the_whole_body_is_wrapped_and_in_what() {
    for outer in ALL {
        for inner in ALL {
            let body = wrapped(BODY.as_bytes(), &[inner, outer]);
            assert!(ada().is_named_in(&body), "{inner:?} in {outer:?}");
            let other = BODY.replace("Ada.L", "Eve.L");
            let body = wrapped(other.as_bytes(), &[inner, outer]);
            assert!(!ada().is_named_in(&body), "{inner:?} in {outer:?}");
        }
    }
}

#[test]
fn escapes_and_other_alphabets_are_read_beneath_a_wrapping_as_well() {
    let escaped = r#"{"email":"ada.l\u002B1\u0040example.com"}"#;
    for wrapping in ALL {
        let body = wrapping.of(escaped.as_bytes());
        assert!(ada().is_named_in(&body), "{wrapping:?}");
        let people = SecretText::from("k".to_owned()).into();
        let umlaut = Person::by_email("jörg@exämple.com", &people).unwrap();
        let body = wrapping.of("候補者一: {\"mail\":\"JÖRG@exämple.com\"}".as_bytes());
        assert!(umlaut.is_named_in(&body), "{wrapping:?}");
    }
}

#[test]
fn a_mark_says_which_half_comes_first_whatever_most_of_the_text_is() {
    // The lesser half of each is a zero.
    let text = format!("{}{BODY}", "\u{4e00}".repeat(100));
    for wrapping in [MarkedLittle, MarkedBig] {
        assert!(
            ada().is_named_in(&wrapping.of(text.as_bytes())),
            "{wrapping:?}"
        );
    }
}

#[test]
fn what_is_cut_off_is_read_as_far_as_it_goes() {
    let long = format!("{BODY}{}", "0123456789abcdef".repeat(50));
    for wrapping in ALL {
        let body = wrapping.of(long.as_bytes());
        for left in [body.len() - 1, body.len() - 2, body.len() - 3] {
            assert!(ada().is_named_in(&body[..left]), "{wrapping:?} {left}");
        }
    }
}

#[test]
fn what_follows_what_was_wrapped_is_read_as_well() {
    let other = b"{\"email\":\"eve@example.com\"}\n";
    assert!(STANDARD.encode(other).ends_with('='));
    for body in [
        [gzip(other), gzip(BODY.as_bytes())].concat(),
        [gzip(other), BODY.into()].concat(),
        [STANDARD.encode(other), STANDARD.encode(BODY)]
            .concat()
            .into(),
    ] {
        assert!(ada().is_named_in(&body), "{body:?}");
    }
}

#[test]
fn gzip_that_was_unpacked_as_a_whole_is_no_text() {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{state:08x} ")
    });
    let noise: String = noise.take(64 * 1024).collect();
    let packed = gzip(format!("{noise}{BODY}").as_bytes());
    let by_chance = String::from_utf8_lossy(&packed)
        .split('@')
        .filter(|it| it.ends_with(char::is_alphanumeric))
        .count();
    assert!(by_chance > 50, "{by_chance}");
    assert_eq!(addresses(&packed, usize::MAX), [ADDRESS.to_owned()].into());
}

#[test]
fn plain_json_is_read_once() {
    assert_eq!(readings(BODY.as_bytes()), [BODY]);
    assert_eq!(readings(b""), [""]);
}

#[test]
fn what_unpacks_to_too_much_is_read_up_to_a_bound() {
    let zeros = |count: usize| " ".repeat(count);
    let within = format!("{}{BODY}{}", zeros(MOST_UNPACKED / 2), zeros(MOST_UNPACKED));
    assert!(ada().is_named_in(&gzip(within.as_bytes())));
    let beyond = format!("{}{BODY}", zeros(MOST_UNPACKED));
    assert!(!ada().is_named_in(&gzip(beyond.as_bytes())));
    let bomb = gzip(&gzip(&gzip(beyond.as_bytes())));
    assert!(bomb.len() < 1024, "{}", bomb.len());
    let most = readings(&bomb).iter().map(String::len).max().unwrap();
    assert!((MOST_UNPACKED / 2..MOST_UNPACKED).contains(&most), "{most}");
}

#[test]
fn layers_are_opened_up_to_a_bound() {
    let found = |wrappings: &[Wrapping]| ada().is_named_in(&wrapped(BODY.as_bytes(), wrappings));
    assert!(found(&[Base64; MOST_LAYERS]));
    assert!(!found(&[Base64; MOST_LAYERS + 1]));
    assert!(found(&[Little, Gzip, Base64, Big, Gzip]));
    assert!(found(&[Base64, Little, MarkedLittle]));
}

#[test]
fn whatever_a_body_of_the_largest_size_says_its_readings_are_few() {
    for byte in [0, b'A', b'=', b'@', b'\\', b'%', 0x1f, 0xff] {
        let readings = readings(&vec![byte; MAX_BODY_BYTES]);
        let bytes: usize = readings.iter().map(String::len).sum();
        assert!(bytes <= 16 * MAX_BODY_BYTES, "{byte}: {bytes}");
    }
}

#[test]
fn whatever_is_packed_is_in_memory_up_to_a_bound() {
    let largest = |body: &[u8]| readings(body).iter().map(String::len).max().unwrap();
    // Each byte that is no text becomes three.
    let wrong = gzip(&vec![0xff; 2 * MOST_UNPACKED]);
    assert_eq!(largest(&wrong), 3 * MOST_UNPACKED);
    // What UTF-16 says grows by half in UTF-8, beneath each layer.
    let unit = [0x4e, 0x00];
    let grown = gzip(&unit.repeat(MOST_UNPACKED / 2));
    assert!(largest(&grown) <= 3 * MOST_UNPACKED);
    let many = gzip("a@".repeat(MOST_UNPACKED).as_bytes());
    assert_eq!(addresses(&many, usize::MAX).len(), 1);
}

#[test]
fn so_many_addresses_are_looked_for_and_no_more() {
    let many: Vec<String> = (0..1000)
        .map(|number| format!("{number}@example.com"))
        .collect();
    let many = many.join(" ");
    assert_eq!(addresses(many.as_bytes(), 50).len(), 50);
    assert_eq!(addresses(many.as_bytes(), 2000).len(), 1000);
}

#[test]
fn what_gzip_notes_beside_what_is_packed_is_read_as_well() {
    let mut packed = GzBuilder::new()
        .filename(ADDRESS)
        .write(Vec::new(), Compression::fast());
    packed.write_all(b"{}").unwrap();
    assert!(ada().is_named_in(&packed.finish().unwrap()));
}

#[test]
fn base64_in_json_may_be_escaped() {
    let text = STANDARD.encode(format!("{BODY}???>>>")).replace('/', "\\/");
    assert!(text.contains('\\'), "{text}");
    for line_end in ["", "\\r\\n"] {
        let body = format!("\"{}{line_end}{}\"", &text[..20], &text[20..]);
        assert!(ada().is_named_in(body.as_bytes()), "{body}");
    }
}

fn some() -> impl Strategy<Value = Vec<Wrapping>> {
    proptest::collection::vec(proptest::sample::select(&ALL[..]), 0..MOST_LAYERS)
}

proptest! {
    #[test]
    fn an_address_is_found_beneath_any_wrappings(
        wrappings in some(), local in "[a-z0-9]([a-z0-9._+-]{0,8}[a-z0-9])?", domain in "[a-z0-9]{1,8}\\.[a-z]{2,4}",
        before in "[ -~]{0,20}[ \":,{]", after in "[ \",}]\\PC{0,8}",
    ) {
        let address = format!("{local}@{domain}");
        let people: HashKey = SecretText::from("k".to_owned()).into();
        let person = Person::by_email(&address, &people).unwrap();
        let text = format!("{before}{address}{after}");
        let body = wrapped(text.as_bytes(), &wrappings);
        prop_assert!(person.is_named_in(&body), "{text} in {wrappings:?}");
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_opened(wrappings in some(), bytes: Vec<u8>) {
        let body = wrapped(&bytes, &wrappings);
        prop_assert!(addresses(&body, usize::MAX).iter().all(|it| it.contains('@')));
        let marked = [&GZIP, &body[..]].concat();
        prop_assert!(addresses(&marked, usize::MAX).iter().all(|it| it.contains('@')));
    }

    #[test]
    fn by_whatever_address_is_found_somebody_is_found_again(
        wrappings in some(), text in "[a-d0-4@@.%+'ΣσςİẞA-C\\\\\"u-]{0,60}",
    ) {
        let people: HashKey = SecretText::from("k".to_owned()).into();
        let body = wrapped(text.as_bytes(), &wrappings);
        for address in addresses(&body, usize::MAX) {
            let person = Person::by_email(&address, &people).unwrap();
            prop_assert!(person.is_named_in(&body), "{address} of {text} in {wrappings:?}");
        }
    }
}
