//! Does a sentence become less likely after the other sentences of its text? Text that is known by heart gains nothing
//! from its context, or loses by it; unknown text gains (CoDeC).

use super::text::{Detected, LEVEL, TestWords, Tested, Tried};
use crate::question::interview::{Interview, QuestionKind, Stopped, Subject};
use cratylus_audit::finding::Finding;
use cratylus_audit::memorised::{per_token, sentences};
use cratylus_core::stats::{Proportion, fisher_test};
use serde_json::json;

/// Fewer sentences make no share.
const SENTENCES_MIN: usize = 4;

pub(super) fn calls(tested: &Tested) -> u64 {
    2 * sentences(&tested.text).len() as u64
}

/// How many sentences of a text lose by their context.
struct Losing {
    name: String,
    count: u64,
    of: u64,
    mean_gain: f64,
}

impl Interview<'_> {
    pub(super) fn context(&self, condition: &str, subject: &Subject, tried: &Tried) -> Result<Finding, Stopped> {
        let words = TestWords {
            audit: QuestionKind::TextInContext,
            question: "Do sentences of the text lose likelihood after the rest of it?",
            value: "share of sentences that are less likely after the others".into(),
            statistic: "share against that of the other texts, Fisher's exact test",
            reference: 0.0,
            source: "CoDeC (arXiv 2510.27055)",
            cautions: vec!["sentences of one text stand for the samples of a data set, and are few".into()],
        };
        let mut all = Vec::new();
        for tested in [&tried.text].into_iter().chain(&tried.controls) {
            all.push(self.losing(subject, tested)?);
        }
        let of_text = all[0].is_some();
        let all: Vec<Losing> = all.into_iter().flatten().collect();
        let detected = |i: usize| {
            let one = &all[i];
            // Every text is held against the controls, itself left out.
            let others = all.iter().enumerate().filter(|(j, _)| *j > 0 && *j != i).map(|(_, other)| other);
            let (count, of) = others.fold((0, 0), |sum, other| (sum.0 + other.count, sum.1 + other.of));
            let p = if of == 0 { 1.0 } else { fisher_test([one.count, one.of - one.count], [count, of - count]) };
            let more = one.count * of > count * one.of;
            let share = Proportion::new(one.count, one.of);
            Detected {
                name: one.name.clone(),
                flagged: more && p <= LEVEL,
                value: share.share,
                interval: [share.low, share.high],
                p,
                details: json!({ "losing": one.count, "sentences": one.of, "mean_gain_nats_per_token": one.mean_gain }),
            }
        };
        let detected = of_text.then(|| (detected(0), (1..all.len()).map(detected).collect()));
        Ok(self.told(condition, words, tried, detected))
    }

    fn losing(&self, subject: &Subject, tested: &Tested) -> Result<Option<Losing>, Stopped> {
        let sentences = sentences(&tested.text);
        if sentences.len() < SENTENCES_MIN {
            return Ok(None);
        }
        let rest = |i: usize| -> String {
            let others = sentences.iter().enumerate().filter(|(j, _)| *j != i);
            others.map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join("\n")
        };
        let pairs = sentences
            .iter()
            .enumerate()
            .flat_map(|(i, sentence)| [[String::new(), sentence.clone()], [rest(i), sentence.clone()]]);
        let scored = self.score(subject, pairs.collect())?;
        // The first token has nothing before it when it stands alone, so only those that both have are compared.
        let gains: Vec<f64> = scored
            .chunks_exact(2)
            .map(|pair| {
                let n = pair[0].len().min(pair[1].len());
                per_token(&pair[1][pair[1].len() - n..]) - per_token(&pair[0][pair[0].len() - n..])
            })
            .filter(|gain| gain.is_finite())
            .collect();
        let count = gains.iter().filter(|gain| **gain < 0.0).count() as u64;
        let mean_gain = gains.iter().sum::<f64>() / gains.len() as f64;
        Ok(Some(Losing { name: tested.name.clone(), count, of: gains.len() as u64, mean_gain }))
    }
}
