//! What can be asked of a model that was trained here: a few numbers, each by its name.

use crate::corpus::Corpus;
use crate::foretells::Foretells;
use crate::response::Trained;
use crate::thought::Thought;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, deserialize};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Who is asked.
pub struct Subject<'s> {
    /// What foretells.
    pub model: &'s dyn Foretells,
    /// The network behind it, where there is one.
    pub net: Option<&'s Trained>,
    /// What it read.
    pub corpus: &'s Corpus,
    /// How it went while it was trained; empty for what was not.
    pub course: &'s [Evaluated],
    /// What it reads between questions and answers, where that is not what stands there.
    pub thought: Option<Thought>,
}

/// How well a model foretold fresh rows of each ingredient at some step.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Evaluated {
    /// After so many steps.
    pub step: u64,
    /// Mean loss in nats for each word, by ingredient.
    pub losses: Vec<f64>,
    /// What it wrote by itself.
    pub sample: String,
    /// The stable rank of what the step changed of a matrix of the blocks, in the mean; None before the first.
    // Never left out: what is kept of a training has no names by which that could be seen.
    #[serde(default)]
    pub stable_rank: Option<f64>,
    /// The share of an exam's questions that it answered rightly then, where it sat one.
    #[serde(default)]
    pub exam: Option<f64>,
}

/// A probe, as its file has it.
pub trait Probe: fmt::Debug + Send + Sync {
    /// Numbers by name. None where there is nothing to ask: of what has no layers, or never was trained. An error says what of
    /// the corpus is missing.
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String>;
}

/// Parameters that were read, and the same with nothing left to default.
pub(crate) type Params = (Arc<dyn Probe>, toml::Table);

/// A line of the list of kinds of probes.
#[derive(Clone, Copy)]
pub struct ProbeEntry {
    /// What files call it.
    pub name: &'static str,
    /// What it asks, in a line.
    pub words: &'static str,
    pub(crate) read: fn(FileTable<'_>, &Spans<'_, '_>) -> Result<Params, Mistake>,
}

impl ProbeEntry {
    /// A kind whose parameters, as the file has them, are a `P`.
    pub const fn new<P: Probe + serde::de::DeserializeOwned + Serialize + 'static>(
        name: &'static str,
        words: &'static str,
    ) -> ProbeEntry {
        ProbeEntry {
            name,
            words,
            read: |table, spans| {
                let params: P = deserialize(table, spans)?;
                let plan = toml::Table::try_from(&params).expect("parameters are a table of plain values");
                Ok((Arc::new(params), plan))
            },
        }
    }
}

/// The place of an ingredient of a kind in a corpus.
pub fn ingredient(corpus: &Corpus, kind: &str) -> Result<usize, String> {
    let found = corpus.spec.portions.iter().position(|portion| portion.kind == kind);
    found.ok_or(format!("the corpus has no ingredient of kind `{kind}`"))
}
