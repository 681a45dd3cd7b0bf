//! A function's answer as HTTP, by the rules of payload format 2.0.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Why an answer is none that an HTTP API understands.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("it is not JSON")]
    NotJson(#[source] serde_json::Error),
    #[error("it has fields of other types")]
    WrongShape(#[source] serde_json::Error),
    #[error("{0} is no HTTP status")]
    NotStatus(u16),
    #[error("its body is said to be base64, and is not")]
    NotBase64(#[source] base64::DecodeError),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// What the caller gets.
pub(super) fn to_http(answer: &[u8]) -> Result<Response<Body>, AnswerError> {
    let answer: Value = serde_json::from_slice(answer).map_err(AnswerError::NotJson)?;
    if answer.get("statusCode").is_none() {
        return Ok(inferred(&answer));
    }
    let answer: Answer = serde_json::from_value(answer).map_err(AnswerError::WrongShape)?;
    let status = StatusCode::from_u16(answer.status_code);
    let status = status.map_err(|_| AnswerError::NotStatus(answer.status_code))?;
    let headers = headers(&answer);
    let body = answer.body.unwrap_or_default();
    let body = if answer.is_base64_encoded.unwrap_or(false) {
        STANDARD.decode(body).map_err(AnswerError::NotBase64)?
    } else {
        body.into_bytes()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// JSON without a status code is the body of a 200.
fn inferred(answer: &Value) -> Response<Body> {
    let body = match answer {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn headers(answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in answer.headers.iter().flatten() {
        add(&mut headers, name, value);
    }
    // Format 2.0 does not know these any more. Libraries still write them, so those of other names are taken.
    for (name, values) in answer.multi_value_headers.iter().flatten() {
        let known = headers.contains_key(name.as_str());
        for value in values.as_array().into_iter().flatten().filter(|_| !known) {
            add(&mut headers, name, value);
        }
    }
    for cookie in answer.cookies.iter().flatten() {
        add(&mut headers, "set-cookie", &Value::String(cookie.clone()));
    }
    // The length is the gateway's to tell, and the connection is not the function's.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    headers.remove(header::CONNECTION);
    if !headers.contains_key(header::CONTENT_TYPE) && answer.body.is_some() {
        let text = HeaderValue::from_static("text/plain;charset=UTF-8");
        headers.insert(header::CONTENT_TYPE, text);
    }
    headers
}

/// What is no header is left out, as the gateway does.
fn add(headers: &mut HeaderMap, name: &str, value: &Value) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return,
    };
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&text)) {
        headers.append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn read(answer: Value) -> (u16, HeaderMap, Vec<u8>) {
        let (parts, body) = to_http(answer.to_string().as_bytes()).unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), parts.headers, body.to_vec())
    }

    #[tokio::test]
    async fn a_full_answer_is_taken_over() {
        let (status, headers, body) = read(json!({
            "statusCode": 202,
            "headers": { "content-type": "application/json", "X-Number": 7, "X-Bad": ["no"], "content-length": "1" },
            "multiValueHeaders": { "x-many": ["a", "b"], "content-type": ["text/html"] },
            "cookies": ["a=1", "b=2"],
            "body": "{}",
        }))
        .await;
        assert_eq!((status, body.as_slice()), (202, b"{}".as_slice()));
        let all = |name: &str| {
            headers
                .get_all(name)
                .iter()
                .map(|v| v.to_str().unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(all("content-type"), ["application/json"]);
        assert_eq!(all("x-number"), ["7"]);
        assert_eq!(all("x-many"), ["a", "b"]);
        assert_eq!(all("set-cookie"), ["a=1", "b=2"]);
        assert!(all("x-bad").is_empty() && all("content-length").is_empty());
    }

    #[tokio::test]
    async fn bytes_come_out_of_base64() {
        let answer = json!({ "statusCode": 200, "body": "/wA=", "isBase64Encoded": true });
        assert_eq!(read(answer).await.2, b"\xff\x00");
        let (status, _, body) =
            read(json!({ "statusCode": 204, "body": null, "headers": null })).await;
        assert_eq!((status, body.len()), (204, 0));
    }

    #[tokio::test]
    async fn json_without_a_status_is_the_body_of_a_200() {
        let cases = [
            (json!({ "a": 1 }), "{\"a\":1}"),
            (json!("text"), "text"),
            (json!([1]), "[1]"),
            (json!(null), "null"),
        ];
        for (answer, expected) in cases {
            let (status, headers, body) = read(answer).await;
            assert_eq!((status, body.as_slice()), (200, expected.as_bytes()));
            assert_eq!(headers["content-type"], "application/json");
        }
    }

    #[test]
    fn what_is_malformed_is_an_error() {
        let malformed: [&[u8]; 6] = [
            b"not json",
            b"",
            br#"{"statusCode":"many"}"#,
            br#"{"statusCode":99}"#,
            br#"{"statusCode":200,"body":{"an":"object"}}"#,
            br#"{"statusCode":200,"body":"?","isBase64Encoded":true}"#,
        ];
        for answer in malformed {
            assert!(
                to_http(answer).is_err(),
                "{}",
                String::from_utf8_lossy(answer)
            );
        }
    }
}
