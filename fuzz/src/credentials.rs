//! What vouches for a call: signatures, tokens in paths, headers. Only the right one passes, whatever else comes along.

use crate::line;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::json;
use shared::caller::{Caller, Delivery, VendorCall};
use shared::source::{Call, Source, Unauthenticated};
use shared::timestamp::Timestamp;
use std::collections::HashMap;
use std::time::Duration;
use testlify_webhook::Testlify;
use xobin_webhook::Xobin;

const SIGNING: &str = r#"{"signing_secret":"whsec_dGhpcyBpcyBub3QgYSBzZWNyZXQgYXQgYWxsLi4u"}"#;
const TOLERANCE: u64 = 300;
const NAME: &str = "xobin";
const PASSWORD: &str = "pass:word";
const KEY: &str = "correct-horse";
const NO_HEADERS: [(&str, &str); 0] = [];

/// A signature by Standard Webhooks. The input: the delivery's id, how many seconds ago it was signed, the text of another header of
/// signatures, what is changed afterwards (where, and by which bits), and the body.
pub fn signature(data: &[u8]) {
    let (id, rest) = line(data);
    let (age, rest) = line(rest);
    let (others, rest) = line(rest);
    let (change, body) = line(rest);
    let Some(id) = text(id).filter(|id| !id.is_empty()) else {
        return;
    };
    let age: i64 = text(age).and_then(|age| age.parse().ok()).unwrap_or(0);
    let now = Timestamp::from_unix_ms(1_768_471_200_000).expect("it is a time");
    let distance = Duration::from_secs(age.unsigned_abs());
    let sent = if age < 0 {
        now.plus(distance)
    } else {
        now.minus(distance)
    };
    let credentials = serde_json::from_str(SIGNING).expect("these are credentials");
    let delivery = Delivery {
        version: "v2",
        body,
        sent,
        id,
    };
    let signed = Testlify::call(&credentials, delivery).expect("it can be signed");
    let verify = |signed: &VendorCall, body: &[u8]| {
        let call = call(&signed.headers, &[], body, now)?;
        Some(Testlify.authenticate(&call, &credentials))
    };

    let fresh = now.unix_seconds().abs_diff(sent.unix_seconds()) <= TOLERANCE;
    let expected = if fresh {
        Ok(())
    } else {
        Err(Unauthenticated::Stale)
    };
    assert_eq!(
        verify(&signed, body),
        Some(expected),
        "what is right passes"
    );

    let mut other = body.to_vec();
    for pair in change.chunks_exact(2) {
        let at = usize::from(pair[0]) % other.len().max(1);
        if let Some(byte) = other.get_mut(at) {
            *byte ^= pair[1];
        }
    }
    if other != body {
        assert_ne!(verify(&signed, &other), Some(Ok(())), "another body");
    }
    let longer = [body, b" "].concat();
    assert_ne!(verify(&signed, &longer), Some(Ok(())), "a longer body");
    check_headers(&signed, others, |changed| verify(changed, body));
}

/// No other value of any of the headers passes, but a list of signatures in which the right one is.
fn check_headers(
    signed: &VendorCall,
    value: &[u8],
    verify: impl Fn(&VendorCall) -> Option<Result<(), Unauthenticated>>,
) {
    let Some(value) = text(value) else { return };
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let right = &signed.headers[name];
        // Values are trimmed on their way, as every header's are: those that differ in nothing else are the same.
        if value.trim() == right.trim() {
            continue;
        }
        let mut changed = signed.clone();
        changed.headers.insert(name.to_owned(), value.to_owned());
        let holds_it = name == "svix-signature" && value.split_whitespace().any(|it| it == right);
        if !holds_it {
            assert_ne!(verify(&changed), Some(Ok(())), "another {name}");
        }
        changed.headers.remove(name);
        assert_eq!(verify(&changed), Some(Err(Unauthenticated::Absent)));
    }
    let mut several = signed.clone();
    let list = format!("{value} {}", signed.headers["svix-signature"]);
    several.headers.insert("svix-signature".to_owned(), list);
    if let Some(verified) = verify(&several) {
        assert_eq!(
            verified,
            verify(signed).expect("it could be sent"),
            "one of several"
        );
    }
}

/// A token in the path. The input: the secret, and what is presented.
pub fn path_token(data: &[u8]) {
    let (secret, presented) = line(data);
    let (Ok(secret), Ok(presented)) = (std::str::from_utf8(secret), std::str::from_utf8(presented))
    else {
        return;
    };
    let credentials = json!({ "token": secret }).to_string();
    check_token(&Imocha, "", &credentials, secret, presented);
    check_token(&Testlify, "v1", &credentials, secret, presented);
}

fn check_token<S: Caller>(
    source: &S,
    version: &str,
    credentials: &str,
    secret: &str,
    presented: &str,
) {
    let credentials = serde_json::from_str(credentials).expect("these are credentials");
    let believes = |token: &str| {
        let call = call(NO_HEADERS, &[("token", token)], b"", Timestamp::EPOCH)
            .expect("it has no headers");
        source.authenticate(&call, &credentials).is_ok()
    };
    let right = !secret.is_empty() && secret == presented;
    assert_eq!(
        believes(presented),
        right,
        "only the secret passes, and an empty one never"
    );
    let delivery = Delivery {
        version,
        body: b"",
        sent: Timestamp::EPOCH,
        id: "",
    };
    if let Ok(made) = S::call(&credentials, delivery) {
        let token = made.path.rsplit('/').next().unwrap_or_default();
        let token = percent_encoding::percent_decode_str(token).decode_utf8();
        assert!(
            believes(&token.expect("it was text")),
            "what the vendor is given passes"
        );
    } else {
        assert!(secret.is_empty(), "a secret that is set can be given");
    }
}

/// Credentials in headers. The input: `Authorization`, and the value of a header of a token or key.
pub fn headers(data: &[u8]) {
    let (authorization, token) = line(data);
    let basic = json!({ "username": NAME, "password": PASSWORD }).to_string();
    if let Some(value) = text(authorization) {
        let passes = believes(&Xobin, &basic, &[("authorization", value)]);
        assert_eq!(passes, is_basic(value), "{value:?}");
        let both = json!({ "username": NAME, "password": PASSWORD, "api_key": KEY }).to_string();
        assert!(believes(
            &Xobin,
            &both,
            &[("authorization", value), ("x-api-key", KEY)]
        ));
    }
    if let Some(value) = text(token) {
        let key = json!({ "api_key": KEY }).to_string();
        let token = json!({ "token": KEY }).to_string();
        assert_eq!(
            believes(&Xobin, &key, &[("x-api-key", value)]),
            value == KEY
        );
        assert_eq!(
            believes(&Jobmojito, &token, &[("x-webhook-token", value)]),
            value == KEY
        );
        assert!(!believes(
            &Xobin,
            &key,
            &[("x-api-key", KEY), ("x-api-key", value)]
        ));
        assert!(!believes(
            &Xobin,
            r#"{"username":"x"}"#,
            &[("x-api-key", value)]
        ));
    }
}

/// By other code than that which is tested: the scheme, a space, and the base64 of the right name and password.
fn is_basic(value: &str) -> bool {
    let Some((scheme, encoded)) = value.trim().split_once(' ') else {
        return false;
    };
    let right = BASE64_STANDARD.encode(format!("{NAME}:{PASSWORD}"));
    let bare = |text: &str| text.trim_end_matches('=').to_owned();
    let padding = encoded.trim().len() - bare(encoded.trim()).len();
    let whole = right.len() - bare(&right).len();
    scheme.to_lowercase() == "basic"
        && bare(encoded.trim()) == bare(&right)
        && (padding == 0 || padding == whole)
}

fn believes<S: Source>(source: &S, credentials: &str, headers: &[(&str, &str)]) -> bool {
    let credentials = serde_json::from_str(credentials).expect("these are credentials");
    let call = call(headers.iter().copied(), &[], b"", Timestamp::EPOCH);
    call.is_some_and(|call| source.authenticate(&call, &credentials).is_ok())
}

/// The call, unless its headers cannot be sent.
fn call<N: AsRef<str>, V: AsRef<str>>(
    headers: impl IntoIterator<Item = (N, V)>,
    path: &[(&str, &str)],
    body: &[u8],
    received: Timestamp,
) -> Option<Call> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_ref().as_bytes()).ok()?;
        map.append(name, HeaderValue::from_str(value.as_ref()).ok()?);
    }
    let named = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Some(Call {
        headers: map,
        path: path.iter().map(named).collect::<HashMap<_, _>>(),
        body: Bytes::copy_from_slice(body),
        received,
        correlation_id: String::new(),
    })
}

/// What a header's value can be as text.
fn text(bytes: &[u8]) -> Option<&str> {
    HeaderValue::from_bytes(bytes).ok()?.to_str().ok()?;
    std::str::from_utf8(bytes).ok()
}
