use super::*;
use serde_json::json;

fn nothing_of_use() -> Vec<Value> {
    vec![json!(null), json!([]), json!({}), json!(""), json!("  ")]
}

#[test]
fn an_id_is_the_same_text_however_it_is_written() {
    for value in [json!(7), json!("7"), json!(" 7 "), json!(7.0)] {
        assert_eq!(as_text(&value).as_deref(), Some("7"), "{value}");
    }
    assert_eq!(
        as_text(&json!(u64::MAX)),
        Some("18446744073709551615".into())
    );
}

#[test]
fn an_id_that_may_have_lost_digits_is_none() {
    for text in ["1e300", "18446744073709551616", "9007199254740993.0", "7.5"] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(as_text(&value), None, "{text}");
    }
}

#[test]
fn numbers_may_be_text_and_are_finite() {
    for value in [json!(71.5), json!("71.5"), json!(" 71.50 ")] {
        assert_eq!(as_number(&value), Some(71.5), "{value}");
    }
    for value in [json!("NaN"), json!("inf"), json!("71.5 %"), json!(true)] {
        assert_eq!(as_number(&value), None, "{value}");
    }
    assert_eq!(as_integer(&json!("-3")), Some(-3));
    assert_eq!(as_integer(&json!(3.0)), Some(3));
    for value in [json!(3.5), json!(u64::MAX), json!("3.0"), json!(1e300)] {
        assert_eq!(as_integer(&value), None, "{value}");
    }
}

#[test]
fn what_is_of_no_use_is_absent() {
    for value in nothing_of_use() {
        assert_eq!(as_text(&value), None, "{value}");
        assert_eq!(as_number(&value), None, "{value}");
        assert_eq!(as_integer(&value), None, "{value}");
        assert_eq!(as_flag(&value), None, "{value}");
        assert_eq!(as_time(&value), None, "{value}");
        assert_eq!(numeric(&value), value);
    }
}

#[test]
fn a_time_is_milliseconds_or_has_a_zone() {
    let expected = Timestamp::from_unix_ms(1_712_041_931_149);
    for value in [
        json!(1_712_041_931_149_i64),
        json!("1712041931149"),
        json!("2024-04-02T09:12:11.149+02:00"),
    ] {
        assert_eq!(as_time(&value), expected, "{value}");
    }
    for value in [json!("2024-04-02T07:12:11"), json!(-1), json!(i64::MAX)] {
        assert_eq!(as_time(&value), None, "{value}");
    }
}

#[test]
fn flags_may_be_text() {
    assert_eq!(as_flag(&json!("True")), Some(true));
    assert_eq!(as_flag(&json!(false)), Some(false));
    assert_eq!(as_flag(&json!(1)), None);
}

#[test]
fn numeric_text_becomes_the_number_that_it_says() {
    assert_eq!(numeric(&json!("74")), json!(74));
    assert_eq!(numeric(&json!("71.5")), json!(71.5));
    assert_eq!(numeric(&json!(74)), json!(74));
    assert_eq!(numeric(&json!("good")), json!("good"));
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Shape {
    #[serde(default, deserialize_with = "text")]
    text: Option<String>,
    #[serde(default, deserialize_with = "number")]
    number: Option<f64>,
    #[serde(default, deserialize_with = "integer")]
    integer: Option<i64>,
    #[serde(default, deserialize_with = "flag")]
    flag: Option<bool>,
    #[serde(default, deserialize_with = "time")]
    time: Option<Timestamp>,
    #[serde(default, deserialize_with = "part")]
    inner: Inner,
    #[serde(default, deserialize_with = "objects")]
    list: Vec<Map<String, Value>>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Inner {
    #[serde(default, deserialize_with = "text")]
    text: Option<String>,
}

#[test]
fn no_value_makes_a_shape_unreadable() {
    let mut values = nothing_of_use();
    values.extend([json!(true), json!(["text"]), json!({"x": 1})]);
    for value in values {
        let names = [
            "text", "number", "integer", "flag", "time", "inner", "list", "else",
        ];
        let fields = names.map(|name| (name.to_owned(), value.clone()));
        let shape: Shape = shaped(Map::from_iter(fields)).unwrap();
        assert_eq!((shape.text, shape.inner.text), (None, None), "{value}");
    }
    assert_eq!(shaped::<Shape>(Map::new()).unwrap(), Shape::default());
}

#[test]
fn only_an_object_is_a_body_and_the_last_of_a_name_counts() {
    assert_eq!(object(br#"{"a":1,"a":2}"#).unwrap()["a"], 2);
    for body in ["", "[]", "null", "\"a\"", "1", "{", "{}x", "\u{feff}{}"] {
        assert!(object(body.as_bytes()).is_err(), "{body}");
    }
    assert!(object(b"{\"a\":\"\xff\"}").is_err());
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    assert!(object(deep.as_bytes()).is_err());
}

#[test]
fn fields_that_say_nothing_are_not_present() {
    let fields = object(br#"{"a":"74","b":null,"c":"  ","d":[]}"#).unwrap();
    let names = ["a", "b", "c", "d", "else"];
    let said = |read: fn(&Value) -> Value| Value::Object(present(&names, &fields, read));
    assert_eq!(said(numeric), json!({"a": 74, "c": "  ", "d": []}));
    assert_eq!(said(|value| as_text(value).into()), json!({"a": "74"}));
}

#[test]
fn a_blank_text_is_the_default() {
    for (text, expected) in [
        (Some(" x "), "x"),
        (Some(" "), "default"),
        (Some(""), "default"),
        (None, "default"),
    ] {
        assert_eq!(text_or(text, "default"), expected, "{text:?}");
    }
}

#[test]
fn the_padding_of_base64_may_be_missing() {
    for text in ["AQIDBA==", "AQIDBA"] {
        assert_eq!(base64(text), Some(vec![1, 2, 3, 4]), "{text}");
    }
    assert_eq!(base64(""), Some(vec![]));
    for text in ["AQIDBA===", "===", " AQIDBA", "not base64!"] {
        assert_eq!(base64(text), None, "{text}");
    }
}
