//! A chat model as something that is tuned here: its network, its weights, and rows of a corpus as its tokens.

#[cfg(feature = "in-process")]
pub use here::ChatModel;

#[cfg(feature = "in-process")]
mod here {
    use cratylus_core::fault::Fault;
    use cratylus_neural::corpus::{Corpus, RowText};
    use cratylus_neural::llm::{LocalModel, Products};
    use cratylus_neural::net::{NetShape, Recipe};
    use cratylus_neural::training::{ReadsRows, rows_of};
    use std::collections::HashMap;
    use std::path::Path;

    /// A model from a file of others.
    pub struct ChatModel {
        model: LocalModel,
        /// Rows that were cut into tokens.
        rows: HashMap<(usize, u64), Vec<u32>>,
    }

    impl ChatModel {
        /// Opens a GGUF file or a folder.
        pub fn open(path: &Path) -> Result<ChatModel, Fault> {
            Ok(ChatModel { model: LocalModel::open_as(path, Some(Products::Exact))?, rows: HashMap::new() })
        }

        /// The SHA-256 of its first file, in hex: which model it is.
        pub fn sha256(&self) -> String {
            self.model.identity().files[0].sha256.clone()
        }

        /// Its network, and its weights in the order of a network that is trained here.
        pub fn trainable(&self) -> Result<(NetShape, Vec<f32>), Fault> {
            self.model.trainable()
        }

        /// Cuts all rows into tokens that a training reads. Gives the longest, in tokens; an error says which cannot be read.
        pub fn read(&mut self, corpus: &Corpus, recipe: &Recipe) -> Result<usize, Fault> {
            let (mut longest, most) = (0, corpus.spec.context + 1);
            // The longest whose end must not be cut off, with its ingredient.
            let mut cut: Option<(usize, usize)> = None;
            for (portion, place) in (0..recipe.steps).flat_map(|step| rows_of(corpus, recipe, step)) {
                if self.rows.contains_key(&(portion, place)) {
                    continue;
                }
                let text = corpus.text(portion, place);
                let tokens = self.model.row_tokens(&text)?;
                let n = tokens.len();
                if n > most && matches!(text, RowText::Conversation { .. }) {
                    cut = cut.max(Some((n, portion)));
                }
                longest = longest.max(n.min(most));
                self.rows.insert((portion, place), tokens);
            }
            match cut {
                None => Ok(longest),
                Some((n, portion)) => Err(Fault(format!(
                    "a row of `{}` has {n} tokens, and the answer at its end would be cut off; give `corpus.context` {} or more",
                    corpus.spec.portions[portion].name,
                    n - 1
                ))),
            }
        }
    }

    impl ReadsRows for ChatModel {
        fn tokens(&self, corpus: &Corpus, portion: usize, place: u64) -> Vec<u32> {
            let known = self.rows.get(&(portion, place)).cloned();
            known
                .unwrap_or_else(|| self.model.row_tokens(&corpus.text(portion, place)).expect("rows of its kind were cut before"))
        }

        // Each is read a few times, at a second or so.
        fn judged(&self) -> u64 {
            4
        }

        fn evaluates(&self, step: u64, steps: u64) -> bool {
            step == 0 || step == steps
        }
    }
}
