//! The pretend model: the log-probabilities of the next token are a hash of the text so far.
//!
//! It has no state and no clock, so the same text has the same distribution on every machine and in every dialect,
//! and a test can compute what a server must say without asking it.

use std::collections::HashMap;

/// The token that ends an answer; its text is empty.
pub const END: u32 = 0;

const PIECES: &[&str] = &[
    " Q", " M", " A", " B", " F", " J", "Ali", "ce", "Bob", " Ali", " Bob", " the", " a", " an", " I", " you", " we", " they",
    " name", " names", " word", " choose", " choice", " value", " say", " says", " pick", " take", " is", " are", " was", " be",
    " not", " and", " or", " of", " to", " in", " on", " for", " with", " my", " your", " player", " round", " last", " first",
    " next", " same", " other", " both", " because", " points", " win", " lose", " yes", " no", "yes", "no", "Yes", "No", "true",
    "false", "null", "The", "I", "My", "We", "Let", "ing", "ed", "er", "es", "ly", "tion", "th", "he", "in", "re", "on", "an",
    "at", "en", "nd", "or", "it", "is", "al", "ar", "st", "nt", "ou", "le", "se", "ve", "me", "de", "hi", "ri", "ro", "ic", "ne",
    "ea", "ra", "li", "ch", "ll", "be", "ma", "si", "om", "ur", "{\"", "\"}", "\":", "\": ", "\": \"", "\",", "', ", "':", "{'",
    "'}", "[[", "]]", "choice", "value", "name", "answer", "word", "action", "Answer", "Name", ": ", ". ", ", ", "  ", "\n\n",
    "```", "...", " {", " '", " \"", " (", " -", " 1", " 2", " 3", " 10", " 50", " 100", "10", "50", "100",
];

/// The tokens: the end, every single byte, and pieces of several characters.
pub struct Vocabulary {
    tokens: Vec<Vec<u8>>,
    ids: HashMap<Vec<u8>, u32>,
    /// Those that the model ever says. A lone byte of a longer character is among them only on request.
    spoken: Vec<u32>,
    favour: Vec<(u32, f64)>,
    /// The tokens by their first byte, the longest first.
    starts: Vec<Vec<u32>>,
}

impl Default for Vocabulary {
    fn default() -> Vocabulary {
        Vocabulary::new(&[], false)
    }
}

impl Vocabulary {
    /// `favour` adds to the logits of tokens, and adds the tokens where they are new.
    pub fn new(favour: &[(String, f64)], loose_bytes: bool) -> Vocabulary {
        let mut tokens: Vec<Vec<u8>> = vec![Vec::new()];
        tokens.extend((0..=255).map(|byte| vec![byte]));
        let pieces = PIECES.iter().copied().chain(favour.iter().map(|(piece, _)| piece.as_str()));
        let mut ids: HashMap<Vec<u8>, u32> = tokens.iter().cloned().zip(0..).collect();
        for piece in pieces {
            if !ids.contains_key(piece.as_bytes()) {
                ids.insert(piece.into(), tokens.len() as u32);
                tokens.push(piece.into());
            }
        }
        let plain =
            |token: &[u8]| token.len() != 1 || matches!(token[0], b'\n' | b' '..=b'~') || (loose_bytes && token[0] >= 0xc2);
        let spoken = (0..tokens.len() as u32).filter(|&id| plain(&tokens[id as usize])).collect();
        let favour = favour.iter().map(|(piece, more)| (ids[piece.as_bytes()], *more)).collect();
        let mut starts = vec![Vec::new(); 256];
        (1..tokens.len()).for_each(|id| starts[usize::from(tokens[id][0])].push(id as u32));
        starts.iter_mut().for_each(|some| some.sort_by_key(|&id| std::cmp::Reverse(tokens[id as usize].len())));
        Vocabulary { tokens, ids, spoken, favour, starts }
    }

    /// A vocabulary of these tokens only (and the end), for a distribution that a test gives.
    fn of(tokens: &[String]) -> Vocabulary {
        let tokens: Vec<Vec<u8>> =
            std::iter::once(Vec::new()).chain(tokens.iter().map(|token| token.clone().into_bytes())).collect();
        let ids = tokens.iter().cloned().zip(0..).collect();
        Vocabulary { spoken: (0..tokens.len() as u32).collect(), ids, favour: vec![], starts: vec![], tokens }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn token(&self, id: u32) -> &[u8] {
        &self.tokens[id as usize]
    }

    pub fn id(&self, token: &str) -> Option<u32> {
        self.ids.get(token.as_bytes()).copied()
    }

    /// The text cut into tokens, the longest first.
    pub fn cut(&self, text: &[u8]) -> Vec<u32> {
        let mut cut = Vec::with_capacity(text.len());
        let mut left = text;
        while let Some(first) = left.first() {
            let next = self.starts[usize::from(*first)].iter().find(|&&id| left.starts_with(self.token(id)));
            let id = *next.expect("every single byte is a token");
            left = &left[self.token(id).len()..];
            cut.push(id);
        }
        cut
    }

    fn logits(&self, so_far: u64) -> Vec<(u32, f64)> {
        // Exponential tails give a few likely tokens and many unlikely ones, as a trained model does.
        let logit = |id: u32| -1.3 * unit(mix(so_far ^ mix(u64::from(id) + 1))).ln() + if id == END { 2.0 } else { 0.0 };
        let mut logits: Vec<(u32, f64)> = self.spoken.iter().map(|&id| (id, logit(id))).collect();
        for &(favoured, more) in &self.favour {
            let place = logits.iter_mut().find(|(id, _)| *id == favoured).expect("favoured tokens are spoken");
            place.1 += more;
        }
        logits
    }

    /// The log-probabilities of what may follow a text, best first.
    pub fn next(&self, text: &[u8]) -> Vec<(u32, f64)> {
        let mut odds = self.logits(text.iter().fold(START, fold));
        normalise(&mut odds);
        odds.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        odds
    }
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn fold(hash: u64, byte: &u8) -> u64 {
    (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
}

/// SplitMix64's finaliser.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number between 0 and 1, neither of them.
pub fn unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

fn normalise(odds: &mut [(u32, f64)]) {
    let most = odds.iter().map(|o| o.1).fold(f64::NEG_INFINITY, f64::max);
    let total = odds.iter().map(|o| (o.1 - most).exp()).sum::<f64>().ln() + most;
    odds.iter_mut().for_each(|o| o.1 -= total);
}

/// Where the words come from.
pub enum Source {
    /// The hash.
    Pretend,
    /// A text that a test has chosen.
    Text(String),
    /// The probabilities of the only token before the end, as a test has chosen them.
    Odds(Vec<(String, f64)>),
}

/// How to speak: what the request asks for, with the server's defaults filled in.
#[derive(Clone, Debug)]
pub struct Manner {
    pub temperature: f64,
    pub top_k: usize,
    pub top_p: f64,
    pub min_p: f64,
    pub seed: u64,
    pub max_tokens: usize,
    pub stop: Vec<String>,
    pub bias: Vec<(u32, f64)>,
    /// The only answers allowed.
    pub only: Option<Vec<String>>,
    /// Whether the log-probabilities told are those among the allowed tokens; otherwise they are the raw ones.
    pub renormalise: bool,
    /// How many alternatives to tell.
    pub top: Option<usize>,
}

/// One token of an answer.
#[derive(Debug)]
pub struct Step {
    pub id: u32,
    pub token: Vec<u8>,
    pub logprob: f64,
    /// The likeliest tokens, best first, whichever was drawn.
    pub top: Vec<(u32, Vec<u8>, f64)>,
}

/// An answer.
#[derive(Debug)]
pub struct Written {
    pub text: Vec<u8>,
    /// One for each token drawn; the last may be the end.
    pub steps: Vec<Step>,
    pub finish: &'static str,
    /// What it stopped at, where that was asked for.
    pub stopped_at: Option<String>,
}

/// Writes on after `prompt`.
pub fn write(vocabulary: &Vocabulary, source: &Source, prompt: &[u8], manner: &Manner) -> Written {
    let odds;
    let (vocabulary, first): (&Vocabulary, Option<&[(String, f64)]>) = match source {
        Source::Odds(given) => {
            odds = Vocabulary::of(&given.iter().map(|(token, _)| token.clone()).collect::<Vec<_>>());
            (&odds, Some(given))
        }
        _ => (vocabulary, None),
    };
    let script = match source {
        Source::Text(text) => Some(vocabulary.cut(text.as_bytes())),
        _ => None,
    };
    let mut hash = prompt.iter().fold(START, fold);
    let mut dice = mix(manner.seed ^ 0x5eed);
    let mut written = Written { text: Vec::new(), steps: Vec::new(), finish: "length", stopped_at: None };
    while written.steps.len() < manner.max_tokens {
        let mut odds = match first {
            Some(given) if written.steps.is_empty() => (1..).zip(given).map(|(id, (_, p))| (id, p.ln())).collect(),
            Some(_) => vec![(END, 0.0)],
            None => vocabulary.logits(hash),
        };
        let due = script.as_ref().map(|script| script.get(written.steps.len()).copied().unwrap_or(END));
        if let Some(due) = due {
            odds.retain(|o| o.0 != due);
            odds.push((due, 12.0));
        }
        let allowed = |id: u32| match (&manner.only, &script) {
            (Some(only), None) => allows(only, &written.text, vocabulary.token(id)),
            _ => true,
        };
        if manner.renormalise {
            odds.retain(|o| allowed(o.0));
        }
        normalise(&mut odds);
        let may: Vec<(u32, f64)> = odds.iter().copied().filter(|o| o.1.is_finite() && allowed(o.0)).collect();
        dice = mix(dice);
        let Some(id) = due.or_else(|| draw(may, manner, unit(dice))) else {
            // A test's own distribution may leave nothing that a constraint allows.
            written.finish = "stop";
            break;
        };
        let logprob = odds.iter().find(|o| o.0 == id).map_or(-9999.0, |o| o.1);
        let top = manner.top.map_or_else(Vec::new, |k| best(&odds, k, vocabulary));
        let token = vocabulary.token(id).to_vec();
        hash = token.iter().fold(hash, fold);
        written.text.extend(&token);
        written.steps.push(Step { id, token, logprob, top });
        if id == END {
            written.finish = "stop";
            break;
        }
        let stops = manner.stop.iter().filter_map(|stop| Some((find(&written.text, stop.as_bytes())?, stop)));
        if let Some((at, stop)) = stops.min() {
            written.text.truncate(at);
            written.finish = "stop";
            written.stopped_at = Some(stop.clone());
            break;
        }
    }
    written
}

/// The log-probabilities of the tokens of a text itself, as `echo` tells them; the first has none.
pub fn reread(vocabulary: &Vocabulary, text: &[u8], top: usize) -> Vec<(Step, usize)> {
    let mut hash = START;
    let mut read = Vec::new();
    for id in vocabulary.cut(text) {
        let mut odds = vocabulary.logits(hash);
        normalise(&mut odds);
        // A byte that the model never says has a log-probability all the same: very low.
        let logprob = odds.iter().find(|o| o.0 == id).map_or(-30.0, |o| o.1);
        let rank = 1 + odds.iter().filter(|o| o.1 > logprob).count();
        let token = vocabulary.token(id).to_vec();
        hash = token.iter().fold(hash, fold);
        read.push((Step { id, token, logprob, top: best(&odds, top, vocabulary) }, rank));
    }
    read
}

fn allows(only: &[String], so_far: &[u8], token: &[u8]) -> bool {
    only.iter().any(|answer| match answer.as_bytes().strip_prefix(so_far) {
        Some(rest) if token.is_empty() => rest.is_empty(),
        Some(rest) => rest.starts_with(token),
        None => false,
    })
}

fn best(odds: &[(u32, f64)], k: usize, vocabulary: &Vocabulary) -> Vec<(u32, Vec<u8>, f64)> {
    let mut odds: Vec<(u32, f64)> = odds.iter().copied().filter(|o| o.1.is_finite()).collect();
    let order = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if k < odds.len() && k > 0 {
        odds.select_nth_unstable_by(k - 1, order);
    }
    odds.truncate(k);
    odds.sort_by(order);
    odds.into_iter().map(|(id, logprob)| (id, vocabulary.token(id).to_vec(), logprob)).collect()
}

/// Top-k, top-p and min-p, then temperature, then the die: llama.cpp's order.
fn draw(mut may: Vec<(u32, f64)>, manner: &Manner, die: f64) -> Option<u32> {
    for (id, more) in &manner.bias {
        may.iter_mut().filter(|o| o.0 == *id).for_each(|o| o.1 += more);
    }
    if may.is_empty() {
        return None;
    }
    normalise(&mut may);
    may.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    if manner.temperature <= 0.0 {
        return Some(may[0].0);
    }
    if manner.top_k > 0 {
        may.truncate(manner.top_k);
    }
    let mut before = 0.0;
    let mut within = 0;
    while within < may.len() && before < manner.top_p {
        before += may[within].1.exp();
        within += 1;
    }
    may.truncate(within.max(1));
    let floor = may[0].1 + manner.min_p.ln();
    may.retain(|o| o.1 >= floor);
    may.iter_mut().for_each(|o| o.1 /= manner.temperature);
    normalise(&mut may);
    let mut left = die;
    for (id, logprob) in &may {
        left -= logprob.exp();
        if left < 0.0 {
            return Some(*id);
        }
    }
    may.last().map(|o| o.0)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    if what.is_empty() { None } else { text.windows(what.len()).position(|window| window == what) }
}
