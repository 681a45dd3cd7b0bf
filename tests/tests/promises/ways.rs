//! Every way in, and for each a call as its vendor makes it.

use bytes::Bytes;
use imocha_webhook::Imocha;
use jobmojito_webhook::Jobmojito;
use serde_json::json;
use shared::caller::{Caller, Delivery};
use shared::timestamp::Timestamp;
use testlify_webhook::Testlify;
use tests::stage::{Stage, payload};
use tests::vendors::{Ready, credentials};
use xobin_webhook::{AuthType, KINDS, Xobin};

/// The sources.
pub const SOURCES: [&str; 4] = ["imocha", "jobmojito", "testlify", "xobin"];
/// Xobin's API key; its name and password are generated.
const API_KEY: &str = "an-api-key-of-xobins";

/// Where a way shows its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In the last part of the path.
    Path,
    /// In this header.
    Header(&'static str),
    /// Nowhere: in this header is a signature.
    Signature(&'static str),
}

/// A way in.
pub struct Way {
    /// What it is called here.
    pub name: String,
    /// Where its credential is.
    pub shown: Shown,
    body: Bytes,
    call: Box<Make>,
}

type Make = dyn Fn(Timestamp, &str, Bytes) -> Ready;

/// A bundle with both of Xobin's ways in.
pub async fn stage() -> Stage {
    Stage::with(|options| {
        let api_key = json!({ "api_key": API_KEY });
        options.secrets.insert("XobinSecret".into(), api_key);
    })
    .await
}

/// Every way in.
pub async fn all(stage: &Stage) -> Vec<Way> {
    let (by_path, token) = (Shown::Path, Shown::Header("x-webhook-token"));
    let signature = Shown::Signature("svix-signature");
    let mut ways = vec![
        way::<Imocha>(stage, "", by_path, "imocha/complete.json").await,
        way::<Jobmojito>(stage, "", token, "jobmojito/submitted.json").await,
        way::<Testlify>(stage, "v1", by_path, "testlify/v1-completed.json").await,
        way::<Testlify>(stage, "v2", signature, "testlify/v2-completed.json").await,
    ];
    let files = ["start", "submission", "updates-create"];
    for (kind, file) in KINDS.into_iter().zip(files) {
        let file = format!("xobin/{file}.json");
        let by_key = way::<Xobin>(stage, kind, Shown::Header("x-api-key"), &file).await;
        let by_password = way::<Xobin>(stage, kind, Shown::Header("authorization"), &file).await;
        ways.extend([by_key, basic(stage, by_password).await]);
    }
    ways
}

async fn way<S: Caller>(stage: &Stage, version: &'static str, shown: Shown, file: &str) -> Way {
    let credentials = credentials::<S>(stage).await;
    let call = move |sent, id: &str, body: Bytes| {
        let delivery = Delivery {
            version,
            body: &body,
            sent,
            id,
        };
        let call = S::call(&credentials, delivery).unwrap();
        let headers = call.headers.into_iter().collect();
        Ready {
            path: call.path,
            headers,
            body,
        }
    };
    Way {
        name: format!("{} {version} {shown:?}", S::NAME),
        shown,
        body: payload(file),
        call: Box::new(call),
    }
}

/// Xobin sends the API key where there is one: here it is the name and the password.
async fn basic(stage: &Stage, way: Way) -> Way {
    let basic = credentials::<Xobin>(stage)
        .await
        .auth(Some(AuthType::Basic));
    let (name, value) = basic.unwrap().header();
    let by_key = way.call;
    let call = move |sent, id: &str, body| {
        let mut call = by_key(sent, id, body);
        call.headers.retain(|(name, _)| name != "x-api-key");
        call.headers.push((name.clone(), value.clone()));
        call
    };
    Way {
        call: Box::new(call),
        ..way
    }
}

impl Way {
    /// The call as it should be, signed at this time where it is signed.
    pub fn right(&self, sent: Timestamp) -> Ready {
        self.carrying(sent, "msg_1", self.body.clone())
    }

    /// The same with another body, of which the vendor would say that it is its own.
    pub fn carrying(&self, sent: Timestamp, id: &str, body: impl Into<Bytes>) -> Ready {
        (self.call)(sent, id, body.into())
    }

    /// What a call shows.
    pub fn credential(&self, call: &Ready) -> String {
        match self.shown {
            Shown::Path => call.path.rsplit('/').next().unwrap().to_owned(),
            Shown::Header(name) | Shown::Signature(name) => header(call, name).to_owned(),
        }
    }

    /// The call with another credential in the place of the right one.
    pub fn showing(&self, mut call: Ready, credential: &str) -> Ready {
        match self.shown {
            Shown::Path => {
                let end = call.path.rfind('/').unwrap();
                call.path.replace_range(end + 1.., credential);
            }
            Shown::Header(name) | Shown::Signature(name) => {
                set_header(&mut call, name, Some(credential));
            }
        }
        call
    }
}

/// A header's value.
pub fn header<'a>(call: &'a Ready, name: &str) -> &'a str {
    let header = call.headers.iter().find(|(it, _)| it == name);
    &header.unwrap().1
}

/// The call with another value of a header, or without it.
pub fn set_header(call: &mut Ready, name: &str, value: Option<&str>) {
    call.headers.retain(|(it, _)| it != name);
    let header = value.map(|value| (name.to_owned(), value.to_owned()));
    call.headers.extend(header);
}
