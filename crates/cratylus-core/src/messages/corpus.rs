//! A corpus: messages, each beside the meaning it is about. What symbols and values are called is absent; they are numbers.

/// Rows of a meaning and a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Corpus {
    width: usize,
    /// Row by row, `width` numbers each.
    meanings: Vec<u32>,
    /// Where each message ends in `symbols`.
    ends: Vec<usize>,
    symbols: Vec<u32>,
    /// What the items look like, where they are features and not attributes: so many numbers for each row.
    features: Option<(usize, Vec<f64>)>,
    /// Of which class each item is.
    classes: Option<Vec<u32>>,
}

impl Corpus {
    /// An empty corpus of meanings with so many attributes; none, where meanings are features or unknown.
    pub fn new(attributes: usize) -> Corpus {
        Corpus { width: attributes, ..Corpus::default() }
    }

    /// Of rows.
    ///
    /// # Panics
    /// If meanings differ in how many attributes they have, or there are not as many as messages.
    pub fn of(meanings: &[Vec<u32>], messages: &[Vec<u32>]) -> Corpus {
        assert_eq!(meanings.len(), messages.len(), "a message for each meaning");
        let mut corpus = Corpus::new(meanings.first().map_or(0, Vec::len));
        meanings.iter().zip(messages).for_each(|(meaning, message)| corpus.push(meaning, message));
        corpus
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If the meaning has another number of attributes than those before it.
    pub fn push(&mut self, meaning: &[u32], message: &[u32]) {
        assert_eq!(meaning.len(), self.width, "meanings have the same attributes");
        self.meanings.extend_from_slice(meaning);
        self.symbols.extend_from_slice(message);
        self.ends.push(self.symbols.len());
    }

    /// With features of items, `width` numbers for each row.
    ///
    /// # Panics
    /// If there are not as many as rows.
    pub fn with_features(mut self, width: usize, features: Vec<f64>) -> Corpus {
        assert_eq!(features.len(), width * self.len(), "features for each row");
        self.features = Some((width, features));
        self
    }

    /// With the class of each item.
    ///
    /// # Panics
    /// If there are not as many as rows.
    pub fn with_classes(mut self, classes: Vec<u32>) -> Corpus {
        assert_eq!(classes.len(), self.len(), "a class for each row");
        self.classes = Some(classes);
        self
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many attributes a meaning has.
    pub fn attributes(&self) -> usize {
        self.width
    }

    /// The meaning of a row.
    pub fn meaning(&self, row: usize) -> &[u32] {
        &self.meanings[row * self.width..][..self.width]
    }

    /// The message of a row.
    pub fn message(&self, row: usize) -> &[u32] {
        &self.symbols[if row == 0 { 0 } else { self.ends[row - 1] }..self.ends[row]]
    }

    /// The features of a row.
    pub fn features(&self, row: usize) -> Option<&[f64]> {
        self.features.as_ref().map(|(width, all)| &all[row * width..][..*width])
    }

    /// The class of each row.
    pub fn classes(&self) -> Option<&[u32]> {
        self.classes.as_deref()
    }

    /// All messages.
    pub fn messages(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|row| self.message(row))
    }

    /// The same with each message ended before the first of these symbols: what is said after a stop symbol is not said.
    pub fn cut(&self, stop: u32) -> Corpus {
        let mut out = Corpus { symbols: Vec::new(), ends: Vec::new(), ..self.clone() };
        for message in self.messages() {
            out.symbols.extend(message.iter().take_while(|&&symbol| symbol != stop));
            out.ends.push(out.symbols.len());
        }
        out
    }

    /// Some of its rows, in this order.
    pub fn rows(&self, rows: &[usize]) -> Corpus {
        let mut out = Corpus::new(self.width);
        rows.iter().for_each(|&row| out.push(self.meaning(row), self.message(row)));
        out.features = self
            .features
            .as_ref()
            .map(|(width, all)| (*width, rows.iter().flat_map(|&row| all[row * width..][..*width].iter().copied()).collect()));
        out.classes = self.classes.as_ref().map(|classes| rows.iter().map(|&row| classes[row]).collect());
        out
    }
}

/// Things of a kind by number: which one each row has, numbered in the order in which they come up.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    /// By row.
    pub of: Vec<u32>,
    /// How many rows have each.
    pub counts: Vec<u32>,
}

impl Ids {
    /// Numbers things.
    pub fn new<T: Ord>(things: impl Iterator<Item = T>) -> Ids {
        let mut known = std::collections::BTreeMap::new();
        let mut ids = Ids::default();
        for thing in things {
            let next = ids.counts.len() as u32;
            let id = *known.entry(thing).or_insert(next);
            if id == next {
                ids.counts.push(0);
            }
            ids.counts[id as usize] += 1;
            ids.of.push(id);
        }
        ids
    }

    /// How many different ones there are.
    pub fn n(&self) -> usize {
        self.counts.len()
    }
}

/// A corpus as most measures see it: everything by number.
#[derive(Clone, Debug)]
pub struct Coded<'a> {
    /// What it is of.
    pub corpus: &'a Corpus,
    /// Whole meanings; of classes where there are no attributes.
    pub meanings: Ids,
    /// Whole messages.
    pub messages: Ids,
    /// The values of each attribute.
    pub attributes: Vec<Ids>,
    /// What stands at each place of a message; after its end stands something of its own.
    pub places: Vec<Ids>,
    /// How often each symbol stands in a message, symbol by symbol.
    pub bags: Vec<(u32, Ids)>,
}

impl<'a> Coded<'a> {
    /// Numbers everything.
    pub fn new(corpus: &'a Corpus) -> Coded<'a> {
        let rows = 0..corpus.len();
        let longest = corpus.messages().map(<[u32]>::len).max().unwrap_or(0);
        let mut symbols: Vec<u32> = corpus.symbols.clone();
        symbols.sort_unstable();
        symbols.dedup();
        let bag = |symbol: u32| Ids::new(corpus.messages().map(|message| message.iter().filter(|&&s| s == symbol).count()));
        let meanings = match (corpus.width, corpus.classes()) {
            (0, Some(classes)) => Ids::new(classes.iter()),
            _ => Ids::new(rows.clone().map(|row| corpus.meaning(row))),
        };
        Coded {
            corpus,
            meanings,
            messages: Ids::new(corpus.messages()),
            attributes: (0..corpus.width).map(|k| Ids::new(rows.clone().map(|row| corpus.meaning(row)[k]))).collect(),
            places: (0..longest).map(|at| Ids::new(corpus.messages().map(|message| message.get(at)))).collect(),
            bags: symbols.into_iter().map(|symbol| (symbol, bag(symbol))).collect(),
        }
    }
}
