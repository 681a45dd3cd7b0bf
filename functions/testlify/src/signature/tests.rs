use super::*;

// The published test vector.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

const SVIX: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];
const UNBRANDED: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

fn key(secret: &str) -> SigningKey {
    SigningKey::parse(&SecretText::from(secret.to_owned())).unwrap()
}

fn call(headers: &[(&str, &str)], body: &[u8], seconds: i64) -> Call {
    Call {
        received: Timestamp::from_unix_ms(seconds * 1000).unwrap(),
        ..source_contract::call([], headers.iter().copied(), body)
    }
}

fn verified(call: &Call) -> Result<(), Unauthenticated> {
    let signature = Signature::of(call).ok_or(Unauthenticated::Absent)?;
    signature.verify(&key(SECRET), &call.body, call.received)
}

fn signed(signature: &str) -> Call {
    signed_at(signature, 1_614_265_330)
}

fn signed_at(signature: &str, seconds: i64) -> Call {
    let headers = [(SVIX[0], ID), (SVIX[1], TIMESTAMP), (SVIX[2], signature)];
    call(&headers, BODY, seconds)
}

#[test]
fn the_published_vector_is_signed_and_verified() {
    assert_eq!(key(SECRET).sign(ID, TIMESTAMP, BODY), SIGNATURE);
    assert_eq!(verified(&signed(SIGNATURE)), Ok(()));
}

#[test]
fn the_reference_implementation_signs_the_same() {
    let reference = standardwebhooks::Webhook::new(SECRET).unwrap();
    for body in [&b"{}"[..], b"", BODY, "{\"name\":\"\u{e4}\"}".as_bytes()] {
        for timestamp in [0, 1_614_265_330, 4_102_444_800] {
            assert_eq!(
                key(SECRET).sign(ID, &timestamp.to_string(), body),
                reference.sign(ID, timestamp, body).unwrap()
            );
        }
    }
}

#[test]
fn both_families_pass_and_a_mixture_does_not() {
    let values = [ID, TIMESTAMP, SIGNATURE];
    for mask in 0..8 {
        let choice = [0, 1, 2].map(|at| {
            if mask >> at & 1 == 0 {
                SVIX[at]
            } else {
                UNBRANDED[at]
            }
        });
        let headers = [0, 1, 2].map(|at| (choice[at], values[at]));
        let expected = if mask == 0 || mask == 7 {
            Ok(())
        } else {
            Err(Unauthenticated::Absent)
        };
        assert_eq!(
            verified(&call(&headers, BODY, 1_614_265_330)),
            expected,
            "{choice:?}"
        );
    }
}

#[test]
fn of_two_families_the_one_that_is_believed_names_the_delivery() {
    let mut headers = vec![(SVIX[0], ID), (SVIX[1], TIMESTAMP), (SVIX[2], SIGNATURE)];
    headers.extend([
        (UNBRANDED[0], "other"),
        (UNBRANDED[1], TIMESTAMP),
        (UNBRANDED[2], "v1,AAAA"),
    ]);
    let call = call(&headers, BODY, 1_614_265_330);
    assert_eq!(verified(&call), Ok(()));
    assert_eq!(Signature::of(&call).unwrap().id, ID);
}

#[test]
fn every_header_is_needed_once() {
    let all = [(SVIX[0], ID), (SVIX[1], TIMESTAMP), (SVIX[2], SIGNATURE)];
    for at in 0..3 {
        let mut headers = all.to_vec();
        headers.remove(at);
        assert_eq!(
            verified(&call(&headers, BODY, 1_614_265_330)),
            Err(Unauthenticated::Absent)
        );
        let mut headers = all.to_vec();
        headers[at].1 = "";
        assert_eq!(
            verified(&call(&headers, BODY, 1_614_265_330)),
            Err(Unauthenticated::Absent)
        );
        let mut headers = all.to_vec();
        headers.push(all[at]);
        assert_eq!(
            verified(&call(&headers, BODY, 1_614_265_330)),
            Err(Unauthenticated::Absent)
        );
    }
}

#[test]
fn five_minutes_either_way_and_no_longer() {
    let sent = 1_614_265_330;
    for seconds in [sent - 300, sent, sent + 300] {
        assert_eq!(verified(&signed_at(SIGNATURE, seconds)), Ok(()));
    }
    for seconds in [sent - 301, sent + 301, 0] {
        assert_eq!(
            verified(&signed_at(SIGNATURE, seconds)),
            Err(Unauthenticated::Stale)
        );
    }
}

#[test]
fn a_timestamp_that_is_no_number_is_malformed_and_a_huge_one_stale() {
    for (timestamp, cause) in [
        ("soon", Unauthenticated::Malformed),
        ("1614265330.0", Unauthenticated::Malformed),
        ("99999999999999999999", Unauthenticated::Malformed),
        ("9223372036854775807", Unauthenticated::Stale),
        ("-9223372036854775808", Unauthenticated::Stale),
    ] {
        let signature = key(SECRET).sign(ID, timestamp, BODY);
        let headers = [
            (SVIX[0], ID),
            (SVIX[1], timestamp),
            (SVIX[2], signature.as_str()),
        ];
        assert_eq!(
            verified(&call(&headers, BODY, 1_614_265_330)),
            Err(cause),
            "{timestamp}"
        );
    }
}

#[test]
fn any_of_several_signatures_passes_and_other_versions_are_passed_over() {
    let wrong = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let other_version = SIGNATURE.replace("v1,", "v2,");
    for signatures in [
        format!("{wrong} {SIGNATURE}"),
        format!("{SIGNATURE} {wrong}"),
        format!("v1a,AAAA nonsense , {SIGNATURE}"),
    ] {
        assert_eq!(verified(&signed(&signatures)), Ok(()), "{signatures}");
    }
    let bare = SIGNATURE.trim_start_matches("v1,").to_owned();
    let long_version = SIGNATURE.replace("v1,", "v11,");
    for signatures in [
        wrong.to_owned(),
        other_version,
        bare,
        long_version,
        "v1,".into(),
        " ".into(),
    ] {
        assert_eq!(
            verified(&signed(&signatures)),
            Err(Unauthenticated::Wrong),
            "{signatures}"
        );
    }
}

#[test]
fn a_signature_that_is_off_by_a_byte_or_cut_is_wrong() {
    let right = BASE64_STANDARD
        .decode(SIGNATURE.trim_start_matches("v1,"))
        .unwrap();
    for at in 0..right.len() {
        let mut bytes = right.clone();
        bytes[at] ^= 1;
        let signature = format!("v1,{}", BASE64_STANDARD.encode(bytes));
        assert_eq!(
            verified(&signed(&signature)),
            Err(Unauthenticated::Wrong),
            "{at}"
        );
    }
    let cut = format!("v1,{}", BASE64_STANDARD.encode(&right[..31]));
    assert_eq!(verified(&signed(&cut)), Err(Unauthenticated::Wrong));
}

#[test]
fn what_was_signed_must_be_what_came() {
    let altered = [
        (ID, TIMESTAMP, &br#"{"test": 2432232315}"#[..]),
        (ID, TIMESTAMP, br#"{"test": 2432232314} "#),
        (ID, "1614265331", BODY),
        ("msg_p5jXN8AQM9LWM0D4loKWxJeK", TIMESTAMP, BODY),
    ];
    for (id, timestamp, body) in altered {
        let headers = [(SVIX[0], id), (SVIX[1], timestamp), (SVIX[2], SIGNATURE)];
        assert_eq!(
            verified(&call(&headers, body, 1_614_265_330)),
            Err(Unauthenticated::Wrong)
        );
    }
}

#[test]
fn a_body_is_bytes_and_need_not_be_text() {
    let body = b"\xff\xfe\x00";
    let signature = key(SECRET).sign(ID, TIMESTAMP, body);
    let headers = [
        (SVIX[0], ID),
        (SVIX[1], TIMESTAMP),
        (SVIX[2], signature.as_str()),
    ];
    assert_eq!(verified(&call(&headers, body, 1_614_265_330)), Ok(()));
}

#[test]
fn the_prefix_and_the_padding_of_a_secret_may_be_missing() {
    let bare = SECRET.trim_start_matches("whsec_");
    assert_eq!(key(bare).sign(ID, TIMESTAMP, BODY), SIGNATURE);
    let padded = key("whsec_AQIDBA==").sign(ID, TIMESTAMP, BODY);
    assert_eq!(key(" whsec_AQIDBA\n").sign(ID, TIMESTAMP, BODY), padded);
}

#[test]
fn a_secret_that_is_no_key_or_an_empty_one_is_none() {
    for secret in [
        "",
        " ",
        "whsec_",
        "whsec_====",
        "whsec_not base64!",
        "whsec_whsec_AQID",
    ] {
        assert!(
            SigningKey::parse(&SecretText::from(secret.to_owned())).is_none(),
            "{secret}"
        );
    }
}
