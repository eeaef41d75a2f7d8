//! What calls cost: a table that the user can replace.

use super::tape::Took;
use cratylus_core::fault::{Fault, at};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A table of what models cost, by their names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// When the table was written.
    #[serde(default)]
    pub written: Option<String>,
    models: BTreeMap<String, Price>,
}

/// US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// For the tokens of prompts.
    pub input: f64,
    /// For input that the server had cached; the price of input where it is left out.
    #[serde(default)]
    pub cached: Option<f64>,
    /// For the tokens of answers.
    pub output: f64,
}

impl Prices {
    /// The table inside this program.
    pub fn built_in() -> Prices {
        toml::from_str(include_str!("../prices.toml")).expect("the shipped table is whole")
    }

    /// Reads a table of the user's. A price below 0 is an error.
    pub fn read(path: &Path) -> Result<Prices, Fault> {
        let text = std::fs::read_to_string(path).map_err(at("reading", path))?;
        let prices: Prices = toml::from_str(&text).map_err(at("reading", path))?;
        let odd = |price: &Price| {
            [Some(price.input), price.cached, Some(price.output)].iter().flatten().any(|p| p.is_nan() || *p < 0.0)
        };
        match prices.models.iter().find(|(_, price)| odd(price)) {
            Some((model, _)) => Err(Fault(format!("{}: a price of `{model}` is no number from 0 on", path.display()))),
            None => Ok(prices),
        }
    }

    /// The price of a model: by its name, or by the longest name in the table that it begins with. A maker's name
    /// before a slash is left out of account.
    pub fn of(&self, model: &str) -> Option<Price> {
        let short = model.rsplit('/').next().unwrap_or(model);
        let named = self.models.get(model).or(self.models.get(short));
        let begins =
            || self.models.iter().filter(|(name, _)| short.starts_with(name.as_str())).max_by_key(|(name, _)| name.len());
        named.or_else(|| begins().map(|(_, price)| price)).copied()
    }
}

impl Price {
    /// What a call cost. None where the server did not say how many tokens it took.
    pub fn cost(&self, took: &Took) -> Option<f64> {
        let (input, output) = (took.prompt_tokens?, took.completion_tokens.unwrap_or(0));
        let cached = took.cached_tokens.unwrap_or(0).min(input);
        let usd = self.input * (input - cached) as f64
            + self.cached.unwrap_or(self.input) * cached as f64
            + self.output * output as f64;
        Some(usd / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_the_longest_name_it_begins_with() {
        let prices = Prices::built_in();
        assert_eq!(prices.of("gpt-4o-mini-2024-07-18"), prices.of("gpt-4o-mini"));
        assert_ne!(prices.of("gpt-4o-2024-08-06"), prices.of("gpt-4o-mini"));
        assert_eq!(prices.of("anthropic/claude-3-5-sonnet-20240620").map(|price| price.output), Some(15.0));
        assert_eq!(prices.of("llama-3"), None);
        let took = Took { prompt_tokens: Some(1000), cached_tokens: Some(400), completion_tokens: Some(10), ..Took::default() };
        let usd = prices.of("gpt-4o").unwrap().cost(&took).unwrap();
        assert!((usd - (600.0 * 2.5 + 400.0 * 1.25 + 100.0) / 1e6).abs() < 1e-12);
    }
}
