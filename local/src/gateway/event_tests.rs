use http::Request;

use super::*;

const NOW: OffsetDateTime = time::macros::datetime!(2020-03-12 19:03:58.123 UTC);

fn route() -> MatchedRoute {
    MatchedRoute {
        key: "POST /things/{id}".to_owned(),
        parameters: BTreeMap::from([("id".to_owned(), "a b".to_owned())]),
    }
}

fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::post(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[test]
fn a_request_becomes_an_event_of_payload_format_2() {
    let headers = [
        ("Host", "hooks.example.com:443"),
        ("Content-Type", "application/json"),
        ("X-Twice", "one"),
        ("X-Twice", "two"),
        ("Cookie", "a=1; b=2"),
        ("Cookie", "c=3"),
        ("User-Agent", "test/1"),
        ("Connection", "keep-alive"),
        ("X-Forwarded-For", "192.0.2.1"),
    ];
    let parts = parts("/things/a%20b?x=1&y=a%20b+c&x=2&flag", &headers);
    let event = event(&route(), &parts, b"{\"a\":1}", NOW, "JKJaXmPLvHcESHA=");
    let expected = json!({
        "version": "2.0",
        "routeKey": "POST /things/{id}",
        "rawPath": "/things/a b",
        "rawQueryString": "x=1&y=a%20b+c&x=2&flag",
        "cookies": ["a=1", "b=2", "c=3"],
        "headers": {
            "content-type": "application/json",
            "host": "hooks.example.com:443",
            "user-agent": "test/1",
            "x-amzn-trace-id": "Root=1-5e6a879e-4a4b4a61586d504c76486345",
            "x-forwarded-for": "192.0.2.1, 127.0.0.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-twice": "one,two",
        },
        "queryStringParameters": { "flag": "", "x": "1,2", "y": "a b c" },
        "pathParameters": { "id": "a b" },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "hooks.example.com",
            "domainPrefix": "hooks",
            "http": {
                "method": "POST",
                "path": "/things/a b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test/1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /things/{id}",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_584_039_838_123_i64,
        },
        "body": "{\"a\":1}",
        "isBase64Encoded": false,
    });
    assert_eq!(event, expected);
}

#[test]
fn what_a_request_does_not_have_its_event_does_not_have() {
    let route = MatchedRoute {
        key: "POST /things".to_owned(),
        parameters: BTreeMap::new(),
    };
    let event = event(&route, &parts("/things", &[("Host", "h")]), b"", NOW, "id");
    for field in ["body", "cookies", "queryStringParameters", "pathParameters"] {
        assert_eq!(event.get(field), None, "{field}");
    }
    assert_eq!(event["rawQueryString"], "");
}

#[test]
fn bytes_that_are_no_text_arrive_exactly() {
    let cases: [(&[u8], bool, &str); 3] = [
        (b"plain \xc3\xa9", false, "plain é"),
        (b"\xff\x00", true, "/wA="),
        (b"\xc3", true, "ww=="),
    ];
    for (body, encoded, text) in cases {
        let event = event(&route(), &parts("/x", &[]), body, NOW, "id");
        assert_eq!(event["isBase64Encoded"], encoded);
        assert_eq!(event["body"], text);
    }
}

#[test]
fn a_body_is_text_where_its_type_says_so_and_in_base64_where_it_says_something_else() {
    let text = [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/xml",
        "application/javascript",
        "application/cloudevents+json",
        "image/svg+xml;charset=utf-8",
        "text/plain",
        "text/anything",
    ];
    let other = [
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "multipart/form-data; boundary=text/plain",
        "application/pdf",
        "json",
        "",
    ];
    let all = text.map(|it| (it, false)).into_iter();
    for (content_type, encoded) in all.chain(other.map(|it| (it, true))) {
        let parts = parts("/x", &[("Content-Type", content_type)]);
        let event = event(&route(), &parts, b"{\"a\":1}", NOW, "id");
        let body = if encoded { "eyJhIjoxfQ==" } else { "{\"a\":1}" };
        assert_eq!(event["isBase64Encoded"], encoded, "{content_type}");
        assert_eq!(event["body"], body, "{content_type}");
    }
}

#[test]
fn bytes_that_are_no_text_arrive_exactly_though_their_type_says_text() {
    let parts = parts("/x", &[("Content-Type", "application/json")]);
    let event = event(&route(), &parts, b"\xff\x00", NOW, "id");
    assert_eq!(event["isBase64Encoded"], true);
    assert_eq!(event["body"], "/wA=");
}

#[test]
fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
    for host_name in [
        "localhost",
        "a.example.com",
        "127.0.0.1:8080",
        "[::1]:80",
        "[::1]",
        "a-b_c.",
    ] {
        let parts = parts("/x", &[("Host", host_name)]);
        assert_eq!(host(&parts), Some(host_name));
    }
    for host_name in [
        "",
        " ",
        "a b",
        "a/b",
        "a:99999",
        "a:",
        "user@a",
        "[::1",
        "a:b:c",
        "é",
        "1.2.3.999",
    ] {
        let parts = parts("/x", &[("Host", host_name)]);
        assert_eq!(host(&parts), None, "{host_name:?}");
    }
    assert_eq!(host(&parts("/x", &[])), None, "no host at all");
    assert_eq!(
        host(&parts("/x", &[("Host", "a"), ("Host", "b")])),
        None,
        "two hosts"
    );
}
