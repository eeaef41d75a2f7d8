//! How a file of messages is to be read, as the verbs that read one take it from the command line.

use clap::Args;
use cratylus_io::messages::How;

/// What a file of messages does not say itself.
#[derive(Args, Default)]
pub struct MessageColumns {
    /// Of messages: the columns that make up a meaning [default: a_1, a_2, …; else all that are not known by another name].
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    meaning: Vec<String>,
    /// Of messages: their column [default: message].
    #[arg(long, value_name = "COLUMN")]
    message: Option<String>,
    /// Of messages: the symbol that ends one; it and what follows are left out.
    #[arg(long, value_name = "SYMBOL")]
    stop: Option<String>,
    /// Of messages: each character is a symbol.
    #[arg(long)]
    letters: bool,
}

impl MessageColumns {
    /// The same of messages of a step of training; of the last, where none is named.
    pub fn how(self, step: Option<String>) -> How {
        How { meaning: self.meaning, message: self.message, stop: self.stop, letters: self.letters, step }
    }
}
