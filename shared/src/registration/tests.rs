use super::*;

const KINDS: [&str; 2] = ["begun", "ended"];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_768_471_200_000 + seconds * 1000).unwrap()
}

fn url(domain: &str, kind: &str) -> String {
    format!("https://{domain}/{kind}")
}

fn credential(fingerprint: &str) -> Credential {
    Credential {
        sort: "basic".into(),
        fingerprint: fingerprint.into(),
    }
}

/// These kinds, enabled.
fn wanted(domain: &str, kinds: &[&str]) -> Wanted {
    let webhook = |kind: &&str| {
        let webhook = Webhook {
            enabled: true,
            url: url(domain, kind),
        };
        ((*kind).to_owned(), webhook)
    };
    Wanted {
        webhooks: kinds.iter().map(webhook).collect(),
        ..Wanted::default()
    }
}

fn everywhere(wanted: Wanted) -> Wanted {
    Wanted {
        update_all: true,
        update_auth: true,
        ..wanted
    }
}

fn deployed(domain: &str, current: &str, previous: Option<&str>) -> Deployed {
    Deployed {
        urls: KINDS
            .map(|kind| (kind.to_owned(), url(domain, kind)))
            .into(),
        current: vec![credential(current)],
        previous: previous.into_iter().map(credential).collect(),
    }
}

fn registered(wanted: &Wanted, fingerprint: &str) -> Registered {
    Registered::default().with(wanted, credential(fingerprint), at(0))
}

/// What differs, and how, in one word each.
fn differences(registered: &Registered, deployed: &Deployed) -> Vec<(String, String)> {
    let differences = registered.differences(deployed).into_iter();
    let word = |difference: Difference| {
        let shown = serde_json::to_value(&difference).unwrap();
        let word = shown["difference"].as_str().unwrap().to_owned();
        (difference.of().to_owned(), word)
    };
    differences.map(word).collect()
}

fn pair(of: &str, word: &str) -> (String, String) {
    (of.to_owned(), word.to_owned())
}

#[test]
fn what_is_registered_as_it_is_deployed_differs_in_nothing() {
    let registered = registered(&wanted("a", &KINDS), "1");
    assert_eq!(differences(&registered, &deployed("a", "1", None)), []);
}

#[test]
fn what_was_never_registered_is_named() {
    let nothing = Registered::default();
    let all = [
        pair("begun", "not_registered"),
        pair("ended", "not_registered"),
        pair("auth", "not_registered"),
    ];
    assert_eq!(differences(&nothing, &deployed("a", "1", None)), all);
    let one = registered(&wanted("a", &["ended"]), "1");
    assert_eq!(differences(&one, &deployed("a", "1", None)), all[..1]);
}

#[test]
fn kinds_that_are_not_named_stay_as_they_are() {
    let one = registered(&wanted("a", &["ended"]), "1");
    let both = one.with(&wanted("a", &["begun"]), credential("1"), at(1));
    assert_eq!(differences(&both, &deployed("a", "1", None)), []);
    assert_eq!(both.webhooks["ended"].at, at(0));
    assert_eq!(both.webhooks["begun"].at, at(1));
}

#[test]
fn another_domain_and_a_kind_that_is_off_are_told() {
    let mut off = wanted("a", &KINDS);
    off.webhooks.get_mut("begun").unwrap().enabled = false;
    let registered = registered(&off, "1");
    let expected = [pair("begun", "disabled"), pair("ended", "other_url")];
    assert_eq!(
        differences(&registered, &deployed("b", "1", None)),
        expected
    );
}

#[test]
fn a_rotation_is_told_with_whether_the_vendor_is_still_believed() {
    let registered = registered(&wanted("a", &KINDS), "1");
    for (previous, accepted) in [(Some("1"), true), (Some("0"), false), (None, false)] {
        let of = AUTH.to_owned();
        let expected = [Difference::OtherCredential { of, accepted }];
        let deployed = deployed("a", "2", previous);
        assert_eq!(registered.differences(&deployed), expected);
    }
}

#[test]
fn a_credential_is_replaced_only_if_that_is_wanted() {
    let old = registered(&wanted("a", &KINDS), "1");
    let kept = old
        .clone()
        .with(&wanted("a", &KINDS), credential("2"), at(1));
    assert_eq!(kept.auth, old.auth);
    let replaced = old.with(&everywhere(wanted("a", &KINDS)), credential("2"), at(1));
    assert_eq!(differences(&replaced, &deployed("a", "2", Some("1"))), []);
}

#[test]
fn what_is_changed_for_the_new_alone_is_older_elsewhere_until_it_is_changed_for_all() {
    let for_new = Wanted {
        update_auth: true,
        ..wanted("b", &["ended"])
    };
    let old = registered(&wanted("a", &["ended"]), "1");
    let partly = old.with(&for_new, credential("2"), at(1));
    let expected = [
        pair("begun", "not_registered"),
        pair("ended", "older_elsewhere"),
        pair("auth", "older_elsewhere"),
    ];
    assert_eq!(differences(&partly, &deployed("b", "2", None)), expected);
    // To say the same once more changes nothing about it.
    let again = partly.with(&for_new, credential("2"), at(2));
    assert_eq!(differences(&again, &deployed("b", "2", None)), expected);
    let all = again.with(&everywhere(wanted("b", &KINDS)), credential("2"), at(3));
    assert_eq!(differences(&all, &deployed("b", "2", None)), []);
}

#[test]
fn a_kind_that_was_off_for_a_while_is_on_everywhere_only_if_that_is_wanted() {
    let mut off = wanted("a", &["ended"]);
    off.webhooks.get_mut("ended").unwrap().enabled = false;
    let deployed = deployed("a", "1", None);
    let was_off = registered(&wanted("a", &KINDS), "1").with(&off, credential("1"), at(1));
    let differences_then = was_off.differences(&deployed);
    let of = "ended".to_owned();
    assert_eq!(differences_then, [Difference::Disabled { of }]);
    assert!(differences_then[0].is_elsewhere());
    let on = wanted("a", &["ended"]);
    let in_settings = was_off.clone().with(&on, credential("1"), at(2));
    let expected = [pair("ended", "older_elsewhere")];
    assert_eq!(differences(&in_settings, &deployed), expected);
    let in_all = was_off.with(&everywhere(on), credential("1"), at(2));
    assert_eq!(differences(&in_all, &deployed), []);
}

#[test]
fn what_a_call_without_an_answer_may_have_changed_is_in_doubt_until_one_has_an_answer() {
    let old = registered(&wanted("a", &KINDS), "1");
    let doubting = old.doubting(&wanted("a", &["ended"]));
    let deployed = deployed("a", "1", None);
    let in_doubt = [pair("ended", "in_doubt")];
    assert_eq!(differences(&doubting, &deployed), in_doubt);
    let other = doubting.with(&wanted("a", &["begun"]), credential("1"), at(1));
    assert_eq!(differences(&other, &deployed), in_doubt);
    let settled = other.with(&wanted("a", &["ended"]), credential("1"), at(2));
    assert_eq!(differences(&settled, &deployed), []);
}

#[test]
fn a_credential_is_in_doubt_only_if_the_call_may_have_changed_it() {
    let first = Registered::default().doubting(&wanted("a", &["ended"]));
    assert!(first.in_doubt.contains(AUTH));
    let later = registered(&wanted("a", &KINDS), "1");
    assert!(!later.doubting(&wanted("a", &KINDS)).in_doubt.contains(AUTH));
    let replacing = later.doubting(&everywhere(wanted("a", &KINDS)));
    assert_eq!(replacing.in_doubt.len(), 3);
}

#[test]
fn it_is_kept_as_it_is() {
    let registered = registered(&wanted("a", &KINDS), "1").doubting(&wanted("a", &["begun"]));
    let text = serde_json::to_string(&registered).unwrap();
    let read: Registered = serde_json::from_str(&text).unwrap();
    assert_eq!(read, registered);
}
