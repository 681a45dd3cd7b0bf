//! The dated price file, and what is assumed besides.

use crate::exit::WrongUse;
use anyhow::Context;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The price file.
#[derive(Debug, Deserialize)]
pub struct Prices {
    /// When the prices were these.
    pub as_of: String,
    /// Where they were these.
    pub region: String,
    /// How far they can be relied on.
    pub note: String,
    /// By what is bought.
    #[serde(rename = "prices")]
    pub by_name: BTreeMap<String, Price>,
    /// What cannot be counted on one's own machine.
    pub assumptions: BTreeMap<String, Assumption>,
}

/// The price of so many of something.
#[derive(Debug, Deserialize)]
pub struct Price {
    /// What they cost together.
    pub usd: f64,
    /// How many.
    pub r#for: f64,
    /// Of what.
    pub unit: String,
    /// Where AWS says so.
    pub page: String,
}

/// Something that was not counted.
#[derive(Debug, Deserialize)]
pub struct Assumption {
    /// How much or how many.
    pub value: f64,
    /// Why that.
    pub why: String,
}

impl Prices {
    /// Reads a price file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| WrongUse(format!("{name} cannot be read: {error}")))?;
        let read = serde_json::from_str(&text);
        Ok(read.map_err(|error| WrongUse(format!("{name} is no price file: {error}")))?)
    }

    /// What one of something costs.
    pub fn of_one(&self, name: &str) -> anyhow::Result<f64> {
        let price = self.by_name.get(name);
        let price = price.with_context(|| format!("the price file has no price of {name}"))?;
        Ok(price.usd / price.r#for)
    }

    /// The value that is assumed.
    pub fn assumed(&self, name: &str) -> anyhow::Result<f64> {
        let assumption = self.assumptions.get(name);
        let value = assumption.map(|assumption| assumption.value);
        value.with_context(|| format!("the price file has no assumption {name}"))
    }
}
