//! The weights of an emulated model for one pool of names, as tables: what `emulated.rs` defines by keys in words, found
//! without making one. Patterns are paths in trees, so each round of a window is a step, and everything else has a place.
//! The numbers are added in the order of the keys, so the sums are the same to the bit; a test says so.

use crate::policy::Round;
use std::collections::BTreeMap;

/// Lags that have weights of their own; older rounds share the last.
const LAGS: usize = 5;
/// What a round can be to a candidate.
const KINDS: usize = 5;
/// What the last round can be to a candidate, and whether there is one.
const LAST: usize = 12;

/// Weights of a pattern where the window goes on behind it, and where it is all of the window.
type Both = [f64; 2];

/// All weights that can matter to agents with a pool of names and a memory.
pub struct Weights {
    /// What a name that is not in the window starts from.
    absent_start: f64,
    /// `d` and `D`, by lag and kind, and the latter by the length of the window before.
    lag: [f64; LAGS * KINDS],
    lag_at: Vec<[f64; LAGS * KINDS]>,
    /// `a`, alone and by the length of the window.
    absent: f64,
    absent_at: Vec<f64>,
    /// `p`, `q` and `l`: what rounds were to the candidate, the most recent first.
    patterns: Vec<Pattern>,
    /// `l`, by node of the tree and name.
    labelled: Vec<Both>,
    /// Whether there are any.
    labels: bool,
    /// `t`: in which order names appeared.
    shapes: Vec<Shape>,
    /// `s`, alone and by the size of the pool.
    last: [[f64; 2]; LAST],
    names: Vec<Label>,
}

#[derive(Clone, Default)]
struct Pattern {
    /// Where the tree goes on for each kind of round; 0 where it does not.
    next: [u32; KINDS],
    any: Both,
    of_class: Both,
}

#[derive(Clone, Default)]
struct Shape {
    /// By own and partner's place.
    next: Vec<([u8; 2], u32)>,
    /// By the candidate's place, the first for one that has none.
    places: Vec<Both>,
}

/// What is known of a name, in the order in which it is added.
struct Label {
    base: f64,
    last: [f64; LAST],
    length: Vec<f64>,
    in_pool: f64,
    in_pool_last: [f64; LAST],
    in_pool_length: Vec<f64>,
}

/// The place of a number as a key has it.
fn digit(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(u32::from('0'))?).ok()
}

impl Weights {
    /// Of weights by their keys, for names of a pool (`class` 2 for two of them and 3 for more; `number` where it was
    /// recorded) and windows of at most `memory` rounds. `absent_start` is what names that are not in the window start from.
    pub fn new(
        weights: &BTreeMap<String, f64>,
        names: &[String],
        class: usize,
        number: Option<usize>,
        memory: usize,
        absent_start: f64,
    ) -> Weights {
        let of = |key: String| weights.get(&key).copied().unwrap_or(0.0);
        let lags = |key: &dyn Fn(usize, usize) -> String| -> [f64; LAGS * KINDS] {
            std::array::from_fn(|i| if (1..=3).contains(&(i % KINDS)) { of(key(i / KINDS, i % KINDS)) } else { 0.0 })
        };
        let lengths = |key: &dyn Fn(usize) -> String| (0..=memory).map(|len| of(key(len))).collect::<Vec<f64>>();
        let lasts = |key: &dyn Fn(usize) -> String| -> [f64; LAST] { std::array::from_fn(|last| of(key(last))) };
        let label = |label: &String| {
            let pool = |of: &dyn Fn(usize) -> f64| number.map_or(0.0, of);
            Label {
                base: of(format!("b|{label}")),
                last: lasts(&|last| format!("bs{last}|{label}")),
                length: lengths(&|len| format!("bL{len}|{label}")),
                in_pool: pool(&|pool| of(format!("c{pool}@|{label}"))),
                in_pool_last: std::array::from_fn(|last| pool(&|pool| of(format!("c{pool}@s{last}|{label}")))),
                in_pool_length: (0..=memory).map(|len| pool(&|pool| of(format!("c{pool}@L{len}|{label}")))).collect(),
            }
        };
        let mut out = Weights {
            absent_start,
            lag: lags(&|lag, kind| format!("d{lag}{kind}")),
            lag_at: (0..=memory).map(|len| lags(&|lag, kind| format!("D{len}.{lag}{kind}"))).collect(),
            absent: of("a".into()),
            absent_at: lengths(&|len| format!("a{len}")),
            patterns: vec![Pattern::default()],
            labelled: vec![[0.0; 2]; names.len()],
            labels: false,
            shapes: vec![Shape::default()],
            last: std::array::from_fn(|last| [of(format!("s{last}")), of(format!("s{last}.{class}"))]),
            names: names.iter().map(label).collect(),
        };
        let own = number.map(|number| format!("{number}@"));
        for (key, &weight) in weights {
            let Some((kind, rest)) = key.split_at_checked(1) else { continue };
            match kind {
                "p" => {
                    if let Some((node, whole)) = out.node(rest) {
                        out.patterns[node].any[whole] = weight;
                    }
                }
                "q" => {
                    let rest = rest.strip_prefix(if class == 2 { '2' } else { '3' });
                    if let Some((node, whole)) = rest.and_then(|rest| out.node(rest)) {
                        out.patterns[node].of_class[whole] = weight;
                    }
                }
                "t" => {
                    let rest = rest.strip_prefix(if class == 2 { '2' } else { '3' });
                    rest.and_then(|rest| out.shape(rest, weight));
                }
                "l" => {
                    let rest = own.as_ref().and_then(|own| rest.strip_prefix(own.as_str())).and_then(|rest| rest.split_once('|'));
                    let name = |label: &str| names.iter().position(|name| name == label);
                    let Some((pattern, name)) = rest.and_then(|(pattern, label)| Some((pattern, name(label)?))) else { continue };
                    if let Some((node, whole)) = out.node(pattern) {
                        out.labels = true;
                        out.labelled[node * names.len() + name][whole] = weight;
                    }
                }
                _ => (),
            }
        }
        out
    }

    /// The node of a pattern, which is made where there is none, and whether it is all of a window; None of what is no pattern.
    fn node(&mut self, text: &str) -> Option<(usize, usize)> {
        let (text, whole) = text.strip_suffix('!').map_or((text, 0), |text| (text, 1));
        let mut node = 0;
        for c in text.chars() {
            let kind = usize::from(digit(c).filter(|&kind| usize::from(kind) < KINDS)?);
            if self.patterns[node].next[kind] == 0 {
                self.patterns[node].next[kind] = self.patterns.len() as u32;
                self.patterns.push(Pattern::default());
                self.labelled.resize(self.patterns.len() * self.names.len(), [0.0; 2]);
            }
            node = self.patterns[node].next[kind] as usize;
        }
        Some((node, whole))
    }

    fn shape(&mut self, text: &str, weight: f64) -> Option<()> {
        let (text, whole) = text.strip_suffix('!').map_or((text, 0), |text| (text, 1));
        let mut pairs: Vec<char> = text.chars().collect();
        let place = match pairs.pop()? {
            '-' => 0,
            c => usize::from(digit(c)?) + 1,
        };
        let mut node = 0;
        for pair in pairs.chunks(2) {
            let [own, partner] = pair else { return None };
            let step = [digit(*own)?, digit(*partner)?];
            node = match self.shapes[node].next.iter().find(|(known, _)| *known == step) {
                Some(&(_, next)) => next as usize,
                None => {
                    let next = self.shapes.len();
                    self.shapes[node].next.push((step, next as u32));
                    self.shapes.push(Shape::default());
                    next
                }
            };
        }
        let places = &mut self.shapes[node].places;
        places.resize(places.len().max(place + 1), [0.0; 2]);
        places[place][whole] = weight;
        Some(())
    }

    /// The logit of each name after a window, oldest round first, but for the sharpness.
    pub fn logits(&self, window: &[Round], out: &mut [f64]) {
        let len = window.len();
        // Names in their order of appearance, the most recent round first; and what each round is to the tree of shapes.
        let mut seen: Seen = Seen::default();
        let mut shapes: [&[Both]; PATTERN] = [&[]; PATTERN];
        let mut node = Some(0);
        for (k, round) in window.iter().rev().enumerate() {
            let step = round.map(|name| seen.place(name));
            node = node.and_then(|node: usize| {
                let next = self.shapes[node].next.iter().find(|(known, _)| *known == step);
                next.map(|&(_, next)| next as usize)
            });
            if let (Some(node), Some(shape)) = (node, shapes.get_mut(k)) {
                *shape = &self.shapes[node].places;
            }
        }
        for (candidate, (out, label)) in (0..).zip(out.iter_mut().zip(&self.names)) {
            let place = seen.names.iter().position(|&name| name == candidate);
            let absent = len > 0 && place.is_none();
            let mut sum = if absent && self.names.len() > 2 { self.absent_start } else { 0.0 };
            let kind = |&[own, partner]: &Round| match (own == candidate, partner == candidate) {
                (true, true) => 3,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) if own == partner => 4,
                (false, false) => 0,
            };
            for (lag, kind) in window.iter().rev().map(kind).enumerate() {
                if (1..=3).contains(&kind) {
                    let lag = lag.min(LAGS - 1) * KINDS + kind;
                    sum += self.lag[lag];
                    sum += self.lag_at[len][lag];
                }
            }
            if absent {
                sum += self.absent;
                sum += self.absent_at[len];
            }
            let (mut node, mut occurs) = (Some(0), false);
            for (k, kind) in window.iter().rev().map(kind).enumerate() {
                let whole = usize::from(k + 1 == len);
                occurs |= (1..=3).contains(&kind);
                node = node.map(|node: usize| self.patterns[node].next[kind] as usize).filter(|&node| node > 0);
                if let Some(node) = node {
                    sum += self.patterns[node].any[whole];
                    sum += self.patterns[node].of_class[whole];
                }
                let place = if occurs { place.map_or(0, |place| place + 1) } else { 0 };
                sum += shapes.get(k).and_then(|shape| shape.get(place)).map_or(0.0, |both| both[whole]);
                if let Some(node) = node.filter(|_| self.labels) {
                    sum += self.labelled[node * self.names.len() + usize::from(candidate)][whole];
                }
            }
            let last = match window.last().map(kind) {
                None => 0,
                Some(kind @ 1..=3) => 1 + kind + 5 * usize::from(kind < 3),
                Some(kind) => 1 + if place.is_some() { 4 } else { 5 } + 5 * usize::from(kind < 3),
            };
            sum += self.last[last][0];
            sum += self.last[last][1];
            sum += label.base;
            sum += label.last[last];
            sum += label.length[len];
            sum += label.in_pool;
            sum += label.in_pool_last[last];
            sum += label.in_pool_length[len];
            *out = sum;
        }
    }
}

/// Patterns reach back no further than what was recorded; beyond so many rounds nobody has a weight.
const PATTERN: usize = 64;

/// Names in the order in which they appear.
struct Seen {
    names: smallvec::SmallVec<[u16; 16]>,
}

impl Default for Seen {
    fn default() -> Seen {
        Seen { names: smallvec::SmallVec::new() }
    }
}

impl Seen {
    fn place(&mut self, name: u16) -> u8 {
        let found = self.names.iter().position(|&known| known == name);
        found.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }) as u8
    }
}
