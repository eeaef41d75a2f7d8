//! Whether questions about graphs are answered right, and whether what is held at the first thought tells a way that leads there
//! from one that does not.

use super::probe::{Probe, ProbeEntry, Subject, ingredient};
use crate::corpus::ingredients::graphs::ANSWER;
use crate::net::{Lane, NetShape, NetWork, ReadRow};
use crate::response::Trained;
use crate::thought::{Thought, ThoughtKind};
use serde::{Deserialize, Serialize};

pub const ENTRY: ProbeEntry = ProbeEntry::new::<Reasons>(
    "reasons",
    "how often questions about graphs are answered right, and how well the first step is known before it is said",
);

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    /// How many questions are asked.
    #[serde(default = "five_hundred")]
    pub rows: u64,
}

fn five_hundred() -> u64 {
    500
}

/// The logits after each token of some rows, with their thoughts; each row's by its own places.
fn logits(net: &Trained, rows: &[ReadRow]) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    for part in rows.chunks(100) {
        let context = part.iter().map(|row| row.tokens.len()).max().unwrap_or(0);
        let mut lane = Lane::default();
        part.iter().for_each(|row| lane.push_thinking(&row.tokens, row.from, row.thoughts.clone(), context));
        let mut work = NetWork::new(NetShape { context, ..net.shape });
        let found = work.logits_of(&net.weights, &lane);
        all.extend(found.chunks_exact(context * net.shape.vocabulary).map(<[f32]>::to_vec));
    }
    all
}

impl Probe for Reasons {
    fn ask(&self, of: &Subject<'_>) -> Result<Option<Vec<(String, f64)>>, String> {
        let portion = ingredient(of.corpus, "graphs")?;
        let words = &of.corpus.words;
        let written: Vec<_> = (0..self.rows).map(|row| of.corpus.fresh(portion, row)).collect();
        let rows: Vec<Vec<u32>> = written.iter().map(|row| words.tokens(&row.words)).collect();
        let name = |row: usize, key: &str| words.token(written[row].key[key].as_str().expect("a key of graphs"));
        let share = |right: &dyn Fn(usize) -> f64| (0..rows.len()).map(right).sum::<f64>() / rows.len() as f64;
        let better = |a: f64, b: f64| {
            if a > b {
                1.0
            } else if a == b {
                0.5
            } else {
                0.0
            }
        };
        // What has no network is asked at once.
        let Some(net) = of.net else {
            let at_once = Thought { kind: ThoughtKind::None, stages: 1, each: 1, curriculum: false };
            let next: Vec<Vec<f64>> = rows.iter().map(|row| of.model.next(&at_once.asked(words, row).tokens)).collect();
            let right = |row: usize| better(next[row][name(row, "right") as usize], next[row][name(row, "wrong") as usize]);
            return Ok(Some(vec![("answers right".into(), share(&right))]));
        };
        let thought = of.thought.unwrap_or(Thought { kind: ThoughtKind::Chain, stages: 1, each: 1, curriculum: false });
        let mut asked: Vec<ReadRow> = rows.iter().map(|row| thought.asked(words, row)).collect();
        let v = net.shape.vocabulary;
        let first = logits(net, &asked);
        // After the first thought; where there is none, after the question.
        let begins = |row: usize| match thought.kind {
            ThoughtKind::Latent | ThoughtKind::Pause => asked[row].from - thought.stages * thought.each,
            _ => asked[row].from - 1,
        };
        let way = |row: usize| {
            let at = &first[row][begins(row) * v..][..v];
            let on = f64::from(at[name(row, "on") as usize]);
            let aside = written[row].key["aside"].as_array().expect("a key of graphs");
            let aside =
                aside.iter().map(|name| better(on, f64::from(at[words.token(name.as_str().unwrap_or_default()) as usize])));
            aside.clone().sum::<f64>() / aside.count() as f64
        };
        let told_apart = share(&way);
        if thought.kind == ThoughtKind::Chain {
            // Steps are said, each the likeliest, until the answer comes.
            let answer = words.token(ANSWER);
            let most = rows.iter().zip(&asked).map(|(row, asked)| row.len() - asked.tokens.len()).max().unwrap_or(0);
            for said in 0..most {
                let next = logits(net, &asked);
                for (row, next) in asked.iter_mut().zip(next) {
                    if row.tokens.last() != Some(&answer) {
                        let at = &next[(row.tokens.len() - 1) * v..][..v];
                        let likeliest = (0..v).rev().max_by(|&a, &b| at[a].total_cmp(&at[b])).unwrap_or(0) as u32;
                        row.tokens.push(if said + 1 == most { answer } else { likeliest });
                    }
                }
            }
        }
        let last = logits(net, &asked);
        let right = |row: usize| {
            let at = &last[row][(asked[row].tokens.len() - 1) * v..][..v];
            better(f64::from(at[name(row, "right") as usize]), f64::from(at[name(row, "wrong") as usize]))
        };
        Ok(Some(vec![("answers right".into(), share(&right)), ("way told apart".into(), told_apart)]))
    }
}
