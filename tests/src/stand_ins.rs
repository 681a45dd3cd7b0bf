//! Who stands in for the vendors' APIs and for the hosts of their reports, and how a bundle finds them.

use local::faults::Faults;
use local::stand_ins::{Gate, Imocha, Jobmojito, Links, Testlify, Xobin};
use local::{Callers, Options};
use serde_json::json;
use std::sync::Arc;

/// The key of the vendors' APIs.
pub const API_KEY: &str = "an-api-key-of-the-vendors";

/// All of them. They end when they are dropped.
pub struct StandIns {
    /// iMocha's API.
    pub imocha: Imocha,
    /// JobMojito's API.
    pub jobmojito: Jobmojito,
    /// Testlify's reports.
    pub testlify: Testlify,
    /// Xobin's API.
    pub xobin: Xobin,
    /// Where the links in payloads lead.
    pub links: Links,
    /// Where each is found.
    urls: [(&'static str, String); 4],
    /// What stands before each, if calls are to be broken.
    _gates: Vec<Gate>,
}

impl StandIns {
    /// Starts them. Where there are faults, these break the calls of the functions that `callers` are told of.
    pub async fn start(faults: Option<&Arc<dyn Faults>>, callers: &Callers) -> Self {
        let imocha = Imocha::start(API_KEY).await.unwrap();
        let jobmojito = Jobmojito::start(API_KEY).await.unwrap();
        let testlify = Testlify::start().await.unwrap();
        let xobin = Xobin::start(API_KEY).await.unwrap();
        let mut urls = [
            ("imocha", imocha.base_url().to_owned()),
            ("jobmojito", jobmojito.base_url().to_owned()),
            ("testlify", testlify.base_url().to_owned()),
            ("xobin", xobin.base_url().to_owned()),
        ];
        let mut gates = Vec::new();
        for (vendor, url) in &mut urls {
            let Some(faults) = faults else { break };
            let gate = Gate::before(vendor, url, Arc::clone(faults), callers.clone());
            let gate = gate.await.unwrap();
            gate.base_url().clone_into(url);
            gates.push(gate);
        }
        Self {
            links: Links::to(&urls.each_ref().map(|(vendor, url)| (*vendor, url.as_str()))),
            imocha,
            jobmojito,
            testlify,
            xobin,
            urls,
            _gates: gates,
        }
    }

    /// Has a bundle find them.
    pub fn equip(&self, options: &mut Options) {
        let settings = self.urls.iter().flat_map(|(vendor, url)| {
            let name = vendor.to_uppercase();
            match *vendor {
                "testlify" => vec![("TESTLIFY_REPORT_BASE_URL".to_owned(), format!("{url}/"))],
                _ => vec![
                    (format!("{name}_API_BASE_URL"), url.clone()),
                    // Nobody is there to be spared.
                    (format!("{name}_API_CALLS_PER_MINUTE"), "6000".to_owned()),
                ],
            }
        });
        let environment = &mut options.function_environment;
        environment.insert("WorkerFunction".into(), settings.collect());
        for secret in ["ImochaApiSecret", "JobmojitoApiSecret", "XobinApiSecret"] {
            let key = json!({ "api_key": API_KEY });
            options.secrets.insert(secret.into(), key);
        }
    }
}
