//! What whoever does not have the credential could send in its place, in every way in.

use super::Answered;
use crate::ways::{Shown, Way, set_header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tests::vendors::Ready;

/// One attack.
pub struct Line {
    /// What is sent.
    pub what: &'static str,
    /// How it is made: of the right call and of a credential that is good for another way in.
    pub forge: fn(&Way, Ready, &str) -> Ready,
    /// How it is answered where the credential is in the path.
    in_path: Answered,
    /// How it is answered where it is in a header.
    in_header: Answered,
}

impl Line {
    /// How it is answered.
    pub fn answered(&self, shown: Shown) -> Answered {
        match shown {
            Shown::Path => self.in_path,
            Shown::Header(_) | Shown::Signature(_) => self.in_header,
        }
    }
}

/// Refused by the function, wherever the credential is.
const fn refused(what: &'static str, forge: fn(&Way, Ready, &str) -> Ready) -> Line {
    let (in_path, in_header) = (Answered::UNAUTHORIZED, Answered::UNAUTHORIZED);
    Line {
        what,
        forge,
        in_path,
        in_header,
    }
}

/// In the path it makes another path, to which no route leads.
const fn no_route(what: &'static str, forge: fn(&Way, Ready, &str) -> Ready) -> Line {
    let (in_path, in_header) = (Answered::NOT_FOUND, Answered::UNAUTHORIZED);
    Line {
        what,
        forge,
        in_path,
        in_header,
    }
}

/// The attacks.
pub const TABLE: [Line; 18] = [
    refused("nothing of the kind", |way, mut call, _| match way.shown {
        Shown::Path => way.showing(call, "undefined"),
        Shown::Header(name) | Shown::Signature(name) => {
            set_header(&mut call, name, None);
            call
        }
    }),
    no_route("an empty text", |way, call, _| way.showing(call, "")),
    refused("a blank", |way, call, _| way.showing(call, blank(way))),
    refused("the word null", |way, call, _| way.showing(call, "null")),
    refused("a wildcard", |way, call, _| way.showing(call, "*")),
    refused("one character that is another", |way, call, _| {
        changed(way, call, |text| {
            let middle = text.len() / 2;
            text[middle] = if text[middle] == b'A' { b'B' } else { b'A' };
        })
    }),
    refused("the last two characters short", |way, call, _| {
        changed(way, call, |text| {
            while text.pop_if(|it| *it == b'=').is_some() {}
            text.truncate(text.len() - 2);
        })
    }),
    refused("the first character short", |way, call, _| {
        changed(way, call, |text| {
            text.remove(0);
        })
    }),
    refused("one character more", |way, call, _| {
        changed(way, call, |text| text.push(b'A'))
    }),
    refused("in other letters", |way, call, _| {
        changed(way, call, |text| text.iter_mut().for_each(swap_case))
    }),
    refused("in base64 once more", |way, call, _| {
        changed(way, call, |text| {
            *text = URL_SAFE_NO_PAD.encode(&text).into_bytes();
        })
    }),
    refused("percent-encoded twice", |way, call, _| {
        changed(way, call, |text| {
            let twice = |byte: &u8| format!("%25{byte:02X}");
            *text = text.iter().map(twice).collect::<String>().into_bytes();
        })
    }),
    refused("backwards", |way, call, _| {
        changed(way, call, |text| text.reverse())
    }),
    refused("twice, with a comma", |way, call, _| {
        let right = way.credential(&call);
        way.showing(call, &format!("{right},{right}"))
    }),
    no_route("twice", |way, mut call, _| match way.shown {
        Shown::Path => {
            let again = format!("/{}", way.credential(&call));
            call.path.push_str(&again);
            call
        }
        Shown::Header(name) | Shown::Signature(name) => {
            let again = (name.to_owned(), way.credential(&call));
            call.headers.push(again);
            call
        }
    }),
    refused("what is good for another way in", |way, call, foreign| {
        way.showing(call, &foreign.replace(['/', '='], "_"))
    }),
    refused("in the query", |way, call, _| {
        let right = way.credential(&call);
        let mut call = way.showing(call, "wrong");
        let query = format!("?token={right}&x-api-key={right}");
        call.path.push_str(&query);
        call
    }),
    refused("under another name", |way, call, _| {
        let right = way.credential(&call);
        let mut call = way.showing(call, "wrong");
        let other = ["x-webhook-token", "x-api-key"].map(|name| Shown::Header(name) != way.shown);
        for (name, is_other) in ["x-webhook-token", "x-api-key"].into_iter().zip(other) {
            if is_other {
                set_header(&mut call, name, Some(&right));
            }
        }
        call
    }),
];

const fn blank(way: &Way) -> &'static str {
    match way.shown {
        Shown::Path => "%20",
        Shown::Header(_) | Shown::Signature(_) => " ",
    }
}

fn changed(way: &Way, call: Ready, change: impl FnOnce(&mut Vec<u8>)) -> Ready {
    let right = way.credential(&call);
    let mut text = right.clone().into_bytes();
    change(&mut text);
    let text = String::from_utf8(text).unwrap();
    assert_ne!(text, right, "{}", way.name);
    way.showing(call, &text)
}

fn swap_case(letter: &mut u8) {
    *letter ^= if letter.is_ascii_alphabetic() {
        0x20
    } else {
        0
    };
}
