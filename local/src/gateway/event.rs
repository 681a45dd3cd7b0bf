//! A request as an event of payload format 2.0.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderName, header};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::routes::{MatchedRoute, decoded};
use crate::clock;
use crate::template::ACCOUNT;

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

/// Headers that speak of one connection, and so do not pass a gateway.
const OF_THE_CONNECTION: [HeaderName; 4] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
];

/// Who sent the request: an extension of its parts. Without it, it came from 127.0.0.1.
#[derive(Debug, Clone, Copy)]
pub struct SourceIp(pub IpAddr);

/// The event that API Gateway makes of a request.
///
/// It is a pure function, so that the events under `events/` can be made with a fixed time and id. The host is
/// taken as it is: that it is valid is the front's check.
#[must_use]
pub fn event(
    route: &MatchedRoute,
    parts: &Parts,
    body: &[u8],
    now: OffsetDateTime,
    request_id: &str,
) -> Value {
    let query = parts.uri.query().unwrap_or_default();
    let raw_path = decoded(parts.uri.path());
    let mut event = json!({
        "version": "2.0",
        "routeKey": route.key,
        // An HTTP API hands over the path percent-decoded, raw or not; REST APIs and function URLs do not.
        "rawPath": raw_path,
        "rawQueryString": query,
        "headers": headers(parts, now, request_id),
        "requestContext": context(route, parts, now, request_id),
        "isBase64Encoded": false,
    });
    if let Some(event) = event.as_object_mut() {
        set_unless_empty(event, "cookies", cookies(parts));
        set_unless_empty(event, "queryStringParameters", query_parameters(query));
        set_unless_empty(event, "pathParameters", json!(route.parameters));
        set_body(event, parts, body);
    }
    event
}

/// The host of the request, if it is one: a name or an address, and perhaps a port.
///
/// API Gateway never passes on another, and the functions' HTTP library panics on one.
pub(super) fn host(parts: &Parts) -> Option<&str> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?,
        _ => return None,
    };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (port_fits && is_host_name(name)).then_some(host)
}

fn is_host_name(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    if let Some(address) = address {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let allowed =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    // A last label of digits makes it an address, and then it has to be one.
    let last = name
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let numeric = last.chars().all(|letter| letter.is_ascii_digit());
    !name.is_empty()
        && name.len() <= 253
        && name.chars().all(allowed)
        && (!numeric || name.parse::<Ipv4Addr>().is_ok())
}

fn context(route: &MatchedRoute, parts: &Parts, now: OffsetDateTime, request_id: &str) -> Value {
    let domain = host(parts).unwrap_or_default();
    let domain = domain.rsplit_once(':').map_or(domain, |(name, _)| name);
    let user_agent = parts.headers.get(header::USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    json!({
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": domain,
        "domainPrefix": domain.split('.').next(),
        "http": {
            "method": parts.method.as_str(),
            "path": decoded(parts.uri.path()),
            "protocol": format!("{:?}", parts.version),
            "sourceIp": source_ip(parts).to_string(),
            "userAgent": user_agent.unwrap_or_default(),
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": "$default",
        "time": now.format(TIME).expect("every time has these parts"),
        "timeEpoch": clock::epoch_ms(now),
    })
}

fn source_ip(parts: &Parts) -> IpAddr {
    let source = parts.extensions.get::<SourceIp>();
    source.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |source| source.0)
}

/// Names in small letters, several values of one name joined by commas, and what the gateway adds.
fn headers(parts: &Parts, now: OffsetDateTime, request_id: &str) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for name in parts.headers.keys() {
        // Cookies have a field of their own, and are nowhere else.
        if name == header::COOKIE || OF_THE_CONNECTION.contains(name) {
            continue;
        }
        headers.insert(name.as_str().to_owned(), values(parts, name).join(","));
    }
    let source = source_ip(parts).to_string();
    let forwarded = headers.remove("x-forwarded-for");
    let forwarded = forwarded.map_or(source.clone(), |before| format!("{before}, {source}"));
    headers.insert("x-forwarded-for".to_owned(), forwarded);
    headers.insert("x-forwarded-port".to_owned(), "443".to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "https".to_owned());
    let trace = || trace_id(now, request_id);
    headers
        .entry("x-amzn-trace-id".to_owned())
        .or_insert_with(trace);
    headers
}

fn values(parts: &Parts, name: &HeaderName) -> Vec<String> {
    let values = parts.headers.get_all(name).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect()
}

/// The time, and 24 digits that follow from the request's id.
fn trace_id(now: OffsetDateTime, request_id: &str) -> String {
    let mut trace_id = format!("Root=1-{:08x}-", now.unix_timestamp());
    for byte in request_id.bytes().chain(std::iter::repeat(0)).take(12) {
        write!(trace_id, "{byte:02x}").expect("writing to a String cannot fail");
    }
    trace_id
}

fn cookies(parts: &Parts) -> Value {
    let lines = values(parts, &header::COOKIE);
    let cookies = lines.iter().flat_map(|line| line.split(';')).map(str::trim);
    cookies
        .filter(|cookie| !cookie.is_empty())
        .map(Value::from)
        .collect()
}

/// Decoded, several values of one name joined by commas.
fn query_parameters(query: &str) -> Value {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(&value.replace('+', " "));
        parameters
            .entry(decoded(&name.replace('+', " ")))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    json!(parameters)
}

/// Text as text, anything else in base64: as API Gateway does, by what the content type says that it is.
///
/// Two things differ. Whoever sends bytes that are no text under a type that says text would have them replaced there: here
/// they arrive in base64, because an exact copy is what a test of the receivers is about. And what is said to be of no
/// type is text here, if it can be.
fn set_body(event: &mut Map<String, Value>, parts: &Parts, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let is_said_to_be_text = content_type.is_none_or(|it| is_text(it.as_bytes()));
    let text = std::str::from_utf8(body).ok();
    let text = text.filter(|_| is_said_to_be_text).map(str::to_owned);
    event.insert("isBase64Encoded".to_owned(), Value::Bool(text.is_none()));
    let text = text.unwrap_or_else(|| STANDARD.encode(body));
    event.insert("body".to_owned(), Value::String(text));
}

/// Whether API Gateway takes what is of this type for text.
fn is_text(content_type: &[u8]) -> bool {
    let content_type = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some(("text", _) | ("application", "json" | "xml" | "javascript")) => true,
        Some((_, subtype)) => subtype.ends_with("+json") || subtype.ends_with("+xml"),
        None => false,
    }
}

fn set_unless_empty(event: &mut Map<String, Value>, field: &str, value: Value) {
    let empty = match &value {
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    };
    if !empty {
        event.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
